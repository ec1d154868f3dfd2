//! The same as text, for topics that people subscribe to by e-mail.

use compliance::alerts::Alert;

use super::{Standing, facts, words};
use crate::text::{cut, sanitise};

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its subject; whoever sends it fits it to what mail takes.
    pub subject: String,
    /// Its text, in lines.
    pub text: String,
}

impl Mail {
    /// A mail of one incident; the arguments are those of [`super::incident`].
    pub fn of_incident(details: &Alert, standing: Standing<'_>) -> Self {
        let title = words::title(details, standing);
        let key = &details.key;
        let mut lines = vec![title, format!("{}.", words::status(standing)), String::new()];
        lines.push(format!("Rule: {}", line(&key.rule)));
        lines.extend(
            details
                .description
                .as_ref()
                .map(|text| words::checks(&line(text))),
        );
        let mut add = |name: &str, text: &str| lines.push(format!("{name}: {text}"));
        add(
            "Resource",
            &format!("{} {}", line(&key.resource_type), line(&key.resource_id)),
        );
        for (name, text) in facts::place(details).into_iter().chain(facts::advice(details)) {
            add(name, &text);
        }
        lines.extend(
            words::history(details)
                .iter()
                .map(|sentence| format!("{sentence}.")),
        );
        lines.push(String::new());
        lines.extend(links(details));
        lines.extend(
            words::footer(details)
                .iter()
                .map(|sentence| format!("{sentence}.")),
        );
        Self {
            subject: words::subject(details, standing),
            text: lines.join("\n"),
        }
    }
}

/// The links as they are: a mail has no limit that they could break.
fn links(alert: &Alert) -> Vec<String> {
    let console = &alert.console;
    let mut links = vec![
        format!("Resource timeline: {}", sanitise(&console.timeline)),
        format!("Rule in AWS Config: {}", sanitise(&console.rule)),
    ];
    links.extend(
        alert
            .link
            .iter()
            .map(|link| format!("Read more: {}", sanitise(link))),
    );
    links
}

/// A text of any length on one line of a mail.
pub(super) fn line(text: &str) -> String {
    cut(text, 1_500)
}

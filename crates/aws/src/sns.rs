//! An SNS topic as a notifier.

use std::sync::Arc;

use aws_sdk_sns::Client;
use compliance::ports::{Notifier, PortError};

use crate::caller::Caller;

const SERVICE: &str = "Notify";
/// What SNS takes of a subject, in characters, and of a text, in bytes.
const SUBJECT: usize = 100;
const TEXT: usize = 256 * 1024;

/// Publishes to one topic.
#[derive(Debug, Clone)]
pub struct SnsNotifier {
    client: Client,
    caller: Arc<Caller>,
    topic_arn: String,
}

impl SnsNotifier {
    pub(crate) fn new(client: Client, caller: Arc<Caller>, topic_arn: String) -> Self {
        Self {
            client,
            caller,
            topic_arn,
        }
    }
}

impl Notifier for SnsNotifier {
    async fn notify(&self, subject: &str, text: &str) -> Result<(), PortError> {
        let (subject, text) = (fitted_subject(subject), fitted_text(text));
        let attempt = || {
            let call = self.client.publish().topic_arn(&self.topic_arn);
            call.set_subject(subject.clone()).message(text.as_str()).send()
        };
        let published = self.caller.call("Publish", attempt).await;
        published.map(drop).map_err(|failure| {
            let doing = format!("cannot publish to {}", self.topic_arn);
            failure.port_error(
                SERVICE,
                &doing,
                "sns:Publish (and kms:GenerateDataKey and kms:Decrypt on its key)",
            )
        })
    }
}

/// A subject as SNS takes it: printable ASCII in one line, not longer than it allows; `None` when nothing is left.
fn fitted_subject(subject: &str) -> Option<String> {
    let printable = |letter: char| match letter {
        letter if letter.is_whitespace() || letter.is_control() => ' ',
        letter if letter.is_ascii() => letter,
        _ => '?',
    };
    let line: String = subject.trim().chars().map(printable).collect();
    let fitted = match line.char_indices().nth(SUBJECT) {
        None => line,
        Some(_) => line.chars().take(SUBJECT - 3).collect::<String>() + "...",
    };
    Some(fitted).filter(|fitted| !fitted.is_empty())
}

/// A text as SNS takes it: one that is too long is cut, and says so.
fn fitted_text(text: &str) -> String {
    if text.len() <= TEXT {
        return text.to_owned();
    }
    let note = format!(
        "\n[cut: the whole text has {} bytes, and SNS takes {TEXT}]",
        text.len()
    );
    let room = text.floor_char_boundary(TEXT - note.len());
    format!("{}{note}", &text[..room])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_made_to_fit() {
        let check = |subject: &str, expected: Option<&str>| {
            assert_eq!(fitted_subject(subject).as_deref(), expected, "{subject:?}");
        };
        check("Daily report", Some("Daily report"));
        check(" Zwölf\nZeilen\u{7}", Some("Zw?lf Zeilen "));
        check("", None);
        check(" \n", None);
        check(&"x".repeat(100), Some(&"x".repeat(100)));
        check(&"é".repeat(101), Some(&("?".repeat(97) + "...")));
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_says_so() {
        assert_eq!(fitted_text("short"), "short");
        let cut = fitted_text(&"é".repeat(200_000));
        assert!(cut.len() <= TEXT && cut.len() > TEXT - 2, "{}", cut.len());
        assert!(
            cut.ends_with("[cut: the whole text has 400000 bytes, and SNS takes 262144]"),
            "{}",
            &cut[cut.len() - 80..]
        );
    }
}

//! What a message of one incident says, whatever form it takes.

use compliance::alerts::Alert;

use super::words;
use crate::text::cut;
use crate::url::Url;

/// Characters that the links of a message may take together, so that everything else has room beside them.
const LINKS: usize = 1_300;

/// A name and what it names.
pub(super) type Fact = (&'static str, String);

/// Where it is.
pub(super) fn place(alert: &Alert) -> Vec<Fact> {
    let unit = alert.organizational_unit.as_deref().unwrap_or("not known");
    vec![
        ("Account", words::account(alert)),
        ("Organizational unit", cut(unit, 150)),
        ("Region", words::region(alert)),
        ("Result", words::transition(alert)),
    ]
}

/// Why, and what to do, as far as anybody has said.
pub(super) fn advice(alert: &Alert) -> Vec<Fact> {
    let reason = alert.annotation.as_ref().map(|reason| cut(reason, 300));
    let silent = || {
        alert
            .new
            .is_noncompliant()
            .then(|| "the rule gives none".to_owned())
    };
    let guidance = alert.guidance.as_ref().filter(|_| alert.new.is_noncompliant());
    let mut facts = Vec::new();
    facts.extend(reason.or_else(silent).map(|reason| ("Reason", reason)));
    facts.extend(guidance.map(|guidance| ("What to do", cut(guidance, 600))));
    facts
}

/// Links in the order of their use, and the names of those that Slack would not take.
pub(super) fn links(alert: &Alert) -> (Vec<(&'static str, Url)>, Vec<&'static str>) {
    let mut all = vec![
        ("Resource timeline", alert.console.timeline.as_str()),
        ("Rule", alert.console.rule.as_str()),
    ];
    all.extend(alert.link.as_deref().map(|link| ("Read more", link)));
    let (mut links, mut left_out, mut taken) = (Vec::new(), Vec::new(), 0);
    for (name, link) in all {
        match Url::new(link).filter(|url| taken + url.as_str().len() <= LINKS) {
            Some(url) => {
                taken += url.as_str().len();
                links.push((name, url));
            }
            None => left_out.push(name),
        }
    }
    (links, left_out)
}

//! The sentences of alerts.

use compliance::Timestamp;
use compliance::alerts::{Alert, Word};
use compliance::catalogue::Severity;
use compliance::evaluation::GLOBAL;
use compliance::events::EventCompliance;
use compliance::exceptions::ExceptionState;
use compliance::text;

use super::Standing;
use crate::text::cut;

/// Before every title of an event that was sent to try the path.
pub(super) fn mark(is_smoke_test: bool) -> &'static str {
    if is_smoke_test { "SMOKE TEST · " } else { "" }
}

/// What a rule checks, which descriptions of AWS's begin to say themselves.
pub(super) fn checks(description: &str) -> String {
    match description.starts_with("Checks ") {
        true => description.to_owned(),
        false => format!("Checks: {description}"),
    }
}

/// `High`; `Unrated` where the rule has no severity.
pub(super) fn severity(alert: &Alert) -> &'static str {
    match alert.severity {
        Some(Severity::Critical) => "Critical",
        Some(Severity::High) => "High",
        Some(Severity::Medium) => "Medium",
        Some(Severity::Low) => "Low",
        Some(Severity::Informational) => "Informational",
        None => "Unrated",
    }
}

/// What has become of it, in a word or three.
pub(super) fn state(word: Word, now: EventCompliance) -> &'static str {
    match (word, now) {
        (Word::Opened, _) => "Noncompliant",
        (Word::Reopened, _) => "Noncompliant again",
        (Word::Resolved, EventCompliance::NotApplicable) => "No longer applicable",
        (Word::Resolved, EventCompliance::InsufficientData) => "No data any more",
        (Word::Resolved, _) => "Resolved",
    }
}

/// `SMOKE TEST · Noncompliant · High · restricted-ssh`.
pub(super) fn title(details: &Alert, standing: Standing<'_>) -> String {
    format!(
        "{}{} · {} · {}",
        mark(details.is_smoke_test),
        state(standing.word, standing.alert.new),
        severity(details),
        cut(&details.key.rule, 100)
    )
}

/// `Plumbline alert: noncompliant, high: restricted-ssh in payments (111122223333)`, without what a subject may not hold.
pub(super) fn subject(details: &Alert, standing: Standing<'_>) -> String {
    let smoke = if details.is_smoke_test { "SMOKE TEST: " } else { "" };
    format!(
        "{smoke}Plumbline alert: {}, {}: {} in {}",
        state(standing.word, standing.alert.new).to_lowercase(),
        severity(details).to_lowercase(),
        cut(&details.key.rule, 100),
        account(details)
    )
}

/// Where it stands, as one sentence without its full stop.
pub(super) fn status(standing: Standing<'_>) -> String {
    let alert = standing.alert;
    let at = text::minute(alert.result_recorded_time);
    match standing.word {
        Word::Opened if alert.old.is_none() => {
            format!("Noncompliant at its first evaluation, {at}")
        }
        Word::Opened => format!("Noncompliant since {at}"),
        Word::Reopened => format!(
            "Noncompliant again since {at}{}",
            times(standing, "the ", " time")
        ),
        Word::Resolved => format!("{} ({at}){}", closed(alert), counted(standing)),
    }
}

/// `Resolved after 12 min`, or what else ended it.
fn closed(alert: &Alert) -> String {
    let after = duration(alert);
    match alert.new {
        EventCompliance::NotApplicable => {
            format!(
                "No longer applicable after {after}: the rule has nothing to say of the resource, which may be gone"
            )
        }
        EventCompliance::InsufficientData => {
            format!("No data any more after {after}: AWS Config does not know, which is not resolved")
        }
        EventCompliance::Compliant | EventCompliance::NonCompliant => format!("Resolved after {after}"),
    }
}

/// How long the last stretch of noncompliance was.
fn duration(alert: &Alert) -> String {
    let seconds = alert
        .result_recorded_time
        .duration_since(alert.opened_at)
        .as_secs();
    match seconds {
        ..0 => "a time that is not known".to_owned(),
        0..60 => "less than a minute".to_owned(),
        _ => text::duration(seconds as f64),
    }
}

/// `, the 3rd time since 2026-11-21 10:00 UTC`.
fn times(standing: Standing<'_>, before: &str, after: &str) -> String {
    let times = format!(", {before}{}{after}", ordinal(standing.alert.times));
    times + &since(standing)
}

/// `, noncompliant 3 times since 2026-11-21 10:00 UTC`; nothing for once.
fn counted(standing: Standing<'_>) -> String {
    match standing.alert.times {
        0 | 1 => String::new(),
        times => format!(", noncompliant {times} times{}", since(standing)),
    }
}

fn since(standing: Standing<'_>) -> String {
    let minute = |since: Timestamp| format!(" since {}", text::minute(since));
    standing.since.map_or_else(String::new, minute)
}

/// `1st`, `2nd`, `11th`.
fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `COMPLIANT → NON_COMPLIANT`.
pub(super) fn transition(alert: &Alert) -> String {
    let old = alert.old.map_or("not evaluated", EventCompliance::as_str);
    format!("{old} → {}", alert.new.as_str())
}

/// The account's name, else its id.
pub(super) fn account(alert: &Alert) -> String {
    let id = &alert.key.account_id;
    match alert
        .account_name
        .as_deref()
        .filter(|name| !name.trim().is_empty())
    {
        Some(name) => format!("{} ({})", cut(name, 60), cut(id, 20)),
        None => cut(id, 20),
    }
}

/// The region; of a resource that exists once per account, the one that recorded the result as well.
pub(super) fn region(alert: &Alert) -> String {
    let region = cut(&alert.aws_region, 40);
    if alert.key.aws_region == GLOBAL {
        format!("global, recorded in {region}")
    } else {
        region
    }
}

/// What was known of the pair before, one sentence each.
pub(super) fn history(alert: &Alert) -> Vec<String> {
    let mut sentences = vec![
        match alert.last_change {
            Some(at) => format!("Last change before: {}", text::minute(at)),
            None => "No earlier change is known".to_owned(),
        },
        match alert.last_noncompliant {
            Some(at) => format!("Last noncompliant before: {}", text::minute(at)),
            None => "Not known to have been noncompliant before".to_owned(),
        },
    ];
    sentences.extend(alert.exception.as_ref().map(|exception| {
        let id = cut(&exception.id, 60);
        let last = exception.expires;
        let state = match exception.state {
            ExceptionState::Expired => format!("expired, its last day was {last}"),
            ExceptionState::NotYetApproved => format!("not yet in force, its last day is {last}"),
            ExceptionState::Active | ExceptionState::Expiring => format!("in force until {last}"),
        };
        format!("Exception {id} is {state}: {}", cut(&exception.reason, 150))
    }));
    sentences
}

/// What a message is told apart by, and where its times are from.
pub(super) fn footer(alert: &Alert) -> Vec<String> {
    let recorded = alert.result_recorded_time.strftime("%Y-%m-%d %H:%M:%S UTC");
    vec![
        format!("Result recorded {recorded}"),
        format!("Deployed as {}", cut(&alert.config_rule_name, 150)),
        format!("Incident {}", cut(&alert.incident, 20)),
    ]
}

/// `High: restricted-ssh is noncompliant in payments (111122223333), eu-west-1: AWS::EC2::SecurityGroup sg-1.`, by which a
/// notification can be acted on.
pub(super) fn spoken(details: &Alert, standing: Standing<'_>) -> String {
    let key = &details.key;
    format!(
        "{}: {} {} in {}, {}. {}.",
        title(details, standing),
        cut(&key.resource_type, 100),
        cut(&key.resource_id, 800),
        account(details),
        region(details),
        status(standing)
    )
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn ordinals_are_read_as_people_say_them() {
        let said: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 113].map(ordinal).into();
        let expect = [
            "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th", "113th",
        ];
        assert_eq!(said, expect);
    }
}

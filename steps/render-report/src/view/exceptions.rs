//! The register of exceptions: who accepted what, until when, and what it covers now.

use compliance::exceptions::{ExceptionEntry, ExceptionSettings, ExceptionState};
use compliance::scorecard::Scorecard;
use compliance::text as format;
use serde::Serialize;

use super::text::{self, SeverityCell};

#[derive(Debug, Clone, Serialize)]
pub(super) struct ExceptionsSection {
    intro: String,
    /// What needs somebody; empty when nothing does.
    warnings: Vec<String>,
    entries: Vec<EntryRow>,
}

#[derive(Debug, Clone, Serialize)]
struct EntryRow {
    id: String,
    /// As a word, and a key for its style.
    state: &'static str,
    alarming: bool,
    rule: String,
    severity: SeverityCell,
    scope: String,
    reason: String,
    owner: String,
    approver: String,
    approved: String,
    expires: String,
    days: String,
    pairs: String,
    flags: String,
}

pub(super) fn section(scorecard: &Scorecard) -> ExceptionsSection {
    ExceptionsSection {
        intro: intro(scorecard),
        warnings: warnings(scorecard),
        entries: scorecard.exceptions.entries.iter().map(row).collect(),
    }
}

fn intro(scorecard: &Scorecard) -> String {
    let exceptions = &scorecard.exceptions;
    if exceptions.entries.is_empty() {
        return "The settings have no exceptions.".to_owned();
    }
    let new = match exceptions.new {
        0 => String::new(),
        new => format!(", {} of them new", format::count(new)),
    };
    format!(
        "{} of {} {} under an exception in force{new}. No score changes because of that: they count as noncompliant \
         everywhere, and are only left out of what to fix first.",
        format::count(exceptions.noncompliant),
        format::plural(
            scorecard.organization.pairs.noncompliant,
            "noncompliant pair",
            "noncompliant pairs"
        ),
        if exceptions.noncompliant == 1 { "is" } else { "are" },
    )
}

fn warnings(scorecard: &Scorecard) -> Vec<String> {
    let exceptions = &scorecard.exceptions;
    let mut warnings = Vec::new();
    let (expired, reopened) = exceptions
        .in_state(ExceptionState::Expired)
        .fold((0, 0), |(count, pairs), entry| (count + 1, pairs + entry.pairs));
    if expired > 0 {
        warnings.push(format!(
            "{} expired: {} in scope, no longer accepted",
            format::plural(expired, "exception has", "exceptions have"),
            format::plural(reopened, "noncompliant pair", "noncompliant pairs")
        ));
    }
    let expiring = exceptions.in_state(ExceptionState::Expiring).count() as u64;
    if expiring > 0 {
        warnings.push(format!(
            "{} within 14 days",
            format::plural(expiring, "exception expires", "exceptions expire")
        ));
    }
    let unmatched = exceptions
        .entries
        .iter()
        .filter(|entry| entry.state.in_force() && entry.pairs == 0);
    let unmatched = unmatched.count() as u64;
    if unmatched > 0 {
        warnings.push(format!(
            "{} nothing: what they were for is compliant, gone, not collected, or not what they name",
            format::plural(unmatched, "exception matches", "exceptions match")
        ));
    }
    warnings
}

fn row(entry: &ExceptionEntry) -> EntryRow {
    let unmatched = entry.pairs == 0 && entry.state.in_force();
    EntryRow {
        id: text::shown(&entry.id),
        state: if unmatched && entry.state == ExceptionState::Active {
            "Matches nothing"
        } else {
            entry.state.title()
        },
        alarming: unmatched || entry.state != ExceptionState::Active,
        rule: text::shown(&entry.rule),
        severity: text::severity(entry.severity),
        scope: scope(&entry.terms),
        reason: text::shown(&entry.terms.reason),
        owner: text::shown(&entry.terms.owner),
        approver: text::shown(&entry.terms.approver),
        approved: entry.terms.approved.to_string(),
        expires: entry.terms.expires.to_string(),
        days: days(entry.days_left),
        pairs: text::count(entry.pairs),
        flags: flags(entry).join("; "),
    }
}

/// `accounts 111122223333; regions eu-west-1, eu-*`, or everywhere.
pub(crate) fn scope(terms: &ExceptionSettings) -> String {
    let parts: [(&str, &[String]); 5] = [
        ("accounts", &terms.accounts),
        ("units", &terms.organizational_units),
        ("regions", &terms.regions),
        ("types", &terms.resource_types),
        ("resources", &terms.resource_ids),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(_, patterns)| !patterns.is_empty())
        .map(|(name, patterns)| format!("{name} {}", text::shown(&patterns.join(", "))))
        .collect();
    if said.is_empty() {
        "everywhere".to_owned()
    } else {
        said.join("; ")
    }
}

fn days(left: i32) -> String {
    let days = |number: u32| format::plural(u64::from(number), "day", "days");
    match left {
        0 => "last day".to_owned(),
        left if left > 0 => text::unbroken(&format!("{} left", days(left.unsigned_abs()))),
        left => text::unbroken(&format!("{} ago", days(left.unsigned_abs()))),
    }
}

/// What an auditor asks about.
pub(crate) fn flags(entry: &ExceptionEntry) -> Vec<&'static str> {
    let flags = [
        (entry.self_approved, "approved by its owner"),
        (entry.long_term, "term over one year"),
        (entry.pairs == 0, "matches nothing"),
        (
            entry.state.in_force() && entry.pairs > entry.speaks_for,
            "another exception speaks for some of its pairs",
        ),
    ];
    flags
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, flag)| flag)
        .collect()
}

//! The full lists, grouped by account to save width. Nothing is left out.

use std::collections::BTreeMap;

use compliance::scorecard::{Lists, PairRow, Scorecard};
use compliance::text as format;
use jiff::Timestamp;
use serde::Serialize;

use super::text::{self, SeverityCell};

/// A list with what its last column says.
#[derive(Debug, Clone, Serialize)]
pub(super) struct List {
    title: &'static str,
    intro: String,
    /// Title of the column of times.
    time_title: &'static str,
    /// Title of the last column; none leaves it out.
    extra_title: Option<&'static str>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Serialize)]
struct Group {
    account: String,
    id: String,
    count: String,
    rows: Vec<PairCells>,
}

/// A pair, as cells.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PairCells {
    severity: SeverityCell,
    rule: String,
    resource: String,
    resource_type: String,
    region: String,
    age: String,
    date: String,
    extra: String,
    annotation: String,
}

/// What the last column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    /// Nothing: there is no such column.
    Nothing,
    /// What changed the pair.
    Cause,
    /// When it was resolved.
    Resolved,
    /// The account, where rows are not grouped by it.
    Account,
}

pub(super) fn sections(scorecard: &Scorecard, lists: &Lists) -> Vec<List> {
    let mut out = Vec::new();
    if scorecard.baseline.is_some() {
        out.push(list(scorecard, "New", &lists.new, Extra::Cause));
        out.push(list(scorecard, "Resolved", &lists.resolved, Extra::Resolved));
        out.push(list(scorecard, "Vanished", &lists.vanished, Extra::Cause));
    }
    out.push(list(
        scorecard,
        "Noncompliant",
        &lists.noncompliant,
        Extra::Nothing,
    ));
    out
}

fn list(scorecard: &Scorecard, title: &'static str, rows: &[PairRow], extra: Extra) -> List {
    let groups = groups(scorecard, rows, extra);
    let what = match title {
        "New" => "noncompliant now and not at the baseline",
        "Resolved" => "noncompliant at the baseline and compliant now",
        "Vanished" => "noncompliant at the baseline and without a result now, with the cause",
        _ => "noncompliant now",
    };
    List {
        title,
        intro: if rows.is_empty() {
            format!("No pair is {what}.")
        } else {
            format!(
                "{} in {}: {what}. Nothing is left out.",
                format::plural(rows.len() as u64, "pair", "pairs"),
                format::plural(groups.len() as u64, "account", "accounts")
            )
        },
        time_title: if extra == Extra::Resolved {
            "Was open, since"
        } else {
            "Open for, since"
        },
        extra_title: match extra {
            Extra::Nothing => None,
            Extra::Cause => Some("Cause"),
            Extra::Resolved => Some("Resolved"),
            Extra::Account => Some("Account"),
        },
        groups,
    }
}

/// By account id, keeping the order of the list within.
fn groups(scorecard: &Scorecard, rows: &[PairRow], extra: Extra) -> Vec<Group> {
    let mut by_account: BTreeMap<&str, Vec<&PairRow>> = BTreeMap::new();
    for row in rows {
        by_account.entry(&row.key.account_id).or_default().push(row);
    }
    by_account
        .into_iter()
        .map(|(id, rows)| Group {
            account: text::shown(
                rows.iter()
                    .find_map(|row| row.account_name.as_deref())
                    .unwrap_or_default(),
            ),
            id: text::shown(id),
            count: format::plural(rows.len() as u64, "pair", "pairs"),
            rows: rows.into_iter().map(|row| cells(scorecard, row, extra)).collect(),
        })
        .collect()
}

pub(super) fn cells(scorecard: &Scorecard, row: &PairRow, extra: Extra) -> PairCells {
    let end = row.resolved_at.unwrap_or(scorecard.as_of);
    let age = row.noncompliant_since.map(|since| seconds_between(since, end));
    PairCells {
        severity: text::severity(row.severity),
        rule: text::shown(&row.key.rule),
        resource: text::shown(&row.key.resource_id),
        resource_type: text::shown(&row.key.resource_type),
        region: text::shown(&row.key.aws_region),
        age: text::duration(age, row.since_at_least),
        date: row.noncompliant_since.map(format::day).unwrap_or_default(),
        extra: extra_cell(row, extra),
        annotation: annotation(row),
    }
}

fn extra_cell(row: &PairRow, extra: Extra) -> String {
    match extra {
        Extra::Nothing => String::new(),
        Extra::Cause => row
            .cause
            .map(|cause| cause.title().to_owned())
            .unwrap_or_default(),
        Extra::Resolved => row.resolved_at.map(format::minute).unwrap_or_default(),
        Extra::Account => text::shown(row.account_name.as_deref().unwrap_or(&row.key.account_id)),
    }
}

fn annotation(row: &PairRow) -> String {
    let text = text::shown(row.annotation.as_deref().unwrap_or_default());
    if row.annotation_reused && !text.is_empty() {
        format!("{text} (read by an earlier run)")
    } else {
        text
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

//! New, resolved and vanished noncompliance, grouped.

use std::collections::{BTreeMap, BTreeSet};

use compliance::catalogue::Severity;
use compliance::scorecard::{Cause, Lists, PairRow, Scorecard};
use compliance::text as format;
use serde::Serialize;

use super::lists::{self, PairCells};
use super::text::{self, SeverityCell};

/// Rules named per table; what is left out is said, and in the full lists.
const TOP_RULES: usize = 15;
/// New pairs shown here.
const TOP_PAIRS: usize = 10;

#[derive(Debug, Clone, Serialize)]
pub(super) struct MovementSection {
    sentence: String,
    new_rules: Grouped,
    new_pairs: Vec<PairCells>,
    new_pairs_left: Option<String>,
    resolved_rules: Grouped,
    vanished: Vec<VanishedRow>,
}

/// Pairs grouped by rule.
#[derive(Debug, Clone, Serialize)]
struct Grouped {
    rows: Vec<RuleRow>,
    left: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct RuleRow {
    severity: SeverityCell,
    rule: String,
    pairs: String,
    accounts: String,
}

#[derive(Debug, Clone, Serialize)]
struct VanishedRow {
    cause: &'static str,
    pairs: String,
    meaning: &'static str,
}

pub(super) fn section(scorecard: &Scorecard, lists: &Lists) -> MovementSection {
    let movement = scorecard.movement;
    MovementSection {
        sentence: format!(
            "{} new, {} resolved, {} vanished and {} still open since the baseline.",
            format::count(movement.new),
            format::count(movement.resolved),
            format::count(movement.vanished),
            format::count(movement.still)
        ),
        new_rules: by_rule(&lists.new),
        new_pairs: lists
            .new
            .iter()
            .take(TOP_PAIRS)
            .map(|row| lists::cells(scorecard, row, lists::Extra::Account))
            .collect(),
        new_pairs_left: left(lists.new.len(), TOP_PAIRS, "pair", "pairs"),
        resolved_rules: by_rule(&lists.resolved),
        vanished: vanished(&lists.vanished),
    }
}

fn left(total: usize, shown: usize, one: &str, many: &str) -> Option<String> {
    let left = total.saturating_sub(shown) as u64;
    (left > 0).then(|| {
        format!(
            "And {} more, all in the full lists.",
            format::plural(left, one, many)
        )
    })
}

/// By rule, most severe first (unrated as medium), then most pairs first.
fn by_rule(rows: &[PairRow]) -> Grouped {
    let mut groups: BTreeMap<&str, (Option<Severity>, u64, BTreeSet<&str>)> = BTreeMap::new();
    for row in rows {
        let group = groups.entry(&row.key.rule).or_default();
        group.0 = row.severity;
        group.1 += 1;
        group.2.insert(&row.key.account_id);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(rule, (severity, pairs, _))| {
        (
            severity.unwrap_or(Severity::Medium),
            std::cmp::Reverse(*pairs),
            *rule,
        )
    });
    Grouped {
        left: left(groups.len(), TOP_RULES, "rule", "rules"),
        rows: groups
            .into_iter()
            .take(TOP_RULES)
            .map(|(rule, (severity, pairs, accounts))| RuleRow {
                severity: text::severity(severity),
                rule: text::shown(rule),
                pairs: text::count(pairs),
                accounts: text::count(accounts.len() as u64),
            })
            .collect(),
    }
}

fn vanished(rows: &[PairRow]) -> Vec<VanishedRow> {
    Cause::ALL
        .into_iter()
        .filter_map(|cause| {
            let pairs = rows.iter().filter(|row| row.cause == Some(cause)).count() as u64;
            (pairs > 0).then(|| VanishedRow {
                cause: cause.title(),
                pairs: text::count(pairs),
                meaning: meaning(cause),
            })
        })
        .collect()
}

fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::NotCollected => "Its account and region were not collected now: it may still be noncompliant.",
        Cause::AccountLeft => "Its account has no source in the aggregator any more.",
        Cause::RuleRemoved => "The rule has no results in the account any more.",
        Cause::ResourceDeleted => "The resource has no results any more.",
        Cause::NoLongerEvaluated => "Rule and resource are both there, but not evaluated together any more.",
        _ => "",
    }
}

//! The thread: what changed, by severity and rule, then accounts and rules.

use std::collections::BTreeMap;

use compliance::catalogue::Severity;
use compliance::fix_first::Repair;
use compliance::scorecard::{AccountScore, Completeness, Lists, PairRow, RuleScore, Scorecard};
use compliance::text;

use super::words;
use crate::and_more;
use crate::block::Block;
use crate::limits;
use crate::message::{Message, Part, pages};
use crate::table::{Align, Column, DataTable};
use crate::text::{Mrkdwn, raw};

/// Messages of one list; the report has the rest.
const PAGES: usize = 3;
/// Rows drawn of one rule. With the lengths below, a group of them fits a section.
const ROWS: usize = 10;
/// Messages of one table.
const TABLES: usize = 2;
/// Characters of a message a table may take, leaving room for the title and the line about the rest.
const TABLE_BUDGET: usize = limits::MESSAGE - 1_600;

/// What became noncompliant.
pub(super) fn new(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    changes(scorecard, "New noncompliance", &lists.new, severity)
}

/// What became compliant.
pub(super) fn resolved(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    changes(scorecard, "Resolved", &lists.resolved, severity)
}

/// What has no result any more, by cause.
pub(super) fn vanished(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    changes(
        scorecard,
        "Vanished, which is not resolved",
        &lists.vanished,
        cause,
    )
}

/// Everything that is noncompliant now.
pub(super) fn noncompliant(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    changes(scorecard, "Noncompliant now", &lists.noncompliant, severity)
}

/// A group's place in the list and its heading. An unrated rule stands after medium, as which it weighs.
type Heading = ((Severity, bool), &'static str);

fn severity(row: &PairRow) -> Heading {
    let place = (row.severity.unwrap_or(Severity::Medium), row.severity.is_none());
    (place, row.severity.map_or("unrated", Severity::as_str))
}

fn cause(row: &PairRow) -> Heading {
    (
        severity(row).0,
        row.cause.map_or("cause not stated", |cause| cause.title()),
    )
}

fn changes(
    scorecard: &Scorecard,
    name: &str,
    rows: &[PairRow],
    heading: fn(&PairRow) -> Heading,
) -> Vec<Message> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut groups: BTreeMap<(Heading, &str), Vec<&PairRow>> = BTreeMap::new();
    for row in rows {
        groups.entry((heading(row), &row.key.rule)).or_default().push(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(((place, _), _), rows)| (*place, std::cmp::Reverse(rows.len())));
    let total = rows.len() as u64;
    let title = format!("{}{name}: {}", words::mark(scorecard), text::count(total));
    let spoken = format!(
        "{title} in {}",
        text::plural(groups.len() as u64, "group", "groups")
    );
    let parts = groups
        .iter()
        .map(|(((_, heading), rule), rows)| group(heading, rule, rows))
        .collect();
    pages((&title, &spoken), parts, total, PAGES, "in the report")
}

fn group(heading: &str, rule: &str, rows: &[&PairRow]) -> Part {
    let count = rows.len() as u64;
    let head = Mrkdwn::new()
        .bold(heading)
        .text(" · ")
        .code(rule, 130)
        .text(&format!(" · {}", text::count(count)));
    let left_out = rows.len().saturating_sub(ROWS);
    let more = (left_out > 0).then(|| Mrkdwn::new().text(&and_more(left_out as u64, "in the report")));
    let lines = [head]
        .into_iter()
        .chain(rows.iter().take(ROWS).map(|row| pair(row)))
        .chain(more);
    Part {
        block: Block::section(&Mrkdwn::lines(lines)),
        items: count,
    }
}

fn pair(row: &PairRow) -> Mrkdwn {
    let key = &row.key;
    Mrkdwn::new()
        .text("• ")
        .then(words::account(&key.account_id, row.account_name.as_deref()))
        .text(" · ")
        .code(&key.aws_region, 25)
        .text(" · ")
        .code(&key.resource_type, 50)
        .text(" ")
        .code(&key.resource_id, 110)
}

/// Every repair, the one that gains most first.
pub(super) fn repairs(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    let columns = [
        ("Rule", Align::Left),
        ("Account", Align::Left),
        ("Id", Align::Left),
        ("Severity", Align::Left),
        ("Weighted points", Align::Right),
        ("Points", Align::Right),
        ("Pairs", Align::Right),
        ("Score then", Align::Right),
    ];
    table(
        scorecard,
        ("Fix first", "Most points on the weighted score first"),
        &columns,
        &lists.repairs,
        repair_row,
    )
}

fn repair_row(_: &Scorecard, repair: &Repair) -> Vec<String> {
    let account = repair.account_name.as_deref().unwrap_or_default();
    vec![
        raw(&repair.rule, 130),
        raw(account, 60),
        repair.account_id.clone(),
        repair.severity.map_or("unrated", Severity::as_str).to_owned(),
        text::points(repair.gain.weighted),
        text::points(repair.gain.compliance),
        text::count(repair.pairs),
        text::score(Some(repair.organization_after.compliance)),
    ]
}

/// Every account, lowest score first.
pub(super) fn accounts(scorecard: &Scorecard) -> Vec<Message> {
    let columns = [
        ("Account", Align::Left),
        ("Id", Align::Left),
        ("Score", Align::Right),
        ("Change", Align::Right),
        ("Noncompliant", Align::Right),
        ("New", Align::Right),
        ("Resolved", Align::Right),
        ("Trend", Align::Left),
        ("Coverage", Align::Left),
    ];
    table(
        scorecard,
        ("Accounts", "Lowest score first"),
        &columns,
        &scorecard.accounts,
        account_row,
    )
}

fn account_row(scorecard: &Scorecard, account: &AccountScore) -> Vec<String> {
    let coverage = match account.completeness {
        Completeness::Complete => "complete",
        Completeness::Partial => "partial",
        Completeness::Missing => "missing",
    };
    vec![
        raw(words::account_name(account), 60),
        account.account_id.clone(),
        text::score(account.scores.compliance_score),
        words::change(account.change),
        text::count(account.scores.pairs.noncompliant),
        words::compared(scorecard, account.movement.new),
        words::compared(scorecard, account.movement.resolved),
        words::direction(account.direction).to_owned(),
        coverage.to_owned(),
    ]
}

/// Every rule, most noncompliant pairs first.
pub(super) fn rules(scorecard: &Scorecard) -> Vec<Message> {
    let columns = [
        ("Rule", Align::Left),
        ("Severity", Align::Left),
        ("Score", Align::Right),
        ("Change", Align::Right),
        ("Noncompliant", Align::Right),
        ("Accounts", Align::Right),
        ("New", Align::Right),
        ("Resolved", Align::Right),
    ];
    table(
        scorecard,
        ("Rules", "Most noncompliant first"),
        &columns,
        &scorecard.rules,
        rule_row,
    )
}

fn rule_row(scorecard: &Scorecard, rule: &RuleScore) -> Vec<String> {
    vec![
        raw(&rule.metadata.rule, 130),
        rule.metadata
            .severity
            .map_or("unrated", Severity::as_str)
            .to_owned(),
        text::score(rule.scores.compliance_score),
        words::change(rule.change),
        text::count(rule.scores.pairs.noncompliant),
        text::count(rule.accounts_noncompliant),
        words::compared(scorecard, rule.movement.new),
        words::compared(scorecard, rule.movement.resolved),
    ]
}

fn table<T>(
    scorecard: &Scorecard,
    (name, caption): (&str, &str),
    columns: &[Column<'_>],
    items: &[T],
    row: fn(&Scorecard, &T) -> Vec<String>,
) -> Vec<Message> {
    if items.is_empty() {
        return Vec::new();
    }
    let rows: Vec<_> = items
        .iter()
        .take(TABLES * limits::DATA_TABLE_ROWS)
        .map(|item| row(scorecard, item))
        .collect();
    let (mut parts, mut rest) = (Vec::new(), rows.as_slice());
    while !rest.is_empty() && parts.len() < TABLES {
        let (block, used) = DataTable::block(caption, columns, rest, TABLE_BUDGET);
        if used == 0 {
            break;
        }
        parts.push(Part {
            block,
            items: used as u64,
        });
        rest = &rest[used..];
    }
    let total = items.len() as u64;
    let title = format!("{}{name}: {}", words::mark(scorecard), text::count(total));
    pages((&title, &title), parts, total, TABLES, "in the report")
}

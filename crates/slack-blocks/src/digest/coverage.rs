//! What a digest says of what it does not know.

use std::collections::BTreeSet;

use compliance::coverage::{Coverage, Expectation, Inventory, ScopeCoverage, SourceState};
use compliance::scorecard::Scorecard;
use compliance::text;

use super::words;
use crate::block::Block;
use crate::classic::sections;
use crate::message::{Message, Part, pages};
use crate::text::Mrkdwn;
use crate::{and_more, and_more_of};

/// Examples the channel sees, and lines of each list in the thread.
const EXAMPLES: usize = 3;
const LINES: usize = 10;
/// More messages than the bounded lists can fill.
const PAGES: usize = 8;

/// `Coverage: 388 of 400 scopes collected`, and how many earlier snapshots are damaged, if any.
pub(super) fn collected(scorecard: &Scorecard) -> String {
    let coverage = &scorecard.context.coverage;
    let (collected, total) = (
        text::count(coverage.scopes_collected()),
        text::count(coverage.scopes_total()),
    );
    let left_out = match scorecard.inputs.left_out.len() as u64 {
        0 => String::new(),
        number => format!(
            " · {} damaged and not used",
            text::plural(number, "earlier snapshot is", "earlier snapshots are")
        ),
    };
    format!("Coverage: {collected} of {total} scopes collected{left_out}")
}

/// The warning of the channel's message: nothing when coverage is complete.
pub(super) fn warning(scorecard: &Scorecard) -> Option<Block> {
    let coverage = &scorecard.context.coverage;
    if coverage.is_complete() {
        return None;
    }
    let mut lines = vec![
        Mrkdwn::new()
            .text("⚠ ")
            .bold("Coverage is not complete")
            .text(" · what is missing counts as nothing, neither compliant nor noncompliant"),
    ];
    lines.extend(
        gaps(coverage)
            .iter()
            .map(|gap| Mrkdwn::new().text("• ").text(gap)),
    );
    let missing = missing(coverage);
    lines.extend(
        missing
            .iter()
            .take(EXAMPLES)
            .map(|scope| scope_line(scorecard, scope)),
    );
    if missing.len() > EXAMPLES {
        lines.push(Mrkdwn::new().text(&and_more_of(
            (missing.len() - EXAMPLES) as u64,
            "missing scope",
            "missing scopes",
            "in the thread",
        )));
    }
    Some(Block::section(&Mrkdwn::lines(lines)))
}

/// The same for screen readers.
pub(super) fn in_words(scorecard: &Scorecard) -> Option<String> {
    let coverage = &scorecard.context.coverage;
    (!coverage.is_complete()).then(|| format!("Coverage is not complete: {}.", gaps(coverage).join("; ")))
}

fn missing(coverage: &Coverage) -> Vec<&ScopeCoverage> {
    coverage
        .scopes
        .iter()
        .filter(|scope| !scope.collected())
        .collect()
}

fn outdated(coverage: &Coverage) -> Vec<&ScopeCoverage> {
    let stale = |scope: &&ScopeCoverage| scope.collected() && scope.source.state != SourceState::Succeeded;
    coverage.scopes.iter().filter(stale).collect()
}

/// What keeps coverage from being complete, each with its number.
fn gaps(coverage: &Coverage) -> Vec<String> {
    let mut gaps = Vec::new();
    let missing = missing(coverage);
    if !missing.is_empty() {
        let accounts: BTreeSet<_> = missing.iter().map(|scope| &scope.source.account_id).collect();
        gaps.push(format!(
            "{} of {} (account and region) missing, in {}",
            text::count(missing.len() as u64),
            text::plural(coverage.scopes_total(), "scope", "scopes"),
            text::plural(accounts.len() as u64, "account", "accounts")
        ));
    }
    if !coverage.regions_skipped.is_empty() {
        gaps.push(format!(
            "{} without any source: {}",
            text::plural(
                coverage.regions_skipped.len() as u64,
                "expected region",
                "expected regions"
            ),
            names(&coverage.regions_skipped)
        ));
    }
    let outdated = outdated(coverage).len() as u64;
    if outdated > 0 {
        gaps.push(format!(
            "{} with results that are not current",
            text::plural(outdated, "scope", "scopes")
        ));
    }
    let rules: u64 = coverage
        .scopes
        .iter()
        .map(|scope| scope.missing_rules.len() as u64)
        .sum();
    if rules > 0 {
        let rules = text::plural(rules, "rule", "rules");
        gaps.push(format!(
            "results of {rules} not readable in scopes otherwise collected"
        ));
    }
    let disagreements = coverage.count_disagreements();
    if disagreements > 0 {
        let rules = text::plural(disagreements, "rule", "rules");
        gaps.push(format!(
            "{rules} counted differently by the aggregator's two views, both kept"
        ));
    }
    gaps
}

/// A few names in a sentence, and how many more.
fn names(names: &[String]) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| crate::text::raw(name, 30))
        .collect();
    if names.len() > 5 {
        shown.push(and_more(names.len() as u64 - 5, "in the report"));
    }
    shown.join(", ")
}

fn scope(scorecard: &Scorecard, scope: &ScopeCoverage) -> Mrkdwn {
    let source = &scope.source;
    let account = scorecard
        .context
        .accounts
        .iter()
        .find(|account| account.account_id == source.account_id);
    let name = account.and_then(|account| account.name.as_deref());
    Mrkdwn::new()
        .text("• ")
        .then(words::account(&source.account_id, name))
        .text(" ")
        .code(&source.aws_region, 25)
}

fn scope_line(scorecard: &Scorecard, missing: &ScopeCoverage) -> Mrkdwn {
    let line = scope(scorecard, missing);
    match &missing.missing {
        Some(gap) => line
            .text(" ")
            .code(&gap.code, 40)
            .text(" ")
            .text(&crate::text::raw(&gap.reason, 100)),
        None => line,
    }
}

/// Coverage in the thread.
pub(super) fn messages(scorecard: &Scorecard) -> Vec<Message> {
    let coverage = &scorecard.context.coverage;
    let title = format!("{}{}", words::mark(scorecard), collected(scorecard));
    let mut blocks = sections(general(coverage));
    let lists = [
        ("Missing scopes", missing_lines(scorecard)),
        ("Scopes that are not current", outdated_lines(scorecard)),
        ("Rules that could not be read", rule_lines(scorecard)),
    ];
    for (name, lines) in lists {
        blocks.extend(list(name, &lines));
    }
    let parts = blocks.into_iter().map(|block| Part { block, items: 0 }).collect();
    let complete = if coverage.is_complete() {
        "complete"
    } else {
        "not complete"
    };
    pages(
        (&title, &format!("{title}, {complete}.")),
        parts,
        0,
        PAGES,
        "in the report",
    )
}

/// A list of at most [`LINES`] lines; those after it are counted, not drawn.
fn list(name: &str, lines: &[Mrkdwn]) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    let heading = Mrkdwn::new().bold(&format!("{name}: {}", text::count(lines.len() as u64)));
    let left_out = lines.len().saturating_sub(LINES);
    let more = (left_out > 0).then(|| Mrkdwn::new().text(&and_more(left_out as u64, "in the report")));
    sections(
        [heading]
            .into_iter()
            .chain(lines.iter().take(LINES).cloned())
            .chain(more),
    )
}

fn missing_lines(scorecard: &Scorecard) -> Vec<Mrkdwn> {
    missing(&scorecard.context.coverage)
        .into_iter()
        .map(|missing| scope_line(scorecard, missing))
        .collect()
}

fn outdated_lines(scorecard: &Scorecard) -> Vec<Mrkdwn> {
    outdated(&scorecard.context.coverage)
        .into_iter()
        .map(|stale| {
            let updated = stale
                .source
                .last_update_time
                .map_or_else(|| "not stated".to_owned(), text::minute);
            scope(scorecard, stale).text(&format!(" last updated {updated}"))
        })
        .collect()
}

fn rule_lines(scorecard: &Scorecard) -> Vec<Mrkdwn> {
    let scopes = &scorecard.context.coverage.scopes;
    scopes
        .iter()
        .flat_map(|holder| holder.missing_rules.iter().map(move |rule| (holder, rule)))
        .map(|(holder, rule)| {
            scope(scorecard, holder)
                .text(" ")
                .code(&rule.config_rule_name, 80)
                .text(" ")
                .code(&rule.gap.code, 40)
        })
        .collect()
}

/// What holds for the whole of it.
fn general(coverage: &Coverage) -> Vec<Mrkdwn> {
    let mut lines = vec![expectation(coverage), inventory(coverage)];
    lines.extend(gaps(coverage));
    if !coverage.unexpected_accounts.is_empty() {
        let count = text::plural(coverage.unexpected_accounts.len() as u64, "account", "accounts");
        lines.push(format!(
            "{count} not expected, counted all the same: {}",
            names(&coverage.unexpected_accounts)
        ));
    }
    if coverage.results_ignored > 0 {
        let results = text::plural(coverage.results_ignored, "result", "results");
        lines.push(format!("{results} of failed sources not counted"));
    }
    let annotations: u64 = coverage
        .scopes
        .iter()
        .map(|scope| scope.annotations_missing)
        .sum();
    if annotations > 0 {
        lines.push(format!(
            "{} not readable",
            text::plural(annotations, "annotation", "annotations")
        ));
    }
    lines
        .iter()
        .map(|line| Mrkdwn::new().text("• ").text(line))
        .collect()
}

fn expectation(coverage: &Coverage) -> String {
    let accounts = text::plural(coverage.expected_accounts.len() as u64, "account", "accounts");
    match coverage.expectation {
        Expectation::Settings => format!("{accounts} expected by the settings"),
        Expectation::Organizations => format!("{accounts} expected by AWS Organizations"),
        Expectation::Aggregator => format!("{accounts} expected by the aggregator's own list"),
        Expectation::SourcesOnly => {
            "accounts expected: not known. An account that vanished from the aggregator would not be noticed"
                .to_owned()
        }
    }
}

fn inventory(coverage: &Coverage) -> String {
    let (mut without, mut known, mut unknown) = (0u64, 0u64, 0u64);
    for scope in &coverage.scopes {
        match &scope.inventory {
            Inventory::Known { without_results, .. } => {
                known += 1;
                without += without_results.len() as u64;
            }
            Inventory::NotKnowable(_) => unknown += 1,
        }
    }
    match (known, unknown) {
        (0, _) => "rules without results: not knowable".to_owned(),
        (_, 0) => format!("rules without results: {}", text::count(without)),
        _ => format!(
            "rules without results: {}, not knowable in {}",
            text::count(without),
            text::plural(unknown, "scope", "scopes")
        ),
    }
}

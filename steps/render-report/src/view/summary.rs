//! The first page: it stands alone.

use std::collections::{BTreeMap, BTreeSet};

use compliance::coverage::{Coverage, SourceState};
use compliance::scorecard::{
    AccountScore, Contribution, Direction, RuleScore, ScoreChange, Scorecard, Scores, Tally,
};
use compliance::text as format;
use serde::Serialize;

use super::change::phrase;
use super::chart::{self, BarChart, LineChart};
use super::events;
use super::histogram::{self, Histogram};
use super::text::{self, Delta, DirectionCell, ScoreCell, SeverityCell};

/// Accounts or rules named on the first page, per list.
const TOP: usize = 5;
/// Accounts named in the statement on coverage.
const NAMED_ACCOUNTS: usize = 3;
/// Causes named in the sentence.
const TOP_CAUSES: usize = 3;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Summary {
    period: String,
    scores: Vec<Headline>,
    why: Why,
    tiles: Vec<Tile>,
    coverage: Statement,
    /// What events told, or that it is not known.
    events: Option<String>,
    trend: String,
    trend_mark: DirectionCell,
    line: Option<LineChart>,
    /// How the accounts stand against each other: shown where there is no past to draw.
    spread: Option<Histogram>,
    bars: Option<BarChart>,
    lowest: Top<AccountLine>,
    decliners: Top<AccountLine>,
    rules: Top<RuleLine>,
}

impl Summary {
    /// What each of the charts shows, in words.
    pub(super) fn charts_in_words(&self) -> Vec<&str> {
        let charts = [
            self.spread.as_ref().map(Histogram::alt),
            self.line.as_ref().map(LineChart::alt),
            self.bars.as_ref().map(BarChart::alt),
        ];
        charts.into_iter().flatten().collect()
    }
}

/// The first few of many.
#[derive(Debug, Clone, Serialize)]
struct Top<Row> {
    rows: Vec<Row>,
    /// `5 of 12`, when some are left out.
    of: Option<String>,
}

impl<Row> Top<Row> {
    fn new(rows: impl Iterator<Item = Row>, all: usize) -> Self {
        Self {
            rows: rows.take(TOP).collect(),
            of: (all > TOP).then(|| text::unbroken(&format!("{TOP} of {}", format::count(all as u64)))),
        }
    }
}

/// Why the score changed.
#[derive(Debug, Clone, Serialize)]
struct Why {
    /// The message.
    opening: String,
    /// What explains it; may be empty.
    reasons: String,
}

impl Why {
    fn only(opening: &str) -> Self {
        Self {
            opening: opening.to_owned(),
            reasons: String::new(),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
struct Headline {
    label: &'static str,
    score: ScoreCell,
    counts: String,
    delta: Option<Delta>,
    /// What the score leaves out; none when coverage is complete.
    incomplete: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    note: String,
}

#[derive(Debug, Clone, Serialize)]
struct Statement {
    complete: bool,
    headline: String,
    gaps: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct AccountLine {
    name: String,
    /// Empty when the name is enough to tell the account.
    id: String,
    score: ScoreCell,
    delta: Delta,
}

#[derive(Debug, Clone, Serialize)]
struct RuleLine {
    severity: SeverityCell,
    rule: String,
    noncompliant: String,
    accounts: String,
    new: String,
}

pub(super) fn section(scorecard: &Scorecard) -> Summary {
    let decliners = decliners(scorecard);
    let line = chart::line(&scorecard.trend, scorecard.kind);
    let names = Names::of(&scorecard.accounts);
    Summary {
        period: period(scorecard),
        scores: headlines(scorecard),
        why: why(scorecard),
        tiles: tiles(scorecard),
        coverage: coverage(&scorecard.context.coverage, &names),
        events: events::headline(scorecard),
        trend: trend(scorecard),
        trend_mark: text::direction(scorecard.trend.direction),
        line: line.clone(),
        spread: if line.is_none() {
            histogram::histogram(scorecard)
        } else {
            None
        },
        bars: chart::bars(&scorecard.trend, scorecard.kind),
        lowest: lowest(scorecard, &names),
        decliners: Top::new(
            decliners
                .iter()
                .map(|account| account_line(account, account.fitted_change, &names)),
            decliners.len(),
        ),
        rules: rules(scorecard),
    }
}

fn lowest(scorecard: &Scorecard, names: &Names) -> Top<AccountLine> {
    let scored = scorecard
        .accounts
        .iter()
        .filter(|account| account.scores.compliance_score.is_some());
    let count = scored.clone().count();
    Top::new(
        scored.map(|account| account_line(account, account.change, names)),
        count,
    )
}

fn rules(scorecard: &Scorecard) -> Top<RuleLine> {
    let violated = scorecard
        .rules
        .iter()
        .filter(|rule| rule.scores.pairs.noncompliant > 0);
    let count = violated.clone().count();
    let line = |rule: &RuleScore| RuleLine {
        severity: text::severity(rule.metadata.severity),
        rule: text::shown(&rule.metadata.rule),
        noncompliant: text::count(rule.scores.pairs.noncompliant),
        accounts: text::count(rule.accounts_noncompliant),
        new: text::count(rule.movement.new),
    };
    Top::new(violated.map(line), count)
}

fn period(scorecard: &Scorecard) -> String {
    let now = format::minute(scorecard.as_of);
    match &scorecard.baseline {
        Some(baseline) => format!("{} to {now}", format::minute(baseline.as_of)),
        None => format!("As of {now}"),
    }
}

fn headlines(scorecard: &Scorecard) -> Vec<Headline> {
    let (now, before) = (&scorecard.organization, scorecard.organization_before.as_ref());
    let incomplete = format::caveat(&scorecard.context.coverage).map(|part| text::unbroken(&part));
    let headline = |label, what: &str, share: fn(&Scores) -> (Option<f64>, Tally)| {
        let (score, tally) = share(now);
        let change = before.and_then(|before| Some(score? - share(before).0?));
        Headline {
            label,
            score: text::score(score),
            counts: format!("{} {what}", text::of(tally)),
            delta: change.map(|change| text::delta(Some(change))),
            incomplete: incomplete.clone(),
        }
    };
    vec![
        headline("Compliance score", "pairs", |scores| {
            (scores.compliance_score, scores.pairs)
        }),
        headline("Resource score", "resources", |scores| {
            (scores.resource_score, scores.resources)
        }),
        headline("Weighted score", "weight", |scores| {
            (scores.weighted_score, scores.weight)
        }),
    ]
}

fn why(scorecard: &Scorecard) -> Why {
    let Some(score) = scorecard.organization.compliance_score else {
        return Why::only(
            "No results were collected, so there is no score. See Coverage for what is missing and why.",
        );
    };
    let Some(change) = &scorecard.change else {
        return Why::only(
            "This is the first report of this organization: there is nothing to compare with yet. The next report \
             shows what changed and why.",
        );
    };
    match change.change {
        None => Why::only("The baseline has no data, so the change of the score cannot be stated."),
        Some(points) => changed(score, points, change),
    }
}

fn changed(score: f64, points: f64, change: &ScoreChange) -> Why {
    let now = text::unbroken(&format::score(Some(score)));
    let before = text::unbroken(&format::score(change.before.score()));
    let moved = format::points(points);
    let size = text::unbroken(&format!(
        "{} points",
        moved.trim_start_matches(['+', '\u{2212}', '±'])
    ));
    let opening = if moved.starts_with('±') {
        format!("The compliance score is unchanged at {now}")
    } else if points > 0.0 {
        format!("The compliance score rose by {size}, from {before} to {now}")
    } else {
        format!("The compliance score fell by {size}, from {before} to {now}")
    };
    let reasons = reasons(&change.contributions);
    if reasons.is_empty() {
        Why::only(&format!("{opening}; no pair changed."))
    } else {
        Why {
            opening: format!("{opening}:"),
            reasons: format!("{reasons}."),
        }
    }
}

/// The largest contributions, and what the others come to together.
fn reasons(contributions: &[Contribution]) -> String {
    let mut largest: Vec<&Contribution> = contributions.iter().collect();
    largest.sort_by(|a, b| b.score_change.abs().total_cmp(&a.score_change.abs()));
    let shown = largest.len().min(TOP_CAUSES);
    let mut parts: Vec<String> = largest[..shown].iter().map(|one| reason(one)).collect();
    if largest.len() > shown {
        let rest: f64 = largest[shown..].iter().map(|one| one.score_change).sum();
        parts.push(format!("all other causes together {}", format::points(rest)));
    }
    join(&parts)
}

fn reason(one: &Contribution) -> String {
    format!(
        "{} ({})",
        phrase(one.cause, one.pairs),
        format::points(one.score_change)
    )
}

fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn tiles(scorecard: &Scorecard) -> Vec<Tile> {
    let tile = |label, number, note: String| Tile {
        label,
        value: text::count(number),
        note,
    };
    let movement = scorecard.movement;
    let open = scorecard.organization.pairs.noncompliant;
    if scorecard.baseline.is_none() {
        return vec![
            tile("Noncompliant now", open, "pairs".to_owned()),
            tile(
                "Accounts",
                scorecard.accounts.len() as u64,
                "expected or returned".to_owned(),
            ),
            tile("Rules", scorecard.rules.len() as u64, "with results".to_owned()),
            tile(
                "Resources",
                scorecard.organization.resources.total(),
                "evaluated".to_owned(),
            ),
        ];
    }
    vec![
        tile(
            "Noncompliant now",
            open,
            format!("pairs, {} of them from before", format::count(movement.still)),
        ),
        tile("New", movement.new, "since the baseline".to_owned()),
        tile("Resolved", movement.resolved, "since the baseline".to_owned()),
        tile("Vanished", movement.vanished, "no result any more".to_owned()),
    ]
}

fn coverage(coverage: &Coverage, names: &Names) -> Statement {
    let (collected, total) = (coverage.scopes_collected(), coverage.scopes_total());
    let complete = coverage.is_complete() && total > 0;
    let headline = if total == 0 {
        "No account or region is expected or returned: nothing was collected.".to_owned()
    } else if complete {
        format!(
            "Coverage is complete: all {} were collected.",
            format::plural(total, "scope (account and region)", "scopes (account and region)")
        )
    } else if collected == total {
        format!(
            "All {} were collected, with reservations:",
            format::plural(total, "scope", "scopes")
        )
    } else {
        format!(
            "Coverage is incomplete: {} of {} collected. What is missing counts neither as compliant nor as noncompliant.",
            format::count(collected),
            format::plural(total, "scope (account and region)", "scopes (account and region)")
        )
    };
    Statement {
        complete,
        headline,
        gaps: gaps(coverage, names),
    }
}

/// What is missing, for a reader who sees only this page.
fn gaps(coverage: &Coverage, names: &Names) -> Vec<String> {
    let mut out = Vec::new();
    let scopes = || coverage.scopes.iter();
    let missing: Vec<_> = scopes().filter(|scope| !scope.collected()).collect();
    if !missing.is_empty() {
        let accounts: BTreeSet<&str> = missing
            .iter()
            .map(|scope| scope.source.account_id.as_str())
            .collect();
        out.push(format!(
            "{} missing, in {} ({})",
            text::counted(missing.len() as u64, "scope", "scopes"),
            text::counted(accounts.len() as u64, "account", "accounts"),
            named(&accounts, names)
        ));
    }
    let outdated = scopes()
        .filter(|scope| scope.collected() && scope.source.state == SourceState::Outdated)
        .count() as u64;
    if outdated > 0 {
        out.push(format!(
            "{} outdated",
            format::plural(outdated, "source", "sources")
        ));
    }
    if !coverage.regions_skipped.is_empty() {
        let regions = text::shown(&coverage.regions_skipped.join(", "));
        out.push(format!("no source returned from {regions}"));
    }
    let rules: u64 = scopes().map(|scope| scope.missing_rules.len() as u64).sum();
    if rules > 0 {
        out.push(format!(
            "the results of {} could not be read",
            format::plural(rules, "rule in one scope", "rules, each in one scope,")
        ));
    }
    let disagreements = coverage.count_disagreements();
    if disagreements > 0 {
        out.push(format!(
            "{} counted differently by the aggregator's two views, both kept",
            format::plural(disagreements, "rule in one scope", "rules, each in one scope,")
        ));
    }
    out
}

/// The first few by name.
fn named(accounts: &BTreeSet<&str>, names: &Names) -> String {
    let mut parts: Vec<String> = accounts
        .iter()
        .take(NAMED_ACCOUNTS)
        .map(|id| names.best(id))
        .collect();
    let left = accounts.len().saturating_sub(NAMED_ACCOUNTS) as u64;
    if left > 0 {
        parts.push(format!("{} more", format::count(left)));
    }
    join(&parts)
}

/// The accounts' names, and which of them several accounts have.
struct Names<'a> {
    of_id: BTreeMap<&'a str, &'a str>,
    shared: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(accounts: &'a [AccountScore]) -> Self {
        let (mut of_id, mut seen, mut shared) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for account in accounts {
            let Some(name) = account.name.as_deref() else {
                continue;
            };
            of_id.insert(account.account_id.as_str(), name);
            if !seen.insert(name) {
                shared.insert(name);
            }
        }
        Self { of_id, shared }
    }

    /// Name and id, of which either may be empty: the id is left out when the name is the account's alone.
    fn parts(&self, id: &str) -> (String, String) {
        match self.of_id.get(id) {
            None => (String::new(), text::shown(id)),
            Some(name) if self.shared.contains(name) => (text::shown(name), text::shown(id)),
            Some(name) => (text::shown(name), String::new()),
        }
    }

    fn best(&self, id: &str) -> String {
        let (name, id) = self.parts(id);
        [name, id]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The rule behind the direction.
fn trend(scorecard: &Scorecard) -> String {
    match (scorecard.trend.direction, scorecard.trend.fitted_change) {
        (Direction::NotEnoughHistory, _) | (_, None) => {
            format!(
                "Trend over {}: not enough history.",
                chart::window(scorecard.kind)
            )
        }
        (_, Some(change)) => format!(
            "Along the fitted line {}.",
            text::unbroken(&format!("{} points", format::points(change)))
        ),
    }
}

/// Accounts that are degrading, steepest first.
fn decliners(scorecard: &Scorecard) -> Vec<&AccountScore> {
    let mut decliners: Vec<_> = scorecard
        .accounts
        .iter()
        .filter(|account| account.direction == Direction::Degrading)
        .collect();
    decliners.sort_by(|a, b| {
        let change = |account: &AccountScore| account.fitted_change.unwrap_or(0.0);
        change(a).total_cmp(&change(b))
    });
    decliners
}

fn account_line(account: &AccountScore, change: Option<f64>, names: &Names) -> AccountLine {
    let (name, id) = names.parts(&account.account_id);
    AccountLine {
        name,
        id,
        score: text::score(account.scores.compliance_score),
        delta: text::delta(change),
    }
}

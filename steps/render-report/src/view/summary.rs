//! The first page: it stands alone.

use compliance::coverage::{Coverage, SourceState};
use compliance::scorecard::{AccountScore, Contribution, Direction, ScoreChange, Scorecard, Scores, Tally};
use compliance::text as format;
use serde::Serialize;

use super::change::phrase;
use super::chart::{self, BarChart, LineChart};
use super::text::{self, Delta, DirectionCell, ScoreCell};

/// Accounts named on the first page, per list.
const TOP_ACCOUNTS: usize = 5;
/// Causes named in the sentence.
const TOP_CAUSES: usize = 3;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Summary {
    period: String,
    scores: Vec<Headline>,
    why: String,
    tiles: Vec<Tile>,
    coverage: Statement,
    trend: String,
    trend_mark: DirectionCell,
    line: Option<LineChart>,
    bars: Option<BarChart>,
    lowest: Vec<AccountLine>,
    decliners: Vec<AccountLine>,
    /// Decliners there are, those not named here included.
    decliners_total: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Headline {
    label: &'static str,
    score: ScoreCell,
    counts: String,
    delta: Option<Delta>,
}

#[derive(Debug, Clone, Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    note: &'static str,
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
    id: String,
    score: ScoreCell,
    delta: Delta,
}

pub(super) fn section(scorecard: &Scorecard) -> Summary {
    let decliners = decliners(scorecard);
    Summary {
        period: period(scorecard),
        scores: headlines(scorecard),
        why: why(scorecard),
        tiles: tiles(scorecard),
        coverage: coverage(&scorecard.context.coverage),
        trend: trend(scorecard),
        trend_mark: text::direction(scorecard.trend.direction),
        line: chart::line(&scorecard.trend, scorecard.kind),
        bars: chart::bars(&scorecard.trend, scorecard.kind),
        lowest: scorecard
            .accounts
            .iter()
            .filter(|account| account.scores.compliance_score.is_some())
            .take(TOP_ACCOUNTS)
            .map(|account| account_line(account, account.change))
            .collect(),
        decliners_total: decliners.len() as u64,
        decliners: decliners
            .into_iter()
            .take(TOP_ACCOUNTS)
            .map(|account| account_line(account, account.fitted_change))
            .collect(),
    }
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
    let partial = format::partial(&scorecard.context.coverage);
    let headline = |label, what: &str, share: fn(&Scores) -> (Option<f64>, Tally)| {
        let (score, tally) = share(now);
        let change = before.and_then(|before| Some(score? - share(before).0?));
        Headline {
            label,
            score: text::score(score),
            counts: match &partial {
                Some(partial) => format!("{} {what} · {partial}", text::of(tally)),
                None => format!("{} {what}", text::of(tally)),
            },
            delta: change.map(|change| text::delta(Some(change))),
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

/// Why the score changed, in one sentence.
fn why(scorecard: &Scorecard) -> String {
    let Some(score) = scorecard.organization.compliance_score else {
        return "No results were collected, so there is no score. See Coverage for what is missing and why."
            .to_owned();
    };
    let Some(change) = &scorecard.change else {
        return "This is the first report of this organization: there is nothing to compare with yet. The next \
                report shows what changed and why."
            .to_owned();
    };
    match change.change {
        None => "The baseline has no data, so the change of the score cannot be stated.".to_owned(),
        Some(points) => changed(score, points, change),
    }
}

fn changed(score: f64, points: f64, change: &ScoreChange) -> String {
    let now = text::unbroken(&format::score(Some(score)));
    let before = text::unbroken(&format::score(change.before.score()));
    let moved = format::points(points);
    let size = moved.trim_start_matches(['+', '\u{2212}', '±']);
    let opening = if moved.starts_with('±') {
        format!("The compliance score is unchanged at {now}")
    } else if points > 0.0 {
        format!("The compliance score rose by {size} points, from {before} to {now}")
    } else {
        format!("The compliance score fell by {size} points, from {before} to {now}")
    };
    let reasons = reasons(&change.contributions);
    if reasons.is_empty() {
        format!("{opening}; no pair changed.")
    } else {
        format!("{opening}: {reasons}.")
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
    let tile = |label, number, note| Tile {
        label,
        value: text::count(number),
        note,
    };
    let movement = scorecard.movement;
    if scorecard.baseline.is_none() {
        return vec![
            tile(
                "Noncompliant",
                scorecard.organization.pairs.noncompliant,
                "pairs now",
            ),
            tile(
                "Accounts",
                scorecard.accounts.len() as u64,
                "expected or returned",
            ),
            tile("Rules", scorecard.rules.len() as u64, "with results"),
            tile("Resources", scorecard.organization.resources.total(), "evaluated"),
        ];
    }
    vec![
        tile("New", movement.new, "since the baseline"),
        tile("Resolved", movement.resolved, "since the baseline"),
        tile("Vanished", movement.vanished, "no result any more"),
        tile("Still open", movement.still, "since before"),
    ]
}

fn coverage(coverage: &Coverage) -> Statement {
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
        gaps: gaps(coverage),
    }
}

fn gaps(coverage: &Coverage) -> Vec<String> {
    let mut out = Vec::new();
    let scopes = || coverage.scopes.iter();
    let missing: Vec<_> = scopes().filter(|scope| !scope.collected()).collect();
    if !missing.is_empty() {
        let accounts: std::collections::BTreeSet<_> =
            missing.iter().map(|scope| &scope.source.account_id).collect();
        out.push(format!(
            "{} missing, in {}",
            format::plural(missing.len() as u64, "scope", "scopes"),
            format::plural(accounts.len() as u64, "account", "accounts")
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

fn trend(scorecard: &Scorecard) -> String {
    let window = match scorecard.kind.trend_periods() {
        periods if scorecard.kind == compliance::report::ReportKind::Weekly => format!("{periods} weeks"),
        periods => format!("{periods} days"),
    };
    match (scorecard.trend.direction, scorecard.trend.fitted_change) {
        (Direction::NotEnoughHistory, _) | (_, None) => {
            format!("Trend over {window}: not enough history.")
        }
        (direction, Some(change)) => format!(
            "Trend over {window}: {}, {} points along the fitted line.",
            match direction {
                Direction::Improving => "improving",
                Direction::Degrading => "degrading",
                Direction::Steady | Direction::NotEnoughHistory => "steady",
            },
            format::points(change)
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

fn account_line(account: &AccountScore, change: Option<f64>) -> AccountLine {
    AccountLine {
        name: text::shown(account.name.as_deref().unwrap_or_default()),
        id: text::shown(&account.account_id),
        score: text::score(account.scores.compliance_score),
        delta: text::delta(change),
    }
}

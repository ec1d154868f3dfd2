//! The sentences of a digest.

use compliance::report::ReportKind;
use compliance::scorecard::{AccountScore, Contribution, Direction, Movement, Scorecard};
use compliance::text;

use crate::text::Mrkdwn;

/// Before every title of a simulated report.
pub(super) fn mark(scorecard: &Scorecard) -> &'static str {
    if scorecard.simulation.is_some() {
        "SIMULATED · "
    } else {
        ""
    }
}

/// `SIMULATED · Daily compliance report: Example`.
pub(super) fn title(scorecard: &Scorecard) -> String {
    format!("{}{}: {}", mark(scorecard), kind(scorecard.kind), scorecard.title)
}

fn kind(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Daily => "Daily compliance report",
        ReportKind::Weekly => "Weekly compliance report",
        ReportKind::Snapshot => "Compliance snapshot",
    }
}

/// The trend's window.
pub(super) fn window(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Daily | ReportKind::Snapshot => "7 days",
        ReportKind::Weekly => "12 weeks",
    }
}

/// `degrading over 7 days`.
pub(super) fn trend(scorecard: &Scorecard) -> String {
    let direction = match scorecard.trend.direction {
        Direction::NotEnoughHistory => return "not enough history for a trend".to_owned(),
        other => direction(other),
    };
    format!("{direction} over {}", window(scorecard.kind))
}

/// One word for a direction.
pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Improving => "improving",
        Direction::Degrading => "degrading",
        Direction::Steady => "steady",
        Direction::NotEnoughHistory => "–",
    }
}

/// A change in points, or a dash.
pub(super) fn change(change: Option<f64>) -> String {
    change.map_or_else(|| "–".to_owned(), text::points)
}

/// A number of the comparison with the baseline, or a dash where there is none.
pub(super) fn compared(scorecard: &Scorecard, number: u64) -> String {
    if scorecard.baseline.is_some() {
        text::count(number)
    } else {
        "–".to_owned()
    }
}

/// `−1.2 points since 2026-11-20 08:50 UTC`, or why there is none.
pub(super) fn since(scorecard: &Scorecard) -> String {
    let Some(baseline) = &scorecard.baseline else {
        return "first run, nothing to compare with".to_owned();
    };
    let moment = text::minute(baseline.as_of);
    match scorecard.change.as_ref().and_then(|change| change.change) {
        Some(change) => format!("{} points since {moment}", text::points(change)),
        None => format!("no score to compare with at {moment}"),
    }
}

/// One sentence: why the score changed. Causes it does not name are summed, so that its figures add up but for
/// rounding.
pub(super) fn why(scorecard: &Scorecard) -> String {
    if scorecard.baseline.is_none() {
        return "This is the first run: there is nothing to compare with.".to_owned();
    }
    let Some((change, contributions)) = scorecard
        .change
        .as_ref()
        .and_then(|whole| Some((whole.change?, &whole.contributions)))
    else {
        return "The score has no change to explain, as there is no data now or at the baseline.".to_owned();
    };
    let verb = if contributions.is_empty() {
        return "No pair of rule and resource changed since the baseline.".to_owned();
    } else if text::points(change).starts_with('±') {
        return format!("The score did not move: {}.", causes(contributions));
    } else if change > 0.0 {
        "rose by"
    } else {
        "fell by"
    };
    let amount = text::points(change);
    let amount = amount.trim_start_matches(['+', '\u{2212}']);
    format!("The score {verb} {amount} points: {}.", causes(contributions))
}

/// How many causes a sentence names.
const CAUSES: usize = 3;

fn causes(contributions: &[Contribution]) -> String {
    let mut sorted: Vec<_> = contributions.iter().collect();
    sorted.sort_by(|a, b| b.score_change.abs().total_cmp(&a.score_change.abs()));
    let (named, rest) = sorted.split_at(sorted.len().min(CAUSES));
    let mut parts: Vec<String> = named
        .iter()
        .map(|part| {
            let pairs = text::plural(part.pairs, "pair", "pairs");
            format!(
                "{} {} ({pairs})",
                part.cause.title().to_lowercase(),
                text::points(part.score_change)
            )
        })
        .collect();
    if !rest.is_empty() {
        let sum: f64 = rest.iter().map(|part| part.score_change).sum();
        let count = text::plural(rest.len() as u64, "other cause", "other causes");
        parts.push(format!("{count} {}", text::points(sum)));
    }
    parts.join(", ")
}

/// `12 new, 4 resolved, 300 still noncompliant, 2 vanished`.
pub(super) fn movement(movement: &Movement) -> String {
    format!(
        "{} new, {} resolved, {} still noncompliant, {} vanished",
        text::count(movement.new),
        text::count(movement.resolved),
        text::count(movement.still),
        text::count(movement.vanished)
    )
}

/// `the first 3 of 214 repairs take`; all of them, when there are no more.
pub(super) fn first_repairs(shown: u64, all: u64) -> String {
    match (shown, all) {
        (1, 1) => "the only repair takes".to_owned(),
        (shown, all) if shown == all => format!("all {} repairs together take", text::count(all)),
        (1, all) => format!("the first of {} repairs takes", text::count(all)),
        (shown, all) => format!(
            "the first {} of {} repairs take",
            text::count(shown),
            text::count(all)
        ),
    }
}

/// The account's name, else its id.
pub(super) fn account_name(account: &AccountScore) -> &str {
    account
        .name
        .as_deref()
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(&account.account_id)
}

/// `name (id)`, each cut to what a line has room for.
pub(crate) fn account(account_id: &str, name: Option<&str>) -> Mrkdwn {
    let id = Mrkdwn::new().code(account_id, 20);
    match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => Mrkdwn::new().code(name, 40).text(" ").then(id),
        None => id,
    }
}

//! The change of the score, decomposed, and the severities.

use compliance::scorecard::{Cause, Contribution, Movement, Scorecard, Scores, SeverityScore, TrendPoint};
use compliance::text as format;
use serde::Serialize;

use super::text::{self, Mark, ScoreCell, SeverityCell};

#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangeSection {
    /// Present when there is a change to decompose.
    decomposition: Option<Decomposition>,
    /// Said instead of a decomposition.
    absent: &'static str,
    severities: Vec<SeverityRow>,
    trend: Vec<TrendRow>,
}

#[derive(Debug, Clone, Serialize)]
struct Decomposition {
    before: String,
    now: String,
    rows: Vec<CauseRow>,
    total: CauseRow,
}

#[derive(Debug, Clone, Serialize)]
struct CauseRow {
    cause: &'static str,
    pairs: String,
    compliant_change: String,
    pairs_change: String,
    points: String,
    /// Of the greatest contribution, −1 to 1.
    bar: f64,
    mark: Mark,
}

/// A point of the trend: the figures behind the charts.
#[derive(Debug, Clone, Serialize)]
struct TrendRow {
    day: String,
    /// The snapshot's moment; none is a gap.
    as_of: Option<String>,
    compliance: String,
    resource: String,
    weighted: String,
    noncompliant: String,
    new: String,
    resolved: String,
    missing: String,
}

#[derive(Debug, Clone, Serialize)]
struct SeverityRow {
    severity: SeverityCell,
    weight: String,
    rules: String,
    score: ScoreCell,
    noncompliant: String,
    pairs: String,
    new: String,
    resolved: String,
    vanished: String,
    mean_age: String,
    oldest: String,
    mttr: String,
}

pub(super) fn section(scorecard: &Scorecard) -> ChangeSection {
    ChangeSection {
        decomposition: decomposition(scorecard),
        absent: if scorecard.baseline.is_none() {
            "This is the first report of this organization: there is nothing to compare with."
        } else {
            "One side of the comparison has no data, so the change cannot be decomposed."
        },
        severities: scorecard.severities.iter().map(severity_row).collect(),
        trend: scorecard.trend.points.iter().map(trend_row).collect(),
    }
}

fn decomposition(scorecard: &Scorecard) -> Option<Decomposition> {
    let change = scorecard.change.as_ref()?;
    let total = change.change?;
    let sizes = change.contributions.iter().map(|one| one.score_change.abs());
    let greatest = sizes.fold(0.0, f64::max);
    let sum = |part: fn(&Contribution) -> i64| change.contributions.iter().map(part).sum::<i64>();
    let side = |tally: compliance::scorecard::Tally| {
        format!("{} ({} pairs)", format::score(tally.score()), text::of(tally))
    };
    Some(Decomposition {
        before: side(change.before),
        now: match format::caveat(&scorecard.context.coverage) {
            Some(caveat) => format!("{}, {caveat}", side(change.now)),
            None => side(change.now),
        },
        rows: change
            .contributions
            .iter()
            .map(|one| CauseRow {
                cause: one.cause.title(),
                pairs: text::count(one.pairs),
                compliant_change: signed(one.compliant_change),
                pairs_change: signed(one.pairs_change),
                points: exact_points(one.score_change),
                bar: if greatest > 0.0 {
                    one.score_change / greatest
                } else {
                    0.0
                },
                mark: text::mark_of(one.score_change),
            })
            .collect(),
        total: CauseRow {
            cause: "Change of the score",
            pairs: text::count(change.contributions.iter().map(|one| one.pairs).sum()),
            compliant_change: signed(sum(|one| one.compliant_change)),
            pairs_change: signed(sum(|one| one.pairs_change)),
            points: exact_points(total),
            bar: 0.0,
            mark: text::mark_of(total),
        },
    })
}

/// Percentage points with three decimals: enough that a reader can add the column up.
fn exact_points(change: f64) -> String {
    let points = (change * 100_000.0).round() / 1000.0;
    if points == 0.0 {
        "±0.000".to_owned()
    } else {
        let sign = if points > 0.0 { '+' } else { '\u{2212}' };
        format!("{sign}{:.3}", points.abs())
    }
}

fn signed(number: i64) -> String {
    let sign = match number {
        0 => "±",
        1.. => "+",
        _ => "\u{2212}",
    };
    format!("{sign}{}", format::count(number.unsigned_abs()))
}

/// What a cause did to this many pairs, as part of a sentence.
pub(super) fn phrase(cause: Cause, pairs: u64) -> String {
    let count = text::counted(pairs, "pair", "pairs");
    let was = if pairs == 1 { "was" } else { "were" };
    match cause {
        Cause::TurnedNoncompliant => format!("{count} turned noncompliant"),
        Cause::TurnedCompliant => format!("{count} turned compliant"),
        Cause::ResourceAdded => format!("{count} came with new resources"),
        Cause::ResourceDeleted => format!("{count} went with deleted resources"),
        Cause::RuleAdded => format!("{count} came with added rules"),
        Cause::RuleRemoved => format!("{count} went with removed rules"),
        Cause::AccountJoined => format!("{count} came with accounts that joined"),
        Cause::AccountLeft => format!("{count} went with accounts that left"),
        Cause::NewlyEvaluated => format!("{count} {was} newly evaluated"),
        Cause::NoLongerEvaluated => format!("{count} {was} no longer evaluated"),
        Cause::CollectedAgain => format!("{count} {was} collected again"),
        Cause::NotCollected => format!("{count} {was} not collected"),
    }
}

fn trend_row(point: &TrendPoint) -> TrendRow {
    let scores = point.scores.as_ref();
    let score = |share: fn(&Scores) -> Option<f64>| {
        scores.map_or("–".to_owned(), |scores| {
            text::unbroken(&format::score(share(scores)))
        })
    };
    let moved = |count: fn(&Movement) -> u64| {
        point
            .movement
            .as_ref()
            .map_or("–".to_owned(), |movement| text::count(count(movement)))
    };
    TrendRow {
        day: format::day(point.target),
        as_of: point.as_of.map(format::minute),
        compliance: score(|scores| scores.compliance_score),
        resource: score(|scores| scores.resource_score),
        weighted: score(|scores| scores.weighted_score),
        noncompliant: scores.map_or("–".to_owned(), |scores| text::count(scores.pairs.noncompliant)),
        new: moved(|movement| movement.new),
        resolved: moved(|movement| movement.resolved),
        missing: scores.map_or("–".to_owned(), |_| text::count(point.scopes_missing)),
    }
}

fn severity_row(row: &SeverityScore) -> SeverityRow {
    SeverityRow {
        severity: text::severity(row.severity),
        weight: row.weight.to_string(),
        rules: text::count(row.rules),
        score: text::score(row.scores.compliance_score),
        noncompliant: text::count(row.scores.pairs.noncompliant),
        pairs: text::count(row.scores.pairs.total()),
        new: text::count(row.movement.new),
        resolved: text::count(row.movement.resolved),
        vanished: text::count(row.movement.vanished),
        mean_age: text::duration(row.ages.mean_seconds, row.ages.at_least > 0),
        oldest: text::duration(row.ages.oldest_seconds, row.ages.at_least > 0),
        mttr: text::duration(
            row.times_to_resolve.mean_seconds,
            row.times_to_resolve.at_least > 0,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_the_decomposition_keep_three_decimals() {
        assert_eq!(exact_points(0.012_345), "+1.235");
        assert_eq!(exact_points(-0.000_01), "\u{2212}0.001");
        assert_eq!(exact_points(0.0), "±0.000");
        assert_eq!(
            (signed(-1234), signed(0), signed(7)),
            ("\u{2212}1,234".into(), "±0".into(), "+7".into())
        );
    }
}

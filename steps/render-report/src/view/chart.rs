//! Charts as numbers between 0 and 1 with their labels: the templates only place them.

use std::cmp::Ordering;

use compliance::Timestamp;
use compliance::report::ReportKind;
use compliance::scorecard::{Direction, Movement, Trend, TrendPoint};
use compliance::text;
use serde::Serialize;

use super::text::unbroken;

/// A label on an axis.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// A point of a line.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Point {
    x: f64,
    y: f64,
    /// Drawn hollow: its snapshot was incomplete.
    incomplete: bool,
}

/// The compliance score over the trend's window.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LineChart {
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    /// Runs of points without a gap between them; only these are joined by a line.
    runs: Vec<Vec<Point>>,
    /// Where there is no snapshot.
    gaps: Vec<f64>,
    first: StartLabel,
    last: EndLabel,
    /// What the chart says, in a few words: its title.
    message: String,
    incomplete: bool,
    range: String,
    alt: String,
}

impl LineChart {
    /// What it shows, in words.
    pub(crate) fn alt(&self) -> &str {
        &self.alt
    }
}

/// The value of the first point, written clear of the line that leaves it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StartLabel {
    x: f64,
    /// What the label stands on or hangs from: the line's highest or lowest point as far as the label reaches.
    y: f64,
    /// Under the line.
    below: bool,
    text: String,
}

/// The value of the last point, written to the right of it, where there is no line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EndLabel {
    y: f64,
    text: String,
}

/// How much of the chart's width the label of the first point covers.
const LABEL_REACH: f64 = 0.24;

/// The line of the trend; `None` when fewer than two points have a score.
pub(crate) fn line(trend: &Trend, kind: ReportKind) -> Option<LineChart> {
    let shares: Vec<Option<f64>> = trend.points.iter().map(share).collect();
    if shares.iter().flatten().count() < 2 {
        return None;
    }
    let axis = Axis::around(shares.iter().flatten().copied(), 0.04);
    let points: Vec<Option<Point>> = trend
        .points
        .iter()
        .zip(&shares)
        .enumerate()
        .map(|(index, (point, share))| {
            share.map(|share| Point {
                x: place(index, shares.len()),
                y: axis.place(share),
                incomplete: point.scopes_missing > 0,
            })
        })
        .collect();
    let known: Vec<Known> = points
        .iter()
        .zip(&shares)
        .zip(&trend.points)
        .filter_map(|((point, share), of)| {
            Some(Known {
                point: (*point)?,
                share: (*share)?,
                day: of.target,
            })
        })
        .collect();
    let (first, last) = (known.first()?, known.last()?);
    Some(LineChart {
        x_ticks: x_ticks(trend, kind),
        y_ticks: axis.ticks(),
        runs: runs(&points),
        gaps: gaps(&points),
        first: start_label(&known, first),
        last: EndLabel {
            y: last.point.y,
            text: unbroken(&text::score(Some(last.share))),
        },
        message: line_message(trend.direction, kind, first, last),
        incomplete: known.iter().any(|one| one.point.incomplete),
        range: axis.range(),
        alt: line_alt(trend),
    })
}

/// A point that has a score.
struct Known {
    point: Point,
    share: f64,
    day: Timestamp,
}

/// On the side of the line where there is more room, and as far off as the line reaches under the label.
fn start_label(known: &[Known], first: &Known) -> StartLabel {
    let reach = first.point.x + LABEL_REACH;
    // The line leaves the label's reach between two points: the one after it counts as well.
    let beyond = known
        .iter()
        .position(|one| one.point.x > reach)
        .unwrap_or(known.len());
    let near = known.iter().take(beyond + 1).map(|one| one.point.y);
    let (low, high) = near.fold((1.0_f64, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
    let below = low > 1.0 - high;
    StartLabel {
        x: first.point.x,
        y: if below { low } else { high },
        below,
        text: unbroken(&text::score(Some(first.share))),
    }
}

fn line_message(direction: Direction, kind: ReportKind, first: &Known, last: &Known) -> String {
    let opening = match direction {
        Direction::Improving => format!("Improving over {}", window(kind)),
        Direction::Degrading => format!("Degrading over {}", window(kind)),
        Direction::Steady => format!("Steady over {}", window(kind)),
        Direction::NotEnoughHistory => format!("Since {}", short_day(first.day)),
    };
    let score = |known: &Known| unbroken(&text::score(Some(known.share)));
    format!("{opening}: {} to {}", score(first), score(last))
}

/// How far the trend looks back: `7 days`.
pub(crate) fn window(kind: ReportKind) -> String {
    let unit = if kind == ReportKind::Weekly {
        "weeks"
    } else {
        "days"
    };
    unbroken(&format!("{} {unit}", kind.trend_periods()))
}

/// A day without its year: `11-21`.
fn short_day(day: Timestamp) -> String {
    text::day(day)[5..].to_owned()
}

fn share(point: &TrendPoint) -> Option<f64> {
    point.scores.as_ref().and_then(|scores| scores.compliance_score)
}

fn line_alt(trend: &Trend) -> String {
    let each: Vec<_> = trend
        .points
        .iter()
        .map(|point| match &point.scores {
            None => format!("{} no snapshot", text::day(point.target)),
            Some(scores) => format!(
                "{} {}",
                text::day(point.target),
                text::score(scores.compliance_score)
            ),
        })
        .collect();
    format!("Line chart of the compliance score: {}.", each.join(", "))
}

/// New above and resolved below a line, for each point of the trend.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BarChart {
    x_ticks: Vec<Tick>,
    bars: Vec<Bar>,
    /// The part of the height above the line, 0 to 1: both directions have one scale.
    above: f64,
    /// What the chart says, in a few words: its title.
    message: String,
    alt: String,
}

impl BarChart {
    /// What it shows, in words.
    pub(crate) fn alt(&self) -> &str {
        &self.alt
    }
}

#[derive(Debug, Clone, Serialize)]
struct Bar {
    x: f64,
    /// Of the chart's height, 0 to 1; `None` has nothing to compare with.
    new: Option<f64>,
    resolved: Option<f64>,
    new_label: String,
    resolved_label: String,
    /// This report's own.
    now: bool,
}

/// Points beside each other whose counts of more than this many characters would touch.
const CROWDED: (usize, usize) = (8, 3);

/// The bars of the trend; `None` when no point has a point before it.
pub(crate) fn bars(trend: &Trend, kind: ReportKind) -> Option<BarChart> {
    let movements: Vec<Option<Movement>> = trend.points.iter().map(|point| point.movement).collect();
    let new = movements.iter().flatten().map(|one| one.new).max()?;
    let resolved = movements.iter().flatten().map(|one| one.resolved).max()?;
    let height = (new + resolved).max(1) as f64;
    let last = movements.len() - 1;
    let crowded = movements.len() > CROWDED.0 && text::count(new.max(resolved)).len() > CROWDED.1;
    // Where all labels would touch, the report's own and the highest are written; the table has every number.
    let label = |index: usize, count: u64, greatest: u64| {
        let written = !crowded || index == last || (count == greatest && index + 2 < last);
        if written {
            text::count(count)
        } else {
            String::new()
        }
    };
    let bars = movements
        .iter()
        .enumerate()
        .map(|(index, movement)| Bar {
            x: place(index, movements.len()),
            new: movement.map(|one| one.new as f64 / height),
            resolved: movement.map(|one| one.resolved as f64 / height),
            new_label: movement.map_or(String::new(), |one| label(index, one.new, new)),
            resolved_label: movement.map_or(String::new(), |one| label(index, one.resolved, resolved)),
            now: index == last,
        })
        .collect();
    Some(BarChart {
        x_ticks: x_ticks(trend, kind),
        bars,
        above: new as f64 / height,
        message: bars_message(trend),
        alt: bars_alt(trend),
    })
}

fn bars_message(trend: &Trend) -> String {
    let sum = |part: fn(Movement) -> u64| {
        trend
            .points
            .iter()
            .filter_map(|point| point.movement.map(part))
            .sum()
    };
    let (new, resolved): (u64, u64) = (sum(|one| one.new), sum(|one| one.resolved));
    let since = trend.points.iter().find(|point| point.scores.is_some());
    let since = since.map_or(String::new(), |point| {
        format!(" since {}", short_day(point.target))
    });
    let (new_text, resolved_text) = (text::count(new), text::count(resolved));
    match new.cmp(&resolved) {
        Ordering::Greater => format!("More new than resolved: {new_text} against {resolved_text}{since}"),
        Ordering::Less => format!("More resolved than new: {resolved_text} against {new_text}{since}"),
        Ordering::Equal => format!("As many resolved as new: {new_text}{since}"),
    }
}

fn bars_alt(trend: &Trend) -> String {
    let each: Vec<_> = trend
        .points
        .iter()
        .filter_map(|point| {
            let movement = point.movement?;
            Some(format!(
                "{} {} new and {} resolved",
                text::day(point.target),
                text::count(movement.new),
                text::count(movement.resolved)
            ))
        })
        .collect();
    format!(
        "Bar chart of new and resolved noncompliance: {}.",
        each.join(", ")
    )
}

/// An account's trend, on its own scale.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sparkline {
    runs: Vec<Vec<Point>>,
    alt: String,
}

/// A sparkline; `None` when fewer than two points have a score.
pub(crate) fn sparkline(trend: &[Option<f64>]) -> Option<Sparkline> {
    if trend.iter().flatten().count() < 2 {
        return None;
    }
    let axis = Axis::tight(trend.iter().flatten().copied(), 0.05);
    let points: Vec<Option<Point>> = trend
        .iter()
        .enumerate()
        .map(|(index, share)| {
            share.map(|share| Point {
                x: place(index, trend.len()),
                y: axis.place(share),
                incomplete: false,
            })
        })
        .collect();
    Some(Sparkline {
        runs: runs(&points),
        alt: sparkline_alt(trend),
    })
}

fn sparkline_alt(trend: &[Option<f64>]) -> String {
    let each = trend.iter().map(|share| match share {
        None => "none".to_owned(),
        share => text::score(*share),
    });
    format!("Score, oldest first: {}.", each.collect::<Vec<_>>().join(", "))
}

fn place(index: usize, points: usize) -> f64 {
    if points < 2 {
        0.5
    } else {
        index as f64 / (points - 1) as f64
    }
}

fn runs(points: &[Option<Point>]) -> Vec<Vec<Point>> {
    points
        .split(Option::is_none)
        .map(|run| run.iter().flatten().copied().collect())
        .filter(|run: &Vec<Point>| !run.is_empty())
        .collect()
}

fn gaps(points: &[Option<Point>]) -> Vec<f64> {
    let missing = points.iter().enumerate().filter(|(_, point)| point.is_none());
    missing.map(|(index, _)| place(index, points.len())).collect()
}

/// Days as `11-21`; every second one of a weekly trend, counted from the last.
fn x_ticks(trend: &Trend, kind: ReportKind) -> Vec<Tick> {
    let step = if kind == ReportKind::Weekly { 2 } else { 1 };
    let last = trend.points.len().saturating_sub(1);
    trend
        .points
        .iter()
        .enumerate()
        .filter(|(index, _)| (last - index).is_multiple_of(step))
        .map(|(index, point)| Tick {
            at: place(index, trend.points.len()),
            label: short_day(point.target),
        })
        .collect()
}

/// A vertical axis of shares: from a round number below to a round number above, never outside 0 to 100 %.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// At least `span` high, ending at round percentages.
    fn around(shares: impl Iterator<Item = f64>, span: f64) -> Self {
        let tight = Self::tight(shares, span);
        let step = [0.01, 0.02, 0.05, 0.1, 0.25]
            .into_iter()
            .find(|step| (tight.high - tight.low) / step <= 4.5)
            .unwrap_or(0.25);
        let low = (tight.low / step).floor() * step;
        let high = (tight.high / step).ceil() * step;
        Self {
            low: low.max(0.0),
            high: high.min(1.0),
            step,
        }
    }

    /// Just what the values need, but at least `span`.
    fn tight(shares: impl Iterator<Item = f64>, span: f64) -> Self {
        let (low, high) = shares.fold((1.0_f64, 0.0_f64), |(low, high), share| {
            (low.min(share), high.max(share))
        });
        let missing = ((span - (high - low)) / 2.0).max(0.0);
        let (low, high) = (low - missing, high + missing);
        // At either end of 0 to 100 % the window moves inwards instead of being cut.
        let shift = (high - 1.0).max(0.0) - (-low).max(0.0);
        Self {
            low: (low - shift).max(0.0),
            high: (high - shift).min(1.0),
            step: 0.01,
        }
    }

    fn place(&self, share: f64) -> f64 {
        ((share - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<Tick> {
        let count = ((self.high - self.low) / self.step).round() as u32;
        (0..=count)
            .map(|index| {
                let share = self.low + f64::from(index) * self.step;
                Tick {
                    at: self.place(share),
                    label: format!("{:.0}\u{A0}%", share * 100.0),
                }
            })
            .collect()
    }

    fn range(&self) -> String {
        let whole = self.low <= 0.0 && self.high >= 1.0;
        let ends = format!(
            "The vertical axis runs from {:.0} % to {:.0} %",
            self.low * 100.0,
            self.high * 100.0
        );
        if whole || self.low <= 0.0 {
            format!("{ends}.")
        } else {
            format!("{ends}, not from 0.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_round_holds_its_values_and_is_never_a_magnifying_glass() {
        let check = |shares: &[f64], low: f64, high: f64| {
            let axis = Axis::around(shares.iter().copied(), 0.04);
            assert!(
                (axis.low - low).abs() < 1e-9 && (axis.high - high).abs() < 1e-9,
                "{shares:?}: {} to {}",
                axis.low,
                axis.high
            );
        };
        check(&[0.871, 0.873], 0.85, 0.90);
        check(&[1.0, 1.0], 0.96, 1.0);
        check(&[0.0, 0.0], 0.0, 0.04);
        check(&[0.2, 0.9], 0.0, 1.0);
    }

    #[test]
    fn a_gap_is_not_bridged() {
        let spark = sparkline(&[Some(0.5), Some(0.6), None, Some(0.7)]).unwrap();
        assert_eq!(spark.runs.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert!(sparkline(&[None, Some(0.5)]).is_none());
    }
}

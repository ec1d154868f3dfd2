//! Which earlier snapshots a report compares with: pure rules, printed in the report.

use jiff::{SignedDuration, Timestamp};

use crate::report::{ReportKind, TrendTarget};
use crate::snapshot::SnapshotRef;

/// The earlier snapshots a run reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Compared with; the nearest to one period before within half a period, else the newest earlier one.
    pub baseline: Option<SnapshotRef>,
    /// All read, oldest first, the baseline included.
    pub history: Vec<SnapshotRef>,
    /// Trend points, oldest first, ending with the run itself.
    pub trend: Vec<TrendTarget>,
}

/// Chooses from `known` (any order, same origin) for a report of `kind` on the snapshot `current_id` of `as_of`.
/// Only snapshots before `as_of` are looked at.
///
/// - Each trend point takes the snapshot nearest to its target, at most half a period away; a point without one is
///   a gap. A snapshot serves one point only.
/// - History is every trend snapshot, the baseline, and for weekly reports also one snapshot for each of the last
///   7 days, so that what opened and was resolved within the week is seen.
pub fn select(kind: ReportKind, current_id: &str, as_of: Timestamp, known: &[SnapshotRef]) -> Selection {
    let mut earlier: Vec<&SnapshotRef> = known
        .iter()
        .filter(|snapshot| snapshot.as_of < as_of && snapshot.id != current_id)
        .collect();
    earlier.sort_by(|a, b| (a.as_of, &a.id).cmp(&(b.as_of, &b.id)));
    let points = points_back(&earlier, as_of, kind.period(), kind.trend_periods());
    let baseline = points
        .last()
        .and_then(|(_, found)| *found)
        .or(earlier.last().copied());
    let mut history: Vec<&SnapshotRef> = points
        .iter()
        .filter_map(|(_, found)| *found)
        .chain(baseline)
        .collect();
    if kind == ReportKind::Weekly {
        let days = points_back(&earlier, as_of, SignedDuration::from_hours(24), 7);
        history.extend(days.into_iter().filter_map(|(_, found)| found));
    }
    history.sort_by(|a, b| (a.as_of, &a.id).cmp(&(b.as_of, &b.id)));
    history.dedup();
    let mut trend: Vec<TrendTarget> = points
        .into_iter()
        .map(|(target, found)| TrendTarget {
            target,
            snapshot_id: found.map(|snapshot| snapshot.id.clone()),
        })
        .collect();
    trend.push(TrendTarget {
        target: as_of,
        snapshot_id: Some(current_id.to_owned()),
    });
    Selection {
        baseline: baseline.cloned(),
        history: history.into_iter().cloned().collect(),
        trend,
    }
}

/// For each of `count` targets, oldest first, the snapshot nearest to it within half a period.
fn points_back<'a>(
    earlier: &[&'a SnapshotRef],
    as_of: Timestamp,
    period: SignedDuration,
    count: u32,
) -> Vec<(Timestamp, Option<&'a SnapshotRef>)> {
    let half_period = period / 2;
    let mut points = Vec::new();
    let mut used: Option<&str> = None;
    for back in 1..=count {
        // A date before year −9999 is no target: the list just ends there.
        let Ok(target) = as_of.checked_sub(period * i32::try_from(back).unwrap_or(i32::MAX)) else {
            break;
        };
        let found = earlier
            .iter()
            .copied()
            .filter(|snapshot| {
                distance(snapshot.as_of, target) <= half_period && used != Some(snapshot.id.as_str())
            })
            .min_by_key(|snapshot| (distance(snapshot.as_of, target), snapshot.as_of));
        used = found.map(|snapshot| snapshot.id.as_str()).or(used);
        points.push((target, found));
    }
    points.reverse();
    points
}

fn distance(a: Timestamp, b: Timestamp) -> SignedDuration {
    a.duration_since(b).abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ObjectRef;

    fn snapshot(time: &str) -> SnapshotRef {
        SnapshotRef {
            id: time.to_owned(),
            as_of: time.parse().unwrap(),
            manifest: ObjectRef {
                key: String::new(),
                sha256: String::new(),
            },
        }
    }

    fn choose(kind: ReportKind, known: &[&str]) -> (Option<String>, Vec<String>, Vec<bool>) {
        let known: Vec<_> = known.iter().map(|time| snapshot(time)).collect();
        let chosen = select(kind, "now", "2026-11-21T09:00:00Z".parse().unwrap(), &known);
        let history = chosen.history.into_iter().map(|snapshot| snapshot.id).collect();
        let present = chosen
            .trend
            .iter()
            .map(|point| point.snapshot_id.is_some())
            .collect();
        (chosen.baseline.map(|snapshot| snapshot.id), history, present)
    }

    #[test]
    fn a_first_run_has_no_baseline() {
        let (baseline, history, trend) = choose(ReportKind::Daily, &[]);
        assert_eq!(
            (
                baseline,
                history.len(),
                trend.iter().filter(|found| **found).count()
            ),
            (None, 0, 1)
        );
    }

    #[test]
    fn the_nearest_to_a_day_before_is_the_baseline() {
        let (baseline, history, _) = choose(
            ReportKind::Daily,
            &[
                "2026-11-20T15:00:00Z",
                "2026-11-20T08:00:00Z",
                "2026-11-21T08:00:00Z",
            ],
        );
        assert_eq!(baseline.as_deref(), Some("2026-11-20T08:00:00Z"));
        assert_eq!(history, ["2026-11-20T08:00:00Z"]);
    }

    #[test]
    fn without_one_near_a_day_before_the_newest_earlier_is() {
        let (baseline, _, trend) = choose(
            ReportKind::Daily,
            &["2026-11-18T09:00:00Z", "2026-11-17T09:00:00Z"],
        );
        assert_eq!(baseline.as_deref(), Some("2026-11-18T09:00:00Z"));
        assert_eq!(trend, [false, false, false, true, true, false, false, true]);
    }

    #[test]
    fn later_snapshots_are_never_read() {
        let (baseline, history, _) = choose(
            ReportKind::Daily,
            &["2026-11-22T09:00:00Z", "2026-11-21T09:00:00Z"],
        );
        assert_eq!((baseline, history.len()), (None, 0));
    }

    #[test]
    fn a_weekly_report_also_reads_the_days_of_its_week() {
        let days: Vec<String> = (14..=20).map(|day| format!("2026-11-{day}T09:00:00Z")).collect();
        let days: Vec<&str> = days.iter().map(String::as_str).collect();
        let (baseline, history, _) = choose(ReportKind::Weekly, &days);
        assert_eq!(
            (baseline.as_deref(), history.len()),
            (Some("2026-11-14T09:00:00Z"), 7)
        );
    }
}

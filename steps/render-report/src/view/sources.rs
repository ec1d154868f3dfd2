//! What the report was computed from: enough to make it again.

use compliance::Timestamp;
use compliance::report::{LeftOut, PeriodEvents};
use compliance::scorecard::Scorecard;
use compliance::settings::Settings;
use compliance::snapshot::SnapshotRef;
use compliance::text as format;
use serde::Serialize;

use super::text;

#[derive(Debug, Clone, Serialize)]
pub(super) struct SourcesSection {
    facts: Vec<Fact>,
    snapshots: Vec<SnapshotRow>,
}

#[derive(Debug, Clone, Serialize)]
struct Fact {
    what: &'static str,
    value: String,
    /// Set in the type of ids and hashes.
    mono: bool,
}

#[derive(Debug, Clone, Serialize)]
struct SnapshotRow {
    role: &'static str,
    as_of: String,
    id: String,
    sha256: String,
}

pub(super) fn section(scorecard: &Scorecard, settings: &Settings) -> SourcesSection {
    let inputs = &scorecard.inputs;
    let aggregator = &scorecard.context.aggregator;
    let words = |what, value: &str| Fact {
        what,
        value: text::shown(value),
        mono: false,
    };
    let id = |what, value: &str| Fact {
        what,
        value: text::shown(value),
        mono: true,
    };
    let mut facts = vec![
        id("Run", &scorecard.run_id),
        words("As of", &format::minute(scorecard.as_of)),
        id("Aggregator", &aggregator.arn),
        words("Results", results(scorecard)),
        id("Settings, SHA-256", &inputs.settings.sha256),
        words(
            "Steady band of the trend",
            &format!("{} points", settings.scoring.steady_band_points),
        ),
        words("Rule catalogue", &inputs.catalogue_version),
        words("Plumbline", &inputs.plumbline_version),
    ];
    match &inputs.predecessor {
        None => facts.push(words("Previous report", "none: this is the first of its chain")),
        Some(previous) => {
            facts.push(id("Previous report", &previous.run_id));
            facts.push(id("Its manifest, SHA-256", &previous.manifest_sha256));
        }
    }
    if !inputs.passed_over.is_empty() {
        facts.push(id(
            "Damaged reports since, passed over",
            &inputs.passed_over.join(", "),
        ));
    }
    if let Some(extract) = inputs.events.as_ref().and_then(PeriodEvents::extract) {
        facts.push(id("Extract of events, SHA-256", &extract.sha256));
    }
    SourcesSection {
        facts,
        snapshots: snapshots(scorecard),
    }
}

fn results(scorecard: &Scorecard) -> &str {
    scorecard.simulation.as_deref().map_or(
        "evaluation results of AWS Config, as the aggregator returned them",
        |_| "simulated: not of any AWS account",
    )
}

/// This run's snapshot first, then those before it, newest first; those left out in their place.
fn snapshots(scorecard: &Scorecard) -> Vec<SnapshotRow> {
    let inputs = &scorecard.inputs;
    let baseline = inputs.baseline.as_ref().map(|one| one.id.as_str());
    let read = inputs.history.iter().map(|snapshot| {
        let role = if Some(snapshot.id.as_str()) == baseline {
            "baseline"
        } else {
            "history"
        };
        (snapshot.as_of, row(role, snapshot))
    });
    let left_out = inputs.left_out.iter().map(|one| (one.as_of, left_out_row(one)));
    let mut earlier: Vec<(Timestamp, SnapshotRow)> = read.chain(left_out).collect();
    earlier.sort_by_key(|(as_of, _)| std::cmp::Reverse(*as_of));
    std::iter::once(row("reported", &inputs.snapshot))
        .chain(earlier.into_iter().map(|(_, row)| row))
        .collect()
}

fn row(role: &'static str, snapshot: &SnapshotRef) -> SnapshotRow {
    SnapshotRow {
        role,
        as_of: format::minute(snapshot.as_of),
        id: text::shown(&snapshot.id),
        sha256: text::shown(&snapshot.manifest.sha256),
    }
}

/// In place of a hash, why it was not used.
fn left_out_row(one: &LeftOut) -> SnapshotRow {
    SnapshotRow {
        role: "left out",
        as_of: format::minute(one.as_of),
        id: text::shown(&one.id),
        sha256: format!("{} and was not used", one.problem()),
    }
}

//! What the report was computed from: enough to make it again.

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

/// This run's snapshot first, then those before it, newest first.
fn snapshots(scorecard: &Scorecard) -> Vec<SnapshotRow> {
    let inputs = &scorecard.inputs;
    let baseline = inputs.baseline.as_ref().map(|one| one.id.as_str());
    let row = |role, snapshot: &SnapshotRef| SnapshotRow {
        role,
        as_of: format::minute(snapshot.as_of),
        id: text::shown(&snapshot.id),
        sha256: text::shown(&snapshot.manifest.sha256),
    };
    std::iter::once(row("reported", &inputs.snapshot))
        .chain(inputs.history.iter().rev().map(|snapshot| {
            let role = if Some(snapshot.id.as_str()) == baseline {
                "baseline"
            } else {
                "history"
            };
            row(role, snapshot)
        }))
        .collect()
}

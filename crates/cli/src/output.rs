//! What a finished run says on standard output: text for people, one JSON object for scripts.

use std::fmt::Write as _;
use std::path::Path;

use compliance::artifact::{CallCount, Provenance};
use compliance::coverage::Coverage;
use compliance::events::EventActivity;
use compliance::scorecard::{Direction, Scorecard};
use compliance::text;
use serde::Serialize;

/// A finished run.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome<'a> {
    /// The run's id.
    pub(crate) run_id: &'a str,
    /// Folder of the bundle.
    pub(crate) folder: &'a Path,
    /// Names of the files in it, sorted.
    pub(crate) files: Vec<String>,
    /// An earlier run had sealed the same bundle already.
    pub(crate) existed: bool,
    /// SHA-256 of the manifest.
    pub(crate) manifest_sha256: &'a str,
    /// The moment it stands for.
    pub(crate) as_of: compliance::Timestamp,
    /// The simulation, if it is one.
    pub(crate) simulation: Option<&'a str>,
    /// Compliance score, 0 to 1; `null` is no data.
    pub(crate) compliance_score: Option<f64>,
    /// Change since the baseline, a share; `null` without one.
    pub(crate) change: Option<f64>,
    /// Counts of new, resolved, still and vanished noncompliance.
    pub(crate) movement: compliance::scorecard::Movement,
    /// Ids of earlier snapshots that are damaged and were not used.
    pub(crate) left_out: Vec<&'a str>,
    /// When the interrupted run began that this one continues.
    pub(crate) continues: Option<compliance::Timestamp>,
    /// Everything expected was collected.
    pub(crate) coverage_complete: bool,
    /// Scopes collected and expected or returned.
    pub(crate) scopes_collected: u64,
    /// See `scopes_collected`.
    pub(crate) scopes: u64,
    /// Attempts sent to AWS in this run.
    pub(crate) attempts: u64,
    /// Calls the call plan's formula foresees.
    pub(crate) planned_calls: u64,
    /// What came of the delivery, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delivery: Option<&'a compliance::delivery::record::RunDelivery>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(
        scorecard: &'a Scorecard,
        provenance: &'a Provenance,
        folder: &'a Path,
        files: Vec<String>,
        existed: bool,
    ) -> Self {
        let coverage = &scorecard.context.coverage;
        Self {
            run_id: &scorecard.run_id,
            folder,
            files,
            existed,
            manifest_sha256: &provenance.manifest_sha256,
            as_of: scorecard.as_of,
            simulation: scorecard.simulation.as_deref(),
            compliance_score: scorecard.organization.compliance_score,
            change: scorecard.change.as_ref().and_then(|change| change.change),
            movement: scorecard.movement,
            left_out: scorecard
                .inputs
                .left_out
                .iter()
                .map(|one| one.id.as_str())
                .collect(),
            continues: provenance.continues,
            coverage_complete: coverage.is_complete(),
            scopes_collected: coverage.scopes_collected(),
            scopes: coverage.scopes_total(),
            attempts: attempts(&provenance.calls),
            planned_calls: provenance.planned_calls,
            delivery: None,
        }
    }
}

/// All attempts of a run.
pub(crate) fn attempts(calls: &std::collections::BTreeMap<String, CallCount>) -> u64 {
    calls.values().map(|count| count.attempts).sum()
}

/// What the files of further volumes are called, before their number.
const VOLUME: &str = "report-volume-";

/// The run in a few lines.
pub(crate) fn summary(scorecard: &Scorecard, provenance: &Provenance, outcome: &Outcome<'_>) -> String {
    let mut lines = Vec::new();
    lines.push(format!(
        "{} {} report as of {}",
        scorecard.title,
        scorecard.kind.as_str(),
        text::minute(scorecard.as_of)
    ));
    if let Some(simulation) = &scorecard.simulation {
        lines.push(format!("  SIMULATED DATA     {simulation}"));
    }
    lines.push(format!("  compliance score   {}", score_line(scorecard)));
    lines.push(format!("  noncompliant       {}", movement_line(scorecard)));
    lines.push(format!(
        "  coverage           {}",
        coverage_line(&scorecard.context.coverage)
    ));
    if let Some(events) = events_line(scorecard) {
        lines.push(format!("  events             {events}"));
    }
    for one in &scorecard.inputs.left_out {
        lines.push(format!("  left out           {}", one.sentence()));
    }
    if let Some(begun_at) = provenance.continues {
        lines.push(format!(
            "  continues          the run begun {}, whose calls are not counted here",
            text::minute(begun_at)
        ));
    }
    lines.push(format!("  calls              {}", calls_line(provenance)));
    let stages = provenance
        .stages
        .iter()
        .map(|stage| format!("{} {:.1} s", stage.stage, stage.seconds));
    lines.push(format!(
        "  time               {}",
        stages.collect::<Vec<_>>().join(", ")
    ));
    let again = if outcome.existed {
        " (the same bundle as an earlier run)"
    } else {
        ""
    };
    lines.push(format!("Files in {}{again}", outcome.folder.display()));
    let (volumes, files): (Vec<_>, Vec<_>) = outcome
        .files
        .iter()
        .filter(|file| !file.contains('/'))
        .partition(|file| file.starts_with(VOLUME));
    for file in files {
        lines.push(format!("  {file}"));
        if file == "report.pdf" && !volumes.is_empty() {
            let last = volumes.len() + 1;
            let others = if last == 2 {
                String::new()
            } else {
                format!(" to {VOLUME}{last}.pdf")
            };
            lines.push(format!("  {VOLUME}2.pdf{others}, where its full lists go on"));
        }
    }
    let snapshot = outcome.files.iter().filter(|file| file.contains('/')).count();
    lines.push(format!(
        "  snapshot/          {} of the data reported",
        text::plural(snapshot as u64, "file", "files")
    ));
    lines.join("\n") + "\n"
}

fn score_line(scorecard: &Scorecard) -> String {
    let mut line = text::score(scorecard.organization.compliance_score);
    if let Some(partial) = text::caveat(&scorecard.context.coverage) {
        let _ = write!(line, " ({partial})");
    }
    match (
        &scorecard.baseline,
        scorecard.change.as_ref().and_then(|change| change.change),
    ) {
        (Some(baseline), Some(change)) => {
            let _ = write!(
                line,
                ", {} points since {}",
                text::points(change),
                text::minute(baseline.as_of)
            );
        }
        (Some(baseline), None) => {
            let _ = write!(line, ", no data to compare at {}", text::minute(baseline.as_of));
        }
        (None, _) => line.push_str(", nothing to compare with yet (first run)"),
    }
    let direction = match scorecard.trend.direction {
        Direction::Improving => "; trend improving",
        Direction::Degrading => "; trend degrading",
        Direction::Steady => "; trend steady",
        Direction::NotEnoughHistory => "",
    };
    line + direction
}

fn movement_line(scorecard: &Scorecard) -> String {
    let now = text::count(scorecard.organization.pairs.noncompliant);
    if scorecard.baseline.is_none() {
        return now;
    }
    let movement = scorecard.movement;
    format!(
        "{now} ({} new, {} resolved, {} vanished, {} still)",
        text::count(movement.new),
        text::count(movement.resolved),
        text::count(movement.vanished),
        text::count(movement.still)
    )
}

/// What events told, or that it is not known.
fn events_line(scorecard: &Scorecard) -> Option<String> {
    let unknown = || scorecard.inputs.events.as_ref()?.unknown();
    let told = scorecard.events.as_ref().map(EventActivity::sentence);
    told.or_else(unknown)
}

/// Coverage in a line: what is known, then what is not.
pub(crate) fn coverage_line(coverage: &Coverage) -> String {
    let mut line = format!(
        "{} of {} collected",
        text::count(coverage.scopes_collected()),
        text::plural(coverage.scopes_total(), "scope", "scopes")
    );
    if !coverage.regions_skipped.is_empty() {
        let _ = write!(line, "; no source in {}", coverage.regions_skipped.join(", "));
    }
    if !coverage.is_complete() {
        line.push_str("; INCOMPLETE, see the report's coverage pages");
    }
    line
}

/// The operations of the call plan; names and the rule inventory are asked besides.
const CALL_PLAN: [&str; 4] = [
    "DescribeConfigurationAggregatorSourcesStatus",
    "DescribeAggregateComplianceByConfigRules",
    "SelectAggregateResourceConfig",
    "GetAggregateComplianceDetailsByConfigRule",
];

fn calls_line(provenance: &Provenance) -> String {
    if provenance.offline {
        return "none, from a saved snapshot".to_owned();
    }
    let (plan, besides): (Vec<_>, Vec<_>) = provenance
        .calls
        .iter()
        .partition(|(operation, _)| CALL_PLAN.contains(&operation.as_str()));
    let sum = |calls: &[(&String, &CallCount)], of: fn(&CallCount) -> u64| -> u64 {
        calls.iter().map(|(_, count)| of(count)).sum()
    };
    format!(
        "{} of the call plan (its formula: {}), {} for names and rule inventory, {} in all",
        text::count(sum(&plan, |count| count.succeeded)),
        text::count(provenance.planned_calls),
        text::count(sum(&besides, |count| count.succeeded)),
        text::plural(attempts(&provenance.calls), "attempt", "attempts"),
    )
}

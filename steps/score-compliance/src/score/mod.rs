//! Scores the snapshots a run froze: each is read oldest first, account by account on every core, in codes; only what
//! is noncompliant or changed becomes rows. Memory is bounded by row groups, accounts and what is noncompliant: of a
//! snapshot that is not read yet or any more there are only its compressed files. The baseline is read once more beside
//! the present snapshot.
//!
//! The numbers are those of [`compliance::definitions`]. What those leave open is decided, and written, where it is
//! computed; in short:
//! - A result counts when its scope is listed in the coverage and was collected, and its deployed rule is not among
//!   the scope's missing rules.
//! - Intervals, gaps and result times: the walk (`walk.rs`). Causes: `changes.rs`. Rows of lists: `lists.rs`.
//!   Accounts, rules, groups and completeness: `card.rs`. Names and places of accounts: `people.rs`.

mod account;
mod accounts;
mod advice;
mod card;
mod changes;
mod codes;
mod disagreements;
mod durations;
mod exceptions;
mod fix_first;
mod groups;
mod history;
mod lists;
mod merged;
mod pair;
mod people;
mod reconciled;
mod rows;
mod rules;
mod scopes;
mod sheet;
mod tally;
mod transitions;
mod walk;

use std::collections::HashSet;

use compliance::catalogue::Catalogue;
use compliance::events::EventExtract;
use compliance::objects;
use compliance::ports::ObjectStore;
use compliance::progress::Progress;
use compliance::report::{PeriodEvents, RunInputs};
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use compliance::snapshot::SnapshotRef;
use compliance::text;

use self::codes::Codes;
use self::history::{History, Role};
use crate::ScoreError;
use crate::engine::outside;
use crate::opened::{self, Opened, Which};

/// What is to be scored.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreInput {
    /// The frozen inputs: which snapshots, and what they are compared with.
    pub inputs: RunInputs,
    /// The settings those inputs name.
    pub settings: Settings,
}

/// Every number and every list of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreOutput {
    /// The numbers.
    pub scorecard: Scorecard,
    /// The lists behind them.
    pub lists: Lists,
}

/// Reads the run's snapshots, this run's and its history, and computes its scorecard.
///
/// # Errors
/// [`ScoreError::Store`] when a snapshot or the extract of events is missing or damaged; [`ScoreError::Inputs`] when the inputs do not fit
/// together.
pub async fn run(
    input: ScoreInput,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<ScoreOutput, ScoreError> {
    let ScoreInput { inputs, settings } = input;
    check(&inputs)?;
    let snapshots = || inputs.history.iter().chain([&inputs.snapshot]);
    progress.begin("score", snapshots().count() as u64 + 1);
    let mut history = History::new(Codes::new(Catalogue::new(&settings)?));
    for snapshot in snapshots() {
        let opened = opened::open(Which::Ref(snapshot), store).await?;
        check_origin(&inputs, &opened)?;
        let role = role(&inputs, snapshot);
        outside(|| history.read(opened, role))?;
        progress.advance(1);
    }
    let events = events(&inputs, store).await?;
    let output = outside(|| card::make(history, inputs, events, &settings))?;
    progress.advance(1);
    let score = text::score(output.scorecard.organization.compliance_score);
    let partial = text::caveat(&output.scorecard.context.coverage);
    let partial = partial.map_or_else(String::new, |partial| format!(" ({partial})"));
    progress.finish(&format!("compliance score {score}{partial}"));
    Ok(output)
}

/// The extract of events that the inputs name, if they do.
async fn events(inputs: &RunInputs, store: &impl ObjectStore) -> Result<Option<EventExtract>, ScoreError> {
    match inputs.events.as_ref().and_then(PeriodEvents::extract) {
        Some(extract) => Ok(Some(objects::read_json(store, extract).await?)),
        None => Ok(None),
    }
}

fn role(inputs: &RunInputs, snapshot: &SnapshotRef) -> Role {
    let is = |other: &SnapshotRef| other.id == snapshot.id;
    Role {
        baseline: inputs.baseline.as_ref().is_some_and(is),
        current: is(&inputs.snapshot),
        trend: inputs
            .trend
            .iter()
            .any(|point| point.snapshot_id.as_deref() == Some(snapshot.id.as_str())),
    }
}

/// Holds what the selection of snapshots promises: history ascends and ends before the present, and has the baseline
/// and every point of the trend.
fn check(inputs: &RunInputs) -> Result<(), ScoreError> {
    let refuse = |problem: String| {
        let kind = inputs.kind.as_str();
        Err(ScoreError::Inputs(format!(
            "the inputs of the {kind} run on snapshot {} {problem}; select its history again",
            inputs.snapshot.id
        )))
    };
    let read: Vec<&SnapshotRef> = inputs.history.iter().chain([&inputs.snapshot]).collect();
    if let Some(pair) = read.windows(2).find(|pair| pair[0].as_of >= pair[1].as_of) {
        return refuse(format!(
            "read {} before {}, which is not older",
            pair[0].id, pair[1].id
        ));
    }
    let ids: HashSet<&str> = read.iter().map(|snapshot| snapshot.id.as_str()).collect();
    if ids.len() < read.len() {
        return refuse("name one snapshot twice".to_owned());
    }
    let trend = inputs
        .trend
        .iter()
        .filter_map(|point| point.snapshot_id.as_deref());
    if let Some(unread) = trend.into_iter().find(|id| !ids.contains(id)) {
        return refuse(format!(
            "have a trend through {unread}, which is not in their history"
        ));
    }
    if let Some(baseline) = &inputs.baseline
        && (!ids.contains(baseline.id.as_str()) || baseline.id == inputs.snapshot.id)
    {
        return refuse(format!(
            "compare with {}, which is not in their history",
            baseline.id
        ));
    }
    Ok(())
}

fn check_origin(inputs: &RunInputs, opened: &Opened) -> Result<(), ScoreError> {
    let found = &opened.manifest.origin;
    if *found == inputs.origin {
        return Ok(());
    }
    Err(ScoreError::Inputs(format!(
        "snapshot {} is of {} ({}), and this run is of {} ({}); histories of different origins are never mixed: select its history again",
        opened.snapshot.id,
        found.aggregator_arn,
        found.simulation.as_deref().unwrap_or("live"),
        inputs.origin.aggregator_arn,
        inputs.origin.simulation.as_deref().unwrap_or("live"),
    )))
}

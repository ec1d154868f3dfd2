//! The SealReport task of the workflow.

use std::collections::BTreeMap;

use compliance::artifact::{BundleManifest, CallCount, Provenance, SCHEMA, StageTime};
use compliance::bundles::BundleError;
use compliance::failure::TaskError;
use compliance::objects::{self, MANIFEST};
use compliance::ports::{Clock, ObjectStore, Retention};
use compliance::progress::Progress;
use compliance::report::{ReportKind, RunInputs};
use compliance::workflow::{Bundled, Execution, SealTask, TaskRecord};

use crate::{SealInput, Sealed, record_provenance};

/// The stages of a run, in the order that provenance lists them.
const STAGES: [&str; 4] = ["plan", "collect", "score", "render"];

/// Seals the task's bundle; its provenance sums up what the tasks before it recorded.
///
/// # Errors
/// Those of [`crate::run`] and [`record_provenance`].
pub async fn run(
    task: &SealTask,
    store: &impl ObjectStore,
    clock: &impl Clock,
    progress: &dyn Progress,
) -> Result<Bundled, TaskError> {
    let inputs: RunInputs = objects::read_json(store, &task.inputs).await?;
    let (kind, as_of) = (inputs.kind, inputs.as_of);
    let input = SealInput {
        inputs,
        run_id: task.run_id.clone(),
        files: objects::read_json(store, &task.files).await?,
    };
    let sealed = crate::run(input, store, progress)
        .await
        .map_err(TaskError::of(BundleError::code))?;
    let records = TaskRecord::all(&task.execution, store).await?;
    let provenance = provenance(task, &sealed, &records, clock);
    record_provenance(&sealed, &provenance, store)
        .await
        .map_err(TaskError::of(BundleError::code))?;
    Ok(Bundled {
        kind,
        as_of,
        run_id: task.run_id.clone(),
        folder: sealed.folder,
        manifest: sealed.manifest,
    })
}

fn provenance(task: &SealTask, sealed: &Sealed, records: &[TaskRecord], clock: &impl Clock) -> Provenance {
    let of = |stage: &str| {
        records
            .iter()
            .filter(move |record| record.stage == stage)
            .collect::<Vec<_>>()
    };
    let stages = STAGES.into_iter().map(|stage| StageTime {
        stage: stage.to_owned(),
        seconds: of(stage).iter().map(|record| record.seconds).sum(),
    });
    Provenance {
        schema: SCHEMA,
        run_id: task.run_id.clone(),
        manifest_sha256: sealed.manifest.sha256.clone(),
        started_at: task.execution.started_at,
        continues: None,
        finished_at: clock.now(),
        principal: records.iter().find_map(|record| record.principal.clone()),
        execution_arn: Some(task.execution.arn.clone()),
        plumbline_version: compliance::version(),
        stages: stages.collect(),
        calls: calls(records),
        planned_calls: records.iter().map(|record| record.planned_calls).sum(),
        offline: of("collect").is_empty(),
    }
}

fn calls(records: &[TaskRecord]) -> BTreeMap<String, CallCount> {
    let mut sum: BTreeMap<String, CallCount> = BTreeMap::new();
    for (operation, count) in records.iter().flat_map(|record| &record.calls) {
        sum.entry(operation.clone()).or_default().add(count);
    }
    sum
}

/// How many days each kind of report is kept from being deleted; a kind that is not named is not.
pub type RetentionDays = BTreeMap<ReportKind, u32>;

/// Keeps every file of the task's bundle, and of the snapshot it reports, from being deleted for as long as its kind
/// asks, counted from when its execution began, so that a retried task says the same.
///
/// # Errors
/// The store's own.
pub async fn retain(
    execution: &Execution,
    bundled: &Bundled,
    days: &RetentionDays,
    store: &impl ObjectStore,
    retention: &impl Retention,
) -> Result<(), TaskError> {
    let Some(days) = days.get(&bundled.kind).filter(|days| **days > 0) else {
        return Ok(());
    };
    let length = jiff::SignedDuration::from_hours(i64::from(*days) * 24);
    let until = execution.started_at.checked_add(length).map_err(|error| {
        let message =
            format!("{days} days after the report is no time: {error}; set fewer days of retention");
        TaskError::new("Seal.Retention", message)
    })?;
    let manifest: BundleManifest = objects::read_json(store, &bundled.manifest).await?;
    let snapshot = &manifest.inputs.snapshot.manifest.key;
    let snapshot_folder = snapshot.trim_end_matches(MANIFEST);
    for folder in [bundled.folder.as_str(), snapshot_folder] {
        for key in store.list(folder).await? {
            retention.retain(&key, until).await?;
        }
    }
    Ok(())
}

/// Seconds since the task's execution began.
pub fn seconds_since(task: &SealTask, clock: &impl Clock) -> f64 {
    let took = clock.now().duration_since(task.execution.started_at);
    took.as_secs_f64().max(0.0)
}

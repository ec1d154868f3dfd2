//! The ScoreCompliance task of the workflow: shards become the snapshot, and the run is frozen and scored.

use compliance::collection::{CollectionPlan, results_key};
use compliance::coverage::Gap;
use compliance::failure::TaskError;
use compliance::hash::sha256_hex;
use compliance::inputs::{self, Report};
use compliance::objects;
use compliance::ports::ObjectStore;
use compliance::progress::Progress;
use compliance::report::RunInputs;
use compliance::scorecard::Scorecard;
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, SnapshotManifest, SnapshotRef, work_folder};
use compliance::snapshots;
use compliance::text;
use compliance::workflow::{ScoreSummary, ScoreTask, Scored};

use crate::ScoreError;
use crate::freeze::{self, FreezeInput, ShardOutcome};
use crate::score::{self, ScoreInput};

/// What a shard that was never collected is missing for.
const GAVE_UP: &str = "Collect.GaveUp";

/// Freezes and scores the task's run; with the output, the scorecard for whoever measures it.
///
/// # Errors
/// `Step.BadInput` when there is neither a plan nor a snapshot; those of the store, of [`freeze::run`] and of
/// [`score::run`].
pub async fn run(
    task: &ScoreTask,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<(Scored, Scorecard), TaskError> {
    let settings: Settings = objects::read_json(store, &task.settings).await?;
    let snapshot = snapshot(task, store, progress).await?;
    let folder = work_folder(&snapshot.id);
    let (inputs, inputs_ref) = freeze_inputs(task, snapshot, &folder, store).await?;
    let run_id = inputs
        .run_id()
        .map_err(|error| TaskError::new("Score.Json", error.to_string()))?;
    let scored = score::run(ScoreInput { inputs, settings }, store, progress)
        .await
        .map_err(TaskError::of(ScoreError::code))?;
    let folder = format!("{folder}{run_id}/");
    let summary = ScoreSummary {
        compliance_score: scored.scorecard.organization.compliance_score,
        caveat: text::caveat(&scored.scorecard.context.coverage),
    };
    let output = Scored {
        kind: task.kind,
        run_id,
        inputs: inputs_ref,
        scorecard: objects::put_json(store, &format!("{folder}scorecard.json"), &scored.scorecard).await?,
        lists: objects::put_json(store, &format!("{folder}lists.json"), &scored.lists).await?,
        summary,
    };
    Ok((output, scored.scorecard))
}

/// The snapshot that stands, or the one that the plan's shards make.
async fn snapshot(
    task: &ScoreTask,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<SnapshotRef, TaskError> {
    let plan = match (&task.snapshot, &task.plan) {
        (Some(snapshot), _) => return Ok(snapshot.clone()),
        (None, Some(plan)) => plan.clone(),
        (None, None) => {
            return Err(TaskError::new(
                "Step.BadInput",
                "there is neither a plan nor a snapshot to score; pass on what plan-report gave",
            ));
        }
    };
    let body: CollectionPlan = objects::read_json(store, &plan).await?;
    let shards = outcomes(&body, store).await?;
    let frozen = freeze::run(FreezeInput { plan, shards }, store, progress).await;
    Ok(frozen.map_err(TaskError::of(ScoreError::code))?.snapshot)
}

/// What came of each shard, found by the plan. One without results was given up by the workflow: it is missing, and
/// the report says so.
async fn outcomes(plan: &CollectionPlan, store: &impl ObjectStore) -> Result<Vec<ShardOutcome>, TaskError> {
    let mut outcomes = Vec::with_capacity(plan.shards.len());
    for (index, shard) in (0_u32..).zip(&plan.shards) {
        let key = results_key(&plan.snapshot_id, index, shard);
        let outcome = match store.get(&key).await? {
            Some(bytes) => ShardOutcome::Collected(ObjectRef {
                key,
                sha256: sha256_hex(&bytes),
            }),
            None => ShardOutcome::Missing {
                shard: shard.clone(),
                gap: Gap {
                    code: GAVE_UP.to_owned(),
                    reason: "the workflow gave up collecting it, as its execution history says".to_owned(),
                },
            },
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The run's inputs, chosen once: a retried or redriven task adopts what the first attempt chose.
async fn freeze_inputs(
    task: &ScoreTask,
    snapshot: SnapshotRef,
    folder: &str,
    store: &impl ObjectStore,
) -> Result<(RunInputs, ObjectRef), TaskError> {
    let settings = task.settings.sha256.get(..12).unwrap_or_default();
    let key = format!("{folder}inputs-{}-{settings}.json", task.kind.as_str());
    if let Some(bytes) = store.get(&key).await? {
        let inputs = objects::parse_json(&key, &bytes)?;
        let sha256 = sha256_hex(&bytes);
        return Ok((inputs, ObjectRef { key, sha256 }));
    }
    let manifest: SnapshotManifest = objects::read_json(store, &snapshot.manifest).await?;
    let report = Report {
        kind: task.kind,
        snapshot,
        origin: manifest.origin,
        settings: task.settings.clone(),
        events: task.events.clone(),
    };
    let known = snapshots::known(store).await?;
    let frozen = inputs::freeze(report, &known, store).await?;
    let reference = objects::put_json(store, &key, &frozen.inputs).await?;
    let inputs = objects::read_json(store, &reference).await?;
    Ok((inputs, reference))
}

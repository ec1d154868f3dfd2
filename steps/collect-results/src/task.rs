//! The Collect task of the workflow: one shard.

use compliance::failure::TaskError;
use compliance::ports::{EvaluationSource, ObjectStore, RuleInventory};
use compliance::progress::Progress;
use compliance::settings::Settings;
use compliance::workflow::{CollectTask, Collected};

use crate::{CollectCounts, CollectInput, StepError};

/// Collects the task's shard; with the output, how much came of it.
///
/// # Errors
/// Those of [`crate::run`].
pub async fn run(
    task: &CollectTask,
    settings: &Settings,
    source: &impl EvaluationSource,
    inventory: &impl RuleInventory,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<(Collected, CollectCounts), TaskError> {
    let input = CollectInput {
        shard: task.shard.clone(),
        concurrency: settings.collection.concurrency as usize,
    };
    let output = crate::run(input, source, inventory, store, progress)
        .await
        .map_err(TaskError::of(StepError::code))?;
    let collected = Collected {
        results: output.results,
        count: output.counts.results,
        scopes_missing: output.counts.scopes_missing,
    };
    Ok((collected, output.counts))
}

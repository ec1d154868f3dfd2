//! Collects one shard: every evaluation result of its accounts, and what of them is not known.
//!
//! Terms 3 and 4 of the call plan (`docs/call-plan.md`), or the details of every rule where
//! `AWS::Config::ResourceCompliance` is not recorded: decided scope by scope, by looking. A scope that cannot be
//! read is missing with its reason, never compliant. The outcome does not depend on the order in which answers
//! come.

mod assemble;
mod collect;
mod decide;
mod inventory;
mod known;
mod merge;
mod shard;
pub mod task;

use compliance::collection::{Shard, results_key};
use compliance::objects;
use compliance::ports::{EvaluationSource, ObjectStore, PortError, RuleInventory};
use compliance::progress::Progress;
use compliance::snapshot::ObjectRef;

/// What is collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectInput {
    /// The shard, as plan-report stored it.
    pub shard: ObjectRef,
    /// Calls asked for at once, 1 or more.
    pub concurrency: usize,
}

/// What was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectOutput {
    /// Where the shard's results are stored.
    pub results: ObjectRef,
    /// How much came of it.
    pub counts: CollectCounts,
    /// An earlier attempt's results are adopted as they stand.
    pub adopted: bool,
}

/// How much came of a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CollectCounts {
    /// Results collected.
    pub results: u64,
    /// Of those, noncompliant.
    pub noncompliant: u64,
    /// Of those, with an annotation known from an earlier snapshot.
    pub annotations_reused: u64,
    /// Scopes of the shard.
    pub scopes: u64,
    /// Scopes that are missing.
    pub scopes_missing: u64,
    /// Rules missing from collected scopes.
    pub rules_missing: u64,
    /// Calls that the call plan's formula foresees for the shard.
    pub planned_calls: u64,
}

/// Why a shard could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The store failed, the shard is damaged, or there are no credentials to ask anything with.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The results could not be written as JSON.
    #[error("cannot write the results of shard {0} as JSON")]
    Encode(u32, #[source] serde_json::Error),
}

impl StepError {
    /// The stable code that Retry, Catch and exit codes match.
    pub fn code(&self) -> String {
        match self {
            Self::Port(error) => error.code(),
            Self::Encode(..) => "Collect.Encode".to_owned(),
        }
    }
}

/// Collects a shard and writes its results under `work/<snapshot id>/results/`. Results an earlier attempt has
/// written are adopted without asking again: a second look at a live source differs.
///
/// # Errors
/// [`StepError::Port`] when the shard cannot be read, is damaged, or the results cannot be stored; and when
/// credentials are missing or run out, as nothing more would succeed and a snapshot without anything would stand
/// for ever. Every other failure of the source becomes a gap of the coverage.
pub async fn run(
    input: CollectInput,
    source: &impl EvaluationSource,
    inventory: &impl RuleInventory,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<CollectOutput, StepError> {
    let shard: Shard = objects::read_json(store, &input.shard).await?;
    let key = results_key(&shard.snapshot_id, shard.index, &input.shard);
    if let Some(output) = shard::adopt(&key, store).await? {
        progress.begin(&stage(shard.index), 0);
        progress.finish("adopted from an earlier attempt");
        return Ok(output);
    }
    let known = known::read(&shard, store).await?;
    let concurrency = input.concurrency.max(1);
    let collected =
        collect::shard(&shard, &known, concurrency, source, progress, &stage(shard.index)).await?;
    let inventory = inventory::read(&shard, concurrency, inventory).await?;
    let results = assemble::shard(&shard, collected, inventory);
    let output = shard::commit(key, &results, store).await?;
    progress.finish(&summary(&output.counts));
    Ok(output)
}

fn stage(index: u32) -> String {
    format!("collect {}", index.saturating_add(1))
}

fn summary(counts: &CollectCounts) -> String {
    use compliance::text::plural;
    let mut text = format!(
        "{} of {}",
        plural(counts.results, "result", "results"),
        plural(counts.scopes, "scope", "scopes")
    );
    for (count, one, many) in [
        (
            counts.annotations_reused,
            "annotation reused",
            "annotations reused",
        ),
        (counts.scopes_missing, "scope missing", "scopes missing"),
        (counts.rules_missing, "rule missing", "rules missing"),
    ] {
        if count > 0 {
            text.push_str(", ");
            text.push_str(&plural(count, one, many));
        }
    }
    text
}

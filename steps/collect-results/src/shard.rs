//! The results of a shard: where they go, and what an earlier attempt left there.

use compliance::collection::ShardResults;
use compliance::evaluation::ComplianceType;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::objects;
use compliance::ports::{ObjectStore, PortError};
use compliance::snapshot::ObjectRef;

use crate::{CollectCounts, CollectOutput, StepError};

/// What an earlier attempt left under `key`.
pub(crate) async fn adopt(key: &str, store: &impl ObjectStore) -> Result<Option<CollectOutput>, PortError> {
    let Some(bytes) = store.get(key).await? else {
        return Ok(None);
    };
    let results: ShardResults = objects::parse_json(key, &bytes)?;
    Ok(Some(CollectOutput {
        results: ObjectRef {
            key: key.to_owned(),
            sha256: sha256_hex(&bytes),
        },
        counts: counts(&results),
        adopted: true,
    }))
}

/// Stores results; if another attempt was first, its results are adopted.
pub(crate) async fn commit(
    key: String,
    results: &ShardResults,
    store: &impl ObjectStore,
) -> Result<CollectOutput, StepError> {
    let bytes = canonical_json(results).map_err(|error| StepError::Encode(results.index, error))?;
    let stands = objects::put_or_adopt(store, &key, &bytes).await?;
    if stands.sha256 != sha256_hex(&bytes)
        && let Some(first) = adopt(&key, store).await?
    {
        return Ok(first);
    }
    Ok(CollectOutput {
        results: stands,
        counts: counts(results),
        adopted: false,
    })
}

fn counts(results: &ShardResults) -> CollectCounts {
    let noncompliant = results
        .results
        .iter()
        .filter(|result| result.compliance_type == ComplianceType::NonCompliant);
    let reused = results.results.iter().filter(|result| result.annotation_reused);
    CollectCounts {
        results: results.results.len() as u64,
        noncompliant: noncompliant.count() as u64,
        annotations_reused: reused.count() as u64,
        scopes: results.scopes.len() as u64,
        scopes_missing: results.scopes.iter().filter(|scope| !scope.collected()).count() as u64,
        rules_missing: results
            .scopes
            .iter()
            .map(|scope| scope.missing_rules.len() as u64)
            .sum(),
        planned_calls: results.planned_calls,
    }
}

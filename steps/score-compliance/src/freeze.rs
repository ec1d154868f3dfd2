//! Freezes what the shards brought back as an immutable snapshot; the layout is that of [`compliance::snapshot`].
//!
//! Files are written once each, the manifest last. A retried step adopts what the first writer wrote, and describes
//! in the manifest what stands in the store. The same shards give the same bytes.
//!
//! What the domain leaves open:
//! - Results of a scope that was not collected are dropped, and counted in `results_ignored`.
//! - A result that comes twice (same account, region, rule name, type and id), or shards whose accounts overlap, are
//!   refused: counting them would be guessing.
//! - Only noncompliant results with a capture time and a recorded time go into the annotation files: those are the
//!   ones whose details were read and can be known to hold still.

use compliance::collection::{CollectionPlan, ShardResults};
use compliance::coverage::{Coverage, ScopeCoverage};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::hash::canonical_json;
use compliance::hash::sha256_hex;
use compliance::objects::{self, MANIFEST, PutSame, read_json};
use compliance::ports::{ObjectStore, PortError, PortErrorKind, Put};
use compliance::progress::Progress;
use compliance::snapshot::{
    KnownAnnotation, ObjectRef, SCHEMA, SnapshotContext, SnapshotFile, SnapshotManifest, SnapshotRef,
    snapshot_folder,
};

use crate::ScoreError;
use crate::engine::outside;
use crate::snapshots::{self, CONTEXT, Which};
use crate::table;

/// The shards of one collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeInput {
    /// The [`CollectionPlan`] they belong to.
    pub plan: ObjectRef,
    /// Their [`ShardResults`], one for each shard of the plan, in any order.
    pub shards: Vec<ObjectRef>,
}

/// A snapshot that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeOutput {
    /// Its id, moment and manifest.
    pub snapshot: SnapshotRef,
    /// What it holds.
    pub manifest: SnapshotManifest,
}

/// Writes the snapshot of these shards, or adopts the one that stands already.
///
/// # Errors
/// [`ScoreError::Store`] when a shard is missing or damaged or the store cannot be written;
/// [`ScoreError::Inputs`] when the shards are not those of the plan, overlap, or bring a result twice.
pub async fn run(
    input: FreezeInput,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<FreezeOutput, ScoreError> {
    let plan: CollectionPlan = read_json(store, &input.plan).await?;
    let folder = snapshot_folder(&plan.snapshot_id, plan.as_of);
    if let Some(standing) = adopt(&folder, store).await? {
        return Ok(standing);
    }
    progress.begin("freeze", input.shards.len() as u64 + 1);
    let shards = shards(&plan, &input.shards, store).await?;
    let mut files = Vec::new();
    let mut ignored = 0;
    for shard in &shards {
        let (counted, dropped) = counted(shard);
        ignored += dropped;
        files.push(write_results(&folder, shard.index, &counted, store).await?);
        files.push(write_annotations(&folder, shard.index, &counted, store).await?);
        progress.advance(1);
    }
    let noncompliant = files.iter().map(|(_, noncompliant)| noncompliant).sum();
    let mut files: Vec<SnapshotFile> = files.into_iter().map(|(file, _)| file).collect();
    let context = context(&plan, shards, ignored);
    files.push(write_coverage(&folder, &context.coverage.scopes, store).await?);
    files.push(write_context(&folder, &context, store).await?);
    let manifest = manifest(plan, files, noncompliant);
    put(
        &format!("{folder}{MANIFEST}"),
        to_json(MANIFEST, &manifest)?,
        store,
    )
    .await?;
    progress.advance(1);
    progress.finish(&format!("{} results frozen", manifest.results));
    // Another writer may have sealed between our look and our put: what stands is the snapshot.
    adopt(&folder, store).await?.ok_or_else(|| vanished(&folder))
}

/// The snapshot under `folder`, if its manifest stands; every file is held against its hash.
async fn adopt(folder: &str, store: &impl ObjectStore) -> Result<Option<FreezeOutput>, ScoreError> {
    if store.get(&format!("{folder}{MANIFEST}")).await?.is_none() {
        return Ok(None);
    }
    let opened = snapshots::open(Which::Folder(folder), store).await?;
    Ok(Some(FreezeOutput {
        snapshot: opened.snapshot,
        manifest: opened.manifest,
    }))
}

/// Reads the shards in the order of their accounts, and holds what the snapshot's layout promises.
async fn shards(
    plan: &CollectionPlan,
    references: &[ObjectRef],
    store: &impl ObjectStore,
) -> Result<Vec<ShardResults>, ScoreError> {
    let mut shards: Vec<ShardResults> = Vec::with_capacity(references.len());
    for reference in references {
        shards.push(read_json(store, reference).await?);
    }
    shards.sort_by_key(|shard| shard.index);
    let expected = 0..plan.shards.len();
    if !shards.iter().map(|shard| shard.index as usize).eq(expected) {
        return Err(ScoreError::Inputs(format!(
            "the plan of snapshot {} has {} shards, and these are not one result for each; collect the missing ones again",
            plan.snapshot_id,
            plan.shards.len()
        )));
    }
    for shard in &mut shards {
        shard.results.sort();
        shard.scopes.sort_by(|a, b| scope_key(a).cmp(&scope_key(b)));
    }
    check_disjoint(&shards)?;
    Ok(shards)
}

fn check_disjoint(shards: &[ShardResults]) -> Result<(), ScoreError> {
    let mut last_account: Option<&str> = None;
    for shard in shards {
        if let Some(twice) = shard
            .results
            .windows(2)
            .find(|pair| row_key(&pair[0]) == row_key(&pair[1]))
        {
            return Err(ScoreError::Inputs(format!(
                "shard {} has the result of rule {} on {} {} in account {} {} twice; collect it again",
                shard.index,
                twice[0].config_rule_name,
                twice[0].resource_type,
                twice[0].resource_id,
                twice[0].account_id,
                twice[0].aws_region
            )));
        }
        let accounts = || {
            let of_results = shard.results.iter().map(|row| row.account_id.as_str());
            of_results.chain(shard.scopes.iter().map(|scope| scope.source.account_id.as_str()))
        };
        if let Some(first) = accounts().min()
            && last_account.is_some_and(|last| first <= last)
        {
            return Err(ScoreError::Inputs(format!(
                "shard {} has account {first}, which an earlier shard has passed already; plan the collection again",
                shard.index
            )));
        }
        last_account = accounts().max().or(last_account);
    }
    Ok(())
}

fn row_key(row: &EvaluationResult) -> [&str; 5] {
    [
        &row.account_id,
        &row.aws_region,
        &row.config_rule_name,
        &row.resource_type,
        &row.resource_id,
    ]
}

fn scope_key(scope: &ScopeCoverage) -> (&str, &str) {
    (&scope.source.account_id, &scope.source.aws_region)
}

/// The results of collected scopes, and how many others there were.
fn counted(shard: &ShardResults) -> (Vec<EvaluationResult>, u64) {
    let collected: std::collections::BTreeSet<(&str, &str)> = shard
        .scopes
        .iter()
        .filter(|scope| scope.collected())
        .map(scope_key)
        .collect();
    let kept: Vec<EvaluationResult> = shard
        .results
        .iter()
        .filter(|row| collected.contains(&(row.account_id.as_str(), row.aws_region.as_str())))
        .cloned()
        .collect();
    let dropped = (shard.results.len() - kept.len()) as u64;
    (kept, dropped)
}

fn context(plan: &CollectionPlan, shards: Vec<ShardResults>, dropped: u64) -> SnapshotContext {
    let results_ignored = dropped + shards.iter().map(|shard| shard.results_ignored).sum::<u64>();
    let planned_calls = plan.planned_calls + shards.iter().map(|shard| shard.planned_calls).sum::<u64>();
    let mut scopes = Vec::new();
    let mut conformance_packs = Vec::new();
    for shard in shards {
        scopes.extend(shard.scopes);
        conformance_packs.extend(shard.conformance_packs);
    }
    conformance_packs.sort();
    conformance_packs.dedup();
    SnapshotContext {
        aggregator: plan.aggregator.clone(),
        accounts: plan.accounts.clone(),
        conformance_packs,
        coverage: Coverage {
            expectation: plan.expectation,
            organizations_gap: plan.organizations_gap.clone(),
            expected_accounts: plan.expected_accounts.clone(),
            unexpected_accounts: plan.unexpected_accounts.clone(),
            expected_regions: plan.expected_regions.clone(),
            regions_skipped: plan.regions_skipped.clone(),
            scopes,
            results_ignored,
            planned_calls,
        },
    }
}

fn manifest(plan: CollectionPlan, mut files: Vec<SnapshotFile>, noncompliant: u64) -> SnapshotManifest {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let results = files
        .iter()
        .filter(|file| snapshots::is_results(&file.path))
        .filter_map(|file| file.rows)
        .sum::<u64>();
    SnapshotManifest {
        schema: SCHEMA,
        id: plan.snapshot_id,
        as_of: plan.as_of,
        origin: plan.origin,
        results,
        compliant: results - noncompliant,
        noncompliant,
        files,
    }
}

/// Writes one shard's results; with the file, how many of them are noncompliant.
async fn write_results(
    folder: &str,
    index: u32,
    rows: &[EvaluationResult],
    store: &impl ObjectStore,
) -> Result<(SnapshotFile, u64), ScoreError> {
    let path = format!("results/shard={index:04}/results.parquet");
    let bytes = outside(|| table::to_parquet(table::results(rows)?))?;
    let ours = sha256_hex(&bytes);
    let key = format!("{folder}{path}");
    let standing = put(&key, bytes, store).await?;
    let mut file = describe(path, &standing);
    let ours = file.sha256 == ours;
    let summary = outside(|| table::summarise(&file.path, standing)).map_err(|error| match error {
        // Bytes that another writer left, or that changed since, are not the engine's fault.
        ScoreError::Table { source, .. } if !ours => unreadable(&key).with_source(source).into(),
        error => error,
    })?;
    file.rows = Some(summary.rows);
    file.accounts = summary.accounts;
    Ok((file, summary.noncompliant))
}

async fn write_annotations(
    folder: &str,
    index: u32,
    rows: &[EvaluationResult],
    store: &impl ObjectStore,
) -> Result<(SnapshotFile, u64), ScoreError> {
    let path = format!("annotations/shard={index:04}.json");
    let mut known: Vec<KnownAnnotation> = rows.iter().filter_map(known_annotation).collect();
    known.sort();
    let key = format!("{folder}{path}");
    let standing = put(&key, to_json(&path, &known)?, store).await?;
    let known: Vec<KnownAnnotation> = objects::parse_json(&key, &standing)?;
    let ends = known.first().zip(known.last());
    let mut file = describe(path, &standing);
    file.rows = Some(known.len() as u64);
    file.accounts = ends.map(|(first, last)| (first.account_id.clone(), last.account_id.clone()));
    Ok((file, 0))
}

fn known_annotation(row: &EvaluationResult) -> Option<KnownAnnotation> {
    let noncompliant = row.compliance_type == ComplianceType::NonCompliant;
    if !noncompliant || row.result_recorded_time.is_none() {
        return None;
    }
    Some(KnownAnnotation {
        account_id: row.account_id.clone(),
        aws_region: row.aws_region.clone(),
        config_rule_name: row.config_rule_name.clone(),
        resource_type: row.resource_type.clone(),
        resource_id: row.resource_id.clone(),
        configuration_item_capture_time: row.configuration_item_capture_time?,
        result_recorded_time: row.result_recorded_time,
        config_rule_invoked_time: row.config_rule_invoked_time,
        annotation: row.annotation.clone(),
    })
}

async fn write_coverage(
    folder: &str,
    scopes: &[ScopeCoverage],
    store: &impl ObjectStore,
) -> Result<SnapshotFile, ScoreError> {
    let path = "coverage/coverage.parquet".to_owned();
    let bytes = outside(|| table::to_parquet(table::coverage(scopes)?))?;
    let standing = put_same(&format!("{folder}{path}"), bytes, store).await?;
    let ends = scopes.first().zip(scopes.last());
    let mut file = describe(path, &standing);
    file.rows = Some(scopes.len() as u64);
    file.accounts =
        ends.map(|(first, last)| (first.source.account_id.clone(), last.source.account_id.clone()));
    Ok(file)
}

async fn write_context(
    folder: &str,
    context: &SnapshotContext,
    store: &impl ObjectStore,
) -> Result<SnapshotFile, ScoreError> {
    let bytes = to_json(CONTEXT, context)?;
    let standing = put_same(&format!("{folder}{CONTEXT}"), bytes, store).await?;
    Ok(describe(CONTEXT.to_owned(), &standing))
}

/// Writes once; the bytes that stand under `key` afterwards, ours or the first writer's.
async fn put(key: &str, bytes: Vec<u8>, store: &impl ObjectStore) -> Result<Vec<u8>, ScoreError> {
    match store.put_new(key, &bytes).await? {
        Put::Created => Ok(bytes),
        Put::Existed => store.get(key).await?.ok_or_else(|| vanished(key)),
    }
}

/// Writes what is a function of the plan and its shards, which every writer has from the first: other bytes that
/// stand under `key` without a manifest are damage.
async fn put_same(key: &str, bytes: Vec<u8>, store: &impl ObjectStore) -> Result<Vec<u8>, ScoreError> {
    match objects::put_same(store, key, &bytes).await? {
        PutSame::Differs => Err(unreadable(key).into()),
        PutSame::Created | PutSame::Stood => Ok(bytes),
    }
}

fn unreadable(key: &str) -> PortError {
    let message = format!(
        "{key}, which no manifest names yet, is not what a run wrote there; delete its snapshot's folder and run again"
    );
    PortError::new("Store", PortErrorKind::Damaged, message)
}

fn vanished(key: &str) -> ScoreError {
    let message =
        format!("{key} was written and is gone; let nothing else delete from the store, and run again");
    PortError::new("Store", PortErrorKind::Storage, message).into()
}

fn describe(path: String, bytes: &[u8]) -> SnapshotFile {
    SnapshotFile {
        path,
        sha256: sha256_hex(bytes),
        bytes: bytes.len() as u64,
        rows: None,
        accounts: None,
    }
}

fn to_json<T: serde::Serialize>(document: &str, value: &T) -> Result<Vec<u8>, ScoreError> {
    canonical_json(value).map_err(|source| ScoreError::Json {
        document: document.to_owned(),
        source,
    })
}

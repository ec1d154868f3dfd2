//! Freezes what the shards brought back as an immutable snapshot; the layout is that of [`compliance::snapshot`].
//!
//! Files are written once each, the manifest last. A retried step adopts what the first writer wrote, and describes
//! in the manifest what stands in the store. The same shards give the same bytes.
//!
//! What the domain leaves open:
//! - Results of a scope that was not collected are dropped, and counted in `results_ignored`.
//! - Shards are read and written one after another, so that memory is bounded by a shard. One that is refused leaves
//!   the files of those before it, and no manifest.
//! - A result that comes twice (same account, region, rule name, type and id), or shards whose accounts overlap, are
//!   refused: counting them would be guessing.
//! - Only noncompliant results with a capture time and a recorded time go into the annotation files: those are the
//!   ones whose details were read and can be known to hold still.

use std::collections::BTreeSet;

use compliance::collection::{CollectionPlan, Shard, ShardResults};
use compliance::coverage::{Coverage, Gap, Inventory, ScopeCoverage};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::hash::canonical_json;
use compliance::hash::sha256_hex;
use compliance::objects::{self, MANIFEST, PutSame, read_json};
use compliance::organization::ConformancePack;
use compliance::ports::{ObjectStore, PortError, PortErrorKind, Put};
use compliance::progress::Progress;
use compliance::snapshot::{
    KnownAnnotation, ObjectRef, SCHEMA, SnapshotContext, SnapshotFile, SnapshotManifest, SnapshotRef,
    snapshot_folder,
};
use compliance::snapshots::{self, CONTEXT};

use crate::ScoreError;
use crate::engine::outside;
use crate::opened::{self, Which};
use crate::table;

/// The shards of one collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeInput {
    /// The [`CollectionPlan`] they belong to.
    pub plan: ObjectRef,
    /// What came of them, one for each shard of the plan, in its order.
    pub shards: Vec<ShardOutcome>,
}

/// What came of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardOutcome {
    /// Its [`ShardResults`].
    Collected(ObjectRef),
    /// Nothing: the whole shard is missing, and says why.
    Missing {
        /// The [`Shard`].
        shard: ObjectRef,
        /// Why.
        gap: Gap,
    },
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
    check_complete(&plan, &input.shards)?;
    let mut files = Vec::new();
    let mut noncompliant = 0;
    let mut rest = Rest::default();
    for (index, outcome) in input.shards.iter().enumerate() {
        let shard = rest.accept(read_shard(store, outcome).await?, index, &plan)?;
        let results = write_results(&folder, shard.index, &shard.results, store).await?;
        files.push(results.0);
        noncompliant += results.1;
        files.push(write_annotations(&folder, shard.index, &shard.results, store).await?);
        progress.advance(1);
    }
    let context = context(&plan, rest);
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
    let opened = opened::open(Which::Folder(folder), store).await?;
    Ok(Some(FreezeOutput {
        snapshot: opened.snapshot,
        manifest: opened.manifest,
    }))
}

/// Whether there is a shard for each of the plan.
fn check_complete(plan: &CollectionPlan, shards: &[ShardOutcome]) -> Result<(), ScoreError> {
    if shards.len() == plan.shards.len() {
        return Ok(());
    }
    Err(not_the_plan(plan))
}

fn not_the_plan(plan: &CollectionPlan) -> ScoreError {
    ScoreError::Inputs(format!(
        "the plan of snapshot {} has {} shards, and these are not one result for each; collect the missing ones again",
        plan.snapshot_id,
        plan.shards.len()
    ))
}

/// Reads a shard and brings it into the order of a snapshot.
async fn read_shard(store: &impl ObjectStore, outcome: &ShardOutcome) -> Result<ShardResults, ScoreError> {
    let mut shard = match outcome {
        ShardOutcome::Collected(results) => read_json(store, results).await?,
        ShardOutcome::Missing { shard, gap } => missing(read_json(store, shard).await?, gap),
    };
    shard.results.sort();
    shard.scopes.sort_by(|a, b| scope_key(a).cmp(&scope_key(b)));
    Ok(shard)
}

/// A shard of which nothing is known.
fn missing(shard: Shard, gap: &Gap) -> ShardResults {
    let scopes = shard.scopes.into_iter().map(|scope| ScopeCoverage {
        source: scope.source,
        expected: scope.expected,
        method: None,
        results: 0,
        rules: 0,
        missing: Some(gap.clone()),
        missing_rules: Vec::new(),
        annotations_missing: 0,
        count_disagreements: 0,
        inventory: Inventory::NotKnowable(gap.clone()),
    });
    ShardResults {
        index: shard.index,
        results: Vec::new(),
        scopes: scopes.collect(),
        conformance_packs: Vec::new(),
        results_ignored: 0,
        planned_calls: 0,
    }
}

/// What stays of the shards once their results are written.
#[derive(Debug, Default)]
struct Rest {
    scopes: Vec<ScopeCoverage>,
    conformance_packs: Vec<ConformancePack>,
    results_ignored: u64,
    planned_calls: u64,
    last_account: Option<String>,
}

impl Rest {
    /// Takes what is not results from the plan's next shard; the shard is left with the results that count.
    fn accept(
        &mut self,
        mut shard: ShardResults,
        index: usize,
        plan: &CollectionPlan,
    ) -> Result<ShardResults, ScoreError> {
        if shard.index as usize != index {
            return Err(not_the_plan(plan));
        }
        check_once(&shard)?;
        self.check_disjoint(&shard)?;
        let dropped = keep_counted(&mut shard);
        self.results_ignored += dropped + shard.results_ignored;
        self.planned_calls += shard.planned_calls;
        self.scopes.append(&mut shard.scopes);
        self.conformance_packs.append(&mut shard.conformance_packs);
        Ok(shard)
    }

    fn check_disjoint(&mut self, shard: &ShardResults) -> Result<(), ScoreError> {
        let accounts = || {
            let of_results = shard.results.iter().map(|row| row.account_id.as_str());
            of_results.chain(shard.scopes.iter().map(|scope| scope.source.account_id.as_str()))
        };
        if let Some(first) = accounts().min()
            && self.last_account.as_deref().is_some_and(|last| first <= last)
        {
            return Err(ScoreError::Inputs(format!(
                "shard {} has account {first}, which an earlier shard has passed already; plan the collection again",
                shard.index
            )));
        }
        if let Some(last) = accounts().max() {
            self.last_account = Some(last.to_owned());
        }
        Ok(())
    }
}

fn check_once(shard: &ShardResults) -> Result<(), ScoreError> {
    let mut pairs = shard.results.windows(2);
    let Some(twice) = pairs.find(|pair| row_key(&pair[0]) == row_key(&pair[1])) else {
        return Ok(());
    };
    Err(ScoreError::Inputs(format!(
        "shard {} has the result of rule {} on {} {} in account {} {} twice; collect it again",
        shard.index,
        twice[0].config_rule_name,
        twice[0].resource_type,
        twice[0].resource_id,
        twice[0].account_id,
        twice[0].aws_region
    )))
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

/// Leaves the results of collected scopes; how many others there were.
fn keep_counted(shard: &mut ShardResults) -> u64 {
    let collected: BTreeSet<(&str, &str)> = shard
        .scopes
        .iter()
        .filter(|scope| scope.collected())
        .map(scope_key)
        .collect();
    let before = shard.results.len();
    shard
        .results
        .retain(|row| collected.contains(&(row.account_id.as_str(), row.aws_region.as_str())));
    (before - shard.results.len()) as u64
}

fn context(plan: &CollectionPlan, mut rest: Rest) -> SnapshotContext {
    rest.conformance_packs.sort();
    rest.conformance_packs.dedup();
    SnapshotContext {
        aggregator: plan.aggregator.clone(),
        accounts: plan.accounts.clone(),
        conformance_packs: rest.conformance_packs,
        coverage: Coverage {
            expectation: plan.expectation,
            organizations_gap: plan.organizations_gap.clone(),
            expected_accounts: plan.expected_accounts.clone(),
            unexpected_accounts: plan.unexpected_accounts.clone(),
            expected_regions: plan.expected_regions.clone(),
            regions_skipped: plan.regions_skipped.clone(),
            scopes: rest.scopes,
            results_ignored: rest.results_ignored,
            planned_calls: plan.planned_calls + rest.planned_calls,
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
) -> Result<SnapshotFile, ScoreError> {
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
    Ok(file)
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

//! Snapshots for tests, made by the real freeze step in a store in memory.
#![allow(dead_code, reason = "each test target uses its own part")]

use compliance::Timestamp;
use compliance::collection::{CollectionPlan, ShardResults};
use compliance::coverage::{Expectation, Gap, Inventory, Method, ScopeCoverage, SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::hash::{canonical_json, sha256_hex};
use compliance::objects::put_json;
use compliance::ports::ObjectStore;
use compliance::progress::Silent;
use compliance::report::{ReportKind, RunInputs, TrendTarget};
use compliance::snapshot::{ObjectRef, Origin, SnapshotContext, SnapshotRef, snapshot_folder, snapshot_id};
use local::MemoryObjectStore;
use score_compliance::freeze::{self, FreezeInput, FreezeOutput, ShardOutcome};

/// Runs a future that only ever waits for memory.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

pub(crate) fn origin() -> Origin {
    Origin {
        aggregator_arn: "arn:aws:config:eu-west-1:111111111111:config-aggregator/organization".to_owned(),
        simulation: Some("seed 7".to_owned()),
        scope: None,
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn result(
    [account, region, rule, resource_type, id]: [&str; 5],
    compliance_type: ComplianceType,
) -> EvaluationResult {
    EvaluationResult {
        account_id: account.to_owned(),
        aws_region: region.to_owned(),
        config_rule_name: rule.to_owned(),
        resource_type: resource_type.to_owned(),
        resource_id: id.to_owned(),
        compliance_type,
        result_recorded_time: None,
        config_rule_invoked_time: None,
        configuration_item_capture_time: None,
        annotation: None,
        annotation_reused: false,
    }
}

pub(crate) fn gap(code: &str) -> Gap {
    Gap {
        code: code.to_owned(),
        reason: "for the test".to_owned(),
    }
}

/// A scope collected whole, whose inventory is not knowable.
pub(crate) fn scope(account: &str, region: &str) -> ScopeCoverage {
    ScopeCoverage {
        source: SourceStatus {
            account_id: account.to_owned(),
            aws_region: region.to_owned(),
            state: SourceState::Succeeded,
            last_update_time: None,
            error_code: None,
            error_message: None,
        },
        expected: true,
        method: Some(Method::Details),
        results: 0,
        rules: 0,
        missing: None,
        missing_rules: Vec::new(),
        annotations_missing: 0,
        count_disagreements: 0,
        inventory: Inventory::NotKnowable(gap("Inventory.NotConfigured")),
    }
}

/// One snapshot to be made.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    pub(crate) as_of: Timestamp,
    pub(crate) rows: Vec<EvaluationResult>,
    pub(crate) scopes: Vec<ScopeCoverage>,
    pub(crate) accounts: Vec<compliance::organization::Account>,
    pub(crate) expected_accounts: Vec<String>,
    pub(crate) packs: Vec<compliance::organization::ConformancePack>,
}

impl Day {
    pub(crate) fn new(as_of: &str, rows: Vec<EvaluationResult>, scopes: Vec<ScopeCoverage>) -> Self {
        Self {
            as_of: time(as_of),
            rows,
            scopes,
            accounts: Vec::new(),
            expected_accounts: Vec::new(),
            packs: Vec::new(),
        }
    }

    pub(crate) fn id(&self) -> String {
        snapshot_id(&origin(), self.as_of)
    }

    pub(crate) fn plan(&self) -> CollectionPlan {
        CollectionPlan {
            snapshot_id: self.id(),
            as_of: self.as_of,
            origin: origin(),
            aggregator: compliance::organization::Aggregator {
                name: "organization".to_owned(),
                arn: origin().aggregator_arn,
                regions: Vec::new(),
                account_ids: Vec::new(),
                organization: true,
            },
            accounts: self.accounts.clone(),
            expectation: Expectation::Organizations,
            organizations_gap: None,
            expected_accounts: self.expected_accounts.clone(),
            unexpected_accounts: Vec::new(),
            expected_regions: Vec::new(),
            regions_skipped: Vec::new(),
            shards: Vec::new(),
            planned_calls: 3,
        }
    }

    /// One shard for every two accounts, in order; none without accounts.
    pub(crate) fn shards(&self) -> Vec<ShardResults> {
        let mut accounts: Vec<&str> = self
            .scopes
            .iter()
            .map(|scope| scope.source.account_id.as_str())
            .collect();
        accounts.sort_unstable();
        accounts.dedup();
        let shard = |(index, accounts): (usize, &[&str])| ShardResults {
            index: index as u32,
            results: self
                .rows
                .iter()
                .filter(|row| accounts.contains(&&*row.account_id))
                .cloned()
                .collect(),
            scopes: self
                .scopes
                .iter()
                .filter(|scope| accounts.contains(&&*scope.source.account_id))
                .cloned()
                .collect(),
            conformance_packs: self
                .packs
                .iter()
                .filter(|pack| accounts.contains(&&*pack.account_id))
                .cloned()
                .collect(),
            results_ignored: 0,
            planned_calls: 1,
        };
        accounts.chunks(2).enumerate().map(shard).collect()
    }
}

/// Stores plan and shards as working files.
pub(crate) async fn store_shards(
    day: &Day,
    shards: &[ShardResults],
    store: &impl ObjectStore,
) -> FreezeInput {
    let mut plan = day.plan();
    let mut references = Vec::new();
    for shard in shards {
        let bytes = canonical_json(shard).expect("JSON");
        // Other shards of the same snapshot may be stored beside: keys carry their content.
        let key = format!("work/{}/{}.json", day.id(), sha256_hex(&bytes));
        store.put_new(&key, &bytes).await.expect("stored");
        references.push(ObjectRef {
            key,
            sha256: sha256_hex(&bytes),
        });
    }
    plan.shards.clone_from(&references);
    let hash = sha256_hex(&canonical_json(&plan).expect("JSON"));
    let plan = put_json(store, &format!("work/{}/plan-{hash}.json", day.id()), &plan)
        .await
        .expect("stored");
    FreezeInput {
        plan,
        shards: references.into_iter().map(ShardOutcome::Collected).collect(),
    }
}

/// Freezes a day.
pub(crate) async fn freeze(day: &Day, store: &impl ObjectStore) -> FreezeOutput {
    let input = store_shards(day, &day.shards(), store).await;
    freeze::run(input, store, &Silent).await.expect("frozen")
}

/// Freezes a day with every row, also of scopes that were not collected: the scorer must not rely on freeze for
/// leaving them out.
pub(crate) async fn freeze_unfiltered(day: &Day, store: &MemoryObjectStore) -> SnapshotRef {
    let mut open = day.clone();
    open.scopes.iter_mut().for_each(|scope| scope.missing = None);
    let mut frozen = freeze(&open, store).await;
    let folder = snapshot_folder(&day.id(), day.as_of);
    let key = format!("{folder}context.json");
    let bytes = store.get(&key).await.expect("read").expect("there");
    let mut context: SnapshotContext = serde_json::from_slice(&bytes).expect("a context");
    context.coverage.scopes.clone_from(&day.scopes);
    let bytes = canonical_json(&context).expect("JSON");
    for file in frozen
        .manifest
        .files
        .iter_mut()
        .filter(|file| file.path == "context.json")
    {
        file.sha256 = sha256_hex(&bytes);
    }
    store.damage(&key, &bytes);
    let bytes = canonical_json(&frozen.manifest).expect("JSON");
    store.damage(&frozen.snapshot.manifest.key, &bytes);
    frozen.snapshot.manifest.sha256 = sha256_hex(&bytes);
    frozen.snapshot
}

/// Inputs of a run on the last of `snapshots`.
pub(crate) fn inputs(
    snapshots: &[SnapshotRef],
    baseline: Option<usize>,
    trend: Vec<TrendTarget>,
) -> RunInputs {
    let (snapshot, history) = snapshots.split_last().expect("a snapshot");
    RunInputs {
        kind: ReportKind::Daily,
        as_of: snapshot.as_of,
        origin: origin(),
        snapshot: snapshot.clone(),
        baseline: baseline.map(|index| history[index].clone()),
        history: history.to_vec(),
        trend,
        settings: ObjectRef {
            key: "settings.json".to_owned(),
            sha256: "0".repeat(64),
        },
        catalogue_version: compliance::catalogue::VERSION.to_owned(),
        plumbline_version: "0.1.0".to_owned(),
        predecessor: None,
        left_out: Vec::new(),
        passed_over: Vec::new(),
        events: None,
    }
}

/// Every snapshot a point of the trend.
pub(crate) fn whole_trend(snapshots: &[SnapshotRef]) -> Vec<TrendTarget> {
    let point = |snapshot: &SnapshotRef| TrendTarget {
        target: snapshot.as_of,
        snapshot_id: Some(snapshot.id.clone()),
    };
    snapshots.iter().map(point).collect()
}

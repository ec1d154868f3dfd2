//! Planning and collecting over HTTP from the simulated organization: what comes back is what is true there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::{Aws, AwsSettings};
use compliance::Timestamp;
use compliance::collection::{CollectionPlan, ShardResults};
use compliance::coverage::{Inventory, Method, SourceState};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::ports::{EvaluationSource, ObjectStore};
use compliance::progress::Silent;
use compliance::settings::Settings;
use local::MemoryObjectStore;
use simulated_org::{
    Fault, Organization, Recorded, ResourceComplianceRecording, Server, SimulationConfig, Truth, World,
};

const AS_OF: &str = "2026-11-21T09:00:00Z";

fn config(recording: ResourceComplianceRecording) -> SimulationConfig {
    SimulationConfig {
        accounts: 6,
        regions: 3,
        rules: 12,
        resources: 12,
        resource_compliance: recording,
        ..SimulationConfig::default()
    }
}

struct Run {
    plan: CollectionPlan,
    shards: Vec<ShardResults>,
    aws: Aws,
}

impl Run {
    fn results(&self) -> Vec<&EvaluationResult> {
        self.shards.iter().flat_map(|shard| &shard.results).collect()
    }
}

/// Collects everything a server shows, two accounts a shard.
async fn collect(server: &Server) -> Run {
    let mut settings = Settings::default();
    settings.collection.accounts_per_shard = 2;
    settings.collection.rule_inventory_role = Some("plumbline".to_owned());
    let mut connection = AwsSettings::new(&settings.collection);
    connection.endpoint_override = Some(server.url());
    let aws = Aws::connect(connection).await.unwrap();
    let (source, store) = (aws.source(), MemoryObjectStore::default());
    let aggregator = source.aggregator("organization").await.unwrap();
    let inventory = aws.inventory(&aggregator);
    let input = plan_report::PlanInput {
        aggregator: "organization".to_owned(),
        as_of: AS_OF.parse().unwrap(),
        origin: compliance::snapshot::Origin::of_aggregator(&aggregator.arn),
        settings,
        known_annotations: Vec::new(),
    };
    let plan = plan_report::run(input, &source, &aws.directory(), &store, &Silent)
        .await
        .unwrap()
        .plan_body;
    let mut shards = Vec::new();
    for shard in &plan.shards {
        let input = collect_results::CollectInput {
            shard: shard.clone(),
            concurrency: 8,
        };
        let output = collect_results::run(input, &source, &inventory, &store, &Silent)
            .await
            .unwrap();
        let bytes = store.get(&output.results.key).await.unwrap().unwrap();
        shards.push(serde_json::from_slice(&bytes).unwrap());
    }
    Run { plan, shards, aws }
}

fn truth(config: SimulationConfig) -> Truth {
    World::new(config).unwrap().truth(at())
}

fn at() -> Timestamp {
    AS_OF.parse().unwrap()
}

/// What a result says, without what depends on how it was read.
fn says(result: &EvaluationResult) -> (&str, &str, &str, &str, &str, ComplianceType, Option<&str>) {
    let annotation = match result.compliance_type {
        ComplianceType::NonCompliant => result.annotation.as_deref(),
        ComplianceType::Compliant => None,
    };
    (
        &result.account_id,
        &result.aws_region,
        &result.config_rule_name,
        &result.resource_type,
        &result.resource_id,
        result.compliance_type,
        annotation,
    )
}

async fn agrees(recording: ResourceComplianceRecording, methods: &[Method]) {
    let truth = truth(config(recording));
    let server = Server::start(Organization::from(truth.clone()), ([127, 0, 0, 1], 0), at()).unwrap();
    let run = collect(&server).await;
    let failed: BTreeSet<(&str, &str)> = truth
        .sources
        .iter()
        .filter(|source| source.state == SourceState::Failed)
        .map(|source| (source.account_id.as_str(), source.aws_region.as_str()))
        .collect();
    let expected: Vec<_> = truth
        .results
        .iter()
        .filter(|result| !failed.contains(&(result.account_id.as_str(), result.aws_region.as_str())))
        .map(says)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(run.results().into_iter().map(says).collect::<Vec<_>>(), expected);
    assert_eq!(run.plan.accounts.len(), truth.accounts.len());
    let scopes: Vec<_> = run.shards.iter().flat_map(|shard| &shard.scopes).collect();
    let used: BTreeSet<_> = scopes
        .iter()
        .filter_map(|scope| scope.method)
        .map(|method| format!("{method:?}"))
        .collect();
    assert_eq!(used, methods.iter().map(|method| format!("{method:?}")).collect());
    for scope in scopes {
        assert_eq!(
            (scope.count_disagreements, scope.annotations_missing),
            (0, 0),
            "{scope:?}"
        );
        assert!(
            !scope.collected() || matches!(scope.inventory, Inventory::Known { .. }),
            "{scope:?}"
        );
    }
    let calls = run.aws.calls();
    let of = |operation: &str| calls.get(operation).map_or(0, |count| count.succeeded);
    let planned = run.plan.planned_calls + run.shards.iter().map(|shard| shard.planned_calls).sum::<u64>();
    let made = of("DescribeConfigurationAggregatorSourcesStatus")
        + of("DescribeAggregateComplianceByConfigRules")
        + of("SelectAggregateResourceConfig")
        + of("GetAggregateComplianceDetailsByConfigRule");
    // Empty and short pages, which the server sends as AWS may, are calls that no formula foresees.
    assert!(
        made >= planned && made <= planned * 2,
        "{made} made, {planned} planned"
    );
}

#[tokio::test]
async fn everything_true_is_collected_where_items_are_recorded() {
    agrees(
        ResourceComplianceRecording::Everywhere,
        &[Method::ResourceCompliance],
    )
    .await;
}

#[tokio::test]
async fn everything_true_is_collected_where_they_are_not() {
    agrees(ResourceComplianceRecording::Nowhere, &[Method::Details]).await;
}

#[tokio::test]
async fn faults_that_are_recovered_leave_no_trace() {
    let truth = truth(config(ResourceComplianceRecording::Most));
    let calm = Server::start(Organization::from(truth.clone()), ([127, 0, 0, 1], 0), at()).unwrap();
    let asked = AtomicUsize::new(0);
    let organization = Organization::from(truth)
        .with_fault(move |_| (asked.fetch_add(1, Ordering::Relaxed) % 5 == 2).then_some(Fault::Throttled));
    let rough = Server::start(organization, ([127, 0, 0, 1], 0), at()).unwrap();
    let (calm, rough) = (collect(&calm).await, collect(&rough).await);
    assert_eq!((calm.plan, &calm.shards), (rough.plan, &rough.shards));
    let throttled: u64 = rough.aws.calls().values().map(|count| count.throttled).sum();
    assert!(throttled > 0, "it was rough");
}

#[tokio::test]
async fn a_recorded_account_is_collected_as_any_other() {
    let json = include_str!("../../simulated-org/recorded/one-account-evaluations.json");
    for readable in [true, false] {
        let recorded = Recorded::from_json(json, readable).unwrap();
        let server = Server::start(Organization::from(recorded), ([127, 0, 0, 1], 0), at()).unwrap();
        let run = collect(&server).await;
        let results = run.results();
        let compliant = results
            .iter()
            .filter(|result| result.compliance_type == ComplianceType::Compliant);
        assert_eq!((results.len(), compliant.count()), (196, 73));
        let scopes: Vec<_> = run.shards.iter().flat_map(|shard| &shard.scopes).collect();
        assert_eq!(scopes.iter().map(|scope| scope.rules).sum::<u64>(), 31);
        match &scopes[0].inventory {
            Inventory::Known {
                rules,
                without_results,
            } if readable => {
                assert_eq!((*rules, without_results.len()), (57, 26));
            }
            Inventory::NotKnowable(_) if !readable => {}
            other => panic!("{other:?}"),
        }
    }
}

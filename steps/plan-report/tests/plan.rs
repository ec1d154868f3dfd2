//! What a collection is planned to be.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use compliance::collection::{CollectionPlan, Shard};
use compliance::coverage::{Expectation, SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::organization::{Account, Aggregator};
use compliance::ports::{
    EvaluationSource, ObjectStore, OrganizationDirectory, PortError, PortErrorKind, RuleScope,
};
use compliance::progress::Silent;
use compliance::settings::{AccountSettings, Settings};
use compliance::snapshot::ObjectRef;
use local::MemoryObjectStore;
use plan_report::{KnownAnnotationsFile, PlanInput, PlanOutput, StepError};

struct Fake {
    aggregator: Aggregator,
    sources: Vec<SourceStatus>,
    rules: Vec<RuleCompliance>,
    records: Result<bool, PortErrorKind>,
    accounts: Result<Vec<Account>, PortErrorKind>,
    calls: AtomicUsize,
}

fn id(number: u32) -> String {
    format!("{number:012}")
}

fn source(account: u32, region: &str, state: SourceState) -> SourceStatus {
    SourceStatus {
        account_id: id(account),
        aws_region: region.to_owned(),
        state,
        last_update_time: None,
        error_code: None,
        error_message: None,
    }
}

fn rule(account: u32, region: &str, name: &str) -> RuleCompliance {
    RuleCompliance {
        account_id: id(account),
        aws_region: region.to_owned(),
        config_rule_name: name.to_owned(),
        compliance_type: ComplianceType::Compliant,
        capped_count: None,
        cap_exceeded: false,
    }
}

fn account(number: u32) -> Account {
    Account {
        account_id: id(number),
        name: Some(format!("name {number}")),
        organizational_unit: Some("Root".to_owned()),
    }
}

/// Accounts 1 and 2 in two regions, and account 3 in one of them.
fn fake() -> Fake {
    use SourceState::{Failed, Outdated, Succeeded};
    Fake {
        aggregator: Aggregator {
            name: "organization".to_owned(),
            arn: "arn:aws:config:eu-west-1:000000000001:config-aggregator/x".to_owned(),
            regions: Vec::new(),
            account_ids: Vec::new(),
            organization: true,
        },
        sources: vec![
            source(2, "us-east-1", Outdated),
            source(1, "us-east-1", Succeeded),
            source(1, "eu-west-1", Succeeded),
            source(2, "eu-west-1", Failed),
            source(3, "eu-west-1", Succeeded),
        ],
        rules: vec![
            rule(3, "eu-west-1", "b"),
            rule(1, "eu-west-1", "a"),
            rule(9, "eu-west-1", "of an account that left"),
        ],
        records: Ok(true),
        accounts: Ok(vec![account(1), account(2), account(3), account(4)]),
        calls: AtomicUsize::new(0),
    }
}

impl Fake {
    fn called<T>(&self, answer: Result<T, PortErrorKind>) -> Result<T, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        answer.map_err(|kind| PortError::new("Config", kind, "not today"))
    }

    async fn plan(&self, change: impl FnOnce(&mut PlanInput)) -> (CollectionPlan, Vec<Shard>) {
        let store = MemoryObjectStore::default();
        let output = self.plan_into(&store, change).await.unwrap();
        let mut shards = Vec::new();
        for shard in &output.plan_body.shards {
            let bytes = store.get(&shard.key).await.unwrap().unwrap();
            shards.push(serde_json::from_slice(&bytes).unwrap());
        }
        (output.plan_body, shards)
    }

    async fn plan_into(
        &self,
        store: &MemoryObjectStore,
        change: impl FnOnce(&mut PlanInput),
    ) -> Result<PlanOutput, StepError> {
        let mut input = PlanInput {
            aggregator: "organization".to_owned(),
            as_of: "2026-11-21T09:00:00Z".parse().unwrap(),
            origin: compliance::snapshot::Origin::of_aggregator(
                "arn:aws:config:eu-west-1:000000000001:config-aggregator/x",
            ),
            settings: Settings::default(),
            known_annotations: Vec::new(),
        };
        change(&mut input);
        plan_report::run(input, self, self, store, &Silent).await
    }
}

impl EvaluationSource for Fake {
    async fn aggregator(&self, _: &str) -> Result<Aggregator, PortError> {
        self.called(Ok(self.aggregator.clone()))
    }
    async fn sources(&self, _: &str) -> Result<Vec<SourceStatus>, PortError> {
        self.called(Ok(self.sources.clone()))
    }
    async fn rules_with_results(&self, _: &str) -> Result<Vec<RuleCompliance>, PortError> {
        self.called(Ok(self.rules.clone()))
    }
    async fn records_resource_compliance(&self, _: &str) -> Result<bool, PortError> {
        self.called(self.records)
    }
    async fn resource_compliance(&self, _: &str, _: &[String]) -> Result<Vec<EvaluationResult>, PortError> {
        panic!("planning does not collect")
    }
    async fn compliance_details(
        &self,
        _: &str,
        _: RuleScope<'_>,
        _: Option<ComplianceType>,
    ) -> Result<Vec<EvaluationResult>, PortError> {
        panic!("planning does not collect")
    }
}

impl OrganizationDirectory for Fake {
    async fn accounts(&self) -> Result<Vec<Account>, PortError> {
        self.called(self.accounts.clone())
    }
}

fn scopes(shards: &[Shard]) -> Vec<(u32, &str, SourceState, bool)> {
    let scopes = shards.iter().flat_map(|shard| &shard.scopes);
    scopes
        .map(|scope| {
            let account = scope.source.account_id.parse().unwrap();
            (
                account,
                scope.source.aws_region.as_str(),
                scope.source.state,
                scope.expected,
            )
        })
        .collect()
}

#[tokio::test]
async fn organizations_says_who_is_expected_and_what_is_absent() {
    use SourceState::{Absent, Failed, Outdated, Succeeded};
    let (plan, shards) = fake().plan(|_| {}).await;
    assert_eq!(plan.expectation, Expectation::Organizations);
    assert_eq!(plan.expected_accounts, [1, 2, 3, 4].map(id));
    assert_eq!(plan.expected_regions, ["eu-west-1", "us-east-1"]);
    assert_eq!(
        scopes(&shards),
        [
            (1, "eu-west-1", Succeeded, true),
            (1, "us-east-1", Succeeded, true),
            (2, "eu-west-1", Failed, true),
            (2, "us-east-1", Outdated, true),
            (3, "eu-west-1", Succeeded, true),
            (3, "us-east-1", Absent, true),
            (4, "eu-west-1", Absent, true),
            (4, "us-east-1", Absent, true),
        ]
    );
    let rules: Vec<_> = shards[0]
        .rules_with_results
        .iter()
        .map(|rule| rule.config_rule_name.as_str())
        .collect();
    assert_eq!(
        rules,
        ["a", "b"],
        "rules of accounts that are no source are left out"
    );
    assert_eq!(plan.planned_calls, 3);
}

#[tokio::test]
async fn settings_come_before_organizations_and_the_unexpected_is_named() {
    let (plan, shards) = fake()
        .plan(|input| {
            input.settings.collection.expected_accounts = vec![id(2), id(1)];
            input.settings.accounts.insert(
                id(1),
                AccountSettings {
                    name: Some("payments".to_owned()),
                    organizational_unit: None,
                },
            );
        })
        .await;
    assert_eq!(plan.expectation, Expectation::Settings);
    assert_eq!(
        (plan.expected_accounts, plan.unexpected_accounts),
        (vec![id(1), id(2)], vec![id(3)])
    );
    assert!(scopes(&shards).contains(&(3, "eu-west-1", SourceState::Succeeded, false)));
    let first = &plan.accounts[0];
    assert_eq!(
        (first.name.as_deref(), first.organizational_unit.as_deref()),
        (Some("payments"), Some("Root"))
    );
}

#[tokio::test]
async fn organizations_out_of_reach_is_a_gap_not_an_error() {
    let mut fake = fake();
    fake.accounts = Err(PortErrorKind::AccessDenied);
    let (plan, _) = fake.plan(|_| {}).await;
    assert_eq!(plan.expectation, Expectation::SourcesOnly);
    assert_eq!(plan.organizations_gap.unwrap().code, "Config.AccessDenied");
    assert_eq!(plan.expected_accounts, [1, 2, 3].map(id));
    fake.aggregator.account_ids = [1, 5].map(id).into();
    fake.aggregator.organization = false;
    let (plan, shards) = fake.plan(|_| {}).await;
    assert_eq!(plan.expectation, Expectation::Aggregator);
    assert_eq!(plan.unexpected_accounts, [2, 3].map(id));
    assert!(scopes(&shards).contains(&(5, "us-east-1", SourceState::Absent, true)));
}

#[tokio::test]
async fn an_aggregator_of_accounts_is_measured_by_its_own_list_and_named_by_organizations() {
    let mut fake = fake();
    fake.aggregator.organization = false;
    fake.aggregator.account_ids = [1, 2, 5].map(id).into();
    let (plan, shards) = fake.plan(|_| {}).await;
    assert_eq!(plan.expectation, Expectation::Aggregator);
    assert_eq!(plan.expected_accounts, [1, 2, 5].map(id));
    assert_eq!(plan.unexpected_accounts, [id(3)]);
    assert!(scopes(&shards).iter().all(|(account, ..)| *account != 4));
    assert_eq!(plan.accounts[0].name.as_deref(), Some("name 1"));
    let (plan, _) = fake
        .plan(|input| input.settings.collection.expected_accounts = vec![id(1)])
        .await;
    assert_eq!(plan.expectation, Expectation::Settings);
}

#[tokio::test]
async fn a_rule_listed_twice_keeps_its_worse_entry() {
    let mut fake = fake();
    let mut worse = rule(1, "eu-west-1", "a");
    worse.compliance_type = ComplianceType::NonCompliant;
    fake.rules.push(worse.clone());
    let (_, shards) = fake.plan(|_| {}).await;
    assert_eq!(shards[0].rules_with_results, [worse, rule(3, "eu-west-1", "b")]);
}

#[tokio::test]
async fn a_region_that_no_source_returned_is_listed_and_has_no_scopes() {
    let mut fake = fake();
    fake.aggregator.regions = ["ap-southeast-2", "eu-west-1"].map(str::to_owned).into();
    let (plan, shards) = fake.plan(|_| {}).await;
    assert_eq!(plan.regions_skipped, ["ap-southeast-2"]);
    let scopes = scopes(&shards);
    assert!(scopes.iter().all(|(_, region, ..)| *region != "ap-southeast-2"));
    assert!(
        !scopes.contains(&(3, "us-east-1", SourceState::Absent, true)),
        "us-east-1 is not expected of anyone: {scopes:?}"
    );
    assert!(
        scopes.contains(&(1, "us-east-1", SourceState::Succeeded, true)),
        "what is returned counts"
    );
}

#[tokio::test]
async fn shards_hold_whole_accounts_and_their_annotation_files() {
    let file = |key: &str, accounts: Option<(u32, u32)>| KnownAnnotationsFile {
        object: ObjectRef {
            key: key.to_owned(),
            sha256: String::new(),
        },
        accounts: accounts.map(|(first, last)| (id(first), id(last))),
    };
    let (_, shards) = fake()
        .plan(|input| {
            input.settings.collection.accounts_per_shard = 2;
            input.known_annotations = vec![
                file("c", Some((4, 9))),
                file("a", Some((1, 2))),
                file("b", Some((2, 3))),
                file("all", None),
            ];
        })
        .await;
    let keys: Vec<Vec<&str>> = shards
        .iter()
        .map(|shard| {
            shard
                .known_annotations
                .iter()
                .map(|file| file.key.as_str())
                .collect()
        })
        .collect();
    assert_eq!(keys, [vec!["a", "all", "b"], vec!["all", "b", "c"]]);
    let indexes: Vec<_> = shards
        .iter()
        .map(|shard| (shard.index, shard.scopes.len()))
        .collect();
    assert_eq!(indexes, [(0, 4), (1, 4)]);
}

#[tokio::test]
async fn a_query_that_is_refused_means_details_and_any_other_failure_ends_the_plan() {
    let mut fake = fake();
    fake.records = Err(PortErrorKind::AccessDenied);
    let (_, shards) = fake.plan(|_| {}).await;
    assert!(!shards[0].resource_compliance);
    fake.records = Err(PortErrorKind::Throttled);
    let error = fake
        .plan_into(&MemoryObjectStore::default(), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), "Config.Throttled");
}

#[tokio::test]
async fn a_second_attempt_adopts_the_first_plan() {
    let mut fake = fake();
    let store = MemoryObjectStore::default();
    let first = fake.plan_into(&store, |_| {}).await.unwrap();
    assert!(
        first
            .plan
            .key
            .starts_with(&format!("work/{}/", first.plan_body.snapshot_id))
    );
    fake.sources.pop();
    fake.rules.clear();
    let calls = fake.calls.load(Ordering::Relaxed);
    let second = fake.plan_into(&store, |_| {}).await.unwrap();
    assert!(!first.adopted && second.adopted);
    assert_eq!((first.plan, first.plan_body), (second.plan, second.plan_body));
    assert_eq!(
        fake.calls.load(Ordering::Relaxed),
        calls + 1,
        "only the aggregator is looked up"
    );
}

#[tokio::test]
async fn an_aggregator_without_sources_is_refused() {
    let mut fake = fake();
    fake.sources.clear();
    let error = fake
        .plan_into(&MemoryObjectStore::default(), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), "Coverage.NoSources");
}

#[tokio::test]
async fn the_order_of_answers_does_not_show() {
    let plain = fake().plan(|_| {}).await;
    let mut turned = fake();
    turned.sources.reverse();
    turned.rules.reverse();
    assert_eq!(turned.plan(|_| {}).await, plain);
}

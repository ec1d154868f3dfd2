//! An aggregator in memory, with faults, and a shard to collect from it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use collect_results::{CollectInput, CollectOutput, StepError};
use compliance::collection::{PlannedScope, Shard, ShardResults};
use compliance::coverage::{ScopeCoverage, SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::hash::{canonical_json, sha256_hex};
use compliance::organization::{Aggregator, ConformancePack, DeployedRule};
use compliance::ports::{EvaluationSource, ObjectStore, PortError, PortErrorKind, RuleInventory, RuleScope};
use compliance::progress::Silent;
use compliance::snapshot::{KnownAnnotation, ObjectRef};
use local::MemoryObjectStore;

pub(crate) const ACCOUNT: &str = "000000000012";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) use ComplianceType::{Compliant, NonCompliant};

/// A result as the details give it.
pub(crate) fn detail(rule: &str, id: &str, compliance_type: ComplianceType) -> EvaluationResult {
    EvaluationResult {
        account_id: ACCOUNT.to_owned(),
        aws_region: REGION.to_owned(),
        config_rule_name: rule.to_owned(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource_id: id.to_owned(),
        compliance_type,
        result_recorded_time: Some("2026-11-20T10:00:00Z".parse().unwrap()),
        config_rule_invoked_time: Some("2026-11-20T09:59:00Z".parse().unwrap()),
        configuration_item_capture_time: None,
        annotation: (compliance_type == NonCompliant).then(|| format!("{id} breaks {rule}")),
        annotation_reused: false,
    }
}

/// A result as the query gives it.
pub(crate) fn row(rule: &str, id: &str, compliance_type: ComplianceType) -> EvaluationResult {
    EvaluationResult {
        result_recorded_time: None,
        config_rule_invoked_time: None,
        configuration_item_capture_time: Some("2026-11-20T10:00:01Z".parse().unwrap()),
        annotation: None,
        ..detail(rule, id, compliance_type)
    }
}

/// The same result in another account and region.
pub(crate) fn at(account_id: &str, aws_region: &str, result: EvaluationResult) -> EvaluationResult {
    EvaluationResult {
        account_id: account_id.to_owned(),
        aws_region: aws_region.to_owned(),
        ..result
    }
}

/// What an earlier snapshot knows of a row's annotation.
pub(crate) fn known(row: &EvaluationResult) -> KnownAnnotation {
    KnownAnnotation {
        account_id: row.account_id.clone(),
        aws_region: row.aws_region.clone(),
        config_rule_name: row.config_rule_name.clone(),
        resource_type: row.resource_type.clone(),
        resource_id: row.resource_id.clone(),
        configuration_item_capture_time: row.configuration_item_capture_time.unwrap(),
        result_recorded_time: Some("2026-11-19T00:00:00Z".parse().unwrap()),
        config_rule_invoked_time: None,
        annotation: Some("known from before".to_owned()),
    }
}

type Rule = (String, String, String);

/// The aggregator: what it lists, what the query gives, what details give, and what fails.
pub(crate) struct Fake {
    pub(crate) states: BTreeMap<(String, String), SourceState>,
    pub(crate) listed: BTreeMap<Rule, RuleCompliance>,
    pub(crate) rows: Vec<EvaluationResult>,
    pub(crate) details: Vec<EvaluationResult>,
    pub(crate) query_fails: Option<PortErrorKind>,
    pub(crate) rules_fail: BTreeMap<String, PortErrorKind>,
    pub(crate) deployed: Result<Vec<String>, PortErrorKind>,
    pub(crate) known: Vec<KnownAnnotation>,
    pub(crate) records: bool,
    pub(crate) role: bool,
    /// How long each answer takes, as a function of its question.
    pub(crate) delay: fn(&str) -> usize,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Fake {
    /// An aggregator of these details; it lists what they have, and queries give the same when `records`.
    pub(crate) fn of(records: bool, details: Vec<EvaluationResult>) -> Self {
        let mut fake = Self {
            records,
            deployed: Ok(Vec::new()),
            delay: |_| 0,
            states: BTreeMap::new(),
            listed: BTreeMap::new(),
            rows: Vec::new(),
            details: Vec::new(),
            query_fails: None,
            rules_fail: BTreeMap::new(),
            known: Vec::new(),
            role: false,
            asked: Mutex::default(),
        };
        for detail in &details {
            fake.state(&detail.account_id, &detail.aws_region, SourceState::Succeeded);
            fake.list(detail);
        }
        if records {
            fake.rows = details
                .iter()
                .map(|detail| {
                    let plain = row(
                        &detail.config_rule_name,
                        &detail.resource_id,
                        detail.compliance_type,
                    );
                    at(&detail.account_id, &detail.aws_region, plain)
                })
                .collect();
        }
        fake.details = details;
        fake
    }

    pub(crate) fn state(&mut self, account_id: &str, aws_region: &str, state: SourceState) {
        self.states
            .insert((account_id.to_owned(), aws_region.to_owned()), state);
    }

    /// Counts a result into the listing.
    pub(crate) fn list(&mut self, result: &EvaluationResult) {
        let rule = (
            result.account_id.clone(),
            result.aws_region.clone(),
            result.config_rule_name.clone(),
        );
        let entry = self.listed.entry(rule).or_insert_with(|| RuleCompliance {
            account_id: result.account_id.clone(),
            aws_region: result.aws_region.clone(),
            config_rule_name: result.config_rule_name.clone(),
            compliance_type: Compliant,
            capped_count: Some(0),
            cap_exceeded: false,
        });
        if result.compliance_type == NonCompliant {
            entry.compliance_type = NonCompliant;
            entry.capped_count = entry.capped_count.map(|count| count + 1);
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }

    async fn ask(&self, question: String) {
        for _ in 0..(self.delay)(&question) {
            tokio::task::yield_now().await;
        }
        self.asked.lock().unwrap().push(question);
    }

    async fn stored(&self, store: &MemoryObjectStore) -> ObjectRef {
        let annotations = put(store, "annotations.json", &self.known).await;
        let scopes = self
            .states
            .iter()
            .map(|((account_id, aws_region), state)| PlannedScope {
                source: SourceStatus {
                    account_id: account_id.clone(),
                    aws_region: aws_region.clone(),
                    state: *state,
                    last_update_time: None,
                    error_code: (*state == SourceState::Failed).then(|| "AccessDenied".to_owned()),
                    error_message: None,
                },
                expected: true,
            });
        let shard = Shard {
            index: 3,
            snapshot_id: "snap".to_owned(),
            aggregator: "organization".to_owned(),
            resource_compliance: self.records,
            rule_inventory: self.role,
            scopes: scopes.collect(),
            rules_with_results: self.listed.values().cloned().collect(),
            known_annotations: vec![annotations],
        };
        put(store, "shard.json", &shard).await
    }

    /// Collects everything into a new store.
    pub(crate) async fn collect(&self, concurrency: usize) -> Collected {
        let store = MemoryObjectStore::default();
        self.collect_into(&store, concurrency).await.unwrap()
    }

    pub(crate) async fn collect_into(
        &self,
        store: &MemoryObjectStore,
        concurrency: usize,
    ) -> Result<Collected, StepError> {
        let shard = self.stored(store).await;
        let input = CollectInput { shard, concurrency };
        let output = collect_results::run(input, self, self, store, &Silent).await?;
        let bytes = store.get(&output.results.key).await?.unwrap();
        assert_eq!(sha256_hex(&bytes), output.results.sha256);
        Ok(Collected {
            results: serde_json::from_slice(&bytes).unwrap(),
            bytes,
            output,
        })
    }
}

pub(crate) struct Collected {
    pub(crate) results: ShardResults,
    pub(crate) bytes: Vec<u8>,
    pub(crate) output: CollectOutput,
}

impl Collected {
    pub(crate) fn scope(&self) -> &ScopeCoverage {
        &self.results.scopes[0]
    }
}

async fn put<T: serde::Serialize>(store: &MemoryObjectStore, key: &str, value: &T) -> ObjectRef {
    let bytes = canonical_json(value).unwrap();
    store.put_new(key, &bytes).await.unwrap();
    ObjectRef {
        key: key.to_owned(),
        sha256: sha256_hex(&bytes),
    }
}

fn error(kind: PortErrorKind) -> PortError {
    PortError::new("Config", kind, "the service is not at its best")
}

impl EvaluationSource for Fake {
    async fn aggregator(&self, _: &str) -> Result<Aggregator, PortError> {
        panic!("planning is over")
    }
    async fn sources(&self, _: &str) -> Result<Vec<SourceStatus>, PortError> {
        panic!("planning is over")
    }
    async fn rules_with_results(&self, _: &str) -> Result<Vec<RuleCompliance>, PortError> {
        panic!("planning is over")
    }
    async fn records_resource_compliance(&self, _: &str) -> Result<bool, PortError> {
        panic!("planning is over")
    }
    async fn resource_compliance(
        &self,
        _: &str,
        account_ids: &[String],
    ) -> Result<Vec<EvaluationResult>, PortError> {
        self.ask(format!("query {}", account_ids.join(","))).await;
        if let Some(kind) = self.query_fails {
            return Err(error(kind));
        }
        let ids: BTreeSet<&String> = account_ids.iter().collect();
        let rows = self.rows.iter().filter(|row| ids.contains(&row.account_id));
        Ok(rows.cloned().collect())
    }
    async fn compliance_details(
        &self,
        _: &str,
        scope: RuleScope<'_>,
        only: Option<ComplianceType>,
    ) -> Result<Vec<EvaluationResult>, PortError> {
        let narrowed = only.map_or("all", ComplianceType::as_str);
        let (account_id, aws_region, rule) = (scope.account_id, scope.aws_region, scope.config_rule_name);
        self.ask(format!("{account_id} {aws_region} {rule} {narrowed}"))
            .await;
        if let Some(kind) = self.rules_fail.get(rule) {
            return Err(error(*kind));
        }
        let details = self.details.iter().filter(|detail| {
            (
                detail.account_id.as_str(),
                detail.aws_region.as_str(),
                detail.config_rule_name.as_str(),
            ) == (account_id, aws_region, rule)
                && only.is_none_or(|only| detail.compliance_type == only)
        });
        Ok(details.cloned().collect())
    }
}

impl RuleInventory for Fake {
    async fn deployed_rules(
        &self,
        account_id: &str,
        aws_region: &str,
    ) -> Result<Vec<DeployedRule>, PortError> {
        let names = self.deployed.as_ref().map_err(|kind| error(*kind))?;
        let rule = |name: &String| DeployedRule {
            account_id: account_id.to_owned(),
            aws_region: aws_region.to_owned(),
            config_rule_name: name.clone(),
            source_identifier: None,
        };
        Ok(names.iter().map(rule).collect())
    }
    async fn conformance_packs(
        &self,
        account_id: &str,
        aws_region: &str,
    ) -> Result<Vec<ConformancePack>, PortError> {
        Ok(vec![ConformancePack {
            account_id: account_id.to_owned(),
            aws_region: aws_region.to_owned(),
            name: "base".to_owned(),
            id: "conformance-pack-abc".to_owned(),
        }])
    }
}

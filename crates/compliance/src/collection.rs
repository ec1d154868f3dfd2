//! What a collection is planned from and what each shard of it brings back: the contract between the plan-report,
//! collect-results and score-compliance steps. Working files, in canonical JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::coverage::{Expectation, Gap, ScopeCoverage, SourceStatus};
use crate::evaluation::{EvaluationResult, RuleCompliance};
use crate::organization::{Account, Aggregator, ConformancePack};
use crate::snapshot::{ObjectRef, Origin, work_folder};

/// What is to be collected, written by plan-report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionPlan {
    /// The snapshot to be made.
    pub snapshot_id: String,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// Where the results come from.
    pub origin: Origin,
    /// The aggregator asked.
    pub aggregator: Aggregator,
    /// Accounts known, sorted by id.
    pub accounts: Vec<Account>,
    /// Where the expected accounts come from.
    pub expectation: Expectation,
    /// Why Organizations was not readable, when it was asked and was not.
    pub organizations_gap: Option<Gap>,
    /// Accounts expected, sorted.
    pub expected_accounts: Vec<String>,
    /// Accounts that returned sources but are not expected, sorted.
    pub unexpected_accounts: Vec<String>,
    /// Regions expected, sorted.
    pub expected_regions: Vec<String>,
    /// Expected regions that no source returned, sorted.
    pub regions_skipped: Vec<String>,
    /// Shards, in ascending order of their accounts.
    pub shards: Vec<ObjectRef>,
    /// Calls the call plan's formula foresees for planning: terms 1 and 2, and 1 for the look at
    /// ResourceCompliance.
    pub planned_calls: u64,
}

/// An (account, region) of a shard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlannedScope {
    /// The aggregator's view.
    pub source: SourceStatus,
    /// The account is expected.
    pub expected: bool,
}

/// A shard of work: whole accounts, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 0.
    pub index: u32,
    /// The snapshot to be made.
    pub snapshot_id: String,
    /// The aggregator's name.
    pub aggregator: String,
    /// ResourceCompliance items can be queried somewhere in the organization.
    pub resource_compliance: bool,
    /// The rule inventory may be asked for (a role is set).
    pub rule_inventory: bool,
    /// Its scopes, sorted; those that are FAILED or absent included.
    pub scopes: Vec<PlannedScope>,
    /// The (account, region, rule) triples of its accounts that have results, sorted.
    pub rules_with_results: Vec<RuleCompliance>,
    /// Annotation files of the newest earlier snapshot that overlap its accounts.
    pub known_annotations: Vec<ObjectRef>,
}

/// Where the results of a shard go: named by the shard's content, so that results never meet another plan's shard.
pub fn results_key(snapshot_id: &str, index: u32, shard: &ObjectRef) -> String {
    let hash = shard.sha256.get(..12).unwrap_or(&shard.sha256);
    format!("{}results/{index:04}-{hash}.json", work_folder(snapshot_id))
}

/// What a shard brought back, written by collect-results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardResults {
    /// The shard's number.
    pub index: u32,
    /// Results, sorted, without duplicates of (account, region, rule name, type, id).
    pub results: Vec<EvaluationResult>,
    /// One entry per scope of the shard, sorted.
    pub scopes: Vec<ScopeCoverage>,
    /// Conformance packs seen by the rule inventory, sorted.
    pub conformance_packs: Vec<ConformancePack>,
    /// Results ignored because their source has FAILED.
    pub results_ignored: u64,
    /// Calls the call plan's formula foresees for this shard: terms 3 and 4, or the details of every triple.
    pub planned_calls: u64,
}

//! A snapshot: all evaluation results of one run with their coverage, immutable.
//!
//! Under its folder (`snapshots/date=YYYY-MM-DD/snapshot=<id>/`):
//! - `results/shard=NNNN/results.parquet`: [`crate::evaluation::EvaluationResult`] rows, sorted account first;
//!   shards hold ascending, disjoint ranges of accounts. Times are `timestamp[ms, UTC]`.
//! - `coverage/coverage.parquet`: one row per scope, for queries; `context.json`: [`SnapshotContext`], the same
//!   and more, for the steps.
//! - `annotations/shard=NNNN.json`: what the next run may reuse, see [`KnownAnnotation`].
//! - `manifest.json`: [`SnapshotManifest`], written last; without it there is no snapshot.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;
use crate::hash::sha256_hex;
use crate::organization::{Account, Aggregator, ConformancePack};
use crate::text;

/// The version of the snapshot's layout and schemas.
pub const SCHEMA: u32 = 1;

/// An object of the store, by key and content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Key in the store, `/`-separated, no leading slash.
    pub key: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
}

/// Where a snapshot's results come from; histories of different origins are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The aggregator's ARN.
    pub aggregator_arn: String,
    /// What the simulation was made with (seed and sizes), or `None` for a live aggregator. A report that has it
    /// is named simulated on every page and message.
    pub simulation: Option<String>,
    /// The part of the organization that was asked for, or `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<CollectionScope>,
}

/// A part of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollectionScope {
    /// Account ids, sorted; all when empty.
    pub accounts: Vec<String>,
    /// Regions, sorted; all when empty.
    pub regions: Vec<String>,
}

impl CollectionScope {
    /// Whether an account's results in a region are part of it.
    pub fn covers(&self, account_id: &str, aws_region: &str) -> bool {
        let has = |list: &[String], one: &str| list.is_empty() || list.iter().any(|listed| listed == one);
        has(&self.accounts, account_id) && has(&self.regions, aws_region)
    }

    /// As reports name it: `2 accounts`, `2 accounts in 1 region`.
    pub fn describe(&self) -> String {
        let accounts = match self.accounts.len() {
            0 => "all accounts".to_owned(),
            count => text::plural(count as u64, "account", "accounts"),
        };
        match self.regions.len() {
            0 => accounts,
            count => format!(
                "{accounts} in {}",
                text::plural(count as u64, "region", "regions")
            ),
        }
    }
}

/// How the ARN of a simulated aggregator says that it is one, to whoever reaches it over HTTP.
const SIMULATED_ARN: &str = ":config-aggregator/config-aggregator-simulated-";

impl Origin {
    /// All that an aggregator reached over HTTP has; a simulated one says so by its ARN.
    pub fn of_aggregator(aggregator_arn: &str) -> Self {
        let simulated = aggregator_arn.contains(SIMULATED_ARN);
        Self {
            aggregator_arn: aggregator_arn.to_owned(),
            simulation: simulated.then(|| "served by plumbline simulate serve".to_owned()),
            scope: None,
        }
    }

    /// The results are simulated.
    pub fn is_simulated(&self) -> bool {
        self.simulation.is_some()
    }
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotFile {
    /// Path relative to the snapshot's folder.
    pub path: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows, for tables.
    pub rows: Option<u64>,
    /// First and last account of the rows, for account-first tables that are not empty.
    pub accounts: Option<(String, String)>,
}

/// The manifest of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotManifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The snapshot's id, see [`snapshot_id`].
    pub id: String,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// Where the results come from.
    pub origin: Origin,
    /// Results, compliant results and noncompliant results, before any merge.
    pub results: u64,
    /// Of those, compliant.
    pub compliant: u64,
    /// Of those, noncompliant.
    pub noncompliant: u64,
    /// Every other file of the snapshot, sorted by path.
    pub files: Vec<SnapshotFile>,
}

/// A snapshot, by id and by the hash of its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// The snapshot's id.
    pub id: String,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// Its `manifest.json`.
    pub manifest: ObjectRef,
}

/// Everything of a snapshot that is not results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotContext {
    /// The aggregator asked.
    pub aggregator: Aggregator,
    /// Accounts known, sorted by id: expected, returned or named.
    pub accounts: Vec<Account>,
    /// Conformance packs deployed, where the rule inventory was readable; sorted.
    pub conformance_packs: Vec<ConformancePack>,
    /// What is and is not known.
    pub coverage: Coverage,
}

/// What a later run may reuse for a noncompliant pair while its `configuration_item_capture_time` is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KnownAnnotation {
    /// The source account.
    pub account_id: String,
    /// The source region.
    pub aws_region: String,
    /// The deployed rule name.
    pub config_rule_name: String,
    /// The resource type.
    pub resource_type: String,
    /// The resource id.
    pub resource_id: String,
    /// The capture time the rest was read at.
    pub configuration_item_capture_time: Timestamp,
    /// Result time of the details.
    pub result_recorded_time: Option<Timestamp>,
    /// Invocation time of the details.
    pub config_rule_invoked_time: Option<Timestamp>,
    /// The annotation, verbatim; `None` when the details had none.
    pub annotation: Option<String>,
}

/// The id of a snapshot, known before it is collected so that shards can be written under it: the time it stands
/// for and a hash of origin and time.
pub fn snapshot_id(origin: &Origin, as_of: Timestamp) -> String {
    let simulation = origin.simulation.as_deref().unwrap_or("live");
    let mut text = format!("{}\n{simulation}\n{as_of}", origin.aggregator_arn);
    if let Some(scope) = &origin.scope {
        text.push_str(&format!(
            "\n{}\n{}",
            scope.accounts.join(","),
            scope.regions.join(",")
        ));
    }
    let hash = sha256_hex(text.as_bytes());
    format!("{}-{}", text::compact(as_of), &hash[..12])
}

/// The folder of all snapshots.
pub const SNAPSHOTS: &str = "snapshots/";

/// The folder of a snapshot, ending in `/`: Hive partitions by date and snapshot.
pub fn snapshot_folder(id: &str, as_of: Timestamp) -> String {
    format!("{SNAPSHOTS}date={}/snapshot={id}/", text::day(as_of))
}

/// The folder of all working files.
pub const WORK: &str = "work/";

/// The folder of working files of a collection, ending in `/`; nothing there is needed once the snapshot stands.
pub fn work_folder(snapshot_id: &str) -> String {
    format!("{WORK}{snapshot_id}/")
}

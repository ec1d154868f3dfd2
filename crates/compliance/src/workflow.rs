//! What the tasks of the report workflow are given and give: the contract between the state machine and the steps.
//! Payloads hold references, never rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alerts::Window;
use crate::artifact::CallCount;
use crate::objects;
use crate::ports::{ObjectStore, PortError};
use crate::report::{PeriodEvents, ReportKind};
use crate::snapshot::{ObjectRef, SnapshotRef, WORK};

/// The execution that a task is part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Its name, which records of the run are kept under.
    pub name: String,
    /// When it began: the moment of a report that names none. A redrive keeps it.
    pub started_at: Timestamp,
}

/// What somebody asks of the workflow, as plan-report reads it from the execution's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `daily`, `weekly`, `snapshot` or `audit`.
    pub kind: String,
    /// RFC 3339; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// What is collected; everything when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<RequestedScope>,
}

/// A part of the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestedScope {
    /// Account ids; all when empty.
    pub accounts: Vec<String>,
    /// Regions; all when empty.
    pub regions: Vec<String>,
}

/// For plan-report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanTask {
    /// The execution's input, unread: what is wrong with it is plan-report's to say.
    pub request: serde_json::Value,
    /// The execution.
    pub execution: Execution,
}

/// How the shards of a plan are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapMode {
    /// Within the execution: tens of shards.
    Inline,
    /// In executions of their own: hundreds and thousands.
    Distributed,
}

/// From plan-report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// The settings, frozen.
    pub settings: ObjectRef,
    /// Something is to be collected; not when the snapshot stands already.
    pub collect: bool,
    /// The collection's plan; `None` when nothing is collected.
    pub plan: Option<ObjectRef>,
    /// The snapshot, when it stands already.
    pub snapshot: Option<SnapshotRef>,
    /// The shards, when they are collected inline.
    pub shards: Vec<ObjectRef>,
    /// A JSON array of the shards' references, when they are collected by a distributed Map.
    pub shard_list: Option<ObjectRef>,
    /// What events told of the report's period, frozen.
    pub events: Option<PeriodEvents>,
    /// How many shards there are.
    pub shard_count: u64,
    /// How they are collected.
    pub map_mode: MapMode,
    /// Shards collected at once; each has this share of the rate budget.
    pub map_concurrency: u32,
    /// The execution.
    pub execution: Execution,
}

/// For collect-results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectTask {
    /// The shard.
    pub shard: ObjectRef,
    /// The settings.
    pub settings: ObjectRef,
    /// Shards collected at once.
    pub map_concurrency: u32,
    /// The execution.
    pub execution: Execution,
}

/// From collect-results; the results themselves are found by the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Where the shard's results are stored.
    pub results: ObjectRef,
    /// Results collected.
    pub count: u64,
    /// Scopes of the shard that are missing.
    pub scopes_missing: u64,
}

/// For score-compliance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreTask {
    /// The kind of report.
    pub kind: ReportKind,
    /// The settings.
    pub settings: ObjectRef,
    /// The plan of what was collected.
    pub plan: Option<ObjectRef>,
    /// The snapshot, when nothing was collected.
    pub snapshot: Option<SnapshotRef>,
    /// What events told of the report's period. An execution that began before there were any has none.
    #[serde(default)]
    pub events: Option<PeriodEvents>,
    /// The execution.
    pub execution: Execution,
}

/// From score-compliance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The kind of report.
    pub kind: ReportKind,
    /// The run's id.
    pub run_id: String,
    /// Its frozen inputs ([`crate::report::RunInputs`]).
    pub inputs: ObjectRef,
    /// Every number of it ([`crate::scorecard::Scorecard`]).
    pub scorecard: ObjectRef,
    /// The lists behind them ([`crate::scorecard::Lists`]).
    pub lists: ObjectRef,
    /// For whoever follows the execution.
    pub summary: ScoreSummary,
}

/// What came of scoring, for whoever follows the execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreSummary {
    /// The organization's compliance score, 0 to 1; `None` is "no data".
    pub compliance_score: Option<f64>,
    /// What of the coverage is missing, as [`crate::text::caveat`] says it.
    pub caveat: Option<String>,
}

/// For render-report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderTask {
    /// The kind of report.
    pub kind: ReportKind,
    /// The run's id.
    pub run_id: String,
    /// Its inputs.
    pub inputs: ObjectRef,
    /// Its scorecard.
    pub scorecard: ObjectRef,
    /// Its lists.
    pub lists: ObjectRef,
    /// The settings.
    pub settings: ObjectRef,
    /// The execution.
    pub execution: Execution,
}

/// From render-report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The files stored in the bundle's folder ([`crate::artifact::ManifestFile`] each).
    pub files: ObjectRef,
}

/// For seal-report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealTask {
    /// The run's id.
    pub run_id: String,
    /// Its inputs.
    pub inputs: ObjectRef,
    /// The files of its bundle.
    pub files: ObjectRef,
    /// The execution.
    pub execution: Execution,
}

/// From seal-report, and from the workflow as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundled {
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// The run's id.
    pub run_id: String,
    /// The bundle's folder, ending in `/`.
    pub folder: String,
    /// Its manifest.
    pub manifest: ObjectRef,
}

/// For notify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyTask {
    /// The kind of report.
    pub kind: ReportKind,
    /// The run's id.
    pub run_id: String,
    /// The bundle's folder, ending in `/`.
    pub folder: String,
    /// Its manifest.
    pub manifest: ObjectRef,
    /// Its lists, for routes that only some rows concern. An execution that began before there were such routes has none.
    #[serde(default)]
    pub lists: Option<ObjectRef>,
    /// The execution.
    pub execution: Execution,
}

/// From notify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// What came of it ([`crate::delivery::record::RunDelivery`]).
    pub delivery: ObjectRef,
    /// Parts that arrived.
    pub sent: u64,
    /// Parts that were refused for good.
    pub failed: u64,
    /// Parts of which nobody knows whether they arrived.
    pub ambiguous: u64,
}

/// For send-alerts: a route and a window of which something is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertTask {
    /// The route's name.
    pub route: String,
    /// The window.
    pub window: Window,
    /// The execution.
    pub execution: Execution,
}

/// From send-alerts: messages by what became of them in this run of the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerted {
    /// Arrived.
    pub sent: u64,
    /// Refused for good.
    pub failed: u64,
    /// Nobody knows whether they arrived.
    pub ambiguous: u64,
    /// Of the last two, told on the topic for failures.
    pub told: u64,
}

/// What a task cost, kept until the bundle's provenance sums it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The stage, as provenance names it.
    pub stage: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Who called, where AWS was asked.
    pub principal: Option<String>,
    /// Calls by operation.
    pub calls: BTreeMap<String, CallCount>,
    /// Calls that the call plan's formula foresees for it.
    pub planned_calls: u64,
}

impl TaskRecord {
    /// Keeps the record of one task of an execution; that of a task's first attempt that came to its end stays.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep(
        &self,
        execution: &Execution,
        task: &str,
        store: &impl ObjectStore,
    ) -> Result<(), PortError> {
        let key = format!("{}{task}.json", records(execution));
        objects::put_json(store, &key, self).await.map(|_| ())
    }

    /// The records of an execution, by the names of their tasks.
    ///
    /// # Errors
    /// The store's own; `Store.Damaged` when one cannot be read.
    pub async fn all(execution: &Execution, store: &impl ObjectStore) -> Result<Vec<Self>, PortError> {
        let mut found = Vec::new();
        for key in store.list(&records(execution)).await? {
            if let Some(bytes) = store.get(&key).await? {
                found.push(objects::parse_json(&key, &bytes)?);
            }
        }
        Ok(found)
    }
}

fn records(execution: &Execution) -> String {
    format!("{WORK}records/{}/", execution.name)
}

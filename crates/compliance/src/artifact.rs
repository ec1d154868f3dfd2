//! The bundle of a report: artifacts, the manifest that names their hashes, and the provenance beside it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::{ReportKind, RunInputs};

/// The version of the manifest's schema.
pub const SCHEMA: u32 = 1;

/// The name of the provenance within a bundle.
pub const PROVENANCE: &str = "provenance.json";

/// A file of a bundle, before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Name within the bundle.
    pub name: String,
    /// IANA media type.
    pub media_type: &'static str,
    /// Rows, for lists.
    pub rows: Option<u64>,
    /// What it shows, of a picture: for who cannot see it.
    pub description: Option<String>,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A file of a bundle, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Name within the bundle.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows, for lists.
    pub rows: Option<u64>,
    /// What it shows, of a picture: for who cannot see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `manifest.json` of a bundle: every file but itself and `provenance.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleManifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run_id: String,
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// `Some` names the simulation the data comes from.
    pub simulation: Option<String>,
    /// What the report is a function of.
    pub inputs: RunInputs,
    /// Files, sorted by name.
    pub files: Vec<ManifestFile>,
}

/// Calls made by operation, attempts included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// Calls that got an answer in the end.
    pub succeeded: u64,
    /// Calls given up.
    pub failed: u64,
    /// Attempts sent, retries included.
    pub attempts: u64,
    /// Attempts answered by throttling.
    pub throttled: u64,
    /// Pages that came again and were thrown away.
    #[serde(default)]
    pub repeated_pages: u64,
    /// Rows that came more than once, and count once.
    #[serde(default)]
    pub duplicate_rows: u64,
    /// Lists begun anew, as their token was refused.
    #[serde(default)]
    pub restarts: u64,
}

impl CallCount {
    /// Adds what another process counted.
    pub fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.attempts += other.attempts;
        self.throttled += other.throttled;
        self.repeated_pages += other.repeated_pages;
        self.duplicate_rows += other.duplicate_rows;
        self.restarts += other.restarts;
    }
}

/// `provenance.json`: when, by whom, how long, how many calls. The only file of a bundle that may differ between
/// two runs on the same inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run_id: String,
    /// SHA-256 of the bundle's `manifest.json`.
    pub manifest_sha256: String,
    /// When the run began.
    pub started_at: Timestamp,
    /// When the interrupted run began that this one continues, if it does; that one's calls are not counted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<Timestamp>,
    /// When the bundle was sealed.
    pub finished_at: Timestamp,
    /// Who made the run: the AWS principal where known, or the simulation.
    pub principal: Option<String>,
    /// The ARN of the execution that made it, where a workflow did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// Plumbline's version and commit.
    pub plumbline_version: String,
    /// Seconds by stage, in order.
    pub stages: Vec<StageTime>,
    /// Calls by operation.
    pub calls: BTreeMap<String, CallCount>,
    /// Calls the call plan's formula foresees for every snapshot this run collected.
    pub planned_calls: u64,
    /// The results were read from a saved snapshot, not from an aggregator.
    pub offline: bool,
}

/// How long a stage took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage: plan, collect, freeze, score, render, seal.
    pub stage: String,
    /// Wall time in seconds.
    pub seconds: f64,
}

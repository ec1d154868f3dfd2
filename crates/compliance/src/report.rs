//! What a run is asked for and what it freezes before it scores.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::coverage::Gap;
use crate::hash::{canonical_json, sha256_hex};
use crate::snapshot::{ObjectRef, Origin, SnapshotRef};
use crate::text;

/// The kind of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// Compared with the snapshot of 24 hours before; trend over 7 days.
    Daily,
    /// Compared with the snapshot of 7 days before; trend over 12 weeks.
    Weekly,
    /// Collects and scores, compared as a daily report; makes no report.
    Snapshot,
}

impl ReportKind {
    /// Lower-case name, as in keys and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Snapshot => "snapshot",
        }
    }

    /// How far back the baseline of the comparison lies, and events are read.
    pub fn period(self) -> SignedDuration {
        match self {
            Self::Daily | Self::Snapshot => SignedDuration::from_hours(24),
            Self::Weekly => SignedDuration::from_hours(7 * 24),
        }
    }

    /// Periods shown in the trend before the present point.
    pub fn trend_periods(self) -> u32 {
        match self {
            Self::Daily | Self::Snapshot => 7,
            Self::Weekly => 12,
        }
    }
}

/// A scored point of the trend: the snapshot chosen for `target`, if there is one near enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendTarget {
    /// The moment the point stands for: a whole number of periods before the run.
    pub target: Timestamp,
    /// Id of the snapshot used, or `None`: a gap in the trend.
    pub snapshot_id: Option<String>,
}

/// The run before this one of the same kind and origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    /// Its run id.
    pub run_id: String,
    /// SHA-256 of its `manifest.json`.
    pub manifest_sha256: String,
}

/// An earlier snapshot that the report would have read, had it been whole: a gap in the trend that shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The snapshot's id.
    pub id: String,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// The stable code of what was met on reading it: `Store.Damaged`, `Store.NotFound`, `Store.Storage`.
    pub code: String,
}

impl LeftOut {
    /// What is wrong with it, to follow its name.
    pub fn problem(&self) -> &'static str {
        match self.code.as_str() {
            "Store.Damaged" => "is damaged",
            "Store.NotFound" => "lacks a file",
            _ => "cannot be read",
        }
    }

    /// The whole of it in a sentence without its full stop.
    pub fn sentence(&self) -> String {
        format!(
            "the snapshot of {} {} and was not used",
            text::minute(self.as_of),
            self.problem()
        )
    }
}

/// What events told of a report's period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodEvents {
    /// Where the extract of them is frozen ([`crate::events::EventExtract`]).
    Extract(ObjectRef),
    /// They could not be read, so the report does not know.
    Unread(Gap),
}

impl PeriodEvents {
    /// The extract, if there is one.
    pub fn extract(&self) -> Option<&ObjectRef> {
        match self {
            Self::Extract(object) => Some(object),
            Self::Unread(_) => None,
        }
    }

    /// Why they are not known, to follow their name; `None` when they are.
    pub fn unknown(&self) -> Option<String> {
        match self {
            Self::Extract(_) => None,
            Self::Unread(gap) => Some(format!(
                "not known, as their table could not be read ({})",
                gap.code
            )),
        }
    }
}

/// Everything a report is a function of, frozen before it is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInputs {
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment it stands for, that of its snapshot.
    pub as_of: Timestamp,
    /// Where the results come from.
    pub origin: Origin,
    /// The snapshot reported.
    pub snapshot: SnapshotRef,
    /// The snapshot compared with; `None` on a first run.
    pub baseline: Option<SnapshotRef>,
    /// Every earlier snapshot read, oldest first, the baseline included: trend, ages and times to resolve.
    pub history: Vec<SnapshotRef>,
    /// The points of the trend, oldest first; the last is the run itself.
    pub trend: Vec<TrendTarget>,
    /// The settings used, as canonical JSON in the bundle.
    pub settings: ObjectRef,
    /// The built-in catalogue's version.
    pub catalogue_version: String,
    /// Plumbline's version, which stands for templates and definitions.
    pub plumbline_version: String,
    /// The previous run's bundle, which this one is chained to.
    pub predecessor: Option<Predecessor>,
    /// Earlier snapshots that would have been read and are damaged, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Run ids of bundles since the predecessor whose manifest is damaged, newest first: the chain passes them over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// What events told of the period; `None` where there is no table of them, or none in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<PeriodEvents>,
}

impl RunInputs {
    /// The run's id, derived from these inputs: `<kind>-<as of>-<12 hex of the SHA-256 of their canonical JSON>`.
    ///
    /// # Errors
    /// When the inputs cannot be written as JSON.
    pub fn run_id(&self) -> Result<String, serde_json::Error> {
        let hash = sha256_hex(&canonical_json(self)?);
        Ok(format!(
            "{}-{}-{}",
            self.kind.as_str(),
            text::compact(self.as_of),
            &hash[..12]
        ))
    }
}

/// The folder of a run's bundle, ending in `/`.
pub fn bundle_folder(kind: ReportKind, as_of: Timestamp, run_id: &str) -> String {
    format!("{}/{}/{run_id}/", kind.as_str(), text::day(as_of))
}

//! Freezes what a report is a function of: the newest facts of the store, chosen once.

use crate::bundles;
use crate::hash::sha256_hex;
use crate::objects;
use crate::ports::{ObjectStore, PortError, PortErrorKind};
use crate::report::{LeftOut, ReportKind, RunInputs};
use crate::select::{self, Selected};
use crate::settings::Settings;
use crate::snapshot::{ObjectRef, Origin, SnapshotRef};
use crate::snapshots::Known;

/// Freezes settings under their own hash.
///
/// # Errors
/// The store's own; `Store.Damaged` when what stands under the hash is not what was frozen.
pub async fn freeze_settings(settings: &Settings, store: &impl ObjectStore) -> Result<ObjectRef, PortError> {
    let bytes = objects::json_bytes("the settings", settings)?;
    let sha256 = sha256_hex(&bytes);
    let key = format!("settings/{sha256}.json");
    let frozen = objects::put_or_adopt(store, &key, &bytes).await?;
    if frozen.sha256 == sha256 {
        return Ok(frozen);
    }
    let message = format!("{key} was changed after it was frozen; delete it and run again");
    Err(PortError::new("Store", PortErrorKind::Damaged, message))
}

/// A report about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its kind.
    pub kind: ReportKind,
    /// The snapshot reported.
    pub snapshot: SnapshotRef,
    /// Where its results come from.
    pub origin: Origin,
    /// The settings, frozen.
    pub settings: ObjectRef,
}

/// The inputs of a run, and what was met that is damaged: the inputs name it, these say how.
#[derive(Debug)]
pub struct Frozen {
    /// Everything the report is a function of.
    pub inputs: RunInputs,
    /// Snapshots that are left out, oldest first.
    pub left_out: Vec<(LeftOut, PortError)>,
    /// Bundles that the chain passes over, newest first, by run id.
    pub passed_over: Vec<(String, PortError)>,
}

/// Chooses the history and the predecessor of a report among what `known` and the store hold.
///
/// # Errors
/// The store's own, when it cannot be listed.
pub async fn freeze(report: Report, known: &Known, store: &impl ObjectStore) -> Result<Frozen, PortError> {
    let Report {
        kind,
        snapshot,
        origin,
        settings,
    } = report;
    let Selected { selection, left_out } = select::run(kind, &snapshot, &origin, known, store).await?;
    let chain = bundles::chain(store, kind, &origin, snapshot.as_of).await?;
    let inputs = RunInputs {
        kind,
        as_of: snapshot.as_of,
        predecessor: chain.predecessor,
        origin,
        snapshot,
        baseline: selection.baseline,
        history: selection.history,
        trend: selection.trend,
        settings,
        catalogue_version: crate::catalogue::VERSION.to_owned(),
        plumbline_version: crate::version(),
        left_out: left_out.iter().map(|(one, _)| one.clone()).collect(),
        passed_over: chain
            .passed_over
            .iter()
            .map(|(run_id, _)| run_id.clone())
            .collect(),
    };
    Ok(Frozen {
        inputs,
        left_out,
        passed_over: chain.passed_over,
    })
}

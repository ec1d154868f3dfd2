//! Freezes what a report is a function of: the newest facts of the store, chosen once.

use jiff::{SignedDuration, Timestamp};

use crate::bundles;
use crate::events::EventExtract;
use crate::hash::sha256_hex;
use crate::objects;
use crate::ports::{EventTable, ObjectStore, PortError, PortErrorKind};
use crate::report::{LeftOut, PeriodEvents, ReportKind, RunInputs};
use crate::select::{self, Selected};
use crate::settings::Settings;
use crate::snapshot::{CollectionScope, ObjectRef, Origin, SnapshotRef, work_folder};
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

/// The report that events are read for.
#[derive(Debug, Clone, Copy)]
pub struct EventPeriod<'a> {
    /// Its kind, which says how long its period is.
    pub kind: ReportKind,
    /// The moment it stands for, which its period ends at.
    pub as_of: Timestamp,
    /// The id of the snapshot it reports.
    pub snapshot_id: &'a str,
    /// The part of the organization it is of; `None` is all of it.
    pub scope: Option<&'a CollectionScope>,
}

/// Events read at once, with all that came with them. What a report keeps of them is a hundredth.
const READ_AT_ONCE: SignedDuration = SignedDuration::from_hours(1);

/// Freezes what events told of a report's period; `None` when there are none, and for what makes no report. A table that
/// cannot be read, its adapter's own attempts included, is no error: the report is made, and says that it does not know.
/// What an earlier attempt froze is adopted, since a later look finds events that were late.
///
/// # Errors
/// The store's own.
pub async fn freeze_events(
    period: EventPeriod<'_>,
    table: &impl EventTable,
    store: &impl ObjectStore,
) -> Result<Option<PeriodEvents>, PortError> {
    if period.kind == ReportKind::Snapshot {
        return Ok(None);
    }
    let key = events_key(period.kind, period.snapshot_id);
    if let Some(bytes) = store.get(&key).await? {
        let sha256 = sha256_hex(&bytes);
        return Ok(Some(PeriodEvents::Extract(ObjectRef { key, sha256 })));
    }
    match extract(period, table).await {
        Err(error) => Ok(Some(PeriodEvents::Unread(error.gap()))),
        Ok(extract) if extract.events == 0 => Ok(None),
        Ok(extract) => {
            let frozen = objects::put_json(store, &key, &extract).await?;
            Ok(Some(PeriodEvents::Extract(frozen)))
        }
    }
}

/// Where what events told a report is frozen.
pub fn events_key(kind: ReportKind, snapshot_id: &str) -> String {
    format!("{}events-{}.json", work_folder(snapshot_id), kind.as_str())
}

async fn extract(period: EventPeriod<'_>, table: &impl EventTable) -> Result<EventExtract, PortError> {
    let until = period.as_of;
    let from = until.checked_sub(period.kind.period()).unwrap_or(Timestamp::MIN);
    let mut extract = EventExtract::new(from, until);
    let mut at = from;
    while at < until {
        let next = at.checked_add(READ_AT_ONCE).unwrap_or(until).min(until);
        let mut records = table.events(at, next).await?;
        if let Some(scope) = period.scope {
            records.retain(|record| scope.covers(&record.account_id, &record.aws_region));
        }
        extract.add(&records);
        at = next;
    }
    Ok(extract)
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
    /// What events told of its period ([`freeze_events`]).
    pub events: Option<PeriodEvents>,
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
        events,
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
        events,
    };
    Ok(Frozen {
        inputs,
        left_out,
        passed_over: chain.passed_over,
    })
}

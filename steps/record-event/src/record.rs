//! One event into the table, with what is decided about it.

use std::time::Duration;

use compliance::Timestamp;
use compliance::alerts::{Alert, DEFAULT_ROUTE, Decision, Known, OutboxEntry, Window, decide};
use compliance::evaluation::PairKey;
use compliance::events::{ComplianceChange, Content, Event, EventRecord, PairHistory, after_days};
use compliance::ports::{Clock, EventTable, EventWrite, PortError, StoredPair, Written};

use crate::ports::Ports;
use crate::retry::Patience;
use crate::warm::Setup;

/// An event that is in the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    /// It was there before.
    pub(crate) is_known: bool,
    /// What was decided, if it is new.
    pub(crate) decision: Option<Decision>,
    /// Routes and windows that have something to be told of it.
    pub(crate) told: Vec<(String, Window)>,
}

/// An event that is not in the table, as far as is known.
#[derive(Debug)]
pub(crate) enum Unrecorded {
    /// The table failed.
    Table(PortError),
    /// Others wrote the pair all the time.
    Overtaken,
    /// Time was up before it was begun.
    OutOfTime,
}

/// Stores an event, as often as it takes and time allows; with how many attempts came to nothing.
pub(crate) async fn record<P: Ports>(
    event: &Event,
    ports: &P,
    setup: &Setup,
    deadline: Duration,
) -> (Result<Recorded, Unrecorded>, u32) {
    let mut patience = Patience::new(ports.time(), deadline, &event.id);
    if patience.is_over() {
        return (Err(Unrecorded::OutOfTime), 0);
    }
    loop {
        let ended = match attempt(event, ports, setup).await {
            Ok(Some(recorded)) => Ok(recorded),
            Ok(None) if patience.after_conflict().await => continue,
            Ok(None) => Err(Unrecorded::Overtaken),
            Err(error) if patience.after_failure(&error).await => continue,
            Err(error) => Err(Unrecorded::Table(error)),
        };
        return (ended, patience.tried());
    }
}

/// Reads, decides, writes; `None` when the pair was written since it was read.
async fn attempt<P: Ports>(event: &Event, ports: &P, setup: &Setup) -> Result<Option<Recorded>, PortError> {
    let table = ports.table();
    let before = match event.pair(&setup.catalogue) {
        Some(key) => table.pair(&key).await?,
        None => None,
    };
    let write = write_of(event, before, setup, ports.time().now());
    let recorded = |is_known| Recorded {
        is_known,
        decision: write.event.decision.clone().filter(|_| !is_known),
        told: match is_known {
            true => Vec::new(),
            false => write
                .outbox
                .iter()
                .map(|entry| (entry.route.clone(), entry.window))
                .collect(),
        },
    };
    Ok(match table.write(&write).await? {
        Written::New => Some(recorded(false)),
        Written::Known => Some(recorded(true)),
        Written::Conflict => None,
    })
}

/// What is written of an event, its pair being as it was read: where everything about it is decided.
pub fn write_of(event: &Event, before: Option<StoredPair>, setup: &Setup, now: Timestamp) -> EventWrite {
    match (event.pair(&setup.catalogue), &event.content) {
        (Some(key), Content::ComplianceChange(change)) => of_result(event, change, key, before, setup, now),
        _ => alone(event, setup, now),
    }
}

/// What is written of an event that is of no pair.
fn alone(event: &Event, setup: &Setup, now: Timestamp) -> EventWrite {
    let days = setup.settings.alerts.history_days;
    EventWrite {
        event: EventRecord::new(event, &setup.catalogue, None, now, days),
        pair: None,
        pair_expires_at: None,
        outbox: Vec::new(),
    }
}

/// What is written of a result, the pair being as it was read.
fn of_result(
    event: &Event,
    change: &ComplianceChange,
    key: PairKey,
    before: Option<StoredPair>,
    setup: &Setup,
    now: Timestamp,
) -> EventWrite {
    let (before, version) = before.map_or((None, 0), |pair| (Some(pair.history), pair.version));
    let account = setup.accounts.get(&event.account_id);
    let known = Known {
        settings: &setup.settings,
        catalogue: &setup.catalogue,
        organizational_unit: account.and_then(|account| account.organizational_unit.as_deref()),
        default_route: Some(DEFAULT_ROUTE),
        now,
    };
    let decided = decide(before.clone(), key, event, change, &known);
    let alert = decided.history.incident.as_ref().map(|incident| {
        let sources = (&setup.settings, &setup.catalogue);
        Alert::new(
            incident,
            before.as_ref(),
            &decided.history,
            event,
            change,
            account,
            sources,
            now,
        )
    });
    let days = setup.settings.alerts.history_days;
    EventWrite {
        outbox: outbox(event, &decided.decision, alert, setup, now),
        event: EventRecord::new(event, &setup.catalogue, Some(decided.decision), now, days),
        pair_expires_at: pair_expires_at(&decided.history, days),
        pair: Some(StoredPair {
            history: decided.history,
            version,
        }),
    }
}

/// An entry for each route that is told.
fn outbox(
    event: &Event,
    decision: &Decision,
    alert: Option<Alert>,
    setup: &Setup,
    now: Timestamp,
) -> Vec<OutboxEntry> {
    let (Decision::Told { word, routes, .. }, Some(alert)) = (decision, alert) else {
        return Vec::new();
    };
    let entry = |route: &String| OutboxEntry {
        route: route.clone(),
        window: Window::of(now, setup.settings.alerts.window_seconds),
        event_id: event.id.clone(),
        word: *word,
        decided_at: now,
        alert: alert.clone(),
    };
    routes.iter().map(entry).collect()
}

/// What is noncompliant is known for as long as it is; anything else for as long as its events are.
fn pair_expires_at(history: &PairHistory, days: u32) -> Option<Timestamp> {
    match history.is_noncompliant() {
        Some(true) => None,
        _ => history.newest().map(|newest| after_days(newest, days)),
    }
}

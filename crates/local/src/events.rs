//! The event history, dead letters and starts of alerts in memory: for tests, and for work that need not outlive the
//! process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window};
use compliance::evaluation::PairKey;
use compliance::events::EventRecord;
use compliance::ports::{
    AlertStarter, Clock, DeadLetters, EventTable, EventWrite, PortError, StoredPair, Written,
};

use crate::SystemClock;

/// An event table in memory. What has expired by its clock is hidden, and still there.
#[derive(Debug, Default)]
pub struct MemoryEventTable<C = SystemClock> {
    clock: C,
    items: Mutex<Items>,
}

#[derive(Debug, Default)]
struct Items {
    /// By event time and id, as the table of the cloud has them.
    events: BTreeMap<(Timestamp, String), EventRecord>,
    pairs: HashMap<PairKey, (StoredPair, Option<Timestamp>)>,
    /// By window, route and event id.
    outbox: BTreeMap<(Window, String, String), OutboxEntry>,
}

impl<C: Clock> MemoryEventTable<C> {
    /// An empty table whose items expire by this clock.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            items: Mutex::default(),
        }
    }

    /// What is known of every pair, by key.
    pub fn pairs(&self) -> BTreeMap<PairKey, StoredPair> {
        let now = self.clock.now();
        let items = self.items();
        let live = items
            .pairs
            .iter()
            .filter(|(_, (_, expires_at))| is_live(*expires_at, now));
        live.map(|(key, (pair, _))| (key.clone(), pair.clone())).collect()
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        // A panic elsewhere leaves the items whole: a write checks first and only inserts afterwards.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_live(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|expires_at| now < expires_at)
}

impl Items {
    fn version(&self, key: &PairKey, now: Timestamp) -> u64 {
        let stored = self.pairs.get(key);
        stored
            .filter(|(_, expires_at)| is_live(*expires_at, now))
            .map_or(0, |(pair, _)| pair.version)
    }
}

impl<C: Clock> EventTable for MemoryEventTable<C> {
    async fn pair(&self, key: &PairKey) -> Result<Option<StoredPair>, PortError> {
        let now = self.clock.now();
        let items = self.items();
        let stored = items.pairs.get(key);
        let live = stored.filter(|(_, expires_at)| is_live(*expires_at, now));
        Ok(live.map(|(pair, _)| pair.clone()))
    }

    async fn write(&self, write: &EventWrite) -> Result<Written, PortError> {
        let now = self.clock.now();
        let mut items = self.items();
        let place = (write.event.event_time, write.event.id.clone());
        if items.events.contains_key(&place) {
            return Ok(Written::Known);
        }
        if let Some(pair) = &write.pair {
            let key = &pair.history.key;
            if items.version(key, now) != pair.version {
                return Ok(Written::Conflict);
            }
            let next = StoredPair {
                history: pair.history.clone(),
                version: pair.version + 1,
            };
            items.pairs.insert(key.clone(), (next, write.pair_expires_at));
        }
        items.events.insert(place, write.event.clone());
        for entry in &write.outbox {
            items.outbox.insert(place_of(entry), entry.clone());
        }
        Ok(Written::New)
    }

    async fn events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        if until <= from {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let items = self.items();
        let range = (
            Bound::Included((from, String::new())),
            Bound::Excluded((until, String::new())),
        );
        let events = items.events.range(range).map(|(_, event)| event);
        Ok(events
            .filter(|event| is_live(Some(event.expires_at), now))
            .cloned()
            .collect())
    }

    async fn outbox(&self, route: &str, window: Window) -> Result<Vec<OutboxEntry>, PortError> {
        let items = self.items();
        let ours = |entry: &&OutboxEntry| entry.route == route && entry.window == window;
        let mut entries: Vec<OutboxEntry> = items.outbox.values().filter(ours).cloned().collect();
        entries.sort_by(|a, b| (a.decided_at, &a.event_id).cmp(&(b.decided_at, &b.event_id)));
        Ok(entries)
    }

    async fn overdue(&self, before: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        let items = self.items();
        let entries = items.outbox.values();
        let due = entries.filter(|entry| entry.window.begins() < before);
        let each: BTreeSet<(String, Window)> = due.map(|entry| (entry.route.clone(), entry.window)).collect();
        Ok(each.into_iter().collect())
    }

    async fn told(&self, entries: &[OutboxEntry]) -> Result<(), PortError> {
        let mut items = self.items();
        for entry in entries {
            items.outbox.remove(&place_of(entry));
        }
        Ok(())
    }
}

fn place_of(entry: &OutboxEntry) -> (Window, String, String) {
    (entry.window, entry.route.clone(), entry.event_id.clone())
}

/// A message that was kept, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message.
    pub body: String,
    /// The stable code.
    pub code: String,
    /// The same in words.
    pub reason: String,
}

/// Dead letters in memory.
#[derive(Debug, Default)]
pub struct MemoryDeadLetters {
    kept: Mutex<Vec<DeadLetter>>,
}

impl MemoryDeadLetters {
    /// Everything kept so far.
    pub fn kept(&self) -> Vec<DeadLetter> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl DeadLetters for MemoryDeadLetters {
    async fn keep(&self, body: &str, code: &str, reason: &str) -> Result<(), PortError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(DeadLetter {
            body: body.to_owned(),
            code: code.to_owned(),
            reason: reason.to_owned(),
        });
        Ok(())
    }
}

/// One start of what tells a window's alerts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertStart {
    /// The route.
    pub route: String,
    /// The window.
    pub window: Window,
    /// When the window closes.
    pub closes: Timestamp,
    /// What tells a later start from the first.
    pub again: Option<Timestamp>,
}

/// Starts nothing, and keeps what it was to start: the same twice is kept once.
#[derive(Debug, Default)]
pub struct MemoryAlertStarter {
    started: Mutex<Vec<AlertStart>>,
}

impl MemoryAlertStarter {
    /// Everything started so far, in the order of the first asking.
    pub fn started(&self) -> Vec<AlertStart> {
        self.started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl AlertStarter for MemoryAlertStarter {
    async fn start(
        &self,
        route: &str,
        window: Window,
        closes: Timestamp,
        again: Option<Timestamp>,
    ) -> Result<(), PortError> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |one: &AlertStart| (one.route.as_str(), one.window, one.again) == (route, window, again);
        if !started.iter().any(same) {
            started.push(AlertStart {
                route: route.to_owned(),
                window,
                closes,
                again,
            });
        }
        Ok(())
    }
}

//! Makes plans, or adopts those that stand.

use std::collections::{BTreeMap, BTreeSet};

use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window, Word};
use compliance::objects;
use compliance::ports::{EventTable, ObjectStore, PortError};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;

use crate::plan::{self, Changes, Head, Kind, Plan, Planned, Pointer, SCHEMA, Told};

/// Objects read or written at once.
const AT_ONCE: usize = 16;

/// What is to be told on a route of a window.
pub(crate) struct ToTell {
    /// Plans of the window, oldest first.
    pub(crate) plans: Vec<Plan>,
    /// Ids of events that are in the outbox still.
    pub(crate) left: BTreeSet<String>,
    /// Incidents that are in no plan, as something earlier about them is not told yet.
    pub(crate) waiting: usize,
}

/// Makes the plans of a window.
pub(crate) struct Planner<'a, T, S> {
    pub(crate) table: &'a T,
    pub(crate) store: &'a S,
    pub(crate) route: &'a str,
    pub(crate) window: Window,
    /// See `alerts.storm_threshold`.
    pub(crate) threshold: u32,
}

impl<T: EventTable, S: ObjectStore> Planner<'_, T, S> {
    /// Plans everything in the outbox that can be told by now.
    pub(crate) async fn plan(&self) -> Result<ToTell, PortError> {
        let mut plans = self.standing().await?;
        let mut settled = 0;
        loop {
            let entries = self.table.outbox(self.route, self.window).await?;
            let left: BTreeSet<String> = entries.iter().map(|entry| entry.event_id.clone()).collect();
            for plan in plans.iter().skip(settled).filter(|plan| is_in(plan, &left)) {
                self.settle(plan).await?;
            }
            settled = plans.len();
            let told = plan::by_incident(&self.certain(unplanned(entries, &plans), &plans).await?);
            let (ready, waiting) = self.ready(told).await?;
            if ready.is_empty() {
                return Ok(ToTell { plans, left, waiting });
            }
            plans.push(self.next(&plans, ready).await?);
        }
    }

    /// Plans that stand, in order.
    async fn standing(&self) -> Result<Vec<Plan>, PortError> {
        let mut plans: Vec<Plan> = Vec::new();
        for key in self.store.list(&plan::plans(self.route, self.window)).await? {
            plans.extend(read::<Plan>(self.store, &key).await?);
        }
        plans.sort_by_key(|plan| plan.number);
        Ok(plans)
    }

    /// Looks again where something is told that is no opening: see [`plan::certain`].
    async fn certain(&self, first: Vec<OutboxEntry>, plans: &[Plan]) -> Result<Vec<OutboxEntry>, PortError> {
        if first.iter().all(|entry| entry.word == Word::Opened) {
            return Ok(first);
        }
        let second = self.table.outbox(self.route, self.window).await?;
        Ok(plan::certain(&first, unplanned(second, plans)))
    }

    /// Incidents that can be told now, and how many must wait.
    async fn ready(&self, told: Vec<Told>) -> Result<(Vec<Told>, usize), PortError> {
        if told.iter().all(Told::opens) {
            return Ok((told, 0));
        }
        let earlier = self.told_elsewhere().await?;
        // A message that opens an incident waits for nothing, so no two windows wait for each other.
        let (ready, waiting): (Vec<Told>, Vec<Told>) = told
            .into_iter()
            .partition(|told| told.opens() || !earlier.contains(told.incident()));
        Ok((ready, waiting.len()))
    }

    /// Incidents of which something earlier is in the outbox of another window. The clocks of two processes may put an opening
    /// into a later window than what came after it.
    async fn told_elsewhere(&self) -> Result<BTreeSet<String>, PortError> {
        let mut incidents = BTreeSet::new();
        for (route, window) in self.table.overdue(self.later_than_all()).await? {
            if route != self.route || window == self.window {
                continue;
            }
            let entries = self.table.outbox(&route, window).await?;
            let earlier = entries
                .into_iter()
                .filter(|entry| window < self.window || entry.word == Word::Opened);
            incidents.extend(earlier.map(|entry| entry.alert.incident));
        }
        Ok(incidents)
    }

    /// A moment before which every window began that may have anything to do with this one.
    fn later_than_all(&self) -> Timestamp {
        let hour = SignedDuration::from_hours(1);
        self.window.begins().checked_add(hour).unwrap_or(Timestamp::MAX)
    }

    /// The next plan: ours, or whoever's was first.
    async fn next(&self, plans: &[Plan], told: Vec<Told>) -> Result<Plan, PortError> {
        let number = plans.last().map_or(1, |last| last.number + 1);
        let pointers = self.pointers(&told).await?;
        let place = (self.route, self.window, number);
        let ours = plan::plan(place, told, &pointers, self.threshold);
        let key = plan::plan_key(self.route, self.window, number);
        objects::put_json(self.store, &key, &ours).await?;
        Ok(read(self.store, &key).await?.unwrap_or(ours))
    }

    /// Pointers of incidents that were told before.
    async fn pointers(&self, told: &[Told]) -> Result<BTreeMap<String, Pointer>, PortError> {
        let later = told.iter().filter(|told| !told.opens());
        let found = stream::iter(later.map(|told| async {
            let key = plan::pointer_key(self.route, told.incident());
            let pointer = read::<Pointer>(self.store, &key).await?;
            Ok(pointer.map(|pointer| (told.incident().to_owned(), pointer)))
        }));
        let found: Vec<_> = found.buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Writes what leads to the messages of a plan, before anything of it can be told.
    async fn settle(&self, plan: &Plan) -> Result<(), PortError> {
        for message in &plan.messages {
            let head = Head {
                window: plan.window,
                number: plan.number,
                message: message.name.clone(),
            };
            match &message.kind {
                Kind::Opening => self.point(&head, false, message).await?,
                Kind::Storm => {
                    self.point(&head, true, message).await?;
                    self.change(plan, &head, message).await?;
                }
                Kind::Progress { head } => self.change(plan, head, message).await?,
                Kind::Later { .. } => {}
            }
        }
        Ok(())
    }

    async fn point(&self, head: &Head, is_storm: bool, message: &Planned) -> Result<(), PortError> {
        let pointer = &Pointer {
            schema: SCHEMA,
            head: head.clone(),
            is_storm,
        };
        let written = stream::iter(message.incidents.iter().map(|told| async {
            let key = plan::pointer_key(self.route, told.incident());
            objects::put_json(self.store, &key, pointer).await.map(drop)
        }));
        written.buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn change(&self, plan: &Plan, storm: &Head, message: &Planned) -> Result<(), PortError> {
        let told = message.incidents.iter();
        let changes = Changes {
            schema: SCHEMA,
            is_over: told
                .map(|told| (told.incident().to_owned(), told.is_over()))
                .collect(),
        };
        let key = plan::changes_key(self.route, storm, plan.window, plan.number);
        objects::put_json(self.store, &key, &changes).await.map(drop)
    }
}

/// A document, if there is one.
pub(crate) async fn read<T: DeserializeOwned>(
    store: &impl ObjectStore,
    key: &str,
) -> Result<Option<T>, PortError> {
    let bytes = store.get(key).await?;
    bytes.map(|bytes| objects::parse_json(key, &bytes)).transpose()
}

/// Entries that are in no plan.
fn unplanned(entries: Vec<OutboxEntry>, plans: &[Plan]) -> Vec<OutboxEntry> {
    let messages = plans.iter().flat_map(|plan| &plan.messages);
    let told = messages.flat_map(|message| &message.incidents);
    let planned: BTreeSet<&str> = told
        .flat_map(Told::entries)
        .map(|entry| entry.event_id.as_str())
        .collect();
    let is_new = |entry: &OutboxEntry| !planned.contains(entry.event_id.as_str());
    entries.into_iter().filter(is_new).collect()
}

/// Whether anything of a plan is to be told still.
fn is_in(plan: &Plan, left: &BTreeSet<String>) -> bool {
    plan.messages.iter().any(|message| message.is_left(left))
}

impl Planned {
    /// Whether any entry of it is in the outbox still.
    pub(crate) fn is_left(&self, left: &BTreeSet<String>) -> bool {
        let mut entries = self.incidents.iter().flat_map(Told::entries);
        entries.any(|entry| left.contains(&entry.event_id))
    }
}

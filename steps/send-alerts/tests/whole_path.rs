//! From events to Slack: events come twice and in any order, sixteen senders and the step that tells die anywhere, the table
//! throttles and Slack fails. Everything decided is told once, where it belongs.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "../../record-event/tests/support/mod.rs"]
mod recording;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use compliance::Timestamp;
use compliance::alerts::{Decision, OutboxEntry, Window, Word};
use compliance::evaluation::PairKey;
use compliance::events::EventRecord;
use compliance::ports::*;
use fake_slack::Faults;
use futures_util::future::join_all;
use local::{MemoryAlertStarter, MemoryDeadLetters};
use record_event::Message;
use recording::{Chaos, Evaluated, HIGH, LONG, LOW, Life, Queue, Rng, error, setup};
use serde_json::Value;
use support::*;

/// Events of a run; PLUMBLINE_EVENTS says otherwise.
const EVENTS: usize = 100_000;
const SENDERS: usize = 16;
/// Of so many pairs one is of a rule that is alerted: Slack takes a message a second.
const ONE_ALERTED_IN: usize = 20;
/// How often what tells is begun while events still come.
const ROUNDS: usize = 5;

fn settings() -> String {
    format!(
        "[alerts]\nflap_minutes = 1440\n[rules.\"{HIGH}\"]\nseverity = \"high\"\n[rules.\"{LOW}\"]\nseverity = \"low\"\n{ONCALL}"
    )
}

#[allow(clippy::disallowed_methods, reason = "whoever runs the test may ask for more")]
fn events() -> usize {
    let asked = std::env::var("PLUMBLINE_EVENTS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(EVENTS)
}

/// record-event, in a process that may end between any two calls.
struct Recorder<'a> {
    world: &'a World,
    chaos: &'a Chaos,
    life: Life,
    letters: &'a MemoryDeadLetters,
    alerts: &'a MemoryAlertStarter,
}

impl Recorder<'_> {
    async fn call<T>(&self, made: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        self.life.moment().await;
        if self.chaos.happens(self.chaos.throttled) {
            return Err(error("Events", PortErrorKind::Throttled));
        }
        let answer = made.await;
        self.life.moment().await;
        answer
    }
}

impl EventTable for Recorder<'_> {
    async fn pair(&self, key: &PairKey) -> Result<Option<StoredPair>, PortError> {
        self.call(self.world.table.pair(key)).await
    }
    async fn write(&self, write: &EventWrite) -> Result<Written, PortError> {
        self.call(async {
            let written = self.world.table.write(write).await?;
            if written == Written::New {
                self.chaos.written.lock().unwrap().push(write.clone());
            }
            Ok(written)
        })
        .await
    }
    async fn events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        self.world.table.events(from, until).await
    }
    async fn outbox(&self, route: &str, window: Window) -> Result<Vec<OutboxEntry>, PortError> {
        self.world.table.outbox(route, window).await
    }
    async fn overdue(&self, before: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        self.world.table.overdue(before).await
    }
    async fn told(&self, entries: &[OutboxEntry]) -> Result<(), PortError> {
        self.world.table.told(entries).await
    }
}

impl record_event::Ports for Recorder<'_> {
    type Table = Self;
    type Letters = MemoryDeadLetters;
    type Alerts = MemoryAlertStarter;
    type Time = Time;

    fn table(&self) -> &Self {
        self
    }
    fn letters(&self) -> &MemoryDeadLetters {
        self.letters
    }
    fn alerts(&self) -> &MemoryAlertStarter {
        self.alerts
    }
    fn time(&self) -> &Time {
        &self.world.time
    }
}

/// Pairs that go between compliant and not, ten to thirty times each.
fn history(count: usize, rng: &mut Rng) -> Vec<Evaluated> {
    let mut results = Vec::new();
    for pair in 0.. {
        if results.len() >= count {
            break;
        }
        let rule = if pair % ONE_ALERTED_IN == 0 { HIGH } else { LOW };
        let mut old = None;
        for number in 0..10 + rng.below(20) {
            let new = if rng.percent(50) {
                "COMPLIANT"
            } else {
                "NON_COMPLIANT"
            };
            let mut result = recording::result(&format!("{pair}-{number}"), 10 * number as i64, old, new);
            (result.resource, result.rule) = (format!("resource-{pair}"), (rule.to_owned(), rule.to_owned()));
            results.push(result);
            old = Some(new);
        }
    }
    results
}

fn delivered(results: &[Evaluated], rng: &mut Rng) -> Vec<Message> {
    let mut messages = Vec::new();
    for result in results {
        for copy in 0..1 + usize::from(rng.percent(30)) {
            messages.push(recording::message(
                &format!("{}-{copy}", result.id),
                &result.body(),
            ));
        }
    }
    rng.shuffle(&mut messages);
    messages
}

/// Takes batches until the queue is empty, dying now and then; with how often.
async fn record(queue: &Queue, world: &World, chaos: &Chaos, setup: &record_event::Setup) -> usize {
    let (letters, alerts) = (MemoryDeadLetters::default(), MemoryAlertStarter::default());
    let mut killed = 0;
    loop {
        let (size, dies) = {
            let mut rng = chaos.rng.lock().unwrap();
            (1 + rng.below(25), rng.percent(8).then(|| rng.below(60) as u32))
        };
        let Some(batch) = queue.take(size) else {
            return killed;
        };
        if batch.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let life = Life::new(dies);
        let recorder = Recorder {
            world,
            chaos,
            life,
            letters: &letters,
            alerts: &alerts,
        };
        let again = match recorder
            .life
            .live(record_event::run(&batch, &recorder, setup, LONG))
            .await
        {
            Some(outcome) => outcome.failed,
            None => {
                killed += 1;
                batch.iter().map(|message| message.id.clone()).collect()
            }
        };
        queue.done(&batch, &again);
    }
}

async fn overdue(world: &World) -> Vec<String> {
    let all = world.table.overdue(Timestamp::MAX).await.unwrap();
    all.into_iter().map(|(_, window)| window.name()).collect()
}

/// What was planned: of each message its part, what it stands under, and its entries.
struct Planned {
    part: String,
    kind: String,
    head: Option<String>,
    /// Of each incident its id and its entries: event id and word.
    incidents: Vec<(String, Vec<(String, Word)>)>,
}

async fn planned(world: &World) -> Vec<Planned> {
    let mut all = Vec::new();
    for key in world.records.list("deliveries/alerts/oncall/").await.unwrap() {
        if !key.contains("/plan-") {
            continue;
        }
        let plan: Value = serde_json::from_slice(&world.records.get(&key).await.unwrap().unwrap()).unwrap();
        let window = plan["window"].as_str().unwrap();
        for message in plan["messages"].as_array().unwrap() {
            let entry = |entry: &Value| {
                let word = serde_json::from_value(entry["word"].clone()).unwrap();
                (entry["event_id"].as_str().unwrap().to_owned(), word)
            };
            let incident = |told: &Value| {
                let id = told["first"]["alert"]["incident"].as_str().unwrap().to_owned();
                let later = told["later"].as_array().unwrap().iter().map(entry);
                (id, std::iter::once(entry(&told["first"])).chain(later).collect())
            };
            let head = &message["kind"]["head"];
            let head = head.as_object().map(|head| {
                format!(
                    "{}/{}",
                    head["window"].as_str().unwrap(),
                    head["message"].as_str().unwrap()
                )
            });
            all.push(Planned {
                part: format!("{window}/{}", message["name"].as_str().unwrap()),
                kind: message["kind"]["kind"].as_str().unwrap().to_owned(),
                head,
                incidents: message["incidents"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(incident)
                    .collect(),
            });
        }
    }
    all
}

#[tokio::test]
async fn everything_decided_is_told_once_and_where_it_belongs() {
    let mut rng = Rng::new(20_261_121);
    let results = history(events(), &mut rng);
    let messages = delivered(&results, &mut rng);
    let settings = settings();
    let (world, chaos, setup) = (
        World::new(&ALL, Vec::new()).await,
        Chaos::new(7, 20, 1),
        setup(&settings),
    );
    world.fake.set_faults(Faults {
        seed: 7,
        rate: 0.3,
        fail: 0.1,
        fail_done: 0.03,
        cut_done: 0.05,
        cut: 0.03,
        // A look through the thousands of messages of this channel is many calls, and begins anew with each that fails.
        only: "chat.postMessage",
        ..Faults::default()
    });

    let (mut killed, mut told_killed) = (0, 0);
    for part in messages.chunks(messages.len().div_ceil(ROUNDS)) {
        let queue = Queue::new(part.to_vec());
        let died = join_all((0..SENDERS).map(|_| record(&queue, &world, &chaos, &setup))).await;
        killed += died.into_iter().sum::<usize>();
        for window in overdue(&world).await {
            let end = End::at(rng.below(120) as u64, rng.percent(50));
            told_killed += usize::from(world.once(&settings, &window, end).await.0.is_none());
        }
    }
    // What the sweep of the outbox does, until nothing is left.
    for _ in 0..20 {
        for window in overdue(&world).await {
            world.to_the_end(&settings, &window).await;
        }
    }
    assert!(
        killed > messages.len() / 500 && told_killed > 2,
        "{killed}, {told_killed}"
    );
    assert_eq!(world.left().await, Vec::<String>::new());
    assert_eq!((world.fake.refusals(), world.told()), (vec![], vec![]));
    let planned = planned(&world).await;
    each_decision_is_in_one_message(&chaos, &planned);
    each_message_is_there_once_and_in_its_place(&world, &planned);
    each_incident_is_told_once_and_to_its_end(&world, &planned);
}

fn each_decision_is_in_one_message(chaos: &Chaos, planned: &[Planned]) {
    let written = chaos.written.lock().unwrap();
    let decided: BTreeSet<&str> = written
        .iter()
        .filter(|write| matches!(write.event.decision, Some(Decision::Told { .. })))
        .map(|write| write.event.id.as_str())
        .collect();
    let entries: Vec<&str> = planned
        .iter()
        .flat_map(|message| &message.incidents)
        .flat_map(|(_, entries)| entries.iter().map(|(event, _)| event.as_str()))
        .collect();
    assert!(decided.len() > 10, "{}", decided.len());
    assert_eq!(entries.len(), decided.len(), "each once");
    assert_eq!(entries.into_iter().collect::<BTreeSet<_>>(), decided);
}

fn each_message_is_there_once_and_in_its_place(world: &World, planned: &[Planned]) {
    let messages = world.fake.messages();
    let mut by_part: BTreeMap<&str, Vec<&fake_slack::Message>> = BTreeMap::new();
    for message in &messages {
        by_part
            .entry(message.part.as_deref().unwrap())
            .or_default()
            .push(message);
    }
    assert!(by_part.values().all(|same| same.len() == 1), "no message twice");
    let mut expected = BTreeSet::new();
    for message in planned {
        // Progress of a storm has pages only.
        let first = match message.kind.as_str() {
            "progress" => format!("{}-01", message.part),
            _ => message.part.clone(),
        };
        let shown = by_part
            .get(first.as_str())
            .unwrap_or_else(|| panic!("{first} is missing"))[0];
        let under = message
            .head
            .as_ref()
            .map(|head| by_part[head.as_str()][0].ts.clone());
        assert_eq!(shown.thread_ts, under, "{first}");
        expected.insert(message.part.as_str());
    }
    for part in by_part.keys() {
        let of_plan = expected.contains(part)
            || part.rsplit_once('-').is_some_and(|(name, _)| {
                expected.contains(name) || expected.contains(name.strip_suffix("-list").unwrap_or(name))
            });
        assert!(of_plan, "{part} is in no plan");
    }
}

fn each_incident_is_told_once_and_to_its_end(world: &World, planned: &[Planned]) {
    let mut told: BTreeMap<&str, (usize, Word)> = BTreeMap::new();
    // Plans are listed by window and number, so the last word about an incident comes last.
    for (incident, entries) in planned.iter().flat_map(|message| &message.incidents) {
        let (openings, last) = told.entry(incident).or_insert((0, Word::Opened));
        *openings += entries.iter().filter(|(_, word)| *word == Word::Opened).count();
        *last = entries.last().unwrap().1;
    }
    let pairs = world.table.pairs();
    let incidents: BTreeMap<&str, bool> = pairs
        .values()
        .filter_map(|pair| pair.history.incident.as_ref())
        .map(|incident| (incident.id.as_str(), incident.resolved_at.is_some()))
        .collect();
    assert_eq!(
        told.keys().collect::<Vec<_>>(),
        incidents.keys().collect::<Vec<_>>()
    );
    for (incident, (openings, last)) in told {
        assert_eq!(openings, 1, "{incident}");
        assert_eq!(last == Word::Resolved, incidents[incident], "{incident}");
    }
}

//! A batch of messages, each to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use compliance::alerts::Window;
use compliance::evaluation::PairKey;
use compliance::events::{Event, Refusal, parse};
use compliance::ports::{AlertStarter, Clock, DeadLetters, PortError, PortErrorKind};
use futures_util::stream::{self, StreamExt};

use crate::ports::Ports;
use crate::record::{Unrecorded, record};
use crate::report::{Came, Facts, Handled};
use crate::warm::Setup;

/// Events of different pairs that are worked on at once.
const AT_ONCE: usize = 16;

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, by which it is given back.
    pub id: String,
    /// An event, it is hoped.
    pub body: String,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct BatchOutcome {
    /// Ids of the messages that go back to the queue.
    pub failed: Vec<String>,
    /// What became of each message.
    pub handled: Vec<Handled>,
    /// Why alerts could not be started, a stable code for each start: they are left to the sweep of the outbox.
    pub not_started: Vec<String>,
}

impl BatchOutcome {
    /// Messages whose events are stored, by kind.
    pub fn stored(&self) -> BTreeMap<&'static str, usize> {
        let stored = self.handled.iter().filter(|handled| handled.code().is_none());
        counted(stored.filter_map(|handled| Some(handled.facts.as_ref()?.kind)))
    }

    /// Messages whose events are not stored, by code.
    pub fn errors(&self) -> BTreeMap<&str, usize> {
        counted(self.handled.iter().filter_map(Handled::code))
    }
}

fn counted<T: Ord>(each: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in each {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// Work that does not wait for other work.
enum Work<'a> {
    /// No event.
    Letter(&'a Message, Refusal),
    /// Events of one pair, in the order of time; or one that is of none.
    Events(Vec<(&'a Message, Event)>),
}

/// Works on every message of a batch. No event is begun, or tried again, `budget` from now.
pub async fn run<P: Ports>(messages: &[Message], ports: &P, setup: &Setup, budget: Duration) -> BatchOutcome {
    let deadline = ports.time().monotonic().saturating_add(budget);
    let work = sorted(messages, setup);
    let done = work.into_iter().map(|work| work_on(work, ports, setup, deadline));
    let done: Vec<Done> = stream::iter(done).buffer_unordered(AT_ONCE).collect().await;
    let mut outcome = BatchOutcome::default();
    let mut told = BTreeSet::new();
    for (handled, to_tell) in done.into_iter().flatten() {
        if handled.is_failed() {
            outcome.failed.push(handled.message_id.clone());
        }
        outcome.handled.push(handled);
        told.extend(to_tell);
    }
    outcome.not_started = start(told, ports, setup).await;
    outcome
}

/// Messages and what is to be told of them.
type Done = Vec<(Handled, Vec<(String, Window)>)>;

/// Cuts a batch into what can be worked on at once.
fn sorted<'a>(messages: &'a [Message], setup: &Setup) -> Vec<Work<'a>> {
    let mut work = Vec::new();
    let mut pairs: BTreeMap<PairKey, Vec<(&Message, Event)>> = BTreeMap::new();
    for message in messages {
        match parse(&message.body) {
            Err(refusal) => work.push(Work::Letter(message, refusal)),
            Ok(event) => match event.pair(&setup.catalogue) {
                None => work.push(Work::Events(vec![(message, event)])),
                Some(pair) => pairs.entry(pair).or_default().push((message, event)),
            },
        }
    }
    for (_, mut events) in pairs {
        events.sort_by(|(_, a), (_, b)| (a.event_time(), &a.id).cmp(&(b.event_time(), &b.id)));
        work.push(Work::Events(events));
    }
    work
}

async fn work_on<P: Ports>(work: Work<'_>, ports: &P, setup: &Setup, deadline: Duration) -> Done {
    let mut done = Vec::new();
    match work {
        Work::Letter(message, refusal) => {
            let begun = ports.time().monotonic();
            let came = keep(message, refusal.code, &refusal.reason, ports).await;
            done.push((handled(message, None, came, begun, ports), Vec::new()));
        }
        Work::Events(events) => {
            for (message, event) in events {
                done.push(store(message, &event, ports, setup, deadline).await);
            }
        }
    }
    done
}

/// One event to its end.
async fn store<P: Ports>(
    message: &Message,
    event: &Event,
    ports: &P,
    setup: &Setup,
    deadline: Duration,
) -> (Handled, Vec<(String, Window)>) {
    let begun = ports.time().monotonic();
    let rule = event.pair(&setup.catalogue).map(|pair| pair.rule);
    let facts = Some(Facts::of(event, rule.as_deref()));
    let (recorded, tried) = record(event, ports, setup, deadline).await;
    let (came, told, is_new) = match recorded {
        Ok(recorded) => {
            let is_new = !recorded.is_known;
            let (is_known, decision) = (recorded.is_known, recorded.decision);
            (Came::Stored { is_known, decision }, recorded.told, is_new)
        }
        Err(why) => (unstored(message, why, ports).await, Vec::new(), false),
    };
    let latency = ports.time().now().duration_since(event.time);
    let handled = Handled {
        tried,
        latency: is_new.then_some(latency),
        ..handled(message, facts, came, begun, ports)
    };
    (handled, told)
}

/// What the table will never take goes to the dead letters with the reason; everything else back to the queue.
async fn unstored<P: Ports>(message: &Message, why: Unrecorded, ports: &P) -> Came {
    let failed = |code: &str| Came::Failed {
        code: code.to_owned(),
    };
    match why {
        Unrecorded::Table(error) if error.kind == PortErrorKind::InvalidRequest => {
            keep(message, &error.code(), &error.to_string(), ports).await
        }
        Unrecorded::Table(error) => Came::Failed { code: error.code() },
        Unrecorded::Overtaken => failed("Record.Overtaken"),
        Unrecorded::OutOfTime => failed("Record.OutOfTime"),
    }
}

async fn keep<P: Ports>(message: &Message, code: &str, reason: &str, ports: &P) -> Came {
    let kept = ports.letters().keep(&message.body, code, reason).await;
    match kept {
        Ok(()) => Came::Refused {
            code: code.to_owned(),
        },
        Err(error) => Came::Failed { code: error.code() },
    }
}

fn handled<P: Ports>(
    message: &Message,
    facts: Option<Facts>,
    came: Came,
    begun: Duration,
    ports: &P,
) -> Handled {
    Handled {
        message_id: message.id.clone(),
        came,
        facts,
        tried: 0,
        took: ports.time().monotonic().saturating_sub(begun),
        latency: None,
    }
}

/// Starts what tells each route and window, once.
async fn start<P: Ports>(told: BTreeSet<(String, Window)>, ports: &P, setup: &Setup) -> Vec<String> {
    let seconds = setup.settings.alerts.window_seconds;
    let starts = told.into_iter().map(|(route, window)| async move {
        let started = ports.alerts().start(&route, window, window.closes(seconds), None);
        started.await.err().as_ref().map(PortError::code)
    });
    let codes: Vec<Option<String>> = stream::iter(starts).buffer_unordered(AT_ONCE).collect().await;
    codes.into_iter().flatten().collect()
}

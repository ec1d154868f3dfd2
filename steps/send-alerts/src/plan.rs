//! Plans: which message each entry of an outbox is in. Everything of a route is under `deliveries/alerts/<route>/`:
//!
//! - `<window>/plan-NNN.json` ([`Plan`]): of what was in the outbox when it was made and in no plan before.
//! - `incidents/<incident>.json` ([`Pointer`]): the message that told the incident first.
//! - `<window>/<storm>-changes/<window>-NNN.json` ([`Changes`]): what the plan of that window and number tells about a
//!   storm.
//! - `<window>/<message>[-…]/`: the records of a message's parts.

use std::collections::BTreeMap;

use compliance::alerts::{OutboxEntry, Window, Word};
use serde::{Deserialize, Serialize};

/// The version of these documents' schema.
pub const SCHEMA: u32 = 1;

/// What is told on a route, of some entries of the outbox of a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The route's name.
    pub route: String,
    /// The window.
    pub window: Window,
    /// Its number within the window, from 1.
    pub number: u32,
    /// Messages in the order in which they are sent.
    pub messages: Vec<Planned>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Its name within the window.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The incidents it tells of: of a storm all, else one.
    pub incidents: Vec<Told>,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// An incident is told for the first time.
    Opening,
    /// Many are at once.
    Storm,
    /// What became of an incident.
    Later {
        /// The message that told it first; `None` when there is none to be found, as after a route was set up anew.
        head: Option<Head>,
    },
    /// What became of incidents of a storm.
    Progress {
        /// The storm.
        head: Head,
    },
}

/// A message of a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// The plan's window.
    pub window: Window,
    /// The plan's number.
    pub number: u32,
    /// The message's name.
    pub message: String,
}

/// The message that told an incident first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The message.
    pub head: Head,
    /// It tells of a storm.
    pub is_storm: bool,
}

/// What a plan tells about a storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Incidents by id, and whether each is over.
    pub is_over: BTreeMap<String, bool>,
}

/// What is told of one incident, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The first entry.
    pub first: OutboxEntry,
    /// What came after it before the message was planned.
    pub later: Vec<OutboxEntry>,
}

impl Told {
    /// The last entry: where the incident stands.
    pub fn last(&self) -> &OutboxEntry {
        self.later.last().unwrap_or(&self.first)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &OutboxEntry> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The incident's id.
    pub fn incident(&self) -> &str {
        &self.first.alert.incident
    }

    /// Whether it tells the incident for the first time.
    pub fn opens(&self) -> bool {
        self.first.word == Word::Opened
    }

    /// Whether the incident is over.
    pub fn is_over(&self) -> bool {
        self.last().word == Word::Resolved
    }
}

/// The place of an entry among those of its incident. It comes from what was decided, not from anybody's clock.
pub(crate) fn place(entry: &OutboxEntry) -> (u32, bool) {
    (entry.alert.times, entry.word == Word::Resolved)
}

/// Entries by incident, those first that were decided first.
pub(crate) fn by_incident(entries: &[OutboxEntry]) -> Vec<Told> {
    let mut groups: Vec<Vec<&OutboxEntry>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        let place = *places.entry(&entry.alert.incident).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    let told = |mut group: Vec<&OutboxEntry>| {
        group.sort_by_key(|entry| place(entry));
        let mut entries = group.into_iter().cloned();
        Some(Told {
            first: entries.next()?,
            later: entries.collect(),
        })
    };
    groups.into_iter().filter_map(told).collect()
}

/// Entries that may be planned, of two looks at the outbox. A look is no moment: it may miss what was written before
/// something it sees. The second sees all that came before what the first saw; what else it sees waits for the next look.
pub(crate) fn certain(first: &[OutboxEntry], second: Vec<OutboxEntry>) -> Vec<OutboxEntry> {
    let mut seen: BTreeMap<&str, (u32, bool)> = BTreeMap::new();
    for entry in first {
        let last = seen.entry(&entry.alert.incident).or_default();
        *last = (*last).max(place(entry));
    }
    let is_certain = |entry: &OutboxEntry| {
        let last = seen.get(entry.alert.incident.as_str());
        last.is_some_and(|last| place(entry) <= *last)
    };
    second.into_iter().filter(is_certain).collect()
}

/// The plan of these incidents. More than `threshold` that are told for the first time are one message.
pub(crate) fn plan(
    (route, window, number): (&str, Window, u32),
    told: Vec<Told>,
    pointers: &BTreeMap<String, Pointer>,
    threshold: u32,
) -> Plan {
    let (openings, later): (Vec<Told>, Vec<Told>) = told.into_iter().partition(Told::opens);
    let mut messages = opened(number, openings, threshold);
    messages.extend(followed(number, later, pointers));
    Plan {
        schema: SCHEMA,
        route: route.to_owned(),
        window,
        number,
        messages,
    }
}

fn opened(number: u32, openings: Vec<Told>, threshold: u32) -> Vec<Planned> {
    if openings.len() > threshold as usize {
        return vec![Planned {
            name: format!("{number:03}-storm"),
            kind: Kind::Storm,
            incidents: openings,
        }];
    }
    let opening = |told: Told| Planned {
        name: format!("{number:03}-opened-{}", told.incident()),
        kind: Kind::Opening,
        incidents: vec![told],
    };
    openings.into_iter().map(opening).collect()
}

/// One message for each incident, and one for each storm.
fn followed(number: u32, later: Vec<Told>, pointers: &BTreeMap<String, Pointer>) -> Vec<Planned> {
    let (mut messages, mut storms) = (Vec::new(), BTreeMap::<Head, Vec<Told>>::new());
    for told in later {
        match pointers.get(told.incident()) {
            Some(pointer) if pointer.is_storm => storms.entry(pointer.head.clone()).or_default().push(told),
            pointer => messages.push(Planned {
                name: format!("{number:03}-{}-{}", word(told.last().word), told.incident()),
                kind: Kind::Later {
                    head: pointer.map(|pointer| pointer.head.clone()),
                },
                incidents: vec![told],
            }),
        }
    }
    messages.extend(storms.into_iter().map(|(head, incidents)| Planned {
        name: format!("{number:03}-progress-{}-{}", head.window.compact(), head.message),
        kind: Kind::Progress { head },
        incidents,
    }));
    messages
}

fn word(word: Word) -> &'static str {
    match word {
        Word::Opened => "opened",
        Word::Reopened => "again",
        Word::Resolved => "resolved",
    }
}

/// The folder of a route, ending in `/`.
pub(crate) fn folder(route: &str) -> String {
    format!("deliveries/{}/{route}/", crate::RUN)
}

/// What keys of plans of a window begin with.
pub(crate) fn plans(route: &str, window: Window) -> String {
    format!("{}{window}/plan-", folder(route))
}

/// The key of a plan.
pub(crate) fn plan_key(route: &str, window: Window, number: u32) -> String {
    format!("{}{number:03}.json", plans(route, window))
}

/// The key of a pointer.
pub(crate) fn pointer_key(route: &str, incident: &str) -> String {
    format!("{}incidents/{incident}.json", folder(route))
}

/// The name of a message's part, within the route's folder.
pub(crate) fn part(window: Window, name: &str) -> String {
    format!("{window}/{name}")
}

/// The folder of what is told about a storm after it, ending in `/`.
pub(crate) fn changes_folder(route: &str, storm: &Head) -> String {
    format!("{}{}/{}-changes/", folder(route), storm.window, storm.message)
}

/// The key of what one plan tells about a storm. Keys are in the order of windows.
pub(crate) fn changes_key(route: &str, storm: &Head, window: Window, number: u32) -> String {
    format!("{}{window}-{number:03}.json", changes_folder(route, storm))
}

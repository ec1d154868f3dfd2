//! The record of a delivery: write-once objects under `deliveries/<run id>/<route>/<part>/`.
//!
//! Of each attempt at a part, numbered from 1, there are
//! - `NNN-intent.json` ([`Intent`]), put before the call. Who puts it holds the claim until [`Intent::until`]; of two at
//!   once, one puts it.
//! - `NNN-outcome.json` ([`Outcome`]), put after it. A step that was killed in between leaves none.
//! - `NNN-resolved.json` ([`Outcome`]), where the outcome is that nobody knows: what a look at the channel told.
//!
//! `deliveries/<run id>/outcome-NNN.json` ([`RunDelivery`]) sums up each time the step came to its end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::objects;
use crate::ports::{ObjectStore, PortError};
use crate::report::ReportKind;
use crate::snapshot::ObjectRef;

/// The version of these documents' schema.
pub const SCHEMA: u32 = 1;

/// An attempt about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Where to: a channel's id, `webhook`, a topic's ARN. Never a secret.
    pub destination: String,
    /// Which form of the part: 0 as it is, then its fallbacks.
    pub form: usize,
    /// The file at the service that this attempt shares, if it shares one.
    pub file: Option<String>,
    /// Who claims it, told apart from every other attempt.
    pub claimed_by: String,
    /// When.
    pub claimed_at: Timestamp,
    /// Whoever holds the claim sends nothing after this.
    pub until: Timestamp,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// It arrived.
    Sent {
        /// The message's id in its channel, where the service gives one.
        ts: Option<String>,
        /// Nobody was told that it arrived: it was looked for and found.
        found: bool,
    },
    /// It did not arrive, and the same may be tried again.
    NotSent {
        /// Why, as a stable code.
        code: String,
    },
    /// It did not arrive, and the same would be refused again.
    Refused {
        /// Why, as a stable code.
        code: String,
        /// What the service said, and what to do.
        message: String,
        /// The form was refused; another may be taken.
        form: bool,
    },
    /// It may have arrived.
    Unknown {
        /// Why nobody knows.
        code: String,
        /// The service answered that it failed.
        answered: bool,
    },
    /// It may have arrived, and there is no way to find out: it is not sent again.
    Ambiguous {
        /// Why nobody knows.
        code: String,
    },
}

/// What is known of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartRecord {
    /// The number of the last attempt; 0 before the first.
    pub attempt: u32,
    /// The last attempt's intent.
    pub intent: Option<Intent>,
    /// What became of it; that of the look at the channel, where there was one.
    pub outcome: Option<Outcome>,
}

/// The records of one route of one run.
#[derive(Debug, Clone)]
pub struct RouteRecord<'a, S> {
    store: &'a S,
    folder: String,
}

/// The folder of a run's records, ending in `/`.
pub fn folder(run_id: &str) -> String {
    format!("deliveries/{run_id}/")
}

impl<'a, S: ObjectStore> RouteRecord<'a, S> {
    /// Those of this route.
    pub fn new(store: &'a S, run_id: &str, route: &str) -> Self {
        Self {
            store,
            folder: format!("{}{route}/", folder(run_id)),
        }
    }

    fn key(&self, part: &str, attempt: u32, what: &str) -> String {
        format!("{}{part}/{attempt:03}-{what}.json", self.folder)
    }

    /// What is known of a part.
    ///
    /// # Errors
    /// The store's own; `Store.Damaged` for a record that cannot be read.
    pub async fn part(&self, part: &str) -> Result<PartRecord, PortError> {
        let prefix = format!("{}{part}/", self.folder);
        let keys = self.store.list(&prefix).await?;
        let numbers = keys
            .iter()
            .filter_map(|key| key.strip_prefix(&prefix)?.split('-').next()?.parse().ok());
        let Some(attempt) = numbers.max() else {
            return Ok(PartRecord::default());
        };
        let has = |what: &str| keys.contains(&self.key(part, attempt, what));
        let outcome = if has("resolved") {
            self.read(part, attempt, "resolved").await?
        } else if has("outcome") {
            self.read(part, attempt, "outcome").await?
        } else {
            None
        };
        Ok(PartRecord {
            attempt,
            intent: self.read(part, attempt, "intent").await?,
            outcome,
        })
    }

    /// Whether there is a record of any part whose name begins so.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has(&self, beginning: &str) -> Result<bool, PortError> {
        let keys = self.store.list(&format!("{}{beginning}", self.folder)).await?;
        Ok(!keys.is_empty())
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        part: &str,
        attempt: u32,
        what: &str,
    ) -> Result<Option<T>, PortError> {
        let key = self.key(part, attempt, what);
        let bytes = self.store.get(&key).await?;
        bytes.map(|bytes| objects::parse_json(&key, &bytes)).transpose()
    }

    /// Claims an attempt; `false` when somebody else holds it.
    ///
    /// # Errors
    /// The store's own.
    pub async fn claim(&self, part: &str, attempt: u32, intent: &Intent) -> Result<bool, PortError> {
        let key = self.key(part, attempt, "intent");
        let stands = objects::put_json(self.store, &key, intent).await?;
        let ours = crate::hash::canonical_json(intent).map(|bytes| crate::hash::sha256_hex(&bytes));
        // A put that was repeated after a lost answer finds its own bytes: no two claims have the same.
        Ok(ours.is_ok_and(|ours| ours == stands.sha256))
    }

    /// Says what became of an attempt; what was said first stays.
    ///
    /// # Errors
    /// The store's own.
    pub async fn conclude(&self, part: &str, attempt: u32, outcome: &Outcome) -> Result<(), PortError> {
        let key = self.key(part, attempt, "outcome");
        objects::put_json(self.store, &key, outcome).await.map(drop)
    }

    /// Says what a look at the channel told of an attempt whose outcome nobody knows.
    ///
    /// # Errors
    /// The store's own.
    pub async fn resolve(&self, part: &str, attempt: u32, outcome: &Outcome) -> Result<(), PortError> {
        let key = self.key(part, attempt, "resolved");
        objects::put_json(self.store, &key, outcome).await.map(drop)
    }
}

/// What came of the delivery of one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDelivery {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run_id: String,
    /// The kind of report.
    pub kind: ReportKind,
    /// SHA-256 of the bundle's manifest.
    pub manifest_sha256: String,
    /// When the step came to its end.
    pub at: Timestamp,
    /// Whether anybody is told: `nobody is told: …` when no route carries this kind of report.
    pub note: Option<String>,
    /// Each route that carries this kind of report, in the order of the settings.
    pub routes: Vec<RouteDelivery>,
}

/// What came of one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDelivery {
    /// The route's name.
    pub route: String,
    /// Where it leads: `Slack channel C0123ABCD`. Never a secret.
    pub to: String,
    /// What came of it.
    pub state: RouteState,
    /// Parts that arrived, in order, with their ids in the channel where there are any.
    pub sent: BTreeMap<String, Option<String>>,
    /// Parts that did not arrive and why.
    pub failed: BTreeMap<String, Failure>,
    /// Parts of which nobody knows whether they arrived, with the code that says why.
    pub ambiguous: BTreeMap<String, String>,
    /// What the topic for failures was told instead; `None` when there was no need.
    pub fallback: Option<Fallback>,
}

impl RouteDelivery {
    /// Each part that did not arrive, or of which nobody knows, and why, as people are told: what failed comes first.
    pub fn missing(&self) -> impl Iterator<Item = (&str, &str)> {
        let failed = self.failed.iter();
        let failed = failed.map(|(part, failure)| (part.as_str(), failure.message.as_str()));
        let unknown = "no answer came, so it may have arrived";
        let ambiguous = self.ambiguous.keys().map(move |part| (part.as_str(), unknown));
        failed.chain(ambiguous)
    }
}

/// What came of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteState {
    /// Everything arrived.
    Delivered,
    /// Nothing in the report concerns it.
    NothingToTell,
    /// Something was refused for good.
    Failed,
    /// Of something nobody knows whether it arrived; nothing was refused.
    Ambiguous,
    /// The step ended before everything was sent, and is to be entered again.
    Unfinished,
}

/// Why something did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable code, such as `Slack.Permanent`.
    pub code: String,
    /// What happened, and what to do.
    pub message: String,
}

/// What the topic for failures was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fallback {
    /// It was handed over.
    Sent {
        /// The topic's ARN.
        topic: String,
    },
    /// There is no such topic, or it refused.
    Failed(Failure),
}

impl RunDelivery {
    /// Writes it as the next of this run.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep(&self, store: &impl ObjectStore) -> Result<ObjectRef, PortError> {
        let folder = folder(&self.run_id);
        let mut number = outcomes(store, &folder).await?.len() + 1;
        let sha256 =
            |own: &Self| crate::hash::canonical_json(own).map(|bytes| crate::hash::sha256_hex(&bytes));
        loop {
            let key = format!("{folder}outcome-{number:03}.json");
            let stands = objects::put_json(store, &key, self).await?;
            if sha256(self).is_ok_and(|ours| ours == stands.sha256) {
                return Ok(stands);
            }
            number += 1;
        }
    }

    /// The newest of a run; `None` when the step never came to its end.
    ///
    /// # Errors
    /// The store's own; `Store.Damaged` when it cannot be read.
    pub async fn newest(run_id: &str, store: &impl ObjectStore) -> Result<Option<Self>, PortError> {
        let Some(key) = outcomes(store, &folder(run_id)).await?.pop() else {
            return Ok(None);
        };
        let bytes = store.get(&key).await?;
        bytes.map(|bytes| objects::parse_json(&key, &bytes)).transpose()
    }

    /// Parts that arrived, were refused, and may have arrived, over all routes.
    pub fn counts(&self) -> (usize, usize, usize) {
        let sum = |count: fn(&RouteDelivery) -> usize| self.routes.iter().map(count).sum();
        (
            sum(|one| one.sent.len()),
            sum(|one| one.failed.len()),
            sum(|one| one.ambiguous.len()),
        )
    }
}

/// Keys of the summaries, oldest first.
async fn outcomes(store: &impl ObjectStore, folder: &str) -> Result<Vec<String>, PortError> {
    let prefix = format!("{folder}outcome-");
    let mut keys = store.list(&prefix).await?;
    // The folder of a route may begin with the same word.
    keys.retain(|key| !key[prefix.len()..].contains('/'));
    // Listed by their letters, of which a later number has more sooner or later.
    keys.sort_by_key(String::len);
    Ok(keys)
}

//! A world for the step: an outbox, and what is outside of every step that sends.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "../../../../crates/slack-blocks/tests/common/alerts.rs"]
pub mod alerts;
#[path = "../../../notify/tests/support/outside.rs"]
mod outside;

use std::sync::Arc;
use std::time::Duration;

use compliance::Timestamp;
use compliance::alerts::{Alert, OutboxEntry, Window, Word};
use compliance::evaluation::PairKey;
use compliance::events::{EventCompliance, EventRecord};
use compliance::failure::TaskError;
use compliance::ports::*;
use compliance::settings::Settings;
use compliance::workflow::{AlertTask, Execution};
use local::MemoryEventTable;
pub use outside::*;
use send_alerts::task::{Outcome, run};

pub const ONCALL: &str = "[[delivery.routes]]\nname = \"oncall\"\nalerts = \"only\"\nto = { slack_channel = \"C00000001\", token = \"secret:token\" }\n";
pub const HOOK: &str = "[[delivery.routes]]\nname = \"oncall\"\nalerts = \"also\"\nto = { slack_webhook = \"secret:webhook\" }\n";
pub const MAIL: &str = "[[delivery.routes]]\nname = \"oncall\"\nalerts = \"also\"\nto = { sns_topic = \"arn:aws:sns:eu-west-1:111122223333:people\" }\n";
pub const FIRST: &str = "2026-11-21T08:50:00Z";
pub const SECOND: &str = "2026-11-21T08:52:00Z";
pub const THIRD: &str = "2026-11-21T08:55:00Z";

/// The table, in a process that may end at any call.
pub struct MortalTable {
    inner: Arc<MemoryEventTable<Time>>,
    end: Arc<End>,
}

impl EventTable for MortalTable {
    async fn pair(&self, key: &PairKey) -> Result<Option<StoredPair>, PortError> {
        self.end.around(self.inner.pair(key)).await
    }
    async fn write(&self, write: &EventWrite) -> Result<Written, PortError> {
        self.end.around(self.inner.write(write)).await
    }
    async fn events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        self.end.around(self.inner.events(from, until)).await
    }
    async fn outbox(&self, route: &str, window: Window) -> Result<Vec<OutboxEntry>, PortError> {
        self.end.around(self.inner.outbox(route, window)).await
    }
    async fn overdue(&self, before: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        self.end.around(self.inner.overdue(before)).await
    }
    async fn told(&self, entries: &[OutboxEntry]) -> Result<(), PortError> {
        self.end.around(self.inner.told(entries)).await
    }
}

pub struct World {
    outside: Outside,
    pub table: Arc<MemoryEventTable<Time>>,
}

impl std::ops::Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl std::ops::DerefMut for World {
    fn deref_mut(&mut self) -> &mut Outside {
        &mut self.outside
    }
}

pub fn window(name: &str) -> Window {
    Window::parse(name).unwrap()
}

/// An entry about the incident of this number.
pub fn entry(incident: usize, window_name: &str, word: Word, times: u32) -> OutboxEntry {
    let over = word == Word::Resolved;
    let result_recorded_time = window(window_name).begins();
    let base = if over {
        alerts::resolved(EventCompliance::Compliant)
    } else {
        alerts::opened()
    };
    let mut alert = Alert {
        incident: format!("{incident:016x}"),
        times,
        result_recorded_time,
        opened_at: if over {
            window(FIRST).begins()
        } else {
            result_recorded_time
        },
        ..base
    };
    alert.key.resource_id = format!("sg-{incident}");
    OutboxEntry {
        route: "oncall".to_owned(),
        window: window(window_name),
        event_id: format!("{incident}-{times}-{word:?}"),
        word,
        decided_at: result_recorded_time,
        alert,
    }
}

/// An event of which only the id matters here.
fn event(entry: &OutboxEntry) -> EventRecord {
    EventRecord {
        id: entry.event_id.clone(),
        event_time: entry.decided_at,
        received_at: entry.decided_at,
        kind: "compliance_change".to_owned(),
        source: "aws.config".to_owned(),
        detail_type: "Config Rules Compliance Change".to_owned(),
        account_id: entry.alert.key.account_id.clone(),
        aws_region: entry.alert.aws_region.clone(),
        rule: None,
        config_rule_name: None,
        resource_type: None,
        resource_id: None,
        status: None,
        old_status: None,
        decision: None,
        body: serde_json::Value::Null,
        expires_at: Timestamp::MAX,
    }
}

pub fn openings(number: usize, window_name: &str) -> Vec<OutboxEntry> {
    (0..number)
        .map(|incident| entry(incident, window_name, Word::Opened, 1))
        .collect()
}

impl World {
    pub async fn new(scopes: &[&'static str], entries: Vec<OutboxEntry>) -> Self {
        let outside = Outside::new(workspace(scopes));
        let table = Arc::new(MemoryEventTable::new(outside.time.clone()));
        let world = Self { outside, table };
        world.put(entries).await;
        world
    }

    pub async fn put(&self, entries: Vec<OutboxEntry>) {
        for entry in entries {
            let write = EventWrite {
                event: event(&entry),
                pair: None,
                pair_expires_at: None,
                outbox: vec![entry],
            };
            assert_eq!(self.table.write(&write).await.unwrap(), Written::New);
        }
    }

    /// Ids of what is not told yet.
    pub async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (route, window) in self.table.overdue(Timestamp::MAX).await.unwrap() {
            let entries = self.table.outbox(&route, window).await.unwrap();
            left.extend(entries.into_iter().map(|entry| entry.event_id));
        }
        left
    }

    /// One run of the step, or `None` when it was killed, and how many calls it made.
    pub async fn once(
        &self,
        settings: &str,
        window_name: &str,
        end: End,
    ) -> (Option<Result<Outcome, TaskError>>, u64) {
        self.once_on("oncall", settings, window_name, end).await
    }

    /// One run on another route.
    pub async fn run_route(&self, route: &str, settings: &str, window_name: &str) -> Outcome {
        let (came, _) = self.once_on(route, settings, window_name, End::never()).await;
        came.unwrap().unwrap()
    }

    async fn once_on(
        &self,
        route: &str,
        settings: &str,
        window_name: &str,
        end: End,
    ) -> (Option<Result<Outcome, TaskError>>, u64) {
        let end = Arc::new(end);
        let alive = self.alive(&end);
        let table = MortalTable {
            inner: Arc::clone(&self.table),
            end: Arc::clone(&end),
        };
        let task = AlertTask {
            route: route.to_owned(),
            window: window(window_name),
            execution: Execution {
                arn: "arn:aws:states:eu-west-1:111122223333:execution:alert:one".to_owned(),
                name: "one".to_owned(),
                started_at: window(window_name).begins(),
            },
        };
        let settings = Settings::parse(settings).unwrap();
        let running = run(&task, &settings, &table, &alive, self.budget);
        let came = tokio::select! {
            came = running => Some(came),
            () = end.died.notified() => None,
        };
        (came, end.calls())
    }

    /// One run that is not killed.
    pub async fn run(&self, settings: &str, window_name: &str) -> Outcome {
        self.once(settings, window_name, End::never())
            .await
            .0
            .unwrap()
            .unwrap()
    }

    /// Runs, entered again as the workflow does, until one has nothing more to do.
    pub async fn to_the_end(&self, settings: &str, window_name: &str) -> Outcome {
        let mut last = None;
        for _ in 0..40 {
            let came = self.run(settings, window_name).await;
            last.clone_from(&came.failed);
            match &came.failed {
                Some(error) if AGAIN.contains(&error.code.as_str()) => {
                    self.time.sleep(Duration::from_secs(5)).await;
                }
                _ => return came,
            }
        }
        panic!("{window_name} never came to its end: {last:?}");
    }

    /// The parts a reader sees, in order, without their window.
    pub fn seen(&self) -> Vec<String> {
        let name = |part: String| part.rsplit('/').next().unwrap().to_owned();
        self.parts().into_iter().map(name).collect()
    }

    pub fn told(&self) -> Vec<(String, String, String)> {
        self.told.lock().unwrap().clone()
    }
}

/// What the workflow tries again.
pub const AGAIN: [&str; 3] = ["Slack.RateLimited", "Slack.Unavailable", "Alerts.HeadPending"];

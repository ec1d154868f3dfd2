//! What a crash left in the outbox is started, once for each time it is due.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use compliance::Timestamp;
use compliance::alerts::Window;
use compliance::evaluation::PairKey;
use compliance::events::EventRecord;
use compliance::ports::{
    AlertStarter, EventTable, EventWrite, PortError, PortErrorKind, StoredPair, Written,
};
use local::MemoryAlertStarter;
use sweep_outbox::{Swept, run};

/// A table of which only the outbox is asked, for what is due before a moment.
struct Outbox(Vec<(&'static str, &'static str)>);

impl EventTable for Outbox {
    async fn pair(&self, _key: &PairKey) -> Result<Option<StoredPair>, PortError> {
        unreachable!("a sweep reads no pair")
    }
    async fn write(&self, _write: &EventWrite) -> Result<Written, PortError> {
        unreachable!("a sweep writes nothing")
    }
    async fn events(&self, _from: Timestamp, _until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        unreachable!("a sweep reads no event")
    }
    async fn outbox(
        &self,
        _route: &str,
        _window: Window,
    ) -> Result<Vec<compliance::alerts::OutboxEntry>, PortError> {
        unreachable!("a sweep tells nothing itself")
    }
    async fn overdue(&self, before: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        let windows = self.0.iter();
        let windows = windows.map(|(route, window)| ((*route).to_owned(), Window::parse(window).unwrap()));
        Ok(windows.filter(|(_, window)| window.begins() < before).collect())
    }
    async fn told(&self, _entries: &[compliance::alerts::OutboxEntry]) -> Result<(), PortError> {
        unreachable!("a sweep takes nothing out")
    }
}

struct Down;

impl AlertStarter for Down {
    async fn start(
        &self,
        route: &str,
        _window: Window,
        _closes: Timestamp,
        _again: Option<Timestamp>,
    ) -> Result<(), PortError> {
        match route {
            "security" => Ok(()),
            _ => Err(PortError::new("Executions", PortErrorKind::Throttled, "no")),
        }
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn what_should_have_been_told_is_started_and_nothing_before() {
    let outbox = Outbox(vec![
        ("oncall", "2026-11-21T10:00:00Z"),
        ("security", "2026-11-21T10:00:00Z"),
        ("oncall", "2026-11-21T10:00:30Z"),
    ]);
    let alerts = MemoryAlertStarter::default();
    let sweep = async |now: &str| run(&outbox, &alerts, time(now), 30).await.unwrap().overdue;
    assert_eq!(
        sweep("2026-11-21T10:01:05Z").await,
        0,
        "two windows and the grace are not over"
    );
    assert_eq!(sweep("2026-11-21T10:01:06Z").await, 2);
    assert_eq!(sweep("2026-11-21T10:01:30Z").await, 2, "in the same minute");
    let started = alerts.started();
    assert_eq!(started.len(), 2, "each once: {started:?}");
    assert_eq!(
        started[0].closes,
        time("2026-11-21T10:00:35Z"),
        "which is over, so nothing waits"
    );
    assert_eq!(started[0].again, Some(time("2026-11-21T10:01:00Z")));
    assert_eq!(sweep("2026-11-21T10:02:06Z").await, 3);
    assert_eq!(alerts.started().len(), 5);
}

#[tokio::test]
async fn one_that_cannot_be_started_does_not_keep_others_from_it() {
    let outbox = Outbox(vec![
        ("oncall", "2026-11-21T10:00:00Z"),
        ("security", "2026-11-21T10:00:00Z"),
    ]);
    let swept = run(&outbox, &Down, time("2026-11-21T11:00:00Z"), 30)
        .await
        .unwrap();
    let expected = Swept {
        overdue: 2,
        not_started: vec!["Executions.Throttled".to_owned()],
    };
    assert_eq!(swept, expected);
}

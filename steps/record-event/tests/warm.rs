//! Settings and names of accounts are read now and then; what cannot be read anew stays as it was.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::time::Duration;

use compliance::catalogue::Severity;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::ports::ObjectStore;
use compliance::snapshot::{
    CollectionScope, Origin, SCHEMA, SnapshotFile, SnapshotManifest, snapshot_folder, snapshot_id,
};
use local::MemoryObjectStore;
use record_event::Warm;
use serde_json::json;

use support::TestClock;

const KEY: &str = "config/settings.toml";

struct Place {
    bucket: MemoryObjectStore,
    reports: MemoryObjectStore,
    clock: TestClock,
    warm: Warm,
}

impl Place {
    fn new() -> Self {
        Self {
            bucket: MemoryObjectStore::default(),
            reports: MemoryObjectStore::default(),
            clock: TestClock::default(),
            warm: Warm::default(),
        }
    }

    fn says(&self, settings: &str) {
        self.bucket.damage(KEY, settings.as_bytes());
    }

    /// The severity that is alerted, the name of an account, and codes of what was kept from before; or the error's code.
    async fn look(&self) -> Result<(Severity, Option<String>, Vec<String>), String> {
        let setup = self
            .warm
            .setup(&self.bucket, &self.reports, KEY, &self.clock)
            .await;
        let (setup, stale) = setup.map_err(|error| error.code)?;
        let account = setup.accounts.get("111122223333");
        let name = account.and_then(|account| account.name.clone());
        Ok((setup.settings.alerts.severity, name, stale))
    }

    /// A snapshot taken at a time, in which the account has this name.
    async fn snapshot(&self, at: &str, name: &str, scope: Option<CollectionScope>) -> String {
        let account = json!({"account_id": "111122223333", "name": name, "organizational_unit": null});
        let context = json!({"accounts": [account], "coverage": "much more"})
            .to_string()
            .into_bytes();
        let origin = Origin {
            scope,
            ..Origin::of_aggregator("arn:aws:config:eu-west-1:111122223333:config-aggregator/a")
        };
        let as_of = at.parse().unwrap();
        let manifest = SnapshotManifest {
            schema: SCHEMA,
            id: snapshot_id(&origin, as_of),
            as_of,
            origin,
            results: 0,
            compliant: 0,
            noncompliant: 0,
            files: vec![SnapshotFile {
                path: "context.json".to_owned(),
                sha256: sha256_hex(&context),
                bytes: context.len() as u64,
                rows: None,
                accounts: None,
            }],
        };
        let folder = snapshot_folder(&manifest.id, as_of);
        self.reports
            .put_new(&format!("{folder}context.json"), &context)
            .await
            .unwrap();
        let manifest = canonical_json(&manifest).unwrap();
        self.reports
            .put_new(&format!("{folder}manifest.json"), &manifest)
            .await
            .unwrap();
        folder
    }
}

const MINUTE: Duration = Duration::from_secs(61);
const HOUR: Duration = Duration::from_secs(3_600);

fn saying(severity: &str) -> String {
    format!("[alerts]\nseverity = \"{severity}\"\n")
}

#[tokio::test]
async fn without_settings_there_are_defaults_and_without_snapshots_no_names() {
    assert_eq!(Place::new().look().await, Ok((Severity::High, None, vec![])));
}

#[tokio::test]
async fn settings_are_read_again_after_a_minute_and_not_before() {
    let place = Place::new();
    place.says(&saying("low"));
    let severity = async || place.look().await.unwrap().0;
    assert_eq!(severity().await, Severity::Low);
    place.says(&saying("critical"));
    assert_eq!(severity().await, Severity::Low);
    place.clock.advance(MINUTE);
    assert_eq!(severity().await, Severity::Critical);
}

#[tokio::test]
async fn settings_that_became_bad_stay_as_they_were_and_are_told() {
    let place = Place::new();
    place.says(&saying("low"));
    place.look().await.unwrap();
    place.clock.advance(MINUTE);
    place.says(&saying("lowest"));
    let bad = vec!["Record.BadSettings".to_owned()];
    assert_eq!(place.look().await, Ok((Severity::Low, None, bad)));
    place.clock.advance(MINUTE);
    place.says(&saying("medium"));
    assert_eq!(place.look().await, Ok((Severity::Medium, None, vec![])));
}

#[tokio::test]
async fn with_bad_settings_from_the_beginning_nothing_is_judged() {
    let place = Place::new();
    for bad in [saying("lowest"), "\u{0}".to_owned()] {
        place.says(&bad);
        assert_eq!(place.look().await, Err("Record.BadSettings".to_owned()));
        place.clock.advance(MINUTE);
    }
}

#[tokio::test]
async fn names_are_those_of_the_newest_whole_snapshot() {
    let place = Place::new();
    let part = CollectionScope {
        accounts: vec!["111122223333".to_owned()],
        regions: vec![],
    };
    place.snapshot("2026-11-10T09:00:00Z", "older", None).await;
    place.snapshot("2026-11-20T03:00:00Z", "earlier", None).await;
    place.snapshot("2026-11-20T09:00:00Z", "newest", None).await;
    place.snapshot("2026-11-21T09:00:00Z", "part", Some(part)).await;
    let half = place.snapshot("2026-11-21T09:30:00Z", "half", None).await;
    place.reports.remove(&format!("{half}manifest.json"));
    let name = async || place.look().await.unwrap().1;
    assert_eq!(name().await.as_deref(), Some("newest"));

    place.snapshot("2026-11-21T09:45:00Z", "later", None).await;
    place.clock.advance(MINUTE);
    assert_eq!(name().await.as_deref(), Some("newest"), "names change seldom");
    place.clock.advance(HOUR);
    assert_eq!(name().await.as_deref(), Some("later"));
}

#[tokio::test]
async fn a_damaged_snapshot_fails_no_event() {
    let place = Place::new();
    let folder = place.snapshot("2026-11-21T09:00:00Z", "a", None).await;
    place.reports.damage(&format!("{folder}context.json"), b"{}");
    let damaged = vec!["Store.Damaged".to_owned()];
    assert_eq!(place.look().await, Ok((Severity::High, None, damaged.clone())));
    assert_eq!(
        place.look().await,
        Ok((Severity::High, None, vec![])),
        "said once"
    );
    place.snapshot("2026-11-21T09:30:00Z", "b", None).await;
    place.clock.advance(MINUTE);
    assert_eq!(place.look().await.unwrap().1.as_deref(), Some("b"));
    place.clock.advance(HOUR);
    let folder = place.snapshot("2026-11-21T10:30:00Z", "c", None).await;
    place.reports.damage(&format!("{folder}context.json"), b"{}");
    assert_eq!(
        place.look().await,
        Ok((Severity::High, Some("b".to_owned()), damaged))
    );
}

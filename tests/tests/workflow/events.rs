//! What events told of a report's period, through the tasks of the workflow.

use compliance::alerts::{Known, OutboxEntry, Window, decide};
use compliance::catalogue::Catalogue;
use compliance::evaluation::PairKey;
use compliance::events::{Content, EventExtract, EventRecord};
use compliance::ports::{EventTable, EventWrite, PortErrorKind, StoredPair, Written};
use compliance::report::{PeriodEvents, RunInputs};
use jiff::SignedDuration;
use render_report::RenderInput;
use score_compliance::score::ScoreInput;
use seal_report::SealInput;

use super::*;

impl Cloud {
    fn told(records: Vec<EventRecord>) -> Self {
        Self {
            events: Some(Told(Ok(records))),
            ..Self::new()
        }
    }
}

/// A table that holds these events, or cannot be read for this kind of reason.
pub(super) struct Told(Result<Vec<EventRecord>, PortErrorKind>);

impl EventTable for Told {
    async fn events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        let failed = |kind: &PortErrorKind| PortError::new("Events", *kind, "the table did not answer");
        let records = self.0.as_ref().map_err(failed)?.iter();
        let of_stretch = records.filter(|record| (from..until).contains(&record.event_time));
        Ok(of_stretch.cloned().collect())
    }
    async fn pair(&self, _: &PairKey) -> Result<Option<StoredPair>, PortError> {
        panic!("a report reads events alone")
    }
    async fn write(&self, _: &EventWrite) -> Result<Written, PortError> {
        panic!("a report writes no event")
    }
    async fn outbox(&self, _: &str, _: Window) -> Result<Vec<OutboxEntry>, PortError> {
        panic!("a report reads events alone")
    }
    async fn overdue(&self, _: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        panic!("a report reads events alone")
    }
    async fn told(&self, _: &[OutboxEntry]) -> Result<(), PortError> {
        panic!("a report tells nobody")
    }
}

/// The record of a result of `resource`, so many hours before the report: what comes of a real event, read and decided.
fn record(account: &str, resource: &str, hours: i64, compliance: &str) -> EventRecord {
    let day: Timestamp = DAY.parse().unwrap();
    let recorded = day - SignedDuration::from_hours(hours);
    let result = |compliance: &str, recorded: Timestamp| {
        json!({
            "complianceType": compliance,
            "resultRecordedTime": recorded.to_string(),
            "evaluationResultIdentifier": {"orderingTimestamp": (recorded - SignedDuration::from_secs(90)).to_string()},
        })
    };
    let event = json!({
        "id": format!("{account}-{resource}-{hours}"),
        "source": "aws.config",
        "detail-type": "Config Rules Compliance Change",
        "account": account,
        "region": "eu-west-1",
        "time": recorded.to_string(),
        "detail": {
            "awsAccountId": account,
            "awsRegion": "eu-west-1",
            "configRuleName": "restricted-ssh",
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": resource,
            "messageType": "ComplianceChangeNotification",
            "oldEvaluationResult": result("COMPLIANT", recorded - SignedDuration::from_hours(50)),
            "newEvaluationResult": result(compliance, recorded),
        },
    });
    let settings = Settings::default();
    let catalogue = Catalogue::new(&settings).unwrap();
    let event = compliance::events::parse(&event.to_string()).unwrap();
    let Content::ComplianceChange(change) = &event.content else {
        panic!("a result")
    };
    let now = recorded + SignedDuration::from_secs(2);
    let known = Known {
        settings: &settings,
        catalogue: &catalogue,
        organizational_unit: None,
        default_route: Some("summary"),
        now,
    };
    let decided = decide(None, event.pair(&catalogue).unwrap(), &event, change, &known);
    EventRecord::new(&event, &catalogue, Some(decided.decision), now, 400)
}

/// Two pairs that became noncompliant within the day, one of which is told in the night before, and one of last week.
fn records() -> Vec<EventRecord> {
    vec![
        record("111122223333", "sg-1", 3, "NON_COMPLIANT"),
        record("111122223333", "sg-2", 23, "NON_COMPLIANT"),
        record("444455556666", "sg-3", 24, "COMPLIANT"),
        record("444455556666", "sg-4", 100, "NON_COMPLIANT"),
    ]
}

fn document<T: serde::de::DeserializeOwned>(files: &BTreeMap<String, Vec<u8>>, name: &str) -> T {
    serde_json::from_slice(&files[name]).unwrap()
}

#[tokio::test]
async fn what_events_told_is_frozen_once_and_part_of_the_bundle() {
    let mut cloud = Cloud::told(records());
    let planned = cloud.plan(daily(), INLINE).await.unwrap();
    let late = record("111122223333", "sg-9", 1, "NON_COMPLIANT");
    cloud.events = Some(Told(Ok([records(), vec![late]].concat())));
    let again = cloud.plan(daily(), INLINE).await.unwrap();
    assert_eq!(
        again.events, planned.events,
        "a retried plan adopts what the first one read"
    );

    let bundled = cloud.run(daily(), 2, &[]).await;
    let files = cloud.bundle(&bundled).await;
    let manifest: BundleManifest = document(&files, "manifest.json");
    assert_eq!(manifest.inputs.events, planned.events);
    let frozen = planned.events.as_ref().and_then(PeriodEvents::extract).unwrap();
    assert_eq!(compliance::hash::sha256_hex(&files["events.json"]), frozen.sha256);
    assert!(
        manifest
            .files
            .iter()
            .any(|file| file.name == "events.json" && file.sha256 == frozen.sha256)
    );
    let extract: EventExtract = document(&files, "events.json");
    let card: Scorecard = document(&files, "scorecard.json");
    let events = card.events.unwrap();
    assert_eq!(
        (extract.events, events.events, events.became_noncompliant),
        (3, 3, 2)
    );
    assert_eq!((events.told.opened, events.unchanged), (2, 1));
    assert_eq!(card.mean_time_to_detect_seconds, Some(90.0));
    assert!(card.reconciliation.iter().all(|balance| balance.passes()));
    let digest = String::from_utf8_lossy(&files["digest.json"]).into_owned();
    assert!(digest.contains("Events: 2 became noncompliant: 2 alerted at once; 0 resolved"));
}

/// The files of the report that these inputs make in a store that holds nothing else.
async fn made_again(store: &MemoryObjectStore, inputs: RunInputs, run_id: &str) -> BTreeMap<String, Vec<u8>> {
    let settings: Settings = objects::read_json(store, &inputs.settings).await.unwrap();
    let (kind, as_of) = (inputs.kind, inputs.as_of);
    let input = ScoreInput {
        inputs: inputs.clone(),
        settings: settings.clone(),
    };
    let scored = score_compliance::score::run(input, store, &Silent).await.unwrap();
    let input = RenderInput {
        scorecard: scored.scorecard,
        lists: scored.lists,
        settings,
    };
    let folder = compliance::report::bundle_folder(kind, as_of, run_id);
    let files = render_report::task::store_files(kind, &input, &folder, store, &Silent)
        .await
        .unwrap();
    let run_id = run_id.to_owned();
    let sealed = seal_report::run(
        SealInput {
            inputs,
            run_id,
            files,
        },
        store,
        &Silent,
    )
    .await
    .unwrap();
    let mut found = BTreeMap::new();
    for key in store.list(&sealed.folder).await.unwrap() {
        let name = key.strip_prefix(&sealed.folder).unwrap().to_owned();
        found.insert(name, store.get(&key).await.unwrap().unwrap());
    }
    found
}

#[tokio::test]
async fn a_bundle_with_events_holds_all_that_it_is_made_from() {
    let cloud = Cloud::told(records());
    let bundled = cloud.run(daily(), 1, &[]).await;
    let files = cloud.bundle(&bundled).await;
    let manifest: BundleManifest = document(&files, "manifest.json");
    let inputs = manifest.inputs;
    let elsewhere = MemoryObjectStore::default();
    let snapshot = inputs
        .snapshot
        .manifest
        .key
        .strip_suffix("manifest.json")
        .unwrap();
    let events = inputs.events.as_ref().and_then(PeriodEvents::extract).unwrap();
    for (name, bytes) in &files {
        let key = match name.strip_prefix("snapshot/") {
            Some(of_snapshot) => format!("{snapshot}{of_snapshot}"),
            None if name == "settings.json" => inputs.settings.key.clone(),
            None if name == "events.json" => events.key.clone(),
            None => continue,
        };
        elsewhere.put_new(&key, bytes).await.unwrap();
    }
    assert!(
        made_again(&elsewhere, inputs, &bundled.run_id).await == files,
        "the same bytes"
    );
}

#[tokio::test]
async fn a_table_without_events_of_the_period_changes_nothing() {
    let (without, with) = (Cloud::new(), Cloud::told(records().split_off(3)));
    let (first, second) = (
        without.run(daily(), 1, &[]).await,
        with.run(daily(), 1, &[]).await,
    );
    assert!(without.bundle(&first).await == with.bundle(&second).await);
    let weekly = with
        .plan(json!({"kind": "weekly", "as_of": DAY}), INLINE)
        .await
        .unwrap();
    assert!(weekly.events.is_some(), "a week reaches further back");
    let cloud = Cloud::told(records());
    let snapshot = cloud
        .plan(json!({"kind": "snapshot", "as_of": DAY}), INLINE)
        .await
        .unwrap();
    assert_eq!(snapshot.events, None, "it makes no report");
}

#[tokio::test]
async fn a_table_that_cannot_be_read_costs_the_report_what_events_told_and_no_more() {
    let mut cloud = Cloud::new();
    cloud.events = Some(Told(Err(PortErrorKind::Throttled)));
    let bundled = cloud.run(daily(), 1, &[]).await;
    let files = cloud.bundle(&bundled).await;
    assert!(files.contains_key("report.pdf") && !files.contains_key("events.json"));
    let card: Scorecard = document(&files, "scorecard.json");
    assert_eq!(card.events, None);
    let unknown = card.inputs.events.unwrap().unknown().unwrap();
    assert_eq!(
        unknown,
        "not known, as their table could not be read (Events.Throttled)"
    );
    assert!(String::from_utf8_lossy(&files["digest.json"]).contains(&unknown));
}

#[tokio::test]
async fn a_report_of_a_part_counts_the_events_of_that_part() {
    let accounts: Vec<String> = {
        let cloud = Cloud::new();
        let bundled = cloud.run(daily(), 1, &[]).await;
        let card: Scorecard = document(&cloud.bundle(&bundled).await, "scorecard.json");
        card.accounts.into_iter().map(|one| one.account_id).collect()
    };
    let of = |account: &str, hours| record(account, "sg-1", hours, "NON_COMPLIANT");
    let told = [of(&accounts[0], 1), of(&accounts[0], 2), of(&accounts[1], 3)];
    let cloud = Cloud::told(told.into());
    let request = json!({"kind": "daily", "as_of": DAY, "scope": {"accounts": [accounts[0]]}});
    let bundled = cloud.run(request, 1, &[]).await;
    let card: Scorecard = document(&cloud.bundle(&bundled).await, "scorecard.json");
    assert_eq!(card.events.unwrap().events, 2);
}

#[tokio::test]
async fn events_change_no_number_that_is_of_the_snapshots() {
    let card = async |cloud: Cloud| -> serde_json::Map<String, Value> {
        let bundled = cloud.run(daily(), 1, &[]).await;
        let mut card: serde_json::Map<String, Value> =
            document(&cloud.bundle(&bundled).await, "scorecard.json");
        let balances = card["reconciliation"].as_array_mut().unwrap();
        balances.retain(|balance| !balance["what"].as_str().unwrap().contains("of events"));
        for own in ["events", "mean_time_to_detect_seconds", "run_id", "inputs"] {
            card.remove(own);
        }
        card
    };
    assert!(card(Cloud::told(records())).await == card(Cloud::new()).await);
}

//! The tasks of the report workflow in their order, each entered as the state machine enters it: over the simulated
//! organization and a store in memory.
#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws::{Aws, AwsSettings};
use compliance::Timestamp;
use compliance::artifact::{BundleManifest, CallCount, Provenance};
use compliance::failure::TaskError;
use compliance::objects;
use compliance::ports::{
    ChatError, ChatFile, ChatPlace, ChatService, Clock, Notifier, ObjectStore, PartMark, PortError, Sought,
};
use compliance::progress::Silent;
use compliance::report::ReportKind;
use compliance::scorecard::Scorecard;
use compliance::secret::Secret;
use compliance::settings::Settings;
use compliance::snapshot::ObjectRef;
use compliance::workflow::{
    Bundled, CollectTask, Execution, MapMode, Notified, NotifyTask, PlanTask, Planned, RenderTask, Rendered,
    ScoreTask, Scored, SealTask, TaskRecord,
};
use local::{MemoryNotifier, MemoryObjectStore, MemorySecrets, SystemClock};
use notify::Wired;
use plan_report::task::Deployed;
use serde_json::{Value, json};
use simulated_org::{Organization, Server, SimulationConfig, World};

#[path = "workflow/events.rs"]
mod events;

use events::Told;

const DAY: &str = "2026-11-21T09:00:00Z";
const SETTINGS: &[u8] =
    b"[collection]\naccounts_per_shard = 2\nparallel_shards = 3\nrule_inventory_role = \"plumbline-inventory\"\n";

/// The organization, and where its runs write.
struct Cloud {
    server: Server,
    store: MemoryObjectStore,
    events: Option<Told>,
}

impl Cloud {
    fn new() -> Self {
        let config = SimulationConfig {
            accounts: 6,
            regions: 2,
            rules: 12,
            resources: 8,
            ..SimulationConfig::default()
        };
        let organization = Organization::from(World::new(config).unwrap());
        let address = ([127, 0, 0, 1], 0);
        Self {
            server: Server::start(organization, address, DAY.parse().unwrap()).unwrap(),
            store: MemoryObjectStore::default(),
            events: None,
        }
    }

    async fn aws(&self) -> Aws {
        let settings = Settings::parse(std::str::from_utf8(SETTINGS).unwrap()).unwrap();
        let mut connection = AwsSettings::new(&settings.collection);
        connection.endpoint_override = Some(self.server.url());
        Aws::connect(connection).await.unwrap()
    }

    async fn plan(&self, request: Value, distributed_above: u32) -> Result<Planned, TaskError> {
        let task = PlanTask {
            request,
            execution: execution(),
        };
        let asked = plan_report::task::read(through(&task), Some(SETTINGS))?;
        let aws = self.aws().await;
        let (source, directory) = (aws.source(), aws.directory());
        let deployed = Deployed {
            aggregator: "organization",
            distributed_above,
        };
        let store = &self.store;
        let events = self.events.as_ref();
        let planned = plan_report::task::run(asked, deployed, &source, &directory, events, store, &Silent);
        Ok(through(&planned.await?.0))
    }

    async fn collect(&self, planned: &Planned, shard: &ObjectRef) {
        let task = CollectTask {
            shard: shard.clone(),
            settings: planned.settings.clone(),
            map_concurrency: planned.map_concurrency,
            execution: planned.execution.clone(),
        };
        let settings = objects::read_json(&self.store, &task.settings).await.unwrap();
        let aws = self.aws().await;
        let (source, inventory) = (aws.source(), aws.inventory_in("aws"));
        let (task, store) = (through(&task), &self.store);
        collect_results::task::run(&task, &settings, &source, &inventory, store, &Silent)
            .await
            .unwrap();
    }

    async fn score(&self, planned: &Planned) -> Scored {
        let task = ScoreTask {
            kind: planned.kind,
            settings: planned.settings.clone(),
            plan: planned.plan.clone(),
            snapshot: planned.snapshot.clone(),
            events: planned.events.clone(),
            execution: planned.execution.clone(),
        };
        let scored = score_compliance::task::run(&through(&task), &self.store, &Silent).await;
        through(&scored.unwrap().0)
    }

    async fn render(&self, planned: &Planned, scored: &Scored) -> Rendered {
        let task = RenderTask {
            kind: scored.kind,
            run_id: scored.run_id.clone(),
            inputs: scored.inputs.clone(),
            scorecard: scored.scorecard.clone(),
            lists: scored.lists.clone(),
            settings: planned.settings.clone(),
            execution: planned.execution.clone(),
        };
        let rendered = render_report::task::run(&through(&task), &self.store, &Silent).await;
        through(&rendered.unwrap())
    }

    async fn seal(&self, planned: &Planned, scored: &Scored, rendered: &Rendered) -> Bundled {
        let task = SealTask {
            run_id: scored.run_id.clone(),
            inputs: scored.inputs.clone(),
            files: rendered.files.clone(),
            execution: planned.execution.clone(),
        };
        let sealed = seal_report::task::run(&through(&task), &self.store, &SystemClock, &Silent).await;
        through(&sealed.unwrap())
    }

    /// A whole run, every task entered `times` times; `lost` are shards that the workflow gave up.
    async fn run(&self, request: Value, times: usize, lost: &[usize]) -> Bundled {
        let mut bundled = None;
        let mut planned = self.plan(request.clone(), INLINE).await.unwrap();
        for _ in 1..times {
            planned = self.plan(request.clone(), INLINE).await.unwrap();
        }
        for (index, shard) in planned.shards.iter().enumerate() {
            for _ in 0..if lost.contains(&index) { 0 } else { times } {
                self.collect(&planned, shard).await;
            }
        }
        for _ in 0..times {
            let mut scored = self.score(&planned).await;
            for _ in 1..times {
                scored = self.score(&planned).await;
            }
            let rendered = self.render(&planned, &scored).await;
            bundled = Some(self.seal(&planned, &scored, &rendered).await);
        }
        bundled.unwrap()
    }

    async fn bundle(&self, bundled: &Bundled) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for key in self.store.list(&bundled.folder).await.unwrap() {
            let name = key.strip_prefix(&bundled.folder).unwrap().to_owned();
            if name != "provenance.json" {
                files.insert(name, self.store.get(&key).await.unwrap().unwrap());
            }
        }
        files
    }
}

const INLINE: u32 = 40;

fn execution() -> Execution {
    Execution {
        arn: "arn:aws:states:eu-west-1:111122223333:execution:report:one".to_owned(),
        name: "one".to_owned(),
        started_at: "2026-11-21T10:00:00.123Z".parse().unwrap(),
    }
}

/// As it comes out at the other end of a payload.
fn through<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_value(serde_json::to_value(value).unwrap()).unwrap()
}

fn daily() -> Value {
    json!({"kind": "daily", "as_of": DAY})
}

#[tokio::test]
async fn tasks_entered_again_give_the_same_bundle() {
    let (once, again) = (Cloud::new(), Cloud::new());
    let (first, second) = (once.run(daily(), 1, &[]).await, again.run(daily(), 2, &[]).await);
    assert_eq!(first.run_id, second.run_id);
    let files = once.bundle(&first).await;
    assert!(files.contains_key("report.pdf") && files.contains_key("manifest.json"));
    assert!(files == again.bundle(&second).await, "the same bytes");
}

#[tokio::test]
async fn a_shard_given_up_is_missing_coverage_and_the_report_says_so() {
    let cloud = Cloud::new();
    let bundled = cloud.run(daily(), 1, &[1]).await;
    let files = cloud.bundle(&bundled).await;
    let card: Scorecard = serde_json::from_slice(&files["scorecard.json"]).unwrap();
    let gaps: Vec<_> = card
        .context
        .coverage
        .scopes
        .iter()
        .filter_map(|scope| scope.missing.as_ref())
        .filter(|gap| gap.code == "Collect.GaveUp")
        .collect();
    assert_eq!(gaps.len(), 4, "two accounts in two regions");
    let digest = String::from_utf8_lossy(&files["digest.json"]).into_owned();
    assert!(digest.contains("incomplete: "), "the digest says it");
}

#[tokio::test]
async fn a_snapshot_that_stands_is_reported_without_collecting() {
    let cloud = Cloud::new();
    cloud.run(json!({"kind": "snapshot", "as_of": DAY}), 1, &[]).await;
    let planned = cloud.plan(daily(), INLINE).await.unwrap();
    assert!(!planned.collect && planned.shards.is_empty() && planned.snapshot.is_some());
    let bundled = cloud.run(daily(), 1, &[]).await;
    let manifest: BundleManifest =
        serde_json::from_slice(&cloud.bundle(&bundled).await["manifest.json"]).unwrap();
    assert_eq!(manifest.kind.as_str(), "daily");
}

#[tokio::test]
async fn many_shards_are_listed_in_an_object() {
    let cloud = Cloud::new();
    let planned = cloud.plan(daily(), 2).await.unwrap();
    assert_eq!(
        (planned.map_mode, planned.map_concurrency, planned.shards.len()),
        (MapMode::Distributed, 3, 0)
    );
    let listed: Vec<ObjectRef> = objects::read_json(&cloud.store, planned.shard_list.as_ref().unwrap())
        .await
        .unwrap();
    assert_eq!(listed.len() as u64, planned.shard_count);
}

#[tokio::test]
async fn a_part_of_the_organization_is_never_taken_for_the_whole() {
    let cloud = Cloud::new();
    let whole = cloud.run(daily(), 1, &[]).await;
    let card: Scorecard = serde_json::from_slice(&cloud.bundle(&whole).await["scorecard.json"]).unwrap();
    let account = card.accounts[0].account_id.clone();
    let request = json!({"kind": "daily", "as_of": DAY, "scope": {"accounts": [account]}});
    let part = cloud.run(request, 1, &[]).await;
    let card: Scorecard = serde_json::from_slice(&cloud.bundle(&part).await["scorecard.json"]).unwrap();
    let ids: Vec<_> = card.accounts.iter().map(|one| &one.account_id).collect();
    assert_eq!(ids, [&account]);
    assert!(card.title.ends_with("(only 1 account)"), "{}", card.title);
    assert_ne!(whole.run_id, part.run_id);
}

#[tokio::test]
async fn a_request_that_cannot_be_meant_is_refused_before_anything_is_collected() {
    let cloud = Cloud::new();
    for (request, code, said) in [
        (
            json!({"kind": "hourly"}),
            "Plan.UnknownKind",
            "daily, weekly and snapshot",
        ),
        (
            json!({"kind": "audit"}),
            "Plan.AuditNotYet",
            "audit reports are not made yet",
        ),
        (json!({}), "Plan.BadRequest", "kind"),
        (json!({"kind": "daily", "day": "x"}), "Plan.BadRequest", "day"),
        (json!("daily"), "Plan.BadRequest", "give {\"kind\""),
        (
            json!({"kind": "daily", "as_of": "yesterday"}),
            "Plan.BadRequest",
            "2026-11-21T09:00:00Z",
        ),
        (
            json!({"kind": "daily", "as_of": "2026-11-21T10:00:01Z"}),
            "Plan.FutureDate",
            "in the future",
        ),
        (
            json!({"kind": "daily", "scope": {"accounts": ["12"]}}),
            "Plan.UnknownAccount",
            "12 digits",
        ),
        (
            json!({"kind": "daily", "scope": {"accounts": ["999999999999"]}}),
            "Plan.UnknownAccount",
            "999999999999",
        ),
        (
            json!({"kind": "daily", "scope": {"regions": ["mars-1"]}}),
            "Plan.UnknownRegion",
            "mars-1",
        ),
    ] {
        let error = cloud.plan(request.clone(), INLINE).await.unwrap_err();
        assert_eq!(error.code, code, "{request}");
        assert!(error.message.contains(said), "{request}: {}", error.message);
    }
    assert_eq!(cloud.store.list("work/").await.unwrap(), Vec::<String>::new());
}

#[test]
fn malformed_settings_are_refused_with_their_line() {
    let task = PlanTask {
        request: daily(),
        execution: execution(),
    };
    let error = plan_report::task::read(task, Some(b"[collection]\nconcurency = 4\n")).unwrap_err();
    assert_eq!(error.code, "Plan.BadSettings");
    assert!(error.message.contains("concurency"), "{}", error.message);
}

/// Slack, topics and secrets that nobody may come to when there is nobody to tell.
struct Nobody;

fn nothing<T>() -> Result<T, ChatError> {
    panic!("nobody is to be told")
}

impl ChatService for Nobody {
    async fn post(&self, _: ChatPlace<'_>, _: PartMark<'_>, _: &Value) -> Result<String, ChatError> {
        nothing()
    }
    async fn update(&self, _: ChatPlace<'_>, _: &str, _: &Value) -> Result<(), ChatError> {
        nothing()
    }
    async fn upload(&self, _: &Secret, _: &ChatFile<'_>) -> Result<String, ChatError> {
        nothing()
    }
    async fn share(&self, _: ChatPlace<'_>, _: &str, _: &str) -> Result<(), ChatError> {
        nothing()
    }
    async fn find(
        &self,
        _: ChatPlace<'_>,
        _: Sought<'_>,
        _: (Timestamp, Timestamp),
    ) -> Result<Option<String>, ChatError> {
        nothing()
    }
    async fn send_to_webhook(&self, _: &Secret, _: &Value) -> Result<(), ChatError> {
        nothing()
    }
}

#[tokio::test]
async fn what_the_tasks_before_made_is_delivered_and_recorded() {
    let cloud = Cloud::new();
    let planned = cloud.plan(daily(), INLINE).await.unwrap();
    for shard in &planned.shards {
        cloud.collect(&planned, shard).await;
    }
    let scored = cloud.score(&planned).await;
    let rendered = cloud.render(&planned, &scored).await;
    let bundled = cloud.seal(&planned, &scored, &rendered).await;
    let (bucket, topic) = (MemoryObjectStore::default(), Arc::new(MemoryNotifier::default()));
    let task = NotifyTask {
        kind: bundled.kind,
        run_id: bundled.run_id.clone(),
        folder: bundled.folder.clone(),
        manifest: bundled.manifest.clone(),
        lists: Some(scored.lists.clone()),
        execution: execution(),
    };
    let ports = Wired {
        reports: &cloud.store,
        records: &bucket,
        chat: &Nobody,
        secrets: &MemorySecrets::default(),
        time: &SystemClock,
        topic: |_: &str| SharedNotifier(Arc::clone(&topic)),
        summary_topic: Some("arn:aws:sns:eu-west-1:111122223333:summary".to_owned()),
        failure_topic: None,
        who: "a test".to_owned(),
    };
    let settings = "[[delivery.routes]]\nname = \"severe\"\nseverity = \"informational\"\nto = { sns_topic = \"summary\" }\n";
    let settings = Settings::parse(settings).unwrap();
    let budget = Duration::from_secs(60);
    for _ in 0..2 {
        let delivered = notify::task::run(&through(&task), &settings, &ports, budget)
            .await
            .unwrap();
        let notified: Notified = through(&delivered.answer().unwrap());
        assert_eq!((notified.sent, notified.failed, notified.ambiguous), (1, 0, 0));
        assert!(bucket.get(&notified.delivery.key).await.unwrap().is_some());
    }
    let told = topic.told();
    assert_eq!(told.len(), 1, "the second run finds the first one's record");
    assert!(told[0].1.contains("What concerns this channel") && told[0].1.contains(&bundled.run_id));

    let nothing = NotifyTask {
        folder: "daily/2026-11-20/none/".to_owned(),
        manifest: rendered.files.clone(),
        ..task
    };
    assert!(
        notify::task::run(&nothing, &settings, &ports, budget)
            .await
            .is_err()
    );
}

/// One notifier under every ARN.
struct SharedNotifier(Arc<MemoryNotifier>);

impl Notifier for SharedNotifier {
    async fn notify(&self, subject: &str, text: &str) -> Result<(), PortError> {
        self.0.notify(subject, text).await
    }
}

#[tokio::test]
async fn a_sealed_report_and_its_snapshot_are_kept_as_long_as_their_kind_asks() {
    let cloud = Cloud::new();
    let bundled = cloud.run(daily(), 1, &[]).await;
    let retain = async |days: &[(ReportKind, u32)]| {
        let days = days.iter().copied().collect();
        let kept = seal_report::task::retain(&execution(), &bundled, &days, &cloud.store, &cloud.store).await;
        kept.unwrap();
        cloud.store.retained()
    };
    assert_eq!(
        retain(&[(ReportKind::Weekly, 30), (ReportKind::Daily, 0)]).await,
        BTreeMap::new()
    );
    let kept = retain(&[(ReportKind::Daily, 30)]).await;
    let until = "2026-12-21T10:00:00.123Z".parse().unwrap();
    assert!(kept.values().all(|time| *time == until));
    let mut expected = cloud.store.list(&bundled.folder).await.unwrap();
    expected.extend(cloud.store.list("snapshots/").await.unwrap());
    let kept: Vec<String> = kept.into_keys().collect();
    assert_eq!(kept, expected);
    assert!(kept.contains(&bundled.manifest.key));

    let for_ever = BTreeMap::from([(ReportKind::Daily, u32::MAX)]);
    let error = seal_report::task::retain(&execution(), &bundled, &for_ever, &cloud.store, &cloud.store)
        .await
        .unwrap_err();
    assert_eq!(error.code, "Seal.Retention");
    assert!(error.message.contains("fewer days"), "{}", error.message);
}

/// Some time after the execution began.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        "2026-11-21T10:01:00.123Z".parse().unwrap()
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test]
async fn provenance_sums_up_what_the_tasks_recorded() {
    let cloud = Cloud::new();
    let planned = cloud.plan(daily(), INLINE).await.unwrap();
    for shard in &planned.shards {
        cloud.collect(&planned, shard).await;
    }
    for (task, seconds, principal) in [
        ("plan", 1.0, Some("somebody")),
        ("collect-a", 2.0, None),
        ("collect-b", 3.0, None),
    ] {
        let attempts = CallCount {
            succeeded: 2,
            attempts: 3,
            throttled: 1,
            ..CallCount::default()
        };
        let record = TaskRecord {
            stage: task.split('-').next().unwrap().to_owned(),
            seconds,
            principal: principal.map(str::to_owned),
            calls: BTreeMap::from([("ListRoots".to_owned(), attempts)]),
            planned_calls: 2,
        };
        record.keep(&planned.execution, task, &cloud.store).await.unwrap();
    }
    let scored = cloud.score(&planned).await;
    let rendered = cloud.render(&planned, &scored).await;
    let task = SealTask {
        run_id: scored.run_id,
        inputs: scored.inputs,
        files: rendered.files,
        execution: planned.execution,
    };
    let sealed = seal_report::task::run(&task, &cloud.store, &Later, &Silent)
        .await
        .unwrap();
    assert_eq!(seal_report::task::seconds_since(&task, &Later), 60.0);
    let key = format!("{}provenance.json", sealed.folder);
    let provenance: Provenance =
        objects::parse_json(&key, &cloud.store.get(&key).await.unwrap().unwrap()).unwrap();
    let stages: Vec<_> = provenance
        .stages
        .iter()
        .map(|one| (one.stage.as_str(), one.seconds))
        .collect();
    assert_eq!(
        stages,
        [("plan", 1.0), ("collect", 5.0), ("score", 0.0), ("render", 0.0)]
    );
    assert_eq!(provenance.calls["ListRoots"].attempts, 9);
    assert_eq!((provenance.planned_calls, provenance.offline), (6, false));
    assert_eq!(provenance.principal.as_deref(), Some("somebody"));
    assert_eq!(provenance.execution_arn, Some(execution().arn));
}

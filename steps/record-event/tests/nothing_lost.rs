//! Events come twice and in any order, the table throttles, senders die between any two calls: in the end the table knows
//! each event once, and of every pair what a plain walk over the events in order comes to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use compliance::Timestamp;
use compliance::alerts::{Decision, Word};
use compliance::evaluation::PairKey;
use compliance::events::EventCompliance;
use compliance::ports::EventTable;
use futures_util::future::join_all;
use jiff::SignedDuration;
use record_event::{Came, Message, run};
use serde_json::{Value, json};

use support::{BEGIN, Chaos, Evaluated, HIGH, LONG, LOW, Life, Queue, Rng, SETTINGS, Sender, World, setup};

const SENDERS: usize = 16;
/// Events of a run; PLUMBLINE_EVENTS says otherwise.
const EVENTS: usize = 100_000;

#[allow(clippy::disallowed_methods, reason = "whoever runs the test may ask for more")]
fn events() -> usize {
    std::env::var("PLUMBLINE_EVENTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(EVENTS)
}

/// Everything that happens in some accounts: results of pairs, each in the order of time, and events of no pair.
fn history(count: usize, rng: &mut Rng) -> (Vec<Evaluated>, Vec<Value>) {
    let (mut results, mut others) = (Vec::new(), Vec::new());
    for pair in 0.. {
        if results.len() + others.len() >= count {
            break;
        }
        results.extend(of_pair(pair, rng));
        others.extend((0..rng.below(4)).map(|number| other(&format!("other-{pair}-{number}"), rng)));
    }
    (results, others)
}

/// One to three sources of a pair, each with some results, of which some are of the same moment.
fn of_pair(pair: usize, rng: &mut Rng) -> Vec<Evaluated> {
    let (is_global, is_high) = (rng.percent(20), rng.percent(50));
    let rule = if is_high { HIGH } else { LOW };
    let names = [
        rule.to_owned(),
        format!("{rule}-conformance-pack-abcdef123"),
        rule.to_owned(),
    ];
    let regions = ["eu-west-1", "eu-west-1", "us-east-1"];
    let account = format!("1111222200{:02}", pair % 20);
    let mut results = Vec::new();
    for source in 0..1 + rng.below(if is_global { 3 } else { 2 }) {
        let mut at: Timestamp = BEGIN.parse().unwrap();
        let mut before = None;
        for number in 0..2 + rng.below(20) {
            at = at
                .checked_sub(SignedDuration::from_millis(rng.below(2) as i64 * 600_000))
                .unwrap();
            let new = match rng.below(20) {
                0 => "NOT_APPLICABLE",
                1 => "INSUFFICIENT_DATA",
                2..=10 => "COMPLIANT",
                _ => "NON_COMPLIANT",
            };
            results.push(Evaluated {
                id: format!("{pair}-{source}-{number}"),
                account: account.clone(),
                region: regions[source].to_owned(),
                resource_type: if is_global {
                    "AWS::IAM::Role"
                } else {
                    "AWS::S3::Bucket"
                }
                .to_owned(),
                resource: format!("resource-{pair}"),
                rule: (names[source].clone(), rule.to_owned()),
                at,
                old: None,
                new,
            });
        }
        // Times were counted back, so the last is the oldest.
        let of_source = results
            .iter_mut()
            .rev()
            .take_while(|result| result.id.starts_with(&format!("{pair}-{source}-")));
        for result in of_source {
            result.old = before.replace(result.new);
        }
    }
    results
}

/// An event that is of no pair.
fn other(id: &str, rng: &mut Rng) -> Value {
    let detail = match rng.below(3) {
        0 => (
            "aws.config",
            "Config Rules Re-evaluation Status",
            json!({"configRuleNames": ["a", "b"]}),
        ),
        1 => (
            "aws.config",
            "Config Configuration Item Change",
            json!({"messageType": "ConfigurationItemChangeNotification", "configurationItemDiff": null,
                   "configurationItem": {"resourceType": "AWS::S3::Bucket", "resourceId": id, "configurationItemStatus": "OK"}}),
        ),
        _ => (
            "aws.ssm",
            "EC2 Automation Execution Status-change Notification",
            json!({"ExecutionId": "e", "Definition": "d", "Status": "Success"}),
        ),
    };
    json!({"id": id, "source": detail.0, "detail-type": detail.1, "account": "111122220000", "region": "eu-west-1",
           "time": BEGIN, "detail": detail.2})
}

/// Of every event one message, of three in ten another, in any order.
fn delivered(bodies: &[Value], rng: &mut Rng) -> Vec<Message> {
    let mut messages = Vec::new();
    for (place, body) in bodies.iter().enumerate() {
        for copy in 0..1 + usize::from(rng.percent(30)) {
            messages.push(support::message(&format!("m-{place}-{copy}"), body));
        }
    }
    rng.shuffle(&mut messages);
    messages
}

/// What a pair should be known by, from a walk over its results in order: of each source the newest result, the
/// newest changes, and when it was last noncompliant.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    sources: BTreeMap<(String, String), (Timestamp, String, String)>,
    recent: Vec<(Timestamp, String, Option<String>, String)>,
    last_noncompliant: Option<Timestamp>,
}

fn reference(results: &[Evaluated]) -> BTreeMap<PairKey, Expected> {
    let mut ordered: Vec<&Evaluated> = results.iter().collect();
    ordered.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let mut pairs: BTreeMap<PairKey, Expected> = BTreeMap::new();
    for result in ordered {
        let is_global = result.resource_type == "AWS::IAM::Role";
        let key = PairKey {
            account_id: result.account.clone(),
            aws_region: if is_global {
                "global".to_owned()
            } else {
                result.region.clone()
            },
            resource_type: result.resource_type.clone(),
            resource_id: result.resource.clone(),
            rule: result.rule.1.clone(),
        };
        let pair = pairs.entry(key).or_default();
        let source = (result.region.clone(), result.rule.0.clone());
        pair.sources
            .insert(source, (result.at, result.id.clone(), result.new.to_owned()));
        let change = (
            result.at,
            result.id.clone(),
            result.old.map(str::to_owned),
            result.new.to_owned(),
        );
        pair.recent.insert(0, change);
        pair.recent.truncate(8);
        if result.new == "NON_COMPLIANT" {
            pair.last_noncompliant = Some(result.at);
        }
    }
    pairs
}

fn known(history: &compliance::events::PairHistory) -> Expected {
    let status = |status: EventCompliance| status.as_str().to_owned();
    Expected {
        sources: history
            .sources
            .iter()
            .map(|source| {
                let place = (source.aws_region.clone(), source.config_rule_name.clone());
                (
                    place,
                    (source.at, source.event_id.clone(), status(source.compliance)),
                )
            })
            .collect(),
        recent: history
            .recent
            .iter()
            .map(|change| {
                (
                    change.at,
                    change.event_id.clone(),
                    change.from.map(status),
                    status(change.to),
                )
            })
            .collect(),
        last_noncompliant: history.last_noncompliant,
    }
}

/// What senders counted.
#[derive(Debug, Default)]
struct Counts {
    new: AtomicUsize,
    known: AtomicUsize,
    failed: AtomicUsize,
    killed: AtomicUsize,
}

/// Takes batches until the queue is empty, dying now and then.
async fn send(queue: &Queue, world: &World, counts: &Counts, setup: &record_event::Setup) {
    loop {
        let (size, life) = {
            let mut rng = world.chaos.rng.lock().unwrap();
            let dies = rng.percent(8).then(|| rng.below(60) as u32);
            (1 + rng.below(25), dies)
        };
        let Some(batch) = queue.take(size) else { return };
        if batch.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let sender = Sender {
            world,
            life: Life::new(life),
        };
        let Some(outcome) = sender.life.live(run(&batch, &sender, setup, LONG)).await else {
            counts.killed.fetch_add(1, Ordering::Relaxed);
            let all: Vec<String> = batch.iter().map(|message| message.id.clone()).collect();
            queue.done(&batch, &all);
            continue;
        };
        assert_eq!(
            outcome.handled.len(),
            batch.len(),
            "every message comes to an end"
        );
        for handled in &outcome.handled {
            let counter = match &handled.came {
                Came::Stored { is_known: false, .. } => &counts.new,
                Came::Stored { is_known: true, .. } => &counts.known,
                Came::Failed { .. } => &counts.failed,
                Came::Refused { code } => panic!("{code}"),
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        queue.done(&batch, &outcome.failed);
    }
}

#[tokio::test]
async fn whatever_happens_the_table_knows_what_it_should() {
    let mut rng = Rng::new(20_261_121);
    let (results, others) = history(events(), &mut rng);
    let bodies: Vec<Value> = results.iter().map(Evaluated::body).chain(others).collect();
    let messages = delivered(&bodies, &mut rng);
    let delivered = messages.len();
    let world = World::new(Chaos::new(7, 20, 1));
    let (queue, counts, setup) = (Queue::new(messages), Counts::default(), setup(SETTINGS));
    join_all((0..SENDERS).map(|_| send(&queue, &world, &counts, &setup))).await;

    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let (new, is_known) = (count(&counts.new), count(&counts.known));
    assert_eq!(
        new + is_known,
        delivered,
        "every delivery was answered once, in the end"
    );
    assert!(
        count(&counts.killed) > delivered / 500 && count(&counts.failed) > 0,
        "{counts:?}"
    );
    the_events_are_all_there(&world, &bodies).await;
    the_pairs_are_as_in_order(&world, &results);
    what_was_decided_is_to_be_told(&world).await;
}

/// Each once, whole, and written once.
async fn the_events_are_all_there(world: &World, bodies: &[Value]) {
    let far: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let stored = world.table.events(Timestamp::UNIX_EPOCH, far).await.unwrap();
    assert_eq!(stored.len(), bodies.len());
    assert_eq!(
        world.chaos.written.lock().unwrap().len(),
        bodies.len(),
        "each was new once"
    );
    let stored: BTreeMap<&str, _> = stored.iter().map(|event| (event.id.as_str(), event)).collect();
    for body in bodies {
        let event = stored[body["id"].as_str().unwrap()];
        assert_eq!(event.body, *body);
        let result = &body["detail"]["newEvaluationResult"];
        if let Some(status) = result["complianceType"].as_str() {
            assert_eq!(event.status.as_deref(), Some(status));
            let old = body["detail"]["oldEvaluationResult"]["complianceType"].as_str();
            assert_eq!(event.old_status.as_deref(), old);
            assert_eq!(
                event.event_time.to_string(),
                result["resultRecordedTime"].as_str().unwrap()
            );
            assert!(event.rule.as_deref() == Some(HIGH) || event.rule.as_deref() == Some(LOW));
            assert!(event.decision.is_some());
        } else {
            assert_eq!(event.decision, None);
        }
    }
}

fn the_pairs_are_as_in_order(world: &World, results: &[Evaluated]) {
    let expected = reference(results);
    let pairs = world.table.pairs();
    assert_eq!(pairs.len(), expected.len());
    for (key, pair) in &pairs {
        assert_eq!(known(&pair.history), expected[key], "{key:?}");
    }
}

/// Every decision to tell has its entry for each route, and no incident is opened twice.
async fn what_was_decided_is_to_be_told(world: &World) {
    let (mut decided, mut opened) = (BTreeSet::new(), BTreeSet::new());
    for write in world.chaos.written.lock().unwrap().iter() {
        let Some(Decision::Told {
            word,
            incident,
            routes,
        }) = &write.event.decision
        else {
            continue;
        };
        assert!(
            *word != Word::Opened || opened.insert(incident.clone()),
            "{incident} was opened twice"
        );
        assert!(
            opened.contains(incident),
            "{incident} was spoken of before it was opened"
        );
        decided.extend(routes.iter().map(|route| (route.clone(), write.event.id.clone())));
    }
    let windows = world
        .table
        .overdue("2027-01-01T00:00:00Z".parse().unwrap())
        .await
        .unwrap();
    let mut to_tell = BTreeSet::new();
    for (route, window) in &windows {
        for entry in world.table.outbox(route, *window).await.unwrap() {
            assert_eq!(entry.alert.key.rule, HIGH);
            assert!(to_tell.insert((entry.route, entry.event_id)));
        }
    }
    assert_eq!(to_tell, decided);
    assert!(decided.iter().any(|(route, _)| route == "security") && decided.len() > opened.len());
    let windows: BTreeSet<_> = windows.into_iter().collect();
    let started = world.alerts.started();
    let started: BTreeSet<_> = started
        .into_iter()
        .map(|start| (start.route, start.window))
        .collect();
    assert!(
        started.is_subset(&windows),
        "nothing is started that has nothing to tell"
    );
    assert!(
        started.len() * 2 > windows.len(),
        "{} of {}",
        started.len(),
        windows.len()
    );
}

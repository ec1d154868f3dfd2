//! How single messages end: stored, with the dead letters, or back in the queue; and what is told, logged and kept.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use compliance::Timestamp;
use compliance::alerts::{Batched, Decision, Window, Word};
use compliance::organization::Account;
use compliance::ports::{Clock, EventTable};
use compliance::settings::Settings;
use record_event::task::{SqsAnswer, SqsBatch};
use record_event::{BatchOutcome, Came, Handled, Message, Setup, Wired, run};
use serde_json::{Value, json};

use support::{BEGIN, Chaos, Evaluated, HIGH, LONG, LOW, SETTINGS, Sender, World, message, result, setup};

/// Works on bodies in one batch; messages are named by place.
async fn batch(world: &World, setup: &Setup, bodies: &[Value]) -> BatchOutcome {
    let messages: Vec<Message> = bodies
        .iter()
        .enumerate()
        .map(|(place, body)| message(&place.to_string(), body))
        .collect();
    run(&messages, &Sender::immortal(world), setup, LONG).await
}

/// What was decided, in the order of writing.
fn decisions(world: &World) -> Vec<Decision> {
    let written = world.chaos.written.lock().unwrap();
    written
        .iter()
        .filter_map(|write| write.event.decision.clone())
        .collect()
}

fn is_stored(outcome: &BatchOutcome) -> bool {
    outcome.failed.is_empty() && outcome.handled.iter().all(|handled| handled.code().is_none())
}

#[tokio::test]
async fn what_is_no_event_goes_to_the_dead_letters_at_once_and_says_why() {
    let good = result("good", 0, None, "COMPLIANT").body();
    let without = |field: &str| {
        let mut body = good.clone();
        body["detail"].as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    for (body, code, says) in [
        ("{ no JSON".to_owned(), "Event.NotJson", "line 1, column 3"),
        (String::new(), "Event.NotJson", "not JSON"),
        ("[]".to_owned(), "Event.Malformed", "a JSON object"),
        (
            with("time", json!("yesterday")),
            "Event.Malformed",
            "time is not a time",
        ),
        (without("resourceId"), "Event.MissingField", "resourceId"),
        (
            with("source", json!("aws.ec2")),
            "Event.UnknownSource",
            "none of aws.config",
        ),
        (
            with("detail-type", json!("Config Something")),
            "Event.UnknownType",
            "kind",
        ),
    ] {
        let world = World::calm();
        let messages = [
            Message {
                id: "bad".to_owned(),
                body: body.clone(),
            },
            message("good", &good),
        ];
        let outcome = run(&messages, &Sender::immortal(&world), &setup(SETTINGS), LONG).await;
        assert_eq!(outcome.failed, Vec::<String>::new(), "it is seen to");
        assert_eq!(outcome.errors().into_iter().collect::<Vec<_>>(), [(code, 1)]);
        assert_eq!(outcome.stored()["compliance_change"], 1);
        let kept = world.letters.kept();
        assert_eq!(
            (kept.len(), &kept[0].body, kept[0].code.as_str()),
            (1, &body, code)
        );
        assert!(kept[0].reason.contains(says), "{}", kept[0].reason);
    }
}

#[tokio::test]
async fn a_poison_that_cannot_be_kept_goes_back_to_the_queue() {
    let world = World {
        letters_fail: true,
        ..World::calm()
    };
    let good = result("good", 0, None, "COMPLIANT").body();
    let outcome = batch(&world, &setup(SETTINGS), &[json!({}), good]).await;
    assert_eq!(outcome.failed, ["0"]);
    assert_eq!(outcome.errors()["Queue.Unavailable"], 1);
    assert_eq!(outcome.stored()["compliance_change"], 1);
}

#[tokio::test]
async fn one_that_cannot_be_stored_goes_back_alone() {
    let world = World::calm();
    let setup = setup(SETTINGS);
    world.chaos.overtaken.store(true, Ordering::Relaxed);
    let stormy = batch(&world, &setup, &[result("a", 0, None, "COMPLIANT").body()]).await;
    assert_eq!(
        (stormy.failed.as_slice(), stormy.errors()["Record.Overtaken"]),
        (&["0".to_owned()][..], 1)
    );
    assert!(
        (10..60).contains(&stormy.handled[0].tried),
        "{}",
        stormy.handled[0].tried
    );
    world.chaos.overtaken.store(false, Ordering::Relaxed);
    let calm = batch(&world, &setup, &[result("a", 0, None, "COMPLIANT").body()]).await;
    assert!(is_stored(&calm));
}

#[tokio::test]
async fn what_the_table_will_never_take_goes_to_the_dead_letters() {
    let world = World::calm();
    world.chaos.refused.store(true, Ordering::Relaxed);
    let outcome = batch(
        &world,
        &setup(SETTINGS),
        &[result("a", 0, None, "COMPLIANT").body()],
    )
    .await;
    assert_eq!(outcome.failed, Vec::<String>::new());
    assert_eq!(outcome.errors()["Events.InvalidRequest"], 1);
    assert_eq!(world.letters.kept()[0].code, "Events.InvalidRequest");
    assert_eq!(outcome.handled[0].tried, 1, "it would be refused again");
}

#[tokio::test]
async fn a_table_that_throttles_all_the_time_keeps_nobody_for_long() {
    let world = World::new(Chaos::new(1, 100, 0));
    let bodies: Vec<Value> = (0..25)
        .map(|number| {
            Evaluated {
                resource: format!("r{number}"),
                ..result(&format!("e{number}"), 0, None, "COMPLIANT")
            }
            .body()
        })
        .collect();
    let outcome = batch(&world, &setup(SETTINGS), &bodies).await;
    assert_eq!(outcome.failed.len(), 25);
    assert_eq!(outcome.errors()["Events.Throttled"], 25);
    assert!(outcome.handled.iter().all(|handled| handled.tried <= 5));
}

#[tokio::test]
async fn nothing_is_begun_or_tried_again_when_time_is_up() {
    let setup = setup(SETTINGS);
    let messages = [message("m", &result("a", 0, None, "COMPLIANT").body())];
    for (budget, tried, code) in [
        (Duration::ZERO, 0, "Record.OutOfTime"),
        (Duration::from_millis(3), 1, "Events.Throttled"),
    ] {
        let world = World::new(Chaos::new(1, 100, 0));
        let outcome = run(&messages, &Sender::immortal(&world), &setup, budget).await;
        assert_eq!(outcome.failed, ["m"]);
        assert_eq!(
            (outcome.handled[0].tried, outcome.handled[0].code()),
            (tried, Some(code))
        );
    }
}

#[tokio::test]
async fn an_event_is_stored_once_and_told_once() {
    let world = World::calm();
    let setup = setup(SETTINGS);
    let body = result("a", 0, Some("COMPLIANT"), "NON_COMPLIANT").body();
    let outcome = batch(&world, &setup, &[body.clone(), body.clone()]).await;
    let known = |outcome: &BatchOutcome| {
        let known = |handled: &&Handled| matches!(handled.came, Came::Stored { is_known: true, .. });
        outcome.handled.iter().filter(known).count()
    };
    assert_eq!((known(&outcome), outcome.stored()["compliance_change"]), (1, 2));
    let again = batch(&world, &setup, &[body]).await;
    assert_eq!(known(&again), 1);
    let nothing_new = Came::Stored {
        is_known: true,
        decision: None,
    };
    assert_eq!(again.handled[0].came, nothing_new);
    assert_eq!(
        again.handled[0].latency, None,
        "a second delivery says nothing of the first"
    );
    assert_eq!((world.alerts.started().len(), decisions(&world).len()), (1, 1));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_known_when_it_is_asked_again() {
    let world = World::new(Chaos::new(1, 0, 100));
    let body = result("a", 0, Some("COMPLIANT"), "NON_COMPLIANT").body();
    let outcome = batch(&world, &setup(SETTINGS), &[body]).await;
    assert!(is_stored(&outcome), "{outcome:?}");
    assert_eq!((outcome.handled[0].tried, decisions(&world).len()), (1, 1));
    let overdue = world
        .table
        .overdue("2026-11-21T11:00:00Z".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(overdue.len(), 1, "what nobody started, the sweep finds");
}

#[tokio::test]
async fn results_of_one_pair_in_a_batch_are_taken_in_the_order_of_time() {
    let world = World::calm();
    let bodies = [
        result("c", 30, Some("COMPLIANT"), "NON_COMPLIANT").body(),
        result("b", 20, Some("NON_COMPLIANT"), "COMPLIANT").body(),
        result("a", 10, Some("COMPLIANT"), "NON_COMPLIANT").body(),
    ];
    let outcome = batch(&world, &setup(SETTINGS), &bodies).await;
    let words: Vec<Word> = decisions(&world)
        .into_iter()
        .map(|decision| match decision {
            Decision::Told { word, .. } => word,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words, [Word::Opened, Word::Resolved, Word::Reopened]);
    assert!(is_stored(&outcome));
}

#[tokio::test]
async fn what_is_told_has_names_and_a_start_for_each_route_and_window() {
    let world = World::calm();
    world.clock.advance(Duration::from_secs(65));
    let settings = format!(
        "{SETTINGS}[accounts.\"111122220003\"]\nname = \"Payments\"\n[[delivery.routes]]\nname = \"sandbox\"\nalerts = \"only\"\n\
         organizational_units = [\"Root/Sandbox\"]\nto = {{ sns_topic = \"summary\" }}\n"
    );
    let collected = [Account {
        account_id: "111122220003".to_owned(),
        name: Some("pay-1".to_owned()),
        organizational_unit: Some("Root/Production".to_owned()),
    }];
    let setup = Setup::new(Settings::parse(&settings).unwrap(), &collected).unwrap();
    let of = |id: &str, account: &str| Evaluated {
        account: account.to_owned(),
        ..result(id, 0, Some("COMPLIANT"), "NON_COMPLIANT")
    };
    let bodies = [of("a", "111122220003").body(), of("b", "111122220004").body()];
    let outcome = batch(&world, &setup, &bodies).await;
    assert!(is_stored(&outcome) && outcome.not_started.is_empty());
    let window = Window::parse("2026-11-21T10:01:00Z").unwrap();
    let on = async |route: &str| world.table.outbox(route, window).await.unwrap();
    let security = &on("security").await[0];
    assert_eq!(
        security.alert.account_name.as_deref(),
        Some("Payments"),
        "the settings say otherwise"
    );
    assert_eq!(
        security.alert.organizational_unit.as_deref(),
        Some("Root/Production")
    );
    assert_eq!((on("oncall").await.len(), on("security").await.len()), (2, 1));
    let elsewhere: Vec<String> = on("sandbox")
        .await
        .into_iter()
        .map(|entry| entry.event_id)
        .collect();
    assert_eq!(elsewhere, ["b"], "whose unit is not known");
    let started = world.alerts.started();
    let mut routes: Vec<&str> = started.iter().map(|start| start.route.as_str()).collect();
    routes.sort_unstable();
    assert_eq!(routes, ["oncall", "sandbox", "security"]);
    assert!(
        started
            .iter()
            .all(|start| start.window == window && start.again.is_none())
    );
    assert_eq!(started[0].closes, "2026-11-21T10:01:35Z".parse().unwrap());
}

#[tokio::test]
async fn without_a_route_for_alerts_the_stacks_own_topic_is_told() {
    let world = World::calm();
    let settings = "[rules.\"s3-bucket-versioning-enabled\"]\nseverity = \"high\"\n";
    batch(
        &world,
        &setup(settings),
        &[result("a", 0, Some("COMPLIANT"), "NON_COMPLIANT").body()],
    )
    .await;
    let window = Window::of(BEGIN.parse().unwrap(), 30);
    assert_eq!(world.table.outbox("summary", window).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_alert_that_cannot_be_started_is_left_to_the_sweep() {
    let world = World {
        alerts_fail: true,
        ..World::calm()
    };
    let outcome = batch(
        &world,
        &setup(SETTINGS),
        &[result("a", 0, Some("COMPLIANT"), "NON_COMPLIANT").body()],
    )
    .await;
    assert!(is_stored(&outcome), "the event is stored all the same");
    assert_eq!(outcome.not_started, ["Executions.Throttled"]);
    let overdue = world
        .table
        .overdue("2026-11-21T11:00:00Z".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(overdue.len(), 1);
}

#[tokio::test]
async fn a_noncompliant_pair_is_known_for_as_long_as_it_is() {
    let days = |days: u64| Duration::from_secs(86_400 * days);
    let world = World::calm();
    let setup = setup(SETTINGS);
    let later = |seconds, id: &str, old, new| {
        Evaluated {
            rule: (LOW.to_owned(), LOW.to_owned()),
            ..result(id, seconds, old, new)
        }
        .body()
    };
    batch(
        &world,
        &setup,
        &[later(0, "a", Some("COMPLIANT"), "NON_COMPLIANT")],
    )
    .await;
    world.clock.advance(days(1_000));
    assert_eq!(world.table.pairs().len(), 1, "still noncompliant");
    let all = async || {
        world
            .table
            .events(Timestamp::UNIX_EPOCH, Timestamp::MAX)
            .await
            .unwrap()
    };
    assert_eq!(all().await, [], "its event is history");
    let at = 1_000 * 86_400;
    batch(
        &world,
        &setup,
        &[later(at, "b", Some("NON_COMPLIANT"), "COMPLIANT")],
    )
    .await;
    assert_eq!(
        decisions(&world)[1],
        Decision::Batched {
            why: Batched::NothingOpen
        }
    );
    world.clock.advance(days(399));
    assert_eq!((world.table.pairs().len(), all().await.len()), (1, 1));
    world.clock.advance(days(2));
    assert_eq!((world.table.pairs().len(), all().await.len()), (0, 0));
    let at = at + 402 * 86_400;
    batch(&world, &setup, &[later(at, "c", None, "NON_COMPLIANT")]).await;
    assert_eq!(
        decisions(&world)[2],
        Decision::Batched {
            why: Batched::FirstEvaluation
        },
        "nothing was known of it"
    );
    assert_eq!(world.table.pairs().len(), 1, "in place of what has expired");
}

#[tokio::test]
async fn an_event_of_no_pair_is_stored_alone() {
    let world = World::calm();
    let item = json!({
        "id": "i", "source": "aws.config", "detail-type": "Config Configuration Item Change", "account": "111122223333",
        "region": "eu-west-1", "time": BEGIN, "detail": {
            "messageType": "ConfigurationItemChangeNotification", "configurationItemDiff": null,
            "configurationItem": {"resourceType": "AWS::S3::Bucket", "resourceId": "payroll-backups", "configurationItemStatus": "OK"},
        },
    });
    let outcome = batch(&world, &setup(SETTINGS), &[item]).await;
    assert_eq!(outcome.stored()["item_change"], 1);
    assert!(world.table.pairs().is_empty());
}

/// Logs name rules and statuses; of accounts four digits, of resources a hash, of addresses nothing.
#[tokio::test]
async fn no_log_names_an_account_or_a_resource() {
    let setup = setup(SETTINGS);
    let bodies = [
        result("a", 0, Some("COMPLIANT"), "NON_COMPLIANT").body(),
        Evaluated {
            rule: ("check-10.1.2.3-111122223333".to_owned(), String::new()),
            ..result("b", 0, None, "COMPLIANT")
        }
        .body(),
        json!({"id": "c", "source": "aws.config", "detail-type": "Config Rules Re-evaluation Status", "account": "111122223333",
               "region": "eu-west-1", "time": BEGIN, "detail": {"configRuleNames": ["payroll-rule"]}}),
        json!({"account": "111122223333", "detail-type": "x", "source": "payroll-backups"}),
    ];
    let mut logs = String::new();
    let failing = World {
        letters_fail: true,
        alerts_fail: true,
        ..World::new(Chaos::new(3, 60, 10))
    };
    for world in [World::calm(), failing] {
        for _ in 0..20 {
            let outcome = batch(&world, &setup, &bodies).await;
            for handled in &outcome.handled {
                logs += &(Value::Object(handled.line()).to_string() + "\n");
            }
            logs += &outcome.not_started.join("\n");
        }
    }
    for secret in ["111122223333", "payroll", "10.1.2.3"] {
        assert!(!logs.contains(secret), "{secret}: {logs}");
    }
    for shown in [
        "********3333",
        HIGH,
        "NON_COMPLIANT",
        "opened",
        "Events.Throttled",
        "processing_time_ms",
        "latency_ms",
    ] {
        assert!(logs.contains(shown), "{shown}: {logs}");
    }
    assert!(logs.lines().all(|line| line.len() < 600));
}

#[tokio::test]
async fn latency_is_from_when_aws_sent_it() {
    let world = World::calm();
    world.clock.advance(Duration::from_secs(7));
    let outcome = batch(
        &world,
        &setup(SETTINGS),
        &[result("a", 3, None, "COMPLIANT").body()],
    )
    .await;
    let latency = outcome.handled[0].latency.unwrap().as_secs_f64();
    assert!((4.0..4.5).contains(&latency), "{latency}");
    assert!(world.clock.now() > BEGIN.parse().unwrap());
}

#[tokio::test]
async fn the_queue_is_answered_with_what_it_is_to_give_again() {
    let given = json!({"Records": [
        {"messageId": "m-1", "receiptHandle": "r", "body": "{}", "attributes": {"ApproximateReceiveCount": "1"}, "awsRegion": "eu-west-1"},
        {"messageId": "m-2", "receiptHandle": "r", "body": result("a", 0, None, "COMPLIANT").body().to_string()},
    ]});
    let given: SqsBatch = serde_json::from_value(given).unwrap();
    let world = World {
        letters_fail: true,
        ..World::calm()
    };
    let outcome = run(
        &given.messages(),
        &Sender::immortal(&world),
        &setup(SETTINGS),
        LONG,
    )
    .await;
    let answer = serde_json::to_value(SqsAnswer::of(&outcome)).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]}));
    assert!(
        serde_json::from_value::<SqsBatch>(json!({"records": []})).is_err(),
        "no batch of a queue"
    );
}

/// The function's own ports, and what its log says of each decision.
#[tokio::test]
async fn each_decision_has_its_word_in_the_log() {
    let world = World::calm();
    let ports = Wired {
        table: &world.table,
        letters: &world.letters,
        alerts: &world.alerts,
        time: &world.clock,
    };
    let (good, bad) = ("COMPLIANT", "NON_COMPLIANT");
    let words = async |settings: &str, results: &[Evaluated]| {
        let messages: Vec<Message> = results
            .iter()
            .map(|result| message(&format!("m-{}", result.id), &result.body()))
            .collect();
        let outcome = run(&messages, &ports, &setup(settings), LONG).await;
        assert_eq!(outcome.failed, Vec::<String>::new());
        let word = |handled: &Handled| handled.line()["decision"].as_str().unwrap().to_owned();
        outcome.handled.iter().map(word).collect::<Vec<_>>()
    };
    let first = [
        result("1", 0, Some(good), bad),
        result("2", 60, Some(bad), good),
        result("3", 120, Some(good), bad),
        result("4", 180, Some(bad), bad),
    ];
    assert_eq!(
        words(SETTINGS, &first).await,
        ["opened", "resolved", "reopened", "unchanged"]
    );
    let late = [result("5", 90, Some(bad), good)];
    assert_eq!(words(SETTINGS, &late).await, ["superseded"]);
    assert_eq!(
        words(SETTINGS, &[result("6", 240, Some(bad), good)]).await,
        ["resolved"]
    );
    let silence = "[[alerts.silences]]\nuntil = 2027-01-01T00:00:00Z\nreason = \"r\"\nowner = \"o\"\n";
    let again = [result("7", 300, Some(good), bad)];
    assert_eq!(words(&format!("{silence}{SETTINGS}"), &again).await, ["silenced"]);
    assert_eq!(
        world.alerts.started().len(),
        1,
        "all within one window, on one route"
    );
}

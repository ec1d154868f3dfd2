//! Notices, secrets and executions on the wire, against a server that answers from a script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use aws::{ExecutionStatus, Happened, MapCounts, Redrive, Started};
use compliance::ports::{Notifier, PortErrorKind, Secrets};
use serde_json::{Value, json};

use support::{Answer, Asked, Stub};

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:summary";
const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:report";
const RUN: &str = "arn:aws:states:us-east-1:111122223333:execution:report:daily-1";

#[tokio::test]
async fn a_notice_is_published_and_throttling_waited_out() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Refusal(503, "SlowDown"),
        _ => Answer::Xml(
            "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
                .to_owned(),
        ),
    })
    .await;
    let notifier = stub.connect().await.notifier(TOPIC);
    notifier.notify("Daily\nreport", "Score 87.2 %").await.unwrap();
    let asked = stub.asked();
    let form = asked[1].body.as_str().unwrap();
    assert_eq!((asked.len(), asked[1].operation.as_str()), (2, "Publish"));
    assert!(
        form.contains("Subject=Daily+report") || form.contains("Subject=Daily%20report"),
        "{form}"
    );
    assert!(form.contains("Message=Score"), "{form}");
}

#[tokio::test]
async fn a_topic_that_is_not_there_or_denied_is_named() {
    let check = async |status, code: &'static str, kind, says: &str| {
        let stub = Stub::serve(move |_| {
            Answer::Status(
                status,
                format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
                ),
            )
        })
        .await;
        let error = stub
            .connect()
            .await
            .notifier(TOPIC)
            .notify("a", "b")
            .await
            .unwrap_err();
        assert_eq!((error.service, error.kind), ("Notify", kind), "{error}");
        assert!(
            error.to_string().contains(TOPIC) && error.to_string().contains(says),
            "{error}"
        );
    };
    check(404, "NotFound", PortErrorKind::NotFound, "check its name").await;
    check(
        403,
        "AuthorizationError",
        PortErrorKind::AccessDenied,
        "sns:Publish",
    )
    .await;
}

#[tokio::test]
async fn a_secret_is_text_and_in_no_error() {
    let stub = Stub::serve(|asked| match asked.body["SecretId"].as_str() {
        Some("slack") => Answer::Json(json!({"Name": "slack", "SecretString": "hush"})),
        Some("binary") => Answer::Json(json!({"Name": "binary", "SecretBinary": "aHVzaA=="})),
        Some("denied") => Answer::Error(400, "AccessDeniedException", "not you"),
        _ => Answer::Error(400, "ResourceNotFoundException", "none"),
    })
    .await;
    let secrets = stub.connect().await.secrets();
    assert_eq!(secrets.secret("slack").await.unwrap().expose(), "hush");
    let check = async |name, code: &str, says| {
        let error = secrets.secret(name).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(
            error.to_string().contains(name) && error.to_string().contains(says),
            "{error}"
        );
        assert!(
            !format!("{error:?}").contains("hush") && !format!("{error:?}").contains("aHVzaA"),
            "{error:?}"
        );
    };
    check("binary", "Secrets.InvalidAnswer", "as a string").await;
    check("denied", "Secrets.AccessDenied", "secretsmanager:GetSecretValue").await;
    check("other", "Secrets.NotFound", "check its name").await;
}

#[tokio::test]
async fn a_start_is_made_once() {
    let stub = Stub::serve(|asked| match asked.body["name"].as_str() {
        Some("daily-1") => Answer::Json(json!({"executionArn": RUN, "startDate": 1_763_715_120.5})),
        _ => Answer::Error(400, "ExecutionAlreadyExists", "taken"),
    })
    .await;
    let executions = stub
        .connect()
        .await
        .executions(&format!("{MACHINE}:live"))
        .unwrap();
    let runs = executions.start("daily-1", "{}").await.unwrap();
    assert_eq!(runs, Started::Runs { arn: RUN.to_owned() });
    assert_eq!(stub.asked()[0].body["stateMachineArn"], MACHINE);
    let taken = executions.start("daily-2", "{}").await.unwrap();
    let arn = RUN.replace("daily-1", "daily-2");
    assert_eq!(taken, Started::NameTaken { arn });
    let error = stub.connect().await.executions(RUN).unwrap_err();
    assert_eq!(error.code(), "Executions.InvalidRequest");
}

#[tokio::test]
async fn an_execution_is_described_in_our_words() {
    let stub = Stub::serve(|_| {
        Answer::Json(json!({
            "executionArn": RUN, "stateMachineArn": MACHINE, "name": "daily-1", "status": "FAILED",
            "startDate": 1_763_715_120.123, "stopDate": 1_763_715_130.0, "input": "{\"kind\":\"daily\"}",
            "error": "Render.Failed", "cause": "no font", "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": "old",
        }))
    })
    .await;
    let executions = stub.connect().await.executions(MACHINE).unwrap();
    let run = executions.describe(&executions.arn_of("daily-1")).await.unwrap();
    assert_eq!(stub.asked()[0].body["executionArn"], RUN);
    assert_eq!(
        (run.name.as_str(), run.status),
        ("daily-1", ExecutionStatus::Failed)
    );
    assert_eq!(run.started_at, "2025-11-21T08:52:00.123Z".parse().unwrap());
    assert_eq!(
        (run.error.as_deref(), run.cause.as_deref()),
        (Some("Render.Failed"), Some("no font"))
    );
    assert_eq!(run.redrive, Redrive::Impossible(Some("old".to_owned())));
}

#[tokio::test]
async fn an_execution_that_is_not_there_or_not_readable_is_named() {
    let stub = Stub::serve(|asked| match asked.body["executionArn"].as_str() {
        Some(arn) if arn.ends_with("none") => Answer::Error(400, "ExecutionDoesNotExist", "none"),
        _ => Answer::Json(json!({
            "executionArn": RUN, "stateMachineArn": MACHINE, "status": "WHO_KNOWS", "startDate": 1.0,
        })),
    })
    .await;
    let executions = stub.connect().await.executions(MACHINE).unwrap();
    let error = executions.describe(&executions.arn_of("none")).await.unwrap_err();
    assert_eq!(error.code(), "Executions.NotFound");
    assert!(error.to_string().contains("execution:report:none"), "{error}");
    let error = executions.describe(RUN).await.unwrap_err();
    assert_eq!(error.code(), "Executions.InvalidAnswer");
    assert!(error.to_string().contains("WHO_KNOWS"), "{error}");
}

/// Events newest first, three a page, of a history of eight.
fn history(asked: &Asked) -> Answer {
    assert_eq!(asked.body["reverseOrder"], true);
    let newest: i64 = asked.body["nextToken"]
        .as_str()
        .map_or(8, |token| token.parse().unwrap());
    let events: Vec<Value> = (1..=newest).rev().take(3).map(recorded).collect();
    Answer::Json(json!({
        "events": events,
        "nextToken": (newest > 3).then(|| (newest - 3).to_string()),
    }))
}

/// An event in the service's own shape.
fn recorded(id: i64) -> Value {
    let (kind, details, value) = match id {
        1 => (
            "ExecutionStarted",
            "executionStartedEventDetails",
            json!({"roleArn": "r"}),
        ),
        2 => (
            "MapStateEntered",
            "stateEnteredEventDetails",
            json!({"name": "CollectInline"}),
        ),
        3 => (
            "MapStateStarted",
            "mapStateStartedEventDetails",
            json!({"length": 12}),
        ),
        4 => (
            "MapIterationStarted",
            "mapIterationStartedEventDetails",
            json!({"name": "CollectInline", "index": 4}),
        ),
        5 => (
            "TaskFailed",
            "taskFailedEventDetails",
            json!({"resourceType": "lambda", "resource": "invoke", "error": "Config.Throttled", "cause": "c"}),
        ),
        6 => (
            "TaskTimedOut",
            "taskTimedOutEventDetails",
            json!({"resourceType": "lambda", "resource": "invoke"}),
        ),
        7 => (
            "MapIterationSucceeded",
            "mapIterationSucceededEventDetails",
            json!({"name": "CollectInline", "index": 4}),
        ),
        _ => (
            "ExecutionFailed",
            "executionFailedEventDetails",
            json!({"error": "Store.Damaged"}),
        ),
    };
    json!({"timestamp": 1_763_715_120.0 + id as f64, "type": kind, "id": id, "previousEventId": id - 1, details: value})
}

#[tokio::test]
async fn a_history_is_read_from_its_end_as_far_as_needed() {
    let stub = Stub::serve(history).await;
    let executions = stub.connect().await.executions(MACHINE).unwrap();
    let all = executions.history_after(RUN, 0).await.unwrap();
    assert_eq!(
        all.iter().map(|event| event.id).collect::<Vec<_>>(),
        Vec::from_iter(1..=8)
    );
    assert_eq!(stub.asked().len(), 3);
    assert_eq!(stub.asked()[0].body["includeExecutionData"], false);
    let what: Vec<Happened> = all.into_iter().map(|event| event.what).collect();
    assert_eq!(what[0], Happened::Other("ExecutionStarted".to_owned()));
    assert_eq!(
        what[1],
        Happened::Entered {
            state: "CollectInline".to_owned()
        }
    );
    assert_eq!(what[2], Happened::MapStarted { items: 12 });
    assert_eq!(what[3], Happened::ItemStarted { index: 4 });
    assert!(
        matches!(&what[4], Happened::AttemptFailed(reason) if reason.error.as_deref() == Some("Config.Throttled"))
    );
    assert!(
        matches!(&what[5], Happened::AttemptFailed(reason) if reason.error.as_deref() == Some("States.Timeout"))
    );
    assert_eq!(what[6], Happened::ItemSucceeded);
    assert!(matches!(&what[7], Happened::Failed(reason) if reason.error.as_deref() == Some("Store.Damaged")));

    let new = executions.history_after(RUN, 6).await.unwrap();
    assert_eq!(new.iter().map(|event| event.id).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(stub.asked().len(), 4, "one page was enough");
    assert!(executions.history_after(RUN, 8).await.unwrap().is_empty());
}

#[tokio::test]
async fn executions_are_listed_newest_first_over_pages() {
    let item = |name: &str, at: f64| json!({"executionArn": format!("arn:{name}"), "stateMachineArn": MACHINE, "name": name, "status": "SUCCEEDED", "startDate": at, "stopDate": at + 9.0});
    let stub = Stub::serve(move |asked| match asked.body["nextToken"].as_str() {
        None => Answer::Json(json!({"executions": [item("c", 3.0)], "nextToken": "1"})),
        Some("1") => Answer::Json(json!({"executions": [], "nextToken": "2"})),
        _ => Answer::Json(json!({"executions": [item("b", 2.0), item("a", 1.0)]})),
    })
    .await;
    let executions = stub.connect().await.executions(MACHINE).unwrap();
    let names = async |most| -> Vec<String> {
        let newest = executions.newest(most).await.unwrap();
        newest.into_iter().map(|listed| listed.name).collect()
    };
    assert_eq!(names(20).await, ["c", "b", "a"]);
    assert_eq!(names(2).await, ["c", "b"]);
    assert_eq!(names(1).await, ["c"]);
}

#[tokio::test]
async fn a_map_run_is_counted_and_an_execution_stopped() {
    let stub = Stub::serve(|asked| match asked.operation.as_str() {
        "DescribeMapRun" => Answer::Json(json!({
            "mapRunArn": "m", "executionArn": RUN, "status": "RUNNING", "startDate": 1.0, "maxConcurrency": 40,
            "toleratedFailurePercentage": 100.0, "toleratedFailureCount": 0,
            "itemCounts": {"pending": 5, "running": 2, "succeeded": 90, "failed": 2, "timedOut": 1, "aborted": 0, "total": 100, "resultsWritten": 0},
            "executionCounts": {"pending": 5, "running": 2, "succeeded": 90, "failed": 2, "timedOut": 1, "aborted": 0, "total": 100, "resultsWritten": 0},
        })),
        _ => Answer::Json(json!({"stopDate": 2.0})),
    })
    .await;
    let executions = stub.connect().await.executions(MACHINE).unwrap();
    let counts = executions.map_counts("m").await.unwrap();
    assert_eq!(
        counts,
        MapCounts {
            total: 100,
            done: 93,
            failed: 3
        }
    );
    executions.stop(RUN, "no longer needed").await.unwrap();
    assert_eq!(stub.asked()[1].body["cause"], "no longer needed");
}

//! The event table and the queue of dead letters on the wire, against a server that answers from a script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use aws::MoveStatus;
use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window};
use compliance::catalogue::Catalogue;
use compliance::evaluation::PairKey;
use compliance::events::{Event, EventRecord, PairHistory, parse};
use compliance::ports::{
    AlertStarter, DeadLetters, EventTable, EventWrite, PortErrorKind, StoredPair, Written,
};
use compliance::settings::Settings;
use serde_json::{Value, json};

use support::{Answer, Asked, Stub};

const AT: &str = "2026-11-21T10:00:00Z";
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/dead-letters";

fn event() -> Event {
    let text = json!({
        "id": "e-1", "source": "aws.config", "detail-type": "Config Rules Compliance Change",
        "account": "111122223333", "region": "eu-west-1", "time": AT,
        "detail": {
            "resourceId": "b", "resourceType": "AWS::S3::Bucket", "configRuleName": "r",
            "newEvaluationResult": {"complianceType": "COMPLIANT", "resultRecordedTime": AT},
        },
    });
    parse(&text.to_string()).unwrap()
}

fn key() -> PairKey {
    event()
        .pair(&Catalogue::new(&Settings::default()).unwrap())
        .unwrap()
}

/// An event with its pair, or alone.
fn write(with_pair: bool) -> EventWrite {
    let catalogue = Catalogue::new(&Settings::default()).unwrap();
    EventWrite {
        event: EventRecord::new(&event(), &catalogue, None, AT.parse().unwrap(), 400),
        pair: with_pair.then(|| StoredPair {
            history: PairHistory::new(key()),
            version: 3,
        }),
        pair_expires_at: None,
        outbox: Vec::new(),
    }
}

/// The error of a cancelled transaction, with the reasons of its items.
fn cancelled(codes: &[&str]) -> Answer {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code})).collect();
    let error = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons,
    });
    Answer::JsonError(400, error)
}

#[tokio::test]
async fn a_cancelled_transaction_is_read_by_its_reasons() {
    let check = async |codes: &'static [&'static str], expected: Written| {
        let stub = Stub::serve(move |_| cancelled(codes)).await;
        let table = stub.connect().await.event_table("events");
        assert_eq!(table.write(&write(true)).await.unwrap(), expected, "{codes:?}");
        assert_eq!(
            stub.asked().len(),
            1,
            "an answer, so nothing is tried again: {codes:?}"
        );
    };
    check(&["ConditionalCheckFailed", "None"], Written::Known).await;
    check(&["None", "ConditionalCheckFailed"], Written::Conflict).await;
    check(&["TransactionConflict", "None"], Written::Conflict).await;
    check(&["None", "TransactionConflict"], Written::Conflict).await;

    let stub = Stub::serve(|_| cancelled(&["None", "ValidationError"])).await;
    let error = stub
        .connect()
        .await
        .event_table("events")
        .write(&write(true))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "Events.InvalidRequest");
}

#[tokio::test]
async fn throttling_in_every_form_is_waited_out() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => cancelled(&["None", "ThrottlingError"]),
        1 => Answer::Error(400, "ProvisionedThroughputExceededException", "slower"),
        2 => Answer::Error(400, "ThrottlingException", "slower"),
        3 => Answer::Error(400, "RequestLimitExceeded", "slower"),
        4 => Answer::Error(500, "InternalServerError", "ouch"),
        _ => Answer::Json(json!({})),
    })
    .await;
    let table = stub.connect().await.event_table("events");
    assert_eq!(table.write(&write(true)).await.unwrap(), Written::New);
    assert_eq!(stub.asked().len(), 6);
}

#[tokio::test]
async fn throttling_that_does_not_end_is_given_up_and_named() {
    let check = async |with_pair: bool, answer: fn() -> Answer| {
        let stub = Stub::serve(move |_| answer()).await;
        let table = stub.connect().await.event_table("events");
        let error = table.write(&write(with_pair)).await.unwrap_err();
        assert_eq!(error.code(), "Events.Throttled", "{error}");
        assert!(error.to_string().contains("the table events"), "{error}");
        assert!(stub.asked().len() < 50, "{}", stub.asked().len());
    };
    check(true, || cancelled(&["ThrottlingError", "None"])).await;
    check(false, || {
        Answer::Error(400, "ProvisionedThroughputExceededException", "no")
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_repeated_under_the_same_token() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Cut,
        1 => Answer::Error(400, "TransactionInProgressException", "still at it"),
        _ => Answer::Json(json!({})),
    })
    .await;
    let table = stub.connect().await.event_table("events");
    assert_eq!(table.write(&write(true)).await.unwrap(), Written::New);
    assert_eq!(table.write(&write(true)).await.unwrap(), Written::New);
    let tokens: Vec<Value> = stub
        .asked()
        .iter()
        .map(|asked| asked.body["ClientRequestToken"].clone())
        .collect();
    assert_eq!(
        (&tokens[0], &tokens[1]),
        (&tokens[1], &tokens[2]),
        "one write, one token"
    );
    assert_ne!(tokens[2], tokens[3], "another write, another token");
    assert!(tokens[0].as_str().is_some_and(|token| token.len() <= 36));
}

#[tokio::test]
async fn a_transaction_says_what_it_counts_on() {
    let stub = Stub::serve(|_| Answer::Json(json!({}))).await;
    let table = stub.connect().await.event_table("events");
    table.write(&write(true)).await.unwrap();
    let asked = &stub.asked()[0];
    let [event, pair] = asked.body["TransactItems"].as_array().unwrap().as_slice() else {
        panic!("two items: {}", asked.body);
    };
    assert_eq!(event["Put"]["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(
        event["Put"]["Item"]["sk"]["S"],
        "2026-11-21T10:00:00.000000000Z#e-1"
    );
    assert_eq!(pair["Put"]["ExpressionAttributeValues"][":read"]["N"], "3");
    assert_eq!(pair["Put"]["Item"]["version"]["N"], "4");
}

#[tokio::test]
async fn an_event_alone_is_one_put() {
    let check = async |code: &'static str, expected: Written| {
        let stub = Stub::serve(move |_| Answer::Error(400, code, "no")).await;
        let table = stub.connect().await.event_table("events");
        assert_eq!(table.write(&write(false)).await.unwrap(), expected);
        assert_eq!(stub.asked()[0].operation, "PutItem");
    };
    check("ConditionalCheckFailedException", Written::Known).await;
    check("TransactionConflictException", Written::Conflict).await;
}

#[tokio::test]
async fn a_table_that_is_not_there_or_denied_is_named() {
    let check = async |code: &'static str, expected: &str, says: &str| {
        let stub = Stub::serve(move |_| Answer::Error(400, code, "no")).await;
        let error = stub
            .connect()
            .await
            .event_table("events")
            .pair(&key())
            .await
            .unwrap_err();
        assert_eq!(error.code(), expected);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(stub.asked().len(), 1);
    };
    check("ResourceNotFoundException", "Events.NotFound", "check its name").await;
    check("AccessDeniedException", "Events.AccessDenied", "dynamodb:GetItem").await;
    check("UnrecognizedClientException", "Events.Credentials", "").await;
    check("ValidationException", "Events.InvalidRequest", "").await;
}

#[tokio::test]
async fn a_pair_is_read_as_it_is_and_never_that_of_another() {
    let history = serde_json::to_string(&PairHistory::new(key())).unwrap();
    let other = history.replace("\"b\"", "\"c\"");
    assert_ne!(history, other);
    let stub = Stub::serve(move |asked| {
        assert_eq!(asked.body["ConsistentRead"], true);
        let history = [&history, &other][asked.before];
        Answer::Json(json!({"Item": {"pk": {"S": "p"}, "sk": {"S": "s"}, "version": {"N": "7"}, "history": {"S": history}}}))
    })
    .await;
    let table = stub.connect().await.event_table("events");
    assert_eq!(table.pair(&key()).await.unwrap().unwrap().version, 7);
    let error = table.pair(&key()).await.unwrap_err();
    assert_eq!(error.code(), "Events.InvalidAnswer");
}

/// A page of one entry of the outbox for each partition, an empty one with a key in between, and a cut connection.
fn outbox_pages(asked: &Asked) -> Answer {
    let partition = asked.body["ExpressionAttributeValues"][":pk"]["S"]
        .as_str()
        .unwrap();
    let last = |sort: &str| json!({"pk": {"S": partition}, "sk": {"S": sort}});
    match (partition, asked.body["ExclusiveStartKey"]["sk"]["S"].as_str()) {
        ("OUTBOX#3", None) => Answer::Json(json!({"Items": [], "LastEvaluatedKey": last("1")})),
        ("OUTBOX#3", Some("1")) => Answer::Json(json!({
            "Items": [{"sk": {"S": "2026-11-21T10:00:30Z#oncall#a"}}], "LastEvaluatedKey": last("2"),
        })),
        ("OUTBOX#3", Some("2")) => Answer::Json(json!({
            "Items": [{"sk": {"S": "2026-11-21T10:00:30Z#oncall#b"}}, {"sk": {"S": "2026-11-21T10:00:00Z#security#c"}}],
        })),
        ("OUTBOX#5", None) if asked.before < 8 => Answer::Cut,
        _ => Answer::Json(json!({"Items": []})),
    }
}

#[tokio::test]
async fn every_page_of_every_partition_is_read() {
    let stub = Stub::serve(outbox_pages).await;
    let table = stub.connect().await.event_table("events");
    let overdue = table
        .overdue("2026-11-21T10:00:31Z".parse().unwrap())
        .await
        .unwrap();
    let window = |name: &str| Window::parse(name).unwrap();
    let expected = [
        ("oncall".to_owned(), window("2026-11-21T10:00:30Z")),
        ("security".to_owned(), window("2026-11-21T10:00:00Z")),
    ];
    assert_eq!(overdue, expected);
    assert!(
        stub.asked()
            .iter()
            .all(|asked| asked.body["ConsistentRead"] == true)
    );
}

#[tokio::test]
async fn events_of_two_days_are_asked_of_every_partition() {
    let stub = Stub::serve(|_| Answer::Json(json!({"Items": []}))).await;
    let table = stub.connect().await.event_table("events");
    let time = |text: &str| -> Timestamp { text.parse().unwrap() };
    let (from, until) = (time("2026-11-20T23:00:00Z"), time("2026-11-22T00:00:00Z"));
    assert_eq!(table.events(from, until).await.unwrap(), []);
    let asked = stub.asked();
    let mut partitions: Vec<String> = asked
        .iter()
        .map(|asked| {
            asked.body["ExpressionAttributeValues"][":pk"]["S"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    partitions.sort();
    partitions.dedup();
    assert_eq!((asked.len(), partitions.len()), (32, 32));
    assert_eq!(partitions[0], "EVENT#2026-11-20#0");
    assert_eq!(partitions[31], "EVENT#2026-11-21#f");
}

#[tokio::test]
async fn nothing_told_is_no_call() {
    let stub = Stub::serve(|_| Answer::Json(json!({}))).await;
    let table = stub.connect().await.event_table("events");
    let none: [OutboxEntry; 0] = [];
    table.told(&none).await.unwrap();
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_dead_letter_has_its_reason_beside_it() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Error(400, "KmsThrottled", "slower"),
        _ => Answer::Json(json!({"MessageId": "1", "MD5OfMessageBody": "00000000000000000000000000000000"})),
    })
    .await;
    let letters = stub.connect().await.dead_letters(QUEUE);
    letters
        .keep("{", "Event.NotJson", &format!("line 1{}", "x".repeat(5_000)))
        .await
        .unwrap();
    let asked = &stub.asked()[1];
    assert_eq!(
        (asked.operation.as_str(), &asked.body["MessageBody"]),
        ("SendMessage", &json!("{"))
    );
    let attributes = &asked.body["MessageAttributes"];
    assert_eq!(attributes["code"]["StringValue"], "Event.NotJson");
    let reason = attributes["reason"]["StringValue"].as_str().unwrap();
    assert!(reason.starts_with("line 1xx") && reason.len() <= 1_000);
}

#[tokio::test]
async fn a_queue_that_is_not_there_or_denied_is_named() {
    let check = async |code: &'static str, expected: &str| {
        let stub = Stub::serve(move |_| Answer::Error(400, code, "no")).await;
        let error = stub
            .connect()
            .await
            .dead_letters(QUEUE)
            .keep("{", "c", "r")
            .await
            .unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
        assert!(error.to_string().contains(QUEUE), "{error}");
    };
    check("QueueDoesNotExist", "Queue.NotFound").await;
    check("AccessDeniedException", "Queue.AccessDenied").await;
    check("KmsAccessDenied", "Queue.AccessDenied").await;
    check("InvalidMessageContents", "Queue.InvalidRequest").await;
}

#[tokio::test]
async fn messages_are_moved_to_a_named_queue_and_the_move_is_followed() {
    let stub = Stub::serve(|asked| match asked.operation.as_str() {
        "GetQueueAttributes" => Answer::Json(json!({"Attributes": {
            "QueueArn": "arn:dead", "ApproximateNumberOfMessages": "7", "ApproximateNumberOfMessagesNotVisible": "2",
        }})),
        "StartMessageMoveTask" => Answer::Json(json!({"TaskHandle": "h"})),
        _ => Answer::Json(json!({"Results": [
            {"Status": "FAILED", "ApproximateNumberOfMessagesMoved": 1, "FailureReason": "CouldNotDetermineMessageSource", "StartedTimestamp": 1_763_715_120_000_i64},
            {"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 3, "ApproximateNumberOfMessagesToMove": 9, "StartedTimestamp": 1_763_715_130_000_i64},
        ]})),
    })
    .await;
    let queue = stub.connect().await.dead_letter_queue(QUEUE);
    assert_eq!(queue.arn().await.unwrap(), "arn:dead");
    queue.start_move("arn:events", Some(50)).await.unwrap();
    let started = stub
        .asked()
        .into_iter()
        .find(|asked| asked.operation == "StartMessageMoveTask")
        .unwrap();
    assert_eq!(
        started.body,
        json!({"SourceArn": "arn:dead", "DestinationArn": "arn:events", "MaxNumberOfMessagesPerSecond": 50})
    );
    let moves = queue.moves().await.unwrap();
    assert_eq!(
        (moves[0].status, moves[0].moved, moves[0].to_move),
        (MoveStatus::Running, 3, Some(9))
    );
    assert!(!moves[0].status.is_over() && moves[1].status.is_over());
    assert_eq!(
        moves[1].failure.as_deref(),
        Some("CouldNotDetermineMessageSource")
    );
}

#[tokio::test]
async fn an_alert_that_cannot_be_started_is_given_up_soon() {
    let stub = Stub::serve(|_| Answer::Error(400, "ThrottlingException", "slower")).await;
    let machine = "arn:aws:states:us-east-1:111122223333:stateMachine:alert";
    let starter = stub.connect().await.alert_starter(machine).unwrap();
    let window = Window::parse("2026-11-21T10:00:30Z").unwrap();
    let error = starter
        .start("oncall", window, window.closes(30), None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.service),
        (PortErrorKind::Throttled, "Executions")
    );
    assert!(stub.asked().len() < 50);
}

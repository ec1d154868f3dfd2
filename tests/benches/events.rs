//! The subject of `bench_events.py`: events through the record-event step, by some senders at once.
//!
//! - `bench-events memory EVENTS SENDERS` with a table in memory: what the step itself takes.
//! - `bench-events dynamodb EVENTS SENDERS TABLE` with the adapter to DynamoDB, at the server that AWS_ENDPOINT_URL names.
//!
//! It prints how many events a second were stored, and how long each took from when it was sent.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program of the benches: it fails loudly and prints its answer"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use aws::{Aws, AwsSettings};
use compliance::ports::{Clock, EventTable};
use compliance::settings::{CollectionSettings, Settings};
use futures_util::future::join_all;
use local::{MemoryAlertStarter, MemoryDeadLetters, MemoryEventTable, SystemClock};
use record_event::{Message, Setup, Wired, run};
use serde_json::{Value, json};

/// Messages of a batch, as the event source mapping gives them.
const BATCH: usize = 25;
/// Results of each pair, one after the other.
const RESULTS: usize = 5;
const BUDGET: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a number");
    let answer = match arguments[..] {
        ["memory", events, senders] => {
            let table = MemoryEventTable::new(SystemClock);
            Box::pin(measure(&table, number(events), number(senders))).await
        }
        ["dynamodb", events, senders, name] => {
            let aws = Aws::connect(AwsSettings::new(&CollectionSettings::default()));
            let table = aws.await.expect("a connection").event_table(name);
            Box::pin(measure(&table, number(events), number(senders))).await
        }
        _ => {
            println!("bench-events memory EVENTS SENDERS | bench-events dynamodb EVENTS SENDERS TABLE");
            std::process::exit(2);
        }
    };
    println!("{answer}");
}

/// Each sender hands over one batch after the other, of events that are sent at that moment.
async fn measure(table: &impl EventTable, events: usize, senders: usize) -> Value {
    let settings = Settings::parse("[alerts]\nseverity = \"low\"\n").expect("settings");
    let setup = Setup::new(settings, &[]).expect("a setup");
    let (letters, alerts) = (MemoryDeadLetters::default(), MemoryAlertStarter::default());
    let ports = Wired {
        table,
        letters: &letters,
        alerts: &alerts,
        time: &SystemClock,
    };
    let next = AtomicUsize::new(0);
    let send = async || {
        let mut latencies = Vec::new();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= events {
                return latencies;
            }
            let batch: Vec<Message> = (first..events.min(first + BATCH))
                .map(|place| message(place, events))
                .collect();
            let outcome = run(&batch, &ports, &setup, BUDGET).await;
            assert!(outcome.failed.is_empty(), "{:?}", outcome.errors());
            let latency = outcome.handled.iter().filter_map(|handled| handled.latency);
            latencies.extend(latency.map(|latency| latency.as_secs_f64() * 1_000.0));
        }
    };
    let begun = SystemClock.monotonic();
    let latencies = join_all((0..senders).map(|_| send())).await;
    let seconds = SystemClock.monotonic().saturating_sub(begun).as_secs_f64();
    let mut latencies: Vec<f64> = latencies.into_iter().flatten().collect();
    latencies.sort_by(f64::total_cmp);
    let percentile = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    json!({
        "stored": latencies.len(),
        "per_second": latencies.len() as f64 / seconds,
        "p50_ms": percentile(0.5),
        "p95_ms": percentile(0.95),
        "p99_ms": percentile(0.99),
    })
}

/// A result of one of the pairs, of which each gets some over the whole time.
fn message(place: usize, events: usize) -> Message {
    let pairs = events.div_ceil(RESULTS);
    let (pair, number) = (place % pairs, place / pairs);
    let statuses = ["COMPLIANT", "NON_COMPLIANT"];
    let now = SystemClock.now().to_string();
    let result = |status: usize| {
        json!({
            "complianceType": statuses[status % 2], "resultRecordedTime": now, "configRuleInvokedTime": now,
            "annotation": "The bucket is not versioned, and its objects cannot be restored.",
            "evaluationResultIdentifier": {"orderingTimestamp": now, "evaluationResultQualifier": {
                "configRuleName": "s3-bucket-versioning-enabled", "resourceType": "AWS::S3::Bucket", "resourceId": format!("bucket-{pair}"),
            }},
        })
    };
    let account = format!("1111222{:05}", pair % 50);
    let body = json!({
        "version": "0", "id": format!("{now}-{place}"), "source": "aws.config", "detail-type": "Config Rules Compliance Change",
        "account": account, "region": "eu-west-1", "time": now, "resources": [],
        "detail": {
            "resourceId": format!("bucket-{pair}"), "resourceType": "AWS::S3::Bucket", "awsRegion": "eu-west-1",
            "awsAccountId": account, "configRuleName": "s3-bucket-versioning-enabled", "recordVersion": "1.0",
            "configRuleARN": format!("arn:aws:config:eu-west-1:{account}:config-rule/config-rule-abcdef"),
            "messageType": "ComplianceChangeNotification", "notificationCreationTime": now,
            "newEvaluationResult": result(number + 1), "oldEvaluationResult": result(number),
        },
    });
    Message {
        id: place.to_string(),
        body: body.to_string(),
    }
}

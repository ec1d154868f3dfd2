//! Holds the adapters to AWS to the contracts of their ports, against the server that AWS_ENDPOINT_URL names. Driven by
//! `tests/python/test_adapters.py`, which starts that server and looks at what is left there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test in a program of its own"
)]

use std::time::Duration;

use aws::{Aws, AwsSettings, BucketSettings, LockMode, S3ObjectStore};
use compliance::alerts::Window;
use compliance::ports::{AlertStarter, Clock, DeadLetters, ObjectStore, Put, Retention};
use compliance::settings::CollectionSettings;
use local::{SystemClock, contract};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let aws = Aws::connect(AwsSettings::new(&CollectionSettings::default()))
        .await
        .unwrap();
    match arguments[..] {
        ["store", bucket, prefix, kms_key] => {
            contract::object_store(&store(&aws, bucket, prefix, kms_key)).await;
        }
        ["parts", bucket, prefix, kms_key] => in_parts(store(&aws, bucket, prefix, kms_key)).await,
        ["locked", bucket, prefix, kms_key] => locked(store(&aws, bucket, prefix, kms_key)).await,
        ["notifier", topic] => contract::notifier(&aws.notifier(topic), async || received()).await,
        ["secrets", name, value, unknown] => {
            contract::secrets(&aws.secrets(), (name, value), unknown).await;
        }
        ["events", table] => contract::event_table(&aws.event_table(table), SystemClock.now()).await,
        ["dead-letters", queue] => dead_letters(&aws, queue).await,
        ["alerts", machine] => alerts(&aws, machine).await,
        _ => panic!(
            "contract store|parts|locked BUCKET PREFIX KEY, notifier TOPIC, secrets NAME VALUE UNKNOWN, \
             events TABLE, dead-letters URL, alerts ARN"
        ),
    }
    println!("kept");
}

fn store(aws: &Aws, bucket: &str, prefix: &str, kms_key: &str) -> S3ObjectStore {
    let settings = BucketSettings {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        kms_key_arn: (!kms_key.is_empty()).then(|| kms_key.to_owned()),
    };
    aws.store(settings).unwrap()
}

/// A large object is put once, and comes back as it was.
async fn in_parts(store: S3ObjectStore) {
    let part = 5 * 1024 * 1024;
    let store = store.with_parts(part, part);
    let bytes: Vec<u8> = (0..part as u32 * 2 + 7)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert_eq!(
        store.put_new("large.parquet", &bytes).await.unwrap(),
        Put::Created
    );
    assert_eq!(
        store.put_new("large.parquet", &bytes[1..]).await.unwrap(),
        Put::Existed
    );
    assert_eq!(store.get("large.parquet").await.unwrap(), Some(bytes));
}

async fn locked(store: S3ObjectStore) {
    assert_eq!(store.put_new("locked.json", b"{}").await.unwrap(), Put::Created);
    let until = SystemClock
        .now()
        .checked_add(Duration::from_secs(30 * 86_400))
        .unwrap();
    store
        .locked(LockMode::Governance)
        .retain("locked.json", until)
        .await
        .unwrap();
}

/// What is kept is counted and looked at, twice, and still there.
async fn dead_letters(aws: &Aws, url: &str) {
    let (letters, queue) = (aws.dead_letters(url), aws.dead_letter_queue(url));
    assert_eq!(queue.count().await.unwrap(), 0);
    assert_eq!(queue.peek(5).await.unwrap(), []);
    for number in 0..12 {
        let reason = format!("the message is not JSON (line {number}, column 1)\n\u{1}");
        letters
            .keep("{ not \"JSON\" ü", "Event.NotJson", &reason)
            .await
            .unwrap();
    }
    letters.keep("x", "Event.Malformed", "").await.unwrap();
    for most in [3, 13, 50] {
        let looked = queue.peek(most).await.unwrap();
        assert_eq!(looked.len(), most.min(13));
        assert!(looked.iter().all(|letter| letter.sent_at.is_some()));
        let whole = looked.iter().filter(|letter| letter.body == "{ not \"JSON\" ü");
        assert!(whole.count() >= most.min(12) - 1);
        assert!(
            looked
                .iter()
                .all(|letter| letter.code.as_deref().unwrap().starts_with("Event."))
        );
        assert_eq!(queue.count().await.unwrap(), 13, "none is lost");
    }
    let letters = queue.peek(13).await.unwrap();
    let reasons: std::collections::BTreeSet<_> = letters
        .iter()
        .map(|letter| letter.reason.clone().unwrap())
        .collect();
    assert_eq!(reasons.len(), 13, "each its own: {reasons:?}");
}

/// A start is made once, and once again by another name.
async fn alerts(aws: &Aws, machine: &str) {
    let starter = aws.alert_starter(machine).unwrap();
    let window = Window::parse("2026-11-21T10:00:30Z").unwrap();
    let again = Some("2026-11-21T10:03:00Z".parse().unwrap());
    for again in [None, None, again, again] {
        starter
            .start("oncall", window, window.closes(30), again)
            .await
            .unwrap();
    }
}

/// What arrived, as whoever reads the topic says: a line of JSON, asked for by a line.
fn received() -> Vec<(String, String)> {
    println!("what arrived?");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

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
use compliance::ports::{Clock, ObjectStore, Put, Retention};
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
        _ => panic!(
            "contract store|parts|locked BUCKET PREFIX KEY, notifier TOPIC, secrets NAME VALUE UNKNOWN"
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

/// What arrived, as whoever reads the topic says: a line of JSON, asked for by a line.
fn received() -> Vec<(String, String)> {
    println!("what arrived?");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

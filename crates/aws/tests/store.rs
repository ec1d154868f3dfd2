//! The store in a bucket on the wire, against a server that answers from a script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use aws::{BucketSettings, LockMode, S3ObjectStore};
use compliance::Timestamp;
use compliance::ports::{ObjectStore, PortErrorKind, Put, Retention};

use support::{Answer, Asked, Stub};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/0123";

async fn store(stub: &Stub) -> S3ObjectStore {
    let settings = BucketSettings {
        bucket: "evidence".to_owned(),
        prefix: "reports/".to_owned(),
        kms_key_arn: Some(KEY.to_owned()),
    };
    stub.connect().await.store(settings).unwrap()
}

fn done() -> Answer {
    Answer::Object(vec![], vec![])
}

fn operations(stub: &Stub) -> Vec<String> {
    stub.asked().into_iter().map(|asked| asked.operation).collect()
}

#[tokio::test]
async fn a_put_is_conditional_encrypted_and_held_to_its_hash() {
    let stub = Stub::serve(|_| done()).await;
    let put = store(&stub).await.put_new("daily/a.json", b"{}").await.unwrap();
    assert_eq!(put, Put::Created);
    let asked = stub.asked();
    assert_eq!(asked[0].operation, "PutObject");
    assert!(
        asked[0].path.starts_with("/evidence/reports/daily/a.json"),
        "{}",
        asked[0].path
    );
    for (header, expected) in [
        ("if-none-match", "*"),
        ("content-type", "application/json"),
        // SHA-256 of `{}`, in base64.
        (
            "x-amz-checksum-sha256",
            "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=",
        ),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", KEY),
        ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
    ] {
        assert_eq!(
            asked[0].headers.get(header).map(String::as_str),
            Some(expected),
            "{header}"
        );
    }
    assert!(!asked[0].headers.contains_key("x-amz-object-lock-mode"));
}

#[tokio::test]
async fn what_is_locked_says_until_when() {
    let stub = Stub::serve(|_| done()).await;
    let lock = store(&stub).await.locked(LockMode::Compliance);
    let until: Timestamp = "2029-11-20T12:00:00Z".parse().unwrap();
    lock.retain("daily/a.json", until).await.unwrap();
    let asked = &stub.asked()[0];
    let body = asked.body.as_str().unwrap_or_default();
    assert!(
        body.contains("<Mode>COMPLIANCE</Mode>") && body.contains("2029-11-20T12:00:00Z"),
        "{body}"
    );
}

#[tokio::test]
async fn slowing_down_and_server_errors_are_waited_out() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Refusal(503, "SlowDown"),
        1 => Answer::Refusal(500, "InternalError"),
        2 => Answer::Cut,
        _ => done(),
    })
    .await;
    assert_eq!(store(&stub).await.put_new("a", b"x").await.unwrap(), Put::Created);
    assert_eq!(stub.asked().len(), 4);
}

#[tokio::test]
async fn the_first_writer_wins_after_a_conflict_too() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Refusal(409, "ConditionalRequestConflict"),
        _ => Answer::Refusal(412, "PreconditionFailed"),
    })
    .await;
    assert_eq!(store(&stub).await.put_new("a", b"x").await.unwrap(), Put::Existed);
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_helped_is_named_with_what_to_do() {
    let check = async |status, code: &'static str, kind, says: &[&str]| {
        let stub = Stub::serve(move |_| Answer::Refusal(status, code)).await;
        let store = store(&stub).await;
        let put = store.put_new("daily/a.json", b"x").await.unwrap_err();
        let get = store.get("daily/a.json").await.unwrap_err();
        for error in [put, get] {
            assert_eq!((error.service, error.kind), ("Store", kind), "{error}");
            for part in says.iter().chain(&["s3://evidence/reports/daily/a.json", code]) {
                assert!(error.to_string().contains(part), "{part}: {error}");
            }
        }
        stub.asked().len()
    };
    assert_eq!(
        check(404, "NoSuchBucket", PortErrorKind::NotFound, &["--region"]).await,
        2
    );
    assert_eq!(
        check(301, "PermanentRedirect", PortErrorKind::NotFound, &["--region"]).await,
        2
    );
    assert_eq!(
        check(
            403,
            "AccessDenied",
            PortErrorKind::AccessDenied,
            &["allow s3:", "kms:"]
        )
        .await,
        2
    );
    assert_eq!(
        check(
            403,
            "InvalidAccessKeyId",
            PortErrorKind::Credentials,
            &["--profile"]
        )
        .await,
        2
    );
    assert_eq!(
        check(400, "InvalidRequest", PortErrorKind::InvalidRequest, &[]).await,
        2
    );
    assert_eq!(
        check(
            503,
            "ServiceUnavailable",
            PortErrorKind::Unavailable,
            &["4 attempts"]
        )
        .await,
        8
    );
    let asked = check(
        503,
        "SlowDown",
        PortErrorKind::Throttled,
        &["run again in some minutes"],
    )
    .await;
    assert_eq!(
        asked,
        32 + 1,
        "eight times the attempts set, then none has patience"
    );
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let stub = Stub::serve(|_| Answer::Refusal(404, "NoSuchKey")).await;
    assert_eq!(store(&stub).await.get("a").await.unwrap(), None);
    assert_eq!(stub.asked()[0].headers["x-amz-checksum-mode"], "ENABLED");
}

fn checked(bytes: &[u8], checksum: &str) -> Answer {
    Answer::Object(
        vec![("x-amz-checksum-sha256", checksum.to_owned())],
        bytes.to_vec(),
    )
}

const OF_X: &str = "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=";

#[tokio::test]
async fn a_body_that_is_cut_or_changed_on_the_way_is_asked_for_again() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::CutAfter(b""),
        1 => checked(b"y", OF_X),
        2 => Answer::Refusal(503, "SlowDown"),
        _ => checked(b"x", OF_X),
    })
    .await;
    assert_eq!(
        store(&stub).await.get("a").await.unwrap().as_deref(),
        Some(&b"x"[..])
    );
    assert_eq!(stub.asked().len(), 4);
}

#[tokio::test]
async fn a_body_that_never_has_its_checksum_is_damaged() {
    let stub = Stub::serve(|_| checked(b"y", OF_X)).await;
    let error = store(&stub).await.get("a/b").await.unwrap_err();
    assert_eq!(error.code(), "Store.Damaged", "{error}");
    assert!(error.to_string().contains("s3://evidence/reports/a/b"), "{error}");
    assert_eq!(stub.asked().len(), 4);
}

#[tokio::test]
async fn a_body_that_is_always_cut_is_unavailable() {
    let stub = Stub::serve(|_| Answer::CutAfter(b"half")).await;
    let error = store(&stub).await.get("a").await.unwrap_err();
    assert_eq!(error.code(), "Store.Unavailable", "{error}");
}

fn page(keys: &[&str], token: Option<&str>) -> Answer {
    let keys: String = keys
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>"))
        .collect();
    let token = token.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>"));
    let more = token.is_some();
    Answer::Xml(format!(
        "<ListBucketResult><IsTruncated>{more}</IsTruncated>{keys}{}</ListBucketResult>",
        token.unwrap_or_default()
    ))
}

#[tokio::test]
async fn a_list_has_all_pages_sorted_without_the_prefix() {
    let token = |asked: &Asked| {
        let (_, rest) = asked.path.split_once("continuation-token=")?;
        Some(rest.split('&').next()?.to_owned())
    };
    let stub = Stub::serve(move |asked| match token(asked).as_deref() {
        None => page(&["reports/daily/b", "reports/daily/"], Some("t1")),
        Some("t1") => page(&[], Some("t2")),
        Some("t2") if asked.before == 2 => Answer::Refusal(503, "SlowDown"),
        _ => page(&["reports/daily/a", "reports/daily/b"], None),
    })
    .await;
    let keys = store(&stub).await.list("daily/").await.unwrap();
    assert_eq!(keys, ["daily/a", "daily/b"], "no folder that a console made");
    let asked = stub.asked();
    assert_eq!(asked.len(), 4);
    assert!(
        asked[0].path.contains("prefix=reports%2Fdaily%2F"),
        "{}",
        asked[0].path
    );
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_list() {
    let stub = Stub::serve(|_| {
        Answer::Xml("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>".to_owned())
    })
    .await;
    let error = store(&stub).await.list("").await.unwrap_err();
    assert_eq!(error.code(), "Store.InvalidAnswer", "{error}");
    let stub = Stub::serve(|_| Answer::Xml(String::new())).await;
    let error = store(&stub).await.list("").await.unwrap_err();
    assert_eq!(
        error.code(),
        "Store.InvalidAnswer",
        "an empty body is no empty list: {error}"
    );
}

/// A server that takes an object in parts; `complete` answers the request to put them together.
async fn in_parts(complete: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Stub, S3ObjectStore) {
    let stub = Stub::serve(move |asked| match asked.operation.as_str() {
        "CreateMultipartUpload" => Answer::Xml(format!(
            "<InitiateMultipartUploadResult><UploadId>upload-{}</UploadId></InitiateMultipartUploadResult>",
            asked.before
        )),
        "UploadPart" => Answer::Object(
            vec![
                ("etag", format!("\"etag-{}\"", asked.before)),
                (
                    "x-amz-checksum-sha256",
                    asked.headers["x-amz-checksum-sha256"].clone(),
                ),
            ],
            vec![],
        ),
        "CompleteMultipartUpload" => complete(asked),
        _ => done(),
    })
    .await;
    let store = store(&stub).await.with_parts(8, 4);
    (stub, store)
}

fn completed() -> Answer {
    Answer::Xml("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>".to_owned())
}

#[tokio::test]
async fn a_large_object_goes_in_parts_under_the_same_condition() {
    let (stub, store) = in_parts(|_| completed()).await;
    assert_eq!(store.put_new("a.pdf", b"0123456789").await.unwrap(), Put::Created);
    let asked = stub.asked();
    assert_eq!(
        operations(&stub),
        [
            "CreateMultipartUpload",
            "UploadPart",
            "UploadPart",
            "UploadPart",
            "CompleteMultipartUpload"
        ]
    );
    assert_eq!(asked[0].headers["content-type"], "application/pdf");
    assert_eq!(asked[0].headers["x-amz-server-side-encryption"], "aws:kms");
    assert_eq!(asked[0].headers["x-amz-checksum-algorithm"], "SHA256");
    assert_eq!(asked[3].body.as_str(), None, "the last part is the number 89");
    assert_eq!(asked[4].headers["if-none-match"], "*");
    let whole = asked[4].body.as_str().unwrap();
    assert_eq!(whole.matches("<ChecksumSHA256>").count(), 3, "{whole}");
    assert_eq!(store.put_new("b.pdf", b"01234567").await.unwrap(), Put::Created);
    assert_eq!(
        operations(&stub).last().unwrap(),
        "PutObject",
        "what is not over the size goes at once"
    );
}

#[tokio::test]
async fn parts_of_what_exists_are_taken_away() {
    let (stub, store) = in_parts(|_| Answer::Refusal(412, "PreconditionFailed")).await;
    assert_eq!(store.put_new("a", b"0123456789").await.unwrap(), Put::Existed);
    assert_eq!(operations(&stub).last().unwrap(), "AbortMultipartUpload");
}

#[tokio::test]
async fn parts_that_cannot_be_put_together_are_taken_away() {
    let (stub, store) = in_parts(|_| Answer::Refusal(403, "AccessDenied")).await;
    let error = store.put_new("a", b"0123456789").await.unwrap_err();
    assert_eq!(error.code(), "Store.AccessDenied");
    assert_eq!(operations(&stub).last().unwrap(), "AbortMultipartUpload");
}

#[tokio::test]
async fn an_upload_that_is_forgotten_is_begun_anew() {
    let (stub, store) = in_parts(|asked| match asked.before {
        0 => Answer::Refusal(404, "NoSuchUpload"),
        _ => completed(),
    })
    .await;
    assert_eq!(store.put_new("a", b"0123456789").await.unwrap(), Put::Created);
    let begun = operations(&stub)
        .iter()
        .filter(|operation| *operation == "CreateMultipartUpload")
        .count();
    assert_eq!(begun, 2);
}

/// The first answer said that the object is put together, and was lost on the way.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_asked_for_again() {
    let (stub, store) = in_parts(|asked| match asked.before {
        0 => Answer::Xml("<Html>sorry</Html>".to_owned()),
        1 => Answer::Refusal(404, "NoSuchUpload"),
        _ => Answer::Refusal(412, "PreconditionFailed"),
    })
    .await;
    assert_eq!(
        store.put_new("a", b"0123456789").await.unwrap(),
        Put::Existed,
        "the object of the first answer"
    );
    assert_eq!(operations(&stub).last().unwrap(), "AbortMultipartUpload");

    let (_stub, store) = in_parts(|_| Answer::Xml("<Html>sorry</Html>".to_owned())).await;
    let error = store.put_new("a", b"0123456789").await.unwrap_err();
    assert_eq!(error.code(), "Store.InvalidAnswer", "{error}");
    assert!(
        error.to_string().contains("cannot be read after 4 attempts"),
        "{error}"
    );
}

#[tokio::test]
async fn a_prefix_is_a_folder() {
    let stub = Stub::serve(|_| done()).await;
    let aws = stub.connect().await;
    for (prefix, well) in [
        ("", true),
        ("a/b/", true),
        ("a", false),
        ("/", false),
        ("../", false),
    ] {
        let settings = BucketSettings {
            bucket: "evidence".to_owned(),
            prefix: prefix.to_owned(),
            kms_key_arn: None,
        };
        assert_eq!(aws.store(settings).is_ok(), well, "{prefix:?}");
    }
}

#[tokio::test]
async fn calls_of_the_store_are_not_counted_as_the_collections() {
    let stub = Stub::serve(|_| done()).await;
    let aws = stub.connect().await;
    let settings = BucketSettings {
        bucket: "evidence".to_owned(),
        prefix: String::new(),
        kms_key_arn: None,
    };
    aws.store(settings).unwrap().put_new("a", b"x").await.unwrap();
    assert!(aws.calls().is_empty());
}

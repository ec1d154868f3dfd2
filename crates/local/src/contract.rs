//! What every [`ObjectStore`], [`Notifier`], [`Secrets`] and event table must do, for each adapter's tests to call.
#![allow(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a suite of assertions"
)]

mod event_table;

use compliance::ports::{Notifier, ObjectStore, PortErrorKind, Put, Secrets};

pub use event_table::event_table;

/// Holds an empty store to the port's contract.
pub async fn object_store(store: &impl ObjectStore) {
    assert_eq!(
        store.get("a/b.json").await.unwrap(),
        None,
        "what was never put is not there"
    );
    assert_eq!(
        store.list("").await.unwrap(),
        Vec::<String>::new(),
        "an empty store lists nothing"
    );

    assert_eq!(store.put_new("a/b.json", b"first").await.unwrap(), Put::Created);
    assert_eq!(store.put_new("a/b.json", b"second").await.unwrap(), Put::Existed);
    assert_eq!(
        store.get("a/b.json").await.unwrap().as_deref(),
        Some(&b"first"[..]),
        "the first writer wins"
    );

    store.put_new("a/empty", b"").await.unwrap();
    assert_eq!(
        store.get("a/empty").await.unwrap().as_deref(),
        Some(&b""[..]),
        "an empty object is an object"
    );

    store.put_new("ab/c=1/d", b"x").await.unwrap();
    store.put_new("z", b"y").await.unwrap();
    assert_eq!(store.list("a/").await.unwrap(), ["a/b.json", "a/empty"]);
    assert_eq!(
        store.list("a").await.unwrap(),
        ["a/b.json", "a/empty", "ab/c=1/d"],
        "a prefix is not a folder"
    );
    assert_eq!(store.list("ab/c=").await.unwrap(), ["ab/c=1/d"]);
    assert_eq!(
        store.list("").await.unwrap(),
        ["a/b.json", "a/empty", "ab/c=1/d", "z"],
        "keys are sorted"
    );
    assert_eq!(store.list("nowhere/").await.unwrap(), Vec::<String>::new());

    odd_names_and_bytes(store).await;
    refuses_foreign_keys(store).await;
}

/// Keys that a URL must escape, and bytes that are no text, come back as they were put.
async fn odd_names_and_bytes(store: &impl ObjectStore) {
    let bytes: Vec<u8> = (0..70_000_u32).map(|index| (index * 31 % 256) as u8).collect();
    let keys = ["odd/a b+c%20&d?e#f=.json", "odd/date=2026-11-21/x", "odd/ü.csv"];
    for key in keys {
        assert_eq!(store.put_new(key, &bytes).await.unwrap(), Put::Created, "{key}");
        assert_eq!(store.put_new(key, b"").await.unwrap(), Put::Existed, "{key}");
        assert_eq!(store.get(key).await.unwrap().as_ref(), Some(&bytes), "{key}");
    }
    assert_eq!(store.list("odd/").await.unwrap(), keys);
}

/// Holds a store to refusing keys that would leave it.
async fn refuses_foreign_keys(store: &impl ObjectStore) {
    for key in [
        "",
        "/etc/passwd",
        "../up",
        "a/../../up",
        "a//b",
        "a/./b",
        "a\\b",
        "a\0b",
    ] {
        let error = store.put_new(key, b"x").await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::InvalidRequest, "{key:?}");
        assert!(store.get(key).await.is_err(), "{key:?}");
    }
}

/// Holds a notifier to handing over what it is given: `received` gives subject and text of what arrived, in any order.
pub async fn notifier(notifier: &impl Notifier, received: impl AsyncFnOnce() -> Vec<(String, String)>) {
    let long = "A subject that goes on ".repeat(12);
    let text = "Ünïcode, \"quotes\" & <tags>\nand a second line\n";
    for subject in ["Daily report", &long, "Zwölf\nZeilen", ""] {
        notifier.notify(subject, text).await.unwrap();
    }
    let received = received().await;
    assert_eq!(received.len(), 4, "each once: {received:?}");
    assert!(
        received.iter().all(|(_, arrived)| arrived == text),
        "texts are not changed: {received:?}"
    );
    let begins = |start: &str| received.iter().any(|(subject, _)| subject.starts_with(start));
    for start in ["Daily report", "A subject that goes on A subject", "Zw"] {
        assert!(begins(start), "{start}: {received:?}");
    }

    let huge = "é".repeat(200_000);
    notifier
        .notify("A text longer than most services take", &huge)
        .await
        .unwrap();
}

/// Holds a store of secrets, of which it is known that `name` is `value` and that `unknown` is not there.
pub async fn secrets(secrets: &impl Secrets, (name, value): (&str, &str), unknown: &str) {
    let secret = secrets.secret(name).await.unwrap();
    assert_eq!(secret.expose(), value);
    assert!(!format!("{secret:?}").contains(value));
    let error = secrets.secret(unknown).await.unwrap_err();
    assert_eq!(error.code(), "Secrets.NotFound");
    assert!(error.to_string().contains(unknown), "{error}");
    assert!(!format!("{error:?}").contains(value));
}

//! What every [`ObjectStore`] must do, for each adapter's tests to call.
#![allow(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a suite of assertions"
)]

use compliance::ports::{ObjectStore, PortErrorKind, Put};

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
}

/// Holds a store on a file system to refusing keys that would leave it.
pub async fn refuses_foreign_keys(store: &impl ObjectStore) {
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

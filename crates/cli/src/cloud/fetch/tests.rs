use compliance::artifact::ManifestFile;
use compliance::hash::canonical_json;
use compliance::ports::Put;
use compliance::progress::Silent;
use local::MemoryObjectStore;
use serde_json::json;

use super::*;

const RUN: &str = "daily-20261121T090000Z-0123456789ab";

fn folder() -> String {
    format!("daily/2026-11-21/{RUN}/")
}

/// A bundle of two files in a store.
async fn bundle() -> (MemoryObjectStore, Sealed) {
    let store = MemoryObjectStore::default();
    let mut files = Vec::new();
    for (name, bytes) in [
        ("report.pdf", b"%PDF".to_vec()),
        ("snapshot/context.json", b"{}".to_vec()),
    ] {
        put(&store, name, &bytes).await;
        files.push(ManifestFile {
            name: name.to_owned(),
            media_type: "application/octet-stream".to_owned(),
            sha256: sha256_hex(&bytes),
            bytes: bytes.len() as u64,
            rows: None,
            description: None,
        });
    }
    let manifest = canonical_json(&manifest(files)).unwrap();
    put(&store, MANIFEST, &manifest).await;
    put(&store, PROVENANCE, &provenance(&sha256_hex(&manifest), "cloud")).await;
    let sealed = json!({
        "run_id": RUN,
        "folder": folder(),
        "manifest": {"key": format!("{}{MANIFEST}", folder()), "sha256": sha256_hex(&manifest)},
    });
    (store, serde_json::from_value(sealed).unwrap())
}

async fn put(store: &MemoryObjectStore, name: &str, bytes: &[u8]) {
    let put = store
        .put_new(&format!("{}{name}", folder()), bytes)
        .await
        .unwrap();
    assert_eq!(put, Put::Created);
}

fn manifest(files: Vec<ManifestFile>) -> BundleManifest {
    let snapshot =
        json!({"id": "a", "as_of": "2026-11-21T09:00:00Z", "manifest": {"key": "k", "sha256": "s"}});
    let inputs = json!({
        "kind": "daily", "as_of": "2026-11-21T09:00:00Z",
        "origin": {"aggregator_arn": "arn", "simulation": null},
        "snapshot": snapshot, "baseline": null, "history": [], "trend": [],
        "settings": {"key": "k", "sha256": "s"}, "catalogue_version": "1", "plumbline_version": "1",
        "predecessor": null,
    });
    BundleManifest {
        schema: 1,
        run_id: RUN.to_owned(),
        kind: compliance::report::ReportKind::Daily,
        as_of: "2026-11-21T09:00:00Z".parse().unwrap(),
        simulation: None,
        inputs: serde_json::from_value(inputs).unwrap(),
        files,
    }
}

fn provenance(manifest_sha256: &str, principal: &str) -> Vec<u8> {
    let provenance = json!({
        "schema": 1, "run_id": RUN, "manifest_sha256": manifest_sha256, "started_at": "2026-11-21T09:00:00Z",
        "finished_at": "2026-11-21T09:01:00Z", "principal": principal, "plumbline_version": "1", "stages": [],
        "calls": {}, "planned_calls": 0, "offline": false,
    });
    serde_json::to_vec(&provenance).unwrap()
}

async fn fetch(
    from: &MemoryObjectStore,
    to: &MemoryObjectStore,
    sealed: &Sealed,
) -> Result<Copied, CliError> {
    copy(from, to, sealed, &Silent).await
}

#[tokio::test]
async fn a_bundle_is_copied_whole_and_once() {
    let (from, sealed) = bundle().await;
    put(&from, "stray.txt", b"who knows").await;
    let to = MemoryObjectStore::default();
    let copied = fetch(&from, &to, &sealed).await.unwrap();
    assert_eq!((copied.files, copied.new), (4, 4));
    assert_eq!(copied.left, ["stray.txt"]);
    let keys: Vec<_> = [
        "manifest.json",
        "provenance.json",
        "report.pdf",
        "snapshot/context.json",
    ]
    .map(|name| format!("{}{name}", folder()))
    .into();
    assert_eq!(to.list("").await.unwrap(), keys);
    for key in &keys {
        assert_eq!(to.get(key).await.unwrap(), from.get(key).await.unwrap(), "{key}");
    }
    assert_eq!(fetch(&from, &to, &sealed).await.unwrap().new, 0, "again");
}

#[tokio::test]
async fn what_is_damaged_is_not_copied_and_no_manifest_either() {
    for (name, code) in [
        ("report.pdf", "Store.Damaged"),
        (MANIFEST, "Store.Damaged"),
        (PROVENANCE, "Store.Damaged"),
    ] {
        let (from, sealed) = bundle().await;
        from.damage(&format!("{}{name}", folder()), b"{\"half\":");
        let to = MemoryObjectStore::default();
        let error = fetch(&from, &to, &sealed).await.unwrap_err();
        assert_eq!(error.exit_code(), 6, "{name}: {error}");
        assert!(
            matches!(&error, CliError::Port(error) if error.code() == code),
            "{name}: {error:?}"
        );
        assert_eq!(
            to.get(&format!("{}{MANIFEST}", folder())).await.unwrap(),
            None,
            "{name}"
        );
    }
    let (from, sealed) = bundle().await;
    from.remove(&format!("{}report.pdf", folder()));
    let error = fetch(&from, &MemoryObjectStore::default(), &sealed)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("report.pdf is missing"), "{error}");
}

#[tokio::test]
async fn other_bytes_are_never_overwritten() {
    let (from, sealed) = bundle().await;
    let to = MemoryObjectStore::default();
    put(&to, "report.pdf", b"mine").await;
    let error = fetch(&from, &to, &sealed).await.unwrap_err();
    assert!(error.to_string().contains("--out"), "{error}");
    assert_eq!(error.exit_code(), 6);
    let key = format!("{}report.pdf", folder());
    assert_eq!(to.get(&key).await.unwrap().as_deref(), Some(&b"mine"[..]));
}

#[tokio::test]
async fn the_same_bundle_made_here_keeps_its_own_provenance() {
    let (from, sealed) = bundle().await;
    let to = MemoryObjectStore::default();
    let own = provenance(&sealed.manifest.sha256, "laptop");
    put(&to, PROVENANCE, &own).await;
    let copied = fetch(&from, &to, &sealed).await.unwrap();
    assert_eq!((copied.files, copied.new), (3, 3));
    let key = format!("{}{PROVENANCE}", folder());
    assert_eq!(to.get(&key).await.unwrap(), Some(own));
}

#[tokio::test]
async fn a_manifest_of_another_run_is_refused() {
    let (from, mut sealed) = bundle().await;
    sealed.run_id = "daily-20261120T090000Z-0123456789ab".to_owned();
    let error = fetch(&from, &MemoryObjectStore::default(), &sealed)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("does not go together"), "{error}");
}

//! A bundle is whole or it is none; the same inputs give the same bundle or a refusal.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use compliance::Timestamp;
use compliance::artifact::{Artifact, BundleManifest, Provenance};
use compliance::bundles::{self, BundleError, store_artifact};
use compliance::hash::{canonical_json, sha256_hex};
use compliance::objects;
use compliance::ports::{ObjectStore, PortErrorKind};
use compliance::progress::Silent;
use compliance::report::{ReportKind, RunInputs, bundle_folder};
use compliance::settings::Settings;
use compliance::snapshot::{Origin, SnapshotFile, SnapshotManifest, SnapshotRef};
use local::MemoryObjectStore;
use seal_report::{SealInput, Sealed, record_provenance, run};

fn origin() -> Origin {
    Origin {
        aggregator_arn: "arn:aws:config:eu-west-1:111122223333:config-aggregator/a".into(),
        simulation: None,
        scope: None,
    }
}

async fn inputs(store: &MemoryObjectStore, as_of: Timestamp) -> RunInputs {
    let folder = format!("snapshots/date=2026-11-21/snapshot={as_of}/");
    let rows = objects::put_or_adopt(
        store,
        &format!("{folder}results/shard=0000/results.parquet"),
        b"PAR1",
    )
    .await
    .unwrap();
    let file = SnapshotFile {
        path: "results/shard=0000/results.parquet".into(),
        sha256: rows.sha256,
        bytes: 4,
        rows: Some(1),
        accounts: None,
    };
    let manifest = SnapshotManifest {
        schema: compliance::snapshot::SCHEMA,
        id: as_of.to_string(),
        as_of,
        origin: origin(),
        results: 1,
        compliant: 1,
        noncompliant: 0,
        files: vec![file],
    };
    let manifest = objects::put_json(store, &format!("{folder}manifest.json"), &manifest)
        .await
        .unwrap();
    RunInputs {
        kind: ReportKind::Daily,
        as_of,
        origin: origin(),
        snapshot: SnapshotRef {
            id: as_of.to_string(),
            as_of,
            manifest,
        },
        baseline: None,
        history: Vec::new(),
        trend: Vec::new(),
        settings: objects::put_json(store, "settings/x.json", &Settings::default())
            .await
            .unwrap(),
        catalogue_version: "1".into(),
        plumbline_version: "1".into(),
        predecessor: None,
        left_out: Vec::new(),
        passed_over: Vec::new(),
        events: None,
    }
}

async fn seal(store: &MemoryObjectStore, as_of: &str, pdf: &[u8]) -> Result<Sealed, BundleError> {
    let inputs = inputs(store, as_of.parse().unwrap()).await;
    let run_id = inputs.run_id().unwrap();
    let artifact = Artifact {
        name: "report.pdf".into(),
        media_type: "application/pdf",
        rows: None,
        description: None,
        bytes: pdf.to_vec(),
    };
    let folder = bundle_folder(inputs.kind, inputs.as_of, &run_id);
    let files = vec![store_artifact(store, &folder, &artifact).await?];
    run(
        SealInput {
            inputs,
            run_id,
            files,
        },
        store,
        &Silent,
    )
    .await
}

fn provenance(sealed: &Sealed) -> Provenance {
    Provenance {
        schema: 1,
        run_id: sealed.body.run_id.clone(),
        manifest_sha256: sealed.manifest.sha256.clone(),
        started_at: DAY.parse().unwrap(),
        continues: None,
        finished_at: DAY.parse().unwrap(),
        principal: None,
        execution_arn: None,
        plumbline_version: "1".into(),
        stages: Vec::new(),
        calls: BTreeMap::new(),
        planned_calls: 0,
        offline: true,
    }
}

const DAY: &str = "2026-11-21T09:00:00Z";

#[tokio::test]
async fn the_manifest_names_every_file_but_itself_and_provenance() {
    let store = MemoryObjectStore::default();
    let sealed = seal(&store, DAY, b"%PDF").await.unwrap();
    let mut names: Vec<_> = sealed.body.files.iter().map(|file| file.name.clone()).collect();
    assert_eq!(
        names,
        [
            "report.pdf",
            "settings.json",
            "snapshot/manifest.json",
            "snapshot/results/shard=0000/results.parquet"
        ]
    );
    for file in &sealed.body.files {
        let bytes = store
            .get(&format!("{}{}", sealed.folder, file.name))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (sha256_hex(&bytes), bytes.len() as u64),
            (file.sha256.clone(), file.bytes),
            "{}",
            file.name
        );
    }
    names.push("manifest.json".into());
    names.sort();
    let stored: Vec<_> = store
        .list(&sealed.folder)
        .await
        .unwrap()
        .iter()
        .map(|key| key[sealed.folder.len()..].to_owned())
        .collect();
    assert_eq!(stored, names);
}

#[tokio::test]
async fn the_same_inputs_seal_the_same_bundle_and_other_bytes_are_refused() {
    let store = MemoryObjectStore::default();
    let first = seal(&store, DAY, b"%PDF").await.unwrap();
    let again = seal(&store, DAY, b"%PDF").await.unwrap();
    assert_eq!(
        (first.existed, again.existed, &first.manifest),
        (false, true, &again.manifest)
    );
    let error = seal(&store, DAY, b"%PDF other").await.unwrap_err();
    assert!(
        matches!(&error, BundleError::Differs { key } if key.ends_with("report.pdf")),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_snapshot_is_not_sealed() {
    let store = MemoryObjectStore::default();
    let inputs = inputs(&store, DAY.parse().unwrap()).await;
    store.damage(
        &format!("snapshots/date=2026-11-21/snapshot={DAY}/results/shard=0000/results.parquet"),
        b"PARX",
    );
    let run_id = inputs.run_id().unwrap();
    let error = run(
        SealInput {
            inputs,
            run_id,
            files: Vec::new(),
        },
        &store,
        &Silent,
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&error, BundleError::Store(error) if error.kind == PortErrorKind::Damaged),
        "{error}"
    );
    assert!(
        store
            .list("daily/")
            .await
            .unwrap()
            .iter()
            .all(|key| !key.ends_with("manifest.json")),
        "nothing is sealed"
    );
}

#[tokio::test]
async fn a_bundle_is_chained_to_the_newest_earlier_one_of_its_origin() {
    let store = MemoryObjectStore::default();
    seal(&store, "2026-11-19T09:00:00Z", b"%PDF").await.unwrap();
    let before = seal(&store, "2026-11-20T09:00:00Z", b"%PDF").await.unwrap();
    seal(&store, "2026-11-21T09:00:00Z", b"%PDF").await.unwrap();
    let at = |kind, origin: Origin, time: &str| {
        let as_of = time.parse().unwrap();
        let store = &store;
        async move {
            bundles::chain(store, kind, &origin, as_of)
                .await
                .unwrap()
                .predecessor
        }
    };
    let found = at(ReportKind::Daily, origin(), "2026-11-21T09:00:00Z")
        .await
        .unwrap();
    assert_eq!(
        (found.run_id, found.manifest_sha256),
        (before.body.run_id, before.manifest.sha256)
    );
    assert_eq!(
        at(ReportKind::Weekly, origin(), "2026-11-21T09:00:00Z").await,
        None
    );
    assert_eq!(
        at(ReportKind::Daily, origin(), "2026-11-19T09:00:00Z").await,
        None
    );
    let simulated = Origin {
        simulation: Some("seed 7".into()),
        ..origin()
    };
    assert_eq!(
        at(ReportKind::Daily, simulated, "2026-11-21T09:00:00Z").await,
        None,
        "origins are never mixed"
    );
}

#[tokio::test]
async fn provenance_names_the_manifest_and_the_first_stays() {
    let store = MemoryObjectStore::default();
    let sealed = seal(&store, DAY, b"%PDF").await.unwrap();
    for principal in ["first", "second"] {
        let provenance = Provenance {
            principal: Some(principal.into()),
            ..provenance(&sealed)
        };
        record_provenance(&sealed, &provenance, &store).await.unwrap();
    }
    let key = format!("{}provenance.json", sealed.folder);
    let stored: Provenance = objects::parse_json(&key, &store.get(&key).await.unwrap().unwrap()).unwrap();
    assert_eq!(
        (stored.principal.as_deref(), stored.manifest_sha256),
        (Some("first"), sealed.manifest.sha256.clone())
    );
    let manifest = store.get(&sealed.manifest.key).await.unwrap().unwrap();
    let body: BundleManifest = objects::parse_json("manifest", &manifest).unwrap();
    assert_eq!(
        canonical_json(&body).unwrap(),
        manifest,
        "the manifest round-trips to its own bytes"
    );
}

/// What stands in the way of sealing once more, when `bytes` stand under the name instead of what was put there.
async fn refused(sealed_before: bool, name: &str, bytes: &[u8]) -> BundleError {
    let store = MemoryObjectStore::default();
    let sealed = seal(&store, DAY, b"%PDF").await.unwrap();
    if sealed_before {
        let provenance = provenance(&sealed);
        record_provenance(&sealed, &provenance, &store).await.unwrap();
    } else {
        store.remove(&sealed.manifest.key);
    }
    store.damage(&format!("{}{name}", sealed.folder), bytes);
    seal(&store, DAY, b"%PDF").await.unwrap_err()
}

#[tokio::test]
async fn what_stands_otherwise_is_told_apart() {
    for (sealed_before, name, bytes, remedy) in [
        (
            true,
            "report.pdf",
            &b"%PDX"[..],
            "restore it from a copy, or delete it and run again",
        ),
        (
            true,
            "settings.json",
            b"{}",
            "restore it from a copy, or delete it and run again",
        ),
        (
            true,
            "manifest.json",
            b"half",
            "restore it from a copy, or delete it and run again",
        ),
        (
            false,
            "report.pdf",
            b"%PDX",
            "delete its folder, which was never sealed, and run again",
        ),
    ] {
        let error = refused(sealed_before, name, bytes).await;
        assert_eq!(error.code(), "Store.Damaged", "{name}: {error}");
        assert!(error.to_string().ends_with(remedy), "{name}: {error}");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_manifest_that_differs_without_a_witness_is_a_defect() {
    let error = refused(false, "manifest.json", b"another").await;
    assert_eq!(error.code(), "Seal.Differs");
    assert!(error.to_string().contains("keep it as evidence"), "{error}");
}

#[tokio::test]
async fn a_bundle_whose_manifest_cannot_be_read_is_no_witness() {
    let store = MemoryObjectStore::default();
    let sealed = seal(&store, DAY, b"%PDF").await.unwrap();
    store.damage(&sealed.manifest.key, b"half");
    let error = seal(&store, DAY, b"%PDF other").await.unwrap_err();
    assert_eq!(error.code(), "Store.Damaged");
    assert!(error.to_string().contains("manifest.json"), "{error}");
}

#[tokio::test]
async fn inputs_that_name_no_manifest_are_refused() {
    let store = MemoryObjectStore::default();
    let mut inputs = inputs(&store, DAY.parse().unwrap()).await;
    let key = format!("{}.json", inputs.snapshot.manifest.key);
    let bytes = store.get(&inputs.snapshot.manifest.key).await.unwrap().unwrap();
    inputs.snapshot.manifest = objects::put_or_adopt(&store, &key, &bytes).await.unwrap();
    let input = SealInput {
        run_id: inputs.run_id().unwrap(),
        inputs,
        files: Vec::new(),
    };
    let error = run(input, &store, &Silent).await.unwrap_err();
    assert_eq!(error.code(), "Store.InvalidRequest");
}

#[tokio::test]
async fn the_chain_passes_over_damaged_bundles_and_names_them() {
    let store = MemoryObjectStore::default();
    let first = seal(&store, "2026-11-18T09:00:00Z", b"%PDF").await.unwrap();
    let half = seal(&store, "2026-11-19T09:00:00Z", b"%PDF").await.unwrap();
    store.damage(&half.manifest.key, b"half");
    let changed = seal(&store, "2026-11-20T09:00:00Z", b"%PDF").await.unwrap();
    let other = Provenance {
        manifest_sha256: "0".repeat(64),
        ..provenance(&changed)
    };
    record_provenance(&changed, &other, &store).await.unwrap();
    let later = seal(&store, "2026-11-22T09:00:00Z", b"%PDF").await.unwrap();
    store.damage(&later.manifest.key, b"half");
    let as_of = DAY.parse().unwrap();
    let chain = bundles::chain(&store, ReportKind::Daily, &origin(), as_of)
        .await
        .unwrap();
    assert_eq!(
        chain.predecessor.map(|found| found.run_id),
        Some(first.body.run_id)
    );
    let passed: Vec<_> = chain
        .passed_over
        .iter()
        .map(|(run_id, error)| (run_id.as_str(), error.code()))
        .collect();
    let damaged = || "Store.Damaged".to_owned();
    assert_eq!(
        passed,
        [
            (changed.body.run_id.as_str(), damaged()),
            (half.body.run_id.as_str(), damaged())
        ]
    );
}

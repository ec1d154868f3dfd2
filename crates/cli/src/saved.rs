//! Reports from what was saved before, without the network.

use std::path::Path;

use compliance::Timestamp;
use compliance::hash::sha256_hex;
use compliance::objects;
use compliance::ports::{ObjectStore, PortError, PortErrorKind, Put};
use compliance::snapshot::{
    ObjectRef, Origin, SNAPSHOTS, SnapshotManifest, SnapshotRef, snapshot_folder, snapshot_id,
};
use local::FolderObjectStore;
use score_compliance::snapshots::MANIFEST;

use crate::error::CliError;
use crate::session::Session;

/// Brings the snapshots under `folder` into the session's store and gives the one to report: the newest of the
/// newest origin, or the newest not after `as_of`.
pub(crate) async fn import(
    session: &Session,
    folder: &Path,
    as_of: Option<Timestamp>,
) -> Result<(SnapshotRef, Origin), CliError> {
    let found = find(folder).await?;
    if found.is_empty() {
        return Err(CliError::Usage(format!(
            "{} holds no snapshot: give a snapshot's folder (with manifest.json and results/), a bundle, or a folder of runs",
            folder.display()
        )));
    }
    let mut imported = Vec::new();
    for (from, manifest) in &found {
        imported.push((copy(session, from, manifest).await?, manifest.origin.clone()));
    }
    let chosen = imported
        .into_iter()
        .filter(|(snapshot, _)| as_of.is_none_or(|as_of| snapshot.as_of <= as_of))
        .max_by_key(|(snapshot, _)| snapshot.as_of);
    chosen.ok_or_else(|| {
        CliError::Usage(format!(
            "{} holds no snapshot of that time or before; leave out --as-of for the newest",
            folder.display()
        ))
    })
}

/// Snapshots under a folder: itself, a bundle's `snapshot/`, or every one of a store.
async fn find(folder: &Path) -> Result<Vec<(FolderObjectStore, SnapshotManifest)>, CliError> {
    for inner in [folder.to_path_buf(), folder.join("snapshot")] {
        let store = FolderObjectStore::new(&inner);
        if let Some(manifest) = manifest(&store, MANIFEST).await? {
            return Ok(vec![(store, manifest)]);
        }
    }
    let store = FolderObjectStore::new(folder);
    let mut found = Vec::new();
    for key in store.list(SNAPSHOTS).await? {
        let Some(path) = key.strip_suffix("/manifest.json") else {
            continue;
        };
        if let Some(manifest) = manifest(&store, &key).await? {
            found.push((FolderObjectStore::new(folder.join(path)), manifest));
        }
    }
    Ok(found)
}

/// A snapshot's manifest under `key`; `None` when there is none, or when it is a bundle's.
async fn manifest(store: &FolderObjectStore, key: &str) -> Result<Option<SnapshotManifest>, CliError> {
    let Some(bytes) = store.get(key).await? else {
        return Ok(None);
    };
    let at = store.path(key).display().to_string();
    let document: serde_json::Value = objects::parse_json(&at, &bytes)?;
    if document.get("run_id").is_some() {
        return Ok(None);
    }
    Ok(Some(objects::parse_json(&at, &bytes)?))
}

/// Copies a snapshot file by file, each hash held, its manifest last.
async fn copy(
    session: &Session,
    from: &FolderObjectStore,
    manifest: &SnapshotManifest,
) -> Result<SnapshotRef, CliError> {
    if manifest.id != snapshot_id(&manifest.origin, manifest.as_of) {
        return Err(damaged(
            from,
            "its manifest names another snapshot; restore it from a copy",
        )
        .into());
    }
    let folder = snapshot_folder(&manifest.id, manifest.as_of);
    for file in &manifest.files {
        let source = ObjectRef {
            key: file.path.clone(),
            sha256: file.sha256.clone(),
        };
        let bytes = objects::read(from, &source)
            .await
            .map_err(|error| named(from, &error))?;
        put_same(session, from, &format!("{folder}{}", file.path), &bytes).await?;
    }
    let bytes = from.get(MANIFEST).await?.unwrap_or_default();
    let key = format!("{folder}{MANIFEST}");
    put_same(session, from, &key, &bytes).await?;
    let manifest_ref = ObjectRef {
        key,
        sha256: sha256_hex(&bytes),
    };
    Ok(SnapshotRef {
        id: manifest.id.clone(),
        as_of: manifest.as_of,
        manifest: manifest_ref,
    })
}

/// Puts an object that may stand already, if it is the same.
async fn put_same(
    session: &Session,
    from: &FolderObjectStore,
    key: &str,
    bytes: &[u8],
) -> Result<(), CliError> {
    let put = session.store.put_new(key, bytes).await?;
    if put == Put::Existed && session.store.get(key).await?.as_deref() != Some(bytes) {
        let other = session.store.path(key).display().to_string();
        let problem = format!(
            "it differs from what stands in {other}; give another --out, or delete the one that is wrong"
        );
        return Err(damaged(from, &problem).into());
    }
    Ok(())
}

fn damaged(from: &FolderObjectStore, problem: &str) -> PortError {
    let message = format!(
        "the snapshot in {} is not usable: {problem}",
        from.root().display()
    );
    PortError::new("Store", PortErrorKind::Damaged, message)
}

/// The same failure with the folder it happened in.
fn named(from: &FolderObjectStore, error: &PortError) -> PortError {
    let kind = if error.kind == PortErrorKind::NotFound {
        PortErrorKind::Damaged
    } else {
        error.kind
    };
    PortError::new(
        error.service,
        kind,
        format!("in {}: {error}", from.root().display()),
    )
}

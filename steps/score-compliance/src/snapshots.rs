//! Snapshots as they stand in a store.

use compliance::objects::{parse_json, read};
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::snapshot::{
    ObjectRef, Origin, SCHEMA, SNAPSHOTS, SnapshotContext, SnapshotManifest, SnapshotRef,
};

use crate::ScoreError;

/// The name of the manifest within a snapshot's folder.
pub const MANIFEST: &str = "manifest.json";
/// The name of the context within a snapshot's folder.
pub const CONTEXT: &str = "context.json";

/// A snapshot whose every byte is what its manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id, moment and manifest.
    pub snapshot: SnapshotRef,
    /// The manifest.
    pub manifest: SnapshotManifest,
    /// Everything that is not results.
    pub context: SnapshotContext,
    /// The content of each results file, in the manifest's order.
    pub(crate) results: Vec<Vec<u8>>,
}

/// Which snapshot to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// By reference: the manifest must have the hash recorded.
    Ref(&'a SnapshotRef),
    /// By folder, ending in `/`: what its manifest says is believed, and every file is held against it.
    Folder(&'a str),
}

/// Opens a snapshot and holds every file against the SHA-256 its manifest records.
///
/// # Errors
/// `Store.NotFound` when there is no manifest, or a file it names is missing; `Store.Damaged` naming the file whose
/// bytes are others; the store's own.
pub async fn open(which: Which<'_>, store: &impl ObjectStore) -> Result<Opened, ScoreError> {
    let (reference, bytes) = manifest_bytes(which, store).await?;
    let manifest: SnapshotManifest = parse_json(&reference.key, &bytes)?;
    check_schema(&reference.key, &manifest)?;
    if let Which::Ref(snapshot) = which
        && (manifest.id != snapshot.id || manifest.as_of != snapshot.as_of)
    {
        return Err(damaged(format!(
            "{} is the manifest of snapshot {}, not of {}; point to the right folder or restore it from a copy",
            reference.key, manifest.id, snapshot.id
        )));
    }
    let folder = reference.key.trim_end_matches(MANIFEST).to_owned();
    let (context, results) = files(&folder, &manifest, store).await?;
    let snapshot = SnapshotRef {
        id: manifest.id.clone(),
        as_of: manifest.as_of,
        manifest: reference,
    };
    Ok(Opened {
        snapshot,
        manifest,
        context,
        results,
    })
}

/// The snapshots that stand under [`SNAPSHOTS`], by moment and id. A folder without `manifest.json` is half written
/// and is not a snapshot; a manifest that cannot be read is an error, as leaving it out would hide history.
///
/// # Errors
/// `Store.Damaged` naming a manifest that cannot be read; the store's own.
pub async fn known(store: &impl ObjectStore) -> Result<Vec<(SnapshotRef, Origin)>, ScoreError> {
    let mut found = Vec::new();
    for key in store.list(SNAPSHOTS).await? {
        if !is_manifest(&key) {
            continue;
        }
        let (reference, bytes) = unreferenced(key, store).await?;
        let manifest: SnapshotManifest = parse_json(&reference.key, &bytes)?;
        let snapshot = SnapshotRef {
            id: manifest.id,
            as_of: manifest.as_of,
            manifest: reference,
        };
        found.push((snapshot, manifest.origin));
    }
    found.sort_by(|(a, _), (b, _)| (a.as_of, &a.id).cmp(&(b.as_of, &b.id)));
    Ok(found)
}

/// `snapshots/<date>/<snapshot>/manifest.json`, at that depth and no other.
fn is_manifest(key: &str) -> bool {
    key.strip_prefix(SNAPSHOTS)
        .and_then(|rest| rest.strip_suffix(MANIFEST))
        .is_some_and(|folder| folder.ends_with('/') && folder.matches('/').count() == 2)
}

async fn manifest_bytes(
    which: Which<'_>,
    store: &impl ObjectStore,
) -> Result<(ObjectRef, Vec<u8>), ScoreError> {
    match which {
        Which::Ref(snapshot) => {
            let bytes = read(store, &snapshot.manifest).await?;
            Ok((snapshot.manifest.clone(), bytes))
        }
        Which::Folder(folder) => unreferenced(format!("{folder}{MANIFEST}"), store).await,
    }
}

async fn unreferenced(key: String, store: &impl ObjectStore) -> Result<(ObjectRef, Vec<u8>), ScoreError> {
    let Some(bytes) = store.get(&key).await? else {
        let message =
            format!("{key} is missing, so there is no snapshot there; name another folder or collect again");
        return Err(PortError::new("Store", PortErrorKind::NotFound, message).into());
    };
    let sha256 = compliance::hash::sha256_hex(&bytes);
    Ok((ObjectRef { key, sha256 }, bytes))
}

/// Reads every file of the manifest, whatever it holds, so that damage anywhere shows here and not later.
async fn files(
    folder: &str,
    manifest: &SnapshotManifest,
    store: &impl ObjectStore,
) -> Result<(SnapshotContext, Vec<Vec<u8>>), ScoreError> {
    let mut context = None;
    let mut results = Vec::new();
    for file in &manifest.files {
        let reference = ObjectRef {
            key: format!("{folder}{}", file.path),
            sha256: file.sha256.clone(),
        };
        let bytes = read(store, &reference).await?;
        if file.path == CONTEXT {
            context = Some(parse_json(&reference.key, &bytes)?);
        } else if is_results(&file.path) && file.rows != Some(0) {
            results.push(bytes);
        }
    }
    let context = context.ok_or_else(|| {
        damaged(format!(
            "{folder}{MANIFEST} names no {CONTEXT}; restore it from a copy or delete its folder and collect again"
        ))
    })?;
    Ok((context, results))
}

/// Whether a file of a snapshot holds results.
pub(crate) fn is_results(path: &str) -> bool {
    path.starts_with("results/") && path.ends_with(".parquet")
}

fn check_schema(key: &str, manifest: &SnapshotManifest) -> Result<(), ScoreError> {
    if manifest.schema == SCHEMA {
        return Ok(());
    }
    Err(damaged(format!(
        "{key} has schema {}, and this version of Plumbline reads schema {SCHEMA}; use the version that wrote it",
        manifest.schema
    )))
}

fn damaged(message: String) -> ScoreError {
    PortError::new("Store", PortErrorKind::Damaged, message).into()
}

//! Snapshots opened: every byte held against its hash.

use compliance::objects::{MANIFEST, parse_json, read};
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::snapshot::{ObjectRef, SnapshotContext, SnapshotManifest, SnapshotRef};
use compliance::snapshots::{CONTEXT, check_schema, is_results, unreferenced};

use crate::ScoreError;

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
        return Err(ScoreError::Store(damaged(format!(
            "{} is the manifest of snapshot {}, not of {}; point to the right folder or restore it from a copy",
            reference.key, manifest.id, snapshot.id
        ))));
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

async fn manifest_bytes(
    which: Which<'_>,
    store: &impl ObjectStore,
) -> Result<(ObjectRef, Vec<u8>), ScoreError> {
    match which {
        Which::Ref(snapshot) => {
            let bytes = read(store, &snapshot.manifest).await?;
            Ok((snapshot.manifest.clone(), bytes))
        }
        Which::Folder(folder) => Ok(unreferenced(format!("{folder}{MANIFEST}"), store).await?),
    }
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

fn damaged(message: String) -> PortError {
    PortError::new("Store", PortErrorKind::Damaged, message)
}

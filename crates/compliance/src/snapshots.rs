//! Snapshots as they stand in a store, by their manifests.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::hash::{canonical_json, sha256_hex};
use crate::objects::{MANIFEST, parse_json, read};
use crate::ports::{ObjectStore, PortError, PortErrorKind};
use crate::snapshot::{
    ObjectRef, Origin, SCHEMA, SNAPSHOTS, SnapshotFile, SnapshotManifest, SnapshotRef, snapshot_folder,
    snapshot_id,
};

/// The name of the context within a snapshot's folder.
pub const CONTEXT: &str = "context.json";

/// A year of daily and six-hourly snapshots is near two thousand manifests, and a store that is asked for one after
/// another answers each only after some 20 ms.
const MANIFESTS_AT_ONCE: usize = 32;
/// Files of a snapshot are in memory whole while they are held against their hashes.
const FILES_AT_ONCE: usize = 4;

/// A snapshot that stands, by its manifest; its files were not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id, moment and manifest.
    pub snapshot: SnapshotRef,
    /// The manifest.
    pub manifest: SnapshotManifest,
}

/// A snapshot whose manifest is there and cannot be used.
#[derive(Debug)]
pub struct Unusable {
    /// Its id, which its folder is named by.
    pub id: String,
    /// The moment it stands for, by its id.
    pub as_of: Timestamp,
    /// What was met on reading it.
    pub error: PortError,
}

impl Unusable {
    /// What was met on reading it, to be told once more; without the adapter's own error.
    pub fn again(&self) -> PortError {
        PortError::new(self.error.service, self.error.kind, self.error.message.clone())
    }

    /// Whether it is of this origin, which its id tells although its manifest does not.
    pub fn is_of(&self, origin: &Origin) -> bool {
        snapshot_id(origin, self.as_of) == self.id
    }
}

/// The snapshots of a store.
#[derive(Debug, Default)]
pub struct Known {
    /// Those that stand, by moment and id.
    pub standing: Vec<Standing>,
    /// Those whose manifest is damaged, in the order of their folders.
    pub unusable: Vec<Unusable>,
    /// Folders under [`SNAPSHOTS`] without a manifest, ending in `/`: what an interrupted run or copy left.
    pub half: Vec<String>,
}

/// The snapshots under [`SNAPSHOTS`]. A folder without `manifest.json` is half written and is not a snapshot; one
/// whose manifest cannot be read is told apart, as leaving it out would hide history.
///
/// # Errors
/// The store's own, when it cannot be listed or read.
pub async fn known(store: &impl ObjectStore) -> Result<Known, PortError> {
    let mut known = Known::default();
    let (whole, half): (Vec<_>, Vec<_>) = folders(store).await?.into_iter().partition(|(_, has)| *has);
    known.half = half.into_iter().map(|(folder, _)| folder).collect();
    let read = |(folder, _): (String, bool)| async move { (standing(&folder, store).await, folder) };
    let mut manifests = stream::iter(whole.into_iter().map(read)).buffered(MANIFESTS_AT_ONCE);
    while let Some((read, folder)) = manifests.next().await {
        match read {
            Ok(standing) => known.standing.push(standing),
            Err(error) if !error.is_of_the_object() => return Err(error),
            Err(error) => known.unusable.extend(unusable(&folder, error)),
        }
    }
    let order = |one: &Standing| (one.snapshot.as_of, one.snapshot.id.clone());
    known.standing.sort_by_key(order);
    Ok(known)
}

/// Folders of snapshots, and whether each has a manifest: `snapshots/<date>/<snapshot>/`, at that depth and no other.
async fn folders(store: &impl ObjectStore) -> Result<BTreeMap<String, bool>, PortError> {
    let mut folders = BTreeMap::new();
    for key in store.list(SNAPSHOTS).await? {
        let parts: Vec<&str> = key.splitn(4, '/').collect();
        if let [_, date, snapshot, file] = parts[..] {
            let has = folders
                .entry(format!("{SNAPSHOTS}{date}/{snapshot}/"))
                .or_insert(false);
            *has |= file == MANIFEST;
        }
    }
    Ok(folders)
}

async fn standing(folder: &str, store: &impl ObjectStore) -> Result<Standing, PortError> {
    let (reference, bytes) = unreferenced(format!("{folder}{MANIFEST}"), store).await?;
    let manifest = parse_manifest(&reference.key, &bytes)?;
    if snapshot_folder(&manifest.id, manifest.as_of) != folder {
        return Err(damaged(format!(
            "{} names another snapshot than its folder; restore it from a copy or delete its folder",
            reference.key
        )));
    }
    let snapshot = SnapshotRef {
        id: manifest.id.clone(),
        as_of: manifest.as_of,
        manifest: reference,
    };
    Ok(Standing { snapshot, manifest })
}

/// `None` for a folder that is not named as ours are: then it is no snapshot of ours.
fn unusable(folder: &str, error: PortError) -> Option<Unusable> {
    let id = folder.trim_end_matches('/').rsplit_once("/snapshot=")?.1;
    let as_of = id.split_once('-')?.0.parse().ok()?;
    Some(Unusable {
        id: id.to_owned(),
        as_of,
        error,
    })
}

/// Reads a manifest of which no hash is known, and holds it to what every manifest keeps, so that a changed one shows
/// all the same.
///
/// # Errors
/// `Store.Damaged` when it is of another schema, not in the one form that documents have, does not add up, or has an
/// id that is not its own.
pub fn parse_manifest(key: &str, bytes: &[u8]) -> Result<SnapshotManifest, PortError> {
    let manifest: SnapshotManifest = parse_json(key, bytes)?;
    check_schema(key, &manifest)?;
    let rows: u64 = manifest
        .files
        .iter()
        .filter(|file| is_results(&file.path))
        .filter_map(|file| file.rows)
        .sum();
    let adds_up = manifest.results == rows
        && manifest.compliant.checked_add(manifest.noncompliant) == Some(manifest.results);
    let is_itself = manifest.id == snapshot_id(&manifest.origin, manifest.as_of)
        && canonical_json(&manifest).is_ok_and(|form| form == bytes);
    if adds_up && is_itself {
        return Ok(manifest);
    }
    Err(damaged(format!(
        "{key} contradicts itself, so it is damaged; restore it from a copy or delete its folder and collect again"
    )))
}

/// Holds every file of a snapshot against its manifest, a few at a time, keeping none.
///
/// # Errors
/// `Store.NotFound` when a file is missing; `Store.Damaged` naming the file whose bytes are others; the store's own.
pub async fn check(standing: &Standing, store: &impl ObjectStore) -> Result<(), PortError> {
    read(store, &standing.snapshot.manifest).await?;
    let folder = &snapshot_folder(&standing.snapshot.id, standing.snapshot.as_of);
    let read = |file: &SnapshotFile| {
        let reference = ObjectRef {
            key: format!("{folder}{}", file.path),
            sha256: file.sha256.clone(),
        };
        async move { read(store, &reference).await.map(drop) }
    };
    let files = standing.manifest.files.iter().map(read);
    stream::iter(files).buffered(FILES_AT_ONCE).try_collect().await
}

/// The manifest under `key`, of which no hash is known, and the reference to what stands there.
///
/// # Errors
/// `Store.NotFound` when there is none; the store's own.
pub async fn unreferenced(key: String, store: &impl ObjectStore) -> Result<(ObjectRef, Vec<u8>), PortError> {
    let Some(bytes) = store.get(&key).await? else {
        let message =
            format!("{key} is missing, so there is no snapshot there; name another folder or collect again");
        return Err(PortError::new("Store", PortErrorKind::NotFound, message));
    };
    let sha256 = sha256_hex(&bytes);
    Ok((ObjectRef { key, sha256 }, bytes))
}

/// Whether a file of a snapshot holds results.
pub fn is_results(path: &str) -> bool {
    path.starts_with("results/") && path.ends_with(".parquet")
}

/// Holds a manifest to the schema that this version reads.
///
/// # Errors
/// `Store.Damaged` when it is of another.
pub fn check_schema(key: &str, manifest: &SnapshotManifest) -> Result<(), PortError> {
    if manifest.schema == SCHEMA {
        return Ok(());
    }
    Err(damaged(format!(
        "{key} has schema {}, and this version of Plumbline reads schema {SCHEMA}; use the version that wrote it",
        manifest.schema
    )))
}

fn damaged(message: String) -> PortError {
    PortError::new("Store", PortErrorKind::Damaged, message)
}

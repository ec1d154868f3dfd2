//! The bundles a store holds: how files are put into one, and how one is chained to those before it.

use jiff::Timestamp;

use crate::artifact::{Artifact, BundleManifest, ManifestFile, PROVENANCE, Provenance};
use crate::hash::sha256_hex;
use crate::objects::{self, MANIFEST, PutSame};
use crate::ports::{ObjectStore, PortError, PortErrorKind};
use crate::report::{Predecessor, ReportKind};
use crate::snapshot::Origin;

/// The chain of bundles that a new one joins.
#[derive(Debug, Default)]
pub struct Chain {
    /// The newest sealed bundle of the same kind and origin before the new one.
    pub predecessor: Option<Predecessor>,
    /// Bundles between the two whose manifest is damaged, newest first: run id and what was met on reading it. Of
    /// what origin they are cannot be told.
    pub passed_over: Vec<(String, PortError)>,
}

/// The chain that a bundle of this kind, origin and moment joins. One damaged manifest does not end it: it is passed
/// over, and said so.
///
/// # Errors
/// The store's own, when it cannot be listed or read.
pub async fn chain(
    store: &impl ObjectStore,
    kind: ReportKind,
    origin: &Origin,
    as_of: Timestamp,
) -> Result<Chain, PortError> {
    let mut chain = Chain::default();
    let folders = folders(store, kind).await?;
    // Folders begin with the day, and run ids with the time: newest first needs no reading of older ones.
    for folder in folders.iter().rev() {
        let manifest = match manifest(store, folder).await {
            Ok(manifest) => manifest,
            Err(error) if !error.is_of_the_object() => return Err(error),
            Err(error) => {
                if let Some(run_id) = earlier_run(folder, kind, as_of) {
                    chain.passed_over.push((run_id, error));
                }
                continue;
            }
        };
        let (body, sha256) = manifest;
        if body.as_of < as_of && body.inputs.origin == *origin {
            chain.predecessor = Some(Predecessor {
                run_id: body.run_id,
                manifest_sha256: sha256,
            });
            break;
        }
    }
    Ok(chain)
}

/// The newest sealed bundle of this kind that reports a snapshot, with its folder; a damaged one is none.
///
/// # Errors
/// The store's own, when it cannot be listed or read.
pub async fn reporting(
    store: &impl ObjectStore,
    kind: ReportKind,
    snapshot_id: &str,
) -> Result<Option<(String, BundleManifest)>, PortError> {
    for folder in folders(store, kind).await?.into_iter().rev() {
        match manifest(store, &folder).await {
            Ok((body, _)) if body.inputs.snapshot.id == snapshot_id => return Ok(Some((folder, body))),
            Err(error) if !error.is_of_the_object() => return Err(error),
            _ => {}
        }
    }
    Ok(None)
}

/// Folders of sealed bundles, ending in `/`, sorted.
async fn folders(store: &impl ObjectStore, kind: ReportKind) -> Result<Vec<String>, PortError> {
    let keys = store.list(&format!("{}/", kind.as_str())).await?;
    let sealed = keys
        .iter()
        .filter(|key| key.split('/').count() == 4)
        .filter_map(|key| key.strip_suffix(MANIFEST).filter(|folder| folder.ends_with('/')));
    Ok(sealed.map(str::to_owned).collect())
}

/// A manifest and its hash, which is the one that the provenance beside it names, where there is one.
async fn manifest(store: &impl ObjectStore, folder: &str) -> Result<(BundleManifest, String), PortError> {
    let key = format!("{folder}{MANIFEST}");
    let bytes = store.get(&key).await?.unwrap_or_default();
    let body = objects::parse_json(&key, &bytes)?;
    let sha256 = sha256_hex(&bytes);
    let provenance = store.get(&format!("{folder}{PROVENANCE}")).await?;
    let named = provenance.and_then(|bytes| serde_json::from_slice::<Provenance>(&bytes).ok());
    match named.filter(|provenance| provenance.manifest_sha256 != sha256) {
        None => Ok((body, sha256)),
        Some(provenance) => {
            let message = format!(
                "{key} is damaged: its SHA-256 is {sha256}, and {} is recorded beside it; restore it from a copy",
                provenance.manifest_sha256
            );
            Err(PortError::new("Store", PortErrorKind::Damaged, message))
        }
    }
}

/// The run id of a folder, if it is of a run before `as_of`: `<kind>-<moment>-<hash>`.
fn earlier_run(folder: &str, kind: ReportKind, as_of: Timestamp) -> Option<String> {
    let run_id = folder.trim_end_matches('/').rsplit('/').next()?;
    let moment = run_id
        .strip_prefix(kind.as_str())?
        .strip_prefix('-')?
        .split('-')
        .next()?;
    let moment: Timestamp = moment.parse().ok()?;
    (moment < as_of).then(|| run_id.to_owned())
}

/// Why a bundle was not made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The store failed, or an object of the snapshot is damaged.
    #[error(transparent)]
    Store(#[from] PortError),
    /// The same inputs gave other bytes than they did before.
    #[error(
        "{key} stands with other bytes than this run makes from the same inputs; keep it as evidence, report it as a defect, and write to another folder"
    )]
    Differs {
        /// The object's key.
        key: String,
    },
    /// A document could not be written as JSON.
    #[error("{document} cannot be written as JSON")]
    Json {
        /// Which.
        document: &'static str,
        /// What the writer said.
        source: serde_json::Error,
    },
}

impl BundleError {
    /// The stable code.
    pub fn code(&self) -> String {
        match self {
            Self::Store(error) => error.code(),
            Self::Differs { .. } => "Seal.Differs".to_owned(),
            Self::Json { .. } => "Seal.Json".to_owned(),
        }
    }
}

/// Stores one artifact under a bundle's folder and says what stands there: an artifact is stored as soon as it is
/// made, so that a run never holds more than one.
///
/// # Errors
/// See [`BundleError`].
pub async fn store_artifact(
    store: &impl ObjectStore,
    folder: &str,
    artifact: &Artifact,
) -> Result<ManifestFile, BundleError> {
    put(store, folder, &artifact.name, &artifact.bytes).await?;
    Ok(manifest_file(artifact))
}

/// Puts a file of a bundle, where nothing or the same should stand.
///
/// # Errors
/// See [`BundleError`].
pub async fn put(
    store: &impl ObjectStore,
    folder: &str,
    name: &str,
    bytes: &[u8],
) -> Result<PutSame, BundleError> {
    match objects::put_same(store, &format!("{folder}{name}"), bytes).await? {
        PutSame::Differs => Err(differs(store, folder, name, &sha256_hex(bytes)).await?),
        put => Ok(put),
    }
}

/// Other bytes stand where this run's, of hash `ours`, should: a defect, unless the bundle was never sealed or was
/// sealed with this run's bytes; then what stands was changed since.
async fn differs(
    store: &impl ObjectStore,
    folder: &str,
    name: &str,
    ours: &str,
) -> Result<BundleError, BundleError> {
    let key = format!("{folder}{name}");
    let remedy = match sealed_hash(store, folder, name).await? {
        None if name == MANIFEST => return Ok(BundleError::Differs { key }),
        None => "delete its folder, which was never sealed, and run again",
        Some(sealed) if sealed == ours => "restore it from a copy, or delete it and run again",
        Some(_) => return Ok(BundleError::Differs { key }),
    };
    let message = format!("{key} is damaged: it has other bytes than this run makes; {remedy}");
    Ok(PortError::new("Store", PortErrorKind::Damaged, message).into())
}

/// The hash that a file of a bundle was sealed with; `None` when it was not sealed. That of the manifest is in the
/// provenance.
async fn sealed_hash(
    store: &impl ObjectStore,
    folder: &str,
    name: &str,
) -> Result<Option<String>, PortError> {
    let witness = if name == MANIFEST { PROVENANCE } else { MANIFEST };
    let key = format!("{folder}{witness}");
    let Some(bytes) = store.get(&key).await? else {
        return Ok(None);
    };
    if name == MANIFEST {
        let provenance: Provenance = objects::parse_json(&key, &bytes)?;
        return Ok(Some(provenance.manifest_sha256));
    }
    let manifest: BundleManifest = objects::parse_json(&key, &bytes)?;
    let file = manifest.files.into_iter().find(|file| file.name == name);
    Ok(Some(file.map(|file| file.sha256).unwrap_or_default()))
}

fn manifest_file(artifact: &Artifact) -> ManifestFile {
    ManifestFile {
        name: artifact.name.clone(),
        media_type: artifact.media_type.to_owned(),
        sha256: sha256_hex(&artifact.bytes),
        bytes: artifact.bytes.len() as u64,
        rows: artifact.rows,
        description: artifact.description.clone(),
    }
}

//! The bundles a store holds.

use compliance::artifact::{BundleManifest, Provenance};
use compliance::hash::sha256_hex;
use compliance::objects::{self, MANIFEST};
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::report::{Predecessor, ReportKind};
use compliance::snapshot::Origin;
use jiff::Timestamp;

use crate::PROVENANCE;

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
/// The store's own, when it cannot be listed.
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

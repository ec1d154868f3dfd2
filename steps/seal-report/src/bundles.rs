//! The bundles a store holds.

use compliance::artifact::BundleManifest;
use compliance::hash::sha256_hex;
use compliance::objects;
use compliance::ports::{ObjectStore, PortError};
use compliance::report::{Predecessor, ReportKind};
use compliance::snapshot::Origin;
use jiff::Timestamp;

use crate::MANIFEST;

/// The newest sealed bundle of this kind and origin before `as_of`: what a new bundle is chained to.
///
/// # Errors
/// The store's own; `Store.Damaged` when a manifest on the way cannot be read.
pub async fn predecessor(
    store: &impl ObjectStore,
    kind: ReportKind,
    origin: &Origin,
    as_of: Timestamp,
) -> Result<Option<Predecessor>, PortError> {
    let prefix = format!("{}/", kind.as_str());
    let mut manifests: Vec<String> = store.list(&prefix).await?;
    manifests.retain(|key| key.ends_with(&format!("/{MANIFEST}")) && key.split('/').count() == 4);
    // Keys begin with the day, and run ids with the time: newest first needs no reading of older ones.
    for key in manifests.iter().rev() {
        let Some(bytes) = store.get(key).await? else {
            continue;
        };
        let manifest: BundleManifest = objects::parse_json(key, &bytes)?;
        if manifest.as_of < as_of && manifest.inputs.origin == *origin {
            return Ok(Some(Predecessor {
                run_id: manifest.run_id,
                manifest_sha256: sha256_hex(&bytes),
            }));
        }
    }
    Ok(None)
}

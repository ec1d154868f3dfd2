//! The seal-report step: artifacts and the snapshot they come from become a bundle that can be trusted.
//!
//! The manifest names every file with hash, size, media type and rows, and is written after them; provenance, which
//! alone may differ between two runs on the same inputs, names the manifest's hash and is written last. A bundle
//! without `manifest.json` is not one. A file that an earlier run of the same id wrote is adopted if its bytes are
//! the same, and refused if they are not: the same inputs must give the same bytes.

pub mod task;

use compliance::artifact::{Artifact, BundleManifest, ManifestFile, PROVENANCE, Provenance, SCHEMA};
use compliance::bundles::{BundleError, put, store_artifact};
use compliance::hash::{canonical_json, sha256_hex};
use compliance::objects::{self, MANIFEST, PutSame};
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::progress::Progress;
use compliance::report::{PeriodEvents, RunInputs, bundle_folder};
use compliance::snapshot::{ObjectRef, SnapshotManifest};

/// What is to be sealed.
#[derive(Debug)]
pub struct SealInput {
    /// What the report is a function of.
    pub inputs: RunInputs,
    /// Its id.
    pub run_id: String,
    /// The rendered files, stored under the bundle's folder by [`store_artifact`].
    pub files: Vec<ManifestFile>,
}

/// A sealed bundle; [`record_provenance`] completes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The bundle's folder, ending in `/`.
    pub folder: String,
    /// Its `manifest.json`.
    pub manifest: ObjectRef,
    /// The manifest's content.
    pub body: BundleManifest,
    /// An earlier run had sealed the same bundle already.
    pub existed: bool,
}

/// Stores a copy of the snapshot that the artifacts come from, and the settings and events beside them, under the bundle's folder,
/// then the manifest over all of them.
///
/// # Errors
/// See [`BundleError`].
pub async fn run(
    input: SealInput,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<Sealed, BundleError> {
    let folder = bundle_folder(input.inputs.kind, input.inputs.as_of, &input.run_id);
    let copies = copies(&input.inputs, store).await?;
    progress.begin("seal", copies.len() as u64 + 1);
    let mut files = input.files;
    for copy in copies {
        let artifact = copy.artifact(store).await?;
        files.push(store_artifact(store, &folder, &artifact).await?);
        progress.advance(1);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let body = BundleManifest {
        schema: SCHEMA,
        run_id: input.run_id,
        kind: input.inputs.kind,
        as_of: input.inputs.as_of,
        simulation: input.inputs.origin.simulation.clone(),
        inputs: input.inputs,
        files,
    };
    let bytes = json(MANIFEST, &body)?;
    let key = format!("{folder}{MANIFEST}");
    let existed = put(store, &folder, MANIFEST, &bytes).await? == PutSame::Stood;
    progress.finish(&format!("{} files under {folder}", body.files.len() + 2));
    Ok(Sealed {
        manifest: ObjectRef {
            key,
            sha256: sha256_hex(&bytes),
        },
        folder,
        body,
        existed,
    })
}

/// Writes `provenance.json` beside a sealed bundle; that of the first run stays.
///
/// # Errors
/// See [`BundleError`].
pub async fn record_provenance(
    sealed: &Sealed,
    provenance: &Provenance,
    store: &impl ObjectStore,
) -> Result<(), BundleError> {
    let bytes = json(PROVENANCE, provenance)?;
    store
        .put_new(&format!("{}{PROVENANCE}", sealed.folder), &bytes)
        .await?;
    Ok(())
}

fn json<T: serde::Serialize>(document: &'static str, value: &T) -> Result<Vec<u8>, BundleError> {
    canonical_json(value).map_err(|source| BundleError::Json { document, source })
}

/// An object that becomes part of the bundle as it is.
struct ObjectCopy {
    name: String,
    object: ObjectRef,
    media_type: &'static str,
    rows: Option<u64>,
}

impl ObjectCopy {
    async fn artifact(self, store: &impl ObjectStore) -> Result<Artifact, PortError> {
        Ok(Artifact {
            bytes: objects::read(store, &self.object).await?,
            name: self.name,
            media_type: self.media_type,
            rows: self.rows,
            description: None,
        })
    }
}

/// The settings, the extract of events, and the snapshot's own files, so that a bundle handed to somebody else holds the data it speaks of.
async fn copies(inputs: &RunInputs, store: &impl ObjectStore) -> Result<Vec<ObjectCopy>, BundleError> {
    let reference = &inputs.snapshot.manifest;
    let manifest: SnapshotManifest = objects::read_json(store, reference).await?;
    let folder = reference.key.strip_suffix(MANIFEST).ok_or_else(|| {
        let message = format!("{} is not the key of a snapshot's manifest", reference.key);
        PortError::new("Store", PortErrorKind::InvalidRequest, message)
    })?;
    let document = |name: String, object: &ObjectRef| ObjectCopy {
        name,
        object: object.clone(),
        media_type: "application/json",
        rows: None,
    };
    let mut copies = vec![document("settings.json".to_owned(), &inputs.settings)];
    if let Some(extract) = inputs.events.as_ref().and_then(PeriodEvents::extract) {
        copies.push(document("events.json".to_owned(), extract));
    }
    copies.extend(manifest.files.into_iter().map(|file| ObjectCopy {
        name: format!("snapshot/{}", file.path),
        media_type: media_type(&file.path),
        rows: file.rows,
        object: ObjectRef {
            key: format!("{folder}{}", file.path),
            sha256: file.sha256,
        },
    }));
    // As everywhere, the manifest comes after what it names.
    copies.push(document(format!("snapshot/{MANIFEST}"), reference));
    Ok(copies)
}

fn media_type(path: &str) -> &'static str {
    if path.ends_with(".parquet") {
        "application/vnd.apache.parquet"
    } else {
        "application/json"
    }
}

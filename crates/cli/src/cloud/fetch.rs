//! Copies the bundle of a run out of the bucket.

use compliance::artifact::{BundleManifest, PROVENANCE, Provenance};
use compliance::hash::sha256_hex;
use compliance::objects::{self, MANIFEST, PutSame};
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::progress::Progress;
use compliance::snapshot::ObjectRef;
use compliance::text;
use local::FolderObjectStore;
use serde::Serialize;

use super::Cloud;
use super::outcome::{self, Sealed};
use crate::args::CloudFetchArgs;
use crate::error::{CliError, defect};
use crate::session;

/// What was copied.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Copied {
    files: u64,
    bytes: u64,
    /// Of the files, those that were not there before.
    new: u64,
    /// Objects of the folder that the manifest does not name: they are no part of the bundle and were left.
    left: Vec<String>,
}

/// A bundle that was fetched.
#[derive(Debug, Serialize)]
struct Fetched<'a> {
    run: &'a str,
    run_id: &'a str,
    folder: String,
    manifest_sha256: &'a str,
    #[serde(flatten)]
    copied: Copied,
}

/// Copies the bundle of a run that ended well.
pub(super) async fn run(args: &CloudFetchArgs) -> Result<(), CliError> {
    let cloud = Cloud::open(&args.cloud, Some(&args.run)).await?;
    let from = cloud.store()?;
    let execution = cloud
        .executions
        .describe(&cloud.executions.arn_of(&args.run))
        .await?;
    if execution.status != aws::ExecutionStatus::Succeeded {
        return Err(CliError::Usage(format!(
            "the run {} has no bundle: it is {}; see `plumbline cloud watch {}`",
            execution.name,
            execution.status.as_str(),
            execution.name
        )));
    }
    let sealed = outcome::sealed(&execution)?;
    let _lock = session::lock(&args.out, "cloud fetch", &cloud.progress)?;
    let to = FolderObjectStore::new(&args.out);
    let copied = copy(&from, &to, &sealed, &cloud.progress).await?;
    let folder = to.path(sealed.folder().trim_end_matches('/'));
    let fetched = Fetched {
        run: &execution.name,
        run_id: &sealed.run_id,
        folder: folder.display().to_string(),
        manifest_sha256: &sealed.manifest.sha256,
        copied,
    };
    crate::print(&said(&fetched, args.cloud.json)?)
}

fn said(fetched: &Fetched<'_>, json: bool) -> Result<String, CliError> {
    if json {
        let text = serde_json::to_string_pretty(fetched).map_err(defect("what was fetched"))?;
        return Ok(text + "\n");
    }
    let copied = &fetched.copied;
    let mut lines = vec![
        format!("{} in {}", fetched.run_id, fetched.folder),
        format!(
            "  {} with {}, {} of them new, each as the manifest says",
            text::plural(copied.files, "file", "files"),
            text::plural(copied.bytes, "byte", "bytes"),
            text::count(copied.new)
        ),
    ];
    let left = copied
        .left
        .iter()
        .map(|name| format!("  left {name}, which the manifest does not name: it is no part of the bundle"));
    lines.extend(left);
    Ok(lines.join("\n") + "\n")
}

/// Copies a bundle file by file, each held against the manifest, the manifest last. What stands with the same bytes is
/// well; what stands with others is never overwritten.
async fn copy(
    from: &impl ObjectStore,
    to: &impl ObjectStore,
    sealed: &Sealed,
    progress: &impl Progress,
) -> Result<Copied, CliError> {
    let folder = sealed.folder();
    let manifest_bytes = objects::read(from, &sealed.manifest).await?;
    let manifest: BundleManifest = objects::parse_json(&sealed.manifest.key, &manifest_bytes)?;
    check_manifest(sealed, &manifest)?;
    let mut copied = Copied {
        left: unnamed(from, &folder, &manifest).await?,
        ..Copied::default()
    };
    progress.begin("fetch", manifest.files.len() as u64 + 1);
    for file in &manifest.files {
        let reference = ObjectRef {
            key: format!("{folder}{}", file.name),
            sha256: file.sha256.clone(),
        };
        let bytes = objects::read(from, &reference).await?;
        copied.put(to, &reference.key, &bytes).await?;
        progress.advance(1);
    }
    copy_provenance(from, to, sealed, &mut copied).await?;
    copied
        .put(to, &format!("{folder}{MANIFEST}"), &manifest_bytes)
        .await?;
    progress.advance(1);
    progress.finish(&text::plural(copied.files, "file", "files"));
    Ok(copied)
}

impl Copied {
    async fn put(&mut self, to: &impl ObjectStore, key: &str, bytes: &[u8]) -> Result<(), CliError> {
        match objects::put_same(to, key, bytes).await? {
            PutSame::Differs => return Err(differs(key).into()),
            PutSame::Created => self.new += 1,
            PutSame::Stood => {}
        }
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// The manifest is the one of the run that is asked for, in its folder.
fn check_manifest(sealed: &Sealed, manifest: &BundleManifest) -> Result<(), CliError> {
    let at_home = sealed.manifest.key == format!("{}{MANIFEST}", sealed.folder());
    if at_home && manifest.run_id == sealed.run_id {
        return Ok(());
    }
    let message = format!(
        "{} is the manifest of {}, not of {}; the run gave what does not go together, report it",
        sealed.manifest.key, manifest.run_id, sealed.run_id
    );
    Err(PortError::new("Store", PortErrorKind::Damaged, message).into())
}

/// Objects in the bundle's folder that are no part of it.
async fn unnamed(
    from: &impl ObjectStore,
    folder: &str,
    manifest: &BundleManifest,
) -> Result<Vec<String>, CliError> {
    let keys = from.list(folder).await?;
    let names = keys.iter().filter_map(|key| key.strip_prefix(folder));
    let is_part = |name: &str| {
        [MANIFEST, PROVENANCE].contains(&name) || manifest.files.iter().any(|file| file.name == name)
    };
    Ok(names.filter(|name| !is_part(name)).map(str::to_owned).collect())
}

/// Copies the provenance, which names the manifest and not the other way round. Where the same bundle stands from
/// another run, its provenance does too, and stays.
async fn copy_provenance(
    from: &impl ObjectStore,
    to: &impl ObjectStore,
    sealed: &Sealed,
    copied: &mut Copied,
) -> Result<(), CliError> {
    let key = format!("{}{PROVENANCE}", sealed.folder());
    let Some(bytes) = from.get(&key).await? else {
        let message = format!("{key} is missing, so the bundle is not whole; restore it from a copy");
        return Err(PortError::new("Store", PortErrorKind::NotFound, message).into());
    };
    hold_provenance(&key, &bytes, sealed)?;
    match to.get(&key).await? {
        Some(standing) if standing != bytes => hold_provenance(&key, &standing, sealed),
        _ => copied.put(to, &key, &bytes).await,
    }
}

/// A provenance is of this bundle: it names its manifest by hash.
fn hold_provenance(key: &str, bytes: &[u8], sealed: &Sealed) -> Result<(), CliError> {
    let provenance: Provenance = objects::parse_json(key, bytes)?;
    if provenance.manifest_sha256 == sealed.manifest.sha256 {
        return Ok(());
    }
    let message = format!(
        "{key} (SHA-256 {}) is of another bundle: it names the manifest {}; restore it from a copy",
        sha256_hex(bytes),
        provenance.manifest_sha256
    );
    Err(PortError::new("Store", PortErrorKind::Damaged, message).into())
}

fn differs(key: &str) -> PortError {
    let message = format!(
        "{key} stands in the folder with other bytes, and is not overwritten; move it away or choose another folder \
         with --out"
    );
    PortError::new("Store", PortErrorKind::Storage, message)
}

#[cfg(test)]
mod tests;

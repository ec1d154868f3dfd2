//! Reports from what was saved before, without the network.

use std::path::Path;

use compliance::Timestamp;
use compliance::artifact::BundleManifest;
use compliance::bundles;
use compliance::hash::sha256_hex;
use compliance::inputs;
use compliance::objects::{self, MANIFEST, PutSame};
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::report::{PeriodEvents, ReportKind};
use compliance::snapshot::{ObjectRef, Origin, SnapshotFile, SnapshotManifest, SnapshotRef, snapshot_folder};
use compliance::snapshots::{self, CONTEXT, Standing, Unusable};
use local::FolderObjectStore;

use crate::error::CliError;
use crate::session::Session;

/// A saved snapshot.
struct Saved {
    from: FolderObjectStore,
    manifest: SnapshotManifest,
}

/// Brings the snapshots under `folder` into the session's store and gives the one to report: the newest of the
/// newest origin, or the newest not after `as_of`. That one must be whole; an earlier one that is not is left out of
/// the history, which the report says.
pub(crate) async fn import(
    session: &mut Session,
    folder: &Path,
    as_of: Option<Timestamp>,
) -> Result<(SnapshotRef, Origin), CliError> {
    let (found, unusable) = find(session, folder).await?;
    if found.is_empty() && unusable.is_empty() {
        return Err(CliError::Usage(format!(
            "{} holds no snapshot: give a snapshot's folder (with manifest.json and results/), a bundle, or a folder of runs",
            folder.display()
        )));
    }
    let in_time = |moment: Timestamp| as_of.is_none_or(|as_of| moment <= as_of);
    let none_in_time = || {
        CliError::Usage(format!(
            "{} holds no snapshot of that time or before; leave out --as-of for the newest",
            folder.display()
        ))
    };
    let damaged_in_time = unusable.iter().filter(|one| in_time(one.as_of));
    let newest_damaged = damaged_in_time.max_by_key(|one| one.as_of);
    let newest = found
        .iter()
        .map(|saved| saved.manifest.as_of)
        .filter(|moment| in_time(*moment))
        .max();
    if let Some(damaged) = newest_damaged.filter(|damaged| newest.is_none_or(|whole| damaged.as_of > whole)) {
        return Err(named(&FolderObjectStore::new(folder), &damaged.error).into());
    }
    let newest = newest.ok_or_else(none_in_time)?;
    session.known.unusable.extend(unusable);
    let mut chosen = None;
    for saved in found {
        let reported = saved.manifest.as_of == newest;
        match whole(&saved).await {
            Err(error) if reported => return Err(error.into()),
            Err(error) => session.known.unusable.push(Unusable {
                id: saved.manifest.id,
                as_of: saved.manifest.as_of,
                error,
            }),
            Ok(()) => {
                let standing = copy(session, &saved).await?;
                if reported {
                    chosen = Some((standing.snapshot.clone(), saved.manifest.origin));
                }
                if !session.known.standing.contains(&standing) {
                    session.known.standing.push(standing);
                }
            }
        }
    }
    chosen.ok_or_else(none_in_time)
}

/// What events told of the report's period, as a report that was made of the same snapshot froze it: `folder` itself, or
/// one of the store under it. Without the network there is no other way to know.
pub(crate) async fn events(
    session: &Session,
    folder: &Path,
    kind: ReportKind,
    snapshot: &SnapshotRef,
) -> Result<Option<PeriodEvents>, CliError> {
    let from = FolderObjectStore::new(folder);
    let Some((inner, manifest)) = report_of(&from, kind, snapshot).await? else {
        return Ok(None);
    };
    if let Some(extract) = manifest.inputs.events.as_ref().and_then(PeriodEvents::extract) {
        let copy = ObjectRef {
            key: format!("{inner}events.json"),
            sha256: extract.sha256.clone(),
        };
        let read = objects::read(&from, &copy).await;
        let bytes = read.map_err(|error| named(&from, &error))?;
        let key = inputs::events_key(kind, &snapshot.id);
        if objects::put_or_adopt(&session.store, &key, &bytes).await? != *extract {
            return Err(damaged(&from, "its manifest names another extract of events").into());
        }
    }
    Ok(manifest.inputs.events)
}

/// The report of this kind that was made of a snapshot, and where it is in the store.
async fn report_of(
    from: &FolderObjectStore,
    kind: ReportKind,
    snapshot: &SnapshotRef,
) -> Result<Option<(String, BundleManifest)>, CliError> {
    let Some(bytes) = from.get(MANIFEST).await? else {
        return Ok(bundles::reporting(from, kind, &snapshot.id).await?);
    };
    let own = serde_json::from_slice::<BundleManifest>(&bytes).ok();
    let own = own.filter(|own| own.kind == kind && own.inputs.snapshot.id == snapshot.id);
    Ok(own.map(|own| (String::new(), own)))
}

/// Snapshots under a folder: itself, a bundle's `snapshot/`, or every one of a store; of a store also those whose
/// manifest is damaged.
async fn find(session: &Session, folder: &Path) -> Result<(Vec<Saved>, Vec<Unusable>), CliError> {
    for inner in [folder.to_path_buf(), folder.join("snapshot")] {
        let from = FolderObjectStore::new(&inner);
        if let Some(manifest) = manifest(&from).await? {
            return Ok((vec![Saved { from, manifest }], Vec::new()));
        }
        if from.get(CONTEXT).await?.is_some() || !from.list("results/").await?.is_empty() {
            let problem = "it has no manifest.json, so it is half a snapshot that an interrupted run or copy left; \
                           complete it from a copy, or give another";
            return Err(damaged(&from, problem).into());
        }
    }
    let known = snapshots::known(&FolderObjectStore::new(folder))
        .await
        .map_err(CliError::step("history", PortError::code))?;
    for half in &known.half {
        let half = folder.join(half);
        session.progress.note(&format!(
            "  left out   {} has no manifest.json: half a snapshot, which is none",
            half.display()
        ));
    }
    let saved = |one: Standing| Saved {
        from: FolderObjectStore::new(folder.join(snapshot_folder(&one.snapshot.id, one.snapshot.as_of))),
        manifest: one.manifest,
    };
    Ok((known.standing.into_iter().map(saved).collect(), known.unusable))
}

/// The manifest of a snapshot's folder; `None` when there is none, or when it is a bundle's.
async fn manifest(store: &FolderObjectStore) -> Result<Option<SnapshotManifest>, CliError> {
    let Some(bytes) = store.get(MANIFEST).await? else {
        return Ok(None);
    };
    let at = store.path(MANIFEST).display().to_string();
    let document: serde_json::Value = objects::parse_json(&at, &bytes)?;
    if document.get("run_id").is_some() {
        return Ok(None);
    }
    Ok(Some(snapshots::parse_manifest(&at, &bytes)?))
}

/// Holds every file of a saved snapshot against its manifest.
async fn whole(saved: &Saved) -> Result<(), PortError> {
    for file in &saved.manifest.files {
        read(saved, file).await?;
    }
    Ok(())
}

async fn read(saved: &Saved, file: &SnapshotFile) -> Result<Vec<u8>, PortError> {
    let source = ObjectRef {
        key: file.path.clone(),
        sha256: file.sha256.clone(),
    };
    objects::read(&saved.from, &source)
        .await
        .map_err(|error| named(&saved.from, &error))
}

/// Copies a snapshot file by file, each hash held, its manifest last.
async fn copy(session: &Session, saved: &Saved) -> Result<Standing, CliError> {
    let manifest = &saved.manifest;
    let folder = snapshot_folder(&manifest.id, manifest.as_of);
    for file in &manifest.files {
        let bytes = read(saved, file).await?;
        put_same(session, saved, &format!("{folder}{}", file.path), &bytes).await?;
    }
    let bytes = saved.from.get(MANIFEST).await?.unwrap_or_default();
    let key = format!("{folder}{MANIFEST}");
    put_same(session, saved, &key, &bytes).await?;
    let snapshot = SnapshotRef {
        id: manifest.id.clone(),
        as_of: manifest.as_of,
        manifest: ObjectRef {
            key,
            sha256: sha256_hex(&bytes),
        },
    };
    Ok(Standing {
        snapshot,
        manifest: manifest.clone(),
    })
}

/// Puts an object that may stand already, if it is the same.
async fn put_same(session: &Session, saved: &Saved, key: &str, bytes: &[u8]) -> Result<(), CliError> {
    if objects::put_same(&session.store, key, bytes).await? != PutSame::Differs {
        return Ok(());
    }
    let other = session.store.path(key).display().to_string();
    let problem = format!(
        "it differs from what stands in {other}; give another --out, or delete the one that is wrong"
    );
    Err(damaged(&saved.from, &problem).into())
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
    PortError::new(
        error.service,
        error.kind,
        format!("in {}: {error}", from.root().display()),
    )
}

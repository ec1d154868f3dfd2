//! Chooses the earlier snapshots of a run, of which every one is whole: a damaged day is a gap that shows, and not the
//! end of all reports after it.

use std::collections::BTreeSet;

use crate::history::{self, Selection};
use crate::ports::{ObjectStore, PortError};
use crate::report::{LeftOut, ReportKind};
use crate::snapshot::{ObjectRef, Origin, SnapshotRef};

use crate::snapshots::{self, Known};

/// The earlier snapshots a run reads, and those it would have read.
#[derive(Debug, Default)]
pub struct Selected {
    /// What is read.
    pub selection: Selection,
    /// What is left out, oldest first, with what was met on reading it.
    pub left_out: Vec<(LeftOut, PortError)>,
}

/// Chooses as [`history::select`] does among the snapshots of `origin`, holds every file of the chosen ones against
/// its manifest, and chooses again without those that are not whole, until all are.
///
/// # Errors
/// The store's own, when it does not say whether a snapshot is whole: that must not look like a gap.
pub async fn run(
    kind: ReportKind,
    current: &SnapshotRef,
    origin: &Origin,
    known: &Known,
    store: &impl ObjectStore,
) -> Result<Selected, PortError> {
    let mut candidates = candidates(origin, known);
    let mut whole = BTreeSet::new();
    let mut left_out: Vec<(LeftOut, PortError)> = Vec::new();
    loop {
        let selection = history::select(kind, &current.id, current.as_of, &candidates);
        let unknown = selection.history.iter().find(|one| !whole.contains(&one.id));
        let Some(next) = unknown.cloned() else {
            left_out.sort_by(|(a, _), (b, _)| (a.as_of, &a.id).cmp(&(b.as_of, &b.id)));
            return Ok(Selected { selection, left_out });
        };
        match check(&next, known, store).await {
            Ok(()) => {
                whole.insert(next.id);
            }
            Err(error) if !error.is_of_the_object() => return Err(error),
            Err(error) => {
                candidates.retain(|one| one.id != next.id);
                let (id, as_of, code) = (next.id, next.as_of, error.code());
                left_out.push((LeftOut { id, as_of, code }, error));
            }
        }
    }
}

/// Those with a usable manifest and those without: whoever is chosen is checked.
fn candidates(origin: &Origin, known: &Known) -> Vec<SnapshotRef> {
    let standing = known.standing.iter().filter(|one| one.manifest.origin == *origin);
    let unusable = known.unusable.iter().filter(|one| one.is_of(origin));
    standing
        .map(|one| one.snapshot.clone())
        .chain(unusable.map(|one| SnapshotRef {
            id: one.id.clone(),
            as_of: one.as_of,
            manifest: ObjectRef {
                key: String::new(),
                sha256: String::new(),
            },
        }))
        .collect()
}

async fn check(snapshot: &SnapshotRef, known: &Known, store: &impl ObjectStore) -> Result<(), PortError> {
    if let Some(unusable) = known.unusable.iter().find(|one| one.id == snapshot.id) {
        return Err(unusable.again());
    }
    match known.standing.iter().find(|one| one.snapshot.id == snapshot.id) {
        Some(standing) => snapshots::check(standing, store).await,
        None => Ok(()),
    }
}

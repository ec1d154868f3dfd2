//! The RenderReport task of the workflow: each file is stored as soon as it is made.

use compliance::artifact::{Artifact, ManifestFile};
use compliance::bundles::{BundleError, store_artifact};
use compliance::failure::TaskError;
use compliance::objects;
use compliance::ports::ObjectStore;
use compliance::progress::Progress;
use compliance::report::{ReportKind, RunInputs, bundle_folder};
use compliance::scorecard::Lists;
use compliance::snapshot::work_folder;
use compliance::workflow::{RenderTask, Rendered};

use crate::{RenderError, RenderInput, scorecard_json};

/// Makes the files of the task's report and stores them in its bundle's folder.
///
/// # Errors
/// `Render.Failed`; those of the store; `Seal.Differs` when other bytes stand in the folder.
pub async fn run(
    task: &RenderTask,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<Rendered, TaskError> {
    let inputs: RunInputs = objects::read_json(store, &task.inputs).await?;
    let input = RenderInput {
        scorecard: objects::read_json(store, &task.scorecard).await?,
        lists: lists(task, store).await?,
        settings: objects::read_json(store, &task.settings).await?,
    };
    let folder = bundle_folder(task.kind, inputs.as_of, &task.run_id);
    let files = store_files(task.kind, &input, &folder, store, progress).await?;
    let key = format!("{}{}/files.json", work_folder(&inputs.snapshot.id), task.run_id);
    Ok(Rendered {
        files: objects::put_json(store, &key, &files).await?,
    })
}

/// A snapshot's bundle has no lists: they need not be read.
async fn lists(task: &RenderTask, store: &impl ObjectStore) -> Result<Lists, TaskError> {
    match task.kind {
        ReportKind::Snapshot => Ok(Lists::default()),
        ReportKind::Daily | ReportKind::Weekly => Ok(objects::read_json(store, &task.lists).await?),
    }
}

/// Makes the files of a report of this kind and stores each under the bundle's folder as soon as it is made.
///
/// # Errors
/// `Render.Failed`; those of the store; `Seal.Differs` when other bytes stand in the folder.
pub async fn store_files(
    kind: ReportKind,
    input: &RenderInput,
    folder: &str,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<Vec<ManifestFile>, TaskError> {
    let mut files = Vec::new();
    for artifact in artifacts(kind, input, progress) {
        let artifact = artifact.map_err(TaskError::of(|_| "Render.Failed".to_owned()))?;
        let stored = store_artifact(store, folder, &artifact).await;
        files.push(stored.map_err(TaskError::of(BundleError::code))?);
    }
    Ok(files)
}

fn artifacts<'a>(
    kind: ReportKind,
    input: &'a RenderInput,
    progress: &'a dyn Progress,
) -> Box<dyn Iterator<Item = Result<Artifact, RenderError>> + 'a> {
    match kind {
        ReportKind::Snapshot => Box::new(std::iter::once(scorecard_json(input))),
        ReportKind::Daily | ReportKind::Weekly => Box::new(crate::run(input, progress)),
    }
}

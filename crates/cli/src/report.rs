//! From a snapshot to a sealed bundle: freeze the inputs, score, render, seal.

use std::collections::BTreeMap;

use compliance::artifact::{Artifact, CallCount, ManifestFile, Provenance, SCHEMA};
use compliance::hash::canonical_json;
use compliance::objects::MANIFEST;
use compliance::report::{ReportKind, RunInputs, bundle_folder};
use compliance::scorecard::Scorecard;
use compliance::snapshot::{Origin, SnapshotRef};
use score_compliance::{score, select};
use seal_report::{SealError, SealInput, Sealed, bundles};

use crate::error::{CliError, defect};
use crate::output::{self, Outcome};
use crate::session::Session;

/// Who made the run and what it cost.
pub(crate) struct Origins {
    pub(crate) principal: Option<String>,
    pub(crate) calls: BTreeMap<String, CallCount>,
    pub(crate) offline: bool,
}

/// Scores, renders and seals the report of `snapshot`, and says on standard output what was made.
pub(crate) async fn make_report(
    session: &mut Session,
    kind: ReportKind,
    snapshot: SnapshotRef,
    origin: Origin,
    by: Origins,
    json: bool,
) -> Result<(), CliError> {
    let inputs = freeze_inputs(session, kind, snapshot, origin).await?;
    let run_id = inputs.run_id().map_err(defect("the run's inputs"))?;
    let input = score::ScoreInput {
        inputs: inputs.clone(),
        settings: session.settings.clone(),
    };
    let scored = session
        .timed("score", async |session: &Session| {
            score::run(input, &session.store, &session.progress).await
        })
        .await
        .map_err(CliError::step("score", score_compliance::ScoreError::code))?;
    let scorecard = scored.scorecard.clone();
    let folder = bundle_folder(kind, inputs.as_of, &run_id);
    let files = if kind == ReportKind::Snapshot {
        let artifact = scorecard_artifact(&scorecard)?;
        let stored = seal_report::store_artifact(&session.store, &folder, &artifact).await;
        vec![stored.map_err(CliError::step("seal", SealError::code))?]
    } else {
        let input = render_report::RenderInput {
            scorecard: scored.scorecard,
            lists: scored.lists,
            settings: session.settings.clone(),
        };
        session
            .timed("render", async |session: &Session| {
                render(session, &input, &folder).await
            })
            .await?
    };
    let input = SealInput {
        inputs,
        run_id,
        files,
    };
    let sealed = session
        .timed("seal", async |session: &Session| {
            Box::pin(seal_report::run(input, &session.store, &session.progress)).await
        })
        .await
        .map_err(CliError::step("seal", SealError::code))?;
    let provenance = provenance(session, &sealed, by);
    seal_report::record_provenance(&sealed, &provenance, &session.store)
        .await
        .map_err(CliError::step("seal", SealError::code))?;
    say(session, &scorecard, &provenance, &sealed, json)
}

/// Makes the files of the report and stores each as soon as it is made.
async fn render(
    session: &Session,
    input: &render_report::RenderInput,
    folder: &str,
) -> Result<Vec<ManifestFile>, CliError> {
    let failed = |_: &render_report::RenderError| "Render.Failed".to_owned();
    let mut files = Vec::new();
    for artifact in render_report::run(input, &session.progress) {
        let artifact = artifact.map_err(CliError::step("render", failed))?;
        let stored = seal_report::store_artifact(&session.store, folder, &artifact).await;
        files.push(stored.map_err(CliError::step("seal", SealError::code))?);
    }
    Ok(files)
}

/// Everything the report is a function of: the newest facts of the store, chosen once. What is damaged is left out,
/// and said so here, in the inputs and in the report.
async fn freeze_inputs(
    session: &Session,
    kind: ReportKind,
    snapshot: SnapshotRef,
    origin: Origin,
) -> Result<RunInputs, CliError> {
    let select::Selected { selection, left_out } =
        select::run(kind, &snapshot, &origin, &session.known, &session.store).await;
    for (one, error) in &left_out {
        let sentence = one.sentence();
        session.progress.note(&format!(
            "  left out   {sentence}: {}",
            crate::error::chain(error)
        ));
    }
    let chain = bundles::chain(&session.store, kind, &origin, snapshot.as_of).await?;
    for (run_id, error) in &chain.passed_over {
        session.progress.note(&format!(
            "  left out   the report {run_id}, which the chain passes over: {}",
            crate::error::chain(error)
        ));
    }
    Ok(RunInputs {
        kind,
        as_of: snapshot.as_of,
        predecessor: chain.predecessor,
        origin,
        snapshot,
        baseline: selection.baseline,
        history: selection.history,
        trend: selection.trend,
        settings: session.settings_ref.clone(),
        catalogue_version: compliance::catalogue::VERSION.to_owned(),
        plumbline_version: version(),
        left_out: left_out.into_iter().map(|(one, _)| one).collect(),
        passed_over: chain.passed_over.into_iter().map(|(run_id, _)| run_id).collect(),
    })
}

fn scorecard_artifact(scorecard: &Scorecard) -> Result<Artifact, CliError> {
    let bytes = canonical_json(scorecard).map_err(defect("the scorecard"))?;
    Ok(Artifact {
        name: "scorecard.json".to_owned(),
        media_type: "application/json",
        rows: None,
        bytes,
    })
}

fn provenance(session: &Session, sealed: &Sealed, by: Origins) -> Provenance {
    Provenance {
        schema: SCHEMA,
        run_id: sealed.body.run_id.clone(),
        manifest_sha256: sealed.manifest.sha256.clone(),
        started_at: session.started_at(),
        continues: session.continues,
        finished_at: session.stages().now(),
        principal: by.principal,
        plumbline_version: version(),
        stages: session.stages().times(),
        calls: by.calls,
        planned_calls: session.planned_calls,
        offline: by.offline,
    }
}

/// Plumbline's version, with the commit where the build knew it.
pub(crate) fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    option_env!("PLUMBLINE_COMMIT")
        .map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"))
}

fn say(
    session: &Session,
    scorecard: &Scorecard,
    provenance: &Provenance,
    sealed: &Sealed,
    json: bool,
) -> Result<(), CliError> {
    let folder = session.store.path(sealed.folder.trim_end_matches('/'));
    let mut files: Vec<String> = sealed.body.files.iter().map(|file| file.name.clone()).collect();
    files.extend([MANIFEST.to_owned(), seal_report::PROVENANCE.to_owned()]);
    files.sort();
    let outcome = Outcome::new(scorecard, provenance, &folder, files, sealed.existed);
    let text = if json {
        serde_json::to_string_pretty(&outcome).map_err(defect("the outcome"))? + "\n"
    } else {
        output::summary(scorecard, provenance, &outcome)
    };
    crate::print(&text)
}

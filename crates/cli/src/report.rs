//! From a snapshot to a sealed bundle: freeze the inputs, score, render, seal.

use std::collections::BTreeMap;

use compliance::artifact::{CallCount, PROVENANCE, Provenance, SCHEMA};
use compliance::bundles::BundleError;
use compliance::failure::TaskError;
use compliance::inputs::{self, Report};
use compliance::objects::MANIFEST;
use compliance::report::{PeriodEvents, ReportKind, RunInputs, bundle_folder};
use compliance::scorecard::{Lists, Scorecard};
use compliance::snapshot::{Origin, SnapshotRef, work_folder};
use notify::task::Delivered;
use score_compliance::score;
use seal_report::{SealInput, Sealed};

use crate::deliver;
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
    events: Option<PeriodEvents>,
    by: Origins,
    json: bool,
) -> Result<(), CliError> {
    let report = Report {
        kind,
        snapshot,
        origin,
        settings: session.settings_ref.clone(),
        events,
    };
    let inputs = freeze_inputs(session, report).await?;
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
    let lists = (session.deliver.is_some() && deliver::needs_lists(&session.settings, kind))
        .then(|| scored.lists.clone());
    let folder = bundle_folder(kind, inputs.as_of, &run_id);
    let input = render_report::RenderInput {
        scorecard: scored.scorecard,
        lists: scored.lists,
        settings: session.settings.clone(),
    };
    let files = session
        .timed("render", async |session: &Session| {
            render_report::task::store_files(kind, &input, &folder, &session.store, &session.progress).await
        })
        .await
        .map_err(CliError::step("render", |error: &TaskError| error.code.clone()))?;
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
        .map_err(CliError::step("seal", BundleError::code))?;
    if sealed.body.inputs.events.is_some() {
        // The bundle has its own copy of what events told.
        let work = work_folder(&sealed.body.inputs.snapshot.id);
        session.store.discard_folder(&work)?;
    }
    let provenance = provenance(session, &sealed, by);
    seal_report::record_provenance(&sealed, &provenance, &session.store)
        .await
        .map_err(CliError::step("seal", BundleError::code))?;
    let delivered = Box::pin(delivered(session, &sealed, lists.as_ref())).await;
    let told = delivered.as_ref().ok().and_then(Option::as_ref);
    // The report stands, whatever came of its delivery.
    say(session, &scorecard, &provenance, &sealed, told, json)?;
    match delivered?.map(Delivered::answer) {
        Some(Err(error)) => Err(CliError::Step {
            stage: "notify",
            code: error.code,
            message: error.message,
        }),
        _ => Ok(()),
    }
}

/// What came of the delivery, if one was asked for.
async fn delivered(
    session: &Session,
    sealed: &Sealed,
    lists: Option<&Lists>,
) -> Result<Option<Delivered>, CliError> {
    match &session.deliver {
        Some(how) => deliver::deliver(session, how, sealed, lists).await.map(Some),
        None => Ok(None),
    }
}

/// Everything the report is a function of: the newest facts of the store, chosen once. What is damaged is left out,
/// and said so here, in the inputs and in the report.
async fn freeze_inputs(session: &Session, report: Report) -> Result<RunInputs, CliError> {
    let frozen = inputs::freeze(report, &session.known, &session.store).await?;
    let left_out = frozen.left_out.iter().map(|(one, error)| (one.sentence(), error));
    let passed_over = frozen.passed_over.iter().map(|(run_id, error)| {
        let sentence = format!("the report {run_id}, which the chain passes over");
        (sentence, error)
    });
    for (sentence, error) in left_out.chain(passed_over) {
        session.progress.note(&format!(
            "  left out   {sentence}: {}",
            crate::error::chain(error)
        ));
    }
    Ok(frozen.inputs)
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
        execution_arn: None,
        plumbline_version: compliance::version(),
        stages: session.stages().times(),
        calls: by.calls,
        planned_calls: session.planned_calls,
        offline: by.offline,
    }
}

fn say(
    session: &Session,
    scorecard: &Scorecard,
    provenance: &Provenance,
    sealed: &Sealed,
    delivered: Option<&Delivered>,
    json: bool,
) -> Result<(), CliError> {
    let folder = session.store.path(sealed.folder.trim_end_matches('/'));
    let mut files: Vec<String> = sealed.body.files.iter().map(|file| file.name.clone()).collect();
    files.extend([MANIFEST.to_owned(), PROVENANCE.to_owned()]);
    files.sort();
    let mut outcome = Outcome::new(scorecard, provenance, &folder, files, sealed.existed);
    outcome.delivery = delivered.map(|delivered| &delivered.delivery);
    let text = if json {
        serde_json::to_string_pretty(&outcome).map_err(defect("the outcome"))? + "\n"
    } else {
        output::summary(scorecard, provenance, &outcome)
    };
    crate::print(&text)
}

//! From an aggregator to a snapshot: plan, collect shard by shard, freeze.

use compliance::Timestamp;
use compliance::organization::Aggregator;
use compliance::ports::{EvaluationSource, OrganizationDirectory, RuleInventory};
use compliance::report::ReportKind;
use compliance::snapshot::{ObjectRef, Origin, SnapshotRef, snapshot_folder, snapshot_id, work_folder};
use compliance::snapshots::Standing;
use compliance::text;
use plan_report::KnownAnnotationsFile;
use score_compliance::{ScoreError, freeze};

use crate::error::CliError;
use crate::session::Session;

/// The ports of a collection.
pub(crate) struct Source<S, D, I> {
    pub(crate) aggregator: Aggregator,
    /// Names the simulation inside the process, if it is one.
    pub(crate) simulation: Option<String>,
    pub(crate) evaluations: S,
    pub(crate) directory: D,
    pub(crate) inventory: I,
}

impl<S, D, I> Source<S, D, I> {
    pub(crate) fn origin(&self) -> Origin {
        let served = Origin::of_aggregator(&self.aggregator.arn);
        Origin {
            simulation: self.simulation.clone().or(served.simulation.clone()),
            ..served
        }
    }
}

/// The snapshot of a moment stands and its manifest is damaged: as history it is left out, which the report says.
pub(crate) fn is_unusable(session: &Session, origin: &Origin, as_of: Timestamp) -> bool {
    let id = snapshot_id(origin, as_of);
    session.known.unusable.iter().any(|one| one.id == id)
}

/// Collects the snapshot of `as_of`, or adopts it when it stands already.
pub(crate) async fn collect_snapshot<S, D, I>(
    session: &mut Session,
    source: &Source<S, D, I>,
    as_of: Timestamp,
) -> Result<SnapshotRef, CliError>
where
    S: EvaluationSource,
    D: OrganizationDirectory,
    I: RuleInventory,
{
    let origin = source.origin();
    let id = snapshot_id(&origin, as_of);
    if let Some(unusable) = session.known.unusable.iter().find(|one| one.id == id) {
        return Err(unusable.again().into());
    }
    if let Some(standing) = session.known.standing.iter().find(|one| one.snapshot.id == id) {
        session.progress.note(&format!(
            "  adopted    {} (collected before)",
            snapshot_folder(&id, as_of)
        ));
        return Ok(standing.snapshot.clone());
    }
    let input = plan_report::PlanInput {
        aggregator: source.aggregator.name.clone(),
        as_of,
        origin: origin.clone(),
        settings: session.settings.clone(),
        known_annotations: KnownAnnotationsFile::newest(&session.known, &origin, as_of),
    };
    let plan = session
        .timed("plan", async |session: &Session| {
            plan_report::run(
                input,
                &source.evaluations,
                &source.directory,
                &session.store,
                &session.progress,
            )
            .await
        })
        .await
        .map_err(CliError::step("plan", plan_report::StepError::code))?;
    session.planned_calls += plan.plan_body.planned_calls;
    let shards = collect_shards(session, source, &plan.plan_body.shards).await?;
    let input = freeze::FreezeInput {
        plan: plan.plan,
        shards: shards.into_iter().map(freeze::ShardOutcome::Collected).collect(),
    };
    let frozen = session
        .timed("freeze", async |session: &Session| {
            freeze::run(input, &session.store, &session.progress).await
        })
        .await
        .map_err(CliError::step("freeze", ScoreError::code))?;
    session.progress.reached("the snapshot stands".to_owned());
    // Working files are of no use once the snapshot stands.
    session.store.discard_folder(&work_folder(&id))?;
    session.known.standing.push(Standing {
        snapshot: frozen.snapshot.clone(),
        manifest: frozen.manifest,
    });
    Ok(frozen.snapshot)
}

/// Collects every shard in turn; the rate budget, shared by all calls, is what bounds the time.
async fn collect_shards<S: EvaluationSource, D, I: RuleInventory>(
    session: &mut Session,
    source: &Source<S, D, I>,
    shards: &[ObjectRef],
) -> Result<Vec<ObjectRef>, CliError> {
    let concurrency = session.settings.collection.concurrency as usize;
    let (results, planned_calls) = session
        .timed("collect", async |session: &Session| {
            let mut planned_calls = 0;
            let mut results = Vec::with_capacity(shards.len());
            for shard in shards {
                let input = collect_results::CollectInput {
                    shard: shard.clone(),
                    concurrency,
                };
                let output = collect_results::run(
                    input,
                    &source.evaluations,
                    &source.inventory,
                    &session.store,
                    &session.progress,
                )
                .await
                .map_err(CliError::step("collect", collect_results::StepError::code))?;
                planned_calls += output.counts.planned_calls;
                results.push(output.results);
                session.progress.reached(format!(
                    "{} of {} collected",
                    text::count(results.len() as u64),
                    text::plural(shards.len() as u64, "shard is", "shards are")
                ));
            }
            Ok::<_, CliError>((results, planned_calls))
        })
        .await?;
    session.planned_calls += planned_calls;
    Ok(results)
}

/// The times for which a simulated run needs a past: those its report looks back to, oldest first.
pub(crate) fn simulated_past(kind: ReportKind, as_of: Timestamp) -> Vec<Timestamp> {
    let back = |hours: i64| as_of.checked_sub(jiff::SignedDuration::from_hours(hours)).ok();
    let periods = i64::from(kind.trend_periods());
    let mut times: Vec<Timestamp> = (1..=periods)
        .filter_map(|count| back(count * kind.period().as_hours()))
        .collect();
    if kind == ReportKind::Weekly {
        times.extend((1..7).filter_map(|days| back(days * 24)));
    }
    times.sort();
    times.dedup();
    times
}

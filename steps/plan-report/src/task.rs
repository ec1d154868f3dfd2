//! The PlanReport task of the workflow: what is asked for is read and judged here, before anything is collected.

use compliance::Timestamp;
use compliance::collection::CollectionPlan;
use compliance::failure::TaskError;
use compliance::inputs::{EventPeriod, freeze_events, freeze_settings};
use compliance::objects;
use compliance::organization::is_account_id;
use compliance::ports::{EvaluationSource, EventTable, ObjectStore, OrganizationDirectory};
use compliance::progress::Progress;
use compliance::report::{PeriodEvents, ReportKind};
use compliance::settings::Settings;
use compliance::snapshot::{
    CollectionScope, ObjectRef, Origin, SnapshotRef, snapshot_folder, snapshot_id, work_folder,
};
use compliance::snapshots::{self, Known, Standing};
use compliance::text;
use compliance::workflow::{Execution, MapMode, PlanTask, Planned, Request, RequestedScope};
use jiff::{RoundMode, TimestampRound, Unit};

use crate::{KnownAnnotationsFile, PlanInput, StepError};

/// More shards than this are never passed from state to state, whatever is set: their references would come near the
/// limit of a payload, which is 262,144 bytes.
const INLINE_AT_MOST: u32 = 400;

/// A request that can be meant, with the settings it is carried out with.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment asked for; `None` is the execution's own.
    pub as_of: Option<Timestamp>,
    /// The part of the organization asked for.
    pub scope: Option<CollectionScope>,
    /// The settings.
    pub settings: Settings,
    /// The execution.
    pub execution: Execution,
}

/// Reads a task and the settings (TOML; absent: defaults).
///
/// # Errors
/// `Plan.*`, each with what to change.
pub fn read(task: PlanTask, settings: Option<&[u8]>) -> Result<Asked, TaskError> {
    let request: Request = serde_json::from_value(task.request).map_err(|error| {
        let message = format!(
            "the input is not a request: {error}; give {{\"kind\": \"daily\"}}, \"weekly\" or \"snapshot\", and no fields but as_of and scope"
        );
        TaskError::new("Plan.BadRequest", message)
    })?;
    Ok(Asked {
        kind: kind(&request.kind)?,
        as_of: request
            .as_of
            .as_deref()
            .map(|text| moment(text, &task.execution))
            .transpose()?,
        scope: request.scope.map(scope).transpose()?.flatten(),
        settings: settings.map_or_else(|| Ok(Settings::default()), parse_settings)?,
        execution: task.execution,
    })
}

fn kind(name: &str) -> Result<ReportKind, TaskError> {
    match name {
        "daily" => Ok(ReportKind::Daily),
        "weekly" => Ok(ReportKind::Weekly),
        "snapshot" => Ok(ReportKind::Snapshot),
        "audit" => Err(TaskError::new(
            "Plan.AuditNotYet",
            "audit reports are not made yet; start a daily or weekly report, or a snapshot",
        )),
        other => Err(TaskError::new(
            "Plan.UnknownKind",
            format!("there is no report of kind {other:?}; kinds are daily, weekly and snapshot"),
        )),
    }
}

fn moment(text: &str, execution: &Execution) -> Result<Timestamp, TaskError> {
    let as_of: Timestamp = text.parse().map_err(|error| {
        let message = format!("as_of {text:?} is no time: {error}; write it as 2026-11-21T09:00:00Z");
        TaskError::new("Plan.BadRequest", message)
    })?;
    if as_of <= execution.started_at {
        return Ok(as_of);
    }
    let (asked, now) = (text::minute(as_of), text::minute(execution.started_at));
    let message = format!("as_of {asked} is in the future, as it is {now}; leave as_of out for now");
    Err(TaskError::new("Plan.FutureDate", message))
}

fn scope(asked: RequestedScope) -> Result<Option<CollectionScope>, TaskError> {
    if let Some(id) = asked.accounts.iter().find(|id| !is_account_id(id)) {
        let message = format!("scope names account {id:?}, which is not an id of 12 digits");
        return Err(TaskError::new("Plan.UnknownAccount", message));
    }
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list.dedup();
        list
    };
    let scope = CollectionScope {
        accounts: sorted(asked.accounts),
        regions: sorted(asked.regions),
    };
    Ok((scope != CollectionScope::default()).then_some(scope))
}

fn parse_settings(bytes: &[u8]) -> Result<Settings, TaskError> {
    let bad = |problem: String| {
        TaskError::new(
            "Plan.BadSettings",
            format!("the settings cannot be used: {problem}"),
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|error| bad(format!("they are not UTF-8: {error}")))?;
    Settings::parse(text).map_err(|error| bad(error.to_string()))
}

/// What the run reports.
enum Target {
    /// A snapshot that stands.
    Standing(SnapshotRef),
    /// A snapshot to be collected.
    Collect(Timestamp),
}

/// What a stack sets for its runs.
#[derive(Debug, Clone, Copy)]
pub struct Deployed<'a> {
    /// The aggregator's name.
    pub aggregator: &'a str,
    /// More shards than this are collected by a distributed Map.
    pub distributed_above: u32,
}

/// Plans the run: finds the snapshot that stands already, or plans its collection, and freezes what events told of its
/// period, where there is a table of them.
///
/// # Errors
/// `Plan.PastDate` when the moment asked for has passed and no snapshot was saved; those of [`crate::run`].
pub async fn run(
    asked: Asked,
    deployed: Deployed<'_>,
    source: &impl EvaluationSource,
    directory: &impl OrganizationDirectory,
    events: Option<&impl EventTable>,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<(Planned, u64), TaskError> {
    let arn = source.aggregator(deployed.aggregator).await?.arn;
    let origin = Origin {
        scope: asked.scope.clone(),
        ..Origin::of_aggregator(&arn)
    };
    let settings = freeze_settings(&asked.settings, store).await?;
    let known = snapshots::known(store).await?;
    let as_of = match target(&asked, &origin, &known)? {
        Target::Standing(snapshot) => {
            let events = events_of(asked.kind, &origin, snapshot.as_of, events, store).await?;
            return Ok((standing(asked, settings, snapshot, events), 0));
        }
        Target::Collect(as_of) => as_of,
    };
    let events = events_of(asked.kind, &origin, as_of, events, store).await?;
    let input = PlanInput {
        aggregator: deployed.aggregator.to_owned(),
        as_of,
        known_annotations: KnownAnnotationsFile::newest(&known, &origin, as_of),
        origin,
        settings: asked.settings.clone(),
    };
    let output = crate::run(input, source, directory, store, progress)
        .await
        .map_err(TaskError::of(StepError::code))?;
    let planned_calls = output.plan_body.planned_calls;
    let planned = collection(
        asked,
        deployed.distributed_above,
        settings,
        output.plan,
        output.plan_body,
        store,
    )
    .await?;
    Ok((Planned { events, ..planned }, planned_calls))
}

async fn events_of(
    kind: ReportKind,
    origin: &Origin,
    as_of: Timestamp,
    events: Option<&impl EventTable>,
    store: &impl ObjectStore,
) -> Result<Option<PeriodEvents>, TaskError> {
    let Some(table) = events else {
        return Ok(None);
    };
    let period = EventPeriod {
        kind,
        as_of,
        snapshot_id: &snapshot_id(origin, as_of),
        scope: origin.scope.as_ref(),
    };
    Ok(freeze_events(period, table, store).await?)
}

/// A live answer is never misdated: a moment that has passed is reported from what was saved, or not at all.
fn target(asked: &Asked, origin: &Origin, known: &Known) -> Result<Target, TaskError> {
    let as_of = asked.as_of.unwrap_or_else(|| second(asked.execution.started_at));
    let id = snapshot_id(origin, as_of);
    if let Some(unusable) = known.unusable.iter().find(|one| one.id == id) {
        return Err(unusable.again().into());
    }
    if let Some(standing) = known.standing.iter().find(|one| one.snapshot.id == id) {
        return Ok(Target::Standing(standing.snapshot.clone()));
    }
    if asked.as_of.is_none() || origin.is_simulated() {
        return Ok(Target::Collect(as_of));
    }
    let is_in_time = |one: &&Standing| one.manifest.origin == *origin && one.snapshot.as_of <= as_of;
    let newest = known.standing.iter().rfind(is_in_time);
    newest.map(|one| Target::Standing(one.snapshot.clone())).ok_or_else(|| {
        let message = format!(
            "no snapshot of {} or before was saved, and the aggregator answers as it is now only; leave as_of out, or ask for a later time",
            text::minute(as_of)
        );
        TaskError::new("Plan.PastDate", message)
    })
}

/// What a person would write down of a moment.
fn second(time: Timestamp) -> Timestamp {
    time.round(
        TimestampRound::new()
            .smallest(Unit::Second)
            .mode(RoundMode::Trunc),
    )
    .unwrap_or(time)
}

fn standing(
    asked: Asked,
    settings: ObjectRef,
    snapshot: SnapshotRef,
    events: Option<PeriodEvents>,
) -> Planned {
    Planned {
        kind: asked.kind,
        as_of: snapshot.as_of,
        settings,
        collect: false,
        plan: None,
        snapshot: Some(snapshot),
        shards: Vec::new(),
        shard_list: None,
        events,
        shard_count: 0,
        map_mode: MapMode::Inline,
        map_concurrency: 1,
        execution: asked.execution,
    }
}

async fn collection(
    asked: Asked,
    distributed_above: u32,
    settings: ObjectRef,
    plan: ObjectRef,
    body: CollectionPlan,
    store: &impl ObjectStore,
) -> Result<Planned, TaskError> {
    let count = body.shards.len();
    let map_concurrency = asked.settings.collection.parallel_shards.max(1);
    let inline = count <= distributed_above.min(INLINE_AT_MOST) as usize;
    let (shards, shard_list) = if inline {
        (body.shards, None)
    } else {
        let key = format!("{}shards.json", work_folder(&body.snapshot_id));
        (
            Vec::new(),
            Some(objects::put_json(store, &key, &body.shards).await?),
        )
    };
    Ok(Planned {
        kind: asked.kind,
        as_of: body.as_of,
        settings,
        collect: true,
        plan: Some(plan),
        snapshot: None,
        shards,
        shard_list,
        events: None,
        shard_count: count as u64,
        map_mode: if inline {
            MapMode::Inline
        } else {
            MapMode::Distributed
        },
        map_concurrency,
        execution: asked.execution,
    })
}

impl KnownAnnotationsFile {
    /// Those of the newest earlier snapshot of the same origin; none on a first run.
    pub fn newest(known: &Known, origin: &Origin, as_of: Timestamp) -> Vec<Self> {
        let earlier = known
            .standing
            .iter()
            .filter(|one| one.manifest.origin == *origin && one.snapshot.as_of < as_of);
        let newest = earlier.max_by_key(|one| one.snapshot.as_of);
        newest.map_or_else(Vec::new, |newest| {
            let folder = snapshot_folder(&newest.snapshot.id, newest.snapshot.as_of);
            Self::of(&folder, &newest.manifest)
        })
    }
}

//! Where a run's results come from: a live aggregator, the simulation, or what was saved.

use aws::{AggregatorSource, Aws, AwsSettings, MemberRuleInventory, OrganizationsDirectory};
use compliance::Timestamp;
use compliance::inputs::{self, EventPeriod};
use compliance::report::{PeriodEvents, ReportKind};
use compliance::snapshot::{Origin, SnapshotRef};
use compliance::text;
use jiff::{RoundMode, TimestampRound, Unit};

use crate::args::RunArgs;
use crate::collect::{self, Source};
use crate::deliver::Deliver;
use crate::error::CliError;
use crate::report::{self, Origins};
use crate::saved;
use crate::session::{self, Session};
use crate::simulate;
use crate::unfinished::{Moment, Run};

/// Collects (or opens) the snapshot and makes the report.
pub(crate) async fn run(kind: ReportKind, args: RunArgs, deliver: Option<Deliver>) -> Result<(), CliError> {
    if args.simulation.any() && !args.source.simulate {
        return Err(CliError::Usage(
            "--seed, --accounts, --regions, --rules, --resources and --faults go with --simulate only"
                .to_owned(),
        ));
    }
    let mut settings = session::read_settings(args.settings.as_ref())?;
    if args.source.simulate {
        settings
            .collection
            .rule_inventory_role
            .get_or_insert_with(|| simulate::INVENTORY_ROLE.to_owned());
        settings
            .report
            .organization
            .get_or_insert_with(|| "Simulated organization".to_owned());
    }
    let mut session = Session::open(&args.out, settings, &format!("{} run", kind.as_str())).await?;
    session.deliver = deliver;
    if let Some(folder) = &args.source.snapshot {
        let (snapshot, origin) = saved::import(&mut session, folder, args.as_of).await?;
        let events = saved::events(&session, folder, kind, &snapshot).await?;
        let by = Origins {
            principal: None,
            calls: Default::default(),
            offline: true,
        };
        return Box::pin(report::make_report(
            &mut session,
            kind,
            snapshot,
            origin,
            events,
            by,
            args.json,
        ))
        .await;
    }
    match &args.source.aggregator {
        Some(aggregator) => live(&mut session, kind, aggregator, &args).await,
        None => simulated(&mut session, kind, &args).await,
    }
}

async fn live(
    session: &mut Session,
    kind: ReportKind,
    aggregator: &str,
    args: &RunArgs,
) -> Result<(), CliError> {
    let mut settings = AwsSettings::new(&session.settings.collection);
    settings.profile.clone_from(&args.profile);
    settings.region.clone_from(&args.region);
    let aws = Aws::connect(settings).await?;
    let source = source(&aws, aggregator, None).await?;
    let moment = match args.as_of {
        Some(as_of) if source.origin().is_simulated() => Moment::Given(as_of),
        Some(_) => {
            return Err(CliError::Usage(format!(
                "{aggregator} answers as it is now, so its results cannot be dated to another time; leave out --as-of, or give --snapshot for a saved one"
            )));
        }
        None => Moment::Present(whole(session.started_at(), Unit::Second)),
    };
    let run = Run::begin(session, kind, source.origin(), moment, args.fresh).await?;
    let snapshot = collect::collect_snapshot(session, &source, run.as_of).await?;
    let events = told(session, kind, &source.origin(), &snapshot, &aws).await?;
    let by = Origins {
        principal: aws.principal().await,
        calls: aws.calls(),
        offline: false,
    };
    Box::pin(report::make_report(
        session,
        kind,
        snapshot,
        source.origin(),
        events,
        by,
        args.json,
    ))
    .await?;
    run.end(session)
}

/// What events told of the report's period, where the settings name their table. A simulated organization sends none:
/// those of a real one are never mixed with its results.
async fn told(
    session: &mut Session,
    kind: ReportKind,
    origin: &Origin,
    snapshot: &SnapshotRef,
    aws: &Aws,
) -> Result<Option<PeriodEvents>, CliError> {
    let Some(table) = session.settings.cloud.events_table.clone() else {
        return Ok(None);
    };
    if origin.is_simulated() {
        return Ok(None);
    }
    let table = aws.event_history(table);
    let period = EventPeriod {
        kind,
        as_of: snapshot.as_of,
        snapshot_id: &snapshot.id,
        scope: origin.scope.as_ref(),
    };
    let read = async |session: &Session| inputs::freeze_events(period, &table, &session.store).await;
    let events = session.timed("events", read).await?;
    if let Some(PeriodEvents::Unread(gap)) = &events {
        let note = format!("  not known   what events told ({}): {}", gap.code, gap.reason);
        session.progress.note(&note);
    }
    Ok(events)
}

/// Collects the past that the report looks back to, then the present, each over HTTP from the simulated
/// organization at that moment.
async fn simulated(session: &mut Session, kind: ReportKind, args: &RunArgs) -> Result<(), CliError> {
    // Today's simulated report is the same one for an hour, so that a second run finds the first.
    let present = whole(session.started_at(), Unit::Hour);
    let simulation = simulate::Simulation::start(&args.simulation, args.as_of.unwrap_or(present))?;
    let mut settings = AwsSettings::new(&session.settings.collection);
    settings.endpoint_override = Some(simulation.url());
    let aws = Aws::connect(settings).await?;
    let description = simulation.description(&session.settings.collection)?;
    let source = source(&aws, simulate::AGGREGATOR, Some(description)).await?;
    let moment = args.as_of.map_or(Moment::Present(present), Moment::Given);
    let run = Run::begin(session, kind, source.origin(), moment, args.fresh).await?;
    for moment in collect::simulated_past(kind, run.as_of) {
        if collect::is_unusable(session, &source.origin(), moment) {
            continue;
        }
        show(session, &simulation, moment);
        collect::collect_snapshot(session, &source, moment).await?;
    }
    show(session, &simulation, run.as_of);
    let snapshot = collect::collect_snapshot(session, &source, run.as_of).await?;
    let by = Origins {
        principal: Some("simulation".to_owned()),
        calls: aws.calls(),
        offline: false,
    };
    Box::pin(report::make_report(
        session,
        kind,
        snapshot,
        source.origin(),
        None,
        by,
        args.json,
    ))
    .await?;
    run.end(session)
}

fn show(session: &Session, simulation: &simulate::Simulation, moment: Timestamp) {
    session
        .progress
        .note(&format!("Simulated organization at {}", text::minute(moment)));
    simulation.show(moment);
}

async fn source(
    aws: &Aws,
    aggregator: &str,
    simulation: Option<String>,
) -> Result<Source<AggregatorSource, OrganizationsDirectory, MemberRuleInventory>, CliError> {
    let evaluations = aws.source();
    let asked = compliance::ports::EvaluationSource::aggregator(&evaluations, aggregator).await?;
    Ok(Source {
        inventory: aws.inventory(&asked),
        aggregator: asked,
        simulation,
        directory: aws.directory(),
        evaluations,
    })
}

/// The time cut to a whole unit: what a person would write down.
pub(crate) fn whole(time: Timestamp, unit: Unit) -> Timestamp {
    time.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc))
        .unwrap_or(time)
}

//! Tells people from here: the send-alerts step with the adapters of this machine.

use compliance::Timestamp;
use compliance::alerts::Window;
use compliance::failure::TaskError;
use compliance::ports::EventTable;
use compliance::settings::Settings;
use compliance::text;
use compliance::workflow::{AlertTask, Execution};
use local::FolderObjectStore;
use send_alerts::task::{self, Outcome};
use serde::Serialize;

use super::Table;
use crate::args::AlertArgs;
use crate::deliver::{BUDGET, Deliver, HerePorts};
use crate::error::CliError;
use crate::interrupt;
use crate::progress::StderrProgress;
use crate::session;

/// What came of the messages of one route and window.
#[derive(Debug, Serialize)]
pub(super) struct Delivered {
    route: String,
    window: Window,
    /// Messages that arrived, now or before.
    sent: u64,
    failed: u64,
    ambiguous: u64,
    /// Told on the topic for failures instead.
    told: u64,
}

/// What came of all, and the first failure.
pub(super) struct Deliveries {
    pub(super) windows: Vec<Delivered>,
    failed: Option<TaskError>,
}

impl Deliveries {
    /// The command's end.
    pub(super) fn end(self) -> Result<(), CliError> {
        self.failed.map_or(Ok(()), |error| {
            Err(CliError::step("send-alerts", |error: &TaskError| {
                error.code.clone()
            })(error))
        })
    }
}

/// Refuses settings by which nobody is told.
pub(super) fn check(settings: &Settings) -> Result<(), CliError> {
    if settings.delivery.routes.iter().any(|route| route.takes_alerts()) {
        return Ok(());
    }
    Err(CliError::Usage(
        "no route takes alerts, so there is nobody to tell: set alerts = \"also\" or \"only\" under [[delivery.routes]] in \
         the file of --settings"
            .to_owned(),
    ))
}

/// Tells what is to be told, route by route and in the order of time.
pub(super) async fn tell(
    args: &AlertArgs,
    settings: &Settings,
    table: &Table,
) -> Result<Deliveries, CliError> {
    let progress = StderrProgress::new();
    interrupt::watch(&progress, &args.records)?;
    let _lock = session::lock(&args.records, "alert", &progress)?;
    let store = FolderObjectStore::new(&args.records);
    store.sweep(&["deliveries/"])?;
    let how = Deliver {
        profile: args.profile.clone(),
        region: args.region.clone(),
        slack_api: args.slack_api.clone(),
    };
    let ports = HerePorts::connect(&store, settings, &how).await?;
    let mut deliveries = Deliveries {
        windows: Vec::new(),
        failed: None,
    };
    for (route, window) in table.overdue(Timestamp::MAX).await? {
        let task = task_of(&route, window);
        let told = Box::pin(task::run(&task, settings, table, &ports, BUDGET)).await;
        let outcome = told.map_err(CliError::step("send-alerts", |error: &TaskError| {
            error.code.clone()
        }))?;
        let delivered = delivered(task, &outcome);
        progress.note(&line(&delivered));
        deliveries.windows.push(delivered);
        deliveries.failed = deliveries.failed.or(outcome.failed);
    }
    Ok(deliveries)
}

fn task_of(route: &str, window: Window) -> AlertTask {
    AlertTask {
        route: route.to_owned(),
        window,
        execution: Execution {
            arn: "here".to_owned(),
            name: format!("{route}-{}", window.compact()),
            started_at: window.begins(),
        },
    }
}

fn delivered(task: AlertTask, outcome: &Outcome) -> Delivered {
    let counts = &outcome.counts;
    Delivered {
        route: task.route,
        window: task.window,
        sent: counts.sent,
        failed: counts.failed,
        ambiguous: counts.ambiguous,
        told: counts.told,
    }
}

fn line(delivered: &Delivered) -> String {
    let mut parts = vec![format!(
        "{} sent",
        text::plural(delivered.sent, "message", "messages")
    )];
    let others = [
        (delivered.failed, "refused"),
        (delivered.ambiguous, "may not have arrived"),
        (delivered.told, "told on the topic for failures"),
    ];
    parts.extend(
        others
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}")),
    );
    format!(
        "  delivery   {} of {}: {}",
        delivered.route,
        delivered.window,
        parts.join(", ")
    )
}

//! The SendAlerts task of the alert workflow.

use std::time::Duration;

use compliance::delivery::record::Failure;
use compliance::delivery::{DestinationSettings, RouteSettings};
use compliance::failure::{TaskError, chain};
use compliance::ports::EventTable;
use compliance::settings::Settings;
use compliance::workflow::{AlertTask, Alerted};
use notify::{Pace, Ports, Sender, Way, described, failure_topic, may_pass};

use crate::RUN;
use crate::deliver::{Delivery, Lead};
use crate::planner::{Planner, ToTell};

/// What came of the task.
#[derive(Debug)]
pub struct Outcome {
    /// What is told of now.
    pub counts: Counts,
    /// Why the task failed all the same, if it did: something is missing, and trying again or a person must see to it.
    pub failed: Option<TaskError>,
}

/// Messages by what became of them in this run of the step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Arrived.
    pub sent: u64,
    /// Refused for good.
    pub failed: u64,
    /// Nobody knows.
    pub ambiguous: u64,
    /// Of those that did not arrive, told on the topic for failures.
    pub told: u64,
    /// Of each that arrived, seconds since the result it is about.
    pub delays: Vec<f64>,
}

impl Outcome {
    /// What the task gives.
    ///
    /// # Errors
    /// Why it failed.
    pub fn answer(self) -> Result<Alerted, TaskError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Alerted {
                sent: self.counts.sent,
                failed: self.counts.failed,
                ambiguous: self.counts.ambiguous,
                told: self.counts.told,
            }),
        }
    }
}

/// Reads the settings' own document: `None` are the defaults.
///
/// # Errors
/// `Alerts.BadSettings`.
pub fn settings(document: Option<&[u8]>) -> Result<Settings, TaskError> {
    notify::task::settings(document).map_err(|error| TaskError::new("Alerts.BadSettings", error.message))
}

/// Tells what is in the outbox of the task's route and window, as far as `budget` of time goes; what has arrived already
/// is not sent again.
///
/// # Errors
/// Those of the table and the store, before anything is sent. What else went wrong is in the outcome.
pub async fn run<P: Ports, T: EventTable>(
    task: &AlertTask,
    settings: &Settings,
    table: &T,
    ports: &P,
    budget: Duration,
) -> Result<Outcome, TaskError> {
    let pace = Pace::new(ports.time(), budget);
    let to_tell = planner(task, settings, table, ports).plan().await?;
    let mut outcome = Outcome {
        counts: Counts::default(),
        failed: None,
    };
    if !to_tell.left.is_empty() {
        let told = Box::pin(tell(
            task,
            settings,
            table,
            ports,
            &pace,
            &to_tell,
            &mut outcome.counts,
        ))
        .await;
        outcome.failed = told.err().or_else(|| head_pending(&to_tell));
    }
    Ok(outcome)
}

fn planner<'a, P: Ports, T: EventTable>(
    task: &'a AlertTask,
    settings: &Settings,
    table: &'a T,
    ports: &'a P,
) -> Planner<'a, T, P::Records> {
    Planner {
        table,
        store: ports.records(),
        route: &task.route,
        window: task.window,
        threshold: settings.alerts.storm_threshold,
    }
}

async fn tell<P: Ports, T: EventTable>(
    task: &AlertTask,
    settings: &Settings,
    table: &T,
    ports: &P,
    pace: &Pace<'_, P::Time>,
    to_tell: &ToTell,
    counts: &mut Counts,
) -> Result<(), TaskError> {
    let route = route(settings, &task.route, ports);
    let lead = match &route {
        Ok(route) => match Way::of(route, ports).await {
            Ok(way) => Lead::There(Sender::new(ports, pace, (RUN, &task.route), "", way)),
            Err(error) if may_pass(&error) => return Err(error.into()),
            Err(error) => Lead::Nowhere(Failure {
                code: error.code(),
                message: chain(&error),
            }),
        },
        Err(gone) => Lead::Nowhere(gone.clone()),
    };
    let delivery = Delivery {
        ports,
        pace,
        table,
        route: &task.route,
        to: route.as_ref().map_or_else(|_| "nowhere".to_owned(), described),
        lead,
        failure_topic: failure_topic(settings, ports),
    };
    delivery.deliver(to_tell, counts).await
}

/// The route of this name, which takes alerts; where none of the settings has it, the stack's own topic may.
fn route(settings: &Settings, name: &str, ports: &impl Ports) -> Result<RouteSettings, Failure> {
    let mut routes = settings.delivery.routes.iter();
    if let Some(route) = routes.find(|route| route.name == name && route.takes_alerts()) {
        return Ok(route.clone());
    }
    if name == DEFAULT_ROUTE && ports.summary_topic().is_some() {
        return Ok(RouteSettings {
            name: name.to_owned(),
            to: DestinationSettings {
                sns_topic: Some("summary".to_owned()),
                ..DestinationSettings::default()
            },
            ..RouteSettings::default()
        });
    }
    Err(Failure {
        code: "Alerts.NoRoute".to_owned(),
        message: format!(
            "the settings have no route {name} that takes alerts any more; it was told here instead, this once"
        ),
    })
}

/// The name of the route that is told when no route of the settings takes alerts.
const DEFAULT_ROUTE: &str = "summary";

/// Something waits for what comes before it.
fn head_pending(to_tell: &ToTell) -> Option<TaskError> {
    (to_tell.waiting > 0).then(|| {
        let message = format!(
            "{} about incidents of which something earlier is not told yet; entered again once it is, this goes on",
            compliance::text::plural(to_tell.waiting as u64, "message is", "messages are")
        );
        TaskError::new("Alerts.HeadPending", message)
    })
}

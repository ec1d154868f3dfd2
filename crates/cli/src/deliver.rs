//! Delivers a report from here: the notify step with the adapters of this machine.

use std::time::Duration;

use aws::{Aws, AwsSettings, SnsNotifier};
use compliance::delivery::record::{RouteDelivery, RouteState, RunDelivery};
use compliance::delivery::{Destination, SecretPlace};
use compliance::failure::TaskError;
use compliance::objects;
use compliance::ports::{Notifier, PortError, PortErrorKind, Secrets};
use compliance::report::ReportKind;
use compliance::scorecard::Lists;
use compliance::secret::Secret;
use compliance::settings::Settings;
use compliance::snapshot::ObjectRef;
use compliance::text;
use compliance::workflow::{Execution, NotifyTask};
use local::{FolderObjectStore, LocalSecrets, SystemClock};
use notify::Ports;
use notify::task::{self, Delivered};
use seal_report::Sealed;
use slack::{Slack, SlackSettings};

use crate::error::CliError;
use crate::session::Session;

/// How long a delivery may take here: nobody ends it but a person.
pub(crate) const BUDGET: Duration = Duration::from_secs(3_600);

/// How somebody asked for the delivery.
#[derive(Debug, Clone)]
pub(crate) struct Deliver {
    /// AWS profile, for topics and secrets in AWS.
    pub(crate) profile: Option<String>,
    /// AWS region, for the same.
    pub(crate) region: Option<String>,
    /// Another address of Slack's API, for tests.
    pub(crate) slack_api: Option<String>,
}

/// Where the lists are kept while they are needed: they are no file of a bundle.
fn lists_folder(run_id: &str) -> String {
    format!("work/lists-{run_id}/")
}

/// Sends what is missing of a sealed report, and notes each route on standard error. `lists` are given where a route asks
/// for some of their rows.
pub(crate) async fn deliver(
    session: &Session,
    how: &Deliver,
    sealed: &Sealed,
    lists: Option<&Lists>,
) -> Result<Delivered, CliError> {
    let ports = HerePorts::connect(&session.store, &session.settings, how).await?;
    let run_id = &sealed.body.run_id;
    let folder = lists_folder(run_id);
    let lists = match lists {
        Some(lists) => Some(objects::put_json(&session.store, &format!("{folder}lists.json"), lists).await?),
        None => None,
    };
    let task = notify_task(session, sealed, lists);
    let delivered = Box::pin(task::run(&task, &session.settings, &ports, BUDGET)).await;
    session.store.discard_folder(&folder)?;
    let delivered = delivered.map_err(CliError::step("notify", |error: &TaskError| error.code.clone()))?;
    for line in lines(&delivered.delivery) {
        session.progress.note(&line);
    }
    Ok(delivered)
}

/// Whether a route asks for rows of the lists.
pub(crate) fn needs_lists(settings: &Settings, kind: ReportKind) -> bool {
    let mut routes = settings.delivery.routes.iter();
    routes.any(|route| route.carries(kind) && route.is_filtered())
}

fn notify_task(session: &Session, sealed: &Sealed, lists: Option<ObjectRef>) -> NotifyTask {
    NotifyTask {
        kind: sealed.body.kind,
        run_id: sealed.body.run_id.clone(),
        folder: sealed.folder.clone(),
        manifest: sealed.manifest.clone(),
        lists,
        execution: Execution {
            arn: "here".to_owned(),
            name: sealed.body.run_id.clone(),
            started_at: session.started_at(),
        },
    }
}

/// One line for each route, or one that says that there is none.
fn lines(delivery: &RunDelivery) -> Vec<String> {
    let mut lines: Vec<String> = delivery
        .note
        .iter()
        .map(|note| format!("  delivery   {note}"))
        .collect();
    lines.extend(
        delivery
            .routes
            .iter()
            .map(|route| format!("  delivery   {}", line(route))),
    );
    lines
}

fn line(route: &RouteDelivery) -> String {
    let state = match route.state {
        RouteState::Delivered => "delivered",
        RouteState::NothingToTell => "nothing in it concerns this route",
        RouteState::Failed => "failed",
        RouteState::Ambiguous => "may not have arrived",
        RouteState::Unfinished => "not finished; run the same command again",
    };
    let sent = text::plural(route.sent.len() as u64, "part", "parts");
    let failed = route.failed.values().next();
    let reason = failed.map_or_else(String::new, |failure| format!(": {}", failure.message));
    format!("{} to {}: {state}, {sent} sent{reason}", route.route, route.to)
}

/// The step's ports on one machine. AWS is asked only where the settings lead there.
pub(crate) struct HerePorts<'a> {
    store: &'a FolderObjectStore,
    slack: Slack,
    aws: Option<Aws>,
    clock: SystemClock,
    who: String,
}

impl<'a> HerePorts<'a> {
    /// With records in `store`.
    pub(crate) async fn connect(
        store: &'a FolderObjectStore,
        settings: &Settings,
        how: &Deliver,
    ) -> Result<Self, CliError> {
        let standard = SlackSettings::default();
        let slack = SlackSettings {
            api: how.slack_api.clone().unwrap_or(standard.api),
            timeout: standard.timeout,
        };
        let slack = Slack::new(&slack).map_err(|error| CliError::Usage(crate::error::chain(&error)))?;
        let aws = if leads_to_aws(settings) {
            let mut connection = AwsSettings::new(&settings.collection);
            connection.profile.clone_from(&how.profile);
            connection.region.clone_from(&how.region);
            Some(Aws::connect(connection).await?)
        } else {
            None
        };
        Ok(Self {
            store,
            slack,
            aws,
            clock: SystemClock,
            who: local::unique_name(),
        })
    }
}

fn leads_to_aws(settings: &Settings) -> bool {
    let managed = |place: &SecretPlace| matches!(place, SecretPlace::Manager(_));
    settings.delivery.fallback_topic.is_some()
        || settings
            .delivery
            .routes
            .iter()
            .any(|route| match route.destination() {
                Some(Destination::SlackChannel { token, .. }) => managed(&token),
                Some(Destination::SlackWebhook { url }) => managed(&url),
                Some(Destination::SnsTopic { arn }) => arn.is_some(),
                None => false,
            })
}

fn no_aws(what: &str) -> PortError {
    let message =
        format!("{what} needs AWS, and the settings did not seem to lead there; report this as a defect");
    PortError::new("Notify", PortErrorKind::Credentials, message)
}

/// A topic, where AWS was connected to.
pub(crate) struct HereTopic(Option<SnsNotifier>);

impl Notifier for HereTopic {
    async fn notify(&self, subject: &str, text: &str) -> Result<(), PortError> {
        match &self.0 {
            Some(topic) => topic.notify(subject, text).await,
            None => Err(no_aws("a topic")),
        }
    }
}

impl Ports for HerePorts<'_> {
    type Reports = FolderObjectStore;
    type Records = FolderObjectStore;
    type Chat = Slack;
    type Topic = HereTopic;
    type Time = SystemClock;

    fn reports(&self) -> &FolderObjectStore {
        self.store
    }
    fn records(&self) -> &FolderObjectStore {
        self.store
    }
    fn chat(&self) -> &Slack {
        &self.slack
    }
    fn time(&self) -> &SystemClock {
        &self.clock
    }
    fn topic(&self, arn: &str) -> HereTopic {
        HereTopic(self.aws.as_ref().map(|aws| aws.notifier(arn)))
    }
    async fn secret(&self, place: &SecretPlace) -> Result<Secret, PortError> {
        match (place, &self.aws) {
            (SecretPlace::Manager(name), Some(aws)) => aws.secrets().secret(name).await,
            (SecretPlace::Manager(_), None) => Err(no_aws("a secret in Secrets Manager")),
            (place, _) => LocalSecrets.read(place),
        }
    }
    fn summary_topic(&self) -> Option<&str> {
        None
    }
    fn failure_topic(&self) -> Option<&str> {
        None
    }
    fn who(&self) -> String {
        self.who.clone()
    }
}

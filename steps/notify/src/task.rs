//! The Notify task of the workflow.

use std::time::Duration;

use compliance::artifact::BundleManifest;
use compliance::delivery::record::{Fallback, RouteDelivery, RunDelivery, SCHEMA};
use compliance::delivery::{DestinationSettings, RouteSettings};
use compliance::failure::TaskError;
use compliance::objects;
use compliance::ports::{Clock, ObjectStore, PortError, PortErrorKind};
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use compliance::snapshot::ObjectRef;
use compliance::workflow::{Notified, NotifyTask};
use futures_util::future::join_all;
use slack_blocks::Digest;

use crate::fallback::failure_topic;
use crate::pace::Pace;
use crate::parts::{Concern, Report, link};
use crate::ports::Ports;
use crate::previous;
use crate::route::{Came, Run};

/// What came of the task.
#[derive(Debug)]
pub struct Delivered {
    /// Every route.
    pub delivery: RunDelivery,
    /// Where that is recorded.
    pub reference: ObjectRef,
    /// Why the task failed all the same, if it did: something is missing, and trying again or a person must see to it.
    pub failed: Option<TaskError>,
}

impl Delivered {
    /// What the task gives.
    ///
    /// # Errors
    /// Why it failed.
    pub fn answer(self) -> Result<Notified, TaskError> {
        let (sent, failed, ambiguous) = self.delivery.counts();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Notified {
                delivery: self.reference,
                sent: sent as u64,
                failed: failed as u64,
                ambiguous: ambiguous as u64,
            }),
        }
    }
}

/// Reads the settings' own document: `None` are the defaults, which tell nobody but the stack's own topic.
///
/// # Errors
/// `Notify.BadSettings`.
pub fn settings(document: Option<&[u8]>) -> Result<Settings, TaskError> {
    let Some(bytes) = document else {
        return Ok(Settings::default());
    };
    let bad = |problem: String| {
        TaskError::new(
            "Notify.BadSettings",
            format!("the settings cannot be used: {problem}; mend them and go on with the run"),
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|_| bad("they are no UTF-8 text".to_owned()))?;
    Settings::parse(text).map_err(|error| bad(error.to_string()))
}

/// Tells everybody of the task's bundle whom the settings name, as far as `budget` of time goes; what has arrived already
/// is not sent again.
///
/// # Errors
/// `Notify.NoDigest`, `Notify.NoLists`; the stores' own. What became of each route is in the answer.
pub async fn run<P: Ports>(
    task: &NotifyTask,
    settings: &Settings,
    ports: &P,
    budget: Duration,
) -> Result<Delivered, TaskError> {
    let pace = Pace::new(ports.time(), budget);
    let bundle = Bundle::read(task, ports.reports()).await?;
    let routes = routes(settings, task, ports);
    let report = Report {
        manifest: &bundle.manifest,
        folder: &task.folder,
        digest: &bundle.digest,
        link: link(settings.report.link.as_deref(), &task.run_id),
        before: previous::sentences(&bundle.manifest, ports.records()).await?,
    };
    let concerns = concerns(task, &bundle, &routes, ports).await?;
    let run = Run {
        ports,
        pace: &pace,
        report: &report,
        failure_topic: failure_topic(settings, ports),
    };
    let under_way = routes
        .iter()
        .zip(concerns)
        .map(|(route, concern)| run.deliver(route, concern));
    let came: Vec<Came> = Box::pin(join_all(under_way)).await;
    let failed = failure(&came);
    let delivery = RunDelivery {
        schema: SCHEMA,
        run_id: task.run_id.clone(),
        kind: task.kind,
        manifest_sha256: task.manifest.sha256.clone(),
        at: ports.time().now(),
        note: routes.is_empty().then(|| {
            format!(
                "nobody is told: no route of the settings carries {} reports",
                task.kind.as_str()
            )
        }),
        routes: came.into_iter().map(|came| came.delivery).collect(),
    };
    Ok(Delivered {
        reference: delivery.keep(ports.records()).await?,
        delivery,
        failed,
    })
}

/// The routes that carry this kind of report. Without any route in the settings the stack's own topic is told, if there
/// is one: whoever subscribes to it wants to hear.
fn routes(settings: &Settings, task: &NotifyTask, ports: &impl Ports) -> Vec<RouteSettings> {
    let mut routes = settings.delivery.routes.clone();
    if routes.is_empty() && ports.summary_topic().is_some() {
        routes.push(RouteSettings {
            name: "summary".to_owned(),
            to: DestinationSettings {
                sns_topic: Some("summary".to_owned()),
                ..DestinationSettings::default()
            },
            ..RouteSettings::default()
        });
    }
    routes.retain(|route| route.carries(task.kind));
    routes
}

/// What concerns each route; lists are read only where a route asks for some of their rows.
async fn concerns(
    task: &NotifyTask,
    bundle: &Bundle,
    routes: &[RouteSettings],
    ports: &impl Ports,
) -> Result<Vec<Option<Concern>>, TaskError> {
    if !routes.iter().any(RouteSettings::is_filtered) {
        return Ok(routes.iter().map(|_| None).collect());
    }
    let lists = task.lists.as_ref().ok_or_else(|| {
        let message = "a route asks for some rows only, and the task names no lists; start the run anew";
        TaskError::new("Notify.NoLists", message)
    })?;
    let lists: Lists = objects::read_json(ports.reports(), lists).await?;
    let scorecard: Scorecard = bundle.document("scorecard.json", ports.reports()).await?;
    let concern = |route: &RouteSettings| match route.is_filtered() {
        true => Concern::of(route, &scorecard, &lists),
        false => None,
    };
    Ok(routes.iter().map(concern).collect())
}

/// Why the task failed: what is tried again comes before what a person must see to.
fn failure(came: &[Came]) -> Option<TaskError> {
    let again = came.iter().find_map(|came| came.again.clone());
    again.or_else(|| came.iter().find_map(|came| unseen(&came.delivery)))
}

/// A failure that no topic was told of.
fn unseen(delivery: &RouteDelivery) -> Option<TaskError> {
    let Some(Fallback::Failed(second)) = &delivery.fallback else {
        return None;
    };
    let (part, why) = delivery.missing().next()?;
    // What made a part ambiguous would be tried again to no end.
    let code = match delivery.failed.get(part) {
        Some(failure) => failure.code.clone(),
        None => "Slack.Ambiguous".to_owned(),
    };
    let message = format!(
        "the part {part} did not reach {} (route {}): {why}; nor was the topic for failures told: {}",
        delivery.to, delivery.route, second.message
    );
    Some(TaskError { code, message })
}

/// A sealed bundle.
struct Bundle {
    folder: String,
    manifest: BundleManifest,
    digest: Digest,
}

impl Bundle {
    async fn read(task: &NotifyTask, store: &impl ObjectStore) -> Result<Self, TaskError> {
        let manifest: BundleManifest = objects::read_json(store, &task.manifest).await?;
        let reference = reference(&task.folder, &manifest, "digest.json").ok_or_else(|| {
            let message = format!(
                "the bundle {} has no digest.json, so there is nothing to send",
                task.run_id
            );
            TaskError::new("Notify.NoDigest", message)
        })?;
        Ok(Self {
            folder: task.folder.clone(),
            digest: objects::read_json(store, &reference).await?,
            manifest,
        })
    }

    async fn document<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        store: &impl ObjectStore,
    ) -> Result<T, TaskError> {
        let reference = reference(&self.folder, &self.manifest, name).ok_or_else(|| {
            let message = format!("the bundle of {} has no {name}", self.manifest.run_id);
            PortError::new("Store", PortErrorKind::NotFound, message)
        })?;
        Ok(objects::read_json(store, &reference).await?)
    }
}

/// A file of a bundle, with the hash it was sealed with.
fn reference(folder: &str, manifest: &BundleManifest, name: &str) -> Option<ObjectRef> {
    let file = manifest.files.iter().find(|file| file.name == name)?;
    Some(ObjectRef {
        key: format!("{folder}{name}"),
        sha256: file.sha256.clone(),
    })
}

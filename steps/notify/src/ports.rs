//! What the step needs of the world.

use std::future::Future;

use compliance::delivery::SecretPlace;
use compliance::ports::{
    ChatService, Clock, Notifier, ObjectStore, PortError, PortErrorKind, Secrets, Timer,
};
use compliance::secret::Secret;

/// What the step needs of the world.
pub trait Ports: Sync {
    /// Where bundles are.
    type Reports: ObjectStore;
    /// Where the record is kept.
    type Records: ObjectStore;
    /// Slack.
    type Chat: ChatService;
    /// A topic.
    type Topic: Notifier;
    /// The time, and waiting for it.
    type Time: Clock + Timer;

    /// Where bundles are.
    fn reports(&self) -> &Self::Reports;
    /// Where the record is kept.
    fn records(&self) -> &Self::Records;
    /// Slack.
    fn chat(&self) -> &Self::Chat;
    /// The time.
    fn time(&self) -> &Self::Time;
    /// The topic of this ARN.
    fn topic(&self, arn: &str) -> Self::Topic;
    /// The secret kept at a place. No error holds it.
    fn secret(&self, place: &SecretPlace) -> impl Future<Output = Result<Secret, PortError>> + Send;
    /// ARN of the topic for summaries that the settings call `summary`, where there is one.
    fn summary_topic(&self) -> Option<&str>;
    /// ARN of the topic that is told of failures, unless the settings name another.
    fn failure_topic(&self) -> Option<&str>;
    /// Tells this run of the step apart from every other.
    fn who(&self) -> String;
}

/// Ports wired from adapters: what the function serves the step with.
#[derive(Debug)]
pub struct Wired<'a, R, B, C, S, T, F> {
    /// Where bundles are.
    pub reports: &'a R,
    /// Where the record is kept.
    pub records: &'a B,
    /// Slack.
    pub chat: &'a C,
    /// Secrets Manager: places on one machine are none in the cloud.
    pub secrets: &'a S,
    /// The time.
    pub time: &'a T,
    /// The topic of an ARN.
    pub topic: F,
    /// See [`Ports::summary_topic`].
    pub summary_topic: Option<String>,
    /// See [`Ports::failure_topic`].
    pub failure_topic: Option<String>,
    /// See [`Ports::who`].
    pub who: String,
}

impl<R, B, C, S, T, N, F> Ports for Wired<'_, R, B, C, S, T, F>
where
    R: ObjectStore,
    B: ObjectStore,
    C: ChatService,
    S: Secrets,
    T: Clock + Timer,
    N: Notifier,
    F: Fn(&str) -> N + Sync,
{
    type Reports = R;
    type Records = B;
    type Chat = C;
    type Topic = N;
    type Time = T;

    fn reports(&self) -> &R {
        self.reports
    }
    fn records(&self) -> &B {
        self.records
    }
    fn chat(&self) -> &C {
        self.chat
    }
    fn time(&self) -> &T {
        self.time
    }
    fn topic(&self, arn: &str) -> N {
        (self.topic)(arn)
    }
    async fn secret(&self, place: &SecretPlace) -> Result<Secret, PortError> {
        match place {
            SecretPlace::Manager(name) => self.secrets.secret(name).await,
            SecretPlace::File(_) | SecretPlace::Variable(_) => {
                let message = "the settings keep a secret in a file or a variable, of which there are none in the cloud; \
                               keep it in Secrets Manager and write secret:NAME";
                Err(PortError::new("Secrets", PortErrorKind::InvalidRequest, message))
            }
        }
    }
    fn summary_topic(&self) -> Option<&str> {
        self.summary_topic.as_deref()
    }
    fn failure_topic(&self) -> Option<&str> {
        self.failure_topic.as_deref()
    }
    fn who(&self) -> String {
        self.who.clone()
    }
}

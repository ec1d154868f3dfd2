//! What the step needs of the world.

use std::future::Future;

use compliance::delivery::SecretPlace;
use compliance::ports::{ChatService, Clock, Notifier, ObjectStore, PortError, Timer};
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

//! Where parts go: the place that a route leads to, with the right to speak there.

use compliance::delivery::{Destination, RouteSettings};
use compliance::ports::{PortError, PortErrorKind};
use compliance::secret::Secret;

use crate::decide::{Arrived, End};
use crate::ports::Ports;

/// Where parts go.
#[derive(Debug)]
pub enum Way {
    /// A channel, by a bot token.
    Channel {
        /// The channel's id.
        channel: String,
        /// The token.
        token: Secret,
    },
    /// A webhook.
    Webhook {
        /// Its URL.
        url: Secret,
    },
    /// A topic.
    Topic {
        /// Its ARN.
        arn: String,
    },
}

/// A message that parts stand under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The channel it is in.
    pub channel: String,
    /// Its id there.
    pub ts: String,
}

impl Thread {
    /// The thread of a head, if it arrived in a channel.
    pub fn under(head: &End) -> Option<Self> {
        match head {
            End::Sent(Arrived {
                ts: Some(ts),
                destination,
            }) => Some(Self {
                channel: destination.clone(),
                ts: ts.clone(),
            }),
            _ => None,
        }
    }
}

impl Way {
    /// The way of a route.
    ///
    /// # Errors
    /// Those of the secret it needs; `Notify.NotFound`, `Notify.InvalidRequest` for a route that leads nowhere.
    pub async fn of(route: &RouteSettings, ports: &impl Ports) -> Result<Self, PortError> {
        match route.destination() {
            Some(Destination::SlackChannel { channel, token }) => Ok(Self::Channel {
                channel,
                token: ports.secret(&token).await?,
            }),
            Some(Destination::SlackWebhook { url }) => Ok(Self::Webhook {
                url: ports.secret(&url).await?,
            }),
            Some(Destination::SnsTopic { arn }) => {
                let arn = arn.or_else(|| ports.summary_topic().map(str::to_owned));
                arn.map(|arn| Self::Topic { arn }).ok_or_else(|| {
                    let message = format!(
                        "the route {} leads to the topic \"summary\", which there is in the cloud only; give the ARN of a topic",
                        route.name
                    );
                    PortError::new("Notify", PortErrorKind::NotFound, message)
                })
            }
            None => {
                let message = format!(
                    "the route {} leads nowhere; give it one of slack_channel, slack_webhook and sns_topic",
                    route.name
                );
                Err(PortError::new("Notify", PortErrorKind::InvalidRequest, message))
            }
        }
    }
}

/// Where a route leads, without any secret.
pub fn described(route: &RouteSettings) -> String {
    match route.destination() {
        Some(Destination::SlackChannel { channel, .. }) => format!("Slack channel {channel}"),
        Some(Destination::SlackWebhook { .. }) => "Slack webhook".to_owned(),
        Some(Destination::SnsTopic { arn: Some(arn) }) => format!("SNS topic {arn}"),
        Some(Destination::SnsTopic { arn: None }) => "SNS topic for summaries".to_owned(),
        None => "nowhere".to_owned(),
    }
}

//! What did not reach people on its way reaches them by the topic for failures, with the reason.

use compliance::delivery::record::{Failure, Fallback, RouteDelivery};
use compliance::failure::TaskError;
use compliance::settings::Settings;

use crate::decide::End;
use crate::parts::Part;
use crate::ports::Ports;
use crate::route::Run;
use crate::send::Sender;
use crate::way::Way;

/// ARN of the topic for failures: that of the settings, else the stack's.
pub fn failure_topic(settings: &Settings, ports: &impl Ports) -> Option<String> {
    let own = || ports.failure_topic().map(str::to_owned);
    settings.delivery.fallback_topic.clone().or_else(own)
}

/// Tells the topic for failures of a route that failed.
///
/// # Errors
/// A code that the workflow tries again.
pub(crate) async fn tell<'a, P: Ports>(
    run: &'a Run<'a, P>,
    delivery: &'a RouteDelivery,
) -> Result<Fallback, TaskError> {
    let missing = delivery.missing();
    let reasons: Vec<String> = missing.map(|(part, why)| format!("{part}: {why}")).collect();
    let part = run.report.for_fallback(&delivery.route, &delivery.to, &reasons);
    let sender = |way| run.sender(&delivery.route, way);
    tell_topic(run.failure_topic.as_deref(), &part, sender).await
}

/// Tells the topic for failures a part, by a sender that leads there.
///
/// # Errors
/// A code that the workflow tries again.
pub async fn tell_topic<'a, P: Ports + 'a>(
    topic: Option<&str>,
    part: &Part,
    sender: impl FnOnce(Way) -> Sender<'a, P>,
) -> Result<Fallback, TaskError> {
    let Some(topic) = topic else {
        let message = "there is no topic for failures; set delivery.fallback_topic";
        return Ok(Fallback::Failed(Failure {
            code: "Notify.NoFallback".to_owned(),
            message: message.to_owned(),
        }));
    };
    let topic = topic.to_owned();
    let sender = sender(Way::Topic { arn: topic.clone() });
    Ok(match sender.deliver(part, None).await? {
        End::Failed(failure) => Fallback::Failed(failure),
        End::Sent(_) | End::Ambiguous(_) => Fallback::Sent { topic },
    })
}

//! What did not reach people on its way reaches them by the topic for failures, with the reason.

use compliance::delivery::record::{Failure, Fallback, RouteDelivery};
use compliance::failure::TaskError;

use crate::decide::End;
use crate::ports::Ports;
use crate::route::Run;
use crate::send::Way;

/// Tells the topic for failures of a route that failed.
///
/// # Errors
/// A code that the workflow tries again.
pub(crate) async fn tell<'a, P: Ports>(
    run: &'a Run<'a, P>,
    delivery: &'a RouteDelivery,
) -> Result<Fallback, TaskError> {
    let Some(topic) = &run.failure_topic else {
        let message = "there is no topic for failures; set delivery.fallback_topic";
        return Ok(Fallback::Failed(Failure {
            code: "Notify.NoFallback".to_owned(),
            message: message.to_owned(),
        }));
    };
    let missing = delivery.missing();
    let reasons: Vec<String> = missing.map(|(part, why)| format!("{part}: {why}")).collect();
    let part = run.report.for_fallback(&delivery.route, &delivery.to, &reasons);
    let sender = run.sender(&delivery.route, Way::Topic { arn: topic.clone() });
    Ok(match sender.deliver(&part, None).await? {
        End::Failed(failure) => Fallback::Failed(failure),
        End::Sent(_) | End::Ambiguous(_) => Fallback::Sent { topic: topic.clone() },
    })
}

//! The send-alerts function.

use std::time::Duration;

use compliance::ports::ObjectStore;
use compliance::workflow::AlertTask;
use notify::Wired;
use send_alerts::task;
use step_runtime::{Environment, Error, Lambda, Metric, Unit, serve};

/// The function ends after 300 s; what is not sent by then is left to its next run, which the record tells where to go on.
const BUDGET: Duration = Duration::from_secs(240);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("send-alerts", async |task: AlertTask, lambda: &Lambda| {
        let key = Environment::required("PLUMBLINE_SETTINGS_KEY")?;
        let settings = task::settings(lambda.bucket.get(&key).await?.as_deref())?;
        let aws = lambda.aws(&settings, 1);
        let table = aws.event_table(&Environment::required("PLUMBLINE_TABLE")?);
        let (slack, secrets) = (lambda.slack()?, aws.secrets());
        let ports = Wired {
            reports: &lambda.bucket,
            records: &lambda.bucket,
            chat: &slack,
            secrets: &secrets,
            time: &lambda.clock,
            topic: |arn: &str| aws.notifier(arn),
            summary_topic: Environment::optional("PLUMBLINE_TOPIC_ARN"),
            failure_topic: Environment::optional("PLUMBLINE_FAILURE_TOPIC_ARN"),
            who: lambda.unique_name(),
        };
        let outcome = Box::pin(task::run(&task, &settings, &table, &ports, BUDGET)).await?;
        let counts = &outcome.counts;
        let slowest = counts.delays.iter().copied().reduce(f64::max);
        let mut metrics = vec![Metric::new(
            "ComplianceViolationNotifications",
            Unit::Count,
            counts.sent as f64,
        )];
        metrics.extend(slowest.map(|delay| Metric::new("AlertDelay", Unit::Seconds, delay)));
        lambda.measure(&[("Route", &task.route)], &metrics);
        outcome.answer()
    })
    .await
}

//! The notify function.

use std::time::Duration;

use compliance::ports::ObjectStore;
use compliance::workflow::NotifyTask;
use notify::{Wired, task};
use step_runtime::{Environment, Error, Lambda, Metric, Unit, serve};

/// The function ends after 900 s; what is not sent by then is left to its next run, which the record tells where to go on.
const BUDGET: Duration = Duration::from_secs(840);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("notify", async |task: NotifyTask, lambda: &Lambda| {
        let key = Environment::required("PLUMBLINE_SETTINGS_KEY")?;
        let settings = task::settings(lambda.bucket.get(&key).await?.as_deref())?;
        let aws = lambda.aws(&settings, 1);
        let (slack, secrets) = (lambda.slack()?, aws.secrets());
        let ports = Wired {
            reports: &lambda.store,
            records: &lambda.bucket,
            chat: &slack,
            secrets: &secrets,
            time: &lambda.clock,
            topic: |arn: &str| aws.notifier(arn),
            summary_topic: Environment::optional("PLUMBLINE_TOPIC_ARN"),
            failure_topic: Environment::optional("PLUMBLINE_FAILURE_TOPIC_ARN"),
            who: lambda.unique_name(),
        };
        let delivered = Box::pin(task::run(&task, &settings, &ports, BUDGET)).await?;
        let (sent, failed, ambiguous) = delivered.delivery.counts();
        let count = |name, number: usize| Metric::new(name, Unit::Count, number as f64);
        lambda.measure(
            &[("Kind", task.kind.as_str())],
            &[
                count("DeliverySent", sent),
                count("DeliveryFailed", failed),
                count("DeliveryAmbiguous", ambiguous),
            ],
        );
        delivered.answer()
    })
    .await
}

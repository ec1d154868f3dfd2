//! The plan-report function.

use compliance::ports::ObjectStore;
use compliance::workflow::PlanTask;
use plan_report::task;
use step_runtime::{Cost, Environment, Error, Lambda, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("plan-report", async |task: PlanTask, lambda: &Lambda| {
        let settings = lambda
            .bucket
            .get(&Environment::required("PLUMBLINE_SETTINGS_KEY")?)
            .await?;
        let asked = task::read(task, settings.as_deref())?;
        let aggregator = Environment::required("PLUMBLINE_AGGREGATOR")?;
        let deployed = task::Deployed {
            aggregator: &aggregator,
            distributed_above: Environment::number("PLUMBLINE_DISTRIBUTED_ABOVE", 40)?,
        };
        let aws = lambda.aws(&asked.settings, 1);
        let (source, directory) = (aws.source(), aws.directory());
        let events = Environment::optional("PLUMBLINE_TABLE").map(|table| aws.event_history(table));
        let (store, progress) = (&lambda.store, &lambda.progress);
        let (planned, planned_calls) = task::run(
            asked,
            deployed,
            &source,
            &directory,
            events.as_ref(),
            store,
            progress,
        )
        .await?;
        let cost = Cost {
            principal: aws.principal().await,
            calls: aws.calls(),
            planned_calls,
        };
        lambda.record(&planned.execution, "plan", "plan", cost).await?;
        Ok(planned)
    })
    .await
}

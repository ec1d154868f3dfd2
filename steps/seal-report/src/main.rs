//! The seal-report function.

use compliance::workflow::SealTask;
use seal_report::task;
use step_runtime::{Environment, Error, Lambda, Metric, Unit, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("seal-report", async |task: SealTask, lambda: &Lambda| {
        let bundle = task::run(&task, &lambda.store, &lambda.clock, &lambda.progress).await?;
        let retention = Environment::retention()?;
        let lock = lambda.store.locked(retention.mode);
        task::retain(&task.execution, &bundle, &retention.days, &lambda.store, &lock).await?;
        let took = task::seconds_since(&task, &lambda.clock);
        lambda.measure(
            &[("Kind", bundle.kind.as_str())],
            &[Metric::new("ReportDuration", Unit::Seconds, took)],
        );
        Ok(bundle)
    })
    .await
}

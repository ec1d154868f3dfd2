//! The collect-results function.

use collect_results::task;
use compliance::objects;
use compliance::settings::Settings;
use compliance::workflow::CollectTask;
use step_runtime::{Cost, Environment, Error, Lambda, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("collect-results", async |task: CollectTask, lambda: &Lambda| {
        let (store, progress) = (&lambda.store, &lambda.progress);
        let settings: Settings = objects::read_json(store, &task.settings).await?;
        let aws = lambda.aws(&settings, task.map_concurrency);
        let partition = Environment::optional("PLUMBLINE_PARTITION").unwrap_or_else(|| "aws".to_owned());
        let (source, inventory) = (aws.source(), aws.inventory_in(&partition));
        let (collected, counts) = task::run(&task, &settings, &source, &inventory, store, progress).await?;
        let cost = Cost {
            calls: aws.calls(),
            planned_calls: counts.planned_calls,
            ..Cost::default()
        };
        let name = format!("collect-{}", &task.shard.sha256);
        lambda.record(&task.execution, &name, "collect", cost).await?;
        Ok(collected)
    })
    .await
}

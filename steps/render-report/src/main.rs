//! The render-report function.

use compliance::workflow::RenderTask;
use render_report::task;
use step_runtime::{Cost, Error, Lambda, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("render-report", async |task: RenderTask, lambda: &Lambda| {
        let rendered = task::run(&task, &lambda.store, &lambda.progress).await?;
        lambda
            .record(&task.execution, "render", "render", Cost::default())
            .await?;
        Ok(rendered)
    })
    .await
}

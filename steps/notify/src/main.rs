//! The notify function.

use compliance::workflow::NotifyTask;
use notify::task;
use step_runtime::{Error, Lambda, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("notify", async |task: NotifyTask, lambda: &Lambda| {
        task::run(&task, &lambda.store, &lambda.bucket).await
    })
    .await
}

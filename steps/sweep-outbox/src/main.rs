//! The sweep-outbox function.

use compliance::ports::{Clock, ObjectStore};
use compliance::settings::Settings;
use serde_json::{Value, json};
use step_runtime::{Environment, Error, Lambda, Metric, Unit, serve};
use sweep_outbox::{run, window_seconds};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("sweep-outbox", async |_schedule: Value, lambda: &Lambda| {
        let key = Environment::required("PLUMBLINE_SETTINGS_KEY")?;
        let seconds = window_seconds(lambda.bucket.get(&key).await?.as_deref());
        let aws = lambda.aws(&Settings::default(), 1);
        let table = aws.event_table(Environment::required("PLUMBLINE_TABLE")?);
        let alerts = aws.alert_starter(&Environment::required("PLUMBLINE_ALERT_STATE_MACHINE_ARN")?)?;
        let swept = run(&table, &alerts, lambda.clock.now(), seconds).await?;
        let count = |name, number: usize| Metric::new(name, Unit::Count, number as f64);
        let failed = swept.not_started.len();
        lambda.measure(
            &[],
            &[
                count("AlertsOverdue", swept.overdue),
                count("AlertsNotStarted", failed),
            ],
        );
        Ok(json!({"overdue": swept.overdue, "notStarted": failed}))
    })
    .await
}

//! The record-event function.

use std::sync::OnceLock;
use std::time::Duration;

use compliance::settings::Settings;
use record_event::task::{SqsAnswer, SqsBatch};
use record_event::{BatchOutcome, Warm, Wired, run};
use serde_json::{Map, json};
use step_runtime::{Environment, Error, Lambda, Metric, Unit, serve};

/// The function ends after 60 s, and what was begun may take half of that when the table does not answer; what is not
/// begun by then goes back to the queue.
const BUDGET: Duration = Duration::from_secs(25);
/// What CloudWatch takes of one metric in a line.
const VALUES: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // A warm function keeps its adapters, with their connections and what they learned of throttling.
    let (warm, opened) = (&Warm::default(), &OnceLock::new());
    serve("record-event", async |batch: SqsBatch, lambda: &Lambda| {
        let (table, letters, alerts) = match opened.get() {
            Some(adapters) => adapters,
            None => {
                let aws = lambda.aws(&Settings::default(), 1);
                let adapters = (
                    aws.event_table(Environment::required("PLUMBLINE_TABLE")?),
                    aws.dead_letters(Environment::required("PLUMBLINE_DEAD_LETTERS_URL")?),
                    aws.alert_starter(&Environment::required("PLUMBLINE_ALERT_STATE_MACHINE_ARN")?)?,
                );
                opened.get_or_init(|| adapters)
            }
        };
        let key = Environment::required("PLUMBLINE_SETTINGS_KEY")?;
        let (setup, stale) = warm
            .setup(&lambda.bucket, &lambda.store, &key, &lambda.clock)
            .await?;
        for code in stale {
            let fields = [
                ("message", json!("what was read before is used")),
                ("code", json!(code)),
            ];
            lambda.log(&Map::from_iter(
                fields.map(|(name, value)| (name.to_owned(), value)),
            ));
        }
        let ports = Wired {
            table,
            letters,
            alerts,
            time: &lambda.clock,
        };
        let outcome = Box::pin(run(&batch.messages(), &ports, &setup, BUDGET)).await;
        report(&outcome, lambda);
        Ok(SqsAnswer::of(&outcome))
    })
    .await
}

/// A line of log for each message, and the metrics: by kind and code, and without, for alarms.
fn report(outcome: &BatchOutcome, lambda: &Lambda) {
    for handled in &outcome.handled {
        lambda.log(&handled.line());
    }
    let (stored, errors) = (outcome.stored(), outcome.errors());
    let processed = |number: usize| Metric::new("ConfigEventsProcessed", Unit::Count, number as f64);
    let failed = |number: usize| Metric::new("ConfigEventProcessingErrors", Unit::Count, number as f64);
    for (kind, number) in &stored {
        lambda.measure(&[("Kind", kind)], &[processed(*number)]);
    }
    for (code, number) in &errors {
        lambda.measure(&[("Code", code)], &[failed(*number)]);
    }
    let not_started = outcome.not_started.len() as f64;
    let all = [
        processed(stored.values().sum()),
        failed(errors.values().sum()),
        Metric::new("AlertsNotStarted", Unit::Count, not_started),
    ];
    lambda.measure(&[], &all);
    let latencies = outcome.handled.iter().filter_map(|handled| handled.latency);
    let latencies: Vec<f64> = latencies.map(|latency| latency.as_secs_f64() * 1_000.0).collect();
    for some in latencies.chunks(VALUES) {
        let latency = Metric::many("ConfigEventLatency", Unit::Milliseconds, some.to_vec());
        lambda.measure(&[], &[latency]);
    }
}

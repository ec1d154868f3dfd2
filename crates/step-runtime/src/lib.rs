//! What every Lambda step shares: its environment, its ports, its logs and metrics, and failures that Step Functions
//! can match. The only crate that names the Lambda runtime.
//!
//! A step's binary is `serve(name, async |task, lambda| …)`: the task is read from the payload, the answer written as
//! JSON, and a [`TaskError`] becomes `errorType` (its stable code) and `errorMessage`.

mod environment;
mod invocation;
mod log;
mod metrics;

use std::time::Duration;

use compliance::failure::TaskError;
use compliance::ports::Clock;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use local::SystemClock;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use environment::{Environment, RetentionSettings};
pub use invocation::{Cost, Lambda};
pub use lambda_runtime::Error;
pub use metrics::{Metric, Unit};

use log::LogProgress;

/// Serves invocations until Lambda ends the process.
///
/// # Errors
/// When the environment lacks what every step needs, or Lambda's own interface fails: both end the process, and Lambda
/// says so.
pub async fn serve<T, O>(
    step: &'static str,
    run: impl AsyncFn(T, &Lambda) -> Result<O, TaskError>,
) -> Result<(), Error>
where
    T: DeserializeOwned,
    O: Serialize,
{
    log::start();
    let environment = Environment::read()?;
    let lambda = Lambda::new(environment, LogProgress).await?;
    let (run, lambda) = (&run, &lambda);
    let handle = |event: LambdaEvent<Value>| async move {
        let begun = SystemClock.monotonic();
        let run_name = run_name(&event);
        let outcome = answer(run, event.payload, &lambda.invoked(begun, &run_name)).await;
        report(
            step,
            &run_name,
            SystemClock.monotonic().saturating_sub(begun),
            lambda,
            &outcome,
        );
        outcome.map_err(Failed)
    };
    lambda_runtime::run(service_fn(handle)).await
}

async fn answer<T, O>(
    run: &impl AsyncFn(T, &Lambda) -> Result<O, TaskError>,
    payload: Value,
    lambda: &Lambda,
) -> Result<Value, TaskError>
where
    T: DeserializeOwned,
    O: Serialize,
{
    let task = serde_json::from_value(payload).map_err(|error| {
        let message = format!("the payload is not what this task is given: {error}; check the state machine");
        TaskError::new("Step.BadInput", message)
    })?;
    let output = Box::pin(run(task, lambda)).await?;
    serde_json::to_value(output).map_err(|error| {
        TaskError::new(
            "Step.BadOutput",
            format!("the answer cannot be written as JSON: {error}"),
        )
    })
}

/// The name of the execution, which logs are found by; the id of the invocation where there is none.
fn run_name(event: &LambdaEvent<Value>) -> String {
    let name = event.payload.pointer("/execution/name").and_then(Value::as_str);
    name.unwrap_or(&event.context.request_id).to_owned()
}

/// One line of log and one of metrics for each invocation. A message may name resources, so the log has the code only;
/// the message is in the execution's history.
fn report(step: &str, run: &str, took: Duration, lambda: &Lambda, outcome: &Result<Value, TaskError>) {
    let milliseconds = took.as_secs_f64() * 1_000.0;
    let failed = outcome.as_ref().err().map(|error| error.code.as_str());
    log::done(step, run, milliseconds, failed);
    lambda.measure(
        &[("Step", step)],
        &[
            Metric::new("StepDuration", Unit::Milliseconds, milliseconds),
            Metric::new("StepErrors", Unit::Count, f64::from(u8::from(failed.is_some()))),
        ],
    );
}

/// A failure on its way out. Its `Debug`, which the runtime logs, tells the code and nothing of the message.
struct Failed(TaskError);

impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.code)
    }
}

impl From<Failed> for Diagnostic {
    fn from(Failed(error): Failed) -> Self {
        Self {
            error_type: error.code,
            error_message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_matched_by_its_code_and_logged_without_its_message() {
        let failed = || {
            Failed(TaskError::new(
                "Config.Throttled",
                "account 111122223333 was throttled",
            ))
        };
        assert_eq!(format!("{:?}", failed()), "Config.Throttled");
        let diagnostic = Diagnostic::from(failed());
        assert_eq!(diagnostic.error_type, "Config.Throttled");
        assert_eq!(diagnostic.error_message, "account 111122223333 was throttled");
    }
}

//! One invocation: what is handed to an instance, and how it ends, in Lambda's words.

use std::process::ExitStatus;

use hyper::body::Bytes;
use serde_json::json;

use crate::functions::Function;

/// What `/next` hands over.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) deadline_ms: u128,
    pub(crate) payload: Bytes,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The function's answer.
    Response(Bytes),
    /// The function's own error, as it wrote it.
    Error(Bytes),
    /// The process ended before it answered; how, as Lambda puts it.
    Exited(String),
    /// The function's time was up.
    TimedOut,
    /// There is no such program, or it cannot be run.
    NoEntrypoint(String),
}

/// A payload may have so many bytes, either way.
pub(crate) const LARGEST_PAYLOAD: usize = 6_291_556;

impl Ending {
    /// A process was killed, by a fault or by the system.
    pub(crate) fn killed() -> Self {
        Self::Exited("Runtime exited with error: signal: killed".to_owned())
    }

    pub(crate) fn exited(status: Option<ExitStatus>) -> Self {
        match status.map(|status| status.code()) {
            Some(Some(0)) => Self::Exited("Runtime exited without providing a reason".to_owned()),
            Some(Some(code)) => Self::Exited(format!("Runtime exited with error: exit status {code}")),
            Some(None) | None => Self::killed(),
        }
    }

    /// The body of the answer, and the error's type where it is one.
    pub(crate) fn answer(self, id: &str, function: &Function) -> (Bytes, Option<String>) {
        match self {
            Self::Response(body) if body.len() > LARGEST_PAYLOAD => error(
                "Function.ResponseSizeTooLarge",
                &format!(
                    "Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD} bytes)."
                ),
            ),
            Self::Response(body) => (body, None),
            Self::Error(body) => {
                let named = error_type(&body);
                (body, Some(named))
            }
            Self::Exited(how) => error("Runtime.ExitError", &format!("RequestId: {id} Error: {how}")),
            Self::TimedOut => {
                let seconds = f64::from(function.settings.timeout_seconds);
                let message = format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds");
                error("Sandbox.Timedout", &message)
            }
            Self::NoEntrypoint(why) => error(
                "Runtime.InvalidEntrypoint",
                &format!("RequestId: {id} Error: {why}"),
            ),
        }
    }
}

fn error(error_type: &str, message: &str) -> (Bytes, Option<String>) {
    let body = json!({"errorType": error_type, "errorMessage": message}).to_string();
    (body.into(), Some(error_type.to_owned()))
}

/// What a function called its error; Step Functions matches nothing else.
fn error_type(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body["errorType"].as_str().unwrap_or("Unknown").to_owned()
}

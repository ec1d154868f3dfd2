//! The Invoke API, and the path by which a test sets faults.

use std::sync::Arc;

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use tokio::net::TcpListener;

use crate::faults::Rule;
use crate::host::{Admitted, Host, Invoked, Refusal};
use crate::invocation::LARGEST_PAYLOAD;
use crate::wire::{self, Answer, Asked};

pub(crate) async fn serve(listener: TcpListener, host: Arc<Host>) {
    wire::serve(listener, host, answer).await;
}

async fn answer(host: Arc<Host>, asked: Asked) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (&asked.method, path.as_slice()) {
        (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => {
            invocation(&host, &unescaped(name), &asked).await
        }
        (&Method::PUT, ["faults"]) => set_faults(&host, &asked.body),
        _ => wire::plain(StatusCode::NOT_FOUND),
    }
}

async fn invocation(host: &Arc<Host>, name: &str, asked: &Asked) -> Answer {
    let payload = if asked.body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        asked.body.clone()
    };
    if payload.len() > LARGEST_PAYLOAD {
        let message =
            format!("Request must be smaller than {LARGEST_PAYLOAD} bytes for the InvokeFunction operation");
        return wire::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            &message,
        );
    }
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&payload) {
        let message = format!("Could not parse request body into json: {error}");
        return wire::refused(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            &message,
        );
    }
    let admitted = match host.admit(name) {
        Ok(admitted) => admitted,
        Err(refusal) => return refused(&refusal),
    };
    // A task of its own: an invocation goes on when its caller has hung up.
    let running = tokio::spawn(admitted_to_its_end(admitted, payload));
    if asked.invocation_type.as_deref() == Some("Event") {
        return wire::plain(StatusCode::ACCEPTED);
    }
    running
        .await
        .unwrap_or_else(|_| wire::plain(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn admitted_to_its_end(admitted: Admitted, payload: Bytes) -> Answer {
    match admitted.invoke(payload).await {
        Ok(invoked) => answered(invoked),
        Err(refusal) => refused(&refusal),
    }
}

fn answered(invoked: Invoked) -> Answer {
    let mut answer = wire::json(StatusCode::OK, invoked.body);
    wire::header(&mut answer, "x-amzn-requestid", &invoked.id);
    wire::header(&mut answer, "x-amz-executed-version", "$LATEST");
    if invoked.failed {
        wire::header(&mut answer, "x-amz-function-error", "Unhandled");
    }
    answer
}

fn refused(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::NotFound(arn) => wire::refused(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &format!("Function not found: {arn}"),
        ),
        Refusal::Throttled => wire::refused(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            "Rate Exceeded.",
        ),
        Refusal::Broken(error) => wire::refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "ServiceException",
            &error.to_string(),
        ),
    }
}

fn set_faults(host: &Host, body: &[u8]) -> Answer {
    match serde_json::from_slice::<Vec<Rule>>(body) {
        Ok(rules) => {
            host.faults.set(rules);
            wire::plain(StatusCode::NO_CONTENT)
        }
        Err(error) => wire::refused(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            &error.to_string(),
        ),
    }
}

/// A name or ARN in a path: clients escape its colons and the dollar of `$LATEST`.
fn unescaped(name: &str) -> String {
    name.replace("%3A", ":").replace("%3a", ":").replace("%24", "$")
}

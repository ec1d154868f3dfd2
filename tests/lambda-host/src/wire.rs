//! HTTP as both APIs speak it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// A request read to its end.
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// The path's parts, still escaped.
    pub(crate) path: Vec<String>,
    /// `X-Amz-Invocation-Type`.
    pub(crate) invocation_type: Option<String>,
    pub(crate) body: Bytes,
}

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers every request to a listener, for ever.
pub(crate) async fn serve<S, F>(listener: TcpListener, state: Arc<S>, handle: fn(Arc<S>, Asked) -> F)
where
    S: Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file handles: some connection will end.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answered(Arc::clone(&state), request, handle));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answered<S, F>(
    state: Arc<S>,
    request: Request<Incoming>,
    handle: fn(Arc<S>, Asked) -> F,
) -> Result<Answer, Infallible>
where
    F: Future<Output = Answer>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(plain(StatusCode::BAD_REQUEST));
    };
    let asked = Asked {
        path: head
            .uri
            .path()
            .trim_start_matches('/')
            .split('/')
            .map(ToOwned::to_owned)
            .collect(),
        method: head.method,
        invocation_type: head
            .headers
            .get("x-amz-invocation-type")
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned),
        body: body.to_bytes(),
    };
    Ok(handle(state, asked).await)
}

/// An answer without a body.
pub(crate) fn plain(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// An answer of JSON that is already written.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    header(&mut answer, CONTENT_TYPE.as_str(), "application/json");
    answer
}

/// An error of the Lambda service itself, not of a function.
pub(crate) fn refused(status: StatusCode, code: &str, message: &str) -> Answer {
    let body: Value = serde_json::json!({"Type": "User", "Message": message});
    let mut answer = json(status, body.to_string());
    header(&mut answer, "x-amzn-errortype", code);
    answer
}

/// Sets a header. Values are ours: ids, numbers, names of functions that a path could carry.
pub(crate) fn header(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
}

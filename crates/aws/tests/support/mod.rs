//! A server on loopback that answers from a script: what a service does when it is not at its best.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test that cannot go on has failed"
)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use aws::{Aws, AwsSettings};
use compliance::settings::CollectionSettings;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A request as the script sees it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The operation: of `X-Amz-Target`, or of the form's `Action`.
    pub(crate) operation: String,
    /// The JSON body; the form as text for the query protocol.
    pub(crate) body: Value,
    /// How many requests of this operation came before.
    pub(crate) before: usize,
    /// The access key the request is signed with.
    pub(crate) key: String,
}

/// What the script answers.
pub(crate) enum Answer {
    Json(Value),
    Error(u16, &'static str, &'static str),
    Raw(&'static str),
    Xml(String),
    /// The connection is cut without an answer.
    Cut,
}

pub(crate) struct Stub {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// Serves `script` for the rest of the test.
    pub(crate) async fn serve(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let service =
                    service_fn(move |request| answer(request, Arc::clone(&script), Arc::clone(&log)));
                tokio::spawn(async move {
                    // A cut connection is an error here, and meant.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { url, asked }
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Clients of this server, with a role for the inventory and 4 attempts.
    pub(crate) async fn connect(&self) -> Aws {
        let mut settings = AwsSettings::new(&CollectionSettings::default());
        settings.endpoint_override = Some(self.url.clone());
        settings.max_attempts = 4;
        settings.inventory_role = Some("reader".to_owned());
        Aws::connect(settings).await.unwrap()
    }
}

#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<impl Fn(&Asked) -> Answer>,
    log: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let target = header("x-amz-target");
    let authorization = header("authorization");
    let key = authorization
        .split_once("Credential=")
        .and_then(|(_, rest)| rest.split('/').next())
        .unwrap_or_default()
        .to_owned();
    let bytes = request.into_body().collect().await.map_err(|_| Cut)?.to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let operation = match target.rsplit_once('.') {
        Some((_, operation)) => operation.to_owned(),
        None => text
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="))
            .unwrap_or_default()
            .to_owned(),
    };
    let asked = {
        let mut log = log.lock().unwrap();
        let before = log
            .iter()
            .filter(|earlier| earlier.operation == operation)
            .count();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let asked = Asked {
            operation,
            body,
            before,
            key,
        };
        log.push(asked.clone());
        asked
    };
    let (status, media_type, body) = match script(&asked) {
        Answer::Json(body) => (200, "application/x-amz-json-1.1", body.to_string()),
        Answer::Error(status, code, message) => (
            status,
            "application/x-amz-json-1.1",
            json!({"__type": code, "message": message}).to_string(),
        ),
        Answer::Raw(body) => (200, "application/x-amz-json-1.1", body.to_owned()),
        Answer::Xml(body) => (200, "text/xml", body),
        Answer::Cut => return Err(Cut),
    };
    Ok(Response::builder()
        .status(status)
        .header("content-type", media_type)
        .body(Full::new(Bytes::from(body)))
        .unwrap())
}

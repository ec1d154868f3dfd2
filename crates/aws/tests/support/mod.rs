//! A server on loopback that answers from a script: what a service does when it is not at its best.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws::{Aws, AwsSettings};
use compliance::settings::CollectionSettings;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A request as the script sees it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The operation: of `X-Amz-Target`, of the form's `Action`, or what S3 takes method and query for.
    pub(crate) operation: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
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
    /// An error with more than a code and a message.
    JsonError(u16, Value),
    Raw(&'static str),
    Xml(String),
    /// An object of S3 with these headers.
    Object(Vec<(&'static str, String)>, Vec<u8>),
    /// An error of S3, in XML.
    Refusal(u16, &'static str),
    /// XML with another status.
    Status(u16, String),
    /// The connection is cut after these bytes of a longer body.
    CutAfter(&'static [u8]),
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

async fn answer(
    request: Request<Incoming>,
    script: Arc<impl Fn(&Asked) -> Answer>,
    log: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<BoxBody<Bytes, Cut>>, Cut> {
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
    let path = request.uri().path_and_query().unwrap().to_string();
    let of_s3 = s3_operation(request.method().as_str(), &path);
    let headers = request.headers().iter();
    let headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let bytes = request.into_body().collect().await.map_err(|_| Cut)?.to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let action = || text.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let operation = match target.rsplit_once('.') {
        Some((_, operation)) => operation.to_owned(),
        None => action().unwrap_or(of_s3).to_owned(),
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
            path,
            headers,
            body,
            before,
            key,
        };
        log.push(asked.clone());
        asked
    };
    let json = "application/x-amz-json-1.1";
    let (status, media_type, headers, body) = match script(&asked) {
        Answer::Json(body) => (200, json, vec![], whole(body.to_string())),
        Answer::Error(status, code, message) => {
            let error = json!({"__type": code, "message": message});
            (status, json, vec![], whole(error.to_string()))
        }
        Answer::JsonError(status, error) => (status, json, vec![], whole(error.to_string())),
        Answer::Raw(body) => (200, json, vec![], whole(body)),
        Answer::Xml(body) => (200, "text/xml", vec![], whole(body)),
        Answer::Object(headers, body) => (200, "binary/octet-stream", headers, whole(body)),
        Answer::Refusal(status, code) => {
            let error = format!("<Error><Code>{code}</Code><Message>so it is</Message></Error>");
            (status, "application/xml", vec![], whole(error))
        }
        Answer::Status(status, body) => (status, "text/xml", vec![], whole(body)),
        Answer::CutAfter(bytes) => {
            let length = ("content-length", (bytes.len() + 1).to_string());
            let frames = [Ok(Frame::data(Bytes::from_static(bytes))), Err(Cut)];
            let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
            (200, "binary/octet-stream", vec![length], body)
        }
        Answer::Cut => return Err(Cut),
    };
    let mut response = Response::builder()
        .status(status)
        .header("content-type", media_type);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(body).unwrap())
}

fn whole(body: impl Into<Bytes>) -> BoxBody<Bytes, Cut> {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

/// The operation that method and query stand for in S3.
fn s3_operation<'a>(method: &str, path: &'a str) -> &'a str {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    if let Some(id) = query.split('&').find_map(|pair| pair.strip_prefix("x-id=")) {
        return id;
    }
    match (method, query) {
        ("GET", query) if query.contains("list-type=2") => "ListObjectsV2",
        ("POST", query) if query.contains("uploads") => "CreateMultipartUpload",
        ("POST", query) if query.contains("uploadId") => "CompleteMultipartUpload",
        ("DELETE", query) if query.contains("uploadId") => "AbortMultipartUpload",
        _ => "",
    }
}

//! The thin edge: HTTP/1 in and out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::Organization;
use super::answer::Answer;
use super::calls::Request;
use super::cut::{Cuttable, Scissors};

/// Answers AWS clients on this listener until dropped; every connection is a task of the current runtime, which needs
/// I/O and time.
pub async fn serve(listener: TcpListener, organization: Arc<Organization>) {
    let requests = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    loop {
        // A connection that breaks before it is accepted concerns its client only.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small answers must not wait for one another.
        let _ = stream.set_nodelay(true);
        let organization = Arc::clone(&organization);
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let scissors = Scissors::default();
            let stream = Cuttable::new(stream, scissors.clone());
            let service = service_fn(|request| respond(&organization, &requests, &scissors, began, request));
            // So does one that breaks later.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    organization: &Organization,
    requests: &AtomicU64,
    scissors: &Scissors,
    began: Instant,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let request = Request {
        target: header(&head.headers, "x-amz-target"),
        authorization: header(&head.headers, AUTHORIZATION.as_str()),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let reply = organization.reply(&request, began.elapsed());
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if let Some(cut) = reply.cut {
        scissors.cut(cut);
    }
    let number = requests.fetch_add(1, Ordering::Relaxed);
    Ok(response(reply.answer, number))
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn response(answer: Answer, number: u64) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.media_type));
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    for (name, value) in [("x-amzn-requestid", Some(id)), ("x-amzn-errortype", answer.error)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

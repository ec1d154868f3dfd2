//! The Runtime API: what an instance asks and answers, one listener for each, so that no instance can take the place of
//! another.

use std::process::ExitStatus;
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::invocation::Invocation;
use crate::wire::{self, Answer, Asked};

/// What an instance has done.
#[derive(Debug)]
pub(crate) enum Signal {
    /// It asks for work.
    Ready,
    /// The invocation of this id is answered.
    Response { id: String, body: Bytes },
    /// The invocation of this id failed.
    Error { id: String, body: Bytes },
    /// It could not begin.
    InitError(Bytes),
    /// Its process has ended.
    Exited(std::io::Result<ExitStatus>),
}

/// One instance's end of the channels to whoever runs it.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    pub(crate) signals: UnboundedSender<Signal>,
    pub(crate) work: Mutex<UnboundedReceiver<Invocation>>,
}

pub(crate) async fn answer(api: Arc<RuntimeApi>, asked: Asked) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let ["2018-06-01", "runtime", path @ ..] = path.as_slice() else {
        return wire::plain(StatusCode::NOT_FOUND);
    };
    let body = asked.body;
    match (asked.method, path) {
        (Method::GET, ["invocation", "next"]) => api.next().await,
        (Method::POST, ["invocation", id, "response"]) => api.signal(Signal::Response {
            id: (*id).to_owned(),
            body,
        }),
        (Method::POST, ["invocation", id, "error"]) => api.signal(Signal::Error {
            id: (*id).to_owned(),
            body,
        }),
        (Method::POST, ["init", "error"]) => api.signal(Signal::InitError(body)),
        _ => wire::plain(StatusCode::NOT_FOUND),
    }
}

impl RuntimeApi {
    async fn next(&self) -> Answer {
        let mut work = self.work.lock().await;
        self.signal(Signal::Ready);
        match work.recv().await {
            Some(invocation) => handed_over(&invocation),
            None => wire::plain(StatusCode::GONE),
        }
    }

    fn signal(&self, signal: Signal) -> Answer {
        // Nobody listens to an instance that is being ended.
        let _ = self.signals.send(signal);
        wire::json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
    }
}

fn handed_over(invocation: &Invocation) -> Answer {
    let mut answer = wire::json(StatusCode::OK, invocation.payload.clone());
    for (name, value) in [
        ("lambda-runtime-aws-request-id", invocation.id.as_str()),
        ("lambda-runtime-deadline-ms", &invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", &invocation.arn),
        (
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000;Sampled=0",
        ),
    ] {
        wire::header(&mut answer, name, value);
    }
    answer
}

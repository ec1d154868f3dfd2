//! The workspace behind HTTP on loopback.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::faults::{Fault, Faults};
use crate::methods::{self, Asked, Reply};
use crate::workspace::{Message, State, Workspace};

/// The time since 1970, as the workspace sees it.
pub type Now = Arc<dyn Fn() -> Duration + Send + Sync>;

struct Served {
    workspace: Workspace,
    faults: Mutex<Faults>,
    now: Now,
    state: Mutex<State>,
    base: String,
}

impl Served {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fake Slack on a thread of its own; it stops when dropped.
pub struct FakeSlack {
    served: Arc<Served>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeSlack {
    /// Serves a workspace on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken or no thread can be started.
    pub fn start(workspace: Workspace, faults: Faults, now: Now, port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
        listener.set_nonblocking(true)?;
        let served = Arc::new(Served {
            workspace,
            faults: Mutex::new(faults),
            now,
            state: Mutex::default(),
            base: format!("http://{}", listener.local_addr()?),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&served);
        let thread = std::thread::Builder::new()
            .name("fake-slack".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let Ok(listener) = TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        () = serve(listener, shared) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            served,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The Web API.
    pub fn api(&self) -> String {
        format!("{}/api", self.served.base)
    }

    /// The URL of a webhook of this path.
    pub fn webhook(&self, path: &str) -> String {
        format!("{}{path}", self.served.base)
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        *self.served.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// What readers see, in the order it came.
    pub fn messages(&self) -> Vec<Message> {
        self.served.state().messages.clone()
    }

    /// What was refused for its form: limits that were broken.
    pub fn refusals(&self) -> Vec<String> {
        self.served.state().refusals.clone()
    }

    /// How often somebody was faster than one message a second.
    pub fn rate_violations(&self) -> u32 {
        self.served.state().rate_violations
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.served.state().calls
    }

    /// Waits for ever, for a process that does nothing but serve.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for FakeSlack {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, served: Arc<Served>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let served = Arc::clone(&served);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(&served, request));
            // A connection that breaks concerns its client only.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct CutOff;

impl std::fmt::Display for CutOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut off")
    }
}

impl std::error::Error for CutOff {}

impl From<Infallible> for CutOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn respond(
    served: &Served,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, CutOff> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| CutOff)?.to_bytes().to_vec();
    let path = head.uri.path().to_owned();
    if path == "/ledger" {
        return Ok(response((200, None, ledger(served))));
    }
    let asked = Asked {
        authorization: header(&head.headers, &AUTHORIZATION),
        content_type: header(&head.headers, &CONTENT_TYPE),
        path,
        body,
        base: served.base.clone(),
    };
    let fault = drawn(served, &asked.path);
    let answered =
        |asked: &Asked| methods::reply(&served.workspace, &mut served.state(), asked, (served.now)());
    match fault {
        Fault::None => Ok(response(answered(&asked))),
        Fault::Rate(seconds) => Ok(response((
            429,
            Some(seconds),
            r#"{"ok":false,"error":"ratelimited"}"#.to_owned(),
        ))),
        Fault::Fail { done } => {
            if done {
                answered(&asked);
            }
            Ok(response((500, None, "oops".to_owned())))
        }
        Fault::Cut { done } => {
            if done {
                answered(&asked);
            }
            Err(CutOff)
        }
        Fault::Hang => {
            let reply = answered(&asked);
            let held = served.faults.lock().unwrap_or_else(PoisonError::into_inner).held;
            tokio::time::sleep(held).await;
            Ok(response(reply))
        }
    }
}

fn drawn(served: &Served, path: &str) -> Fault {
    let call = {
        let mut state = served.state();
        state.calls += 1;
        state.calls
    };
    served
        .faults
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .draw(call, path)
}

fn ledger(served: &Served) -> String {
    let state = served.state();
    serde_json::json!({
        "messages": state.messages,
        "refusals": state.refusals,
        "rate_violations": state.rate_violations,
        "calls": state.calls,
    })
    .to_string()
}

fn header(headers: &HeaderMap, name: &HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn response((status, retry_after, body): Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

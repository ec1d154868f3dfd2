//! A running instance: one process, one invocation at a time.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::functions::Function;
use crate::invocation::{Ending, Invocation};
use crate::process;
use crate::runtime_api::{self, RuntimeApi, Signal};
use crate::wire;

/// Dropped, it ends its process.
pub(crate) struct Instance {
    /// As it was set when the instance began; another setting needs another instance.
    pub(crate) function: Function,
    pid: u32,
    spawned: Instant,
    work: UnboundedSender<Invocation>,
    signals: UnboundedReceiver<Signal>,
    life: oneshot::Sender<Infallible>,
    death: JoinHandle<()>,
    /// Its Runtime API; a set ends its tasks when it is dropped.
    _api: JoinSet<()>,
}

impl Instance {
    pub(crate) async fn spawn(function: &Function, log: File) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let spawned = Instant::now();
        let child = process::spawn(function, listener.local_addr()?, log)?;
        let pid = child.id().unwrap_or_default();
        let (signal, signals) = unbounded_channel();
        let (work, todo) = unbounded_channel();
        let (life, ended) = oneshot::channel();
        let death = tokio::spawn(outlive(child, ended, signal.clone()));
        let api = RuntimeApi {
            signals: signal,
            work: Mutex::new(todo),
        };
        let mut serving = JoinSet::new();
        serving.spawn(wire::serve(listener, Arc::new(api), runtime_api::answer));
        Ok(Self {
            function: function.clone(),
            pid,
            spawned,
            work,
            signals,
            life,
            death,
            _api: serving,
        })
    }

    /// Waits until it asks for work for the first time, and says how long that took.
    pub(crate) async fn initialised(&mut self, limit: Duration) -> Result<Duration, Ending> {
        let begun = async {
            match self.signals.recv().await {
                Some(Signal::Ready) => Ok(self.spawned.elapsed()),
                Some(Signal::InitError(body)) => Err(Ending::Error(body)),
                Some(Signal::Exited(status)) => Err(Ending::exited(status.ok())),
                Some(Signal::Response { .. } | Signal::Error { .. }) | None => Err(Ending::exited(None)),
            }
        };
        timeout(limit, begun).await.unwrap_or(Err(Ending::TimedOut))
    }

    /// Runs one invocation to its end, or until its time is up.
    pub(crate) async fn run(&mut self, invocation: Invocation, limit: Duration) -> Ending {
        process::forget_peak_memory(self.pid);
        let id = invocation.id.clone();
        // An instance that died while it was idle says so by its signal.
        let _ = self.work.send(invocation);
        timeout(limit, self.answer(&id)).await.unwrap_or(Ending::TimedOut)
    }

    async fn answer(&mut self, current: &str) -> Ending {
        loop {
            match self.signals.recv().await {
                Some(Signal::Response { id, body }) if id == current => return Ending::Response(body),
                Some(Signal::Error { id, body }) if id == current => return Ending::Error(body),
                Some(Signal::Exited(status)) => return Ending::exited(status.ok()),
                None => return Ending::exited(None),
                Some(_) => {}
            }
        }
    }

    /// After an answer: whether it asks for work again.
    pub(crate) async fn is_ready_again(&mut self, limit: Duration) -> bool {
        matches!(timeout(limit, self.signals.recv()).await, Ok(Some(Signal::Ready)))
    }

    /// Whether it still waits for work. One that is idle has nothing to say but that it ended.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.signals.try_recv().is_err()
    }

    pub(crate) fn peak_memory_kib(&self) -> Option<u64> {
        process::peak_memory_kib(self.pid)
    }

    /// Kills it, and returns when it is dead: nothing that it does comes after.
    pub(crate) async fn killed(self) {
        drop(self.life);
        let _ = self.death.await;
    }
}

/// Waits for the end of the process, or brings it about when nobody holds the instance any more.
async fn outlive(mut child: Child, ended: oneshot::Receiver<Infallible>, signals: UnboundedSender<Signal>) {
    let status = tokio::select! {
        status = child.wait() => status,
        _ = ended => match child.kill().await {
            Ok(()) => child.wait().await,
            Err(error) => Err(error),
        },
    };
    let _ = signals.send(Signal::Exited(status));
}

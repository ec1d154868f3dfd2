//! The HTTP server: AWS's wire protocols in front of one [`Truth`] at a time.
//!
//! What is like AWS: operations, member names, page sizes, tokens bound to their request, empty pages with a token
//! (about one in 32, also as the first page), capped counts, float timestamps, modelled errors. What is not: no
//! signature is verified and any credentials are accepted; the aggregator answers in whichever region it is asked;
//! nothing fails unless [`Organization::with_faults`] or [`Organization::with_fault`] says so.

mod answer;
mod calls;
mod config;
mod cut;
mod http;
mod inject;
mod inventory;
mod members;
mod organizations;
mod paging;
mod select;
mod sql;
mod sts;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use self::answer::ErrorAnswer;
pub use self::calls::Call;
use self::calls::{Answered, Reply, Request};
pub use self::http::serve;
pub use self::inject::Fault;
use self::inject::{Drawn, Injection};
use crate::faults::Faults;
use crate::recorded::Recorded;
use crate::truth::Truth;
use crate::world::World;

/// The organization a server answers for: a [`World`] at a moment that can be changed, or a fixed [`Truth`].
pub struct Organization {
    shown: Shown,
    injection: Injection,
}

enum Shown {
    Moving { world: Box<World>, now: RwLock<Moment> },
    Fixed(Arc<Answered>),
}

/// A moment that is shown.
struct Moment {
    at: Timestamp,
    /// `None` until it is first asked for: a large world takes a while, and many a moment is never asked for.
    answered: Option<Arc<Answered>>,
}

impl Moment {
    fn at(at: Timestamp) -> Self {
        Self { at, answered: None }
    }
}

impl From<World> for Organization {
    /// At the Unix epoch, until [`Organization::set_time`] says otherwise.
    fn from(world: World) -> Self {
        let (world, now) = (Box::new(world), RwLock::new(Moment::at(Timestamp::UNIX_EPOCH)));
        Self {
            shown: Shown::Moving { world, now },
            injection: Injection::default(),
        }
    }
}

impl From<Recorded> for Organization {
    fn from(recorded: Recorded) -> Self {
        Self::from(Truth::from(recorded))
    }
}

impl From<Truth> for Organization {
    fn from(truth: Truth) -> Self {
        Self {
            shown: Shown::Fixed(Arc::new(Answered::new(truth))),
            injection: Injection::default(),
        }
    }
}

impl Organization {
    /// The same, with calls that fail: the closure is asked about each call and may say what goes wrong with it.
    #[must_use]
    pub fn with_fault(mut self, fault: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) -> Self {
        self.injection.chosen = Some(Box::new(fault));
        self
    }

    /// The same, with faults drawn from a seed, for calls that [`Organization::with_fault`] leaves alone.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults, seed: u64) -> Self {
        self.injection.drawn = Some(Drawn::new(faults, seed));
        self
    }

    /// Moves a simulated organization to another moment; a fixed one stays. Pages of a list begun before go on in
    /// the new list, as with AWS.
    pub fn set_time(&self, at: Timestamp) {
        if let Shown::Moving { now, .. } = &self.shown {
            *now.write().unwrap_or_else(PoisonError::into_inner) = Moment::at(at);
        }
    }

    fn now(&self) -> Arc<Answered> {
        match &self.shown {
            Shown::Fixed(answered) => Arc::clone(answered),
            Shown::Moving { world, now } => {
                let shown = now
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .answered
                    .clone();
                shown.unwrap_or_else(|| answered(world, now))
            }
        }
    }

    fn reply(&self, request: &Request, now: Duration) -> Reply {
        calls::reply(&self.now(), &self.injection, request, now)
    }
}

/// Makes the moment that is shown, once.
fn answered(world: &World, now: &RwLock<Moment>) -> Arc<Answered> {
    let mut now = now.write().unwrap_or_else(PoisonError::into_inner);
    let at = now.at;
    Arc::clone(
        now.answered
            .get_or_insert_with(|| Arc::new(Answered::new(world.truth(at)))),
    )
}

/// A server on a thread of its own; it stops when dropped.
pub struct Server {
    organization: Arc<Organization>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the organization, as it is at a moment (a fixed one stays as it is), on an address such as
    /// `127.0.0.1:0`, where port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or no thread can be started.
    pub fn start(
        organization: Organization,
        address: impl Into<SocketAddr>,
        at: Timestamp,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address.into())?;
        organization.set_time(at);
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let organization = Arc::new(organization);
        let served = Arc::clone(&organization);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("simulated-org".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let Ok(listener) = TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        () = serve(listener, served) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            organization,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint for an AWS client: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// See [`Organization::set_time`].
    pub fn set_time(&self, at: Timestamp) {
        self.organization.set_time(at);
    }

    /// Waits for ever, for a process that does nothing but serve.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread ends only with the process or with a panic, which it has reported itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have stopped already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

//! Runs invocations: finds a warm instance or starts one, lets happen what a fault rule asks, measures, reports.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;

use crate::faults::{Fault, Faults, FunctionError};
use crate::functions::{Function, Functions};
use crate::instance::Instance;
use crate::invocation::{Ending, Invocation};
use crate::report::{Line, Report, billed_ms, milliseconds};

/// All functions, their instances and their faults.
pub(crate) struct Host {
    functions: Functions,
    pub(crate) faults: Faults,
    report: Report,
    logs: PathBuf,
    idle: Mutex<Vec<Instance>>,
    busy: Mutex<HashMap<String, usize>>,
    invocations: AtomicU64,
}

/// Why an invocation did not come to be.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No function has this ARN.
    NotFound(String),
    /// As many run as may run.
    Throttled,
    /// The host cannot read or write its own files.
    Broken(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// An invocation's answer.
#[derive(Debug)]
pub(crate) struct Invoked {
    pub(crate) id: String,
    pub(crate) body: Bytes,
    pub(crate) failed: bool,
}

/// How an invocation ended and what it took.
struct Measured {
    ending: Ending,
    init: Option<Duration>,
    duration: Duration,
    peak_memory_kib: Option<u64>,
}

impl From<Ending> for Measured {
    /// Of an invocation that no instance took.
    fn from(ending: Ending) -> Self {
        Self {
            ending,
            init: None,
            duration: Duration::ZERO,
            peak_memory_kib: None,
        }
    }
}

/// Lambda gives ten seconds; what takes longer is begun again in the function's own time.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// After its answer an instance may flush its logs before it asks for work again.
const SETTLE_LIMIT: Duration = Duration::from_secs(1);

impl Host {
    pub(crate) fn open(functions: PathBuf, report: &Path, logs: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&logs)?;
        Ok(Self {
            functions: Functions::open(functions)?,
            faults: Faults::default(),
            report: Report::open(report)?,
            logs,
            idle: Mutex::default(),
            busy: Mutex::default(),
            invocations: AtomicU64::default(),
        })
    }

    /// Reserves a place for an invocation of this function.
    pub(crate) fn admit(self: &Arc<Self>, name_or_arn: &str) -> Result<Admitted, Refusal> {
        let function = self.functions.find(name_or_arn)?.map_err(Refusal::NotFound)?;
        let mut busy = locked(&self.busy);
        let running = busy.entry(function.name.clone()).or_default();
        if *running >= function.settings.concurrency() {
            return Err(Refusal::Throttled);
        }
        *running += 1;
        Ok(Admitted {
            host: Arc::clone(self),
            function,
        })
    }

    fn invocation(&self, function: &Function, payload: Bytes, now: Duration) -> Invocation {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        Invocation {
            id: format!("00000000-0000-4000-8000-{number:012x}"),
            arn: function.arn(),
            deadline_ms: (now + function.settings.timeout()).as_millis(),
            payload,
        }
    }

    async fn measured(&self, function: &Function, invocation: Invocation, fault: Option<&Fault>) -> Measured {
        if let Some(Fault::Error(error)) = fault {
            return Ending::Error(written(error)).into();
        }
        let (mut instance, init) = match self.instance(function).await {
            Ok(ready) => ready,
            Err(ending) => return ending.into(),
        };
        if fault == Some(&Fault::KillBeforeRun) {
            instance.killed().await;
            return Ending::killed().into();
        }
        let begun = Instant::now();
        let (limit, at_the_limit) = limit(function, fault);
        let mut ending = match instance.run(invocation, limit).await {
            Ending::TimedOut => at_the_limit,
            ending => ending,
        };
        let answered = matches!(ending, Ending::Response(_) | Ending::Error(_));
        let ready = answered && instance.is_ready_again(SETTLE_LIMIT).await;
        let duration = begun.elapsed();
        let peak_memory_kib = instance.peak_memory_kib();
        if fault == Some(&Fault::LoseResponse) {
            ending = Ending::killed();
        }
        if ready && fault != Some(&Fault::LoseResponse) {
            locked(&self.idle).push(instance);
        } else {
            instance.killed().await;
        }
        Measured {
            ending,
            init,
            duration,
            peak_memory_kib,
        }
    }

    /// A warm instance, or a new one with how long it took to begin.
    async fn instance(&self, function: &Function) -> Result<(Instance, Option<Duration>), Ending> {
        if let Some(instance) = self.warm(function) {
            return Ok((instance, None));
        }
        let spawned = match self.log(function) {
            Ok(log) => Instance::spawn(function, log).await,
            Err(error) => Err(error),
        };
        let mut instance = spawned.map_err(|error| {
            Ending::NoEntrypoint(format!(
                "cannot run {}: {error}",
                function.settings.binary.display()
            ))
        })?;
        let init = instance
            .initialised(INIT_LIMIT.max(function.settings.timeout()))
            .await?;
        Ok((instance, Some(init)))
    }

    fn warm(&self, function: &Function) -> Option<Instance> {
        let mut idle = locked(&self.idle);
        idle.retain_mut(|instance| {
            instance.is_alive() && (instance.function.name != function.name || instance.function == *function)
        });
        let place = idle.iter().rposition(|instance| instance.function == *function)?;
        Some(idle.remove(place))
    }

    fn log(&self, function: &Function) -> io::Result<File> {
        let file = self.logs.join(format!("{}.log", function.name));
        File::options().create(true).append(true).open(file)
    }
}

/// An invocation that may run; dropped, it gives its place back.
pub(crate) struct Admitted {
    host: Arc<Host>,
    function: Function,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(running) = locked(&self.host.busy).get_mut(&self.function.name) {
            *running -= 1;
        }
    }
}

impl Admitted {
    /// Runs it to its end and writes its line of the report.
    pub(crate) async fn invoke(self, payload: Bytes) -> Result<Invoked, Refusal> {
        let Self { host, function } = &self;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let request_bytes = payload.len();
        let fault = host.faults.strike(&function.name, &payload);
        let invocation = host.invocation(function, payload, now);
        let id = invocation.id.clone();
        let measured = host.measured(function, invocation, fault.as_ref()).await;
        let (body, error_type) = measured.ending.answer(&id, function);
        let failed = error_type.is_some();
        host.report.write(&Line {
            function: function.name.clone(),
            request_id: id.clone(),
            at_ms: now.as_millis(),
            init_ms: measured.init.map(milliseconds),
            duration_ms: milliseconds(measured.duration),
            billed_ms: billed_ms(measured.init, measured.duration),
            peak_memory_kib: measured.peak_memory_kib,
            memory_mb: function.settings.memory_mb,
            request_bytes,
            response_bytes: body.len(),
            error_type,
            fault,
        })?;
        Ok(Invoked { id, body, failed })
    }
}

/// How long an invocation may take, and what its end is then.
fn limit(function: &Function, fault: Option<&Fault>) -> (Duration, Ending) {
    match fault {
        Some(Fault::KillAfterMs(ms)) => (Duration::from_millis(*ms), Ending::killed()),
        Some(Fault::TimeOutAfterMs(ms)) => (Duration::from_millis(*ms), Ending::TimedOut),
        _ => (function.settings.timeout(), Ending::TimedOut),
    }
}

fn written(error: &FunctionError) -> Bytes {
    serde_json::to_vec(error).unwrap_or_default().into()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

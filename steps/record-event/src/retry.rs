//! How long one event is tried before its message goes back to the queue, which gives it again minutes later.

use std::time::Duration;

use compliance::hash::sha256_hex;
use compliance::ports::{Clock, PortError, PortErrorKind, Timer};

/// A reading that was overtaken is read again at once; each time somebody else got on.
const CONFLICTS: Wait = Wait {
    most: 20,
    base: Duration::from_millis(10),
    cap: Duration::from_millis(300),
};
/// The table tries for some seconds itself.
const FAILURES: Wait = Wait {
    most: 4,
    base: Duration::from_millis(200),
    cap: Duration::from_secs(2),
};

#[derive(Debug, Clone, Copy)]
struct Wait {
    most: u32,
    base: Duration,
    cap: Duration,
}

/// The patience with one event.
#[derive(Debug)]
pub(crate) struct Patience<'a, T> {
    time: &'a T,
    /// Nothing is begun after this, by the monotonic clock.
    deadline: Duration,
    /// Tells the waits of one event from those of others.
    event_id: &'a str,
    conflicts: u32,
    failures: u32,
}

impl<'a, T: Clock + Timer> Patience<'a, T> {
    pub(crate) fn new(time: &'a T, deadline: Duration, event_id: &'a str) -> Self {
        Self {
            time,
            deadline,
            event_id,
            conflicts: 0,
            failures: 0,
        }
    }

    /// Time is up.
    pub(crate) fn is_over(&self) -> bool {
        self.time.monotonic() >= self.deadline
    }

    /// Attempts that came to nothing.
    pub(crate) fn tried(&self) -> u32 {
        self.conflicts + self.failures
    }

    /// Waits after a conflict; `false` when there were enough.
    pub(crate) async fn after_conflict(&mut self) -> bool {
        self.conflicts += 1;
        self.wait(self.conflicts, CONFLICTS).await
    }

    /// Waits after a failure; `false` when there were enough, or another attempt would end the same.
    pub(crate) async fn after_failure(&mut self, error: &PortError) -> bool {
        self.failures += 1;
        let passes = matches!(error.kind, PortErrorKind::Throttled | PortErrorKind::Unavailable);
        passes && self.wait(self.failures, FAILURES).await
    }

    async fn wait(&self, failed: u32, wait: Wait) -> bool {
        let doubled = wait.base.saturating_mul(1 << failed.saturating_sub(1).min(16));
        let pause = doubled.min(wait.cap).mul_f64(self.share(failed));
        let goes_on = failed < wait.most && self.time.monotonic().saturating_add(pause) < self.deadline;
        if goes_on {
            self.time.sleep(pause).await;
        }
        goes_on
    }

    /// Between 0 and 1, otherwise for every event, attempt and moment, so that those who met once do not meet again.
    fn share(&self, failed: u32) -> f64 {
        let nanoseconds = self.time.monotonic().as_nanos();
        let hash = sha256_hex(format!("{}\n{failed}\n{nanoseconds}", self.event_id).as_bytes());
        let number = u32::from_str_radix(&hash[..8], 16).unwrap_or_default();
        f64::from(number) / f64::from(u32::MAX)
    }
}

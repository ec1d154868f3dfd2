//! One message a second in a channel, and no message before a service wants one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use compliance::failure::TaskError;
use compliance::ports::{Clock, Timer};

/// Between two messages in a channel; a little over Slack's second, as clocks differ.
const BETWEEN: Duration = Duration::from_millis(1_050);

/// Whose turn it is, over all routes of a run of the step.
pub(crate) struct Pace<'a, T> {
    time: &'a T,
    /// Nothing is begun that would end after this.
    deadline: Duration,
    slots: Mutex<BTreeMap<String, Slot>>,
}

/// Times by the monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    next: Duration,
    held: Duration,
}

impl<'a, T: Clock + Timer> Pace<'a, T> {
    /// Until `budget` from now.
    pub(crate) fn new(time: &'a T, budget: Duration) -> Self {
        Self {
            time,
            deadline: time.monotonic().saturating_add(budget),
            slots: Mutex::default(),
        }
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        // Every change is one insertion, so a panic elsewhere leaves the map whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when it is the caller's turn in this channel.
    ///
    /// # Errors
    /// `Slack.RateLimited` when that is later than the step may last: the workflow enters it again.
    pub(crate) async fn turn(&self, channel: &str) -> Result<(), TaskError> {
        loop {
            let now = self.time.monotonic();
            let at = {
                let mut slots = self.slots();
                let slot = slots.entry(channel.to_owned()).or_default();
                let at = slot.next.max(slot.held).max(now);
                slot.next = at + BETWEEN;
                at
            };
            self.wait(at.saturating_sub(now), "Slack.RateLimited").await?;
            let held = self.slots().get(channel).copied().unwrap_or_default().held;
            if held <= self.time.monotonic() {
                return Ok(());
            }
        }
    }

    /// Nobody's turn in this channel comes before this long from now.
    pub(crate) fn hold(&self, channel: &str, wait: Duration) {
        let until = self.time.monotonic().saturating_add(wait);
        let mut slots = self.slots();
        let slot = slots.entry(channel.to_owned()).or_default();
        slot.held = slot.held.max(until);
    }

    /// Waits, unless that is longer than the step may last.
    ///
    /// # Errors
    /// `code`: the workflow enters the step again.
    pub(crate) async fn wait(&self, wait: Duration, code: &str) -> Result<(), TaskError> {
        if wait.is_zero() {
            return Ok(());
        }
        if self.time.monotonic().saturating_add(wait) > self.deadline {
            let message = format!(
                "the delivery has to wait {} s more than this run of the step may last; entered again, it goes on with what is missing",
                wait.as_secs().max(1)
            );
            return Err(TaskError::new(code, message));
        }
        self.time.sleep(wait).await;
        Ok(())
    }
}

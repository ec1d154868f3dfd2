//! One message a second in a channel, and no message before a service wants one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use compliance::failure::TaskError;
use compliance::ports::{Clock, Timer};
use futures_util::lock::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Between two messages in a channel; a little over Slack's second, as clocks differ.
const BETWEEN: Duration = Duration::from_millis(1_050);

/// Whose turn it is, over all routes of a run of the step.
pub struct Pace<'a, T> {
    time: &'a T,
    /// Nothing is begun that would end after this.
    deadline: Duration,
    channels: Mutex<BTreeMap<String, Channel>>,
}

/// Times by the monotonic clock.
#[derive(Debug, Default)]
struct Channel {
    /// When the next message may come; held by whoever's turn it is, until the call has ended.
    next: Arc<AsyncMutex<Duration>>,
    /// Until when the service wants none.
    held: Duration,
}

/// A turn in a channel, which lasts until it is dropped.
pub(crate) struct Turn(OwnedMutexGuard<Duration>);

impl<'a, T: Clock + Timer> Pace<'a, T> {
    /// Until `budget` from now.
    pub fn new(time: &'a T, budget: Duration) -> Self {
        Self {
            time,
            deadline: time.monotonic().saturating_add(budget),
            channels: Mutex::default(),
        }
    }

    fn of_channel<V>(&self, channel: &str, look: impl FnOnce(&mut Channel) -> V) -> V {
        // Every change is one assignment, so a panic elsewhere leaves the map whole.
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        look(channels.entry(channel.to_owned()).or_default())
    }

    /// Returns when it is the caller's turn in this channel.
    ///
    /// # Errors
    /// `Slack.RateLimited` when that is later than the step may last: the workflow enters it again.
    pub(crate) async fn turn(&self, channel: &str) -> Result<Turn, TaskError> {
        let turn = self
            .of_channel(channel, |one| Arc::clone(&one.next))
            .lock_owned()
            .await;
        loop {
            let at = self.of_channel(channel, |one| one.held).max(*turn);
            let wait = at.saturating_sub(self.time.monotonic());
            if wait.is_zero() {
                return Ok(Turn(turn));
            }
            self.wait(wait, "Slack.RateLimited").await?;
        }
    }

    /// Ends a turn in which something may have been said: the second counts from when the call has ended.
    pub(crate) fn said(&self, mut turn: Turn) {
        *turn.0 = self.time.monotonic().saturating_add(BETWEEN);
    }

    /// Nobody's turn in this channel comes before this long from now.
    pub(crate) fn hold(&self, channel: &str, wait: Duration) {
        let until = self.time.monotonic().saturating_add(wait);
        self.of_channel(channel, |one| one.held = one.held.max(until));
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

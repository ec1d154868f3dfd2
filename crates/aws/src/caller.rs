//! Sends one call: a place in the concurrency limit, a turn in the budget, an attempt, and patience if it fails.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_config::error::{ProvideErrorMetadata, SdkError};
use compliance::artifact::CallCount;
use tokio::sync::Semaphore;

use crate::budget::Budget;
use crate::failure::Failure;

/// Capped exponential backoff.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
}

impl Backoff {
    /// Against AWS.
    pub(crate) const AWS: Self = Self {
        base: Duration::from_millis(100),
        cap: Duration::from_secs(20),
    };
    /// Where somebody waits who can ask again later himself.
    pub(crate) const BRIEF: Self = Self {
        base: Duration::from_millis(50),
        cap: Duration::from_millis(400),
    };
    /// Against a server on this machine, which has nobody else to serve.
    pub(crate) const LOOPBACK: Self = Self {
        base: Duration::from_millis(5),
        cap: Duration::from_millis(200),
    };

    /// The longest wait after `failed` attempts (1 or more).
    fn limit(self, failed: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failed.saturating_sub(1))
            .and_then(|factor| self.base.checked_mul(factor));
        doubled.map_or(self.cap, |wait| wait.min(self.cap))
    }
}

/// How long a call is tried.
///
/// Being throttled says that AWS is well and asked too fast. That is the budget's to mend, and takes as long as it takes
/// all calls together: throttled attempts do not use up the attempts of a call. They end when AWS throttles everything.
#[derive(Debug, Clone, Copy)]
struct Patience {
    max_attempts: u32,
}

/// Throttled attempts for each of the attempts set: of one call, or in a row over all calls.
const THROTTLED_PER_ATTEMPT: u32 = 8;

impl Patience {
    fn is_at_its_end(self, tried: Tried, failure: &Failure, throttled_in_a_row: u32) -> bool {
        if failure.is_throttling() {
            let most = self.max_attempts.saturating_mul(THROTTLED_PER_ATTEMPT);
            tried.throttled.max(throttled_in_a_row) >= most
        } else {
            tried.failed >= self.max_attempts
        }
    }
}

/// Attempts of one call that brought no answer.
#[derive(Debug, Clone, Copy, Default)]
struct Tried {
    throttled: u32,
    failed: u32,
}

impl Tried {
    fn add(&mut self, failure: &Failure) {
        if failure.is_throttling() {
            self.throttled += 1;
        } else {
            self.failed += 1;
        }
    }

    fn all(self) -> u32 {
        self.throttled + self.failed
    }
}

/// Everything that calls of a run share.
#[derive(Debug)]
pub(crate) struct Caller {
    budget: Budget,
    in_flight: Semaphore,
    backoff: Backoff,
    patience: Patience,
    calls: Mutex<BTreeMap<String, CallCount>>,
}

impl Caller {
    pub(crate) fn new(rate: Option<f64>, concurrency: u32, max_attempts: u32, backoff: Backoff) -> Self {
        let concurrency = usize::try_from(concurrency)
            .unwrap_or(usize::MAX)
            .clamp(1, Semaphore::MAX_PERMITS);
        Self {
            budget: Budget::new(rate),
            in_flight: Semaphore::new(concurrency),
            backoff,
            patience: Patience {
                max_attempts: max_attempts.max(1),
            },
            calls: Mutex::default(),
        }
    }

    /// Calls made so far, by operation.
    pub(crate) fn calls(&self) -> BTreeMap<String, CallCount> {
        self.counts().clone()
    }

    /// Makes one call of `operation`, retrying what may be retried until the attempts run out.
    pub(crate) async fn call<T, E, F, A>(&self, operation: &'static str, attempt: A) -> Result<T, Failure>
    where
        A: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, SdkError<E>>> + Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send,
    {
        let mut tried = Tried::default();
        loop {
            let (failure, in_a_row) = match self.attempt(operation, &attempt).await {
                Ok(answer) => {
                    self.count(operation, |count| count.succeeded += 1);
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            tried.add(&failure);
            if !failure.retryable || self.patience.is_at_its_end(tried, &failure, in_a_row) {
                self.count(operation, |count| count.failed += 1);
                return Err(failure.after(tried.all()));
            }
            self.wait(tried.all()).await;
        }
    }

    /// Waits after this many failures (1 or more).
    pub(crate) async fn wait(&self, failed: u32) {
        tokio::time::sleep(jittered(self.backoff.limit(failed))).await;
    }

    /// Attempts that may fail before a call is given up, throttled ones apart.
    pub(crate) fn max_attempts(&self) -> u32 {
        self.patience.max_attempts
    }

    /// One attempt; a failure comes with how many attempts in a row AWS has throttled, over all calls.
    async fn attempt<T, E, F, A>(&self, operation: &'static str, attempt: &A) -> Result<T, (Failure, u32)>
    where
        A: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, SdkError<E>>> + Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send,
    {
        // The semaphore is never closed; were it, the limit would be lifted, not the call lost.
        let _place = self.in_flight.acquire().await.ok();
        let permit = self.budget.acquire().await;
        self.count(operation, |count| count.attempts += 1);
        // Boxed: the SDK's futures are large, and a collection holds many.
        match Box::pin(attempt()).await {
            Ok(answer) => {
                self.budget.answered();
                Ok(answer)
            }
            Err(error) => {
                let failure = Failure::of(operation, error);
                let mut in_a_row = 0;
                if failure.is_throttling() {
                    self.count(operation, |count| count.throttled += 1);
                    in_a_row = self.budget.throttled(permit);
                }
                Err((failure, in_a_row))
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, CallCount>> {
        // A panic elsewhere leaves counts that are each valid on their own.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, operation: &'static str, change: impl FnOnce(&mut CallCount)) {
        change(self.counts().entry(operation.to_owned()).or_default());
    }
}

/// A wait between nothing and `limit` (full jitter). Randomness is allowed here, where no output can depend on it:
/// the standard hasher's keys differ at every construction.
fn jittered(limit: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8);
    // The upper 53 bits, exact in a float of [0, 1).
    let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
    limit.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_cap() {
        let limits: Vec<_> = [1, 2, 3, 9, 40, 4_000]
            .map(|failed| Backoff::AWS.limit(failed).as_millis())
            .into();
        assert_eq!(limits, [100, 200, 400, 20_000, 20_000, 20_000]);
    }

    #[test]
    fn jitter_stays_below_its_limit_and_varies() {
        let limit = Duration::from_secs(1);
        let waits: Vec<_> = (0..50).map(|_| jittered(limit)).collect();
        assert!(waits.iter().all(|wait| *wait < limit));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}

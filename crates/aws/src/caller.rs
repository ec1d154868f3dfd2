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
    /// Against a server on this machine, which has nobody else to serve.
    pub(crate) const LOOPBACK: Self = Self {
        base: Duration::from_millis(5),
        cap: Duration::from_millis(500),
    };

    /// The longest wait after `failed` attempts (1 or more).
    fn limit(self, failed: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failed.saturating_sub(1))
            .and_then(|factor| self.base.checked_mul(factor));
        doubled.map_or(self.cap, |wait| wait.min(self.cap))
    }
}

/// Everything that calls of a run share.
#[derive(Debug)]
pub(crate) struct Caller {
    budget: Budget,
    in_flight: Semaphore,
    backoff: Backoff,
    max_attempts: u32,
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
            max_attempts: max_attempts.max(1),
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
        let mut failed = 0;
        loop {
            let failure = match self.attempt(operation, &attempt).await {
                Ok(answer) => {
                    self.count(operation, |count| count.succeeded += 1);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            failed += 1;
            if !failure.retryable || failed >= self.max_attempts {
                self.count(operation, |count| count.failed += 1);
                return Err(failure.after(failed));
            }
            tokio::time::sleep(jittered(self.backoff.limit(failed))).await;
        }
    }

    async fn attempt<T, E, F, A>(&self, operation: &'static str, attempt: &A) -> Result<T, Failure>
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
                if failure.is_throttling() {
                    self.count(operation, |count| count.throttled += 1);
                    self.budget.throttled(permit);
                }
                Err(failure)
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, CallCount>> {
        // A panic elsewhere leaves counts that are each valid on their own.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, operation: &'static str, change: impl FnOnce(&mut CallCount)) {
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

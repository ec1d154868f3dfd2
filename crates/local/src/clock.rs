//! The system's clock.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use compliance::Timestamp;
use compliance::ports::{Clock, Timer};

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// What durations are counted from: the first look.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the adapter of the `Clock` port"
)]
static FIRST_LOOK: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the adapter of the `Clock` port"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        FIRST_LOOK.elapsed()
    }
}

impl Timer for SystemClock {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A name that no other process has, and no other call in this one: of this machine's randomness, time and process.
pub fn unique_name() -> String {
    // Each of them is keyed anew, from the system's randomness.
    let random = RandomState::new().hash_one(SystemClock.monotonic());
    let now = SystemClock.now().as_nanosecond();
    format!("{now:x}-{:x}-{random:016x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        assert_ne!(unique_name(), unique_name());
    }
}

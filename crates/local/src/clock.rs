//! The system's clock.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use compliance::Timestamp;
use compliance::ports::Clock;

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

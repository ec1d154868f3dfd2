//! The system's clock.

use compliance::Timestamp;
use compliance::ports::Clock;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the adapter of the `Clock` port"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

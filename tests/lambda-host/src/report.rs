//! One JSON line about each invocation, for whoever counts what a run costs.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::faults::Fault;

/// What one invocation took.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line {
    pub(crate) function: String,
    pub(crate) request_id: String,
    /// When it came, in milliseconds since the Unix epoch.
    pub(crate) at_ms: u128,
    /// From spawning to the first `/next`; null on a warm instance.
    pub(crate) init_ms: Option<f64>,
    /// From handing over the payload until the instance was ready again.
    pub(crate) duration_ms: f64,
    /// A custom runtime pays for its cold start too.
    pub(crate) billed_ms: u64,
    pub(crate) peak_memory_kib: Option<u64>,
    pub(crate) memory_mb: u32,
    pub(crate) request_bytes: usize,
    pub(crate) response_bytes: usize,
    pub(crate) error_type: Option<String>,
    /// What was made to go wrong.
    pub(crate) fault: Option<Fault>,
}

/// The time that is paid for: whole milliseconds, the next one begun.
pub(crate) fn billed_ms(init: Option<Duration>, duration: Duration) -> u64 {
    let whole = init.unwrap_or_default() + duration;
    whole.as_micros().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The file that the lines go to.
#[derive(Debug)]
pub(crate) struct Report(Mutex<File>);

impl Report {
    pub(crate) fn open(file: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(file)?;
        Ok(Self(Mutex::new(file)))
    }

    pub(crate) fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_millisecond_begun_is_billed() {
        let micros = Duration::from_micros;
        assert_eq!(billed_ms(None, micros(2_001)), 3);
        assert_eq!(billed_ms(None, micros(2_000)), 2);
        assert_eq!(billed_ms(Some(micros(600)), micros(600)), 2);
    }
}

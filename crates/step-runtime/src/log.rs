//! Structured logs on standard output, one JSON object a line where the function's log format is JSON.

use compliance::progress::Progress;
use lambda_runtime::tracing;

/// Starts logging as the function's environment says.
pub(crate) fn start() {
    tracing::init_default_subscriber();
}

/// One invocation came to its end.
pub(crate) fn done(step: &str, run: &str, milliseconds: f64, failed: Option<&str>) {
    match failed {
        None => tracing::info!(
            step,
            run,
            status = "succeeded",
            processing_time_ms = milliseconds,
            "done"
        ),
        Some(code) => {
            tracing::error!(
                step,
                run,
                status = "failed",
                code,
                processing_time_ms = milliseconds,
                "failed"
            );
        }
    }
}

/// Logs that a stage begins and ends. What came of it is for people at a terminal and may name resources one day, so it
/// never reaches a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogProgress;

impl Progress for LogProgress {
    fn begin(&self, stage: &str, total: u64) {
        tracing::info!(stage, total, "begins");
    }
    fn advance(&self, _units: u64) {}
    fn finish(&self, _summary: &str) {
        tracing::info!("ends");
    }
}

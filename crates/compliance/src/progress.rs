//! How long work tells how far it is.

/// Receives progress; the command line draws it, a Lambda ignores it.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` units of work are expected, or 0 when unknown.
    fn begin(&self, stage: &str, total: u64);
    /// `units` more are done in the current stage.
    fn advance(&self, units: u64);
    /// The current stage is over; `summary` says what came of it.
    fn finish(&self, summary: &str);
}

/// Ignores progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: u64) {}
    fn advance(&self, _units: u64) {}
    fn finish(&self, _summary: &str) {}
}

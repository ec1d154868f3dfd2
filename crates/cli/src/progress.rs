//! Progress on standard error: bars on a terminal, plain lines in a pipe.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use compliance::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Draws progress on standard error.
pub(crate) struct StderrProgress {
    bars: bool,
    state: Mutex<Option<(String, ProgressBar)>>,
}

impl StderrProgress {
    pub(crate) fn new() -> Self {
        Self {
            bars: std::io::stderr().is_terminal(),
            state: Mutex::new(None),
        }
    }

    /// A line that is not progress, above the bar if there is one.
    pub(crate) fn note(&self, line: &str) {
        match &*self.state() {
            Some((_, bar)) if self.bars => bar.println(line),
            _ => print_line(line),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<(String, ProgressBar)>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bar(&self, stage: &str, total: u64) -> ProgressBar {
        if !self.bars {
            return ProgressBar::hidden();
        }
        let bar = if total == 0 {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::new(total)
        };
        let template = if total == 0 {
            "{spinner} {prefix:10} {pos}"
        } else {
            "  {prefix:10} {bar:30} {pos}/{len} {eta}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(stage.to_owned());
        bar
    }
}

impl Progress for StderrProgress {
    fn begin(&self, stage: &str, total: u64) {
        let bar = self.bar(stage, total);
        if let Some((_, former)) = self.state().replace((stage.to_owned(), bar)) {
            former.finish_and_clear();
        }
    }

    fn advance(&self, units: u64) {
        if let Some((_, bar)) = &*self.state() {
            bar.inc(units);
        }
    }

    fn finish(&self, summary: &str) {
        if let Some((stage, bar)) = self.state().take() {
            bar.finish_and_clear();
            print_line(&format!("  {stage:10} {summary}"));
        }
    }
}

/// A closed standard error is nobody's loss: progress is not a result.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

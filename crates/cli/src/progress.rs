//! Progress on standard error: bars on a terminal, plain lines in a pipe.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use compliance::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Draws progress on standard error. A clone draws the same.
#[derive(Clone)]
pub(crate) struct StderrProgress {
    bars: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The stage under way.
    stage: Option<(String, ProgressBar)>,
    /// What is done and kept.
    reached: Option<String>,
}

impl StderrProgress {
    pub(crate) fn new() -> Self {
        Self {
            bars: std::io::stderr().is_terminal(),
            state: Arc::default(),
        }
    }

    /// Remembers what is done and kept, for who interrupts the run.
    pub(crate) fn reached(&self, what: String) {
        self.state().reached = Some(what);
    }

    /// Where the run is: `in the stage collect 3; 2 of 4 shards are collected`.
    pub(crate) fn standing(&self) -> String {
        let state = self.state();
        let stage = state
            .stage
            .as_ref()
            .map(|(stage, _)| format!("in the stage {stage}"));
        let place = stage.unwrap_or_else(|| "between two stages".to_owned());
        match &state.reached {
            None => place,
            Some(reached) => format!("{place}; {reached}"),
        }
    }

    /// The last line of all: the bar is taken away.
    pub(crate) fn interrupted(&self, line: &str) {
        if let Some((_, bar)) = self.state().stage.take() {
            bar.finish_and_clear();
        }
        print_line(line);
    }

    /// A line that is not progress, above the bar if there is one.
    pub(crate) fn note(&self, line: &str) {
        match &self.state().stage {
            Some((_, bar)) if self.bars => bar.println(line),
            _ => print_line(line),
        }
    }

    /// A line on the way: where there are bars, they say it.
    pub(crate) fn step(&self, line: &str) {
        if !self.bars {
            print_line(line);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
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
        if let Some((_, former)) = self.state().stage.replace((stage.to_owned(), bar)) {
            former.finish_and_clear();
        }
    }

    fn advance(&self, units: u64) {
        if let Some((_, bar)) = &self.state().stage {
            bar.inc(units);
        }
    }

    fn finish(&self, summary: &str) {
        if let Some((stage, bar)) = self.state().stage.take() {
            bar.finish_and_clear();
            print_line(&format!("  {stage:10} {summary}"));
        }
    }
}

/// A closed standard error is nobody's loss: progress is not a result.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

//! Ctrl-C and a polite request to end: the run ends at once and says how it goes on.
//!
//! Ending at any point is safe, as objects appear whole and manifests last; so there is nothing to wind down.

use std::path::Path;

use crate::error::CliError;
use crate::progress::StderrProgress;

/// From here on, Ctrl-C (SIGINT) and SIGTERM end the process with 128 and the signal's number, after saying what was
/// done and how to continue.
#[cfg(unix)]
pub(crate) fn watch(progress: &StderrProgress, out: &Path) -> Result<(), CliError> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(|source| CliError::System {
            doing: "listen for Ctrl-C",
            source,
        })?;
    let (progress, out) = (progress.clone(), out.to_owned());
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let cause = if signal == SIGINT { "Ctrl-C" } else { "SIGTERM" };
            progress.interrupted(&said(cause, &progress.standing(), &out));
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Elsewhere the system ends the process, which is as safe and says less.
#[cfg(not(unix))]
pub(crate) fn watch(_progress: &StderrProgress, _out: &Path) -> Result<(), CliError> {
    Ok(())
}

#[cfg(unix)]
fn said(cause: &str, standing: &str, out: &Path) -> String {
    format!(
        "interrupted ({cause}) {standing}. What is finished is kept in {}, and nothing half-written counts: run the \
         same command again, and it continues (without --as-of, within an hour)",
        out.display()
    )
}

//! What can go wrong on the command line, and the exit code it ends with.

use std::error::Error;

pub(crate) use compliance::failure::chain;
use std::path::PathBuf;

use compliance::Timestamp;
use compliance::ports::{PortError, PortErrorKind};
use compliance::text;

/// Exit codes, as the help documents them.
mod exit {
    pub(super) const DEFECT: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const SETTINGS: u8 = 3;
    pub(super) const REFUSED: u8 = 4;
    pub(super) const UNAVAILABLE: u8 = 5;
    pub(super) const FILES: u8 = 6;
}

/// A failure of the command line. `Display` never repeats its source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error("settings {}: {source}", file.display())]
    Settings {
        file: PathBuf,
        source: compliance::settings::SettingsError,
    },
    #[error("cannot read {}: {remedy}", file.display())]
    Unreadable {
        file: PathBuf,
        remedy: &'static str,
        source: std::io::Error,
    },
    #[error("cannot write {}: name a file in a folder that exists and can be written", file.display())]
    Unwritable { file: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Usage(String),
    #[error("{stage} failed ({code}): {message}")]
    Step {
        stage: &'static str,
        code: String,
        message: String,
    },
    #[error("the run {run} {ended} ({code}): {cause}; {next}")]
    CloudRun {
        run: String,
        /// How and where: `failed in the state RenderReport`.
        ended: String,
        /// It was stopped or timed out.
        unanswered: bool,
        code: String,
        cause: String,
        next: String,
    },
    #[error(
        "the clock says {}, but the newest {what} in {} is of {}: set the clock right, or name the moment with --as-of \
         where that is possible; if the {what} is the one that is misdated, move it away",
        text::minute(*now), folder.display(), text::minute(*newest)
    )]
    LaterThanClock {
        what: &'static str,
        folder: PathBuf,
        newest: Timestamp,
        now: Timestamp,
    },
    #[error("cannot listen on 127.0.0.1:{port}; choose another --port")]
    Listen { port: u16, source: std::io::Error },
    #[error("cannot {doing}")]
    System {
        doing: &'static str,
        source: std::io::Error,
    },
}

impl CliError {
    /// A step's error under the stage's name, with its stable code.
    pub(crate) fn step<E: Error>(
        stage: &'static str,
        code: impl FnOnce(&E) -> String,
    ) -> impl FnOnce(E) -> Self {
        move |error| Self::Step {
            stage,
            code: code(&error),
            message: chain(&error),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Port(error) => code_exit_code(&error.code()),
            Self::Settings { .. } => exit::SETTINGS,
            Self::Unreadable { .. } | Self::Unwritable { .. } => exit::FILES,
            Self::Usage(_) | Self::Listen { .. } => exit::USAGE,
            Self::Step { code, .. } => code_exit_code(code),
            Self::CloudRun { unanswered: true, .. } => exit::UNAVAILABLE,
            Self::CloudRun { code, .. } => run_exit_code(code),
            Self::LaterThanClock { .. } | Self::System { .. } => exit::FILES,
        }
    }
}

/// Of a run in the cloud: as if it had been made here.
fn run_exit_code(code: &str) -> u8 {
    let (family, _) = code.split_once('.').unwrap_or((code, ""));
    match (family, code) {
        (_, "Plan.BadSettings") => exit::SETTINGS,
        (_, "Plan.Encode") => exit::DEFECT,
        ("Plan", _) => exit::USAGE,
        ("Lambda" | "Sandbox" | "Runtime", _) | (_, "States.Timeout") => exit::UNAVAILABLE,
        _ => code_exit_code(code),
    }
}

fn code_exit_code(code: &str) -> u8 {
    match PortErrorKind::of_code(code) {
        // Whatever the store lacks or breaks is a matter of files, a missing object too.
        Some(PortErrorKind::NotFound) if code.starts_with("Store.") => exit::FILES,
        Some(kind) => kind_exit_code(kind),
        None if code == "Coverage.NoSources" => exit::REFUSED,
        None if code == "Slack.RateLimited" => exit::UNAVAILABLE,
        None if code.starts_with("Slack.") => exit::REFUSED,
        None if code == "Notify.BadSettings" || code == "Record.BadSettings" => exit::SETTINGS,
        None => exit::DEFECT,
    }
}

fn kind_exit_code(kind: PortErrorKind) -> u8 {
    match kind {
        PortErrorKind::AccessDenied | PortErrorKind::Credentials | PortErrorKind::NotFound => exit::REFUSED,
        PortErrorKind::Throttled | PortErrorKind::Unavailable | PortErrorKind::InvalidAnswer => {
            exit::UNAVAILABLE
        }
        PortErrorKind::InvalidRequest => exit::DEFECT,
        PortErrorKind::Damaged | PortErrorKind::Storage => exit::FILES,
    }
}

/// A document of ours that cannot be written as JSON.
pub(crate) fn defect(what: &'static str) -> impl FnOnce(serde_json::Error) -> CliError {
    move |error| CliError::Step {
        stage: what,
        code: "Run.Json".to_owned(),
        message: format!("it cannot be written as JSON: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_the_cloud_ends_with_the_code_of_its_error() {
        let check = |code: &str, expected: u8| assert_eq!(run_exit_code(code), expected, "{code}");
        check("Plan.FutureDate", 2);
        check("Plan.BadSettings", 3);
        check("Config.AccessDenied", 4);
        check("Coverage.NoSources", 4);
        check("Slack.Permanent", 4);
        check("Slack.Ambiguous", 4);
        check("Secrets.NotFound", 4);
        check("Slack.RateLimited", 5);
        check("Slack.Unavailable", 5);
        check("Config.Throttled", 5);
        check("Lambda.TooManyRequestsException", 5);
        check("States.Timeout", 5);
        check("Store.Damaged", 6);
        check("Seal.Differs", 1);
        check("States.Runtime", 1);
    }
}

//! What came of a run, for people and for scripts.

use aws::{Execution, ExecutionStatus, Redrive};
use compliance::Timestamp;
use compliance::ports::PortErrorKind;
use compliance::snapshot::ObjectRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::picture::Picture;
use super::place::Place;
use crate::error::{CliError, defect};

/// Of a cause longer than this many characters, the rest is left where it is.
const CAUSE: usize = 2_000;

/// What an execution that ended well gives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Sealed {
    /// The run's id.
    pub(super) run_id: String,
    /// Folder of the bundle, a key without the store's prefix.
    folder: String,
    /// Its manifest.
    pub(super) manifest: ObjectRef,
    /// The moment it stands for.
    pub(super) as_of: Option<Timestamp>,
}

impl Sealed {
    /// Folder of the bundle, ending in `/`.
    pub(super) fn folder(&self) -> String {
        format!("{}/", self.folder.trim_end_matches('/'))
    }
}

/// A run that is over, or under way.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// The run's name.
    pub(super) run: String,
    arn: String,
    /// Daily, weekly or snapshot, by its input.
    kind: Option<String>,
    status: &'static str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    run_id: Option<String>,
    as_of: Option<Timestamp>,
    /// Folder of the bundle under the prefix.
    folder: Option<String>,
    /// The same in the bucket, if that is known.
    bundle: Option<String>,
    manifest_sha256: Option<String>,
    failure: Option<Failed>,
}

/// Why a run failed and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Failed {
    /// The state it failed in.
    state: Option<String>,
    /// The shard, from 0.
    shard: Option<u64>,
    /// The stable code.
    error: String,
    cause: String,
    /// What to do next.
    next: String,
    /// The command that goes on from there, if it may.
    redrive: Option<String>,
}

impl Outcome {
    pub(super) fn new(execution: &Execution, picture: &Picture, place: &Place) -> Result<Self, CliError> {
        let succeeded = execution.status == ExecutionStatus::Succeeded;
        let sealed = succeeded.then(|| sealed(execution)).transpose()?;
        let folder = sealed.as_ref().map(Sealed::folder);
        let failed = execution.status.is_over() && !succeeded;
        Ok(Self {
            run: execution.name.clone(),
            arn: execution.arn.clone(),
            kind: kind(execution.input.as_deref()),
            status: execution.status.as_str(),
            started_at: execution.started_at,
            ended_at: execution.ended_at,
            bundle: folder.as_deref().and_then(|folder| place.url(folder)),
            folder,
            as_of: sealed.as_ref().and_then(|sealed| sealed.as_of),
            manifest_sha256: sealed.as_ref().map(|sealed| sealed.manifest.sha256.clone()),
            run_id: sealed.map(|sealed| sealed.run_id),
            failure: failed.then(|| failure(execution, picture)),
        })
    }

    pub(super) fn json(&self) -> Result<String, CliError> {
        let text = serde_json::to_string_pretty(self).map_err(defect("the outcome"))?;
        Ok(text + "\n")
    }

    /// A run that ended well, or is under way, in a few lines.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("{} {}{}", self.run, self.status, self.took())];
        if let Some(run_id) = &self.run_id {
            lines.push(format!("  run id   {run_id}"));
        }
        if let Some(folder) = self.bundle.as_ref().or(self.folder.as_ref()) {
            lines.push(format!("  bundle   {folder}"));
            lines.push(format!("  fetch    plumbline cloud fetch {}", self.run));
        }
        lines.join("\n") + "\n"
    }

    /// The error of a run that failed; `None` for any other.
    pub(super) fn error(&self) -> Option<CliError> {
        let failure = self.failure.clone()?;
        let place = match (&failure.state, failure.shard) {
            (Some(state), Some(shard)) => format!(" in the state {state}, shard {shard}"),
            (Some(state), None) => format!(" in the state {state}"),
            (None, _) => String::new(),
        };
        Some(CliError::CloudRun {
            run: self.run.clone(),
            ended: format!("{}{place}", self.status),
            unanswered: [ExecutionStatus::Aborted, ExecutionStatus::TimedOut]
                .iter()
                .any(|status| status.as_str() == self.status),
            code: failure.error,
            cause: failure.cause,
            next: failure.next,
        })
    }

    fn took(&self) -> String {
        let ended = self.ended_at.map(|ended| ended.duration_since(self.started_at));
        let seconds = ended.map(|took| took.as_secs_f64());
        seconds.map_or_else(String::new, |seconds| format!(" after {}", took(seconds)))
    }
}

/// A duration to the second below an hour: `42 s`, `3 min 5 s`.
pub(super) fn took(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match (whole / 60, whole % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) if minutes < 60 => format!("{minutes} min {seconds} s"),
        _ => compliance::text::duration(seconds),
    }
}

/// The kind that an execution was asked for.
pub(super) fn kind(input: Option<&str>) -> Option<String> {
    let input: Value = serde_json::from_str(input?).ok()?;
    Some(input.get("kind")?.as_str()?.to_owned())
}

/// What an execution that ended well gave.
pub(super) fn sealed(execution: &Execution) -> Result<Sealed, CliError> {
    let output = execution.output.as_deref().unwrap_or("null");
    serde_json::from_str(output).map_err(|error| {
        CliError::Usage(format!(
            "the run {} gave no bundle that this version of Plumbline knows ({error}); is {} the state machine of the \
             reports?",
            execution.name, execution.arn
        ))
    })
}

fn failure(execution: &Execution, picture: &Picture) -> Failed {
    let at = picture.failed();
    let seen = at.map(|at| at.reason.clone()).unwrap_or_default();
    // The execution's own error is that of the choice which ends every failed run; the state's is what happened.
    let error = seen.error.or_else(|| execution.error.clone());
    let error = error.unwrap_or_else(|| match execution.status {
        ExecutionStatus::TimedOut => "States.Timeout".to_owned(),
        ExecutionStatus::Aborted => "Stopped".to_owned(),
        _ => "States.Unknown".to_owned(),
    });
    let cause = seen.cause.or_else(|| execution.cause.clone());
    let redrive = (execution.redrive == Redrive::Possible).then(|| {
        format!(
            "aws stepfunctions redrive-execution --execution-arn {}",
            execution.arn
        )
    });
    Failed {
        state: at.map(|at| at.state.clone()),
        shard: at.and_then(|at| at.shard),
        cause: cause
            .as_deref()
            .map_or_else(|| "no cause is told".to_owned(), said),
        next: next(execution, &error, redrive.as_deref(), picture.notice_failed()),
        error,
        redrive,
    }
}

/// What a cause says: of a function that failed, its message; cut to what a terminal takes.
fn said(cause: &str) -> String {
    let message = |cause: &Value| Some(cause.get("errorMessage")?.as_str()?.to_owned());
    let parsed: Option<Value> = serde_json::from_str(cause).ok();
    let whole = parsed
        .as_ref()
        .and_then(message)
        .unwrap_or_else(|| cause.to_owned());
    match whole.char_indices().nth(CAUSE) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

/// What to do next, by the error.
fn next(execution: &Execution, error: &str, redrive: Option<&str>, notice_failed: bool) -> String {
    let first = if execution.status == ExecutionStatus::Aborted {
        "somebody stopped it"
    } else if error.starts_with("Plan.") {
        return with_notice(
            "start a run with what can be meant: a redrive would repeat the same input".to_owned(),
            notice_failed,
        );
    } else if error.starts_with("Seal.") {
        "keep the bundle's folder as evidence and report it as a defect"
    } else {
        match PortErrorKind::of_code(error) {
            Some(PortErrorKind::AccessDenied | PortErrorKind::Credentials) => {
                "allow the function's role what the cause names"
            }
            Some(PortErrorKind::Throttled | PortErrorKind::Unavailable) => {
                "wait until the service named is well again"
            }
            _ => "put right what the cause says; the function's log has more",
        }
    };
    let then = match (redrive, &execution.redrive) {
        (Some(redrive), _) => format!("then go on from there with `{redrive}`"),
        (None, Redrive::Impossible(Some(reason))) => {
            format!("then start it again with `plumbline cloud start`: it cannot be redriven ({reason})")
        }
        (None, _) => "then start it again with `plumbline cloud start`: it cannot be redriven".to_owned(),
    };
    with_notice(format!("{first}, {then}"), notice_failed)
}

fn with_notice(next: String, notice_failed: bool) -> String {
    if notice_failed {
        format!("{next}. The notice of this failure could not be sent either")
    } else {
        next
    }
}

#[cfg(test)]
mod tests;

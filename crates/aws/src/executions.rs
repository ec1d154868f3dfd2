//! The executions of a state machine, for the command line.

use std::sync::Arc;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types as sdk;
use aws_smithy_types::DateTime;
use compliance::Timestamp;
use compliance::ports::{PortError, PortErrorKind};

use crate::caller::Caller;
use crate::convert::milliseconds;
use crate::failure::Failure;
use crate::history::{self, HistoryEvent};
use crate::list::{Listing, Page};

const SERVICE: &str = "Executions";
/// Events and executions asked for at once: the most the service gives.
const PAGE: i32 = 1000;

/// One state machine and its executions.
#[derive(Debug, Clone)]
pub struct Executions {
    client: Client,
    caller: Arc<Caller>,
    state_machine_arn: String,
}

/// How an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It is under way.
    Running,
    /// It is redriven and waits for its turn.
    PendingRedrive,
    /// It ended well.
    Succeeded,
    /// It ended in a failure.
    Failed,
    /// It took longer than it may.
    TimedOut,
    /// Somebody stopped it.
    Aborted,
}

impl ExecutionStatus {
    /// In lower case, as people read it and JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::PendingRedrive => "pending redrive",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Aborted => "stopped",
        }
    }

    /// It is over, in whatever way.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::PendingRedrive)
    }
}

/// An execution as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// What it was given: JSON.
    pub input: Option<String>,
    /// What it gave, if it ended well: JSON.
    pub output: Option<String>,
    /// The error it ended in.
    pub error: Option<String>,
    /// What is said of that error.
    pub cause: Option<String>,
    /// Whether it may be redriven.
    pub redrive: Redrive,
}

/// Whether what failed may go on from where it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redrive {
    /// It may.
    Possible,
    /// It may not, and why, where the service says so.
    Impossible(Option<String>),
}

/// An execution of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
}

/// What came of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// An execution of that name and input runs; this call started it, or an earlier one did.
    Runs {
        /// Its ARN.
        arn: String,
    },
    /// An execution of that name exists already, which has ended or has another input.
    NameTaken {
        /// Its ARN.
        arn: String,
    },
}

/// How far the run of a distributed Map is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MapCounts {
    /// Items in all.
    pub total: u64,
    /// Items that are done, failed ones included.
    pub done: u64,
    /// Items that failed, timed out or were aborted.
    pub failed: u64,
}

impl Executions {
    pub(crate) fn new(client: Client, caller: Arc<Caller>, arn: &str) -> Result<Self, PortError> {
        let Some(state_machine_arn) = state_machine(arn) else {
            return Err(PortError::new(
                SERVICE,
                PortErrorKind::InvalidRequest,
                format!(
                    "{arn:?} is not the ARN of a state machine, such as arn:aws:states:eu-west-1:111122223333:stateMachine:report"
                ),
            ));
        };
        Ok(Self {
            client,
            caller,
            state_machine_arn,
        })
    }

    /// The ARN of an execution: the one given, or that of the execution of this name.
    pub fn arn_of(&self, run: &str) -> String {
        if run.starts_with("arn:") {
            return run.to_owned();
        }
        let base = self
            .state_machine_arn
            .replacen(":stateMachine:", ":execution:", 1);
        format!("{base}:{run}")
    }

    /// Starts an execution, unless one of that name and input runs already.
    ///
    /// # Errors
    /// `Executions.NotFound` when there is no such state machine; the service's own.
    pub async fn start(&self, name: &str, input: &str) -> Result<Started, PortError> {
        let attempt = || {
            let call = self
                .client
                .start_execution()
                .state_machine_arn(&self.state_machine_arn);
            call.name(name).input(input).send()
        };
        match self.caller.call("StartExecution", attempt).await {
            Ok(answer) => Ok(Started::Runs {
                arn: answer.execution_arn,
            }),
            Err(failure) if failure.code.as_deref() == Some("ExecutionAlreadyExists") => {
                Ok(Started::NameTaken {
                    arn: self.arn_of(name),
                })
            }
            Err(failure) => {
                let doing = format!("cannot start {name} of {}", self.state_machine_arn);
                Err(failure.port_error(SERVICE, &doing, "states:StartExecution"))
            }
        }
    }

    /// An execution as it stands.
    ///
    /// # Errors
    /// `Executions.NotFound` when there is none; the service's own.
    pub async fn describe(&self, arn: &str) -> Result<Execution, PortError> {
        let attempt = || self.client.describe_execution().execution_arn(arn).send();
        let answer = self.caller.call("DescribeExecution", attempt).await;
        let answer = answer.map_err(failed("read the execution", arn, "states:DescribeExecution"))?;
        let name = answer.name.unwrap_or_else(|| name_of(arn).to_owned());
        Ok(Execution {
            arn: answer.execution_arn,
            name,
            status: status(&answer.status)?,
            started_at: moment("startDate", &answer.start_date)?,
            ended_at: moment_if("stopDate", answer.stop_date.as_ref())?,
            input: answer.input,
            output: answer.output,
            error: answer.error,
            cause: answer.cause,
            redrive: match answer.redrive_status {
                // Of one that has ended: also where an emulator does not say.
                Some(sdk::ExecutionRedriveStatus::NotRedrivable) => {
                    Redrive::Impossible(answer.redrive_status_reason)
                }
                _ => Redrive::Possible,
            },
        })
    }

    /// The events of an execution after the one with this id (0 for all), oldest first. Newest pages are read first,
    /// and no more of them than needed.
    ///
    /// # Errors
    /// `Executions.NotFound` when there is none; the service's own.
    pub async fn history_after(&self, arn: &str, id: i64) -> Result<Vec<HistoryEvent>, PortError> {
        const OPERATION: &str = "GetExecutionHistory";
        let ask = |token| {
            let call = self.client.get_execution_history().execution_arn(arn);
            let call = call.reverse_order(true).include_execution_data(false);
            call.max_results(PAGE).set_next_token(token).send()
        };
        let read = |answer: aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput| {
            let events = answer.events.into_iter().map(history::event);
            let rows = events.collect::<Result<_, _>>()?;
            let token = answer.next_token;
            Ok(Page { rows, token })
        };
        let enough = |events: &[HistoryEvent]| events.last().is_some_and(|event| event.id <= id + 1);
        let events = self
            .caller
            .list_until(listing(OPERATION), ask, read, enough)
            .await;
        let mut events = events.map_err(|failed| {
            let doing = format!("cannot read the history of {arn}");
            failed.port_error(SERVICE, &doing, "states:GetExecutionHistory")
        })?;
        events.retain(|event| event.id > id);
        events.sort_by_key(|event| event.id);
        events.dedup_by_key(|event| event.id);
        Ok(events)
    }

    /// The newest executions, at most so many, newest first.
    ///
    /// # Errors
    /// `Executions.NotFound` when there is no such state machine; the service's own.
    pub async fn newest(&self, most: usize) -> Result<Vec<Listed>, PortError> {
        const OPERATION: &str = "ListExecutions";
        let page = i32::try_from(most).unwrap_or(PAGE).clamp(1, PAGE);
        let ask = |token| {
            let call = self
                .client
                .list_executions()
                .state_machine_arn(&self.state_machine_arn);
            call.max_results(page).set_next_token(token).send()
        };
        let read = |answer: aws_sdk_sfn::operation::list_executions::ListExecutionsOutput| {
            let rows = answer.executions.into_iter().map(listed);
            let rows = rows.collect::<Result<_, _>>()?;
            let token = answer.next_token;
            Ok(Page { rows, token })
        };
        let enough = |rows: &[Listed]| rows.len() >= most;
        let rows = self
            .caller
            .list_until(listing(OPERATION), ask, read, enough)
            .await;
        let mut rows = rows.map_err(|failed| {
            let doing = format!("cannot list the executions of {}", self.state_machine_arn);
            failed.port_error(SERVICE, &doing, "states:ListExecutions")
        })?;
        rows.sort_by(|a: &Listed, b| (b.started_at, &b.name).cmp(&(a.started_at, &a.name)));
        rows.truncate(most);
        Ok(rows)
    }

    /// How far the run of a distributed Map is.
    ///
    /// # Errors
    /// `Executions.NotFound` when there is none; the service's own.
    pub async fn map_counts(&self, arn: &str) -> Result<MapCounts, PortError> {
        let attempt = || self.client.describe_map_run().map_run_arn(arn).send();
        let answer = self.caller.call("DescribeMapRun", attempt).await;
        let answer = answer.map_err(failed("read the Map run", arn, "states:DescribeMapRun"))?;
        let Some(counts) = answer.item_counts else {
            return Ok(MapCounts::default());
        };
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let failed = count(counts.failed) + count(counts.timed_out) + count(counts.aborted);
        Ok(MapCounts {
            total: count(counts.total),
            done: count(counts.succeeded) + failed,
            failed,
        })
    }

    /// Stops an execution; what it has stored stays.
    ///
    /// # Errors
    /// `Executions.NotFound` when there is none; the service's own.
    pub async fn stop(&self, arn: &str, cause: &str) -> Result<(), PortError> {
        let attempt = || {
            let call = self.client.stop_execution().execution_arn(arn);
            call.error("Stopped").cause(cause).send()
        };
        let answer = self.caller.call("StopExecution", attempt).await;
        let answer = answer.map_err(failed("stop the execution", arn, "states:StopExecution"));
        answer.map(drop)
    }
}

fn listing(operation: &'static str) -> Listing {
    Listing {
        service: SERVICE,
        operation,
    }
}

fn failed(doing: &'static str, arn: &str, action: &'static str) -> impl FnOnce(Failure) -> PortError {
    move |failure| failure.port_error(SERVICE, &format!("cannot {doing} {arn}"), action)
}

fn listed(item: sdk::ExecutionListItem) -> Result<Listed, PortError> {
    Ok(Listed {
        status: status(&item.status)?,
        started_at: moment("startDate", &item.start_date)?,
        ended_at: moment_if("stopDate", item.stop_date.as_ref())?,
        arn: item.execution_arn,
        name: item.name,
    })
}

fn status(status: &sdk::ExecutionStatus) -> Result<ExecutionStatus, PortError> {
    match status {
        sdk::ExecutionStatus::Running => Ok(ExecutionStatus::Running),
        sdk::ExecutionStatus::PendingRedrive => Ok(ExecutionStatus::PendingRedrive),
        sdk::ExecutionStatus::Succeeded => Ok(ExecutionStatus::Succeeded),
        sdk::ExecutionStatus::Failed => Ok(ExecutionStatus::Failed),
        sdk::ExecutionStatus::TimedOut => Ok(ExecutionStatus::TimedOut),
        sdk::ExecutionStatus::Aborted => Ok(ExecutionStatus::Aborted),
        other => Err(refused(&format!(
            "the status of an execution is {:?}",
            other.as_str()
        ))),
    }
}

/// A time of an answer.
///
/// # Errors
/// `Executions.InvalidAnswer` when it is outside of what a calendar can say.
pub(crate) fn moment(field: &str, time: &DateTime) -> Result<Timestamp, PortError> {
    milliseconds(time).ok_or_else(|| refused(&format!("{field} {time:?} is not a time")))
}

fn moment_if(field: &str, time: Option<&DateTime>) -> Result<Option<Timestamp>, PortError> {
    time.map(|time| moment(field, time)).transpose()
}

fn refused(problem: &str) -> PortError {
    let message =
        format!("the answer of Step Functions is refused: {problem}; run again, and if it stays, report it");
    PortError::new(SERVICE, PortErrorKind::InvalidAnswer, message)
}

/// The ARN of a state machine without its version or alias; `None` when it is another ARN or none.
fn state_machine(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let well = matches!(parts[..], ["arn", _, "states", _, _, "stateMachine", name] | ["arn", _, "states", _, _, "stateMachine", name, _] if !name.is_empty());
    well.then(|| parts[..7].join(":"))
}

/// The name at the end of an execution's ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_state_machine_is_told_from_others() {
        let machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:report";
        let check = |arn: &str, expected: Option<&str>| {
            assert_eq!(state_machine(arn).as_deref(), expected, "{arn}");
        };
        check(machine, Some(machine));
        check(&format!("{machine}:7"), Some(machine));
        check("arn:aws:states:eu-west-1:111122223333:execution:report:a", None);
        check("arn:aws:s3:::bucket", None);
        check("arn:aws:states:eu-west-1:111122223333:stateMachine:", None);
        check("report", None);
    }
}

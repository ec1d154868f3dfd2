//! The events of an execution, in our words.

use aws_sdk_sfn::types as sdk;
use aws_sdk_sfn::types::HistoryEventType as Type;
use compliance::Timestamp;
use compliance::ports::PortError;

use crate::executions::moment;

/// An event of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEvent {
    /// Its number, ascending from 1.
    pub id: i64,
    /// The event it follows from; 0 for the first. Events of the shards of a Map are mixed, and this tells them apart.
    pub previous: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// Why something failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// The error's name: a stable code of ours, or one of `States.*` and `Lambda.*`.
    pub error: Option<String>,
    /// What is said of it; of a function, a JSON object with `errorMessage`.
    pub cause: Option<String>,
}

/// What happened in an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A state that does work was entered: a Task, a Map, a Parallel.
    Entered {
        /// The state.
        state: String,
    },
    /// Such a state was left.
    Left {
        /// The state.
        state: String,
    },
    /// A state that only decides, passes on, waits or ends was entered.
    Passed {
        /// The state.
        state: String,
    },
    /// An attempt at a task was begun.
    Attempted,
    /// An attempt failed, or could not be begun; whether it is made again is the state's to say.
    AttemptFailed(Reason),
    /// A Map knows how many items it has.
    MapStarted {
        /// Items; a distributed Map says it of its run, see [`crate::Executions::map_counts`].
        items: u64,
    },
    /// The run of a distributed Map was started.
    MapRunStarted {
        /// Its ARN.
        arn: String,
    },
    /// Work on an item was begun.
    ItemStarted {
        /// The item, from 0.
        index: u64,
    },
    /// An item is done.
    ItemSucceeded,
    /// An item failed or was aborted.
    ItemFailed,
    /// The execution is redriven: what failed goes on from here.
    Redriven,
    /// The execution failed, timed out or was stopped.
    Failed(Reason),
    /// Something of no matter here, by the service's own name.
    Other(String),
}

/// An event of the service as ours.
///
/// # Errors
/// `Executions.InvalidAnswer` when its time is none.
pub(crate) fn event(event: sdk::HistoryEvent) -> Result<HistoryEvent, PortError> {
    Ok(HistoryEvent {
        id: event.id,
        previous: event.previous_event_id,
        at: moment("timestamp", &event.timestamp)?,
        what: happened(event),
    })
}

fn happened(event: sdk::HistoryEvent) -> Happened {
    let other = || Happened::Other(event.r#type.as_str().to_owned());
    match &event.r#type {
        Type::TaskStateEntered | Type::MapStateEntered | Type::ParallelStateEntered => {
            entered(&event).map_or_else(other, |state| Happened::Entered { state })
        }
        Type::ChoiceStateEntered
        | Type::FailStateEntered
        | Type::PassStateEntered
        | Type::SucceedStateEntered
        | Type::WaitStateEntered => entered(&event).map_or_else(other, |state| Happened::Passed { state }),
        Type::TaskStateExited | Type::MapStateExited | Type::ParallelStateExited => {
            let left = event.state_exited_event_details.as_ref();
            left.map_or_else(other, |left| Happened::Left {
                state: left.name.clone(),
            })
        }
        Type::TaskScheduled | Type::LambdaFunctionScheduled => Happened::Attempted,
        Type::MapStateStarted => {
            let length = event
                .map_state_started_event_details
                .as_ref()
                .map(|map| map.length);
            Happened::MapStarted {
                items: count(length.unwrap_or_default()),
            }
        }
        Type::MapRunStarted => {
            let run = event.map_run_started_event_details.as_ref();
            let arn = run.and_then(|run| run.map_run_arn.clone());
            arn.map_or_else(other, |arn| Happened::MapRunStarted { arn })
        }
        Type::MapIterationStarted => {
            let item = event.map_iteration_started_event_details.as_ref();
            Happened::ItemStarted {
                index: count(item.map(|item| item.index).unwrap_or_default()),
            }
        }
        Type::MapIterationSucceeded => Happened::ItemSucceeded,
        Type::MapIterationFailed | Type::MapIterationAborted => Happened::ItemFailed,
        Type::ExecutionRedriven => Happened::Redriven,
        _ => failed(event),
    }
}

fn entered(event: &sdk::HistoryEvent) -> Option<String> {
    Some(event.state_entered_event_details.as_ref()?.name.clone())
}

fn count(number: i32) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Takes error and cause out of the details of a failure, which have no type in common.
macro_rules! reason {
    ($details:expr) => {
        $details
            .map(|details| Reason {
                error: details.error,
                cause: details.cause,
            })
            .unwrap_or_default()
    };
}

/// Events of failures, and of what is of no matter.
fn failed(event: sdk::HistoryEvent) -> Happened {
    match event.r#type {
        Type::TaskFailed => Happened::AttemptFailed(reason!(event.task_failed_event_details)),
        Type::TaskTimedOut => Happened::AttemptFailed(timed_out(reason!(event.task_timed_out_event_details))),
        Type::TaskStartFailed => Happened::AttemptFailed(reason!(event.task_start_failed_event_details)),
        Type::TaskSubmitFailed => Happened::AttemptFailed(reason!(event.task_submit_failed_event_details)),
        Type::LambdaFunctionFailed => {
            Happened::AttemptFailed(reason!(event.lambda_function_failed_event_details))
        }
        Type::LambdaFunctionTimedOut => {
            Happened::AttemptFailed(timed_out(reason!(event.lambda_function_timed_out_event_details)))
        }
        Type::LambdaFunctionStartFailed => {
            Happened::AttemptFailed(reason!(event.lambda_function_start_failed_event_details))
        }
        Type::LambdaFunctionScheduleFailed => {
            Happened::AttemptFailed(reason!(event.lambda_function_schedule_failed_event_details))
        }
        Type::MapRunFailed => Happened::AttemptFailed(reason!(event.map_run_failed_event_details)),
        Type::EvaluationFailed => Happened::AttemptFailed(reason!(event.evaluation_failed_event_details)),
        Type::ExecutionFailed => Happened::Failed(reason!(event.execution_failed_event_details)),
        Type::ExecutionTimedOut => {
            Happened::Failed(timed_out(reason!(event.execution_timed_out_event_details)))
        }
        Type::ExecutionAborted => Happened::Failed(reason!(event.execution_aborted_event_details)),
        other => Happened::Other(other.as_str().to_owned()),
    }
}

/// A timeout is named so, whether or not the service did.
fn timed_out(mut reason: Reason) -> Reason {
    reason.error.get_or_insert_with(|| "States.Timeout".to_owned());
    reason
}

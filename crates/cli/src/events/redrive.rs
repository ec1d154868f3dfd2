//! Has dead letters tried again.

use std::time::Duration;

use aws::{DeadLetterQueue, MoveStatus, MoveTask};
use compliance::ports::{PortError, PortErrorKind, Timer};
use compliance::text;
use local::SystemClock;
use serde_json::json;

use super::Queues;
use crate::args::RedriveArgs;
use crate::error::{CliError, defect};
use crate::progress::StderrProgress;

/// Moves every dead letter to the queue of events, and follows that.
pub(super) async fn run(args: &RedriveArgs) -> Result<(), CliError> {
    let queues = Queues::open(&args.queues).await?;
    let dead_letters = queues.dead_letters();
    let destination = queues.aws.dead_letter_queue(queues.place.events()?).arn().await?;
    let waiting = dead_letters.count().await?;
    if args.dry_run || waiting == 0 {
        return said(args, waiting, None, &destination);
    }
    start(&dead_letters, &destination, args.per_second, &queues.progress).await?;
    let ended = follow(&dead_letters, args.follow.every, &queues.progress).await?;
    said(args, waiting, Some(&ended), &destination)?;
    match ended.status {
        MoveStatus::Completed => Ok(()),
        status => Err(not_whole(&ended, status)),
    }
}

/// Starts the move, unless one is under way: then that is followed.
async fn start(
    queue: &DeadLetterQueue,
    destination: &str,
    per_second: Option<u32>,
    progress: &StderrProgress,
) -> Result<(), CliError> {
    let under_way = queue.moves().await?.into_iter().next();
    if under_way.is_some_and(|task| !task.status.is_over()) {
        progress.note("A move of these messages is under way already; following it.");
        return Ok(());
    }
    Ok(queue.start_move(destination, per_second).await?)
}

async fn follow(
    queue: &DeadLetterQueue,
    every: Duration,
    progress: &StderrProgress,
) -> Result<MoveTask, CliError> {
    let mut told = None;
    loop {
        let newest = queue.moves().await?.into_iter().next().ok_or_else(|| {
            let message = "SQS knows of no move that was just started; see `plumbline events dead-letters`, and run again";
            PortError::new("Queue", PortErrorKind::InvalidAnswer, message)
        })?;
        if newest.status.is_over() {
            return Ok(newest);
        }
        if told != Some(newest.moved) {
            told = Some(newest.moved);
            progress.note(&format!(
                "  {} moved",
                text::plural(newest.moved, "event", "events")
            ));
        }
        SystemClock.sleep(every).await;
    }
}

fn not_whole(task: &MoveTask, status: MoveStatus) -> CliError {
    let reason = task.failure.as_deref().unwrap_or("SQS gives no reason");
    CliError::Step {
        stage: "redrive",
        code: "Queue.Unavailable".to_owned(),
        message: format!(
            "the move is {} after {}: {reason}; see what is left with `plumbline events dead-letters`, and run again",
            status.as_str(),
            text::plural(task.moved, "event", "events")
        ),
    }
}

fn said(
    args: &RedriveArgs,
    waiting: u64,
    task: Option<&MoveTask>,
    destination: &str,
) -> Result<(), CliError> {
    let moved = task.map_or(0, |task| task.moved);
    if args.queues.json {
        let document = json!({
            "waiting": waiting,
            "moved": moved,
            "dry_run": args.dry_run,
            "status": task.map(|task| task.status.as_str()),
            "destination": destination,
        });
        let text = serde_json::to_string_pretty(&document).map_err(defect("the move"))?;
        return crate::print(&(text + "\n"));
    }
    let events = |number| text::plural(number, "event", "events");
    crate::print(&match task {
        None if waiting == 0 => {
            "No event waits among the dead letters: there is nothing to move.\n".to_owned()
        }
        None => format!(
            "{} would be moved to {destination}, about; none is.\n",
            events(waiting)
        ),
        Some(_) => format!("{} moved to {destination}.\n", events(moved)),
    })
}

//! A queue of dead letters in SQS: what steps put into it, and how a person looks at it and has it tried again.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types as sdk;
use compliance::Timestamp;
use compliance::ports::{DeadLetters, PortError, PortErrorKind};

use crate::caller::Caller;
use crate::failure::Failure;

const SERVICE: &str = "Queue";
/// Characters of a reason: enough to say why, and small beside the message.
const REASON: usize = 1_000;
/// Messages that SQS gives at once.
const BATCH: usize = 10;
/// A message that is looked at is hidden from others for so long, if whoever looks dies; else until the look is over.
const LOOK_SECONDS: i32 = 60;
/// Receives in a row that bring nothing new before the queue counts as seen: SQS asks some of its servers each time.
const EMPTY_RECEIVES: u32 = 3;

/// Keeps messages in a queue, with `code` and `reason` as their attributes.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    queue: Queue,
}

/// A queue of dead letters, for a person who sees to it.
#[derive(Debug, Clone)]
pub struct DeadLetterQueue {
    queue: Queue,
}

/// A message that lies in a queue of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLetter {
    /// The message's id.
    pub id: String,
    /// Why it is there, as a stable code; `None` where SQS moved it there itself, after too many attempts.
    pub code: Option<String>,
    /// The same in words.
    pub reason: Option<String>,
    /// When it was first sent.
    pub sent_at: Option<Timestamp>,
    /// The message.
    pub body: String,
}

/// How the messages of a queue are moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveTask {
    /// How far it is.
    pub status: MoveStatus,
    /// Messages moved so far, about.
    pub moved: u64,
    /// Messages there were to move, where the service says so.
    pub to_move: Option<u64>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
}

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveStatus {
    /// It is under way.
    Running,
    /// All were moved.
    Completed,
    /// Somebody is stopping it.
    Cancelling,
    /// Somebody stopped it.
    Cancelled,
    /// It failed.
    Failed,
}

impl MoveStatus {
    /// In lower case, as people read it and JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelling => "being cancelled",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// It is over, in whatever way.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Cancelling)
    }
}

#[derive(Debug, Clone)]
struct Queue {
    client: Client,
    caller: Arc<Caller>,
    url: String,
}

impl Queue {
    fn failed(&self, doing: &'static str, action: &'static str) -> impl FnOnce(Failure) -> PortError {
        move |failure| failure.port_error(SERVICE, &format!("cannot {doing} the queue {}", self.url), action)
    }

    /// Attributes of the queue itself.
    async fn attributes(
        &self,
        names: &[sdk::QueueAttributeName],
    ) -> Result<BTreeMap<String, String>, PortError> {
        let attempt = || {
            let call = self.client.get_queue_attributes().queue_url(&self.url);
            call.set_attribute_names(Some(names.to_vec())).send()
        };
        let answer = self.caller.call("GetQueueAttributes", attempt).await;
        let answer = answer.map_err(self.failed("read", "sqs:GetQueueAttributes"))?;
        let attributes = answer.attributes.unwrap_or_default();
        let named = attributes.into_iter();
        Ok(named
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect())
    }
}

impl SqsDeadLetters {
    pub(crate) fn new(client: Client, caller: Arc<Caller>, url: String) -> Self {
        Self {
            queue: Queue { client, caller, url },
        }
    }
}

impl DeadLetters for SqsDeadLetters {
    async fn keep(&self, body: &str, code: &str, reason: &str) -> Result<(), PortError> {
        let (code, reason) = (attribute(code)?, attribute(reason)?);
        let attempt = || {
            let call = self.queue.client.send_message().queue_url(&self.queue.url);
            let call = call.message_attributes("code", code.clone());
            call.message_attributes("reason", reason.clone())
                .message_body(body)
                .send()
        };
        let sent = self.queue.caller.call("SendMessage", attempt).await;
        let action = "sqs:SendMessage (and kms:GenerateDataKey and kms:Decrypt on its key)";
        sent.map(drop)
            .map_err(self.queue.failed("put a message into", action))
    }
}

/// A text as SQS takes it of an attribute: not empty, not long, and without characters that XML has none of.
fn attribute(text: &str) -> Result<sdk::MessageAttributeValue, PortError> {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut fitted: String = text.chars().map(plain).take(REASON).collect();
    fitted.retain(|letter| !matches!(letter, '\u{fffe}' | '\u{ffff}'));
    if fitted.is_empty() {
        fitted.push('-');
    }
    let value = sdk::MessageAttributeValue::builder().data_type("String");
    value.string_value(fitted).build().map_err(|error| {
        let message = "a message of the dead letters cannot be made; report it";
        PortError::new(SERVICE, PortErrorKind::InvalidRequest, message).with_source(error)
    })
}

impl DeadLetterQueue {
    pub(crate) fn new(client: Client, caller: Arc<Caller>, url: String) -> Self {
        Self {
            queue: Queue { client, caller, url },
        }
    }

    /// The queue's own ARN: what the destination of a move is named by.
    ///
    /// # Errors
    /// `Queue.NotFound` when there is no such queue; the service's own.
    pub async fn arn(&self) -> Result<String, PortError> {
        let mut attributes = self
            .queue
            .attributes(&[sdk::QueueAttributeName::QueueArn])
            .await?;
        let arn = attributes.remove("QueueArn");
        arn.ok_or_else(|| refused("the queue has no ARN"))
    }

    /// How many messages lie in it, those that somebody looks at just now included; about.
    ///
    /// # Errors
    /// `Queue.NotFound` when there is no such queue; the service's own.
    pub async fn count(&self) -> Result<u64, PortError> {
        use sdk::QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let attributes = self.queue.attributes(&names).await?;
        let count = |text: &String| {
            let bad = |_| refused("the number of its messages is none");
            text.parse::<u64>().map_err(bad)
        };
        attributes.values().map(count).sum()
    }

    /// Looks at so many messages at most and takes none away: they are back as soon as the look is over, and
    /// after a minute if it is broken off.
    ///
    /// # Errors
    /// The service's own.
    pub async fn peek(&self, most: usize) -> Result<Vec<WaitingLetter>, PortError> {
        let mut seen: BTreeMap<String, (WaitingLetter, Option<String>)> = BTreeMap::new();
        let mut empty = 0;
        let looked = loop {
            if seen.len() >= most || empty >= EMPTY_RECEIVES {
                break Ok(());
            }
            let messages = match self.receive((most - seen.len()).min(BATCH)).await {
                Ok(messages) => messages,
                Err(error) => break Err(error),
            };
            let before = seen.len();
            for message in messages {
                let receipt = message.receipt_handle.clone();
                let letter = waiting(message);
                seen.insert(letter.id.clone(), (letter, receipt));
            }
            empty = if seen.len() == before { empty + 1 } else { 0 };
        };
        let (letters, receipts): (Vec<_>, Vec<_>) = seen.into_values().unzip();
        self.put_back(receipts.into_iter().flatten().collect()).await;
        looked?;
        let mut letters = letters;
        letters.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        Ok(letters)
    }

    async fn receive(&self, most: usize) -> Result<Vec<sdk::Message>, PortError> {
        let attempt = || {
            let call = self.queue.client.receive_message().queue_url(&self.queue.url);
            let call = call.max_number_of_messages(i32::try_from(most).unwrap_or(1));
            let call = call.visibility_timeout(LOOK_SECONDS).wait_time_seconds(1);
            let call = call.message_attribute_names("All");
            call.message_system_attribute_names(sdk::MessageSystemAttributeName::SentTimestamp)
                .send()
        };
        let answer = self.queue.caller.call("ReceiveMessage", attempt).await;
        let action = "sqs:ReceiveMessage (and kms:Decrypt on its key)";
        let answer = answer.map_err(self.queue.failed("look into", action))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// What cannot be put back comes back by itself when the look's time is over.
    async fn put_back(&self, receipts: Vec<String>) {
        for receipt in receipts {
            let attempt = || {
                let call = self
                    .queue
                    .client
                    .change_message_visibility()
                    .queue_url(&self.queue.url);
                call.receipt_handle(&receipt).visibility_timeout(0).send()
            };
            let _ = self.queue.caller.call("ChangeMessageVisibility", attempt).await;
        }
    }

    /// Starts to move every message to another queue, by its ARN, so many a second at most (as fast as SQS likes when
    /// absent). The destination is always named: a message that was put here directly came from no queue that SQS knows.
    ///
    /// # Errors
    /// `Queue.InvalidRequest` when another move is under way; `Queue.NotFound` when one of the queues is not there; the
    /// service's own.
    pub async fn start_move(&self, destination_arn: &str, per_second: Option<u32>) -> Result<(), PortError> {
        let source = self.arn().await?;
        let per_second = per_second.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX));
        let attempt = || {
            let call = self.queue.client.start_message_move_task().source_arn(&source);
            let call = call.destination_arn(destination_arn);
            call.set_max_number_of_messages_per_second(per_second).send()
        };
        let started = self.queue.caller.call("StartMessageMoveTask", attempt).await;
        let action = "sqs:StartMessageMoveTask, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes here, sqs:SendMessage there, and kms:Decrypt and kms:GenerateDataKey on their keys";
        started
            .map(drop)
            .map_err(self.queue.failed("move the messages of", action))
    }

    /// The moves of this queue's messages, newest first: those under way and some that are over.
    ///
    /// # Errors
    /// `Queue.NotFound` when there is no such queue; the service's own.
    pub async fn moves(&self) -> Result<Vec<MoveTask>, PortError> {
        let source = self.arn().await?;
        let attempt = || {
            let call = self.queue.client.list_message_move_tasks().source_arn(&source);
            call.max_results(10).send()
        };
        let answer = self.queue.caller.call("ListMessageMoveTasks", attempt).await;
        let answer = answer.map_err(
            self.queue
                .failed("follow the moves of", "sqs:ListMessageMoveTasks"),
        )?;
        let tasks = answer.results.unwrap_or_default().into_iter().map(move_task);
        let mut tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        tasks.sort_by_key(|task| std::cmp::Reverse(task.started_at));
        Ok(tasks)
    }
}

fn waiting(message: sdk::Message) -> WaitingLetter {
    let attributes = message.message_attributes.unwrap_or_default();
    // Events that EventBridge could not deliver say why in capitals.
    let of = |names: [&str; 2]| {
        let mut present = names.into_iter().filter_map(|name| attributes.get(name));
        present.next().and_then(|value| value.string_value.clone())
    };
    let sent = message
        .attributes
        .and_then(|mut attributes| attributes.remove(&sdk::MessageSystemAttributeName::SentTimestamp));
    WaitingLetter {
        id: message.message_id.unwrap_or_default(),
        code: of(["code", "ERROR_CODE"]),
        reason: of(["reason", "ERROR_MESSAGE"]),
        sent_at: sent.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()),
        body: message.body.unwrap_or_default(),
    }
}

fn move_task(task: sdk::ListMessageMoveTasksResultEntry) -> Result<MoveTask, PortError> {
    let status = match task.status.as_deref() {
        Some("RUNNING") => MoveStatus::Running,
        Some("COMPLETED") => MoveStatus::Completed,
        Some("CANCELLING") => MoveStatus::Cancelling,
        Some("CANCELLED") => MoveStatus::Cancelled,
        Some("FAILED") => MoveStatus::Failed,
        other => return Err(refused(&format!("the status of a move is {other:?}"))),
    };
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(MoveTask {
        status,
        moved: count(task.approximate_number_of_messages_moved),
        to_move: task.approximate_number_of_messages_to_move.map(count),
        failure: task.failure_reason,
        started_at: Timestamp::from_millisecond(task.started_timestamp).ok(),
    })
}

fn refused(problem: &str) -> PortError {
    let message = format!("the answer of SQS is refused: {problem}; run again, and if it stays, report it");
    PortError::new(SERVICE, PortErrorKind::InvalidAnswer, message)
}

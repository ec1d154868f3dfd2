//! What the queue gives the function, and what it is answered.

use serde::{Deserialize, Serialize};

use crate::batch::{BatchOutcome, Message};

/// A batch, as the event source of a queue gives it.
#[derive(Debug, Clone, Deserialize)]
pub struct SqsBatch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
}

/// The messages that go back to the queue; all others are deleted there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsAnswer {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl SqsBatch {
    /// Its messages.
    pub fn messages(self) -> Vec<Message> {
        let message = |record: Record| Message {
            id: record.message_id,
            body: record.body,
        };
        self.records.into_iter().map(message).collect()
    }
}

impl SqsAnswer {
    /// The answer to a batch.
    pub fn of(outcome: &BatchOutcome) -> Self {
        let failed = outcome.failed.iter().cloned();
        Self {
            batch_item_failures: failed
                .map(|item_identifier| Failure { item_identifier })
                .collect(),
        }
    }
}

//! Writes an event with all that comes of it, and reads from a refusal what it means.

use std::hash::{BuildHasher, RandomState};

use aws_sdk_dynamodb::error::{ErrorMetadata, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem};
use compliance::Timestamp;
use compliance::events::EventRecord;
use compliance::ports::{EventWrite, PortError, PortErrorKind, StoredPair, Written};

use super::item::{self, EXPIRES_AT, VERSION};
use super::{DynamoEventTable, Item, SERVICE};

/// Nothing is there under the key.
const IS_NEW: &str = "attribute_not_exists(pk)";

impl DynamoEventTable {
    /// Writes an event that nothing comes of: one put is cheaper than a transaction.
    pub(super) async fn put_alone(&self, event: &EventRecord) -> Result<Written, PortError> {
        let item = item::of_event(event)?;
        let attempt = || async {
            let call = self.client.put_item().table_name(&self.table);
            let call = call.set_item(Some(item.clone())).condition_expression(IS_NEW);
            match call.send().await {
                Ok(_) => Ok(Written::New),
                Err(error) => match error.as_service_error().map(put_verdict) {
                    Some(Verdict::Written(written)) => Ok(written),
                    _ => Err(error.map_service_error(Unsettled::of)),
                },
            }
        };
        let written = self.caller.call("PutItem", attempt).await;
        written.map_err(self.failed("write to", "dynamodb:PutItem"))
    }

    /// Writes an event, its pair and what is to be told, all or nothing. An attempt that is repeated as no answer came
    /// has the same token, so that what it did already is done once and said to be new.
    pub(super) async fn transact(&self, write: &EventWrite, now: Timestamp) -> Result<Written, PortError> {
        let items = self.items(write, now)?;
        let token = token();
        let attempt = || async {
            let call = self.client.transact_write_items().client_request_token(&token);
            match call.set_transact_items(Some(items.clone())).send().await {
                Ok(_) => Ok(Written::New),
                Err(error) => match error.as_service_error().map(transaction_verdict) {
                    Some(Verdict::Written(written)) => Ok(written),
                    Some(Verdict::Throttled) => Err(error.map_service_error(Unsettled::throttled)),
                    _ => Err(error.map_service_error(Unsettled::of)),
                },
            }
        };
        let written = self.caller.call("TransactWriteItems", attempt).await;
        written.map_err(self.failed("write to", "dynamodb:PutItem"))
    }

    /// The event comes first: [`verdict`] counts on it.
    fn items(&self, write: &EventWrite, now: Timestamp) -> Result<Vec<TransactWriteItem>, PortError> {
        let event = Put::builder().condition_expression(IS_NEW);
        let mut items = vec![self.put(event, item::of_event(&write.event)?)?];
        if let Some(pair) = &write.pair {
            let put = conditional(pair, now);
            items.push(self.put(put, item::of_pair(pair, write.pair_expires_at)?)?);
        }
        for entry in &write.outbox {
            items.push(self.put(Put::builder(), item::of_outbox(entry)?)?);
        }
        Ok(items)
    }

    fn put(
        &self,
        put: aws_sdk_dynamodb::types::builders::PutBuilder,
        item: Item,
    ) -> Result<TransactWriteItem, PortError> {
        let put = put.table_name(&self.table).set_item(Some(item)).build();
        let put = put.map_err(|error| {
            let message = "a write to the event table cannot be made; report it";
            PortError::new(SERVICE, PortErrorKind::InvalidRequest, message).with_source(error)
        })?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// A put of a pair on the condition that it stands as it was read: what has expired was read as nothing.
fn conditional(pair: &StoredPair, now: Timestamp) -> aws_sdk_dynamodb::types::builders::PutBuilder {
    let number = |number: String| AttributeValue::N(number);
    let put = Put::builder();
    match pair.version {
        0 => put
            .condition_expression(format!("{IS_NEW} OR {EXPIRES_AT} <= :now"))
            .expression_attribute_values(":now", number(now.as_second().to_string())),
        version => put
            .condition_expression("#version = :read")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":read", number(version.to_string())),
    }
}

/// What a cancelled transaction means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Written(Written),
    Throttled,
    Refused,
}

/// Reads the reasons of a cancelled transaction, in the order of its items.
fn verdict(reasons: &[CancellationReason]) -> Verdict {
    let codes: Vec<&str> = reasons
        .iter()
        .map(|reason| reason.code().unwrap_or_default())
        .collect();
    let any = |known: &[&str]| codes.iter().any(|code| known.contains(code));
    if codes.first() == Some(&"ConditionalCheckFailed") {
        Verdict::Written(Written::Known)
    } else if any(&["ConditionalCheckFailed", "TransactionConflict"]) {
        Verdict::Written(Written::Conflict)
    } else if any(&[
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
    ]) {
        Verdict::Throttled
    } else {
        Verdict::Refused
    }
}

fn transaction_verdict(error: &TransactWriteItemsError) -> Verdict {
    match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            verdict(cancelled.cancellation_reasons())
        }
        _ => Verdict::Refused,
    }
}

fn put_verdict(error: &PutItemError) -> Verdict {
    match error {
        PutItemError::ConditionalCheckFailedException(_) => Verdict::Written(Written::Known),
        PutItemError::TransactionConflictException(_) => Verdict::Written(Written::Conflict),
        _ => Verdict::Refused,
    }
}

/// A refusal that is no answer to the write, under the code that says whether to try again.
#[derive(Debug, thiserror::Error)]
#[error("the write was refused")]
struct Unsettled {
    meta: ErrorMetadata,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Unsettled {
    /// A transaction that was cancelled as some of it was throttled, which its own code does not say.
    fn throttled(error: TransactWriteItemsError) -> Self {
        let meta = ErrorMetadata::builder().code("ThrottlingException");
        Self {
            meta: meta.message("the transaction was throttled").build(),
            source: error.into(),
        }
    }

    fn of<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(error: E) -> Self {
        Self {
            meta: error.meta().clone(),
            source: error.into(),
        }
    }
}

impl ProvideErrorMetadata for Unsettled {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

/// Tells a write from every other: randomness is allowed here, as nothing that is stored depends on it.
fn token() -> String {
    let random = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_by_their_place() {
        let check = |codes: &[&str], expected: Verdict| {
            let reason = |code: &&str| CancellationReason::builder().code(*code).build();
            let reasons: Vec<_> = codes.iter().map(reason).collect();
            assert_eq!(verdict(&reasons), expected, "{codes:?}");
        };
        let (failed, conflict, none) = ("ConditionalCheckFailed", "TransactionConflict", "None");
        check(&[failed, none], Verdict::Written(Written::Known));
        check(&[failed, failed], Verdict::Written(Written::Known));
        check(&[none, failed, none], Verdict::Written(Written::Conflict));
        check(&[conflict, none], Verdict::Written(Written::Conflict));
        check(&[none, none, conflict], Verdict::Written(Written::Conflict));
        check(&[none, "ThrottlingError"], Verdict::Throttled);
        check(&["ProvisionedThroughputExceeded"], Verdict::Throttled);
        check(&[none, "ValidationError"], Verdict::Refused);
        check(&[], Verdict::Refused);
    }
}

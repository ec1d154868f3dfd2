//! The event table in DynamoDB: one table for the events, what is known of each pair, and what is to be told.
//!
//! Partitions are sharded, as one partition takes some 1,000 writes a second: a day's events over 16, an account's pairs
//! and the outbox over 8. An event with all that comes of it is one transaction.

mod item;
mod key;
mod write;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::types::AttributeValue;
use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window};
use compliance::evaluation::PairKey;
use compliance::events::EventRecord;
use compliance::ports::{EventTable, EventWrite, PortError, PortErrorKind, StoredPair, Written};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::caller::Caller;
use crate::failure::Failure;
use crate::list::{Listing, Page};
use key::Key;

const SERVICE: &str = "Events";
/// Partitions read at once, and entries taken out at once.
const AT_ONCE: usize = 8;

/// Attributes of an item, as DynamoDB has them.
type Item = HashMap<String, AttributeValue>;

/// The event table of this name.
#[derive(Debug, Clone)]
pub struct DynamoEventTable {
    client: Client,
    caller: Arc<Caller>,
    table: String,
}

impl DynamoEventTable {
    pub(crate) fn new(client: Client, caller: Arc<Caller>, table: String) -> Self {
        Self {
            client,
            caller,
            table,
        }
    }

    /// Items of one partition whose sort keys lie between two, both included, read by `read` as they come.
    async fn query<T: Send>(
        &self,
        partition: &str,
        (from, until): (&str, &str),
        projection: Option<&str>,
        read: impl Fn(&Item) -> Result<T, PortError> + Send + Sync,
    ) -> Result<Vec<T>, PortError> {
        let listing = Listing {
            service: SERVICE,
            operation: "Query",
        };
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let ask = |token: Option<String>| {
            let call = self.client.query().table_name(&self.table).consistent_read(true);
            let call = call.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :until");
            let call = call.expression_attribute_values(":pk", text(partition));
            let call = call.expression_attribute_values(":from", text(from));
            let call = call.expression_attribute_values(":until", text(until));
            let start = token.map(|sort| key::item_key(partition, &sort));
            let call = call.set_projection_expression(projection.map(str::to_owned));
            call.set_exclusive_start_key(start).send()
        };
        let page = |answer: QueryOutput| {
            let rows = answer.items().iter().map(&read).collect::<Result<_, _>>()?;
            let last = answer.last_evaluated_key();
            let token = last.map(|last| item::text(last, key::SORT)).transpose()?;
            Ok(Page { rows, token })
        };
        let rows = self.caller.list_until(listing, ask, page, |_| false).await;
        rows.map_err(|failed| failed.port_error(SERVICE, &self.cannot("read"), "dynamodb:Query"))
    }

    fn cannot(&self, doing: &str) -> String {
        format!("cannot {doing} the table {}", self.table)
    }

    fn failed(&self, doing: &'static str, action: &'static str) -> impl FnOnce(Failure) -> PortError {
        move |failure| {
            let action =
                format!("{action} (and kms:Decrypt and kms:GenerateDataKey on the key of the table)");
            failure.port_error(SERVICE, &self.cannot(doing), &action)
        }
    }

    async fn take_out(&self, key: Key) -> Result<(), PortError> {
        let attempt = || {
            let call = self.client.delete_item().table_name(&self.table);
            call.set_key(Some(key::item_key(&key.partition, &key.sort)))
                .send()
        };
        let deleted = self.caller.call("DeleteItem", attempt).await;
        deleted
            .map(drop)
            .map_err(self.failed("delete from", "dynamodb:DeleteItem"))
    }
}

impl EventTable for DynamoEventTable {
    async fn pair(&self, pair: &PairKey) -> Result<Option<StoredPair>, PortError> {
        let key = key::pair(pair)?;
        let attempt = || {
            let call = self
                .client
                .get_item()
                .table_name(&self.table)
                .consistent_read(true);
            call.set_key(Some(key::item_key(&key.partition, &key.sort)))
                .send()
        };
        let answer = self.caller.call("GetItem", attempt).await;
        let answer = answer.map_err(self.failed("read", "dynamodb:GetItem"))?;
        let Some(found) = answer.item().filter(|found| !found.is_empty()) else {
            return Ok(None);
        };
        match item::is_live(found, now())? {
            true => item::read_pair(found, pair).map(Some),
            false => Ok(None),
        }
    }

    async fn write(&self, write: &EventWrite) -> Result<Written, PortError> {
        match (&write.pair, write.outbox.as_slice()) {
            (None, []) => self.put_alone(&write.event).await,
            _ => Box::pin(self.transact(write, now())).await,
        }
    }

    async fn events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        if until <= from {
            return Ok(Vec::new());
        }
        let now = now();
        let (first, end) = (key::moment(from), key::moment(until));
        let read = |found: &Item| match item::is_live(found, now)? {
            true => item::read_event(found).map(Some),
            false => Ok(None),
        };
        // No event lies at `end` itself: keys go on after the time.
        let partitions = key::days(from, until).flat_map(|day| key::event_partitions(&day));
        let range = (first.as_str(), end.as_str());
        let lists =
            partitions.map(|partition| async move { self.query(&partition, range, None, read).await });
        let lists: Vec<Vec<Option<EventRecord>>> =
            stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        let mut events: Vec<EventRecord> = lists.into_iter().flatten().flatten().collect();
        events.sort_by(|a, b| (a.event_time, &a.id).cmp(&(b.event_time, &b.id)));
        Ok(events)
    }

    async fn outbox(&self, route: &str, window: Window) -> Result<Vec<OutboxEntry>, PortError> {
        let (from, until) = key::outbox_range(route, window);
        let range = (from.as_str(), until.as_str());
        let lists = key::outbox_partitions()
            .map(|partition| async move { self.query(&partition, range, None, item::read_outbox).await });
        let lists: Vec<Vec<OutboxEntry>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        let mut entries: Vec<OutboxEntry> = lists.into_iter().flatten().collect();
        entries.sort_by(|a, b| (a.decided_at, &a.event_id).cmp(&(b.decided_at, &b.event_id)));
        Ok(entries)
    }

    async fn overdue(&self, before: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        let until = key::before_windows_of(before);
        let until = until.as_str();
        let lists = key::outbox_partitions().map(|partition| async move {
            self.query(&partition, ("0", until), Some(key::SORT), |found| {
                item::read_place(found)
            })
            .await
        });
        let lists: Vec<Vec<(String, Window)>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        let each: BTreeSet<(String, Window)> = lists.into_iter().flatten().collect();
        Ok(each.into_iter().collect())
    }

    async fn told(&self, entries: &[OutboxEntry]) -> Result<(), PortError> {
        let keys: Vec<Key> = entries.iter().map(key::outbox).collect();
        let taken = keys.into_iter().map(|key| self.take_out(key));
        stream::iter(taken).buffer_unordered(AT_ONCE).try_collect().await
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this adapter hides what has expired, which DynamoDB itself does days later"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A stored item that is none of ours.
fn refused(problem: &str) -> PortError {
    let message = format!(
        "an item of the event table is refused: {problem}; if this version of Plumbline is older than what wrote it, use the newer one, else report it"
    );
    PortError::new(SERVICE, PortErrorKind::InvalidAnswer, message)
}

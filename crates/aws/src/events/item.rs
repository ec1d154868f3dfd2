//! Items as the domain's values, and back.

use std::io::{Read, Write};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window};
use compliance::evaluation::PairKey;
use compliance::events::{EventRecord, PairHistory};
use compliance::ports::{PortError, PortErrorKind, StoredPair};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::key::{self, Key};
use super::{Item, SERVICE, refused};

/// Bodies of more bytes than this are deflated: an item is paid for by the kilobyte.
const PLAIN: usize = 2_048;

/// What DynamoDB deletes items by.
pub(super) const EXPIRES_AT: &str = "expires_at";
pub(super) const VERSION: &str = "version";

/// An event.
pub(super) fn of_event(event: &EventRecord) -> Result<Item, PortError> {
    let mut item = at(&key::event(event.event_time, &event.id));
    if key::is_hashed(&event.id) {
        item.insert("id".to_owned(), AttributeValue::S(event.id.clone()));
    }
    for (name, value) in texts(event) {
        item.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
    }
    for (name, value) in indexed(event) {
        let partition = key::index(value, event.event_time, &event.id);
        item.insert(name.to_owned(), AttributeValue::S(partition));
    }
    item.insert(
        "event_time".to_owned(),
        AttributeValue::S(event.event_time.to_string()),
    );
    item.insert(
        "received_at".to_owned(),
        AttributeValue::S(event.received_at.to_string()),
    );
    if let Some(decision) = &event.decision {
        item.insert("decision".to_owned(), AttributeValue::S(json(decision)?));
    }
    let (name, body) = body(&event.body)?;
    item.insert(name.to_owned(), body);
    expires(&mut item, event.expires_at);
    Ok(item)
}

/// The fields of an event that are plain texts, by attribute.
fn texts(event: &EventRecord) -> impl Iterator<Item = (&'static str, &str)> {
    let always = [
        ("kind", &event.kind),
        ("source", &event.source),
        ("detail_type", &event.detail_type),
        ("account_id", &event.account_id),
        ("aws_region", &event.aws_region),
    ];
    let sometimes = [
        ("rule", &event.rule),
        ("config_rule_name", &event.config_rule_name),
        ("resource_type", &event.resource_type),
        ("resource_id", &event.resource_id),
        ("status", &event.status),
        ("old_status", &event.old_status),
    ];
    let present = sometimes
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.as_deref()?)));
    always
        .into_iter()
        .map(|(name, text)| (name, text.as_str()))
        .chain(present)
}

/// What an event is found by, by index.
fn indexed(event: &EventRecord) -> impl Iterator<Item = (&'static str, &str)> {
    let values = [
        ("by_account", Some(&event.account_id)),
        ("by_rule", event.rule.as_ref()),
        ("by_resource", event.resource_id.as_ref()),
        ("by_type", event.resource_type.as_ref()),
        ("by_status", event.status.as_ref()),
    ];
    values
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.as_str())))
}

/// The body under its attribute: as text, or deflated.
fn body(body: &Value) -> Result<(&'static str, AttributeValue), PortError> {
    let text = body.to_string();
    if text.len() <= PLAIN {
        return Ok(("body", AttributeValue::S(text)));
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflated = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    let deflated = deflated.map_err(|error| unwritable().with_source(error))?;
    Ok(("body_deflated", AttributeValue::B(Blob::new(deflated))))
}

/// Reads [`of_event`].
pub(super) fn read_event(item: &Item) -> Result<EventRecord, PortError> {
    let sort = text(item, key::SORT)?;
    let (event_time, id) =
        key::event_place(&sort).ok_or_else(|| refused("its sort key is not that of an event"))?;
    let id = id.map_or_else(|| text(item, "id"), |id| Ok(id.to_owned()))?;
    Ok(EventRecord {
        id,
        event_time,
        received_at: time(item, "received_at")?,
        kind: text(item, "kind")?,
        source: text(item, "source")?,
        detail_type: text(item, "detail_type")?,
        account_id: text(item, "account_id")?,
        aws_region: text(item, "aws_region")?,
        rule: text_if(item, "rule")?,
        config_rule_name: text_if(item, "config_rule_name")?,
        resource_type: text_if(item, "resource_type")?,
        resource_id: text_if(item, "resource_id")?,
        status: text_if(item, "status")?,
        old_status: text_if(item, "old_status")?,
        decision: text_if(item, "decision")?
            .map(|text| parsed("decision", &text))
            .transpose()?,
        body: read_body(item)?,
        expires_at: expiry(item)?.ok_or_else(|| refused("its expires_at is absent"))?,
    })
}

fn read_body(item: &Item) -> Result<Value, PortError> {
    if let Some(text) = text_if(item, "body")? {
        return parsed("body", &text);
    }
    let Some(AttributeValue::B(deflated)) = item.get("body_deflated") else {
        return Err(refused("it has neither body nor body_deflated"));
    };
    let mut text = String::new();
    let inflated = DeflateDecoder::new(deflated.as_ref()).read_to_string(&mut text);
    inflated.map_err(|error| refused("its body cannot be inflated").with_source(error))?;
    parsed("body", &text)
}

/// A pair after its next writing.
pub(super) fn of_pair(pair: &StoredPair, expires_at: Option<Timestamp>) -> Result<Item, PortError> {
    let mut item = at(&key::pair(&pair.history.key)?);
    item.insert("history".to_owned(), AttributeValue::S(json(&pair.history)?));
    let version = pair.version.saturating_add(1);
    item.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
    if let Some(expires_at) = expires_at {
        expires(&mut item, expires_at);
    }
    Ok(item)
}

/// Reads [`of_pair`] of a pair.
pub(super) fn read_pair(item: &Item, pair: &PairKey) -> Result<StoredPair, PortError> {
    let history: PairHistory = parsed("history", &text(item, "history")?)?;
    if history.key != *pair {
        return Err(refused("it is of another pair than its key"));
    }
    let version = number(item, VERSION)?.and_then(|version| u64::try_from(version).ok());
    Ok(StoredPair {
        history,
        version: version.ok_or_else(|| refused("its version is not a whole number"))?,
    })
}

/// What is to be told.
pub(super) fn of_outbox(entry: &OutboxEntry) -> Result<Item, PortError> {
    let mut item = at(&key::outbox(entry));
    item.insert("entry".to_owned(), AttributeValue::S(json(entry)?));
    Ok(item)
}

/// Reads [`of_outbox`].
pub(super) fn read_outbox(item: &Item) -> Result<OutboxEntry, PortError> {
    parsed("entry", &text(item, "entry")?)
}

/// Route and window of what is to be told, which the key alone says.
pub(super) fn read_place(item: &Item) -> Result<(String, Window), PortError> {
    let sort = text(item, key::SORT)?;
    key::outbox_place(&sort).ok_or_else(|| refused("its sort key is not that of the outbox"))
}

/// Whether an item has not expired; DynamoDB deletes those that have within days.
pub(super) fn is_live(item: &Item, now: Timestamp) -> Result<bool, PortError> {
    Ok(expiry(item)?.is_none_or(|expires_at| now < expires_at))
}

/// A text that must be there.
pub(super) fn text(item: &Item, name: &str) -> Result<String, PortError> {
    text_if(item, name)?.ok_or_else(|| refused(&format!("its {name} is absent")))
}

fn text_if(item: &Item, name: &str) -> Result<Option<String>, PortError> {
    match item.get(name) {
        None | Some(AttributeValue::Null(_)) => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text.clone())),
        Some(_) => Err(refused(&format!("its {name} is not a text"))),
    }
}

fn number(item: &Item, name: &str) -> Result<Option<i64>, PortError> {
    let bad = || refused(&format!("its {name} is not a whole number"));
    match item.get(name) {
        None | Some(AttributeValue::Null(_)) => Ok(None),
        Some(AttributeValue::N(number)) => number.parse().map(Some).map_err(|_| bad()),
        Some(_) => Err(bad()),
    }
}

fn time(item: &Item, name: &str) -> Result<Timestamp, PortError> {
    let bad = |_| refused(&format!("its {name} is not a time"));
    text(item, name)?.parse().map_err(bad)
}

fn expiry(item: &Item) -> Result<Option<Timestamp>, PortError> {
    let bad = |_| refused("its expires_at is not a time");
    number(item, EXPIRES_AT)?
        .map(|second| Timestamp::from_second(second).map_err(bad))
        .transpose()
}

fn expires(item: &mut Item, at: Timestamp) {
    item.insert(
        EXPIRES_AT.to_owned(),
        AttributeValue::N(at.as_second().to_string()),
    );
}

fn at(key: &Key) -> Item {
    key::item_key(&key.partition, &key.sort)
}

fn json(value: &impl Serialize) -> Result<String, PortError> {
    serde_json::to_string(value).map_err(|error| unwritable().with_source(error))
}

fn parsed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, PortError> {
    serde_json::from_str(text)
        .map_err(|error| refused(&format!("its {name} cannot be read")).with_source(error))
}

fn unwritable() -> PortError {
    let message = "an event has no form that can be stored; report it";
    PortError::new(SERVICE, PortErrorKind::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_item_is_refused_with_what_is_wrong() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = key::item_key("EVENT#2026-11-21#0", "2026-11-21T10:00:00.000000000Z#a");
        let mut check = |name: &str, value: AttributeValue, says: &str| {
            item.insert(name.to_owned(), value);
            let error = read_event(&item).unwrap_err();
            assert_eq!(error.code(), "Events.InvalidAnswer");
            assert!(error.to_string().contains(says), "{error}");
        };
        check("body", text("{"), "received_at is absent");
        check("received_at", text("yesterday"), "received_at is not a time");
        check("received_at", text("2026-11-21T10:00:00Z"), "kind is absent");
        check("kind", AttributeValue::N("1".to_owned()), "kind is not a text");
        for name in ["kind", "source", "detail_type", "account_id"] {
            check(name, text("x"), "is absent");
        }
        check("aws_region", text("x"), "body cannot be read");
        check("body", AttributeValue::Null(true), "neither body nor");
        check("body_deflated", AttributeValue::B(Blob::new([7])), "inflated");
        check("body", text("{}"), "expires_at is absent");
        check(
            EXPIRES_AT,
            AttributeValue::N("1.5".to_owned()),
            "expires_at is not a whole number",
        );
        check("decision", text("{}"), "decision cannot be read");
    }
}

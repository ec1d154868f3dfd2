//! Under which keys things are.

use aws_sdk_dynamodb::types::AttributeValue;
use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window};
use compliance::evaluation::PairKey;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::ports::{PortError, PortErrorKind};
use compliance::text;

use super::{Item, SERVICE};

/// The attribute of partition keys.
pub(super) const PARTITION: &str = "pk";
/// The attribute of sort keys.
pub(super) const SORT: &str = "sk";

/// Partitions of a day's events: a hexadecimal digit.
const EVENT_SHARDS: usize = 16;
/// Partitions of an account's pairs, and of the outbox.
const SHARDS: usize = 8;
/// Partitions of one value of an index in a month.
const INDEX_SHARDS: usize = 4;
/// Bytes of a name that stands in a key as it is. DynamoDB takes 1,024 of a sort key and 2,048 of a partition key.
const LONGEST: usize = 900;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) partition: String,
    pub(super) sort: String,
}

/// The attributes of a key.
pub(super) fn item_key(partition: &str, sort: &str) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    Item::from([
        (PARTITION.to_owned(), text(partition)),
        (SORT.to_owned(), text(sort)),
    ])
}

/// The key of an event.
pub(super) fn event(time: Timestamp, id: &str) -> Key {
    let shard = digit(&sha256_hex(id.as_bytes()), 0);
    Key {
        partition: event_partition(&text::day(time), shard),
        sort: format!("{}#{}", moment(time), named(id)),
    }
}

/// The partitions of a day.
pub(super) fn event_partitions(day: &str) -> impl Iterator<Item = String> + use<> {
    let day = day.to_owned();
    (0..EVENT_SHARDS).map(move |shard| event_partition(&day, shard))
}

fn event_partition(day: &str, shard: usize) -> String {
    format!("EVENT#{day}#{shard:x}")
}

/// Days from the first moment (included) to the second (not included).
pub(super) fn days(from: Timestamp, until: Timestamp) -> impl Iterator<Item = String> {
    const DAY: i64 = 86_400;
    let last = until.as_nanosecond().saturating_sub(1);
    let last = i64::try_from(last.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    let days = from.as_second().div_euclid(DAY)..=last.div_euclid(DAY);
    // Every second of these days but the first and last lies between two timestamps.
    days.filter_map(|day| Timestamp::from_second(day * DAY).ok())
        .map(text::day)
}

/// The key of a pair.
pub(super) fn pair(pair: &PairKey) -> Result<Key, PortError> {
    let form = canonical_json(pair).map_err(|error| {
        let message = "a pair has no form in JSON, so it cannot be stored; report it";
        PortError::new(SERVICE, PortErrorKind::InvalidRequest, message).with_source(error)
    })?;
    let hash = sha256_hex(&form);
    Ok(Key {
        partition: format!("STATE#{}#{}", pair.account_id, digit(&hash, 0) % SHARDS),
        sort: hash,
    })
}

/// The key of an outbox entry.
pub(super) fn outbox(entry: &OutboxEntry) -> Key {
    let shard = digit(&sha256_hex(entry.event_id.as_bytes()), 0) % SHARDS;
    Key {
        partition: outbox_partition(shard),
        sort: format!("{}#{}#{}", entry.window, entry.route, named(&entry.event_id)),
    }
}

/// The partitions of the outbox.
pub(super) fn outbox_partitions() -> impl Iterator<Item = String> {
    (0..SHARDS).map(outbox_partition)
}

fn outbox_partition(shard: usize) -> String {
    format!("OUTBOX#{shard}")
}

/// Sort keys of a route and window: from the first, to what follows all of them.
pub(super) fn outbox_range(route: &str, window: Window) -> (String, String) {
    // `$` follows `#`, and no sort key ends with it here: an id would come after `#`.
    (format!("{window}#{route}#"), format!("{window}#{route}$"))
}

/// What follows the sort keys of every window that begins before a moment, and precedes those of all others.
pub(super) fn before_windows_of(moment: Timestamp) -> String {
    let is_whole = moment.subsec_nanosecond() == 0;
    let second = moment.as_second() + i64::from(!is_whole);
    let window = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    Window::of(window, 1).name()
}

/// Route and window of an outbox entry, by its sort key.
pub(super) fn outbox_place(sort: &str) -> Option<(String, Window)> {
    let mut parts = sort.splitn(3, '#');
    let window = Window::parse(parts.next()?)?;
    let route = parts.next()?.to_owned();
    parts.next().map(|_| (route, window))
}

/// The partition of an index that an event is found in by a value.
pub(super) fn index(value: &str, time: Timestamp, event_id: &str) -> String {
    let shard = digit(&sha256_hex(event_id.as_bytes()), 1) % INDEX_SHARDS;
    format!("{}#{}#{shard}", named(value), time.strftime("%Y-%m"))
}

/// A moment in UTC with nine digits of its second: texts are in the order of time.
pub(super) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
}

/// Time and id of an event by its sort key; the id is `None` where it is too long to stand there.
pub(super) fn event_place(sort: &str) -> Option<(Timestamp, Option<&str>)> {
    let (time, id) = sort.split_once('#')?;
    let id = (!id.starts_with(HASHED)).then_some(id);
    Some((time.parse().ok()?, id))
}

/// What a name that is too long for a key begins with there; the rest is its hash.
const HASHED: &str = "#sha256-";

/// Whether a name stands in keys by its hash, so that it must be kept beside.
pub(super) fn is_hashed(name: &str) -> bool {
    name.len() > LONGEST || name.starts_with(HASHED)
}

fn named(name: &str) -> String {
    match is_hashed(name) {
        true => format!("{HASHED}{}", sha256_hex(name.as_bytes())),
        false => name.to_owned(),
    }
}

/// The hexadecimal digit at a place of a hash.
fn digit(hash: &str, place: usize) -> usize {
    let digit = hash.as_bytes().get(place).copied().unwrap_or(b'0');
    char::from(digit).to_digit(16).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn keys_are_those_of_the_contract() {
        let key = event(time("2026-11-21T10:00:00.5Z"), "a");
        assert_eq!(key.partition, "EVENT#2026-11-21#c");
        assert_eq!(key.sort, "2026-11-21T10:00:00.500000000Z#a");
        assert_eq!(
            event_place(&key.sort),
            Some((time("2026-11-21T10:00:00.5Z"), Some("a")))
        );
        assert_eq!(
            index("NON_COMPLIANT", time("2026-11-21T10:00:00Z"), "a"),
            "NON_COMPLIANT#2026-11#2"
        );
        let pair = pair(&PairKey {
            account_id: "111122223333".to_owned(),
            aws_region: "eu-west-1".to_owned(),
            resource_type: "AWS::S3::Bucket".to_owned(),
            resource_id: "b".to_owned(),
            rule: "r".to_owned(),
        });
        let pair = pair.unwrap();
        assert!(
            pair.partition.starts_with("STATE#111122223333#") && pair.sort.len() == 64,
            "{pair:?}"
        );
    }

    /// 1,000 results a second of one account, rule, type and status, as docs/events-table.md reckons: no partition gets more
    /// than the 1,000 write units that it takes.
    #[test]
    fn no_partition_is_hot_at_a_thousand_writes_a_second() {
        const SECONDS: usize = 20;
        let at = time("2026-11-21T10:00:00Z");
        let mut units: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for number in 0..1_000 * SECONDS {
            let id = format!("{number:08x}-0000-4000-8000-000000000000");
            let key = PairKey {
                account_id: "111122223333".to_owned(),
                aws_region: "eu-west-1".to_owned(),
                resource_type: "AWS::S3::Bucket".to_owned(),
                resource_id: format!("bucket-{number}"),
                rule: "r".to_owned(),
            };
            for (partition, cost) in [
                (event(at, &id).partition, 6),
                (pair(&key).unwrap().partition, 4),
                (format!("by_status {}", index("NON_COMPLIANT", at, &id)), 1),
            ] {
                *units.entry(partition).or_default() += cost;
            }
        }
        assert_eq!(units.len(), EVENT_SHARDS + SHARDS + INDEX_SHARDS);
        let most = units.values().max().copied().unwrap_or_default();
        assert!(most < 600 * SECONDS, "{most} units in {SECONDS} s: {units:?}");
    }

    #[test]
    fn days_end_before_their_end() {
        let check = |from: &str, until: &str, expected: &[&str]| {
            let found: Vec<String> = days(time(from), time(until)).collect();
            assert_eq!(found, expected, "{from} {until}");
        };
        let day = "2026-11-21";
        check("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", &[day]);
        check(
            "2026-11-21T23:59:59.9Z",
            "2026-11-22T00:00:00.000000001Z",
            &[day, "2026-11-22"],
        );
        check("1969-12-31T12:00:00Z", "1970-01-01T00:00:00Z", &["1969-12-31"]);
    }

    #[test]
    fn names_that_are_too_long_stand_by_their_hash_and_none_can_be_taken_for_it() {
        let at = time("2026-11-21T10:00:00Z");
        let long = "é".repeat(768);
        let forged = event(at, &named(&long));
        assert_ne!(forged, event(at, &long));
        for id in [&long, &named(&long)] {
            let key = event(at, id);
            assert_eq!(event_place(&key.sort), Some((at, None)));
            assert!(key.sort.len() <= 1_024);
        }
    }

    #[test]
    fn a_place_in_the_outbox_is_read_back() {
        let window = Window::parse("2026-11-21T10:00:30Z").unwrap();
        let (from, until) = outbox_range("oncall", window);
        for id in ["", "#", "a#b#c", "\u{10ffff}"] {
            let sort = format!("{window}#oncall#{id}");
            assert!(from <= sort && sort < until, "{id:?}");
            assert_eq!(outbox_place(&sort), Some(("oncall".to_owned(), window)));
        }
        assert!(before_windows_of(time("2026-11-21T10:00:30Z")) < from);
        assert!(before_windows_of(time("2026-11-21T10:00:30.1Z")) > until);
        assert_eq!(outbox_place("2026-11-21T10:00:30Z#oncall"), None);
    }
}

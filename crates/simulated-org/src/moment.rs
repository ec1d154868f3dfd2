//! Moments as milliseconds since the Unix epoch: the world's arithmetic, and the precision of snapshots.

use jiff::Timestamp;

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// As a timestamp; a moment no calendar holds becomes the Unix epoch.
pub(crate) fn timestamp(moment: i64) -> Timestamp {
    Timestamp::from_millisecond(moment).unwrap_or_default()
}

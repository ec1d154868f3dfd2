//! What is to be told and is not told yet.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Alert;

/// What people are told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A pair became noncompliant.
    Opened,
    /// It did so again shortly after the last word about it.
    Reopened,
    /// It is compliant again, or gone.
    Resolved,
}

/// A stretch of time over which what is told on a route is gathered, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window(Timestamp);

/// The name of the route that is told when no route of the settings takes alerts: the stack's own topic.
pub const DEFAULT_ROUTE: &str = "summary";

/// What was decided in a window may be stored so many seconds after its end.
pub const GRACE_SECONDS: u32 = 5;

impl Window {
    /// The window that a moment is in. Windows begin at multiples of their length since 1970.
    pub fn of(now: Timestamp, seconds: u32) -> Self {
        let seconds = i64::from(seconds.max(1));
        let begins = now.as_second().div_euclid(seconds) * seconds;
        // Never later than `now`, which is a timestamp; before the first one there is none.
        Self(Timestamp::from_second(begins).unwrap_or(Timestamp::MIN))
    }

    /// When it begins.
    pub fn begins(self) -> Timestamp {
        self.0
    }

    /// When what was decided in it is stored, if it has this length.
    pub fn closes(self, seconds: u32) -> Timestamp {
        let length = SignedDuration::from_secs(i64::from(seconds) + i64::from(GRACE_SECONDS));
        self.0.checked_add(length).unwrap_or(Timestamp::MAX)
    }

    /// Its name in keys: `2026-11-21T10:00:30Z`. Names are in the order of time.
    pub fn name(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Its name where only letters, digits and hyphens are taken: `20261121T100030Z`.
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// Reads [`Window::name`].
    pub fn parse(name: &str) -> Option<Self> {
        let window = Self(name.parse().ok()?);
        (window.name() == name).then_some(window)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Something to be told on one route. It is put with the event it comes from, and deleted once it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The route's name.
    pub route: String,
    /// The window it was decided in.
    pub window: Window,
    /// The event it comes from.
    pub event_id: String,
    /// What is told.
    pub word: Word,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// All that a message about it needs.
    pub alert: Alert,
}

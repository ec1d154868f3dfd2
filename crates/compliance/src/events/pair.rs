//! What is known of a pair from its events.
//!
//! A pair may have several *sources*: a global resource is recorded in several regions, and one managed rule is deployed
//! under several names. Of each source the newest result counts; the pair is noncompliant while any of them is.
//! Everything here but [`PairHistory::incident`] is a function of the set of events, not of their order: of each source the
//! newest by (time, id), and of all changes the newest [`RECENT`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{ComplianceChange, Event, EventCompliance};
use crate::evaluation::PairKey;

/// How many changes a history keeps.
pub const RECENT: usize = 8;

/// A pair as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairHistory {
    /// The pair.
    pub key: PairKey,
    /// The newest result of each source, by region and deployed name.
    pub sources: Vec<SourceState>,
    /// The newest changes of all sources, newest first.
    pub recent: Vec<Change>,
    /// When it was last said to be noncompliant.
    pub last_noncompliant: Option<Timestamp>,
    /// What people were told of it, last.
    pub incident: Option<Incident>,
}

/// The newest result of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// The region that recorded it.
    pub aws_region: String,
    /// The deployed name of the rule.
    pub config_rule_name: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// The event that says so.
    pub event_id: String,
    /// What it came to.
    pub compliance: EventCompliance,
    /// The rule's explanation.
    pub annotation: Option<String>,
}

/// One result and the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When the result was recorded.
    pub at: Timestamp,
    /// The event that says so.
    pub event_id: String,
    /// What it was before, as the event says; `None` is the first evaluation.
    pub from: Option<EventCompliance>,
    /// What it came to.
    pub to: EventCompliance,
}

/// A stretch of noncompliance that people were told of. It depends on what was known when, so on the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id: what messages about it are found by.
    pub id: String,
    /// When the pair became noncompliant.
    pub opened_at: Timestamp,
    /// When anything was last decided to be said of it.
    pub told_at: Timestamp,
    /// The routes that were told.
    pub routes: Vec<String>,
    /// How often it became noncompliant: 1 without flapping.
    pub times: u32,
    /// When the pair was compliant again or gone; `None` while it is noncompliant.
    pub resolved_at: Option<Timestamp>,
}

/// What an event changed of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// The pair was noncompliant; `None` before the first event.
    pub(crate) before: Option<bool>,
    /// The pair is noncompliant.
    pub(crate) after: bool,
    /// The event is older than what is known of its source.
    pub(crate) is_stale: bool,
    /// The event says that its source became noncompliant, though what is known says it was all along: the event between
    /// was lost or is late.
    pub(crate) missed_between: bool,
}

impl PairHistory {
    /// Nothing is known of it yet.
    pub fn new(key: PairKey) -> Self {
        Self {
            key,
            sources: Vec::new(),
            recent: Vec::new(),
            last_noncompliant: None,
            incident: None,
        }
    }

    /// Whether any source says that it is noncompliant; `None` when nothing is known.
    pub fn is_noncompliant(&self) -> Option<bool> {
        (!self.sources.is_empty()).then(|| {
            self.sources
                .iter()
                .any(|source| source.compliance.is_noncompliant())
        })
    }

    /// The newest result time of any source.
    pub fn newest(&self) -> Option<Timestamp> {
        self.sources.iter().map(|source| source.at).max()
    }

    /// The result before this one, by time.
    pub fn before(&self, event_id: &str) -> Option<&Change> {
        let place = self
            .recent
            .iter()
            .position(|change| change.event_id == event_id)?;
        self.recent.get(place + 1)
    }

    /// Takes a result in. The same event twice is the same once.
    pub(crate) fn take(&mut self, event: &Event, change: &ComplianceChange) -> Step {
        let before = self.is_noncompliant();
        let (is_stale, missed_between) = self.take_source(event, change);
        let result = &change.new;
        let change = Change {
            at: result.result_recorded_time,
            event_id: event.id.clone(),
            from: change.old.as_ref().map(|old| old.compliance),
            to: result.compliance,
        };
        if !self.recent.contains(&change) {
            self.recent.push(change);
            self.recent
                .sort_by(|a, b| (b.at, &b.event_id).cmp(&(a.at, &a.event_id)));
            self.recent.truncate(RECENT);
        }
        if result.compliance.is_noncompliant() {
            self.last_noncompliant = self.last_noncompliant.max(Some(result.result_recorded_time));
        }
        Step {
            before,
            after: self.is_noncompliant().unwrap_or(false),
            is_stale,
            missed_between,
        }
    }

    fn take_source(&mut self, event: &Event, change: &ComplianceChange) -> (bool, bool) {
        let result = &change.new;
        let new = SourceState {
            aws_region: event.aws_region.clone(),
            config_rule_name: change.config_rule_name.clone(),
            at: result.result_recorded_time,
            event_id: event.id.clone(),
            compliance: result.compliance,
            annotation: result.annotation.clone(),
        };
        let place = self.sources.binary_search_by(|source| {
            (&source.aws_region, &source.config_rule_name).cmp(&(&new.aws_region, &new.config_rule_name))
        });
        let others = |own: Option<usize>, sources: &[SourceState]| {
            let mut others = sources
                .iter()
                .enumerate()
                .filter(|(place, _)| Some(*place) != own);
            others.any(|(_, other)| other.compliance.is_noncompliant())
        };
        match place {
            Err(place) => {
                self.sources.insert(place, new);
                (false, false)
            }
            Ok(place) => {
                let known = &self.sources[place];
                if (known.at, &known.event_id) >= (new.at, &new.event_id) {
                    return (true, false);
                }
                let says_became = change
                    .old
                    .as_ref()
                    .is_some_and(|old| !old.compliance.is_noncompliant());
                let missed = known.compliance.is_noncompliant()
                    && new.compliance.is_noncompliant()
                    && says_became
                    && !others(Some(place), &self.sources);
                self.sources[place] = new;
                (false, missed)
            }
        }
    }
}

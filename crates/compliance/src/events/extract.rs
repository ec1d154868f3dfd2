//! What a report reads of the event history: the transitions of its period, taken once and frozen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{EventCompliance, SMOKE_TEST_SOURCE};
use super::parse::ordering_timestamp;
use super::record::EventRecord;
use crate::alerts::{Batched, Decision, Word};
use crate::evaluation::{GLOBAL, PairKey, is_global};

/// The version of this document's schema.
const SCHEMA: u32 = 1;

/// The transitions of a stretch of time, as events told them and as was decided about them then. The same records give
/// the same extract in whatever order they come.
///
/// A transition is a result that was decided about: told, batched or silenced. What was left as it stood (told by
/// another region or name of the rule already, or evaluated again) and what came after a newer result are counted only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventExtract {
    /// The version of this document's schema.
    pub schema: u32,
    /// The first moment of the stretch.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Events of every kind, those aside that we sent to try the path.
    pub events: u64,
    /// Evaluation results among them.
    pub results: u64,
    /// Results that left their pair as it stood.
    pub unchanged: u64,
    /// Results that came after a newer one of the same source.
    pub superseded: u64,
    /// The transitions, oldest first, then by event id.
    pub rows: Vec<TransitionRow>,
}

/// A pair that an event says became noncompliant, or is so no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitionRow {
    /// When Config recorded the result.
    pub time: Timestamp,
    /// The event that says so.
    pub event_id: String,
    /// The pair.
    pub pair: PairKey,
    /// What it was before, as the event says; `None` is the first evaluation.
    pub from: Option<EventCompliance>,
    /// What it came to.
    pub to: EventCompliance,
    /// What was decided about it.
    pub outcome: Outcome,
    /// Milliseconds from the state of the resource that the result judges to the result; `None` where the event does
    /// not say.
    pub detected_after_ms: Option<u64>,
    /// Milliseconds from the result to its event being taken in.
    pub stored_after_ms: u64,
}

/// What was decided about a transition: of a [`Decision`], what a report counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Outcome {
    /// People were told at once.
    Told {
        /// What they were told.
        word: Word,
        /// The incident it is part of.
        incident: String,
    },
    /// It waited for the report.
    Batched {
        /// Why.
        why: Batched,
    },
    /// A silence held.
    Silenced,
}

impl EventExtract {
    /// The extract of a stretch of which nothing is known yet: from the first moment to the one before the second.
    pub fn new(from: Timestamp, until: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            from,
            until,
            events: 0,
            results: 0,
            unchanged: 0,
            superseded: 0,
            rows: Vec::new(),
        }
    }

    /// Takes in records that it has none of yet. Those of another time are left out.
    pub fn add(&mut self, records: &[EventRecord]) {
        for record in records {
            if (self.from..self.until).contains(&record.event_time) && record.source != SMOKE_TEST_SOURCE {
                self.take(record);
            }
        }
        self.rows
            .sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
    }

    fn take(&mut self, record: &EventRecord) {
        self.events += 1;
        let outcome = match &record.decision {
            None => return,
            Some(Decision::Unchanged) => {
                self.results += 1;
                self.unchanged += 1;
                return;
            }
            Some(Decision::Superseded) => {
                self.results += 1;
                self.superseded += 1;
                return;
            }
            Some(Decision::Told { word, incident, .. }) => Outcome::Told {
                word: *word,
                incident: incident.clone(),
            },
            Some(Decision::Batched { why }) => Outcome::Batched { why: *why },
            Some(Decision::Silenced { .. }) => Outcome::Silenced,
        };
        if let Some(row) = TransitionRow::new(record, outcome) {
            self.results += 1;
            self.rows.push(row);
        }
    }
}

impl TransitionRow {
    /// `None` when the record is of no result, about which nothing can have been decided.
    fn new(record: &EventRecord, outcome: Outcome) -> Option<Self> {
        Some(Self {
            time: record.event_time,
            event_id: record.id.clone(),
            pair: pair(record)?,
            from: record.old_status.as_deref().and_then(EventCompliance::parse),
            to: EventCompliance::parse(record.status.as_deref()?)?,
            outcome,
            detected_after_ms: ordering_timestamp(&record.body)
                .and_then(|judged| milliseconds(judged, record.event_time)),
            stored_after_ms: milliseconds(record.event_time, record.received_at).unwrap_or(0),
        })
    }

    /// The pair became noncompliant; else it is so no more.
    pub fn opens(&self) -> bool {
        match &self.outcome {
            Outcome::Told { word, .. } => *word != Word::Resolved,
            Outcome::Batched { why } => *why != Batched::NothingOpen,
            Outcome::Silenced => true,
        }
    }
}

/// The pair as it was named when it was decided about.
fn pair(record: &EventRecord) -> Option<PairKey> {
    let resource_type = record.resource_type.clone()?;
    let region = if is_global(&resource_type) {
        GLOBAL
    } else {
        &record.aws_region
    };
    Some(PairKey {
        account_id: record.account_id.clone(),
        aws_region: region.to_owned(),
        resource_id: record.resource_id.clone()?,
        rule: record.rule.clone()?,
        resource_type,
    })
}

/// `None` when the first is later: two clocks that differ measure nothing.
fn milliseconds(from: Timestamp, to: Timestamp) -> Option<u64> {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).ok()
}

//! Events of AWS Config: what an account says the moment something changes, and what is known of a pair from all of them.
//!
//! Events come late, twice and in any order, and some never come (AWS delivers them at best effort). So nothing here
//! depends on the order of arrival but what was *decided* ([`crate::alerts`]): the same set of events makes the same
//! [`PairHistory`] whatever the order ([`pair`]).
//!
//! A report reads an [`EventExtract`] of its period, frozen with its other inputs, and counts it as [`EventActivity`].

mod activity;
mod event;
mod extract;
mod pair;
mod parse;
mod record;

pub use activity::{BatchedOpenings, Durations, EventActivity, SeverityActivity, ToldCounts};
pub use event::{
    ComplianceChange, Content, Evaluation, Event, EventCompliance, ItemChange, Oversized, Reevaluation,
    Remediation, SMOKE_TEST_SOURCE,
};
pub use extract::{EventExtract, Outcome, TransitionRow};
pub use pair::{Change, Incident, PairHistory, RECENT, SourceState};
pub use parse::{Refusal, parse};
pub use record::{EventRecord, after_days};

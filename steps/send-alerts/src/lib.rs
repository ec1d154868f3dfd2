//! The send-alerts step: what was decided to be told on a route in a window reaches people, each message once.
//!
//! What is in the outbox of the window is put into a plan ([`plan`]), which is written once: it says which message each
//! entry is in. A message is sent by the sender of [`notify`], part by part, by the same kind of record; so a step that is
//! entered again, or runs twice at once, goes on with what is missing. An entry leaves the outbox when its message has
//! arrived, or when the topic for failures was told instead.
//!
//! What comes after an incident was told stands under the message that told it, which a pointer written with its plan
//! leads to. It is put into no plan before everything earlier about the incident has left the outbox: so the order in a
//! thread is the order of events, and a message's place is known when it is planned.

mod deliver;
mod messages;
pub mod plan;
mod planner;
pub mod task;

/// What stands in records and marks in place of the id of a report's run.
pub const RUN: &str = "alerts";

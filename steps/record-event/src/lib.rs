//! The record-event step: events of AWS Config reach the history, each once, and what is to be told of them the outbox.
//!
//! A batch of messages comes from a queue that gives each at least once and in any order. Every message ends in one of three
//! ways: its event is stored, with its pair and what is to be told, in one transaction; it is no event that will ever be
//! read, and goes to the dead letters with the reason; or it goes back to the queue. Nothing is remembered between
//! messages, so the step may die at any instruction: what was not written comes again, and what was written is known.

mod accounts;
mod batch;
mod ports;
mod record;
mod report;
mod retry;
pub mod task;
mod warm;

pub use accounts::Accounts;
pub use batch::{BatchOutcome, Message, run};
pub use ports::{Ports, Wired};
pub use record::write_of;
pub use report::{Came, Handled};
pub use warm::{Setup, Warm};

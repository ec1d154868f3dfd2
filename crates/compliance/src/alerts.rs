//! Immediate alerts: which results people are told of at once, by whom, and what they are told.
//!
//! [`decide`] is asked once for each result, with what was known of the pair before it. Its [`Decision`] is stored with
//! the event, and what is to be told goes into an outbox in the same transaction, an [`OutboxEntry`] for each route. So
//! nothing that was decided is lost, whenever a process dies.

mod alert;
mod decide;
mod outbox;
mod settings;

pub use alert::{Alert, ConsoleLinks};
pub use decide::{Batched, Decided, Decision, Known, decide};
pub use outbox::{DEFAULT_ROUTE, GRACE_SECONDS, OutboxEntry, Window, Word};
pub use settings::{AlertSettings, SilenceSettings};

pub(crate) use settings::problem;

//! The notify step: a sealed report reaches people, every part of it once.
//!
//! For each route of the settings that carries the kind of report, the digest is cut into parts ([`parts`]), and each
//! part is sent in the same way: claim it in the record, make one call, say in the record what became of it. A step that is
//! entered again, or runs twice at once, reads the record first and sends what is missing; what may have arrived is
//! looked for in the channel before it is sent again. What Slack refuses for good is told to a topic instead, and the
//! next digest says so.
//!
//! Alerts are sent by the same [`Sender`], part by part.

mod decide;
mod fallback;
mod pace;
pub mod parts;
mod ports;
mod previous;
mod route;
mod send;
pub mod task;
mod way;

pub use decide::{Arrived, End, may_pass};
pub use fallback::{failure_topic, tell_topic};
pub use pace::Pace;
pub use ports::{Ports, Wired};
pub use send::Sender;
pub use way::{Thread, Way, described};

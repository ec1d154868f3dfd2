//! A strict Slack on loopback: the Web API, incoming webhooks and file uploads of one workspace.
//!
//! It enforces what Slack documents and what is known beyond it (limits of blocks and messages, the hidden total, scopes,
//! one message a second in a channel, which methods take no JSON), fails on demand ([`Faults`]), and keeps a ledger of
//! what a reader of each channel sees. Nothing of it is shared with what it judges.
//!
//! What is not like Slack: the fake has no users, and it refuses a second message within a second always, where Slack
//! lets short bursts pass.

mod faults;
mod form;
mod limits;
mod methods;
mod server;
mod workspace;

pub use faults::Faults;
pub use limits::problem;
pub use server::{FakeSlack, Now};
pub use workspace::{Message, SharedFile, Token, Workspace};

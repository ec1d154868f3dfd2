//! Messages of immediate alerts: what opened, what opened again, what is over, and storms of them.
//!
//! An incident is told by one message ([`incident`]). What happens to it later is a short [`reply`] under it, or where
//! nothing can stand under anything a message of its own, which is [`incident`] again; and the first message is
//! changed to say where the incident stands. Many incidents at once are a [`storm`]: one message with counts, the whole
//! list under it.
//!
//! All blocks are classic ones, so there is no other form of them to fall back to. Mails ([`Mail`]) say the same in
//! lines of text.

mod facts;
mod mail;
mod single;
pub mod storm;
mod words;

use compliance::Timestamp;
use compliance::alerts::{Alert, Word};

pub use mail::Mail;
pub use single::{incident, reply};

/// The last word about an incident.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What it is.
    pub word: Word,
    /// The incident when it was said.
    pub alert: &'a Alert,
    /// When the incident began, where that is known: before it opened again for the first time.
    pub since: Option<Timestamp>,
}

impl Standing<'_> {
    /// Whether there is nothing noncompliant about it any more.
    pub fn is_over(&self) -> bool {
        self.word == Word::Resolved
    }
}

//! The digest of a report: one message, and the details as its thread.
//!
//! `digest.json` of a bundle is a [`Digest`] as canonical JSON:
//!
//! ```json
//! {
//!   "schema": 1,
//!   "run_id": "daily-20261121T085200Z-0123456789ab",
//!   "kind": "daily",
//!   "as_of": "2026-11-21T08:52:00Z",
//!   "simulation": null,
//!   "message": { "text": "…", "mrkdwn": false, "blocks": [], "unfurl_links": false, "unfurl_media": false },
//!   "thread": [],
//!   "fallback": { "message": {}, "thread": [] }
//! }
//! ```
//!
//! `message`, each of `thread` and those under `fallback` are bodies for `chat.postMessage` (add `channel`, and
//! `thread_ts` in the thread) or, the message alone, for an incoming webhook. `fallback` says the same in classic
//! blocks, message for message: send one of them when Slack answers `invalid_blocks` to its counterpart.

mod advice;
mod coverage;
mod events;
mod lists;
mod summary;
pub(crate) mod words;

use compliance::Timestamp;
use compliance::report::ReportKind;
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The version of the digest's JSON.
pub const SCHEMA: u32 = 1;

/// A report as Slack messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run_id: String,
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// `Some` names the simulation; every message says that it is simulated.
    pub simulation: Option<String>,
    /// What the channel sees.
    pub message: Message,
    /// Replies to it, in order.
    pub thread: Vec<Message>,
    /// Both in classic blocks.
    pub fallback: Fallback,
}

/// The digest in classic blocks, message for message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fallback {
    /// What the channel sees.
    pub message: Message,
    /// Replies to it, in order.
    pub thread: Vec<Message>,
}

/// The digest of a scorecard and its lists. Numbers are the scorecard's; lists are cut to what people read in
/// Slack, and say how many more the report has.
pub fn digest(scorecard: &Scorecard, lists: &Lists, settings: &Settings) -> Digest {
    let message = summary::message(scorecard, settings);
    let thread = thread(scorecard, lists);
    let fallback = Fallback {
        message: message.classic(),
        thread: thread.iter().map(Message::classic).collect(),
    };
    Digest {
        schema: SCHEMA,
        run_id: scorecard.run_id.clone(),
        kind: scorecard.kind,
        as_of: scorecard.as_of,
        simulation: scorecard.simulation.clone(),
        message,
        thread,
        fallback,
    }
}

/// The thread for people whom only some rows concern: those rows, and the coverage they must be read with. `lists` holds
/// their rows and no others.
pub fn concerning(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    [
        lists::new(scorecard, lists),
        lists::resolved(scorecard, lists),
        lists::vanished(scorecard, lists),
        lists::noncompliant(scorecard, lists),
        coverage::messages(scorecard),
    ]
    .concat()
}

/// A message of a title and lines of prose, for what is no part of a report.
pub fn notice(title: &str, lines: &[String]) -> Message {
    let spoken = format!("{title} {}", lines.join(" "));
    let parts = lines.iter().map(|line| crate::message::Part {
        block: crate::block::Block::section(&crate::text::Mrkdwn::new().text("• ").text(line)),
        items: 1,
    });
    let mut pages = crate::message::pages(
        (title, &spoken),
        parts.collect(),
        lines.len() as u64,
        1,
        "in the report",
    );
    pages.pop().unwrap_or_else(|| Message::new(title, Vec::new()))
}

fn thread(scorecard: &Scorecard, lists: &Lists) -> Vec<Message> {
    [
        lists::new(scorecard, lists),
        lists::resolved(scorecard, lists),
        lists::vanished(scorecard, lists),
        lists::repairs(scorecard, lists),
        lists::accounts(scorecard),
        lists::rules(scorecard),
        coverage::messages(scorecard),
    ]
    .concat()
}

//! Slack messages as Block Kit JSON, within Slack's limits for any input, and the digest made of them.
//!
//! Blocks are built by constructors only, which escape, cut with an ellipsis and count; see [`text`] for what
//! hostile text can and cannot do, and [`limits`] for the numbers. Nothing is left out silently: a list that does
//! not fit ends with how many items are not shown.
//!
//! Nothing here sends: [`digest::digest`] and [`alert`] give messages, [`terminal::to_terminal`] draws one.

pub mod alert;
pub mod block;
pub mod chart;
mod classic;
pub mod digest;
pub mod drawing;
pub mod limits;
pub mod message;
mod spans;
pub mod table;
pub mod terminal;
pub mod text;
pub mod url;

pub use digest::{Digest, digest};
pub use drawing::{Drawing, drawing};
pub use message::Message;
pub use terminal::to_terminal;
pub use url::Url;

/// `and 1 more missing scope in the thread`, `and 2 more missing scopes in the thread`.
pub(crate) fn and_more_of(number: u64, one: &str, many: &str, place: &str) -> String {
    let what = if number == 1 { one } else { many };
    and_more(number, &format!("{what} {place}"))
}

/// `and 1,234 more in the report`.
pub(crate) fn and_more(number: u64, place: &str) -> String {
    format!("and {} more {place}", compliance::text::count(number))
}

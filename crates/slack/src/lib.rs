//! Slack as a chat service: the only crate that speaks its protocols.
//!
//! Each method is one attempt. What an answer means for another attempt is in [`answer`]; nothing here waits, repeats or
//! remembers. Tokens and webhook URLs go into requests and nowhere else: no error holds a URL, and what Slack calls a
//! failure is repeated only where it has the form of a code.

pub mod answer;
mod calls;
mod http;

pub use http::{SetupError, Slack, SlackSettings};

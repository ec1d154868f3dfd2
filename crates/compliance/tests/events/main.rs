//! Events through what the crate offers: reading them, what is known of a pair from them, and what is decided.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests stop at what is wrong, and read their fixtures"
)]

mod decisions;
mod generated;
mod pairs;
mod reading;
mod shapes;

//! Events through what the crate offers: reading them, what is known of a pair from them, and what is decided.

mod decisions;
mod generated;
mod pairs;
mod reading;
mod shapes;

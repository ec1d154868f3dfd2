//! The score-compliance step: shards become a snapshot, snapshots become a scorecard.
//!
//! - [`freeze::run`] writes what a collection brought back as an immutable snapshot (Parquet, coverage, manifest).
//! - [`opened::open`] reads a snapshot back, every byte held against its hash.
//! - [`score::run`] computes every number of a report from the snapshots a run froze as its inputs.
//!
//! This is the only crate that links Polars, and Polars appears in no public signature.

mod engine;
mod error;
pub mod freeze;
pub mod opened;
pub mod score;
mod table;
pub mod task;

pub use error::ScoreError;

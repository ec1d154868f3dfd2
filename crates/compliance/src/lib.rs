//! The domain of Plumbline: what a Config aggregator answers, what a run freezes, and what a report states.
//!
//! Nothing here reads a clock, an environment, a file or a network; adapters do, behind the traits of [`ports`].
//! Field names are AWS Config's own (`account_id`, `aws_region`, `config_rule_name`, `resource_type`, ...).

pub mod alerts;
pub mod artifact;
pub mod bundles;
pub mod catalogue;
pub mod collection;
pub mod coverage;
pub mod definitions;
pub mod delivery;
pub mod evaluation;
pub mod events;
pub mod exceptions;
pub mod failure;
pub mod fix_first;
pub mod hash;
pub mod history;
pub mod inputs;
pub mod masked;
pub mod objects;
pub mod organization;
pub(crate) mod pattern;
pub mod ports;
pub mod progress;
pub mod reconciliation;
pub mod report;
pub mod rule_name;
pub mod scorecard;
pub mod secret;
pub mod select;
pub mod settings;
pub mod snapshot;
pub mod snapshots;
pub mod text;
pub mod workflow;

pub use jiff::Timestamp;

/// Plumbline's version, with the commit where the build knew it.
pub fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    option_env!("PLUMBLINE_COMMIT")
        .map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"))
}

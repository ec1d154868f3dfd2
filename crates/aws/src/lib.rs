//! Adapters to AWS: the only crate that names an AWS SDK.
//!
//! [`Aws::connect`] gives the ports of a collection ([`AggregatorSource`], [`OrganizationsDirectory`],
//! [`MemberRuleInventory`]), which share one rate budget, one retry policy and one count of calls. The SDK's own
//! retries are off, so that every attempt passes the budget and is counted.

mod aggregator;
mod budget;
mod caller;
mod connect;
mod convert;
mod details;
mod endpoints;
mod failure;
mod inventory;
mod list;
mod organizations;
mod select;
mod whole;

pub use aggregator::AggregatorSource;
pub use connect::{Aws, AwsSettings, DEFAULT_REQUESTS_PER_SECOND};
pub use inventory::MemberRuleInventory;
pub use organizations::OrganizationsDirectory;

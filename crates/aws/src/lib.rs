//! Adapters to AWS: the only crate that names an AWS SDK.
//!
//! [`Aws::connect`] gives the ports of a collection ([`AggregatorSource`], [`OrganizationsDirectory`],
//! [`MemberRuleInventory`]), which share one rate budget, one retry policy and one count of calls. The SDK's own
//! retries are off, so that every attempt passes the budget and is counted.
//!
//! Beside them, each with retries of its own and no rate: [`S3ObjectStore`], [`SnsNotifier`],
//! [`SecretsManagerSecrets`], [`Executions`] of a state machine, and for events [`DynamoEventTable`], [`SqsDeadLetters`],
//! [`DeadLetterQueue`] and [`ExecutionsAlertStarter`]. No type of an SDK is in a public signature.

mod aggregator;
mod alert_starter;
mod budget;
mod caller;
mod connect;
mod convert;
mod details;
mod endpoints;
mod events;
mod executions;
mod failure;
mod history;
mod inventory;
mod list;
mod organizations;
mod queue;
mod secrets;
mod select;
mod sns;
mod store;
mod whole;

pub use aggregator::AggregatorSource;
pub use alert_starter::ExecutionsAlertStarter;
pub use connect::{Aws, AwsSettings};
pub use events::DynamoEventTable;
pub use executions::{Execution, ExecutionStatus, Executions, Listed, MapCounts, Redrive, Started};
pub use history::{Happened, HistoryEvent, Reason};
pub use inventory::MemberRuleInventory;
pub use organizations::OrganizationsDirectory;
pub use queue::{DeadLetterQueue, MoveStatus, MoveTask, SqsDeadLetters, WaitingLetter};
pub use secrets::SecretsManagerSecrets;
pub use sns::SnsNotifier;
pub use store::{BucketSettings, LockMode, ObjectLock, S3ObjectStore};

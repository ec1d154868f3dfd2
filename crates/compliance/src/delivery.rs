//! Deliveries: who is told of a report ([`DeliverySettings`]), what of it concerns them ([`RouteSettings::rows`]), and the
//! record of what reached them ([`record`]).
//!
//! A *route* leads from a report to one place: a Slack channel, a Slack webhook or an SNS topic. What is sent on a route
//! is cut into *parts* (the digest, each message of its thread, each file), each of which arrives once or is accounted
//! for: sent, refused, or ambiguous.

pub mod record;
mod rows;
mod settings;

pub use settings::{
    DeliverySettings, Destination, DestinationSettings, RouteAlerts, RouteSettings, SecretPlace,
    SecretPlaceError,
};

pub(crate) use settings::{looks_secret, problem};

//! An event as it is kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Content, Event};
use crate::alerts::Decision;
use crate::catalogue::Catalogue;

/// One event of the history: all of it, what it is found by, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// [`Event::id`].
    pub id: String,
    /// [`Event::event_time`].
    pub event_time: Timestamp,
    /// When it was taken in. The only field that a second delivery would have otherwise.
    pub received_at: Timestamp,
    /// [`Event::kind`].
    pub kind: String,
    /// [`Event::source`].
    pub source: String,
    /// [`Event::detail_type`].
    pub detail_type: String,
    /// [`Event::account_id`].
    pub account_id: String,
    /// [`Event::aws_region`].
    pub aws_region: String,
    /// The normalised rule, of a result.
    pub rule: Option<String>,
    /// The deployed name of the rule, of a result.
    pub config_rule_name: Option<String>,
    /// The resource's type, where it is about one.
    pub resource_type: Option<String>,
    /// The resource's id, where it is about one.
    pub resource_id: Option<String>,
    /// Of a result its compliance, of an item its status, of a remediation its status.
    pub status: Option<String>,
    /// Of a result the compliance before; absent is the first evaluation.
    pub old_status: Option<String>,
    /// What was decided about it; `None` for what is no result.
    pub decision: Option<Decision>,
    /// All of it as it came.
    pub body: Value,
    /// After this it is no part of the history any more; in whole seconds.
    pub expires_at: Timestamp,
}

impl EventRecord {
    /// The record of an event that is kept for so many days from when it happened.
    pub fn new(
        event: &Event,
        catalogue: &Catalogue,
        decision: Option<Decision>,
        received_at: Timestamp,
        history_days: u32,
    ) -> Self {
        let event_time = event.event_time();
        let mut record = Self {
            id: event.id.clone(),
            event_time,
            received_at,
            kind: event.kind().to_owned(),
            source: event.source.clone(),
            detail_type: event.detail_type.clone(),
            account_id: event.account_id.clone(),
            aws_region: event.aws_region.clone(),
            rule: None,
            config_rule_name: None,
            resource_type: None,
            resource_id: None,
            status: None,
            old_status: None,
            decision,
            body: event.body.clone(),
            expires_at: after_days(event_time, history_days),
        };
        match &event.content {
            Content::ComplianceChange(change) => {
                record.rule = Some(catalogue.resolve(&change.config_rule_name).rule);
                record.config_rule_name = Some(change.config_rule_name.clone());
                record.resource_type = Some(change.resource_type.clone());
                record.resource_id = Some(change.resource_id.clone());
                record.status = Some(change.new.compliance.as_str().to_owned());
                record.old_status = change.old.as_ref().map(|old| old.compliance.as_str().to_owned());
            }
            Content::ItemChange(item) => {
                record.resource_type = Some(item.resource_type.clone());
                record.resource_id = Some(item.resource_id.clone());
                record.status = item.configuration_item_status.clone();
            }
            Content::Remediation(remediation) => record.status = Some(remediation.status.clone()),
            Content::Reevaluation(_) => {}
        }
        record
    }
}

/// So many days later in whole seconds, which is how tables tell when something expires; or the end of time.
pub fn after_days(from: Timestamp, days: u32) -> Timestamp {
    let seconds = from.as_second().saturating_add(86_400 * i64::from(days));
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

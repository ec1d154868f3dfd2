//! What an event says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::evaluation::{GLOBAL, PairKey, is_global};

/// The source of events that we send ourselves to try the path: nobody but AWS may put events of `aws.*`.
pub const SMOKE_TEST_SOURCE: &str = "plumbline.smoke-test";

/// One event, read. Field names are AWS's own in our case.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id that redeliveries share: the envelope's, or that of the SNS notification where there is no envelope.
    pub id: String,
    /// `aws.config`, `aws.ssm`, or [`SMOKE_TEST_SOURCE`].
    pub source: String,
    /// The kind of event in AWS's words, such as `Config Rules Compliance Change`.
    pub detail_type: String,
    /// The account it is about: the detail's, else the envelope's.
    pub account_id: String,
    /// The region it is about: the detail's, else the envelope's.
    pub aws_region: String,
    /// When AWS sent it.
    pub time: Timestamp,
    /// What it says.
    pub content: Content,
    /// All of it as it came, fields that we do not know included; what SNS wraps around it aside.
    pub body: Value,
}

/// What an event says, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `Config Rules Compliance Change`: a pair got another evaluation result.
    ComplianceChange(ComplianceChange),
    /// `Config Configuration Item Change`, oversized ones included: a resource changed.
    ItemChange(ItemChange),
    /// `Config Rules Re-evaluation Status`: somebody asked for rules to be evaluated.
    Reevaluation(Reevaluation),
    /// Status of an SSM Automation, which is how a remediation runs.
    Remediation(Remediation),
}

/// What an evaluation comes to. An aggregator gives the first two only; events know all four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventCompliance {
    /// The resource satisfies the rule.
    Compliant,
    /// It does not.
    NonCompliant,
    /// The rule has nothing to say of it any more, as when it was deleted.
    NotApplicable,
    /// AWS Config does not know.
    InsufficientData,
}

impl EventCompliance {
    /// The wire spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "COMPLIANT",
            Self::NonCompliant => "NON_COMPLIANT",
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    /// Reads the wire spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Compliant,
            Self::NonCompliant,
            Self::NotApplicable,
            Self::InsufficientData,
        ]
        .into_iter()
        .find(|known| known.as_str() == text)
    }

    /// Whether it is noncompliant.
    pub fn is_noncompliant(self) -> bool {
        self == Self::NonCompliant
    }
}

/// One evaluation result of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What it came to.
    pub compliance: EventCompliance,
    /// When Config recorded it: results are in this order, whatever the order of arrival.
    pub result_recorded_time: Timestamp,
    /// When the rule was invoked.
    pub config_rule_invoked_time: Option<Timestamp>,
    /// The state of the resource it judges; may be hours older than the invocation.
    pub ordering_timestamp: Option<Timestamp>,
    /// The rule's own explanation.
    pub annotation: Option<String>,
    /// `DETECTIVE` or `PROACTIVE`, in newer events.
    pub evaluation_mode: Option<String>,
}

/// A pair got another evaluation result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceChange {
    /// The deployed name of the rule.
    pub config_rule_name: String,
    /// Its ARN, which tells the partition.
    pub config_rule_arn: Option<String>,
    /// The resource's type.
    pub resource_type: String,
    /// The resource's id.
    pub resource_id: String,
    /// The result before; `None` is the first evaluation.
    pub old: Option<Evaluation>,
    /// The result now.
    pub new: Evaluation,
    /// When Config made the notification.
    pub notification_creation_time: Option<Timestamp>,
}

/// A resource changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChange {
    /// The resource's type.
    pub resource_type: String,
    /// The resource's id.
    pub resource_id: String,
    /// Its ARN, where told.
    pub arn: Option<String>,
    /// `CREATE`, `UPDATE`, `DELETE`, where told.
    pub change_type: Option<String>,
    /// Such as `OK`, `ResourceDiscovered`, `ResourceDeleted`.
    pub configuration_item_status: Option<String>,
    /// When Config looked.
    pub configuration_item_capture_time: Option<Timestamp>,
    /// The item was too large for an event, which tells where it is instead.
    pub oversized: Option<Oversized>,
}

/// Where an item is that is too large for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversized {
    /// Bucket and key; `None` when it could not be delivered.
    pub s3_bucket_location: Option<String>,
    /// Why it could not.
    pub error_code: Option<String>,
    /// The same in words.
    pub error_message: Option<String>,
}

/// Rules are evaluated again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reevaluation {
    /// The deployed names of the rules.
    pub config_rule_names: Vec<String>,
}

/// How an SSM Automation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remediation {
    /// The automation's execution.
    pub execution_id: String,
    /// The document it runs.
    pub definition: String,
    /// Such as `InProgress`, `Success`, `Failed`, `TimedOut`, `Cancelled`.
    pub status: String,
    /// The step, in events of one step.
    pub step_name: Option<String>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
}

impl Event {
    /// When what it tells was so: results by when they were recorded, everything else by when it was sent. It is part of
    /// the key that an event is stored under, so it is a function of the event alone.
    pub fn event_time(&self) -> Timestamp {
        match &self.content {
            Content::ComplianceChange(change) => change.new.result_recorded_time,
            Content::ItemChange(_) | Content::Reevaluation(_) | Content::Remediation(_) => self.time,
        }
    }

    /// A short word for the kind, as records and metrics have it.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::ComplianceChange(_) => "compliance_change",
            Content::ItemChange(_) => "item_change",
            Content::Reevaluation(_) => "reevaluation",
            Content::Remediation(_) => "remediation",
        }
    }

    /// Whether we sent it ourselves to try the path.
    pub fn is_smoke_test(&self) -> bool {
        self.source == SMOKE_TEST_SOURCE
    }

    /// The pair a result is of; `None` for every other kind.
    pub fn pair(&self, catalogue: &Catalogue) -> Option<PairKey> {
        let Content::ComplianceChange(change) = &self.content else {
            return None;
        };
        let region = if is_global(&change.resource_type) {
            GLOBAL
        } else {
            &self.aws_region
        };
        Some(PairKey {
            account_id: self.account_id.clone(),
            aws_region: region.to_owned(),
            resource_type: change.resource_type.clone(),
            resource_id: change.resource_id.clone(),
            rule: catalogue.resolve(&change.config_rule_name).rule,
        })
    }
}

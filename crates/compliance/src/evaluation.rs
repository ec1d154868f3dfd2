//! Evaluation results as AWS Config's aggregator gives them, and the pair they speak of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The compliance of a rule-resource pair. An aggregator returns nothing else (FACTS: `NOT_APPLICABLE` and
/// `INSUFFICIENT_DATA` never come back); an unknown value is refused by the adapter, never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ComplianceType {
    /// The resource satisfies the rule.
    Compliant,
    /// The resource does not satisfy the rule.
    NonCompliant,
}

impl ComplianceType {
    /// The wire spelling: `COMPLIANT` or `NON_COMPLIANT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "COMPLIANT",
            Self::NonCompliant => "NON_COMPLIANT",
        }
    }

    /// Reads the wire spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "COMPLIANT" => Some(Self::Compliant),
            "NON_COMPLIANT" => Some(Self::NonCompliant),
            _ => None,
        }
    }
}

/// One evaluation result as collected: the raw row of a snapshot, before any rule name is resolved or any
/// duplicate merged. Rows of a snapshot are sorted by the first five fields, account first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvaluationResult {
    /// The source account, 12 digits as text (leading zeros are kept).
    pub account_id: String,
    /// The region whose recorder reported it; global resources come back once per recording region.
    pub aws_region: String,
    /// The name the rule is deployed under, as AWS gives it.
    pub config_rule_name: String,
    /// Such as `AWS::S3::Bucket`.
    pub resource_type: String,
    /// Not uniform: a name, an ARN or an id, up to 768 characters.
    pub resource_id: String,
    /// Compliant or noncompliant.
    pub compliance_type: ComplianceType,
    /// When Config recorded this result (`ResultRecordedTime`); known where the details were read.
    pub result_recorded_time: Option<Timestamp>,
    /// When the rule was invoked (`ConfigRuleInvokedTime`); known where the details were read.
    pub config_rule_invoked_time: Option<Timestamp>,
    /// When the `AWS::Config::ResourceCompliance` item was captured; known where it was read by query.
    pub configuration_item_capture_time: Option<Timestamp>,
    /// The rule's own explanation, up to 256 characters, verbatim.
    pub annotation: Option<String>,
    /// The annotation and the two result times come from an earlier snapshot, because the item's capture time
    /// has not changed since.
    pub annotation_reused: bool,
}

impl EvaluationResult {
    /// The time this result is known to hold from: recorded, else captured.
    pub fn result_time(&self) -> Option<Timestamp> {
        self.result_recorded_time.or(self.configuration_item_capture_time)
    }
}

/// An (account, region, rule) triple that has results, from `DescribeAggregateComplianceByConfigRules`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleCompliance {
    /// The source account.
    pub account_id: String,
    /// The source region.
    pub aws_region: String,
    /// The deployed rule name.
    pub config_rule_name: String,
    /// Noncompliant when at least one resource is.
    pub compliance_type: ComplianceType,
    /// Noncompliant resources, as AWS caps it; exact only when `cap_exceeded` is false. `None` when not stated.
    pub capped_count: Option<u32>,
    /// The true count is above `capped_count`.
    pub cap_exceeded: bool,
}

/// The region part of a pair whose resource exists once for the whole account.
pub const GLOBAL: &str = "global";

/// Resource types that exist once per account and are recorded again in every region whose recorder includes
/// global resources. `AWS::::Account` is *not* one of them: a rule judges the account separately in each region.
pub const GLOBAL_RESOURCE_TYPES: &[&str] = &[
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::StreamingDistribution",
    "AWS::GlobalAccelerator::Accelerator",
    "AWS::GlobalAccelerator::EndpointGroup",
    "AWS::GlobalAccelerator::Listener",
    "AWS::IAM::Group",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::IAM::SAMLProvider",
    "AWS::IAM::ServerCertificate",
    "AWS::IAM::User",
    "AWS::Route53::HealthCheck",
    "AWS::Route53::HostedZone",
    "AWS::WAF::RateBasedRule",
    "AWS::WAF::Rule",
    "AWS::WAF::RuleGroup",
    "AWS::WAF::WebACL",
];

/// Whether resources of this type exist once per account.
pub fn is_global(resource_type: &str) -> bool {
    GLOBAL_RESOURCE_TYPES.binary_search(&resource_type).is_ok()
}

/// The one key of a rule-resource pair everywhere: snapshots, deltas, ages, events and alerts agree through it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PairKey {
    /// The source account.
    pub account_id: String,
    /// The source region, or [`GLOBAL`] for a resource of a global type.
    pub aws_region: String,
    /// The resource type.
    pub resource_type: String,
    /// The resource id.
    pub resource_id: String,
    /// The normalised rule: see [`crate::catalogue::Catalogue::resolve`].
    pub rule: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn global_types_are_sorted_for_binary_search() {
        assert!(GLOBAL_RESOURCE_TYPES.is_sorted());
        assert!(is_global("AWS::IAM::User") && !is_global("AWS::::Account"));
    }
}

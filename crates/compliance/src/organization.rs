//! The accounts of the organization and the aggregator that sees them.

use serde::{Deserialize, Serialize};

/// Whether a text is an account id: 12 digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A Config aggregator, as `DescribeConfigurationAggregators` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregator {
    /// The aggregator's name.
    pub name: String,
    /// Its ARN, which carries partition, region and account.
    pub arn: String,
    /// The regions it aggregates, sorted; empty when it aggregates all regions.
    pub regions: Vec<String>,
    /// Accounts listed by name (an account aggregator), sorted; empty for an organization aggregator.
    pub account_ids: Vec<String>,
    /// It aggregates a whole organization.
    pub organization: bool,
}

impl Aggregator {
    /// The AWS partition of its ARN: `aws`, `aws-us-gov` or `aws-cn`.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
    /// The region of its ARN, where it is asked.
    pub fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or("")
    }
    /// The account of its ARN, which owns it.
    pub fn account_id(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or("")
    }
}

/// An account as AWS Organizations (or the settings) names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// 12 digits as text.
    pub account_id: String,
    /// Its name, where readable.
    pub name: Option<String>,
    /// The path of organizational units from the root, such as `Root/Workloads/Production`; where readable.
    pub organizational_unit: Option<String>,
}

/// A rule deployed in a member account, from `DescribeConfigRules` there (the rule inventory).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeployedRule {
    /// The member account.
    pub account_id: String,
    /// The region.
    pub aws_region: String,
    /// The name it is deployed under.
    pub config_rule_name: String,
    /// The managed rule's identifier, such as `S3_BUCKET_VERSIONING_ENABLED`; `None` for a custom rule.
    pub source_identifier: Option<String>,
}

/// A conformance pack deployed in a member account, from `DescribeConformancePacks` there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConformancePack {
    /// The member account.
    pub account_id: String,
    /// The region.
    pub aws_region: String,
    /// The pack's name.
    pub name: String,
    /// The pack's id, such as `conformance-pack-abc123def`, which its rules' names end with.
    pub id: String,
}

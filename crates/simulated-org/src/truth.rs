//! One moment of an organization: everything an aggregator would answer then.

use std::collections::BTreeSet;

use compliance::coverage::SourceStatus;
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::organization::{Account, Aggregator, ConformancePack, DeployedRule};
use jiff::Timestamp;
use serde::Serialize;

/// Everything that is so at one moment, as an aggregator and the member accounts would tell it. Simulated and
/// recorded organizations are both this, so the server cannot tell them apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// The moment.
    pub at: Timestamp,
    /// The aggregator; its regions include those no source returns.
    pub aggregator: Aggregator,
    /// Active accounts, sorted by id; empty when the account is in no organization.
    pub accounts: Vec<Account>,
    /// Sources as the aggregator lists them, sorted; a source never returned is not among them.
    pub sources: Vec<SourceStatus>,
    /// Every result the aggregator returns, sorted, with everything known of it. What a FAILED or OUTDATED source
    /// still returns (its state when it stopped updating) is among them. The capture time is there where the
    /// account records `AWS::Config::ResourceCompliance`.
    pub results: Vec<EvaluationResult>,
    /// Every rule deployed in every source, with results or without, sorted.
    pub deployed_rules: Vec<DeployedRule>,
    /// Every conformance pack deployed in every source, sorted.
    pub conformance_packs: Vec<ConformancePack>,
    /// Accounts whose `AWS::Config::ResourceCompliance` items can be queried.
    pub resource_compliance_accounts: BTreeSet<String>,
    /// Roles in member accounts may be assumed to read rules and conformance packs.
    pub rule_inventory: bool,
    /// The `OrderingTimestamp` of each result, in the order of `results`.
    pub(crate) ordering_timestamps: Vec<Timestamp>,
    /// Packs that were deleted and that the aggregator still lists, sorted.
    pub(crate) deleted_packs: Vec<ConformancePack>,
    /// AWS Organizations, if the account is in one.
    pub(crate) directory: Option<Directory>,
}

/// AWS Organizations' own view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Directory {
    pub(crate) id: String,
    pub(crate) root_id: String,
    pub(crate) management_account_id: String,
    pub(crate) units: Vec<Unit>,
    pub(crate) members: Vec<Member>,
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Unit {
    pub(crate) id: String,
    pub(crate) parent_id: String,
    pub(crate) name: String,
}

/// An account, active or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Member {
    pub(crate) account_id: String,
    pub(crate) name: String,
    pub(crate) parent_id: String,
    pub(crate) active: bool,
    pub(crate) joined: Timestamp,
}

impl Truth {
    /// The (account, region, rule) triples that have results, sorted, with the count of noncompliant resources
    /// capped at 25 as AWS caps it (of compliant resources where all are).
    pub fn rules_with_results(&self) -> Vec<RuleCompliance> {
        self.results
            .chunk_by(|a, b| triple(a) == triple(b))
            .filter_map(|results| Some(rule_compliance(results.first()?, results)))
            .collect()
    }

    /// Results of this compliance type.
    pub fn count(&self, compliance_type: ComplianceType) -> usize {
        self.results
            .iter()
            .filter(|result| result.compliance_type == compliance_type)
            .count()
    }
}

/// A result's account, region and rule.
pub(crate) fn triple(result: &EvaluationResult) -> (&str, &str, &str) {
    (&result.account_id, &result.aws_region, &result.config_rule_name)
}

/// AWS caps the resources it counts for a rule.
const CONTRIBUTOR_CAP: usize = 25;

fn rule_compliance(first: &EvaluationResult, results: &[EvaluationResult]) -> RuleCompliance {
    let noncompliant = results
        .iter()
        .filter(|result| result.compliance_type == ComplianceType::NonCompliant)
        .count();
    let (compliance_type, count) = match noncompliant {
        0 => (ComplianceType::Compliant, results.len()),
        count => (ComplianceType::NonCompliant, count),
    };
    RuleCompliance {
        account_id: first.account_id.clone(),
        aws_region: first.aws_region.clone(),
        config_rule_name: first.config_rule_name.clone(),
        compliance_type,
        capped_count: u32::try_from(count.min(CONTRIBUTOR_CAP)).ok(),
        cap_exceeded: count > CONTRIBUTOR_CAP,
    }
}

//! What was counted once.

use serde::{Deserialize, Serialize};

use crate::evaluation::{ComplianceType, PairKey};

/// What counting once has merged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Results in the snapshot.
    pub read: u64,
    /// Of those, results of scopes or rules that were not collected; they do not count.
    pub not_collected: u64,
    /// Of those, results of pairs that are unknown because another of their results was not read; they do not count.
    pub unknown: u64,
    /// Results before the merge: those that count.
    pub results: u64,
    /// Pairs after it.
    pub pairs: u64,
    /// Results merged because a global resource was recorded in several regions.
    pub global_duplicates: u64,
    /// Results merged because one rule is deployed under several names.
    pub name_duplicates: u64,
    /// Pairs whose merged results disagreed; noncompliant won.
    pub disagreements: u64,
    /// Rules with merged names, most merged first.
    pub rules: Vec<MergedRule>,
    /// The noncompliant pair of most results, one whose results disagree before any other; `None` when no
    /// noncompliant pair has several results.
    pub example: Option<MergedPair>,
}

/// A pair of several results, and what each says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedPair {
    /// The pair.
    #[serde(flatten)]
    pub key: PairKey,
    /// The account's name, where readable.
    pub account_name: Option<String>,
    /// Its results, by deployed name, then region.
    pub results: Vec<MergedResult>,
}

impl MergedPair {
    /// Whether one of its results says compliant and another noncompliant.
    pub fn disagrees(&self) -> bool {
        let first = self.results.first().map(|result| result.compliance_type);
        self.results
            .iter()
            .any(|result| Some(result.compliance_type) != first)
    }
}

/// One result of a merged pair.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MergedResult {
    /// The deployed name that judged.
    pub config_rule_name: String,
    /// The region it was reported in.
    pub aws_region: String,
    /// What it says.
    pub compliance_type: ComplianceType,
}

/// A rule whose results under several names count once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedRule {
    /// The normalised rule.
    pub rule: String,
    /// The names, sorted.
    pub config_rule_names: Vec<String>,
    /// Results merged.
    pub duplicates: u64,
}

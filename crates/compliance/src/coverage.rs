//! What a snapshot does and does not know. Coverage comes before any score.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::scorecard::Completeness;

/// The aggregator's last word on a source, from `DescribeConfigurationAggregatorSourcesStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceState {
    /// The last update succeeded.
    Succeeded,
    /// Results are there, but not of the last update.
    Outdated,
    /// The source could not be aggregated; what it still returns is not current and is not counted.
    Failed,
    /// Expected, but the aggregator does not list it.
    Absent,
}

/// One source as the aggregator lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The source account.
    pub account_id: String,
    /// The source region.
    pub aws_region: String,
    /// The last authorization and update check.
    pub state: SourceState,
    /// When the source last updated, where stated.
    pub last_update_time: Option<Timestamp>,
    /// AWS's error code, where stated.
    pub error_code: Option<String>,
    /// AWS's error message, where stated.
    pub error_message: Option<String>,
}

/// How the results of a scope were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By query over recorded `AWS::Config::ResourceCompliance` items; details for noncompliant rules only.
    ResourceCompliance,
    /// By the details of every (account, region, rule), as `ResourceCompliance` is not recorded there.
    Details,
}

/// Why something is not known; stable code first, for people and for Retry and Catch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Stable code, such as `Config.Throttled`, `Coverage.SourceFailed`, `Coverage.SourceAbsent`.
    pub code: String,
    /// What happened, in a sentence.
    pub reason: String,
}

/// What is known of one (account, region).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeCoverage {
    /// The aggregator's view.
    pub source: SourceStatus,
    /// The account is expected (by Organizations, settings or the aggregator).
    pub expected: bool,
    /// How its results were read; `None` when it is missing or has no rule with results.
    pub method: Option<Method>,
    /// Results collected.
    pub results: u64,
    /// Rules with results collected.
    pub rules: u64,
    /// Why the whole scope is missing; `None` when it was collected.
    pub missing: Option<Gap>,
    /// Rules with results that could not be read, while the rest of the scope was.
    pub missing_rules: Vec<MissingRule>,
    /// Noncompliant results whose annotation could not be read.
    pub annotations_missing: u64,
    /// Rules whose noncompliant count disagrees between the two views of the aggregator (it lags; both are kept,
    /// noncompliant wins).
    pub count_disagreements: u64,
    /// The rules deployed there.
    pub inventory: Inventory,
}

impl ScopeCoverage {
    /// Results of this scope count: it was collected as a whole.
    pub fn collected(&self) -> bool {
        self.missing.is_none()
    }

    /// It was collected without reservation: every rule of it, up to date, and the aggregator's two views agree.
    pub fn is_whole(&self) -> bool {
        self.collected()
            && self.missing_rules.is_empty()
            && self.source.state == SourceState::Succeeded
            && self.count_disagreements == 0
    }
}

/// A rule of a collected scope whose results could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MissingRule {
    /// The deployed rule name.
    pub config_rule_name: String,
    /// Why.
    pub gap: Gap,
}

/// What is known of the rules deployed in an (account, region).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Inventory {
    /// `DescribeConfigRules` was readable in the member account.
    Known {
        /// Rules deployed.
        rules: u64,
        /// Deployed names with no results, sorted.
        without_results: Vec<String>,
    },
    /// It was not; which rules have no results is not knowable.
    NotKnowable(Gap),
}

/// Where the list of expected accounts comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// `collection.expected_accounts` of the settings.
    Settings,
    /// The active accounts of AWS Organizations.
    Organizations,
    /// The account list of the aggregator itself.
    Aggregator,
    /// Nothing but the aggregator's sources: an account that vanished from it would not be noticed, and the report
    /// says so.
    SourcesOnly,
}

/// Everything a snapshot knows about its own completeness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Where the expected accounts come from.
    pub expectation: Expectation,
    /// Why Organizations was not readable, when it was asked and was not.
    pub organizations_gap: Option<Gap>,
    /// Accounts expected, sorted.
    pub expected_accounts: Vec<String>,
    /// Accounts that returned sources but are not expected, sorted; their results count, and they are named.
    pub unexpected_accounts: Vec<String>,
    /// Regions expected, sorted.
    pub expected_regions: Vec<String>,
    /// Expected regions that no source returned, sorted.
    pub regions_skipped: Vec<String>,
    /// One entry per (account, region) expected or returned, sorted.
    pub scopes: Vec<ScopeCoverage>,
    /// Results ignored because their source has FAILED.
    pub results_ignored: u64,
    /// Calls the call plan's formula foresees for this collection; see `docs/call-plan.md`.
    pub planned_calls: u64,
}

impl Coverage {
    /// Scopes that are expected or returned.
    pub fn scopes_total(&self) -> u64 {
        self.scopes.len() as u64
    }
    /// Scopes that were collected.
    pub fn scopes_collected(&self) -> u64 {
        self.scopes.iter().filter(|scope| scope.collected()).count() as u64
    }
    /// The share of scopes that was collected, 0 to 1; `None` when there are none.
    pub fn share(&self) -> Option<f64> {
        let total = self.scopes_total();
        (total > 0).then(|| self.scopes_collected() as f64 / total as f64)
    }
    /// Nothing expected is missing, nothing collected is outdated or counted differently by the aggregator's two views.
    pub fn is_complete(&self) -> bool {
        self.regions_skipped.is_empty() && self.scopes.iter().all(ScopeCoverage::is_whole)
    }
    /// Rules, each in one scope, that the aggregator's two views count differently.
    pub fn count_disagreements(&self) -> u64 {
        self.scopes.iter().map(|scope| scope.count_disagreements).sum()
    }
    /// How whole the organization's results are.
    pub fn completeness(&self) -> Completeness {
        match (self.scopes_collected(), self.is_complete()) {
            (0, _) => Completeness::Missing,
            (_, true) => Completeness::Complete,
            (_, false) => Completeness::Partial,
        }
    }
}

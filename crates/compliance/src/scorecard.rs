//! A scorecard: every number a report states, computed once. Renderers choose and format; they compute nothing.
//!
//! What each number means is written in [`crate::definitions`], printed on the report's last page.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::{RuleMetadata, Severity};
use crate::evaluation::{ComplianceType, PairKey};
use crate::events::{EventActivity, TransitionRow};
use crate::exceptions::{Exceptions, PairException};
use crate::fix_first::{FixFirst, Repair};
use crate::reconciliation::Balance;
use crate::report::{ReportKind, RunInputs};
use crate::snapshot::{SnapshotContext, SnapshotRef};

mod merged;

pub use merged::{Merged, MergedPair, MergedResult, MergedRule};

/// The version of this document's schema.
pub const SCHEMA: u32 = 1;

/// A number of parts of a whole: compliant pairs of pairs, and the like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Those that are compliant.
    pub compliant: u64,
    /// Those that are not.
    pub noncompliant: u64,
}

impl Tally {
    /// Compliant and noncompliant together.
    pub fn total(self) -> u64 {
        self.compliant + self.noncompliant
    }
    /// The compliant share, 0 to 1; `None` is "no data".
    pub fn score(self) -> Option<f64> {
        (self.total() > 0).then(|| self.compliant as f64 / self.total() as f64)
    }
}

/// The three scores of a set of pairs, with the counts they come from. Shares are 0 to 1; `None` is "no data".
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Rule-resource pairs.
    pub pairs: Tally,
    /// Resources: compliant are those with no noncompliant pair.
    pub resources: Tally,
    /// Pairs times the weight of their rule's severity.
    pub weight: Tally,
    /// Compliant pairs ÷ pairs, as AWS defines the compliance score.
    pub compliance_score: Option<f64>,
    /// Resources with no noncompliant rule ÷ resources.
    pub resource_score: Option<f64>,
    /// Weight of compliant pairs ÷ weight of pairs.
    pub weighted_score: Option<f64>,
}

impl Scores {
    /// Scores of these counts.
    pub fn new(pairs: Tally, resources: Tally, weight: Tally) -> Self {
        Self {
            pairs,
            resources,
            weight,
            compliance_score: pairs.score(),
            resource_score: resources.score(),
            weighted_score: weight.score(),
        }
    }
}

/// What happened to noncompliance between the baseline and now, for a set of pairs. All zero without a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Noncompliant now and not at the baseline (compliant or absent there).
    pub new: u64,
    /// Noncompliant at the baseline and compliant now.
    pub resolved: u64,
    /// Noncompliant at both.
    pub still: u64,
    /// Noncompliant at the baseline and absent now; each with its cause in [`Lists::vanished`].
    pub vanished: u64,
}

/// Why a pair changed, appeared or vanished between two snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Present at both; compliant before, noncompliant now.
    TurnedNoncompliant,
    /// Present at both; noncompliant before, compliant now.
    TurnedCompliant,
    /// Appeared: its scope was not collected at the baseline.
    CollectedAgain,
    /// Appeared: its account had no source at the baseline.
    AccountJoined,
    /// Appeared: the rule had no pair in the account at the baseline.
    RuleAdded,
    /// Appeared: the resource had no pair at the baseline.
    ResourceAdded,
    /// Appeared: rule and resource were both there, and are evaluated together now.
    NewlyEvaluated,
    /// Vanished: its scope is not collected now.
    NotCollected,
    /// Vanished: its account has no source now.
    AccountLeft,
    /// Vanished: the rule has no pair in the account now.
    RuleRemoved,
    /// Vanished: the resource has no pair now.
    ResourceDeleted,
    /// Vanished: rule and resource are both still there, and are not evaluated together now.
    NoLongerEvaluated,
}

impl Cause {
    /// All causes, in the order reports show them.
    pub const ALL: [Self; 12] = [
        Self::TurnedNoncompliant,
        Self::TurnedCompliant,
        Self::ResourceAdded,
        Self::ResourceDeleted,
        Self::RuleAdded,
        Self::RuleRemoved,
        Self::AccountJoined,
        Self::AccountLeft,
        Self::NewlyEvaluated,
        Self::NoLongerEvaluated,
        Self::CollectedAgain,
        Self::NotCollected,
    ];

    /// As readers see it.
    pub fn title(self) -> &'static str {
        match self {
            Self::TurnedNoncompliant => "Turned noncompliant",
            Self::TurnedCompliant => "Turned compliant",
            Self::CollectedAgain => "Collected again",
            Self::AccountJoined => "Account joined",
            Self::RuleAdded => "Rule added",
            Self::ResourceAdded => "Resource added",
            Self::NewlyEvaluated => "Newly evaluated",
            Self::NotCollected => "Not collected",
            Self::AccountLeft => "Account left",
            Self::RuleRemoved => "Rule removed",
            Self::ResourceDeleted => "Resource deleted",
            Self::NoLongerEvaluated => "No longer evaluated",
        }
    }
}

/// One cause's part in the change of the compliance score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The cause.
    pub cause: Cause,
    /// Pairs it touched.
    pub pairs: u64,
    /// Change in compliant pairs it brought, Δc.
    pub compliant_change: i64,
    /// Change in pairs it brought, Δn.
    pub pairs_change: i64,
    /// (Δc − s₀·Δn) ÷ n₁, a share: 0.01 is one percentage point.
    pub score_change: f64,
}

/// The change of the compliance score since the baseline, decomposed exactly: the contributions' Δc and Δn sum to
/// the change of the counts, and so their score changes sum to `change`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreChange {
    /// Pairs at the baseline.
    pub before: Tally,
    /// Pairs now.
    pub now: Tally,
    /// s₁ − s₀, a share; `None` when either side has no data.
    pub change: Option<f64>,
    /// Causes that touched at least one pair, in the order of [`Cause::ALL`]; empty when `change` is `None`.
    pub contributions: Vec<Contribution>,
}

/// Which way a score goes over the trend's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The fitted change is above the steady band.
    Improving,
    /// The fitted change is below the steady band.
    Degrading,
    /// The fitted change is within the steady band.
    Steady,
    /// Fewer than two points have a score.
    NotEnoughHistory,
}

/// The organization at one point of the trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendPoint {
    /// The moment the point stands for.
    pub target: Timestamp,
    /// The snapshot used; `None` is a gap.
    pub snapshot_id: Option<String>,
    /// The moment of that snapshot.
    pub as_of: Option<Timestamp>,
    /// Scores of that snapshot; `None` is a gap.
    pub scores: Option<Scores>,
    /// Movement since the point before it that is not a gap; `None` for the first.
    pub movement: Option<Movement>,
    /// Scopes of that snapshot that were not collected.
    pub scopes_missing: u64,
}

/// The organization over the trend's window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Oldest first; the last is this run.
    pub points: Vec<TrendPoint>,
    /// By the least-squares line through the compliance scores, see [`fitted_change`].
    pub direction: Direction,
    /// That line's change from the first point with a score to the last, a share.
    pub fitted_change: Option<f64>,
}

/// The change of the least-squares line through `(days, score)` points from the first to the last; `None` with
/// fewer than two points or none apart in time.
pub fn fitted_change(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if points.len() < 2 || spread == 0.0 {
        return None;
    }
    let slope = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum::<f64>()
        / spread;
    Some(slope * (points[points.len() - 1].0 - points[0].0))
}

/// The direction a fitted change stands for, with the steady band in percentage points.
pub fn direction(fitted_change: Option<f64>, steady_band_points: f64) -> Direction {
    match fitted_change.map(|change| change * 100.0) {
        None => Direction::NotEnoughHistory,
        Some(points) if points > steady_band_points => Direction::Improving,
        Some(points) if points < -steady_band_points => Direction::Degrading,
        Some(_) => Direction::Steady,
    }
}

/// Bounds of the age classes, in days: under 1, 1 to 7, 7 to 30, 30 to 90, 90 and more.
pub const AGE_BOUNDS_DAYS: [u32; 4] = [1, 7, 30, 90];

/// How long open noncompliance has been open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ages {
    /// Open pairs.
    pub open: u64,
    /// Of those, pairs whose beginning lies before the history read: their age is "at least".
    pub at_least: u64,
    /// Open pairs by age class, see [`AGE_BOUNDS_DAYS`].
    pub classes: [u64; 5],
    /// Mean age in seconds; `None` without open pairs.
    pub mean_seconds: Option<f64>,
    /// Greatest age in seconds; `None` without open pairs.
    pub oldest_seconds: Option<f64>,
}

/// How long what was resolved in the window had been open. Pairs that vanished are not resolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TimesToResolve {
    /// Resolutions in the window: a pair noncompliant in one snapshot read and compliant in the next it is in.
    pub resolved: u64,
    /// Of those, pairs whose beginning lies before the history read: their time is "at least".
    pub at_least: u64,
    /// Mean time to resolve in seconds (MTTR); `None` when nothing was resolved.
    pub mean_seconds: Option<f64>,
}

/// Whether a group's numbers can be taken at face value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Every expected scope was collected.
    Complete,
    /// Some scopes or rules are missing, or a source is outdated.
    Partial,
    /// Nothing was collected.
    Missing,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountScore {
    /// 12 digits as text.
    pub account_id: String,
    /// Where readable.
    pub name: Option<String>,
    /// Where readable.
    pub organizational_unit: Option<String>,
    /// Whether its results are whole.
    pub completeness: Completeness,
    /// Scopes expected or returned, and of those collected.
    pub scopes: u64,
    /// Scopes collected.
    pub scopes_collected: u64,
    /// Now.
    pub scores: Scores,
    /// At the baseline; `None` without a baseline or when it was not there.
    pub before: Option<Scores>,
    /// Compliance score now minus at the baseline, a share.
    pub change: Option<f64>,
    /// New, resolved, still and vanished.
    pub movement: Movement,
    /// Compliance score at each trend point; `None` is a gap or no data.
    pub trend: Vec<Option<f64>>,
    /// Over the trend's window. Accounts that are degrading are the decliners.
    pub direction: Direction,
    /// The fitted change behind `direction`, a share.
    pub fitted_change: Option<f64>,
    /// Open noncompliance.
    pub ages: Ages,
    /// Resolutions in the window.
    pub times_to_resolve: TimesToResolve,
    /// Deployed rules with no results; `None` is not knowable.
    pub rules_without_results: Option<u64>,
}

/// One normalised rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleScore {
    /// What is known of it.
    #[serde(flatten)]
    pub metadata: RuleMetadata,
    /// Names it is deployed under, sorted.
    pub config_rule_names: Vec<String>,
    /// Conformance packs it belongs to: names where readable, else ids; sorted.
    pub conformance_packs: Vec<String>,
    /// Now.
    pub scores: Scores,
    /// At the baseline; `None` without a baseline or when it was not there.
    pub before: Option<Scores>,
    /// Compliance score now minus at the baseline, a share.
    pub change: Option<f64>,
    /// New, resolved, still and vanished.
    pub movement: Movement,
    /// Accounts with at least one noncompliant pair.
    pub accounts_noncompliant: u64,
    /// Accounts with at least one pair.
    pub accounts: u64,
    /// (account, region) scopes where it is deployed and has no results; `None` is not knowable.
    pub scopes_without_results: Option<u64>,
}

/// A named group of pairs: a resource type, an organizational unit, a severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// The group's name; for accounts without a known organizational unit, `None`.
    pub name: Option<String>,
    /// Accounts with at least one pair.
    pub accounts: u64,
    /// Now.
    pub scores: Scores,
    /// At the baseline; `None` without a baseline or when it was not there.
    pub before: Option<Scores>,
    /// Compliance score now minus at the baseline, a share.
    pub change: Option<f64>,
    /// New, resolved, still and vanished.
    pub movement: Movement,
}

/// One severity; `None` is unrated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeverityScore {
    /// `None` is unrated.
    pub severity: Option<Severity>,
    /// The weight used.
    pub weight: u32,
    /// Rules of this severity with results.
    pub rules: u64,
    /// Now.
    pub scores: Scores,
    /// New, resolved, still and vanished.
    pub movement: Movement,
    /// Open noncompliance.
    pub ages: Ages,
    /// Resolutions in the window.
    pub times_to_resolve: TimesToResolve,
}

/// One control of a framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlScore {
    /// The framework's id.
    pub framework: String,
    /// The control's id.
    pub control: String,
    /// Normalised rules mapped to it that have results, sorted.
    pub rules: Vec<String>,
    /// Managed rules mapped to it that have no results here.
    pub rules_without_results: u64,
    /// Now; all zero is "no data".
    pub scores: Scores,
    /// At the baseline; `None` without a baseline or when it was not there.
    pub before: Option<Scores>,
    /// Compliance score now minus at the baseline, a share.
    pub change: Option<f64>,
}

/// A scorecard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run_id: String,
    /// The kind of report.
    pub kind: ReportKind,
    /// The moment it stands for.
    pub as_of: Timestamp,
    /// How it is named: the settings' organization name, else the aggregator's name.
    pub title: String,
    /// `Some` names the simulation; every page and message says so.
    pub simulation: Option<String>,
    /// The snapshot compared with; `None` says there is nothing to compare with.
    pub baseline: Option<SnapshotRef>,
    /// Snapshots read, this run's included.
    pub snapshots_read: u64,
    /// The oldest snapshot read: ages that begin there are "at least".
    pub history_from: Timestamp,
    /// The whole organization, now.
    pub organization: Scores,
    /// Whether the organization's scores are of everything expected, or of a part of it.
    pub completeness: Completeness,
    /// The whole organization at the baseline.
    pub organization_before: Option<Scores>,
    /// The change since the baseline and why; `None` without a baseline.
    pub change: Option<ScoreChange>,
    /// New, resolved, still and vanished.
    pub movement: Movement,
    /// Over the trend's window.
    pub trend: Trend,
    /// Open noncompliance.
    pub ages: Ages,
    /// Resolutions in the trend's window.
    pub times_to_resolve: TimesToResolve,
    /// Mean time to detect in seconds, from events; `None` without events.
    pub mean_time_to_detect_seconds: Option<f64>,
    /// What events told of the period; `None` where there are none, or they could not be read
    /// ([`RunInputs::events`] says so).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<EventActivity>,
    /// Most severe first, unrated last; those with pairs now or at the baseline.
    pub severities: Vec<SeverityScore>,
    /// Every account expected or returned, lowest compliance score first, no data last, then by id.
    pub accounts: Vec<AccountScore>,
    /// Every rule with pairs, most noncompliant pairs first, then by name.
    pub rules: Vec<RuleScore>,
    /// Every resource type, most noncompliant pairs first, then by name.
    pub resource_types: Vec<GroupScore>,
    /// Every organizational unit, by name, unknown last.
    pub organizational_units: Vec<GroupScore>,
    /// Every control of the frameworks in settings, by framework as set, then by control.
    pub controls: Vec<ControlScore>,
    /// Rules with no severity, sorted.
    pub unrated_rules: Vec<String>,
    /// What was merged.
    pub merged: Merged,
    /// What to repair first.
    pub fix_first: FixFirst,
    /// Accepted noncompliance.
    pub exceptions: Exceptions,
    /// Counts held against each other.
    pub reconciliation: Vec<Balance>,
    /// The scope of knowledge: aggregator, accounts, coverage.
    pub context: SnapshotContext,
    /// Everything this was computed from.
    pub inputs: RunInputs,
}

/// One pair in a list, with what a reader needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRow {
    /// The pair.
    #[serde(flatten)]
    pub key: PairKey,
    /// The account's name, where readable.
    pub account_name: Option<String>,
    /// `None` is unrated.
    pub severity: Option<Severity>,
    /// The deployed names merged into this pair, sorted.
    pub config_rule_names: Vec<String>,
    /// Its state at the baseline; `None` is absent.
    pub before: Option<ComplianceType>,
    /// Its state now; `None` is absent.
    pub now: Option<ComplianceType>,
    /// What changed it; `None` when it is unchanged or there is no baseline.
    pub cause: Option<Cause>,
    /// Since when it is (or was) noncompliant.
    pub noncompliant_since: Option<Timestamp>,
    /// That beginning lies before the history read: "at least since".
    pub since_at_least: bool,
    /// When it was resolved, for resolved pairs.
    pub resolved_at: Option<Timestamp>,
    /// When Config recorded the present result, where known.
    pub result_recorded_time: Option<Timestamp>,
    /// The rule's own explanation, verbatim.
    pub annotation: Option<String>,
    /// The annotation was read by an earlier run and still holds.
    pub annotation_reused: bool,
    /// Of a pair that is noncompliant now, the exception that speaks for it, in force or expired.
    pub exception: Option<PairException>,
}

impl PairRow {
    /// A row of which nothing but its pair is known.
    pub fn of(key: PairKey) -> Self {
        Self {
            key,
            account_name: None,
            severity: None,
            config_rule_names: Vec::new(),
            before: None,
            now: None,
            cause: None,
            noncompliant_since: None,
            since_at_least: false,
            resolved_at: None,
            result_recorded_time: None,
            annotation: None,
            annotation_reused: false,
            exception: None,
        }
    }

    /// The pair is under an exception in force.
    pub fn excepted(&self) -> bool {
        self.exception
            .as_ref()
            .is_some_and(|exception| exception.state.in_force())
    }
}

/// The full lists of a report. Those of pairs are sorted: most severe first (unrated as medium), then by pair key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lists {
    /// Noncompliant now, not at the baseline. Empty without a baseline.
    pub new: Vec<PairRow>,
    /// Noncompliant at the baseline, compliant now.
    pub resolved: Vec<PairRow>,
    /// Noncompliant at the baseline, absent now, with the cause.
    pub vanished: Vec<PairRow>,
    /// Everything noncompliant now.
    pub noncompliant: Vec<PairRow>,
    /// Every repair, in the order of [`FixFirst::first`].
    pub repairs: Vec<Repair>,
    /// Every pair whose results disagree, by pair key.
    pub disagreements: Vec<MergedPair>,
    /// Every transition that events told of the period, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<TransitionRow>,
}

/// Pairs by cause, for whoever sums contributions: see [`decompose`].
pub type CauseCounts = BTreeMap<Cause, (u64, i64, i64)>;

/// Decomposes the change from `before` to `now` over `counts` (pairs touched, Δc, Δn by cause).
pub fn decompose(before: Tally, now: Tally, counts: &CauseCounts) -> ScoreChange {
    let (Some(s0), Some(s1)) = (before.score(), now.score()) else {
        return ScoreChange {
            before,
            now,
            change: None,
            contributions: Vec::new(),
        };
    };
    let contributions = Cause::ALL
        .into_iter()
        .filter_map(|cause| {
            let (pairs, compliant_change, pairs_change) = *counts.get(&cause)?;
            let score_change = (compliant_change as f64 - s0 * pairs_change as f64) / now.total() as f64;
            (pairs > 0).then_some(Contribution {
                cause,
                pairs,
                compliant_change,
                pairs_change,
                score_change,
            })
        })
        .collect();
    ScoreChange {
        before,
        now,
        change: Some(s1 - s0),
        contributions,
    }
}

//! What to repair first: the rules of accounts whose repair gains the most.
//!
//! A *repair* makes the noncompliant pairs of one rule in one account compliant, those under an exception in force
//! aside. On the compliance score it gains pairs ÷ all pairs, on the weighted score their weight ÷ all weight,
//! whatever else is repaired: gains add up. So the first k repairs in the order of their gain gain the most that any
//! k can, and the fewest that reach a part of all that can be gained are the first that do.
//!
//! The weighted score orders them. By the compliance score alone, a thousand missing tags would come before an open
//! root account; severity is what says that they should not. Both gains are shown. The resource score orders nothing:
//! a resource counts only when its last noncompliance is gone, so gains on it do not add up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::Severity;

/// Repairs that the scorecard itself holds; every one is in [`crate::scorecard::Lists::repairs`].
pub const FIRST: usize = 25;

/// Shares of two scores: 0.01 is one percentage point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Of the compliance score.
    pub compliance: f64,
    /// Of the weighted score; 0 when nothing has a weight.
    pub weighted: f64,
}

/// One rule in one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    /// The normalised rule.
    pub rule: String,
    /// `None` is unrated.
    pub severity: Option<Severity>,
    /// The account.
    pub account_id: String,
    /// Where readable.
    pub account_name: Option<String>,
    /// Noncompliant pairs it repairs: resources, as within one rule a resource is a pair.
    pub pairs: u64,
    /// Those pairs times the weight of the rule's severity.
    pub weight: u64,
    /// Noncompliant pairs of the same rule and account under an exception in force; it leaves them as they are.
    pub excepted: u64,
    /// Resources that no other rule finds noncompliant: they become compliant as a whole.
    pub resources_freed: u64,
    /// Since when the oldest of its pairs is noncompliant.
    pub oldest_since: Option<Timestamp>,
    /// One of its pairs was noncompliant before the history read: the oldest is at least that old.
    pub oldest_at_least: bool,
    /// What it gains on the organization's scores.
    pub gain: Points,
    /// The organization's scores after it and every repair before it.
    pub organization_after: Points,
    /// What it gains on its account's scores.
    pub account_gain: Points,
    /// Its account's scores after it alone.
    pub account_after: Points,
}

/// Several repairs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// Noncompliant pairs.
    pub pairs: u64,
    /// Their weight.
    pub weight: u64,
    /// What they gain on the organization's scores.
    pub gain: Points,
}

/// What to repair first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FixFirst {
    /// Repairs there are.
    pub repairs: u64,
    /// The first of them, at most [`FIRST`]: most points on the weighted score first, then most points on the
    /// compliance score, most severe, by rule, by account.
    pub first: Vec<Repair>,
    /// The fewest repairs, from the first, that gain half of what all gain on the weighted score (on the compliance
    /// score when none of them has a weight).
    pub half: u64,
    /// What all repairs gain. With `excepted`, exactly what the scores lack of 100 %.
    pub all: Together,
    /// What exceptions in force leave out.
    pub excepted: Together,
}

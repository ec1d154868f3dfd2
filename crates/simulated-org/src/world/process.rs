//! When a rule-resource pair changes its compliance: continuous time, every change at an exact moment, and the
//! state at a moment asked for directly, without going through the past.

use compliance::evaluation::ComplianceType;

use super::accounts::Upkeep;
use crate::moment::{DAY, HOUR};
use crate::random::Key;

/// How one pair moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// The pair's path: account, region or global, resource, normalised rule.
    pub(super) key: Key,
    pub(super) upkeep: Upkeep,
    /// How hard the rule is to satisfy; 1 is average.
    pub(super) difficulty: f64,
    /// It changes every few days, so that every week has something new and something resolved.
    pub(super) restless: bool,
}

/// The state a pair is in and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) compliance_type: ComplianceType,
    pub(super) since: i64,
}

const fn noncompliant(since: i64) -> Held {
    Held {
        compliance_type: ComplianceType::NonCompliant,
        since,
    }
}

const fn compliant(since: i64) -> Held {
    Held {
        compliance_type: ComplianceType::Compliant,
        since,
    }
}

impl Pair {
    /// The state at `at` of a pair first evaluated at `from <= at`.
    pub(super) fn held(&self, at: i64, from: i64) -> Held {
        let held = match self.upkeep {
            _ if self.restless => self.restless(at),
            Upkeep::Level(level) => self.cycles(level, at, from),
            Upkeep::Drifting { offset } => self.drifting(offset, at),
        };
        Held {
            since: held.since.max(from),
            ..held
        }
    }

    /// Noncompliant for two days or so in every four.
    fn restless(&self, at: i64) -> Held {
        let cycle = at.div_euclid(4 * DAY);
        let begins = |cycle: i64| cycle * 4 * DAY + self.key.number(cycle).below(DAY / 2);
        let ends = |cycle: i64| begins(cycle) + 36 * HOUR + self.key.number(cycle).text("ends").below(DAY);
        match at {
            at if at < begins(cycle) => compliant(ends(cycle - 1)),
            at if at < ends(cycle) => noncompliant(begins(cycle)),
            _ => compliant(ends(cycle)),
        }
    }

    /// Cycles of a length of the pair's own; in some of them it is noncompliant for a while. Two pairs of three
    /// have cycles of a year or more and hardly ever change.
    fn cycles(&self, level: f64, at: i64, from: i64) -> Held {
        let length = match self.key.text("steady").chance(0.7) {
            true => self.key.text("length").between(300 * DAY, 700 * DAY),
            false => self.key.text("length").between(30 * DAY, 120 * DAY),
        };
        let phase = self.key.text("phase").below(length);
        // Episodes last 0.7 of a cycle on average.
        let likelihood = (level * self.difficulty / 0.7).min(0.97);
        let mut cycle = (at - phase).div_euclid(length);
        loop {
            let begin = phase + cycle * length;
            if begin + length <= from {
                return compliant(from);
            }
            let key = self.key.number(cycle);
            if key.chance(likelihood) {
                let opened = begin + key.text("opened").below(length * 3 / 10);
                let closed = begin + length * 7 / 10 + key.text("closed").below(length * 3 / 10);
                if at >= closed {
                    return compliant(closed);
                }
                if at >= opened {
                    return noncompliant(opened);
                }
            }
            cycle -= 1;
        }
    }

    /// The share of noncompliant pairs rises from 7 % to 24 % over 30 days and falls back within 10: the pair
    /// changes when the share passes its own threshold.
    fn drifting(&self, offset: i64, at: i64) -> Held {
        const LENGTH: i64 = 40 * DAY;
        const DECLINE: i64 = 30 * DAY;
        const REPAIR: i64 = 10 * DAY;
        let threshold = self.key.text("threshold").unit() / self.difficulty.max(0.01);
        let fraction = (threshold - 0.07) / 0.17;
        if fraction <= 0.0 {
            return noncompliant(i64::MIN);
        }
        if fraction >= 1.0 {
            return compliant(i64::MIN);
        }
        let begin = offset + (at - offset).div_euclid(LENGTH) * LENGTH;
        let opened = begin + (fraction * DECLINE as f64) as i64;
        let closed = begin + DECLINE + ((1.0 - fraction) * REPAIR as f64) as i64;
        match at {
            at if at < opened => compliant(closed - LENGTH),
            at if at < closed => noncompliant(opened),
            _ => compliant(closed),
        }
    }
}

//! The comparison with the baseline: what moved, why, and the exact decomposition of the change.

use std::collections::HashMap;

use compliance::scorecard::{Cause, CauseCounts, Movement};

use super::changes::{Changed, Side, Way, changed};
use super::codes::{Codes, Key};
use super::groups::{Board, Groups, Spot};
use super::history::Compared;
use super::rows::Pair;
use crate::ScoreError;

/// What changed since the baseline.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    /// Noncompliant now and not at the baseline.
    pub(crate) new: HashMap<Key, Cause>,
    /// Noncompliant at the baseline, compliant now.
    pub(crate) resolved: Vec<Key>,
    /// Noncompliant at the baseline, absent now; the pair as it was.
    pub(crate) vanished: HashMap<Key, (Pair, Cause)>,
    /// Noncompliant at both.
    pub(crate) still: Vec<Key>,
    /// Every pair that changed, compliant ones too, by cause.
    pub(crate) causes: CauseCounts,
}

impl Delta {
    /// Compares the present snapshot with the baseline.
    pub(crate) fn between(
        baseline: &Compared,
        current: &Compared,
        codes: &mut Codes,
    ) -> Result<Self, ScoreError> {
        let appeared = changed(Way::Appeared, side(current), side(baseline), codes)?;
        let vanished = changed(Way::Vanished, side(baseline), side(current), codes)?;
        let mut delta = Self::default();
        delta.sort_now(baseline, current, &appeared);
        delta.sort_before(baseline, current, &vanished);
        let turned = delta
            .new
            .values()
            .filter(|cause| **cause == Cause::TurnedNoncompliant)
            .count();
        delta.turned(Cause::TurnedNoncompliant, turned, -1);
        delta.turned(Cause::TurnedCompliant, delta.resolved.len(), 1);
        appeared.add_to(&mut delta.causes, Way::Appeared);
        vanished.add_to(&mut delta.causes, Way::Vanished);
        Ok(delta)
    }

    fn sort_now(&mut self, baseline: &Compared, current: &Compared, appeared: &Changed) {
        for key in current.noncompliant.keys() {
            if baseline.noncompliant.contains_key(key) {
                self.still.push(*key);
            } else {
                let cause = appeared.noncompliant.get(key).copied();
                self.new.insert(*key, cause.unwrap_or(Cause::TurnedNoncompliant));
            }
        }
    }

    fn sort_before(&mut self, baseline: &Compared, current: &Compared, vanished: &Changed) {
        for (key, pair) in &baseline.noncompliant {
            if let Some(cause) = vanished.noncompliant.get(key) {
                self.vanished.insert(*key, (pair.clone(), *cause));
            } else if !current.noncompliant.contains_key(key) {
                self.resolved.push(*key);
            }
        }
    }

    fn turned(&mut self, cause: Cause, pairs: usize, sign: i64) {
        if pairs > 0 {
            self.causes.insert(cause, (pairs as u64, sign * pairs as i64, 0));
        }
    }

    /// Movement of every group.
    pub(crate) fn movement(&self, groups: &Groups) -> Board<Movement> {
        let mut board = Board::<Movement>::default();
        for key in self.new.keys() {
            board.each(spot(*key), groups, |movement| movement.new += 1);
        }
        for key in &self.resolved {
            board.each(spot(*key), groups, |movement| movement.resolved += 1);
        }
        for key in &self.still {
            board.each(spot(*key), groups, |movement| movement.still += 1);
        }
        for key in self.vanished.keys() {
            board.each(spot(*key), groups, |movement| movement.vanished += 1);
        }
        board
    }
}

fn side(compared: &Compared) -> Side<'_> {
    Side {
        rows: &compared.rows,
        scopes: &compared.scopes,
        tallies: &compared.tallies,
    }
}

/// Where a pair counts.
pub(crate) fn spot(key: Key) -> Spot {
    Spot {
        account: key.account,
        rule: key.rule,
        resource_type: key.resource_type,
    }
}

//! Reads a run's snapshots, oldest first, keeping only what the scorecard needs of each: all of the baseline and of
//! the present one, a few counts of the others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use compliance::scorecard::{Movement, Scores, Tally};
use compliance::snapshot::SnapshotContext;
use jiff::Timestamp;

use super::codes::{Code, Codes, Key};
use super::rows::{Pair, Rows};
use super::scopes::Scopes;
use super::tally::Tallies;
use super::walk::Walk;
use crate::ScoreError;
use crate::snapshots::Opened;

/// What a snapshot is read for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Role {
    pub(crate) baseline: bool,
    pub(crate) current: bool,
    pub(crate) trend: bool,
}

/// A snapshot that is compared: the baseline or the present one.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) context: SnapshotContext,
    pub(crate) scopes: Arc<Scopes>,
    pub(crate) rows: Rows,
    /// Results of the snapshot, those that do not count included.
    pub(crate) results_read: u64,
    pub(crate) tallies: Tallies,
    pub(crate) noncompliant: HashMap<Key, Pair>,
}

/// A snapshot of the trend.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) as_of: Timestamp,
    pub(crate) scores: Scores,
    pub(crate) accounts: HashMap<Code, Tally>,
    pub(crate) movement: Option<Movement>,
    pub(crate) scopes_missing: u64,
}

/// What was read so far.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) codes: Codes,
    pub(crate) walk: Walk,
    /// By snapshot id.
    pub(crate) points: HashMap<String, Point>,
    pub(crate) baseline: Option<Compared>,
    pub(crate) current: Option<Compared>,
    /// Noncompliant pairs of the trend point before.
    before: Option<HashSet<Key>>,
}

impl History {
    pub(crate) fn new(codes: Codes) -> Self {
        Self {
            codes,
            walk: Walk::default(),
            points: HashMap::new(),
            baseline: None,
            current: None,
            before: None,
        }
    }

    /// Reads the next snapshot.
    pub(crate) fn read(&mut self, mut opened: Opened, role: Role) -> Result<(), ScoreError> {
        let codes = &mut self.codes;
        let scopes = Arc::new(Scopes::new(&opened.context.coverage, codes));
        let mut rows = Rows::read(&mut opened, &scopes, codes, role.current)?;
        let noncompliant = rows.noncompliant(codes)?;
        let asked = self.asked(role, &noncompliant);
        let mut compliant = rows.find(asked.iter(), &mut self.codes)?;
        // From here on, what is unknown is as if nothing of it was read: in counts, trend and comparison alike.
        let unknown = self.walk.doubted(&scopes, &compliant);
        rows.leave_out(unknown.iter(), &self.codes)?;
        compliant.retain(|key, _| !unknown.contains(key));
        let compared = role.baseline || role.current;
        let tallies = if compared || role.trend {
            Tallies::count(&rows, &self.codes, compared)?
        } else {
            Tallies::default()
        };
        if role.trend {
            self.point(&opened, &scopes, &tallies, &noncompliant, &compliant);
        }
        let as_of = opened.snapshot.as_of.as_millisecond();
        self.walk
            .pass(as_of, Arc::clone(&scopes), &noncompliant, &compliant, &unknown);
        if role.baseline {
            self.walk.watch(noncompliant.keys().copied().collect());
        }
        if compared {
            let compared = Some(Compared {
                context: opened.context,
                scopes,
                rows,
                results_read: opened.manifest.results,
                tallies,
                noncompliant,
            });
            *(if role.current {
                &mut self.current
            } else {
                &mut self.baseline
            }) = compared;
        }
        Ok(())
    }

    /// Pairs that were noncompliant before and are not now: are they compliant, or absent?
    fn asked(&self, role: Role, noncompliant: &HashMap<Key, Pair>) -> HashSet<Key> {
        let before = self.before.iter().flatten().filter(|_| role.trend);
        self.walk
            .open()
            .chain(before)
            .filter(|key| !noncompliant.contains_key(key))
            .copied()
            .collect()
    }

    fn point(
        &mut self,
        opened: &Opened,
        scopes: &Scopes,
        tallies: &Tallies,
        noncompliant: &HashMap<Key, Pair>,
        compliant: &HashMap<Key, Pair>,
    ) {
        let movement = self
            .before
            .as_ref()
            .map(|before| movement(before, noncompliant, compliant));
        let (scores, accounts) = scores(tallies, &self.codes);
        let point = Point {
            as_of: opened.snapshot.as_of,
            scores,
            accounts,
            movement,
            scopes_missing: scopes.missing,
        };
        self.points.insert(opened.snapshot.id.clone(), point);
        self.before = Some(noncompliant.keys().copied().collect());
    }
}

fn movement(before: &HashSet<Key>, now: &HashMap<Key, Pair>, compliant: &HashMap<Key, Pair>) -> Movement {
    let still = before.iter().filter(|key| now.contains_key(key)).count() as u64;
    let resolved = before.iter().filter(|key| compliant.contains_key(key)).count() as u64;
    Movement {
        new: now.len() as u64 - still,
        resolved,
        still,
        vanished: before.len() as u64 - still - resolved,
    }
}

/// The organization's scores, and each account's pairs.
fn scores(tallies: &Tallies, codes: &Codes) -> (Scores, HashMap<Code, Tally>) {
    let mut weights: HashMap<Code, u64> = HashMap::new();
    let mut accounts: HashMap<Code, Tally> = HashMap::new();
    let (mut pairs, mut resources, mut weight) = (Tally::default(), Tally::default(), Tally::default());
    for count in &tallies.pairs {
        let of_rule = *weights
            .entry(count.rule)
            .or_insert_with(|| u64::from(codes.catalogue().weight(codes.rules.text(count.rule))));
        let of_account = accounts.entry(count.account).or_default();
        for tally in [&mut pairs, of_account] {
            tally.compliant += count.compliant;
            tally.noncompliant += count.noncompliant;
        }
        weight.compliant += count.compliant * of_rule;
        weight.noncompliant += count.noncompliant * of_rule;
    }
    for resource in &tallies.resources {
        if resource.compliant {
            resources.compliant += resource.count;
        } else {
            resources.noncompliant += resource.count;
        }
    }
    (Scores::new(pairs, resources, weight), accounts)
}

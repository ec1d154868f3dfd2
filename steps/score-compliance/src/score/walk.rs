//! When each noncompliance began and ended: the snapshots read, walked from oldest to newest.
//!
//! What the definitions leave open is decided so:
//! - Times count to the millisecond. A result time lies between two snapshots when it is after the earlier one's
//!   moment and not after the later one's.
//! - A pair absent from a snapshot is *unknown* there when its account has scopes and none of the pair's sources
//!   (region and deployed rule name, as last seen) was read: the scope is missing, or not listed any more, or the rule
//!   could not be read. Otherwise it is truly absent.
//! - A source (region and deployed rule name) of an open noncompliance that was noncompliant when last read stays so
//!   until it is read again. A pair that is compliant in every source read in a snapshot, but has an open noncompliance
//!   with such a source that is not read there, is *unknown* there too: missing is never compliant. It is left out of
//!   every count of that snapshot, is not resolved, and differs from other snapshots because it was *not collected*;
//!   what was read of it still shows that its rule and its resource are there. A pair that is noncompliant in any
//!   source read is noncompliant; one without an open noncompliance counts by the sources that were read. This holds
//!   for every snapshot read, those of the trend and the baseline too, by the snapshots read before it; of the oldest
//!   nothing is known before, so that its answers count as they are.
//! - An interval of noncompliance goes on over snapshots where the pair is unknown, ends as *resolved* at the next
//!   snapshot where it is compliant, and ends without resolution where it is truly absent: a resource that was
//!   deleted and comes back compliant was not resolved.
//! - The last snapshot without is the newest before the first with it in which the pair was not unknown (by the
//!   sources of the first with it), or where an earlier interval of it ended. If there is none, the beginning lies
//!   before the history read: the age is "at least", from the result time there, but not later than that snapshot.

use std::sync::Arc;

use super::codes::{Key, Map, Set};
use super::pair::{Pair, Sources};
use super::scopes::Scopes;

/// Noncompliance of one pair, from its beginning.
#[derive(Debug, Clone)]
pub(crate) struct Interval {
    /// When it began, in milliseconds.
    pub(crate) since: i64,
    /// It began before the history read.
    pub(crate) at_least: bool,
    /// When it was resolved; `None` while it is open, or when the pair vanished.
    pub(crate) resolved_at: Option<i64>,
    /// The newest snapshot it is noncompliant in.
    last: usize,
    /// Its sources there.
    sources: Sources,
    /// Sources that were noncompliant when last read.
    against: Sources,
}

/// One resolution seen on the way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolution {
    pub(crate) key: Key,
    /// Milliseconds it was open.
    pub(crate) open_for: i64,
    /// It began before the history read.
    pub(crate) at_least: bool,
}

/// A snapshot walked over.
#[derive(Debug)]
pub(crate) struct Passed {
    /// Its moment, in milliseconds.
    pub(crate) as_of: i64,
    pub(crate) scopes: Arc<Scopes>,
}

/// The state of one account's walk after the snapshots passed so far.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    open: Map<Key, Interval>,
    /// The last interval of those pairs whose end somebody will ask for.
    closed: Map<Key, Interval>,
    /// Where the last interval of a pair ended.
    ended: Map<Key, usize>,
    watched: Set<Key>,
    pub(crate) resolutions: Vec<Resolution>,
}

impl Walk {
    /// Pairs whose interval is open: whether they are compliant in the next snapshot must be known.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Key> {
        self.open.keys()
    }

    /// Keeps the ends of these pairs' intervals from here on: those noncompliant at the baseline.
    pub(crate) fn watch(&mut self, keys: Set<Key>) {
        self.watched = keys;
    }

    /// The latest interval of a pair that is open or watched.
    pub(crate) fn interval(&self, key: &Key) -> Option<&Interval> {
        self.open.get(key).or_else(|| self.closed.get(key))
    }

    /// Whether a pair that is compliant in all that was read of the next snapshot is unknown in it.
    pub(crate) fn doubts(&self, scopes: &Scopes, key: &Key) -> bool {
        let mut against = self.open.get(key).into_iter().flat_map(|open| &open.against);
        against.any(|source| !scopes.read(key.account, *source))
    }

    /// Passes the last of these snapshots: its noncompliant pairs, and which of the open ones are compliant or doubted
    /// in it.
    pub(crate) fn pass(
        &mut self,
        passed: &[Passed],
        noncompliant: &Map<Key, Pair>,
        compliant: &Map<Key, Pair>,
        doubted: &Set<Key>,
    ) {
        let Some((last, _)) = passed.split_last() else {
            return;
        };
        let here = passed.len() - 1;
        self.end(passed, noncompliant, compliant, doubted);
        for (key, interval) in &mut self.open {
            interval
                .against
                .retain(|source| !last.scopes.read(key.account, *source));
        }
        for (key, pair) in noncompliant {
            if let Some(interval) = self.open.get_mut(key) {
                interval.last = here;
                interval.sources.clone_from(&pair.sources);
                interval.against.extend_from_slice(&pair.against);
            } else {
                let interval = self.begin(passed, *key, pair);
                self.open.insert(*key, interval);
            }
        }
    }

    fn begin(&self, passed: &[Passed], key: Key, pair: &Pair) -> Interval {
        let here = passed.len() - 1;
        let first = passed[here].as_of;
        let ended = self.ended.get(&key).copied();
        let known = |snapshot: &usize| {
            ended == Some(*snapshot) || !passed[*snapshot].scopes.unknown(key.account, &pair.sources)
        };
        let without = (0..here).rev().find(known);
        let since = match (without, pair.time) {
            (Some(without), Some(time)) if passed[without].as_of < time && time <= first => time,
            (None, Some(time)) => time.min(first),
            _ => first,
        };
        Interval {
            since,
            at_least: without.is_none(),
            resolved_at: None,
            last: here,
            sources: pair.sources.clone(),
            against: pair.against.clone(),
        }
    }

    /// Ends the open intervals of pairs that are not noncompliant here, unless nothing is known of them.
    fn end(
        &mut self,
        passed: &[Passed],
        noncompliant: &Map<Key, Pair>,
        compliant: &Map<Key, Pair>,
        doubted: &Set<Key>,
    ) {
        let here = passed.len() - 1;
        let over: Vec<Key> = self
            .open
            .iter()
            .filter(|(key, interval)| {
                let key = *key;
                let unknown = || passed[here].scopes.unknown(key.account, &interval.sources);
                let goes_on = noncompliant.contains_key(key) || doubted.contains(key);
                !goes_on && (compliant.contains_key(key) || !unknown())
            })
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            let Some(mut interval) = self.open.remove(&key) else {
                continue;
            };
            if let Some(pair) = compliant.get(&key) {
                let (earlier, later) = (passed[interval.last].as_of, passed[here].as_of);
                let at = pair
                    .time
                    .filter(|time| earlier < *time && *time <= later)
                    .unwrap_or(later);
                interval.resolved_at = Some(at);
                self.resolutions.push(Resolution {
                    key,
                    open_for: at - interval.since,
                    at_least: interval.at_least,
                });
            }
            self.ended.insert(key, here);
            if self.watched.contains(&key) {
                self.closed.insert(key, interval);
            }
        }
    }
}

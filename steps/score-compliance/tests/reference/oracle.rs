//! The definitions, one by one, over plain maps: slow and obviously right. Nothing of the scorer is used.

use std::collections::{BTreeMap, BTreeSet};

use compliance::catalogue::{Catalogue, Severity};
use compliance::coverage::{Inventory, ScopeCoverage};
use compliance::evaluation::{ComplianceType, EvaluationResult, GLOBAL, PairKey, is_global};
use compliance::scorecard::{Cause, Movement, Scores, Tally};

use crate::support::Day;

/// The results of each pair.
pub(crate) type Pairs = BTreeMap<PairKey, Vec<EvaluationResult>>;

/// A snapshot as the definitions see it.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot<'a> {
    pub(crate) day: &'a Day,
    /// Milliseconds.
    pub(crate) as_of: i64,
    pub(crate) counted: Vec<EvaluationResult>,
    pub(crate) pairs: Pairs,
    /// Pairs of which something was read, and which are unknown all the same.
    pub(crate) doubted: Pairs,
}

/// What can be believed of a pair in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    Noncompliant,
    Compliant,
    Absent,
    Unknown,
}

/// Every snapshot, with what is unknown taken out of its pairs.
pub(crate) fn snapshots<'a>(days: &'a [Day], catalogue: &Catalogue) -> Vec<Snapshot<'a>> {
    let read: Vec<Snapshot<'a>> = days.iter().map(|day| Snapshot::new(day, catalogue)).collect();
    let mut known = read.clone();
    for (index, snapshot) in known.iter_mut().enumerate() {
        for (key, rows) in &read[index].pairs {
            if belief(key, &read, index) == Belief::Unknown {
                snapshot.pairs.remove(key);
                snapshot.doubted.insert(key.clone(), rows.clone());
            }
        }
    }
    known
}

fn belief(key: &PairKey, read: &[Snapshot<'_>], index: usize) -> Belief {
    let here = &read[index];
    if here.is_noncompliant(key) {
        return Belief::Noncompliant;
    }
    // Noncompliance that nothing has ended since, newest first.
    let lasting = (0..index).rev().take_while(|earlier| {
        matches!(
            belief(key, read, *earlier),
            Belief::Noncompliant | Belief::Unknown
        )
    });
    let mut lasting = lasting.filter(|earlier| read[*earlier].is_noncompliant(key));
    if here.pairs.contains_key(key) {
        let unread_since = |earlier: usize, row: &EvaluationResult| {
            let mut since = read[earlier + 1..=index].iter();
            since.all(|snapshot| !was_read(snapshot.day, row))
        };
        let doubt = lasting.any(|earlier| {
            let mut rows = read[earlier].pairs[key].iter();
            rows.any(|row| row.compliance_type == ComplianceType::NonCompliant && unread_since(earlier, row))
        });
        return if doubt { Belief::Unknown } else { Belief::Compliant };
    }
    match lasting.next() {
        Some(last) if here.unknown(key, &read[last].pairs[key]) => Belief::Unknown,
        _ => Belief::Absent,
    }
}

impl<'a> Snapshot<'a> {
    fn new(day: &'a Day, catalogue: &Catalogue) -> Self {
        let counted: Vec<_> = day
            .rows
            .iter()
            .filter(|row| was_read(day, row))
            .cloned()
            .collect();
        let mut pairs = Pairs::new();
        for row in &counted {
            let region = if is_global(&row.resource_type) {
                GLOBAL
            } else {
                &row.aws_region
            };
            let key = PairKey {
                account_id: row.account_id.clone(),
                aws_region: region.to_owned(),
                resource_type: row.resource_type.clone(),
                resource_id: row.resource_id.clone(),
                rule: catalogue.resolve(&row.config_rule_name).rule,
            };
            pairs.entry(key).or_default().push(row.clone());
        }
        let as_of = day.as_of.as_millisecond();
        Self {
            day,
            as_of,
            counted,
            pairs,
            doubted: Pairs::new(),
        }
    }

    pub(crate) fn state(&self, key: &PairKey) -> Option<ComplianceType> {
        self.pairs.get(key).map(|rows| state(rows))
    }

    pub(crate) fn is_noncompliant(&self, key: &PairKey) -> bool {
        self.state(key) == Some(ComplianceType::NonCompliant)
    }

    pub(crate) fn noncompliant(&self) -> BTreeSet<&PairKey> {
        self.pairs
            .keys()
            .filter(|key| self.is_noncompliant(key))
            .collect()
    }

    pub(crate) fn lists(&self, account_id: &str) -> bool {
        self.day
            .scopes
            .iter()
            .any(|scope| scope.source.account_id == account_id)
    }

    /// Every pair of which something was read.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &PairKey> {
        self.pairs.keys().chain(self.doubted.keys())
    }

    /// Nothing is known here of a pair with these results elsewhere.
    pub(crate) fn unknown(&self, key: &PairKey, rows: &[EvaluationResult]) -> bool {
        let unread = self.lists(&key.account_id) && rows.iter().all(|row| !was_read(self.day, row));
        unread || self.doubted.contains_key(key)
    }

    /// Scores of the pairs that `belongs` picks.
    pub(crate) fn scores(&self, catalogue: &Catalogue, belongs: impl Fn(&PairKey) -> bool) -> Scores {
        let (mut pairs, mut weight) = (Tally::default(), Tally::default());
        let mut resources: BTreeMap<(&str, &str, &str, &str), bool> = BTreeMap::new();
        for key in self.pairs.keys().filter(|key| belongs(key)) {
            let compliant = !self.is_noncompliant(key);
            let of_rule = u64::from(catalogue.weight(&key.rule));
            add(&mut pairs, compliant, 1);
            add(&mut weight, compliant, of_rule);
            let resource = (
                &*key.account_id,
                &*key.aws_region,
                &*key.resource_type,
                &*key.resource_id,
            );
            *resources.entry(resource).or_insert(true) &= compliant;
        }
        let mut tally = Tally::default();
        resources
            .values()
            .for_each(|compliant| add(&mut tally, *compliant, 1));
        Scores::new(pairs, tally, weight)
    }
}

fn add(tally: &mut Tally, compliant: bool, count: u64) {
    *(if compliant {
        &mut tally.compliant
    } else {
        &mut tally.noncompliant
    }) += count;
}

pub(crate) fn scope_of<'a>(day: &'a Day, row: &EvaluationResult) -> Option<&'a ScopeCoverage> {
    day.scopes
        .iter()
        .find(|scope| scope.source.account_id == row.account_id && scope.source.aws_region == row.aws_region)
}

/// Its scope was collected, and its rule there was read.
pub(crate) fn was_read(day: &Day, row: &EvaluationResult) -> bool {
    scope_of(day, row).is_some_and(|scope| {
        let rule_missing = scope
            .missing_rules
            .iter()
            .any(|rule| rule.config_rule_name == row.config_rule_name);
        scope.missing.is_none() && !rule_missing
    })
}

pub(crate) fn state(rows: &[EvaluationResult]) -> ComplianceType {
    let bad = rows
        .iter()
        .any(|row| row.compliance_type == ComplianceType::NonCompliant);
    if bad {
        ComplianceType::NonCompliant
    } else {
        ComplianceType::Compliant
    }
}

/// From when the pair is what it is: noncompliant with its first noncompliant result, compliant with its last result.
pub(crate) fn result_time(rows: &[EvaluationResult]) -> Option<i64> {
    let times = |wanted: ComplianceType| {
        rows.iter()
            .filter(move |row| row.compliance_type == wanted)
            .filter_map(|row| Some(row.result_time()?.as_millisecond()))
    };
    match state(rows) {
        ComplianceType::NonCompliant => times(ComplianceType::NonCompliant).min(),
        ComplianceType::Compliant => times(ComplianceType::Compliant).max(),
    }
}

pub(crate) fn movement<'k>(
    before: &Snapshot<'_>,
    now: &Snapshot<'_>,
    keys: impl Iterator<Item = &'k PairKey>,
) -> Movement {
    let mut movement = Movement::default();
    for key in keys {
        match (
            before.is_noncompliant(key),
            now.is_noncompliant(key),
            now.state(key),
        ) {
            (false, true, _) => movement.new += 1,
            (true, true, _) => movement.still += 1,
            (true, false, Some(_)) => movement.resolved += 1,
            (true, false, None) => movement.vanished += 1,
            (false, false, _) => {}
        }
    }
    movement
}

/// Why a pair differs between the two; `None` when it does not.
pub(crate) fn cause(
    key: &PairKey,
    before: &Snapshot<'_>,
    now: &Snapshot<'_>,
    catalogue: &Catalogue,
) -> Option<Cause> {
    match (before.pairs.get(key), now.pairs.get(key)) {
        (Some(then), Some(rows)) if state(then) == state(rows) => None,
        (Some(_), Some(rows)) if state(rows) == ComplianceType::Compliant => Some(Cause::TurnedCompliant),
        (Some(_), Some(_)) => Some(Cause::TurnedNoncompliant),
        (Some(rows), None) => Some(absence(key, rows, now, catalogue)),
        (None, Some(rows)) => Some(match absence(key, rows, before, catalogue) {
            Cause::NotCollected => Cause::CollectedAgain,
            Cause::AccountLeft => Cause::AccountJoined,
            Cause::RuleRemoved => Cause::RuleAdded,
            Cause::ResourceDeleted => Cause::ResourceAdded,
            _ => Cause::NewlyEvaluated,
        }),
        (None, None) => None,
    }
}

/// Why `there` lacks a pair that has `rows` elsewhere, in the words for what vanished.
fn absence(key: &PairKey, rows: &[EvaluationResult], there: &Snapshot<'_>, catalogue: &Catalogue) -> Cause {
    if there.unknown(key, rows) {
        return Cause::NotCollected;
    }
    if !there.lists(&key.account_id) {
        return Cause::AccountLeft;
    }
    let rule = there
        .seen()
        .any(|other| other.account_id == key.account_id && other.rule == key.rule);
    let resource = there.seen().any(|other| {
        let mut other = other.clone();
        other.rule.clone_from(&key.rule);
        other == *key
    });
    match (rule, resource) {
        (true, true) => Cause::NoLongerEvaluated,
        (false, true) => Cause::RuleRemoved,
        (true, false) => Cause::ResourceDeleted,
        (false, false) if rule_gone(key, rows, there, catalogue) => Cause::RuleRemoved,
        (false, false) => Cause::ResourceDeleted,
    }
}

/// Whether the inventory of the scopes that were read shows the rule gone, or else the whole organization does.
fn rule_gone(key: &PairKey, rows: &[EvaluationResult], there: &Snapshot<'_>, catalogue: &Catalogue) -> bool {
    let inventories: Vec<&Inventory> = rows
        .iter()
        .filter(|row| was_read(there.day, row))
        .filter_map(|row| Some(&scope_of(there.day, row)?.inventory))
        .collect();
    let deployed = inventories.iter().any(|inventory| match inventory {
        Inventory::Known { without_results, .. } => without_results
            .iter()
            .any(|name| catalogue.resolve(name).rule == key.rule),
        Inventory::NotKnowable(_) => false,
    });
    let all_known = inventories
        .iter()
        .all(|inventory| matches!(inventory, Inventory::Known { .. }));
    !deployed && (all_known || !there.seen().any(|other| other.rule == key.rule))
}

/// How a noncompliance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Resolved(i64),
    Vanished,
}

/// One noncompliance of one pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Episode {
    pub(crate) since: i64,
    pub(crate) at_least: bool,
    pub(crate) end: End,
}

/// Every noncompliance of a pair, oldest first.
pub(crate) fn episodes(key: &PairKey, snapshots: &[Snapshot<'_>]) -> Vec<Episode> {
    let mut episodes: Vec<Episode> = Vec::new();
    // The newest snapshot of the open episode; the snapshot at which the last one ended.
    let (mut last, mut ended): (Option<usize>, Option<usize>) = (None, None);
    for (index, here) in snapshots.iter().enumerate() {
        if here.is_noncompliant(key) {
            if last.is_none() {
                episodes.push(beginning(key, snapshots, index, ended));
            }
            last = Some(index);
            continue;
        }
        let Some(seen) = last else { continue };
        let end = match here.pairs.get(key) {
            Some(rows) => {
                let inside =
                    result_time(rows).filter(|time| snapshots[seen].as_of < *time && *time <= here.as_of);
                End::Resolved(inside.unwrap_or(here.as_of))
            }
            None if here.unknown(key, &snapshots[seen].pairs[key]) => continue,
            None => End::Vanished,
        };
        episodes.last_mut().expect("an open one").end = end;
        (last, ended) = (None, Some(index));
    }
    episodes
}

fn beginning(key: &PairKey, snapshots: &[Snapshot<'_>], first: usize, ended: Option<usize>) -> Episode {
    let rows = &snapshots[first].pairs[key];
    let as_of = snapshots[first].as_of;
    let without = (0..first)
        .rev()
        .find(|index| ended == Some(*index) || !snapshots[*index].unknown(key, rows));
    let since = match without {
        Some(without) => result_time(rows).filter(|time| snapshots[without].as_of < *time && *time <= as_of),
        None => result_time(rows).map(|time| time.min(as_of)),
    };
    Episode {
        since: since.unwrap_or(as_of),
        at_least: without.is_none(),
        end: End::Open,
    }
}

/// Severity as it sorts.
pub(crate) fn rank(severity: Option<Severity>) -> Severity {
    severity.unwrap_or(Severity::Medium)
}

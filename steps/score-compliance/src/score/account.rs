//! One account of one snapshot: its pairs, what they say of the snapshots before, and how they differ from the
//! baseline's. Nothing of a pair crosses accounts, so accounts are read on every core at once.

use std::sync::Arc;

use compliance::scorecard::Movement;

use super::changes::{Lack, LackCounts, Way, lacking};
use super::codes::{Code, Codes, Interner, Key, Map, Set};
use super::history::Role;
use super::pair::Pair;
use super::rows::AccountRows;
use super::scopes::Scopes;
use super::sheet::{Bits, Cell, Sheet, Side};
use super::tally::{CodeSet, Merges, Tallies};
use super::walk::{Passed, Walk};

/// What stays of an account from snapshot to snapshot.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Ids of resources that were noncompliant.
    pub(crate) resources: Interner,
    pub(crate) walk: Walk,
    /// Noncompliant pairs of the trend point before.
    before: Set<Key>,
    /// Pairs unknown at the baseline of which something was read.
    unknown_at_baseline: Vec<Key>,
    /// What lists are made of, once the present snapshot is read.
    pub(crate) found: Found,
}

/// The pairs that lists are made of.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Noncompliant now, with what they were at the baseline.
    pub(crate) noncompliant: Vec<(Key, Pair, Before)>,
    /// Noncompliant at the baseline and compliant now.
    pub(crate) resolved: Vec<(Key, Pair)>,
    /// Noncompliant at the baseline and absent now; the pair as it was.
    pub(crate) vanished: Vec<(Key, Pair, Lack)>,
}

/// What a pair that is noncompliant now was at the baseline.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Before {
    /// There is no baseline.
    NoBaseline,
    Noncompliant,
    Compliant,
    Absent(Lack),
}

/// An account to be read.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) account: Code,
    pub(crate) state: Account,
    pub(crate) now: AccountRows,
    /// Its results at the baseline, when that is compared with.
    pub(crate) baseline: AccountRows,
    pub(crate) codes: Arc<Codes>,
}

/// What a snapshot is read for and against.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) role: Role,
    /// Snapshots walked over, this one last.
    pub(crate) passed: &'a [Passed],
    pub(crate) scopes: &'a Scopes,
    /// Those of the baseline, when this snapshot is compared with it.
    pub(crate) baseline: Option<&'a Scopes>,
}

/// What is summed over the accounts of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) accounts: Vec<(Code, Account)>,
    pub(crate) tallies: Tallies,
    pub(crate) merges: Merges,
    /// Since the trend point before.
    pub(crate) movement: Movement,
    /// Deployed names with results, read of unknown pairs too.
    pub(crate) names: CodeSet,
    /// Of the (account, region, rule) deployed under a name without results, those that have results under another.
    pub(crate) with_results: Set<(Code, Code, Code)>,
    pub(crate) lacks: LackCounts,
}

impl Totals {
    /// Adds what was summed over other accounts.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.accounts.append(&mut other.accounts);
        self.tallies.append(other.tallies);
        self.merges.append(other.merges);
        add_movement(&mut self.movement, other.movement);
        other.names.iter().for_each(|name| self.names.insert(name));
        self.with_results.extend(other.with_results);
        for (lack, (compliant, noncompliant)) in other.lacks {
            let counts = self.lacks.entry(lack).or_default();
            counts.0 += compliant;
            counts.1 += noncompliant;
        }
    }
}

/// Adds the movement of a part.
pub(crate) fn add_movement(sum: &mut Movement, part: Movement) {
    sum.new += part.new;
    sum.resolved += part.resolved;
    sum.still += part.still;
    sum.vanished += part.vanished;
}

/// Reads an account.
pub(crate) fn read(job: Job, reading: &Reading<'_>, totals: &mut Totals) {
    let codes = &*job.codes;
    let mut state = job.state;
    let mut sheet = Sheet::new(job.account, codes);
    let cells = sheet.cells(&job.now);
    let baseline_cells = sheet.cells(&job.baseline);
    let mut now = sheet.side(&job.now, cells);
    let baseline = reading.baseline.map(|scopes| {
        let mut side = sheet.side(&job.baseline, baseline_cells);
        for key in &state.unknown_at_baseline {
            if let Some(cell) = sheet.find(key, &state.resources) {
                side.leave_out(cell);
            }
        }
        (side, scopes)
    });
    let mut pairs = Pairs::new(&sheet, &now, baseline.as_ref(), &mut state);
    let unknown = pairs.take_unknown(&mut now, reading, &state);
    if reading.role.trend {
        add_movement(&mut totals.movement, pairs.movement(&state.before));
    }
    state
        .walk
        .pass(reading.passed, &pairs.noncompliant, &pairs.compliant, &unknown);
    if reading.role.trend {
        state.before = pairs.noncompliant.keys().copied().collect();
    }
    if reading.role.baseline {
        state.walk.watch(pairs.noncompliant.keys().copied().collect());
        state.unknown_at_baseline = unknown.into_iter().collect();
    }
    count(&sheet, &now, reading, totals);
    if reading.role.current {
        let against = baseline.as_ref().map(|(side, scopes)| Comparison {
            now: &now,
            baseline: side,
            appeared: lacking(Way::Appeared, &sheet, &now, side, scopes),
            vanished: lacking(Way::Vanished, &sheet, side, &now, reading.scopes),
        });
        if let Some(against) = &against {
            against.count(&mut totals.lacks);
        }
        state.found = found(&sheet, pairs, against.as_ref(), &mut state.resources);
    }
    totals.accounts.push((job.account, state));
}

/// The pairs of a snapshot that matter beyond their number.
struct Pairs {
    noncompliant: Map<Key, Pair>,
    /// Of the compliant ones those that were noncompliant before.
    compliant: Map<Key, Pair>,
    cells: Map<Key, Cell>,
}

impl Pairs {
    fn new(
        sheet: &Sheet<'_>,
        now: &Side<'_>,
        baseline: Option<&(Side<'_>, &Scopes)>,
        state: &mut Account,
    ) -> Self {
        let mut wanted = match baseline {
            Some((before, _)) => {
                let resolved = now.present.with(&before.noncompliant, |now, before| now & before);
                resolved.with(&now.noncompliant, |resolved, now| resolved | now)
            }
            None => now.noncompliant.clone(),
        };
        for key in state.walk.open().chain(&state.before) {
            if let Some(cell) = sheet.find(key, &state.resources) {
                wanted.set(cell);
            }
        }
        let gathered = now.gather(&wanted, sheet.codes);
        let mut pairs = Self {
            noncompliant: Map::default(),
            compliant: Map::default(),
            cells: Map::default(),
        };
        for (cell, pair) in gathered {
            let key = sheet.key(cell, &mut state.resources);
            pairs.cells.insert(key, cell);
            match pair.noncompliant {
                true => pairs.noncompliant.insert(key, pair),
                false => pairs.compliant.insert(key, pair),
            };
        }
        pairs
    }

    /// Takes out what is unknown: from here on it is as if nothing of it was read, in counts, trend and comparison
    /// alike.
    fn take_unknown(&mut self, now: &mut Side<'_>, reading: &Reading<'_>, state: &Account) -> Set<Key> {
        let doubted = |key: &&Key| state.walk.doubts(reading.scopes, key);
        let unknown: Set<Key> = self.compliant.keys().filter(doubted).copied().collect();
        for key in &unknown {
            self.compliant.remove(key);
            if let Some(cell) = self.cells.get(key) {
                now.leave_out(*cell);
            }
        }
        unknown
    }

    fn movement(&self, before: &Set<Key>) -> Movement {
        let count =
            |pairs: &Map<Key, Pair>| before.iter().filter(|key| pairs.contains_key(*key)).count() as u64;
        let (still, resolved) = (count(&self.noncompliant), count(&self.compliant));
        Movement {
            new: self.noncompliant.len() as u64 - still,
            resolved,
            still,
            vanished: before.len() as u64 - still - resolved,
        }
    }
}

fn count(sheet: &Sheet<'_>, now: &Side<'_>, reading: &Reading<'_>, totals: &mut Totals) {
    let role = reading.role;
    if role.baseline || role.current || role.trend {
        totals.tallies.add(sheet, now, role.baseline || role.current);
    }
    if !role.current {
        return;
    }
    totals.merges.add(sheet, now);
    let mut last = None;
    for result in now.rows.iter() {
        let source = result.row.source();
        if last.replace(source) == Some(source) {
            continue;
        }
        let (region, name) = source;
        totals.names.insert(name);
        let deployed = (sheet.account, region, sheet.codes.rule(name));
        if reading.scopes.without_results.contains(&deployed) {
            totals.with_results.insert(deployed);
        }
    }
}

/// Now against the baseline.
struct Comparison<'a, 't> {
    now: &'a Side<'t>,
    baseline: &'a Side<'t>,
    appeared: Map<Cell, Lack>,
    vanished: Map<Cell, Lack>,
}

impl Comparison<'_, '_> {
    fn count(&self, counts: &mut LackCounts) {
        let sides = [
            (&self.appeared, &self.now.noncompliant),
            (&self.vanished, &self.baseline.noncompliant),
        ];
        for (lacks, noncompliant) in sides {
            for (cell, lack) in lacks {
                let counts = counts.entry(*lack).or_default();
                match noncompliant.has(*cell) {
                    true => counts.1 += 1,
                    false => counts.0 += 1,
                }
            }
        }
    }

    fn before(&self, cell: Cell) -> Before {
        match self.appeared.get(&cell) {
            Some(lack) => Before::Absent(*lack),
            None if self.baseline.noncompliant.has(cell) => Before::Noncompliant,
            None => Before::Compliant,
        }
    }

    /// Cells noncompliant at the baseline and absent now.
    fn gone(&self) -> Bits {
        let (before, now) = (&self.baseline.noncompliant, &self.now.present);
        before.with(now, |before, now| before & !now)
    }
}

fn found(
    sheet: &Sheet<'_>,
    pairs: Pairs,
    against: Option<&Comparison<'_, '_>>,
    resources: &mut Interner,
) -> Found {
    let Pairs {
        noncompliant,
        compliant,
        cells,
    } = pairs;
    let before = |key: &Key| match (against, cells.get(key)) {
        (Some(against), Some(cell)) => against.before(*cell),
        _ => Before::NoBaseline,
    };
    let noncompliant = noncompliant
        .into_iter()
        .map(|(key, pair)| (key, pair, before(&key)));
    let mut found = Found {
        noncompliant: noncompliant.collect(),
        ..Found::default()
    };
    let Some(against) = against else { return found };
    let resolved = compliant.into_iter().filter(|(key, _)| {
        let cell = cells.get(key);
        cell.is_some_and(|cell| against.baseline.noncompliant.has(*cell))
    });
    found.resolved = resolved.collect();
    let gone = against.baseline.gather(&against.gone(), sheet.codes);
    found.vanished = gone
        .into_iter()
        .filter_map(|(cell, pair)| {
            let lack = against.vanished.get(&cell)?;
            Some((sheet.key(cell, resources), pair, *lack))
        })
        .collect();
    found
}

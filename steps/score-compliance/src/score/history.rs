//! Reads a run's snapshots, oldest first, keeping only what the scorecard needs of each: counts, what each account's
//! walk needs, and of the baseline its files, to be read again beside the present snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use compliance::scorecard::{Movement, Scores, Tally};
use compliance::snapshot::SnapshotContext;
use jiff::Timestamp;

use super::account::{self, Account, Job, Reading, Totals};
use super::changes::LackCounts;
use super::codes::{Code, Codes, Map, Set};
use super::groups::Sums;
use super::rows::{AccountRows, Detail, Reader};
use super::scopes::Scopes;
use super::tally::{CodeSet, Merges, Tallies};
use super::walk::Passed;
use crate::ScoreError;
use crate::engine::spread;
use crate::opened::Opened;

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
    id: String,
    pub(crate) context: SnapshotContext,
    pub(crate) scopes: Arc<Scopes>,
    /// Results of the snapshot, those that do not count included.
    pub(crate) results_read: u64,
    pub(crate) tallies: Tallies,
    pub(crate) merges: Merges,
    /// Deployed names with results.
    pub(crate) names: CodeSet,
    /// Of the (account, region, rule) deployed under a name without results, those that have results under another.
    pub(crate) with_results: Set<(Code, Code, Code)>,
    /// Pairs that one of the present snapshot and the baseline lacks.
    pub(crate) lacks: LackCounts,
    /// Its results files; only of the baseline.
    files: Vec<Vec<u8>>,
}

/// A snapshot of the trend.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) as_of: Timestamp,
    pub(crate) scores: Scores,
    pub(crate) accounts: Map<Code, Tally>,
    pub(crate) movement: Option<Movement>,
    pub(crate) scopes_missing: u64,
}

/// What was read so far.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) codes: Arc<Codes>,
    pub(crate) accounts: Map<Code, Account>,
    /// By snapshot id.
    pub(crate) points: Map<String, Point>,
    pub(crate) baseline: Option<Compared>,
    pub(crate) current: Option<Compared>,
    passed: Vec<Passed>,
    /// A point of the trend was read.
    trend_began: bool,
}

impl History {
    pub(crate) fn new(codes: Codes) -> Self {
        Self {
            codes: Arc::new(codes),
            accounts: Map::default(),
            points: Map::default(),
            baseline: None,
            current: None,
            passed: Vec::new(),
            trend_began: false,
        }
    }

    /// Reads the next snapshot.
    pub(crate) fn read(&mut self, mut opened: Opened, role: Role) -> Result<(), ScoreError> {
        let scopes = Arc::new(Scopes::new(
            &opened.context.coverage,
            Arc::make_mut(&mut self.codes),
        ));
        self.passed.push(Passed {
            as_of: opened.snapshot.as_of.as_millisecond(),
            scopes: Arc::clone(&scopes),
        });
        let files = std::mem::take(&mut opened.results);
        let totals = self.read_accounts(&opened.snapshot.id, &files, &scopes, role)?;
        self.accounts = totals.accounts.into_iter().collect();
        if role.trend {
            let movement = self.trend_began.then_some(totals.movement);
            self.trend_began = true;
            let (scores, accounts) = scores(&totals.tallies, &self.codes);
            let point = Point {
                as_of: opened.snapshot.as_of,
                scores,
                accounts,
                movement,
                scopes_missing: scopes.missing,
            };
            self.points.insert(opened.snapshot.id.clone(), point);
        }
        if role.baseline || role.current {
            let compared = Compared {
                id: opened.snapshot.id,
                context: opened.context,
                scopes,
                results_read: opened.manifest.results,
                tallies: totals.tallies,
                merges: totals.merges,
                names: totals.names,
                with_results: totals.with_results,
                lacks: totals.lacks,
                files: if role.current { Vec::new() } else { files },
            };
            *(if role.current {
                &mut self.current
            } else {
                &mut self.baseline
            }) = Some(compared);
        }
        Ok(())
    }

    /// Reads every account of a snapshot, and every account met before.
    fn read_accounts(
        &mut self,
        snapshot: &str,
        files: &[Vec<u8>],
        scopes: &Scopes,
        role: Role,
    ) -> Result<Totals, ScoreError> {
        let detail = if role.current {
            Detail::Annotations
        } else {
            Detail::Times
        };
        let mut now = Reader::new(snapshot, files, scopes, detail)?;
        let mut baseline = match self.baseline.as_ref().filter(|_| role.current) {
            Some(Compared {
                id, files, scopes, ..
            }) => Some(Reader::new(id, files, scopes, Detail::Nothing)?),
            None => None,
        };
        let reading = Reading {
            role,
            passed: &self.passed,
            scopes,
            baseline: self
                .baseline
                .as_ref()
                .filter(|_| role.current)
                .map(|baseline| &*baseline.scopes),
        };
        let (accounts, codes) = (&mut self.accounts, &mut self.codes);
        let sums = spread(
            |hand_over| feed(&mut now, baseline.as_mut(), accounts, codes, hand_over),
            |job, totals| account::read(job, &reading, totals),
        )?;
        let mut totals = Totals::default();
        sums.into_iter().for_each(|sum| totals.append(sum));
        Ok(totals)
    }
}

/// Hands over the accounts with results now or at the baseline, then those of which only the past is known.
fn feed(
    now: &mut Reader<'_>,
    mut baseline: Option<&mut Reader<'_>>,
    accounts: &mut Map<Code, Account>,
    codes: &mut Arc<Codes>,
    hand_over: &mut dyn FnMut(Job),
) -> Result<(), ScoreError> {
    let mut job = |account, now, baseline, codes: &Arc<Codes>| {
        hand_over(Job {
            account,
            state: accounts.remove(&account).unwrap_or_default(),
            now,
            baseline,
            codes: Arc::clone(codes),
        });
    };
    loop {
        let next = now.peek(codes)?;
        let before = match &mut baseline {
            Some(baseline) => baseline.peek(codes)?,
            None => None,
        };
        let ids: BTreeSet<&str> = [next, before]
            .into_iter()
            .flatten()
            .map(|account| codes.accounts.text(account))
            .collect();
        let Some(account) = ids.first().and_then(|first| codes.accounts.find(first)) else {
            break;
        };
        let rows = match next == Some(account) {
            true => now.take(),
            false => AccountRows::default(),
        };
        let rows_before = match &mut baseline {
            Some(baseline) if before == Some(account) => baseline.take(),
            _ => AccountRows::default(),
        };
        job(account, rows, rows_before, codes);
    }
    let rest: Vec<Code> = accounts.keys().copied().collect();
    for account in rest {
        hand_over(Job {
            account,
            state: accounts.remove(&account).unwrap_or_default(),
            now: AccountRows::default(),
            baseline: AccountRows::default(),
            codes: Arc::clone(codes),
        });
    }
    Ok(())
}

/// The organization's scores, and each account's pairs.
fn scores(tallies: &Tallies, codes: &Codes) -> (Scores, Map<Code, Tally>) {
    let mut weights: Map<Code, u64> = Map::default();
    let mut accounts: Map<Code, Tally> = Map::default();
    let mut organization = Sums::default();
    for count in &tallies.pairs {
        let weight = *weights
            .entry(count.rule)
            .or_insert_with(|| u64::from(codes.catalogue().weight(codes.rules.text(count.rule))));
        organization.add_pairs(count, weight);
        let account = accounts.entry(count.account).or_default();
        account.compliant += count.compliant;
        account.noncompliant += count.noncompliant;
    }
    for count in &tallies.resources {
        organization.add_resources(count);
    }
    (organization.scores(), accounts)
}

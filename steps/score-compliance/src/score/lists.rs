//! The full lists behind a scorecard.
//!
//! What the domain leaves open:
//! - `noncompliant_since` is the beginning of the pair's latest noncompliance, also of one that ended since the
//!   baseline.
//! - `resolved_at` is the end of that noncompliance if it was resolved. A pair that was truly absent in between and
//!   is compliant now was resolved by the result time now, if that lies between the baseline and now, else now.
//! - `result_recorded_time` and the annotation are those of the present result, so a vanished pair has none. Of
//!   several results merged, the one speaks that is in the pair's state, with an annotation before without, then the
//!   first by rule name and region.

use compliance::catalogue::Severity;
use compliance::evaluation::ComplianceType;
use compliance::scorecard::{Cause, Lists, Movement, PairRow};
use jiff::Timestamp;

use super::account::{Account, Before, Found};
use super::changes::Witness;
use super::codes::{Code, Codes, Interner, Key, Map};
use super::durations::{AgeSum, ResolveSum};
use super::groups::{Groups, Spot};
use super::pair::{Sources, Voice};
use super::people::People;
use super::walk::Walk;

/// What every row is made from.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) codes: &'a Codes,
    pub(crate) groups: &'a Groups,
    pub(crate) people: &'a People,
    /// The baseline and the present snapshot, as witnesses of what the other one lacks.
    pub(crate) witnesses: Option<(Witness<'a>, Witness<'a>)>,
    pub(crate) baseline_as_of: i64,
    pub(crate) now: i64,
}

/// One account's part of lists and sums.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) account: Code,
    lists: [Vec<PairRow>; 4],
    pub(crate) ages: Vec<(Spot, AgeSum)>,
    pub(crate) resolves: Vec<(Spot, ResolveSum)>,
    pub(crate) movement: Vec<(Spot, Movement)>,
    /// Pairs there at the baseline that turned noncompliant since.
    pub(crate) turned_noncompliant: u64,
    /// Pairs that turned compliant since the baseline.
    pub(crate) turned_compliant: u64,
}

/// The lists of all accounts: most severe first, then by key. `parts` ascend by account, and each part's rows are
/// sorted, so they only have to be laid one after another.
pub(crate) fn lists(parts: &mut [Part]) -> Lists {
    let mut list = |place: usize| {
        let rows = parts.iter().map(|part| part.lists[place].len()).sum();
        let mut whole = Vec::with_capacity(rows);
        let mut lists: Vec<_> = parts
            .iter_mut()
            .map(|part| std::mem::take(&mut part.lists[place]).into_iter().peekable())
            .collect();
        for severity in Severity::ALL {
            for list in &mut lists {
                whole.extend(std::iter::from_fn(|| list.next_if(|row| rank(row) == severity)));
            }
        }
        whole
    };
    Lists {
        noncompliant: list(0),
        new: list(1),
        resolved: list(2),
        vanished: list(3),
    }
}

fn rank(row: &PairRow) -> Severity {
    row.severity.unwrap_or(Severity::Medium)
}

impl Maker<'_> {
    /// The part of one account.
    pub(crate) fn part(&self, code: Code, account: Account) -> Part {
        let Account {
            resources,
            walk,
            found,
            ..
        } = account;
        let mut part = Part {
            account: code,
            lists: Default::default(),
            ages: self.ages(&walk, &found),
            resolves: resolves(&walk),
            movement: Vec::new(),
            turned_noncompliant: 0,
            turned_compliant: found.resolved.len() as u64,
        };
        if self.witnesses.is_some() {
            part.movement = movement(&found);
        }
        let was = found.noncompliant.iter();
        part.turned_noncompliant = was
            .filter(|(_, _, before)| matches!(before, Before::Compliant))
            .count() as u64;
        let rows = Rows {
            maker: self,
            walk: &walk,
            resources: &resources,
        };
        part.lists = rows.lists(found);
        part
    }

    fn ages(&self, walk: &Walk, found: &Found) -> Vec<(Spot, AgeSum)> {
        let mut ages: Map<Spot, AgeSum> = Map::default();
        for (key, _, _) in &found.noncompliant {
            if let Some(interval) = walk.interval(key) {
                ages.entry(spot(*key)).or_default().add(interval, self.now);
            }
        }
        ages.into_iter().collect()
    }
}

fn resolves(walk: &Walk) -> Vec<(Spot, ResolveSum)> {
    let mut resolves: Map<Spot, ResolveSum> = Map::default();
    for resolution in &walk.resolutions {
        resolves.entry(spot(resolution.key)).or_default().add(resolution);
    }
    resolves.into_iter().collect()
}

fn movement(found: &Found) -> Vec<(Spot, Movement)> {
    let mut movement: Map<Spot, Movement> = Map::default();
    for (key, _, before) in &found.noncompliant {
        let movement = movement.entry(spot(*key)).or_default();
        match before {
            Before::Noncompliant => movement.still += 1,
            _ => movement.new += 1,
        }
    }
    for (key, _) in &found.resolved {
        movement.entry(spot(*key)).or_default().resolved += 1;
    }
    for (key, _, _) in &found.vanished {
        movement.entry(spot(*key)).or_default().vanished += 1;
    }
    movement.into_iter().collect()
}

/// Where a pair counts.
fn spot(key: Key) -> Spot {
    Spot {
        account: key.account,
        rule: key.rule,
        resource_type: key.resource_type,
    }
}

/// The rows of one account.
struct Rows<'a> {
    maker: &'a Maker<'a>,
    walk: &'a Walk,
    resources: &'a Interner,
}

impl Rows<'_> {
    /// Noncompliant, new, resolved and vanished.
    fn lists(&self, found: Found) -> [Vec<PairRow>; 4] {
        let noncompliant = found.noncompliant.into_iter().map(|(key, pair, before)| {
            let (before, cause) = self.before(before);
            PairRow {
                before,
                now: Some(ComplianceType::NonCompliant),
                cause,
                ..self.row(key, &pair.sources, pair.voice)
            }
        });
        let noncompliant = sorted(noncompliant.collect());
        let new = noncompliant.iter().filter(|row| row.cause.is_some());
        let new = new.cloned().collect();
        let resolved = found.resolved.into_iter().map(|(key, pair)| PairRow {
            before: Some(ComplianceType::NonCompliant),
            now: Some(ComplianceType::Compliant),
            cause: Some(Cause::TurnedCompliant),
            resolved_at: Some(timestamp(self.resolved_at(&key, pair.time))),
            ..self.row(key, &pair.sources, pair.voice)
        });
        let vanished = found.vanished.into_iter().map(|(key, pair, lack)| {
            let now = self.maker.witnesses.as_ref().map(|(_, now)| now);
            PairRow {
                before: Some(ComplianceType::NonCompliant),
                now: None,
                cause: now.map(|now| now.cause(&lack)),
                ..self.row(key, &pair.sources, Voice::default())
            }
        });
        let (resolved, vanished) = (sorted(resolved.collect()), sorted(vanished.collect()));
        [noncompliant, new, resolved, vanished]
    }

    /// The state at the baseline of a pair that is noncompliant now, and why it is new if it is.
    fn before(&self, before: Before) -> (Option<ComplianceType>, Option<Cause>) {
        match (before, &self.maker.witnesses) {
            (Before::Noncompliant, _) => (Some(ComplianceType::NonCompliant), None),
            (Before::Compliant, _) => (Some(ComplianceType::Compliant), Some(Cause::TurnedNoncompliant)),
            (Before::Absent(lack), Some((baseline, _))) => (None, Some(baseline.cause(&lack))),
            (Before::Absent(_) | Before::NoBaseline, _) => (None, None),
        }
    }

    fn resolved_at(&self, key: &Key, time: Option<i64>) -> i64 {
        let interval = self.walk.interval(key);
        let within = |time: &i64| self.maker.baseline_as_of < *time && *time <= self.maker.now;
        interval
            .and_then(|interval| interval.resolved_at)
            .or(time.filter(within))
            .unwrap_or(self.maker.now)
    }

    /// A row without its states.
    fn row(&self, key: Key, sources: &Sources, voice: Voice) -> PairRow {
        let codes = self.maker.codes;
        let interval = self.walk.interval(&key);
        PairRow {
            key: codes.pair_key(key, self.resources),
            account_name: self.maker.people.name(key.account),
            severity: self.maker.groups.severity(key.rule),
            config_rule_names: names(sources, codes),
            before: None,
            now: None,
            cause: None,
            noncompliant_since: interval.map(|interval| timestamp(interval.since)),
            since_at_least: interval.is_some_and(|interval| interval.at_least),
            resolved_at: None,
            result_recorded_time: voice.recorded.map(timestamp),
            annotation: voice.annotation,
            annotation_reused: voice.annotation_reused,
        }
    }
}

fn names(sources: &Sources, codes: &Codes) -> Vec<String> {
    let mut names: Vec<&str> = sources.iter().map(|(_, name)| codes.names.text(*name)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(str::to_owned).collect()
}

fn sorted(mut rows: Vec<PairRow>) -> Vec<PairRow> {
    rows.sort_unstable_by(|a, b| (rank(a), &a.key).cmp(&(rank(b), &b.key)));
    rows
}

/// A moment from milliseconds; what a damaged table may hold beyond the calendar becomes its end.
pub(crate) fn timestamp(milliseconds: i64) -> Timestamp {
    let end = if milliseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(milliseconds).unwrap_or(end)
}

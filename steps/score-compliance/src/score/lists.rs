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

use std::collections::HashMap;

use compliance::catalogue::Severity;
use compliance::evaluation::ComplianceType;
use compliance::scorecard::{Cause, Lists, PairRow};
use jiff::Timestamp;

use super::codes::{Codes, Key};
use super::delta::Delta;
use super::groups::Groups;
use super::history::{Compared, History};
use super::people::People;
use super::rows::{Pair, Voice};
use crate::ScoreError;

/// What every row is made from.
struct Maker<'a> {
    history: &'a History,
    groups: &'a Groups,
    people: &'a People,
    baseline_as_of: i64,
    now: i64,
}

/// Makes the lists; `resolved` are the pairs that were noncompliant at the baseline and are compliant now.
pub(crate) fn lists(
    history: &mut History,
    current: &Compared,
    delta: Option<&Delta>,
    groups: &Groups,
    people: &People,
    (baseline_as_of, now): (i64, i64),
) -> Result<Lists, ScoreError> {
    let resolved = match delta {
        Some(delta) => current.rows.find(delta.resolved.iter(), &mut history.codes)?,
        None => HashMap::new(),
    };
    let maker = Maker {
        history,
        groups,
        people,
        baseline_as_of,
        now,
    };
    let noncompliant = maker.noncompliant(&current.noncompliant, delta);
    let new = delta.map(|_| {
        noncompliant
            .iter()
            .filter(|row| row.cause.is_some())
            .cloned()
            .collect()
    });
    Ok(Lists {
        new: new.unwrap_or_default(),
        resolved: maker.resolved(&resolved),
        vanished: delta.map(|delta| maker.vanished(delta)).unwrap_or_default(),
        noncompliant,
        ..Lists::default()
    })
}

impl Maker<'_> {
    fn noncompliant(&self, pairs: &HashMap<Key, Pair>, delta: Option<&Delta>) -> Vec<PairRow> {
        let rows = pairs.iter().map(|(key, pair)| {
            let cause = delta.and_then(|delta| delta.new.get(key).copied());
            let before = match (delta, cause) {
                (None, _) => None,
                (Some(_), None) => Some(ComplianceType::NonCompliant),
                (Some(_), Some(Cause::TurnedNoncompliant)) => Some(ComplianceType::Compliant),
                (Some(_), Some(_)) => None,
            };
            PairRow {
                before,
                now: Some(ComplianceType::NonCompliant),
                cause,
                ..self.row(*key, pair, &pair.voice)
            }
        });
        sorted(rows.collect())
    }

    fn resolved(&self, pairs: &HashMap<Key, Pair>) -> Vec<PairRow> {
        let rows = pairs.iter().map(|(key, pair)| {
            let interval = self.history.walk.interval(key);
            let within = |time: &i64| self.baseline_as_of < *time && *time <= self.now;
            let resolved_at = interval
                .and_then(|interval| interval.resolved_at)
                .or(pair.time.filter(within))
                .unwrap_or(self.now);
            PairRow {
                before: Some(ComplianceType::NonCompliant),
                now: Some(ComplianceType::Compliant),
                cause: Some(Cause::TurnedCompliant),
                resolved_at: Some(timestamp(resolved_at)),
                ..self.row(*key, pair, &pair.voice)
            }
        });
        sorted(rows.collect())
    }

    fn vanished(&self, delta: &Delta) -> Vec<PairRow> {
        let rows = delta.vanished.iter().map(|(key, (pair, cause))| PairRow {
            before: Some(ComplianceType::NonCompliant),
            now: None,
            cause: Some(*cause),
            ..self.row(*key, pair, &Voice::default())
        });
        sorted(rows.collect())
    }

    /// A row without its states.
    fn row(&self, key: Key, pair: &Pair, voice: &Voice) -> PairRow {
        let codes = &self.history.codes;
        let interval = self.history.walk.interval(&key);
        PairRow {
            key: codes.pair_key(key),
            account_name: self.people.name(key.account),
            severity: self.groups.severity(key.rule),
            config_rule_names: names(pair, codes),
            before: None,
            now: None,
            cause: None,
            noncompliant_since: interval.map(|interval| timestamp(interval.since)),
            since_at_least: interval.is_some_and(|interval| interval.at_least),
            resolved_at: None,
            result_recorded_time: voice.recorded.map(timestamp),
            annotation: voice.annotation.clone(),
            annotation_reused: voice.annotation_reused,
            exception: None,
        }
    }
}

fn names(pair: &Pair, codes: &Codes) -> Vec<String> {
    let mut names: Vec<String> = pair
        .sources
        .iter()
        .map(|(_, name)| codes.names.text(*name).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn sorted(mut rows: Vec<PairRow>) -> Vec<PairRow> {
    rows.sort_by(|a, b| {
        let rank = |row: &PairRow| row.severity.unwrap_or(Severity::Medium);
        (rank(a), &a.key).cmp(&(rank(b), &b.key))
    });
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

//! The lists that the definitions give, pair by pair.

use std::collections::BTreeSet;

use compliance::Timestamp;
use compliance::evaluation::{ComplianceType, EvaluationResult, PairKey};
use compliance::scorecard::{Lists, PairRow};

use crate::card::Reference;
use crate::oracle::{End, Episode, cause, episodes, rank, state};

impl Reference<'_> {
    pub(crate) fn lists(&self) -> Lists {
        let mut lists = Lists::default();
        for key in self.keys() {
            let Some(row) = self.row(&key) else { continue };
            let (noncompliant, compliant) = (
                Some(ComplianceType::NonCompliant),
                Some(ComplianceType::Compliant),
            );
            match (self.before().is_some(), row.before, row.now) {
                (true, before, now) if now == noncompliant && before != noncompliant => {
                    lists.new.push(row.clone());
                }
                (true, before, now) if before == noncompliant && now == compliant => {
                    lists.resolved.push(row.clone());
                }
                (true, before, None) if before == noncompliant => lists.vanished.push(row.clone()),
                _ => {}
            }
            if row.now == noncompliant {
                lists.noncompliant.push(row);
            }
        }
        for list in [
            &mut lists.new,
            &mut lists.resolved,
            &mut lists.vanished,
            &mut lists.noncompliant,
        ] {
            list.sort_by(|a, b| (rank(a.severity), &a.key).cmp(&(rank(b.severity), &b.key)));
        }
        lists.repairs = self.repairs();
        lists.disagreements = self.merged_pairs(true);
        lists
    }

    /// The row of a pair that is or was noncompliant.
    pub(crate) fn row(&self, key: &PairKey) -> Option<PairRow> {
        let before = self.before().and_then(|before| before.state(key));
        let now = self.now().state(key);
        let noncompliant = Some(ComplianceType::NonCompliant);
        if before != noncompliant && now != noncompliant {
            return None;
        }
        let latest = *episodes(key, &self.snapshots).last()?;
        let present = self.now().pairs.get(key);
        let rows = present.or_else(|| self.before()?.pairs.get(key))?;
        let voice = present.map(|rows| voice(rows));
        let resolved = now == Some(ComplianceType::Compliant);
        let names: BTreeSet<&String> = rows.iter().map(|row| &row.config_rule_name).collect();
        Some(PairRow {
            key: key.clone(),
            account_name: self.name(&key.account_id),
            severity: self.severity(key),
            config_rule_names: names.into_iter().cloned().collect(),
            before,
            now,
            cause: self
                .before()
                .and_then(|before| cause(key, before, self.now(), &self.catalogue)),
            noncompliant_since: Some(moment(latest.since)),
            since_at_least: latest.at_least,
            resolved_at: resolved.then(|| moment(self.resolved_at(latest, rows))),
            result_recorded_time: voice
                .and_then(|row| row.result_recorded_time)
                .map(|time| moment(time.as_millisecond())),
            annotation: voice.and_then(|row| row.annotation.clone()),
            annotation_reused: voice.is_some_and(|row| row.annotation_reused),
            exception: (now == noncompliant).then(|| self.exception_of(key)).flatten(),
        })
    }

    fn resolved_at(&self, latest: Episode, rows: &[EvaluationResult]) -> i64 {
        let (from, to) = (self.before().expect("a baseline").as_of, self.now().as_of);
        match latest.end {
            End::Resolved(at) => at,
            _ => crate::oracle::result_time(rows)
                .filter(|time| from < *time && *time <= to)
                .unwrap_or(to),
        }
    }
}

/// The result that speaks for a pair.
fn voice(rows: &[EvaluationResult]) -> &EvaluationResult {
    let speaks = rows.iter().filter(|row| row.compliance_type == state(rows));
    speaks
        .min_by_key(|row| {
            (
                row.annotation.is_none(),
                row.config_rule_name.clone(),
                row.aws_region.clone(),
            )
        })
        .expect("a result")
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time")
}

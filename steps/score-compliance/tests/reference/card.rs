//! The scorecard and the lists that the definitions give, each number from the whole of the data.

use std::collections::BTreeSet;

use compliance::catalogue::{Catalogue, Severity};
use compliance::coverage::{Inventory, ScopeCoverage, SourceState};
use compliance::evaluation::{ComplianceType, PairKey};
use compliance::report::RunInputs;
use compliance::scorecard::*;
use compliance::settings::Settings;
use compliance::snapshot::SnapshotContext;

use crate::oracle::{End, Episode, Snapshot, cause, episodes, movement};

pub(crate) struct Reference<'a> {
    pub(crate) snapshots: Vec<Snapshot<'a>>,
    pub(crate) baseline: Option<usize>,
    pub(crate) inputs: &'a RunInputs,
    pub(crate) settings: &'a Settings,
    pub(crate) catalogue: Catalogue,
    pub(crate) context: SnapshotContext,
}

impl Reference<'_> {
    pub(crate) fn now(&self) -> &Snapshot<'_> {
        self.snapshots.last().expect("a snapshot")
    }

    pub(crate) fn before(&self) -> Option<&Snapshot<'_>> {
        self.baseline.map(|index| &self.snapshots[index])
    }

    /// Every pair of any snapshot read.
    pub(crate) fn keys(&self) -> BTreeSet<PairKey> {
        self.snapshots
            .iter()
            .flat_map(|snapshot| snapshot.pairs.keys().cloned())
            .collect()
    }

    pub(crate) fn severity(&self, key: &PairKey) -> Option<Severity> {
        self.catalogue.metadata(&key.rule).severity
    }

    pub(crate) fn unit(&self, account_id: &str) -> Option<String> {
        let contexts = [Some(self.now()), self.before()].into_iter().flatten();
        let mut known = contexts.flat_map(|snapshot| &snapshot.day.accounts);
        known
            .find(|account| account.account_id == account_id)?
            .organizational_unit
            .clone()
    }

    pub(crate) fn name(&self, account_id: &str) -> Option<String> {
        let set = self
            .settings
            .accounts
            .get(account_id)
            .and_then(|account| account.name.clone());
        let contexts = [Some(self.now()), self.before()].into_iter().flatten();
        let mut known = contexts.flat_map(|snapshot| &snapshot.day.accounts);
        set.or_else(|| {
            known
                .find(|account| account.account_id == account_id)?
                .name
                .clone()
        })
    }

    pub(crate) fn scores(&self, belongs: impl Fn(&PairKey) -> bool) -> Scores {
        self.now().scores(&self.catalogue, belongs)
    }

    /// Scores at the baseline, of a group that had a pair there.
    pub(crate) fn scores_before(&self, belongs: impl Fn(&PairKey) -> bool) -> Option<Scores> {
        let scores = self.before()?.scores(&self.catalogue, belongs);
        (scores.pairs.total() > 0).then_some(scores)
    }

    pub(crate) fn movement(&self, belongs: impl Fn(&PairKey) -> bool) -> Movement {
        let keys = self.keys();
        let keys = keys.iter().filter(|key| belongs(key));
        self.before()
            .map(|before| movement(before, self.now(), keys))
            .unwrap_or_default()
    }

    pub(crate) fn ages(&self, belongs: impl Fn(&PairKey) -> bool) -> Ages {
        let now = self.now().as_of;
        let open: Vec<Episode> = self
            .now()
            .noncompliant()
            .into_iter()
            .filter(|key| belongs(key))
            .map(|key| *episodes(key, &self.snapshots).last().expect("open"))
            .collect();
        let ages: Vec<i64> = open.iter().map(|episode| now - episode.since).collect();
        let mut classes = [0; 5];
        for age in &ages {
            let days = *age as f64 / 86_400_000.0;
            let class = match days {
                days if days < 1.0 => 0,
                days if days < 7.0 => 1,
                days if days < 30.0 => 2,
                days if days < 90.0 => 3,
                _ => 4,
            };
            classes[class] += 1;
        }
        Ages {
            open: ages.len() as u64,
            at_least: open.iter().filter(|episode| episode.at_least).count() as u64,
            classes,
            mean_seconds: mean(&ages),
            oldest_seconds: ages.iter().max().map(|age| *age as f64 / 1000.0),
        }
    }

    pub(crate) fn times_to_resolve(&self, belongs: impl Fn(&PairKey) -> bool) -> TimesToResolve {
        let mut times = Vec::new();
        let mut at_least = 0;
        for key in self.keys().iter().filter(|key| belongs(key)) {
            for episode in episodes(key, &self.snapshots) {
                if let End::Resolved(at) = episode.end {
                    times.push(at - episode.since);
                    at_least += u64::from(episode.at_least);
                }
            }
        }
        TimesToResolve {
            resolved: times.len() as u64,
            at_least,
            mean_seconds: mean(&times),
        }
    }

    /// Of the organization: complete when every scope is there, current and undisputed, and no region was skipped.
    fn completeness(&self) -> Completeness {
        let coverage = &self.context.coverage;
        let whole = coverage.regions_skipped.is_empty()
            && coverage.scopes.iter().all(|scope| {
                scope.missing.is_none()
                    && scope.missing_rules.is_empty()
                    && scope.source.state == SourceState::Succeeded
                    && scope.count_disagreements == 0
            });
        match coverage.scopes.iter().any(|scope| scope.missing.is_none()) {
            false => Completeness::Missing,
            true if whole => Completeness::Complete,
            true => Completeness::Partial,
        }
    }

    /// `found` lends what no definition gives: what a collection says of itself.
    pub(crate) fn scorecard(&self, found: &Scorecard) -> Scorecard {
        let all = |_: &PairKey| true;
        let organization_before = self.before().map(|before| before.scores(&self.catalogue, all));
        let rules = self.rules();
        Scorecard {
            schema: SCHEMA,
            run_id: self.inputs.run_id().expect("JSON"),
            kind: self.inputs.kind,
            as_of: self.inputs.as_of,
            title: "organization".to_owned(),
            simulation: self.inputs.origin.simulation.clone(),
            baseline: self.inputs.baseline.clone(),
            snapshots_read: self.snapshots.len() as u64,
            history_from: self.snapshots[0].day.as_of,
            organization: self.scores(all),
            completeness: self.completeness(),
            organization_before,
            change: organization_before
                .map(|before| decompose(before.pairs, self.scores(all).pairs, &self.causes())),
            movement: self.movement(all),
            trend: self.trend(),
            ages: self.ages(all),
            times_to_resolve: self.times_to_resolve(all),
            mean_time_to_detect_seconds: None,
            events: None,
            severities: self.severities(),
            accounts: self.accounts(),
            unrated_rules: self.unrated(),
            rules,
            resource_types: self.resource_types(),
            organizational_units: self.units(),
            controls: self.controls(),
            merged: self.merged(),
            fix_first: self.fix_first(),
            exceptions: self.exceptions(),
            reconciliation: self.reconciliation(&found.reconciliation),
            context: self.context.clone(),
            inputs: self.inputs.clone(),
        }
    }

    pub(crate) fn causes(&self) -> CauseCounts {
        let mut counts = CauseCounts::new();
        let Some(before) = self.before() else {
            return counts;
        };
        for key in self.keys() {
            let Some(cause) = cause(&key, before, self.now(), &self.catalogue) else {
                continue;
            };
            let compliant =
                |snapshot: &Snapshot<'_>| i64::from(snapshot.state(&key) == Some(ComplianceType::Compliant));
            let there = |snapshot: &Snapshot<'_>| i64::from(snapshot.state(&key).is_some());
            let (pairs, compliant_change, pairs_change) = counts.entry(cause).or_default();
            *pairs += 1;
            *compliant_change += compliant(self.now()) - compliant(before);
            *pairs_change += there(self.now()) - there(before);
        }
        counts
    }

    pub(crate) fn trend(&self) -> Trend {
        let mut points: Vec<TrendPoint> = Vec::new();
        let mut previous: Option<&Snapshot<'_>> = None;
        let keys = self.keys();
        for target in &self.inputs.trend {
            let snapshot = self.point(target.snapshot_id.as_deref());
            points.push(TrendPoint {
                target: target.target,
                snapshot_id: target.snapshot_id.clone(),
                as_of: snapshot.map(|snapshot| snapshot.day.as_of),
                scores: snapshot.map(|snapshot| snapshot.scores(&self.catalogue, |_| true)),
                movement: previous
                    .zip(snapshot)
                    .map(|(before, now)| movement(before, now, keys.iter())),
                scopes_missing: snapshot.map_or(0, |snapshot| {
                    snapshot
                        .day
                        .scopes
                        .iter()
                        .filter(|scope| scope.missing.is_some())
                        .count() as u64
                }),
            });
            previous = snapshot.or(previous);
        }
        let (direction, fitted_change) = self.fit(|_| true);
        Trend {
            points,
            direction,
            fitted_change,
        }
    }

    pub(crate) fn point(&self, id: Option<&str>) -> Option<&Snapshot<'_>> {
        self.snapshots
            .iter()
            .find(|snapshot| id == Some(snapshot.day.id().as_str()))
    }

    pub(crate) fn fit(&self, belongs: impl Fn(&PairKey) -> bool) -> (Direction, Option<f64>) {
        let points: Vec<(f64, f64)> = self
            .inputs
            .trend
            .iter()
            .filter_map(|target| {
                let snapshot = self.point(target.snapshot_id.as_deref())?;
                let score = snapshot.scores(&self.catalogue, &belongs).compliance_score?;
                Some(((snapshot.as_of - self.now().as_of) as f64 / 86_400_000.0, score))
            })
            .collect();
        let fitted = fitted_change(&points);
        (direction(fitted, 0.5), fitted)
    }

    pub(crate) fn severities(&self) -> Vec<SeverityScore> {
        let all = Severity::ALL.into_iter().map(Some).chain([None]);
        let score = |severity: Option<Severity>| {
            let belongs = |key: &PairKey| self.severity(key) == severity;
            let there = [Some(self.now()), self.before()].into_iter().flatten();
            let there = there.flat_map(|snapshot| snapshot.pairs.keys()).any(belongs);
            there.then(|| SeverityScore {
                severity,
                weight: match severity {
                    Some(Severity::Critical) => 10,
                    Some(Severity::High) => 5,
                    Some(Severity::Medium) | None => 2,
                    Some(Severity::Low) => 1,
                    Some(Severity::Informational) => 0,
                },
                rules: rules_of(self.now(), belongs).len() as u64,
                scores: self.scores(belongs),
                movement: self.movement(belongs),
                ages: self.ages(belongs),
                times_to_resolve: self.times_to_resolve(belongs),
            })
        };
        all.filter_map(score).collect()
    }

    pub(crate) fn accounts(&self) -> Vec<AccountScore> {
        let day = self.now().day;
        let of_scopes = day.scopes.iter().map(|scope| scope.source.account_id.clone());
        let ids: BTreeSet<String> = of_scopes.chain(day.expected_accounts.iter().cloned()).collect();
        let mut accounts: Vec<AccountScore> = ids.iter().map(|id| self.account(id)).collect();
        // Sorting is stable, and they are by id already.
        accounts.sort_by(|a, b| {
            let order = |account: &AccountScore| account.scores.compliance_score.unwrap_or(2.0);
            order(a).partial_cmp(&order(b)).expect("numbers")
        });
        accounts
    }

    pub(crate) fn account(&self, id: &str) -> AccountScore {
        let belongs = |key: &PairKey| key.account_id == id;
        let scopes: Vec<&ScopeCoverage> = self
            .now()
            .day
            .scopes
            .iter()
            .filter(|scope| scope.source.account_id == id)
            .collect();
        let collected: Vec<&&ScopeCoverage> = scopes.iter().filter(|scope| scope.missing.is_none()).collect();
        let flawed = |scope: &&ScopeCoverage| {
            scope.missing.is_some()
                || !scope.missing_rules.is_empty()
                || scope.source.state != SourceState::Succeeded
                || scope.count_disagreements > 0
        };
        let scores = self.scores(belongs);
        let before = self
            .before()
            .filter(|before| before.lists(id))
            .map(|before| before.scores(&self.catalogue, belongs));
        let trend = self.inputs.trend.iter().map(|target| {
            let snapshot = self.point(target.snapshot_id.as_deref())?;
            snapshot.scores(&self.catalogue, belongs).compliance_score
        });
        let (direction, fitted_change) = self.fit(belongs);
        AccountScore {
            account_id: id.to_owned(),
            name: self.name(id),
            organizational_unit: self.unit(id),
            completeness: match (collected.is_empty(), scopes.iter().any(flawed)) {
                (true, _) => Completeness::Missing,
                (false, true) => Completeness::Partial,
                (false, false) => Completeness::Complete,
            },
            scopes: scopes.len() as u64,
            scopes_collected: collected.len() as u64,
            scores,
            before,
            change: difference(scores, before),
            movement: self.movement(belongs),
            trend: trend.collect(),
            direction,
            fitted_change,
            ages: self.ages(belongs),
            times_to_resolve: self.times_to_resolve(belongs),
            rules_without_results: deployed_without(&collected).map(|deployed| {
                let rules: BTreeSet<String> = deployed
                    .into_iter()
                    .map(|(_, name)| self.catalogue.resolve(&name).rule)
                    .collect();
                let has_pair = |rule: &String| self.now().seen().any(|key| belongs(key) && key.rule == *rule);
                rules.iter().filter(|rule| !has_pair(rule)).count() as u64
            }),
        }
    }
}

pub(crate) fn rules_of(snapshot: &Snapshot<'_>, belongs: impl Fn(&PairKey) -> bool) -> BTreeSet<String> {
    snapshot
        .pairs
        .keys()
        .filter(|key| belongs(key))
        .map(|key| key.rule.clone())
        .collect()
}

/// Names deployed without results by scope; `None` unless every one of these scopes is known, and there is one.
pub(crate) fn deployed_without(collected: &[&&ScopeCoverage]) -> Option<Vec<((String, String), String)>> {
    let mut deployed = Vec::new();
    for scope in collected {
        let place = (scope.source.account_id.clone(), scope.source.aws_region.clone());
        match &scope.inventory {
            Inventory::Known { without_results, .. } => {
                deployed.extend(without_results.iter().map(|name| (place.clone(), name.clone())));
            }
            Inventory::NotKnowable(_) => return None,
        }
    }
    (!collected.is_empty()).then_some(deployed)
}

pub(crate) fn difference(now: Scores, before: Option<Scores>) -> Option<f64> {
    Some(now.compliance_score? - before?.compliance_score?)
}

pub(crate) fn mean(milliseconds: &[i64]) -> Option<f64> {
    let total: i64 = milliseconds.iter().sum();
    (!milliseconds.is_empty()).then(|| total as f64 / 1000.0 / milliseconds.len() as f64)
}

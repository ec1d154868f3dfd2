//! The scorecard and the lists that the definitions give, each number from the whole of the data.

use std::collections::{BTreeMap, BTreeSet};

use compliance::Timestamp;
use compliance::catalogue::{Catalogue, Severity};
use compliance::coverage::{Inventory, ScopeCoverage, SourceState};
use compliance::evaluation::{ComplianceType, EvaluationResult, PairKey};
use compliance::report::RunInputs;
use compliance::rule_name::Deployment;
use compliance::scorecard::*;
use compliance::settings::Settings;
use compliance::snapshot::SnapshotContext;

use crate::oracle::{End, Episode, Snapshot, cause, episodes, movement, rank, state};

pub struct Reference<'a> {
    pub snapshots: Vec<Snapshot<'a>>,
    pub baseline: Option<usize>,
    pub inputs: &'a RunInputs,
    pub settings: &'a Settings,
    pub catalogue: Catalogue,
    pub context: SnapshotContext,
}

impl Reference<'_> {
    fn now(&self) -> &Snapshot<'_> {
        self.snapshots.last().expect("a snapshot")
    }

    fn before(&self) -> Option<&Snapshot<'_>> {
        self.baseline.map(|index| &self.snapshots[index])
    }

    /// Every pair of any snapshot read.
    fn keys(&self) -> BTreeSet<PairKey> {
        self.snapshots
            .iter()
            .flat_map(|snapshot| snapshot.pairs.keys().cloned())
            .collect()
    }

    fn severity(&self, key: &PairKey) -> Option<Severity> {
        self.catalogue.metadata(&key.rule).severity
    }

    fn unit(&self, account_id: &str) -> Option<String> {
        let contexts = [Some(self.now()), self.before()].into_iter().flatten();
        let mut known = contexts.flat_map(|snapshot| &snapshot.day.accounts);
        known
            .find(|account| account.account_id == account_id)?
            .organizational_unit
            .clone()
    }

    fn name(&self, account_id: &str) -> Option<String> {
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

    fn scores(&self, belongs: impl Fn(&PairKey) -> bool) -> Scores {
        self.now().scores(&self.catalogue, belongs)
    }

    /// Scores at the baseline, of a group that had a pair there.
    fn scores_before(&self, belongs: impl Fn(&PairKey) -> bool) -> Option<Scores> {
        let scores = self.before()?.scores(&self.catalogue, belongs);
        (scores.pairs.total() > 0).then_some(scores)
    }

    fn movement(&self, belongs: impl Fn(&PairKey) -> bool) -> Movement {
        let keys = self.keys();
        let keys = keys.iter().filter(|key| belongs(key));
        self.before()
            .map(|before| movement(before, self.now(), keys))
            .unwrap_or_default()
    }

    fn ages(&self, belongs: impl Fn(&PairKey) -> bool) -> Ages {
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

    fn times_to_resolve(&self, belongs: impl Fn(&PairKey) -> bool) -> TimesToResolve {
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

    pub fn scorecard(&self) -> Scorecard {
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
            organization_before,
            change: organization_before
                .map(|before| decompose(before.pairs, self.scores(all).pairs, &self.causes())),
            movement: self.movement(all),
            trend: self.trend(),
            ages: self.ages(all),
            times_to_resolve: self.times_to_resolve(all),
            mean_time_to_detect_seconds: None,
            severities: self.severities(),
            accounts: self.accounts(),
            unrated_rules: self.unrated(),
            rules,
            resource_types: self.resource_types(),
            organizational_units: self.units(),
            controls: self.controls(),
            merged: self.merged(),
            context: self.context.clone(),
            inputs: self.inputs.clone(),
        }
    }

    pub fn causes(&self) -> CauseCounts {
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

    fn trend(&self) -> Trend {
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

    fn point(&self, id: Option<&str>) -> Option<&Snapshot<'_>> {
        self.snapshots
            .iter()
            .find(|snapshot| id == Some(snapshot.day.id().as_str()))
    }

    fn fit(&self, belongs: impl Fn(&PairKey) -> bool) -> (Direction, Option<f64>) {
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

    fn severities(&self) -> Vec<SeverityScore> {
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

    fn accounts(&self) -> Vec<AccountScore> {
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

    fn account(&self, id: &str) -> AccountScore {
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
                let has_pair = |rule: &String| rules_of(self.now(), belongs).contains(rule);
                rules.iter().filter(|rule| !has_pair(rule)).count() as u64
            }),
        }
    }

    fn names_of(&self, rule: &str) -> Vec<String> {
        let names = self.now().counted.iter().map(|row| row.config_rule_name.clone());
        let names: BTreeSet<String> = names
            .filter(|name| self.catalogue.resolve(name).rule == rule)
            .collect();
        names.into_iter().collect()
    }

    fn rules(&self) -> Vec<RuleScore> {
        let now = self.now();
        let mut rules: Vec<RuleScore> = rules_of(now, |_| true)
            .into_iter()
            .map(|rule| {
                let belongs = |key: &PairKey| key.rule == rule;
                let (scores, before) = (self.scores(belongs), self.scores_before(belongs));
                let accounts = |keys: &mut dyn Iterator<Item = &PairKey>| {
                    keys.map(|key| key.account_id.clone())
                        .collect::<BTreeSet<_>>()
                        .len() as u64
                };
                let packs: BTreeSet<String> = self
                    .names_of(&rule)
                    .iter()
                    .filter_map(|name| match self.catalogue.resolve(name).deployment {
                        Deployment::ConformancePack { .. } => Some("Operational".to_owned()),
                        _ => None,
                    })
                    .collect();
                let packs = if self.context.conformance_packs.is_empty() {
                    packs
                        .iter()
                        .map(|_| "conformance-pack-abc123".to_owned())
                        .collect()
                } else {
                    packs
                };
                RuleScore {
                    metadata: self.catalogue.metadata(&rule),
                    config_rule_names: self.names_of(&rule),
                    conformance_packs: packs.into_iter().collect(),
                    scores,
                    before,
                    change: difference(scores, before),
                    movement: self.movement(belongs),
                    accounts_noncompliant: accounts(
                        &mut now.noncompliant().into_iter().filter(|key| belongs(key)),
                    ),
                    accounts: accounts(&mut now.pairs.keys().filter(|key| belongs(key))),
                    scopes_without_results: self.scopes_without(&rule),
                }
            })
            .collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.scores.pairs.noncompliant));
        rules
    }

    fn scopes_without(&self, rule: &str) -> Option<u64> {
        let scopes: Vec<&ScopeCoverage> = self
            .now()
            .day
            .scopes
            .iter()
            .filter(|scope| scope.missing.is_none())
            .collect();
        let deployed = deployed_without(&scopes.iter().collect::<Vec<_>>())?;
        let of_rule = |name: &str| self.catalogue.resolve(name).rule == rule;
        let places: BTreeSet<(String, String)> = deployed
            .into_iter()
            .filter(|(_, name)| of_rule(name))
            .map(|(place, _)| place)
            .collect();
        let has_result = |(account, region): &(String, String)| {
            let mut rows = self.now().counted.iter();
            rows.any(|row| {
                row.account_id == *account && row.aws_region == *region && of_rule(&row.config_rule_name)
            })
        };
        Some(places.iter().filter(|place| !has_result(place)).count() as u64)
    }

    fn unrated(&self) -> Vec<String> {
        let unrated = |rule: &String| self.catalogue.metadata(rule).severity.is_none();
        rules_of(self.now(), |_| true)
            .into_iter()
            .filter(unrated)
            .collect()
    }

    fn group(&self, name: Option<String>, belongs: impl Fn(&PairKey) -> bool) -> GroupScore {
        let (scores, before) = (self.scores(&belongs), self.scores_before(&belongs));
        let accounts: BTreeSet<&String> = self
            .now()
            .pairs
            .keys()
            .filter(|key| belongs(key))
            .map(|key| &key.account_id)
            .collect();
        GroupScore {
            name,
            accounts: accounts.len() as u64,
            scores,
            before,
            change: difference(scores, before),
            movement: self.movement(&belongs),
        }
    }

    fn resource_types(&self) -> Vec<GroupScore> {
        let types: BTreeSet<&String> = self.now().pairs.keys().map(|key| &key.resource_type).collect();
        let mut types: Vec<GroupScore> = types
            .into_iter()
            .map(|name| self.group(Some(name.clone()), |key| key.resource_type == *name))
            .collect();
        types.sort_by_key(|group| std::cmp::Reverse(group.scores.pairs.noncompliant));
        types
    }

    fn units(&self) -> Vec<GroupScore> {
        let mut accounts: BTreeSet<String> = self
            .accounts()
            .into_iter()
            .map(|account| account.account_id)
            .collect();
        for snapshot in [Some(self.now()), self.before()].into_iter().flatten() {
            accounts.extend(snapshot.pairs.keys().map(|key| key.account_id.clone()));
        }
        let units: BTreeSet<Option<String>> = accounts.iter().map(|account| self.unit(account)).collect();
        let known = units.iter().filter(|unit| unit.is_some());
        known
            .chain(units.iter().filter(|unit| unit.is_none()))
            .map(|unit| self.group(unit.clone(), |key| self.unit(&key.account_id) == *unit))
            .collect()
    }

    fn controls(&self) -> Vec<ControlScore> {
        let managed: BTreeSet<String> = self
            .catalogue
            .managed_rules()
            .map(|rule| rule.rule.clone())
            .collect();
        let set = ["home-made".to_owned()];
        let mut controls = Vec::new();
        for framework in &self.settings.report.frameworks {
            let of = |rule: &String| {
                self.catalogue
                    .metadata(rule)
                    .controls
                    .get(framework)
                    .cloned()
                    .unwrap_or_default()
            };
            let mut mapped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for rule in managed.iter().chain(&set) {
                for control in of(rule) {
                    mapped.entry(control).or_default().insert(rule.clone());
                }
            }
            let present = rules_of(self.now(), |_| true);
            for (control, rules) in mapped {
                let belongs = |key: &PairKey| rules.contains(&key.rule);
                let (scores, before) = (self.scores(belongs), self.scores_before(belongs));
                controls.push(ControlScore {
                    framework: framework.clone(),
                    control,
                    rules: rules.intersection(&present).cloned().collect(),
                    rules_without_results: rules
                        .intersection(&managed)
                        .filter(|rule| !present.contains(*rule))
                        .count() as u64,
                    scores,
                    before,
                    change: difference(scores, before),
                });
            }
        }
        controls
    }

    fn merged(&self) -> Merged {
        let now = self.now();
        let mut merged = Merged {
            results: now.counted.len() as u64,
            pairs: now.pairs.len() as u64,
            ..Merged::default()
        };
        let mut by_rule: BTreeMap<&str, u64> = BTreeMap::new();
        for (key, rows) in &now.pairs {
            let names: BTreeSet<&str> = rows.iter().map(|row| row.config_rule_name.as_str()).collect();
            merged.global_duplicates += (rows.len() - names.len()) as u64;
            merged.name_duplicates += names.len() as u64 - 1;
            *by_rule.entry(&key.rule).or_default() += names.len() as u64 - 1;
            merged.disagreements += u64::from(
                rows.iter()
                    .any(|row| row.compliance_type != rows[0].compliance_type),
            );
        }
        let rules = by_rule.into_iter().filter(|(_, duplicates)| *duplicates > 0);
        merged.rules = rules
            .map(|(rule, duplicates)| MergedRule {
                rule: rule.to_owned(),
                config_rule_names: self.names_of(rule),
                duplicates,
            })
            .collect();
        merged
            .rules
            .sort_by_key(|rule| std::cmp::Reverse(rule.duplicates));
        merged
    }

    pub fn lists(&self) -> Lists {
        let mut lists = Lists::default();
        for key in self.keys() {
            let Some(row) = self.row(&key) else { continue };
            let (noncompliant, compliant) = (
                Some(ComplianceType::NonCompliant),
                Some(ComplianceType::Compliant),
            );
            match (self.before().is_some(), row.before, row.now) {
                (true, before, now) if now == noncompliant && before != noncompliant => {
                    lists.new.push(row.clone())
                }
                (true, before, now) if before == noncompliant && now == compliant => {
                    lists.resolved.push(row.clone())
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
        lists
    }

    /// The row of a pair that is or was noncompliant.
    fn row(&self, key: &PairKey) -> Option<PairRow> {
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

fn rules_of(snapshot: &Snapshot<'_>, belongs: impl Fn(&PairKey) -> bool) -> BTreeSet<String> {
    snapshot
        .pairs
        .keys()
        .filter(|key| belongs(key))
        .map(|key| key.rule.clone())
        .collect()
}

/// Names deployed without results by scope; `None` unless every one of these scopes is known, and there is one.
fn deployed_without(collected: &[&&ScopeCoverage]) -> Option<Vec<((String, String), String)>> {
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

fn difference(now: Scores, before: Option<Scores>) -> Option<f64> {
    Some(now.compliance_score? - before?.compliance_score?)
}

fn mean(milliseconds: &[i64]) -> Option<f64> {
    let total: i64 = milliseconds.iter().sum();
    (!milliseconds.is_empty()).then(|| total as f64 / 1000.0 / milliseconds.len() as f64)
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time")
}

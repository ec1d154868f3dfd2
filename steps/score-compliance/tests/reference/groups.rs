//! Rules, resource types, organizational units, controls and merges, as the definitions give them.

use std::collections::{BTreeMap, BTreeSet};

use compliance::coverage::ScopeCoverage;
use compliance::evaluation::{EvaluationResult, PairKey};
use compliance::rule_name::Deployment;
use compliance::scorecard::*;

use crate::card::{Reference, deployed_without, difference, rules_of};
use crate::oracle::{scope_of, was_read};

impl Reference<'_> {
    pub(crate) fn names_of(&self, rule: &str) -> Vec<String> {
        let names = self.now().counted.iter().map(|row| row.config_rule_name.clone());
        let names: BTreeSet<String> = names
            .filter(|name| self.catalogue.resolve(name).rule == rule)
            .collect();
        names.into_iter().collect()
    }

    pub(crate) fn rules(&self) -> Vec<RuleScore> {
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

    pub(crate) fn scopes_without(&self, rule: &str) -> Option<u64> {
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

    pub(crate) fn unrated(&self) -> Vec<String> {
        let unrated = |rule: &String| self.catalogue.metadata(rule).severity.is_none();
        rules_of(self.now(), |_| true)
            .into_iter()
            .filter(unrated)
            .collect()
    }

    pub(crate) fn group(&self, name: Option<String>, belongs: impl Fn(&PairKey) -> bool) -> GroupScore {
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

    pub(crate) fn resource_types(&self) -> Vec<GroupScore> {
        let types: BTreeSet<&String> = self.now().pairs.keys().map(|key| &key.resource_type).collect();
        let mut types: Vec<GroupScore> = types
            .into_iter()
            .map(|name| self.group(Some(name.clone()), |key| key.resource_type == *name))
            .collect();
        types.sort_by_key(|group| std::cmp::Reverse(group.scores.pairs.noncompliant));
        types
    }

    pub(crate) fn units(&self) -> Vec<GroupScore> {
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

    pub(crate) fn controls(&self) -> Vec<ControlScore> {
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

    pub(crate) fn merged(&self) -> Merged {
        let now = self.now();
        // What is not of a scope that is listed is in no snapshot.
        let in_snapshot = |row: &&EvaluationResult| scope_of(now.day, row).is_some();
        let rows: Vec<_> = now.day.rows.iter().filter(in_snapshot).collect();
        let mut merged = Merged {
            read: rows.len() as u64,
            not_collected: rows.iter().filter(|row| !was_read(now.day, row)).count() as u64,
            unknown: now.doubted.values().map(|rows| rows.len() as u64).sum(),
            example: self.example(),
            results: now.pairs.values().map(|rows| rows.len() as u64).sum(),
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
}

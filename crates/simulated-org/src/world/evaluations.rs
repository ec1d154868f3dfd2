//! The evaluation results of one account and region at a moment.

use std::collections::BTreeMap;

use compliance::evaluation::{ComplianceType, EvaluationResult};
use jiff::Timestamp;

use super::PARTITION;
use super::accounts::{SimulatedAccount, Upkeep};
use super::annotations::annotation;
use super::process::{Held, Pair};
use super::resources::{self, ACCOUNT, Place, Resource};
use super::rules::{Rule, Scheme};
use crate::moment::{HOUR, MINUTE, SECOND, timestamp};

/// A result and its `OrderingTimestamp`.
pub(super) type Evaluation = (EvaluationResult, Timestamp);

/// An account and region, and what is deployed there.
pub(super) struct Scope<'a> {
    pub(super) account: &'a SimulatedAccount,
    pub(super) region: &'a str,
    /// The first region, which always records global resources.
    pub(super) home: bool,
    /// Regional resources.
    pub(super) slots: i64,
    /// The account records `AWS::Config::ResourceCompliance`.
    pub(super) records: bool,
    pub(super) deployed: &'a [&'a Rule],
    /// Rules removed not long ago.
    pub(super) removed: Vec<&'a Rule>,
}

impl Scope<'_> {
    /// All results at a moment, in no particular order.
    pub(super) fn evaluations(&self, at: i64) -> Vec<Evaluation> {
        let mut by_type: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in self.deployed {
            for resource_type in &rule.types {
                by_type.entry(resource_type).or_default().push(rule);
            }
        }
        let mut all = Vec::new();
        for resource in self.resources(at) {
            if let Some(rules) = by_type.get(resource.resource_type) {
                all.extend(self.of_resource(&resource, rules, at));
            }
        }
        all
    }

    fn resources(&self, at: i64) -> Vec<Resource> {
        let place = Place {
            partition: PARTITION,
            account_id: &self.account.account_id,
            account_key: self.account.key,
            account_index: self.account.index,
            region: self.region,
        };
        // Sandboxes are small; the other accounts differ in size.
        let share = match self.account.joined {
            Some(_) => 0.2,
            None => 0.6 + 0.8 * self.account.key.text("size").unit(),
        };
        let slots = ((self.slots as f64 * share) as i64).max(self.slots.min(1));
        let mut found: Vec<Resource> = resources::regional(place, slots, at).collect();
        // One account in three records global resources in every region.
        if self.home || self.account.index % 3 == 0 {
            found.extend(resources::global(place, (self.slots / 5).clamp(0, 8), at));
        }
        found.push(resources::account(place));
        found
    }

    /// The results of one resource, all with the capture time of its `ResourceCompliance` item.
    fn of_resource(&self, resource: &Resource, rules: &[&Rule], at: i64) -> Vec<Evaluation> {
        let held: Vec<(&Rule, Pair, Held)> = rules
            .iter()
            .filter_map(|rule| {
                let pair = self.pair(resource, rule);
                Some((*rule, pair, self.held(resource, rule, pair, at)?))
            })
            .collect();
        let removals = self
            .removed
            .iter()
            .filter(|rule| rule.types.iter().any(|name| name == resource.resource_type))
            .filter_map(|rule| rule.ends())
            .filter(|end| *end > resource.created);
        let captured = held.iter().map(|(_, _, held)| held.since).chain(removals).max();
        let captured = captured.filter(|_| self.records).map(timestamp);
        held.into_iter()
            .map(|(rule, pair, held)| self.result(resource, rule, pair, held, captured))
            .collect()
    }

    fn pair(&self, resource: &Resource, rule: &Rule) -> Pair {
        let restless = rule.restless && resource.resource_type == ACCOUNT && self.account.index % 10 == 0;
        Pair {
            key: resource.key.text(&rule.normal),
            upkeep: match self.account.upkeep {
                // The account itself is judged by few rules; it does not drift.
                Upkeep::Drifting { .. } if resource.resource_type == ACCOUNT => Upkeep::Level(0.1),
                upkeep => upkeep,
            },
            difficulty: rule.difficulty,
            restless,
        }
    }

    /// The state of a pair, or `None` before its first evaluation.
    fn held(&self, resource: &Resource, rule: &Rule, pair: Pair, at: i64) -> Option<Held> {
        let begins = [rule.begins(), self.account.joined]
            .into_iter()
            .flatten()
            .fold(resource.created, i64::max);
        // What has always been there was first evaluated long ago.
        let begins = if begins == i64::MIN { FIRST_RULES } else { begins };
        let first = begins + pair.key.text("first").between(2 * MINUTE, 40 * MINUTE);
        let lag = self.lag(resource, rule, pair);
        if at < first + lag {
            return None;
        }
        let held = pair.held(at - lag, first);
        Some(Held {
            since: held.since + lag,
            ..held
        })
    }

    /// The second name of a rule and the further regions of a global resource follow later, so that for a while
    /// they disagree with the first.
    fn lag(&self, resource: &Resource, rule: &Rule, pair: Pair) -> i64 {
        let scheme = match rule.scheme {
            Scheme::SecurityHub => pair.key.text("hub").below(11 * HOUR),
            Scheme::Pack(_) => pair.key.text("pack").below(20 * MINUTE),
            _ => 0,
        };
        let region = if resource.global && !self.home {
            pair.key.text(self.region).below(7 * HOUR)
        } else {
            0
        };
        scheme + region
    }

    fn result(
        &self,
        resource: &Resource,
        rule: &Rule,
        pair: Pair,
        held: Held,
        captured: Option<Timestamp>,
    ) -> Evaluation {
        let key = pair.key.number(held.since);
        let invoked = held.since - key.text("evaluated").between(SECOND, 40 * SECOND);
        let ordered = invoked - key.text("ordered").below(MINUTE);
        let noncompliant = held.compliance_type == ComplianceType::NonCompliant;
        let result = EvaluationResult {
            account_id: self.account.account_id.clone(),
            aws_region: self.region.to_owned(),
            config_rule_name: rule.name(self.account.key, self.region),
            resource_type: resource.resource_type.to_owned(),
            resource_id: resource.resource_id.clone(),
            compliance_type: held.compliance_type,
            result_recorded_time: Some(timestamp(held.since)),
            config_rule_invoked_time: Some(timestamp(invoked)),
            configuration_item_capture_time: captured,
            annotation: if noncompliant {
                annotation(&rule.normal, pair.key)
            } else {
                None
            },
            annotation_reused: false,
        };
        (result, timestamp(ordered))
    }
}

/// 2024-03-01: before it nothing was evaluated, unless the resource was created earlier.
const FIRST_RULES: i64 = 1_709_251_200_000;

//! Results and coverage of a shard, in order.

use std::collections::{BTreeMap, BTreeSet};

use compliance::collection::{PlannedScope, Shard, ShardResults};
use compliance::coverage::{Gap, Inventory, Method, MissingRule, ScopeCoverage, SourceState, SourceStatus};
use compliance::evaluation::EvaluationResult;

use crate::collect::Collected;
use crate::decide::Scope;
use crate::inventory::{Deployed, Inventories};
use crate::merge::Outcome;

/// Puts a shard together.
pub(crate) fn shard(shard: &Shard, mut collected: Collected, mut inventory: Inventories) -> ShardResults {
    let mut listed = listed_names(shard);
    let mut results = Vec::new();
    let mut scopes = Vec::with_capacity(shard.scopes.len());
    for planned in &shard.scopes {
        let key: Scope = (
            planned.source.account_id.clone(),
            planned.source.aws_region.clone(),
        );
        let parts = Parts {
            method: collected.methods.get(&key).copied(),
            outcomes: collected.outcomes.remove(&key).unwrap_or_default(),
            listed: listed.remove(&key).unwrap_or_default(),
            deployed: inventory.deployed.remove(&key),
        };
        scopes.push(scope(planned, parts, &mut results));
    }
    results.sort();
    ShardResults {
        index: shard.index,
        results,
        scopes,
        conformance_packs: inventory.packs,
        results_ignored: collected.ignored,
        planned_calls: collected.planned_calls,
    }
}

/// Rules the listing says have results, by scope.
fn listed_names(shard: &Shard) -> BTreeMap<Scope, BTreeSet<String>> {
    let mut listed: BTreeMap<Scope, BTreeSet<String>> = BTreeMap::new();
    for rule in &shard.rules_with_results {
        let scope = (rule.account_id.clone(), rule.aws_region.clone());
        listed
            .entry(scope)
            .or_default()
            .insert(rule.config_rule_name.clone());
    }
    listed
}

struct Parts {
    method: Option<Method>,
    outcomes: BTreeMap<String, Outcome>,
    listed: BTreeSet<String>,
    deployed: Option<Deployed>,
}

fn scope(planned: &PlannedScope, parts: Parts, results: &mut Vec<EvaluationResult>) -> ScopeCoverage {
    let mut missing_rules = Vec::new();
    let (mut annotations_missing, mut count_disagreements, mut rules) = (0, 0, 0);
    let mut answered = false;
    let mut with_results = parts.listed;
    let before = results.len();
    for (config_rule_name, outcome) in parts.outcomes {
        answered |= outcome.answered;
        count_disagreements += u64::from(outcome.disagrees);
        if let Some(gap) = outcome.missing {
            missing_rules.push(MissingRule {
                config_rule_name,
                gap,
            });
            continue;
        }
        annotations_missing += outcome.annotations_missing;
        rules += u64::from(!outcome.rows.is_empty());
        results.extend(outcome.rows.into_values());
        with_results.insert(config_rule_name);
    }
    let collected = (results.len() - before) as u64;
    let missing = match source_gap(&planned.source) {
        Some(gap) => Some(gap),
        None if answered => None,
        None => unread(&mut missing_rules),
    };
    ScopeCoverage {
        source: planned.source.clone(),
        expected: planned.expected,
        method: parts.method.filter(|_| missing.is_none()),
        results: collected,
        rules,
        inventory: known_rules(parts.deployed, &with_results, &planned.source),
        missing,
        missing_rules,
        annotations_missing,
        count_disagreements,
    }
}

/// A scope of which no rule could be read is missing as a whole, for the reason of its first rule.
fn unread(missing_rules: &mut Vec<MissingRule>) -> Option<Gap> {
    let gap = missing_rules.first().map(|rule| rule.gap.clone())?;
    missing_rules.clear();
    Some(gap)
}

/// Why nothing of a source counts, if so.
fn source_gap(source: &SourceStatus) -> Option<Gap> {
    let (account_id, aws_region) = (&source.account_id, &source.aws_region);
    match source.state {
        SourceState::Succeeded | SourceState::Outdated => None,
        SourceState::Failed => {
            let said = match (&source.error_code, &source.error_message) {
                (Some(code), Some(message)) => format!(": {code} ({message})"),
                (Some(one), None) | (None, Some(one)) => format!(": {one}"),
                (None, None) => String::new(),
            };
            Some(Gap {
                code: "Coverage.SourceFailed".to_owned(),
                reason: format!("the aggregator could not update account {account_id} {aws_region}{said}"),
            })
        }
        SourceState::Absent => Some(Gap {
            code: "Coverage.SourceAbsent".to_owned(),
            reason: format!(
                "account {account_id} {aws_region} is expected, but the aggregator does not list it as a source"
            ),
        }),
    }
}

fn known_rules(
    deployed: Option<Deployed>,
    with_results: &BTreeSet<String>,
    source: &SourceStatus,
) -> Inventory {
    match (deployed, source_gap(source)) {
        (Some(Ok(names)), _) => Inventory::Known {
            rules: names.len() as u64,
            without_results: names
                .into_iter()
                .filter(|name| !with_results.contains(name))
                .collect(),
        },
        (Some(Err(gap)), _) | (None, Some(gap)) => Inventory::NotKnowable(gap),
        (None, None) => Inventory::NotKnowable(Gap {
            code: "Coverage.InventoryNotConfigured".to_owned(),
            reason: "no role that reads the rules deployed in member accounts is set \
                     (collection.rule_inventory_role)"
                .to_owned(),
        }),
    }
}

//! Which (account, region) scopes a collection has.

use std::collections::BTreeSet;

use compliance::collection::PlannedScope;
use compliance::coverage::{SourceState, SourceStatus};
use compliance::evaluation::RuleCompliance;

use crate::expectations::Expected;

/// Sources sorted, one per (account, region): if a source is listed twice, the worse state counts.
pub(crate) fn tidy(mut sources: Vec<SourceStatus>) -> Vec<SourceStatus> {
    let key = |source: &SourceStatus| (source.account_id.clone(), source.aws_region.clone());
    // States are ordered from good to bad; the reversed sort puts the worst first, which dedup keeps.
    sources.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| b.cmp(a)));
    sources.dedup_by(|b, a| key(a) == key(b));
    sources
}

/// Rules sorted, one per (account, region, rule): if a rule is listed twice, the noncompliant or higher count counts.
pub(crate) fn tidy_rules(mut rules: Vec<RuleCompliance>) -> Vec<RuleCompliance> {
    let key = |rule: &RuleCompliance| {
        (
            rule.account_id.clone(),
            rule.aws_region.clone(),
            rule.config_rule_name.clone(),
        )
    };
    rules.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| b.cmp(a)));
    rules.dedup_by(|b, a| key(a) == key(b));
    rules
}

/// Rules of scopes that are no source: results the aggregator still holds of accounts that left.
pub(crate) fn unplaced(rules: &[RuleCompliance], sources: &[SourceStatus]) -> u64 {
    let scopes: BTreeSet<(&str, &str)> = sources
        .iter()
        .map(|source| (source.account_id.as_str(), source.aws_region.as_str()))
        .collect();
    let strays = rules
        .iter()
        .filter(|rule| !scopes.contains(&(rule.account_id.as_str(), rule.aws_region.as_str())));
    strays.count() as u64
}

/// Every scope returned, and every scope expected but absent, sorted.
///
/// A scope is expected for each expected account in each expected region that at least one source returned. An
/// expected region that *no* source returned is listed as skipped and has no scopes: nothing tells whether any
/// account was ever recorded there, and counting it once for each account would drown what is missing elsewhere.
pub(crate) fn plan(sources: Vec<SourceStatus>, expected: &Expected) -> Vec<PlannedScope> {
    let is_expected: BTreeSet<&str> = expected.expected_accounts.iter().map(String::as_str).collect();
    let listed: BTreeSet<(String, String)> = sources
        .iter()
        .map(|source| (source.account_id.clone(), source.aws_region.clone()))
        .collect();
    let skipped: BTreeSet<&str> = expected.regions_skipped.iter().map(String::as_str).collect();
    let regions: Vec<&str> = expected
        .expected_regions
        .iter()
        .map(String::as_str)
        .filter(|region| !skipped.contains(region))
        .collect();
    let mut scopes: Vec<PlannedScope> = Vec::with_capacity(sources.len());
    for account_id in &expected.expected_accounts {
        for region in &regions {
            if !listed.contains(&(account_id.clone(), (*region).to_owned())) {
                scopes.push(absent(account_id, region));
            }
        }
    }
    scopes.extend(sources.into_iter().map(|source| PlannedScope {
        expected: is_expected.contains(source.account_id.as_str()),
        source,
    }));
    scopes.sort();
    scopes
}

fn absent(account_id: &str, aws_region: &str) -> PlannedScope {
    PlannedScope {
        source: SourceStatus {
            account_id: account_id.to_owned(),
            aws_region: aws_region.to_owned(),
            state: SourceState::Absent,
            last_update_time: None,
            error_code: None,
            error_message: None,
        },
        expected: true,
    }
}

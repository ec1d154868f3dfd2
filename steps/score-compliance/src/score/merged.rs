//! What counting once has merged, as the scorecard tells it.

use compliance::scorecard::{Merged, MergedRule};

use super::codes::Codes;
use super::history::Compared;
use super::rules::names_by_rule;

/// The merges of the present snapshot. A merged rule's names are all it has results under.
pub(crate) fn merged(current: &Compared, codes: &Codes) -> Merged {
    let merges = &current.merges;
    let names = names_by_rule(current, codes);
    let mut rules: Vec<MergedRule> = merges
        .names
        .iter()
        .map(|(rule, duplicates)| MergedRule {
            rule: codes.rules.text(*rule).to_owned(),
            config_rule_names: names.get(rule).cloned().unwrap_or_default(),
            duplicates: *duplicates,
        })
        .collect();
    rules.sort_by(|a, b| b.duplicates.cmp(&a.duplicates).then_with(|| a.rule.cmp(&b.rule)));
    let counts = &current.tallies.pairs;
    Merged {
        results: merges.results,
        pairs: counts
            .iter()
            .map(|count| count.compliant + count.noncompliant)
            .sum(),
        global_duplicates: merges.global,
        name_duplicates: merges.names.values().sum(),
        disagreements: merges.disagreements,
        rules,
    }
}

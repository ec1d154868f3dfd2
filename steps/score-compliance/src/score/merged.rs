//! What counting once has merged, as the scorecard tells it.

use compliance::scorecard::{Merged, MergedRule};

use super::codes::Codes;
use super::history::Compared;
use super::rules::names_by_rule;
use super::tally::Merges;
use crate::ScoreError;

/// The merges of the present snapshot. A merged rule's names are all it has results under.
pub(crate) fn merged(current: &Compared, codes: &Codes) -> Result<Merged, ScoreError> {
    let merges = Merges::count(&current.rows)?;
    let names = names_by_rule(&current.rows, codes)?;
    let mut rules: Vec<MergedRule> = merges
        .names
        .iter()
        .map(|&(rule, duplicates)| MergedRule {
            rule: codes.rules.text(rule).to_owned(),
            config_rule_names: names.get(&rule).cloned().unwrap_or_default(),
            duplicates,
        })
        .collect();
    rules.sort_by(|a, b| b.duplicates.cmp(&a.duplicates).then_with(|| a.rule.cmp(&b.rule)));
    let counts = &current.tallies.pairs;
    let (results, unknown) = (current.rows.count(), current.rows.count_unknown());
    Ok(Merged {
        read: current.results_read,
        not_collected: current.results_read.saturating_sub(results + unknown),
        unknown,
        results,
        pairs: counts
            .iter()
            .map(|count| count.compliant + count.noncompliant)
            .sum(),
        global_duplicates: merges.global,
        name_duplicates: merges.names.iter().map(|(_, duplicates)| duplicates).sum(),
        disagreements: merges.disagreements,
        rules,
        example: None,
    })
}

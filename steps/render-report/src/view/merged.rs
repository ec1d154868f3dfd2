//! What was counted once and why, from results to pairs.

use compliance::evaluation::{ComplianceType, GLOBAL};
use compliance::scorecard::{Lists, Merged, MergedPair, Scorecard};
use compliance::text as format;
use serde::Serialize;

use super::coverage::schemes;
use super::text;

/// Disagreements shown; `merged.csv` has all.
const SHOWN: usize = 10;

#[derive(Debug, Clone, Serialize)]
pub(super) struct MergedSection {
    intro: String,
    example: Option<String>,
    rules: Vec<RuleRow>,
    disagreements_intro: String,
    disagreements: Vec<PairOfResults>,
    steps: Vec<Step>,
    balances: Vec<BalanceRow>,
}

/// A pair and what each of its results says.
#[derive(Debug, Clone, Serialize)]
struct PairOfResults {
    rule: String,
    resource: String,
    resource_type: String,
    account: String,
    results: Vec<ResultRow>,
}

#[derive(Debug, Clone, Serialize)]
struct ResultRow {
    name: String,
    region: String,
    state: &'static str,
    noncompliant: bool,
}

#[derive(Debug, Clone, Serialize)]
struct RuleRow {
    rule: String,
    names: Vec<String>,
    duplicates: String,
}

/// A line of the sum from results to pairs.
#[derive(Debug, Clone, Serialize)]
struct Step {
    what: &'static str,
    count: String,
    total: bool,
}

#[derive(Debug, Clone, Serialize)]
struct BalanceRow {
    what: String,
    expected: String,
    counted: String,
    passes: bool,
}

pub(super) fn section(scorecard: &Scorecard, lists: &Lists) -> MergedSection {
    let merged = &scorecard.merged;
    MergedSection {
        intro: intro(merged),
        example: example(merged),
        rules: rules(merged),
        disagreements_intro: disagreements_intro(lists),
        disagreements: lists.disagreements.iter().take(SHOWN).map(results_of).collect(),
        steps: steps(merged),
        balances: scorecard
            .reconciliation
            .iter()
            .map(|balance| BalanceRow {
                what: balance.what.clone(),
                expected: format::count(balance.expected),
                counted: format::count(balance.counted),
                passes: balance.passes(),
            })
            .collect(),
    }
}

fn intro(merged: &Merged) -> String {
    format!(
        "One rule is often deployed under several names, and a global resource is recorded in every region that \
         records it. What judges one resource by one rule is one pair, counted once; if its results disagree, \
         noncompliant wins. {} became {}: {} merged because a global resource was recorded in several regions, {} \
         because one rule is deployed under several names. The results of {} disagreed.",
        format::plural(merged.results, "result", "results"),
        format::plural(merged.pairs, "pair", "pairs"),
        format::count(merged.global_duplicates),
        format::count(merged.name_duplicates),
        format::plural(merged.disagreements, "pair", "pairs"),
    )
}

fn disagreements_intro(lists: &Lists) -> String {
    let all = lists.disagreements.len();
    match all {
        0 => "No pair has results that disagree.".to_owned(),
        all if all > SHOWN => format!(
            "{SHOWN} of {}; every result of all of them is in merged.csv.",
            format::plural(all as u64, "pair", "pairs")
        ),
        all => format!(
            "{}; every result is in merged.csv too.",
            format::plural(all as u64, "pair", "pairs")
        ),
    }
}

fn results_of(pair: &MergedPair) -> PairOfResults {
    PairOfResults {
        rule: text::shown(&pair.key.rule),
        resource: text::shown(&pair.key.resource_id),
        resource_type: text::shown(&pair.key.resource_type),
        account: text::shown(pair.account_name.as_deref().unwrap_or(&pair.key.account_id)),
        results: pair
            .results
            .iter()
            .map(|result| ResultRow {
                name: text::shown(&result.config_rule_name),
                region: text::shown(&result.aws_region),
                state: match result.compliance_type {
                    ComplianceType::Compliant => "compliant",
                    ComplianceType::NonCompliant => "noncompliant",
                },
                noncompliant: result.compliance_type == ComplianceType::NonCompliant,
            })
            .collect(),
    }
}

/// The example; where results were merged and none is at hand, why.
fn example(merged: &Merged) -> Option<String> {
    let compliant = || {
        let none = "No noncompliant pair has several results.".to_owned();
        (merged.results > merged.pairs).then_some(none)
    };
    merged.example.as_ref().map(sentence).or_else(compliant)
}

/// `AWS::S3::Bucket logs in payments was judged under 3 names of the rule …, and counts once, as noncompliant.`
fn sentence(pair: &MergedPair) -> String {
    let distinct = |part: fn(&compliance::scorecard::MergedResult) -> &str| {
        let parts: std::collections::BTreeSet<&str> = pair.results.iter().map(part).collect();
        parts.len() as u64
    };
    let names = distinct(|result| &result.config_rule_name);
    let mut by = format!(
        "under {} of the rule {}",
        format::plural(names, "name", "names"),
        text::shown(&pair.key.rule)
    );
    if pair.key.aws_region == GLOBAL {
        let regions = distinct(|result| &result.aws_region);
        by.push_str(&format!(", in {}", format::plural(regions, "region", "regions")));
    }
    let outcome = if pair.disagrees() {
        "they disagree, so it is noncompliant"
    } else {
        "they agree that it is noncompliant"
    };
    format!(
        "For example, {} {} in {} was judged {by}: {} that count once; {outcome}.",
        text::shown(&pair.key.resource_type),
        text::shown(&pair.key.resource_id),
        text::shown(pair.account_name.as_deref().unwrap_or(&pair.key.account_id)),
        format::plural(pair.results.len() as u64, "result", "results"),
    )
}

fn rules(merged: &Merged) -> Vec<RuleRow> {
    merged
        .rules
        .iter()
        .map(|rule| RuleRow {
            rule: text::shown(&rule.rule),
            names: schemes(rule.config_rule_names.iter().map(String::as_str)),
            duplicates: format::count(rule.duplicates),
        })
        .collect()
}

fn steps(merged: &Merged) -> Vec<Step> {
    let step = |what, count, total| Step {
        what,
        count: format::count(count),
        total,
    };
    let less = |what, count| Step {
        what,
        count: format!("\u{2212}{}", format::count(count)),
        total: false,
    };
    vec![
        step("Results in the snapshot", merged.read, false),
        less("of scopes or rules that were not collected", merged.not_collected),
        less(
            "of pairs that are unknown, as another of their results was not read",
            merged.unknown,
        ),
        step("Results that count", merged.results, true),
        less(
            "merged: a global resource recorded in several regions",
            merged.global_duplicates,
        ),
        less(
            "merged: one rule deployed under several names",
            merged.name_duplicates,
        ),
        step("Pairs", merged.pairs, true),
    ]
}

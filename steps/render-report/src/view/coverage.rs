//! What the report knows and does not know.

use std::collections::{BTreeMap, BTreeSet};

use compliance::coverage::{Coverage, Expectation, Gap, Inventory, Method, ScopeCoverage, SourceState};
use compliance::report::{LeftOut, PeriodEvents};
use compliance::rule_name::{self, Deployment};
use compliance::scorecard::Scorecard;
use compliance::text as format;
use serde::Serialize;

use super::text;

#[derive(Debug, Clone, Serialize)]
pub(super) struct CoverageSection {
    complete: bool,
    expectation: String,
    /// Sources by state, and what each means for the numbers.
    states: Vec<StateRow>,
    facts: Vec<Fact>,
    missing: Vec<MissingRow>,
    outdated: Vec<OutdatedRow>,
    missing_rules: Vec<MissingRuleRow>,
    inventory: String,
    without_results: Vec<WithoutResultsRow>,
    not_knowable: Vec<ReasonRow>,
    unrated: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct StateRow {
    state: &'static str,
    scopes: String,
    meaning: &'static str,
}

/// A named statement.
#[derive(Debug, Clone, Serialize)]
struct Fact {
    what: &'static str,
    value: String,
}

#[derive(Debug, Clone, Serialize)]
struct MissingRow {
    account: String,
    region: String,
    state: &'static str,
    code: String,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct OutdatedRow {
    account: String,
    region: String,
    last_update: String,
    error: String,
}

#[derive(Debug, Clone, Serialize)]
struct MissingRuleRow {
    account: String,
    region: String,
    rule: String,
    code: String,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct WithoutResultsRow {
    rule: String,
    names: String,
    deployments: String,
}

#[derive(Debug, Clone, Serialize)]
struct ReasonRow {
    code: String,
    reason: String,
    scopes: String,
}

pub(super) fn section(scorecard: &Scorecard) -> CoverageSection {
    let coverage = &scorecard.context.coverage;
    CoverageSection {
        complete: coverage.is_complete() && !coverage.scopes.is_empty(),
        expectation: expectation(coverage),
        states: states(coverage),
        facts: facts(coverage)
            .into_iter()
            .chain(left_out(scorecard))
            .chain(events(scorecard))
            .collect(),
        missing: coverage.scopes.iter().filter_map(missing_row).collect(),
        outdated: coverage.scopes.iter().filter_map(outdated_row).collect(),
        missing_rules: coverage.scopes.iter().flat_map(missing_rule_rows).collect(),
        inventory: inventory(coverage),
        without_results: without_results(coverage),
        not_knowable: not_knowable(coverage),
        unrated: scorecard
            .unrated_rules
            .iter()
            .map(|rule| text::shown(rule))
            .collect(),
    }
}

fn expectation(coverage: &Coverage) -> String {
    let accounts = format::plural(
        coverage.expected_accounts.len() as u64,
        "account is",
        "accounts are",
    );
    let mut out = match coverage.expectation {
        Expectation::Settings => format!("{accounts} expected, as listed in the settings."),
        Expectation::Organizations => {
            format!("{accounts} expected: the active accounts of AWS Organizations.")
        }
        Expectation::Aggregator => format!("{accounts} expected: those the aggregator lists."),
        Expectation::SourcesOnly => format!(
            "{accounts} expected, known only from the aggregator's own sources: an account that vanished from the \
             aggregator would not be noticed. Let AWS Organizations be read, or list the accounts in the settings."
        ),
    };
    if let Some(gap) = &coverage.organizations_gap {
        out.push_str(&format!(
            " AWS Organizations could not be read ({}: {}).",
            text::shown(&gap.code),
            text::shown(gap.reason.trim_end_matches('.'))
        ));
    }
    out
}

fn state(state: SourceState) -> &'static str {
    match state {
        SourceState::Succeeded => "SUCCEEDED",
        SourceState::Outdated => "OUTDATED",
        SourceState::Failed => "FAILED",
        SourceState::Absent => "absent",
    }
}

fn states(coverage: &Coverage) -> Vec<StateRow> {
    [
        (SourceState::Succeeded, "The source's last update succeeded."),
        (
            SourceState::Outdated,
            "Its results count, but are not of the last update.",
        ),
        (
            SourceState::Failed,
            "Not aggregated: its scope is missing and nothing of it counts.",
        ),
        (
            SourceState::Absent,
            "Expected, but not among the aggregator's sources: missing.",
        ),
    ]
    .into_iter()
    .map(|(one, meaning)| {
        let scopes = coverage.scopes.iter().filter(|scope| scope.source.state == one);
        StateRow {
            state: state(one),
            scopes: format::count(scopes.count() as u64),
            meaning,
        }
    })
    .collect()
}

/// Earlier snapshots that are missing from the trend and the comparison, when there are any.
fn left_out(scorecard: &Scorecard) -> Option<Fact> {
    let sentences: Vec<String> = scorecard.inputs.left_out.iter().map(LeftOut::sentence).collect();
    (!sentences.is_empty()).then(|| Fact {
        what: "Earlier snapshots not used",
        value: sentences.join("; "),
    })
}

/// Whether events were read, where there is a table of them that has some.
fn events(scorecard: &Scorecard) -> Option<Fact> {
    let value = match scorecard.inputs.events.as_ref()? {
        PeriodEvents::Unread(gap) => text::shown(&format!("not known ({}: {})", gap.code, gap.reason)),
        PeriodEvents::Extract(_) => format::count(scorecard.events.as_ref()?.events),
    };
    Some(Fact {
        what: "Events of the period",
        value,
    })
}

fn facts(coverage: &Coverage) -> Vec<Fact> {
    let sum = |part: fn(&ScopeCoverage) -> u64| format::count(coverage.scopes.iter().map(part).sum());
    let read_by = |method| {
        let scopes = coverage
            .scopes
            .iter()
            .filter(|scope| scope.method == Some(method));
        format::plural(scopes.count() as u64, "scope", "scopes")
    };
    let list = |names: &[String], none: &str| match names {
        [] => none.to_owned(),
        names => text::shown(&names.join(", ")),
    };
    let fact = |what, value| Fact { what, value };
    vec![
        fact(
            "Scopes collected",
            format!(
                "{} of {}",
                format::count(coverage.scopes_collected()),
                format::count(coverage.scopes_total())
            ),
        ),
        fact("Regions expected", list(&coverage.expected_regions, "not stated")),
        fact(
            "Regions no source returned",
            list(&coverage.regions_skipped, "none"),
        ),
        fact(
            "Accounts returned but not expected",
            list(&coverage.unexpected_accounts, "none"),
        ),
        fact(
            "How results were read",
            format!(
                "{} by ResourceCompliance query, {} by rule details",
                read_by(Method::ResourceCompliance),
                read_by(Method::Details)
            ),
        ),
        fact("Annotations not readable", sum(|scope| scope.annotations_missing)),
        fact(
            "Rules whose two counts disagreed",
            sum(|scope| scope.count_disagreements),
        ),
        fact(
            "Results of FAILED sources, ignored",
            format::count(coverage.results_ignored),
        ),
    ]
}

fn missing_row(scope: &ScopeCoverage) -> Option<MissingRow> {
    let gap = scope.missing.as_ref()?;
    Some(MissingRow {
        account: text::shown(&scope.source.account_id),
        region: text::shown_narrow(&scope.source.aws_region),
        state: state(scope.source.state),
        code: text::shown(&gap.code),
        reason: text::shown(&gap.reason),
    })
}

fn outdated_row(scope: &ScopeCoverage) -> Option<OutdatedRow> {
    let source = &scope.source;
    (source.state == SourceState::Outdated).then(|| OutdatedRow {
        account: text::shown(&source.account_id),
        region: text::shown_narrow(&source.aws_region),
        last_update: source
            .last_update_time
            .map_or("not stated".to_owned(), format::minute),
        error: text::shown(
            &[&source.error_code, &source.error_message]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(": "),
        ),
    })
}

fn missing_rule_rows(scope: &ScopeCoverage) -> impl Iterator<Item = MissingRuleRow> {
    scope.missing_rules.iter().map(|missing| MissingRuleRow {
        account: text::shown(&scope.source.account_id),
        region: text::shown_narrow(&scope.source.aws_region),
        rule: text::shown(&missing.config_rule_name),
        code: text::shown(&missing.gap.code),
        reason: text::shown(&missing.gap.reason),
    })
}

fn inventory(coverage: &Coverage) -> String {
    let (mut known, mut rules, mut without) = (0, 0, 0);
    for scope in &coverage.scopes {
        if let Inventory::Known {
            rules: deployed,
            without_results,
        } = &scope.inventory
        {
            known += 1;
            rules += deployed;
            without += without_results.len() as u64;
        }
    }
    let total = coverage.scopes_total();
    if known == 0 {
        return "Which rules have no results is not knowable: the rule inventory of no account and region could be \
                read. An aggregator leaves out rules without results; a role in the member accounts that may call \
                config:DescribeConfigRules makes them known."
            .to_owned();
    }
    format!(
        "The rule inventory is known for {} of {}: {} deployed there, {} of them without results. {}",
        format::count(known),
        format::plural(total, "scope", "scopes"),
        format::plural(rules, "rule", "rules"),
        format::count(without),
        if known < total {
            "For the others it is not knowable."
        } else {
            ""
        }
    )
}

/// By rule, not by deployed name: Security Hub and conformance packs name a rule anew in every account and region.
fn without_results(coverage: &Coverage) -> Vec<WithoutResultsRow> {
    let mut of_rule: BTreeMap<&str, (BTreeSet<&str>, u64)> = BTreeMap::new();
    for scope in &coverage.scopes {
        if let Inventory::Known { without_results, .. } = &scope.inventory {
            for name in without_results {
                let (names, deployments) = of_rule.entry(rule_name::parse(name).0).or_default();
                names.insert(name);
                *deployments += 1;
            }
        }
    }
    of_rule
        .into_iter()
        .map(|(rule, (names, deployments))| WithoutResultsRow {
            rule: text::shown(rule),
            names: schemes(names.into_iter()).join("; "),
            deployments: format::count(deployments),
        })
        .collect()
}

/// The names of one rule, told by how they were deployed: a single name in full, several counted with an example.
pub(super) fn schemes<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut by_scheme: BTreeMap<u8, (&'static str, Vec<&str>)> = BTreeMap::new();
    for name in names {
        let (order, scheme) = match rule_name::parse(name).1 {
            Deployment::Plain => (0, "plain names"),
            Deployment::ConformancePack { .. } => (1, "names in conformance packs"),
            Deployment::SecurityHub => (2, "names of Security Hub"),
            Deployment::OrganizationRule => (3, "names of organization rules"),
        };
        by_scheme
            .entry(order)
            .or_insert((scheme, Vec::new()))
            .1
            .push(name);
    }
    by_scheme
        .into_values()
        .map(|(scheme, names)| match names.as_slice() {
            [only] => text::shown(only),
            [first, ..] => format!(
                "{} {scheme}, such as {}",
                format::count(names.len() as u64),
                text::shown(first)
            ),
            [] => String::new(),
        })
        .collect()
}

fn not_knowable(coverage: &Coverage) -> Vec<ReasonRow> {
    let mut scopes_of: BTreeMap<&Gap, u64> = BTreeMap::new();
    for scope in &coverage.scopes {
        if let Inventory::NotKnowable(gap) = &scope.inventory {
            *scopes_of.entry(gap).or_default() += 1;
        }
    }
    scopes_of
        .into_iter()
        .map(|(gap, scopes)| ReasonRow {
            code: text::shown(&gap.code),
            reason: text::shown(&gap.reason),
            scopes: format::count(scopes),
        })
        .collect()
}

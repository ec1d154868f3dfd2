//! What has to be asked of each rule: a pure decision over what the query and the listing said.

use std::collections::{BTreeMap, BTreeSet};

use compliance::collection::Shard;
use compliance::coverage::{Method, SourceState};
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};

use crate::known::Known;

/// (account, region).
pub(crate) type Scope = (String, String);

/// Rows of the query for one rule, by (resource type, resource id).
pub(crate) type Rows = BTreeMap<(String, String), EvaluationResult>;

/// What the query gave, by scope and rule; rows of scopes that do not count are counted, not kept.
#[derive(Debug, Default)]
pub(crate) struct Queried {
    pub(crate) rows: BTreeMap<Scope, BTreeMap<String, Rows>>,
    pub(crate) ignored: u64,
}

/// A source whose results count.
pub(crate) fn counts(state: SourceState) -> bool {
    matches!(state, SourceState::Succeeded | SourceState::Outdated)
}

/// The scopes of the shard whose results count.
pub(crate) fn readable(shard: &Shard) -> BTreeSet<Scope> {
    let readable = shard.scopes.iter().filter(|scope| counts(scope.source.state));
    readable
        .map(|scope| (scope.source.account_id.clone(), scope.source.aws_region.clone()))
        .collect()
}

impl Queried {
    /// Sorts rows by scope and rule. If a pair comes twice, noncompliant wins, then the later capture.
    pub(crate) fn new(rows: Vec<EvaluationResult>, readable: &BTreeSet<Scope>) -> Self {
        let mut queried = Self::default();
        for row in rows {
            let scope = (row.account_id.clone(), row.aws_region.clone());
            if !readable.contains(&scope) {
                queried.ignored += 1;
                continue;
            }
            let rules = queried.rows.entry(scope).or_default();
            let rows = rules.entry(row.config_rule_name.clone()).or_default();
            keep_worse(rows, row);
        }
        queried
    }
}

/// Keeps a result unless a worse or later one of the same pair is there.
pub(crate) fn keep_worse(rows: &mut Rows, row: EvaluationResult) {
    // Compared whole, so that what is kept does not depend on the order of rows: noncompliant is the greater, then
    // the later.
    let rank = |row: &EvaluationResult| {
        (
            row.compliance_type,
            row.result_recorded_time,
            row.configuration_item_capture_time,
            row.clone(),
        )
    };
    let key = (row.resource_type.clone(), row.resource_id.clone());
    match rows.get(&key) {
        Some(kept) if rank(kept) >= rank(&row) => {}
        _ => {
            rows.insert(key, row);
        }
    }
}

/// What is asked of a rule in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Nothing: every pair is known, annotations included.
    Nothing,
    /// Its noncompliant results, for annotations and times.
    Noncompliant,
    /// All its results: the query has none, or fewer noncompliant ones than the listing states.
    All,
}

impl Ask {
    /// The compliance type the details are narrowed to.
    pub(crate) fn only(self) -> Option<ComplianceType> {
        (self == Self::Noncompliant).then_some(ComplianceType::NonCompliant)
    }
}

/// A rule of a scope, with all that is known before its details are asked for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) scope: Scope,
    pub(crate) config_rule_name: String,
    /// The listing's word; `None` when it does not list the rule.
    pub(crate) listed: Option<RuleCompliance>,
    pub(crate) rows: Rows,
    pub(crate) ask: Ask,
    /// The query and the listing disagree.
    pub(crate) disagrees: bool,
}

/// Tasks and the method of each scope that has any, in order.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub(crate) tasks: Vec<Task>,
    pub(crate) methods: BTreeMap<Scope, Method>,
}

/// Decides for every rule listed or queried in a readable scope.
pub(crate) fn decide(shard: &Shard, readable: &BTreeSet<Scope>, queried: Queried, known: &Known) -> Decision {
    let mut listed: BTreeMap<Scope, BTreeMap<String, RuleCompliance>> = BTreeMap::new();
    for rule in &shard.rules_with_results {
        let scope = (rule.account_id.clone(), rule.aws_region.clone());
        if readable.contains(&scope) {
            let rules = listed.entry(scope).or_default();
            rules.insert(rule.config_rule_name.clone(), rule.clone());
        }
    }
    let mut rows = queried.rows;
    let mut decision = Decision::default();
    for scope in readable {
        let listed = listed.remove(scope).unwrap_or_default();
        let rows = rows.remove(scope).unwrap_or_default();
        if listed.is_empty() && rows.is_empty() {
            continue;
        }
        let method = if rows.is_empty() {
            Method::Details
        } else {
            Method::ResourceCompliance
        };
        decision.methods.insert(scope.clone(), method);
        decision.tasks.extend(tasks(scope, listed, rows, method, known));
    }
    decision
}

fn tasks(
    scope: &Scope,
    mut listed: BTreeMap<String, RuleCompliance>,
    mut rows: BTreeMap<String, Rows>,
    method: Method,
    known: &Known,
) -> Vec<Task> {
    let names: BTreeSet<String> = listed.keys().chain(rows.keys()).cloned().collect();
    let task = |name: String| {
        let listed = listed.remove(&name);
        let rows = rows.remove(&name).unwrap_or_default();
        let disagrees = method == Method::ResourceCompliance && disagree(listed.as_ref(), &rows);
        Task {
            ask: ask(listed.as_ref(), &rows, disagrees, known),
            scope: scope.clone(),
            config_rule_name: name,
            listed,
            rows,
            disagrees,
        }
    };
    names.into_iter().map(task).collect()
}

fn ask(listed: Option<&RuleCompliance>, rows: &Rows, disagrees: bool, known: &Known) -> Ask {
    // Where the query is behind the listing, nothing tells which of its rows are, nor which it lacks.
    if rows.is_empty() || noncompliant(rows) < stated(listed) {
        return Ask::All;
    }
    let mut noncompliant = rows
        .values()
        .filter(|row| row.compliance_type == ComplianceType::NonCompliant)
        .peekable();
    if noncompliant.peek().is_none() {
        return Ask::Nothing;
    }
    let all_known = noncompliant.all(|row| known.of(row).is_some());
    // Where the query counts more than the listing, what is known from earlier may not hold any more.
    if all_known && !(disagrees && stated(listed) > 0) {
        return Ask::Nothing;
    }
    Ask::Noncompliant
}

/// The least number of noncompliant results that the listing states.
pub(crate) fn stated(listed: Option<&RuleCompliance>) -> u64 {
    match listed {
        Some(listed) if listed.compliance_type == ComplianceType::NonCompliant => {
            let capped = u64::from(listed.capped_count.unwrap_or_default());
            (capped + u64::from(listed.cap_exceeded)).max(1)
        }
        _ => 0,
    }
}

/// Whether the listing and the rows of a rule count its noncompliant resources differently.
pub(crate) fn disagree(listed: Option<&RuleCompliance>, rows: &Rows) -> bool {
    let Some(listed) = listed else { return true };
    if rows.is_empty() {
        return true;
    }
    let count = noncompliant(rows);
    match listed.compliance_type {
        ComplianceType::Compliant => count > 0,
        ComplianceType::NonCompliant if count == 0 => true,
        ComplianceType::NonCompliant => match listed.capped_count {
            Some(capped) if listed.cap_exceeded => count <= u64::from(capped),
            Some(capped) => count != u64::from(capped),
            None => false,
        },
    }
}

/// How many rows are noncompliant.
pub(crate) fn noncompliant(rows: &Rows) -> u64 {
    let noncompliant = rows
        .values()
        .filter(|row| row.compliance_type == ComplianceType::NonCompliant);
    noncompliant.count() as u64
}

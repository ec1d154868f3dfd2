//! Asks: the query first, then the details that are needed, a bounded number at once.

use std::collections::{BTreeMap, BTreeSet};

use compliance::collection::Shard;
use compliance::coverage::Method;
use compliance::evaluation::EvaluationResult;
use compliance::ports::{EvaluationSource, PortError, PortErrorKind, RuleScope};
use compliance::progress::Progress;
use futures_util::stream::{self, StreamExt};

use crate::decide::{self, Ask, Queried, Scope, Task};
use crate::known::Known;
use crate::merge::{Details, Outcome, merge};

/// What a shard's calls brought.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) methods: BTreeMap<Scope, Method>,
    /// By scope and rule.
    pub(crate) outcomes: BTreeMap<Scope, BTreeMap<String, Outcome>>,
    pub(crate) ignored: u64,
    pub(crate) planned_calls: u64,
}

/// Collects a shard.
///
/// # Errors
/// Only when credentials are missing: nothing else would succeed either.
pub(crate) async fn shard(
    shard: &Shard,
    known: &Known,
    concurrency: usize,
    source: &impl EvaluationSource,
    progress: &dyn Progress,
    stage: &str,
) -> Result<Collected, PortError> {
    let readable = decide::readable(shard);
    progress.begin(stage, units(shard, &readable));
    let query = query(shard, &readable, source).await?;
    let queried = Queried::new(query.rows, &readable);
    let ignored = queried.ignored;
    let decision = decide::decide(shard, &readable, queried, known);
    let methods = decision.methods;
    let aggregator = shard.aggregator.as_str();
    let mut answers = stream::iter(decision.tasks)
        .map(|task| details(aggregator, task, source))
        .buffer_unordered(concurrency);
    let mut outcomes: BTreeMap<Scope, BTreeMap<String, Outcome>> = BTreeMap::new();
    let mut planned_calls = query.planned_calls;
    while let Some(answer) = answers.next().await {
        let (task, details) = answer?;
        let (scope, name, listed) = (
            task.scope.clone(),
            task.config_rule_name.clone(),
            task.listed.is_some(),
        );
        let outcome = merge(task, details, known);
        planned_calls += outcome.planned_calls;
        outcomes.entry(scope).or_default().insert(name, outcome);
        if listed {
            progress.advance(1);
        }
    }
    Ok(Collected {
        methods,
        outcomes,
        ignored,
        planned_calls,
    })
}

/// Rules listed in readable scopes: the units of work that are known before anything is asked.
fn units(shard: &Shard, readable: &BTreeSet<Scope>) -> u64 {
    let rules = shard
        .rules_with_results
        .iter()
        .filter(|rule| readable.contains(&(rule.account_id.clone(), rule.aws_region.clone())));
    rules.count() as u64
}

struct Query {
    rows: Vec<EvaluationResult>,
    planned_calls: u64,
}

/// Queries every account that has a readable scope. A query that fails is answered by the details of every rule of
/// the shard, which shows as their method.
async fn query(
    shard: &Shard,
    readable: &BTreeSet<Scope>,
    source: &impl EvaluationSource,
) -> Result<Query, PortError> {
    let accounts: BTreeSet<&String> = readable.iter().map(|(account_id, _)| account_id).collect();
    let accounts: Vec<String> = accounts.into_iter().cloned().collect();
    if !shard.resource_compliance || accounts.is_empty() {
        return Ok(Query {
            rows: Vec::new(),
            planned_calls: 0,
        });
    }
    let rows = match source.resource_compliance(&shard.aggregator, &accounts).await {
        Err(error) if error.kind == PortErrorKind::Credentials => return Err(error),
        Err(_) => Vec::new(),
        Ok(rows) => rows,
    };
    Ok(Query {
        planned_calls: pages(resources(&rows)),
        rows,
    })
}

/// Resources of the rows: the query has one row for each, whatever the number of its rules.
fn resources(rows: &[EvaluationResult]) -> u64 {
    let resources: BTreeSet<(&str, &str, &str, &str)> = rows
        .iter()
        .map(|row| {
            (
                row.account_id.as_str(),
                row.aws_region.as_str(),
                row.resource_type.as_str(),
                row.resource_id.as_str(),
            )
        })
        .collect();
    resources.len() as u64
}

/// Pages of 100; an empty answer takes a call, too.
fn pages(rows: u64) -> u64 {
    rows.div_ceil(100).max(1)
}

async fn details(
    aggregator: &str,
    task: Task,
    source: &impl EvaluationSource,
) -> Result<(Task, Details), PortError> {
    if task.ask == Ask::Nothing {
        return Ok((task, Details::NotAsked));
    }
    let scope = RuleScope {
        account_id: &task.scope.0,
        aws_region: &task.scope.1,
        config_rule_name: &task.config_rule_name,
    };
    let details = match source
        .compliance_details(aggregator, scope, task.ask.only())
        .await
    {
        Ok(results) => Details::Answered(results),
        Err(error) if error.kind == PortErrorKind::Credentials => return Err(error),
        Err(error) => Details::Failed(error.gap()),
    };
    Ok((task, details))
}

//! Sample scorecards: small organizations whose numbers agree with each other, and cases at the edges.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared by several tests and the example"
)]

use std::collections::{BTreeMap, BTreeSet};

use compliance::Timestamp;
use compliance::catalogue::{Catalogue, RuleMetadata, Severity};
use compliance::coverage::{
    Coverage, Expectation, Gap, Inventory, Method, MissingRule, ScopeCoverage, SourceState, SourceStatus,
};
use compliance::evaluation::{ComplianceType, GLOBAL, PairKey, is_global};
use compliance::exceptions::*;
use compliance::fix_first::*;
use compliance::hash::sha256_hex;
use compliance::organization::{Account, Aggregator};
use compliance::report::{Predecessor, ReportKind, RunInputs, TrendTarget};
use compliance::scorecard::*;
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, Origin, SnapshotContext, SnapshotRef};
use jiff::SignedDuration;
use render_report::RenderInput;

mod advice;
pub(crate) mod cases;
mod events;
mod groups;
mod inputs;

use groups::*;
use inputs::*;

/// How large an organization is, and what befell it.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) accounts: usize,
    pub(crate) rules: usize,
    pub(crate) resources: usize,
    pub(crate) kind: ReportKind,
    pub(crate) first_run: bool,
    pub(crate) simulation: Option<String>,
    pub(crate) missing_scopes: bool,
    /// Of how many dice throws one hundred decide an event: 100 is a usual day, more is calmer.
    pub(crate) calm: u64,
    /// Exactly this many new pairs; none leaves it to the dice.
    pub(crate) new: Option<usize>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            accounts: 12,
            rules: 42,
            resources: 3,
            kind: ReportKind::Daily,
            first_run: false,
            simulation: Some("Seed 7, 12 accounts, 3 regions, 42 rules.".to_owned()),
            missing_scopes: false,
            calm: 100,
            new: None,
        }
    }
}

const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];
const NAMES: [&str; 12] = [
    "payments-production",
    "payments-staging",
    "data-platform",
    "identity",
    "log-archive",
    "web-frontend-production",
    "web-frontend-staging",
    "machine-learning",
    "sandbox-alice",
    "network-hub",
    "customer-support-tools",
    "legacy-billing",
];
const UNITS: [&str; 4] = [
    "Root/Workloads/Production",
    "Root/Workloads/Staging",
    "Root/Security",
    "Root/Sandbox",
];

/// A pair with its state at the baseline and now.
pub(crate) struct Pair {
    pub(crate) account: usize,
    pub(crate) rule: usize,
    pub(crate) region: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) before: Option<bool>,
    pub(crate) now: Option<bool>,
    pub(crate) cause: Option<Cause>,
    pub(crate) age_days: f64,
}

pub(crate) fn as_of() -> Timestamp {
    "2026-11-21T06:00:00Z".parse().unwrap()
}

fn days_before(days: f64) -> Timestamp {
    as_of() - SignedDuration::from_secs((days * 86_400.0) as i64)
}

/// A number that looks random and is not.
fn dice(parts: &[usize]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |hash, part| {
        let mixed = (hash ^ *part as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }) >> 16
}

pub(crate) fn account_id(index: usize) -> String {
    format!("{:012}", 104_300_217_000_u64 + 7_919 * index as u64)
}

pub(crate) fn account_name(index: usize) -> Option<String> {
    let name = NAMES[index % NAMES.len()];
    (index % 11 != 10).then(|| {
        if index < 12 {
            name.to_owned()
        } else {
            format!("{name}-{}", index / 12)
        }
    })
}

/// Rules of the built-in catalogue with guidance first, and two custom ones.
pub(crate) fn rules(count: usize) -> Vec<RuleMetadata> {
    let catalogue = Catalogue::new(&Settings::default()).unwrap();
    let mut rules: Vec<_> = catalogue.managed_rules().cloned().collect();
    rules.sort_by_key(|rule| {
        (
            rule.guidance.is_none(),
            rule.severity.is_none(),
            dice(&[rule.rule.len(), rule.rule.bytes().map(usize::from).sum()]),
        )
    });
    rules.truncate(count.saturating_sub(2));
    rules.push(catalogue.metadata("acme-approved-images-only"));
    rules.push(catalogue.metadata("acme-tagging-standard"));
    rules.truncate(count);
    rules
}

fn pairs(shape: &Shape, rules: &[RuleMetadata]) -> Vec<Pair> {
    let mut out = Vec::new();
    for account in 0..shape.accounts {
        for (index, rule) in rules.iter().enumerate() {
            for number in 0..(dice(&[account, index]) as usize % (shape.resources * 2)) {
                out.push(pair(shape, account, index, number, rule));
            }
        }
    }
    if let Some(new) = shape.new {
        turn_noncompliant(&mut out, new);
    }
    out
}

/// Lets compliant pairs turn until as many are new as wanted; a few rules in a few accounts are hit most.
fn turn_noncompliant(pairs: &mut [Pair], wanted: usize) {
    let missing = wanted - pairs.iter().filter(|pair| is_new(pair)).count();
    let mut compliant: Vec<&mut Pair> = pairs
        .iter_mut()
        .filter(|pair| (pair.before, pair.now) == (Some(true), Some(true)))
        .collect();
    compliant.sort_by_key(|pair| {
        let struck = pair.rule % 9 == 2 && pair.account % 4 == 1;
        (!struck, dice(&[pair.account, pair.rule, pair.resource_id.len()]))
    });
    for (index, pair) in compliant.into_iter().take(missing).enumerate() {
        pair.now = Some(false);
        pair.cause = Some(Cause::TurnedNoncompliant);
        pair.age_days = 0.01 + (index % 900) as f64 / 1000.0;
    }
}

fn pair(shape: &Shape, account: usize, index: usize, number: usize, rule: &RuleMetadata) -> Pair {
    let roll = dice(&[account, index, number, 5]);
    let resource_type = rule
        .resource_types
        .first()
        .map_or("AWS::::Account", String::as_str)
        .to_owned();
    let region = if is_global(&resource_type) {
        GLOBAL
    } else {
        REGIONS[roll as usize % 3]
    };
    let violated = roll % 100 < 8 + 3 * (account as u64 % 7) + (index as u64 % 5) * 2;
    let event = dice(&[account, index, number, 9]) % shape.calm;
    let (before, now, cause) = match (violated, event) {
        _ if shape.first_run => (None, Some(!violated), None),
        (true, 0..=5) => (Some(true), Some(false), Some(Cause::TurnedNoncompliant)),
        (true, 6..=7) => (None, Some(false), Some(Cause::ResourceAdded)),
        (true, 8..=11) => (Some(false), Some(true), Some(Cause::TurnedCompliant)),
        (true, 12..=13) => (Some(false), None, Some(Cause::ResourceDeleted)),
        (false, 0..=1) => (None, Some(true), Some(Cause::ResourceAdded)),
        (false, 2) => (Some(true), None, Some(Cause::ResourceDeleted)),
        _ => (Some(!violated), Some(!violated), None),
    };
    let age = dice(&[account, index, number, 3]) % 1000;
    Pair {
        account,
        rule: index,
        region: region.to_owned(),
        resource_id: resource_id(&resource_type, account, index, number),
        resource_type,
        before,
        now,
        cause,
        age_days: if before == Some(false) {
            1.2 + age as f64 / 9.0
        } else {
            0.01 + age as f64 / 1100.0
        },
    }
}

fn resource_id(resource_type: &str, account: usize, index: usize, number: usize) -> String {
    let hex = sha256_hex(format!("{account}/{index}/{number}").as_bytes());
    match resource_type {
        "AWS::S3::Bucket" => format!("acme-{}-assets-{}", NAMES[account % 12], &hex[..6]),
        "AWS::IAM::User" | "AWS::IAM::Role" | "AWS::IAM::Policy" => {
            format!("AIDA{}", hex[..17].to_uppercase())
        }
        "AWS::ElasticLoadBalancingV2::LoadBalancer" | "AWS::Lambda::Function" => format!(
            "arn:aws:elasticloadbalancing:eu-central-1:{}:loadbalancer/app/{}-ingress/{}",
            account_id(account),
            NAMES[account % 12],
            &hex[..16]
        ),
        "AWS::::Account" => account_id(account),
        _ => format!("i-{}", &hex[..17]),
    }
}

fn is_new(pair: &Pair) -> bool {
    pair.now == Some(false) && pair.before != Some(false)
}

/// Scores, movement, ages of a set of pairs.
fn row(pair: &Pair, rules: &[RuleMetadata]) -> PairRow {
    let state = |state: Option<bool>| {
        state.map(|compliant| {
            if compliant {
                ComplianceType::Compliant
            } else {
                ComplianceType::NonCompliant
            }
        })
    };
    let since = days_before(pair.age_days);
    PairRow {
        key: PairKey {
            account_id: account_id(pair.account),
            aws_region: pair.region.clone(),
            resource_type: pair.resource_type.clone(),
            resource_id: pair.resource_id.clone(),
            rule: rules[pair.rule].rule.clone(),
        },
        account_name: account_name(pair.account),
        severity: rules[pair.rule].severity,
        config_rule_names: vec![rules[pair.rule].rule.clone()],
        before: state(pair.before),
        now: state(pair.now),
        cause: pair.cause,
        noncompliant_since: Some(since),
        since_at_least: pair.age_days > 40.0,
        resolved_at: (pair.cause == Some(Cause::TurnedCompliant)).then(|| days_before(0.4)),
        result_recorded_time: Some(since),
        annotation: pair
            .rule
            .is_multiple_of(3)
            .then(|| "\nThis resource is not configured as the rule requires.".to_owned()),
        annotation_reused: pair.rule.is_multiple_of(6),
        exception: None,
    }
}

fn sorted(pairs: &[Pair], rules: &[RuleMetadata], test: fn(&Pair) -> bool) -> Vec<PairRow> {
    let mut rows: Vec<_> = pairs
        .iter()
        .filter(|pair| test(pair))
        .map(|pair| row(pair, rules))
        .collect();
    rows.sort_by_key(|row| (row.severity.unwrap_or(Severity::Medium), row.key.clone()));
    rows
}

fn lists(shape: &Shape, pairs: &[Pair], rules: &[RuleMetadata]) -> Lists {
    let noncompliant = sorted(pairs, rules, |pair| pair.now == Some(false));
    if shape.first_run {
        return Lists {
            noncompliant,
            ..Lists::default()
        };
    }
    Lists {
        new: sorted(pairs, rules, is_new),
        resolved: sorted(pairs, rules, |pair| {
            pair.before == Some(false) && pair.now == Some(true)
        }),
        vanished: sorted(pairs, rules, |pair| {
            pair.before == Some(false) && pair.now.is_none()
        }),
        noncompliant,
        ..Lists::default()
    }
}

/// The sample of a shape: scorecard and lists whose numbers agree.
pub(crate) fn sample(shape: &Shape) -> RenderInput {
    let rules = rules(shape.rules);
    let pairs = pairs(shape, &rules);
    let all: Vec<&Pair> = pairs.iter().collect();
    let whole = group(shape, &rules, &all);
    let inputs = inputs(shape);
    let scorecard = Scorecard {
        schema: SCHEMA,
        run_id: inputs.run_id().unwrap(),
        kind: shape.kind,
        as_of: as_of(),
        title: "Acme Corporation".to_owned(),
        simulation: shape.simulation.clone(),
        baseline: inputs.baseline.clone(),
        snapshots_read: inputs.history.len() as u64 + 1,
        history_from: inputs.history.first().unwrap_or(&inputs.snapshot).as_of,
        organization: whole.scores,
        completeness: context(shape).coverage.completeness(),
        organization_before: whole.before,
        change: whole
            .before
            .map(|before| decompose(before.pairs, whole.scores.pairs, &causes(&pairs))),
        movement: whole.movement,
        trend: trend(shape, &whole),
        ages: whole.ages,
        times_to_resolve: whole.times,
        mean_time_to_detect_seconds: None,
        events: None,
        severities: severities(shape, &rules, &pairs),
        accounts: accounts(shape, &rules, &pairs),
        rules: rule_scores(shape, &rules, &pairs),
        resource_types: groups(shape, &rules, &pairs, |pair| pair.resource_type.clone()),
        organizational_units: groups(shape, &rules, &pairs, |pair| UNITS[pair.account % 4].to_owned()),
        controls: controls(shape, &rules, &pairs),
        unrated_rules: rules
            .iter()
            .filter(|rule| rule.severity.is_none())
            .map(|rule| rule.rule.clone())
            .collect(),
        merged: merged(&rules, pairs.len() as u64),
        fix_first: FixFirst::default(),
        exceptions: Exceptions::default(),
        reconciliation: Vec::new(),
        context: context(shape),
        inputs,
    };
    advice::advised(RenderInput {
        lists: lists(shape, &pairs, &rules),
        scorecard,
        settings: Settings::default(),
    })
}

fn causes(pairs: &[Pair]) -> CauseCounts {
    let mut counts = CauseCounts::new();
    for pair in pairs {
        let Some(cause) = pair.cause else { continue };
        let count = counts.entry(cause).or_default();
        count.0 += 1;
        count.1 += i64::from(pair.now == Some(true)) - i64::from(pair.before == Some(true));
        count.2 += i64::from(pair.now.is_some()) - i64::from(pair.before.is_some());
    }
    counts
}

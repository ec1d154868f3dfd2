//! Sample scorecards: small organizations whose numbers agree with each other, and cases at the edges.

#![allow(dead_code, reason = "shared by several tests and the example")]

use std::collections::{BTreeMap, BTreeSet};

use compliance::Timestamp;
use compliance::catalogue::{Catalogue, RuleMetadata, Severity, VERSION};
use compliance::coverage::{
    Coverage, Expectation, Gap, Inventory, Method, MissingRule, ScopeCoverage, SourceState, SourceStatus,
};
use compliance::evaluation::{ComplianceType, GLOBAL, PairKey, is_global};
use compliance::hash::sha256_hex;
use compliance::organization::{Account, Aggregator};
use compliance::report::{Predecessor, ReportKind, RunInputs, TrendTarget};
use compliance::scorecard::*;
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, Origin, SnapshotContext, SnapshotRef};
use jiff::SignedDuration;
use render_report::RenderInput;

pub(crate) mod cases;

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
    out
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
    let event = dice(&[account, index, number, 9]) % 100;
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

fn tally<'a>(pairs: impl Iterator<Item = &'a Pair>, state: fn(&Pair) -> Option<bool>) -> Tally {
    let mut out = Tally::default();
    for compliant in pairs.filter_map(state) {
        if compliant {
            out.compliant += 1
        } else {
            out.noncompliant += 1
        }
    }
    out
}

fn scores_of(pairs: &[&Pair], rules: &[RuleMetadata], state: fn(&Pair) -> Option<bool>) -> Scores {
    let mut resources: BTreeMap<(usize, &str), bool> = BTreeMap::new();
    let mut weight = Tally::default();
    for pair in pairs {
        let Some(compliant) = state(pair) else { continue };
        *resources.entry((pair.account, &pair.resource_id)).or_insert(true) &= compliant;
        let heavy = weight_of(rules[pair.rule].severity);
        if compliant {
            weight.compliant += heavy
        } else {
            weight.noncompliant += heavy
        }
    }
    let whole = resources.values().filter(|whole| **whole).count() as u64;
    let resources = Tally {
        compliant: whole,
        noncompliant: resources.len() as u64 - whole,
    };
    Scores::new(tally(pairs.iter().copied(), state), resources, weight)
}

fn weight_of(severity: Option<Severity>) -> u64 {
    Settings::default()
        .scoring
        .weights
        .of(severity.unwrap_or(Severity::Medium))
        .into()
}

fn is_new(pair: &Pair) -> bool {
    pair.now == Some(false) && pair.before != Some(false)
}

/// Scores, movement, ages of a set of pairs.
struct Group {
    scores: Scores,
    before: Option<Scores>,
    change: Option<f64>,
    movement: Movement,
    ages: Ages,
    times: TimesToResolve,
}

fn group(shape: &Shape, rules: &[RuleMetadata], pairs: &[&Pair]) -> Group {
    let scores = scores_of(pairs, rules, |pair| pair.now);
    let before = (!shape.first_run).then(|| scores_of(pairs, rules, |pair| pair.before));
    let count = |test: &dyn Fn(&Pair) -> bool| pairs.iter().filter(|pair| test(pair)).count() as u64;
    let movement = if shape.first_run {
        Movement::default()
    } else {
        Movement {
            new: count(&is_new),
            resolved: count(&|pair| pair.before == Some(false) && pair.now == Some(true)),
            still: count(&|pair| pair.before == Some(false) && pair.now == Some(false)),
            vanished: count(&|pair| pair.before == Some(false) && pair.now.is_none()),
        }
    };
    Group {
        change: before.and_then(|before| Some(scores.compliance_score? - before.compliance_score?)),
        ages: ages(pairs),
        times: TimesToResolve {
            resolved: movement.resolved * 3,
            at_least: movement.resolved / 2,
            mean_seconds: (movement.resolved > 0).then_some(86_400.0 * 3.4),
        },
        scores,
        before,
        movement,
    }
}

fn ages(pairs: &[&Pair]) -> Ages {
    let open: Vec<f64> = pairs
        .iter()
        .filter(|pair| pair.now == Some(false))
        .map(|pair| pair.age_days)
        .collect();
    let mut classes = [0; 5];
    for age in &open {
        classes[AGE_BOUNDS_DAYS
            .iter()
            .filter(|bound| *age >= f64::from(**bound))
            .count()] += 1;
    }
    Ages {
        open: open.len() as u64,
        at_least: open.iter().filter(|age| **age > 40.0).count() as u64,
        classes,
        mean_seconds: (!open.is_empty()).then(|| open.iter().sum::<f64>() / open.len() as f64 * 86_400.0),
        oldest_seconds: open.iter().copied().reduce(f64::max).map(|days| days * 86_400.0),
    }
}

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
        annotation: (pair.rule % 3 == 0)
            .then(|| "\nThis resource is not configured as the rule requires.".to_owned()),
        annotation_reused: pair.rule % 6 == 0,
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
    }
}

fn snapshot(days: f64) -> SnapshotRef {
    let as_of = days_before(days);
    let id = format!(
        "{}-{}",
        compliance::text::compact(as_of),
        &sha256_hex(as_of.to_string().as_bytes())[..12]
    );
    SnapshotRef {
        manifest: ObjectRef {
            key: format!(
                "snapshots/date={}/snapshot={id}/manifest.json",
                compliance::text::day(as_of)
            ),
            sha256: sha256_hex(id.as_bytes()),
        },
        id,
        as_of,
    }
}

/// Days between two points of the trend.
fn step(kind: ReportKind) -> f64 {
    if kind == ReportKind::Weekly { 7.0 } else { 1.0 }
}

fn trend(shape: &Shape, now: &Group) -> Trend {
    let periods = shape.kind.trend_periods();
    let points: Vec<TrendPoint> = (0..=periods)
        .rev()
        .map(|back| trend_point(shape, now, f64::from(back)))
        .collect();
    let known: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|point| {
            Some((
                point.target.as_second() as f64 / 86_400.0,
                point.scores?.compliance_score?,
            ))
        })
        .collect();
    let fitted_change = fitted_change(&known);
    Trend {
        points,
        direction: direction(fitted_change, 0.5),
        fitted_change,
    }
}

fn trend_point(shape: &Shape, now: &Group, back: f64) -> TrendPoint {
    let days = back * step(shape.kind);
    let gap = back > 0.0 && (shape.first_run || back == 4.0);
    let scores = if back == 0.0 {
        now.scores
    } else if back == 1.0 {
        now.before.unwrap_or_default()
    } else {
        let total = now.scores.pairs.total();
        let drift = (total as f64 * (0.003 * back + 0.004 * (back * 1.7).sin())) as u64;
        let pairs = Tally {
            compliant: now.scores.pairs.compliant.saturating_sub(drift),
            noncompliant: now.scores.pairs.noncompliant + drift,
        };
        Scores::new(pairs, now.scores.resources, now.scores.weight)
    };
    let earlier = back < f64::from(shape.kind.trend_periods()) && !gap && !shape.first_run;
    TrendPoint {
        target: days_before(days),
        snapshot_id: (!gap).then(|| snapshot(days).id),
        as_of: (!gap).then(|| days_before(days)),
        scores: (!gap).then_some(scores),
        movement: earlier.then(|| {
            if back == 0.0 {
                now.movement
            } else {
                Movement {
                    new: dice(&[back as usize, 1]) % (now.movement.new + 1).max(4),
                    resolved: dice(&[back as usize, 2]) % (now.movement.resolved + 1).max(4),
                    ..now.movement
                }
            }
        }),
        scopes_missing: u64::from(back == 2.0),
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
        organization_before: whole.before,
        change: whole
            .before
            .map(|before| decompose(before.pairs, whole.scores.pairs, &causes(&pairs))),
        movement: whole.movement,
        trend: trend(shape, &whole),
        ages: whole.ages,
        times_to_resolve: whole.times,
        mean_time_to_detect_seconds: None,
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
        context: context(shape),
        inputs,
    };
    RenderInput {
        lists: lists(shape, &pairs, &rules),
        scorecard,
        settings: Settings::default(),
    }
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

fn severities(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<SeverityScore> {
    let present: BTreeSet<_> = rules
        .iter()
        .map(|rule| (rule.severity.is_none(), rule.severity))
        .collect();
    present
        .into_iter()
        .map(|(_, severity)| {
            let of: Vec<_> = pairs
                .iter()
                .filter(|pair| rules[pair.rule].severity == severity)
                .collect();
            let group = group(shape, rules, &of);
            SeverityScore {
                severity,
                weight: weight_of(severity) as u32,
                rules: rules.iter().filter(|rule| rule.severity == severity).count() as u64,
                scores: group.scores,
                movement: group.movement,
                ages: group.ages,
                times_to_resolve: group.times,
            }
        })
        .collect()
}

fn accounts(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<AccountScore> {
    let mut out: Vec<_> = (0..shape.accounts)
        .map(|index| account(shape, rules, pairs, index))
        .collect();
    if shape.missing_scopes {
        out.push(AccountScore {
            completeness: Completeness::Missing,
            scopes_collected: 0,
            ..account(shape, rules, &[], shape.accounts)
        });
        out.push(account(shape, rules, &[], shape.accounts + 1));
    }
    out.sort_by(|a, b| {
        let key = |account: &AccountScore| account.scores.compliance_score.unwrap_or(2.0);
        key(a).total_cmp(&key(b)).then(a.account_id.cmp(&b.account_id))
    });
    out
}

fn account(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair], index: usize) -> AccountScore {
    let of: Vec<_> = pairs.iter().filter(|pair| pair.account == index).collect();
    let group = group(shape, rules, &of);
    let periods = shape.kind.trend_periods();
    let slope = (dice(&[index, 77]) % 9) as f64 / 1000.0 - 0.004;
    let trend: Vec<Option<f64>> = (0..=periods)
        .rev()
        .map(|back| {
            let known = back == 0 || !(shape.first_run || back == 4);
            let wobble = (dice(&[index, back as usize]) % 10) as f64 / 2000.0;
            known.then_some(())?;
            Some((group.scores.compliance_score? - slope * f64::from(back) + wobble).clamp(0.0, 1.0))
        })
        .collect();
    let known: Vec<_> = trend
        .iter()
        .enumerate()
        .filter_map(|(day, share)| Some((day as f64, (*share)?)))
        .collect();
    let fitted_change = fitted_change(&known);
    AccountScore {
        account_id: account_id(index),
        name: account_name(index),
        organizational_unit: Some(UNITS[index % 4].to_owned()),
        completeness: if shape.missing_scopes && index == 3 {
            Completeness::Partial
        } else {
            Completeness::Complete
        },
        scopes: 3,
        scopes_collected: if shape.missing_scopes && index == 3 { 2 } else { 3 },
        scores: group.scores,
        before: group.before,
        change: group.change,
        movement: group.movement,
        trend,
        direction: direction(fitted_change, 0.5),
        fitted_change,
        ages: group.ages,
        times_to_resolve: group.times,
        rules_without_results: None,
    }
}

fn rule_scores(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<RuleScore> {
    let mut out: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, metadata)| {
            let of: Vec<_> = pairs.iter().filter(|pair| pair.rule == index).collect();
            let violated: BTreeSet<_> = of
                .iter()
                .filter(|one| one.now == Some(false))
                .map(|one| one.account)
                .collect();
            let group = group(shape, rules, &of);
            RuleScore {
                metadata: metadata.clone(),
                config_rule_names: vec![metadata.rule.clone()],
                conformance_packs: if index % 7 == 0 {
                    vec!["operational-best-practices".to_owned()]
                } else {
                    vec![]
                },
                scores: group.scores,
                before: group.before,
                change: group.change,
                movement: group.movement,
                accounts_noncompliant: violated.len() as u64,
                accounts: of.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64,
                scopes_without_results: None,
            }
        })
        .collect();
    out.sort_by_key(|rule| {
        (
            std::cmp::Reverse(rule.scores.pairs.noncompliant),
            rule.metadata.rule.clone(),
        )
    });
    out
}

fn groups(
    shape: &Shape,
    rules: &[RuleMetadata],
    pairs: &[Pair],
    name: fn(&Pair) -> String,
) -> Vec<GroupScore> {
    let names: BTreeSet<String> = pairs.iter().map(name).collect();
    let mut out: Vec<_> = names
        .into_iter()
        .map(|one| {
            let of: Vec<_> = pairs.iter().filter(|pair| name(pair) == one).collect();
            let group = group(shape, rules, &of);
            GroupScore {
                name: Some(one),
                accounts: of.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64,
                scores: group.scores,
                before: group.before,
                change: group.change,
                movement: group.movement,
            }
        })
        .collect();
    out.sort_by_key(|group| {
        (
            std::cmp::Reverse(group.scores.pairs.noncompliant),
            group.name.clone(),
        )
    });
    out
}

fn controls(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<ControlScore> {
    let ids: BTreeSet<&String> = rules
        .iter()
        .filter_map(|rule| rule.controls.get("soc2"))
        .flatten()
        .collect();
    ids.into_iter()
        .map(|id| {
            let mapped = |rule: &RuleMetadata| rule.controls.get("soc2").is_some_and(|ids| ids.contains(id));
            let of: Vec<_> = pairs.iter().filter(|pair| mapped(&rules[pair.rule])).collect();
            let group = group(shape, rules, &of);
            ControlScore {
                framework: "soc2".to_owned(),
                control: id.clone(),
                rules: rules
                    .iter()
                    .filter(|rule| mapped(rule))
                    .map(|rule| rule.rule.clone())
                    .collect(),
                rules_without_results: dice(&[id.len(), 4]) % 9,
                scores: group.scores,
                before: group.before,
                change: group.change,
            }
        })
        .collect()
}

fn merged(rules: &[RuleMetadata], pairs: u64) -> Merged {
    let one = rules.first().map(|rule| MergedRule {
        rule: rule.rule.clone(),
        config_rule_names: vec![
            rule.rule.clone(),
            format!("{}-conformance-pack-a1b2c3d4e", rule.rule),
            format!("securityhub-{}-0a1b2c3d", rule.rule),
        ],
        duplicates: 31,
    });
    Merged {
        results: pairs + 31 + 44,
        pairs,
        global_duplicates: 44,
        name_duplicates: 31,
        disagreements: 1,
        rules: one.into_iter().collect(),
    }
}

fn context(shape: &Shape) -> SnapshotContext {
    let listed = shape.accounts + if shape.missing_scopes { 2 } else { 0 };
    let accounts: Vec<Account> = (0..listed)
        .map(|index| Account {
            account_id: account_id(index),
            name: account_name(index),
            organizational_unit: Some(UNITS[index % 4].to_owned()),
        })
        .collect();
    let scopes = (0..listed).flat_map(|index| REGIONS.iter().map(move |region| (index, *region)));
    SnapshotContext {
        aggregator: Aggregator {
            name: "organization".to_owned(),
            arn: "arn:aws:config:eu-central-1:104300217000:config-aggregator/config-aggregator-kx7dqzpm"
                .to_owned(),
            regions: REGIONS.iter().map(ToString::to_string).collect(),
            account_ids: Vec::new(),
            organization: true,
        },
        conformance_packs: Vec::new(),
        coverage: Coverage {
            expectation: Expectation::Organizations,
            organizations_gap: None,
            expected_accounts: accounts
                .iter()
                .map(|account| account.account_id.clone())
                .collect(),
            unexpected_accounts: Vec::new(),
            expected_regions: REGIONS.iter().map(ToString::to_string).collect(),
            regions_skipped: if shape.missing_scopes {
                vec!["ap-southeast-2".to_owned()]
            } else {
                vec![]
            },
            scopes: scopes
                .map(|(index, region)| scope(shape, index, region))
                .collect(),
            results_ignored: if shape.missing_scopes { 37 } else { 0 },
            planned_calls: 214,
        },
        accounts,
    }
}

fn scope(shape: &Shape, index: usize, region: &str) -> ScopeCoverage {
    let troubled = shape.missing_scopes;
    let failed = troubled && (index == shape.accounts || (index == 3 && region == "us-east-1"));
    let outdated = troubled && index == 5 && region == "eu-west-1";
    let gap = |code: &str, reason: &str| Gap {
        code: code.to_owned(),
        reason: reason.to_owned(),
    };
    ScopeCoverage {
        source: SourceStatus {
            account_id: account_id(index),
            aws_region: region.to_owned(),
            state: if failed {
                SourceState::Failed
            } else if outdated {
                SourceState::Outdated
            } else {
                SourceState::Succeeded
            },
            last_update_time: Some(days_before(if outdated { 3.2 } else { 0.1 })),
            error_code: outdated.then(|| "InternalError".to_owned()),
            error_message: outdated.then(|| "The source could not be updated.".to_owned()),
        },
        expected: true,
        method: (!failed).then_some(if index % 4 == 0 {
            Method::Details
        } else {
            Method::ResourceCompliance
        }),
        results: 30,
        rules: 12,
        missing: failed.then(|| {
            gap(
                "Coverage.SourceFailed",
                "The aggregator reports the source as FAILED (AccessDenied).",
            )
        }),
        missing_rules: if troubled && index == 7 && region == "eu-west-1" {
            vec![MissingRule {
                config_rule_name: "restricted-ssh".to_owned(),
                gap: gap(
                    "Config.Throttled",
                    "The details were throttled until the attempts ran out.",
                ),
            }]
        } else {
            vec![]
        },
        annotations_missing: 0,
        count_disagreements: 0,
        inventory: if index % 3 == 0 {
            Inventory::Known {
                rules: 14,
                without_results: vec![
                    "cloudtrail-enabled".to_owned(),
                    "rds-storage-encrypted".to_owned(),
                ],
            }
        } else {
            Inventory::NotKnowable(gap(
                "Config.AccessDenied",
                "No role in the member account may call DescribeConfigRules.",
            ))
        },
    }
}

fn inputs(shape: &Shape) -> RunInputs {
    let step = step(shape.kind);
    let periods = shape.kind.trend_periods();
    let history: Vec<SnapshotRef> = if shape.first_run {
        vec![]
    } else {
        (1..=periods)
            .rev()
            .filter(|back| *back != 4)
            .map(|back| snapshot(f64::from(back) * step))
            .collect()
    };
    RunInputs {
        kind: shape.kind,
        as_of: as_of(),
        origin: Origin {
            aggregator_arn: "arn:aws:config:eu-central-1:104300217000:config-aggregator/x".to_owned(),
            simulation: shape.simulation.clone(),
        },
        snapshot: snapshot(0.0),
        baseline: history.last().cloned(),
        trend: (0..=periods)
            .rev()
            .map(|back| TrendTarget {
                target: days_before(f64::from(back) * step),
                snapshot_id: None,
            })
            .collect(),
        settings: ObjectRef {
            key: "settings.json".to_owned(),
            sha256: sha256_hex(b"settings"),
        },
        catalogue_version: VERSION.to_owned(),
        plumbline_version: "0.1.0".to_owned(),
        predecessor: history.last().map(|_| Predecessor {
            run_id: "daily-20261120T060000Z-3f9a1c77b2d0".to_owned(),
            manifest_sha256: sha256_hex(b"previous"),
        }),
        history,
    }
}

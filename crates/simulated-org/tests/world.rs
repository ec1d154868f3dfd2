//! The world is a pure function of its configuration and the time, and shows every cause of change all the time.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};

use compliance::coverage::SourceState;
use compliance::evaluation::{ComplianceType, EvaluationResult, is_global};
use compliance::rule_name;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use simulated_org::{ResourceComplianceRecording, SimulationConfig, Truth, World};

type Pair<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

fn pair(result: &EvaluationResult) -> Pair<'_> {
    (
        &result.account_id,
        &result.aws_region,
        &result.config_rule_name,
        &result.resource_type,
        &result.resource_id,
    )
}

fn small(seed: u64, accounts: u32, rules: u32) -> SimulationConfig {
    SimulationConfig {
        seed,
        accounts,
        regions: 2,
        rules,
        resources: 10,
        ..SimulationConfig::default()
    }
}

/// Any moment of several years, to the millisecond.
fn moments() -> impl Strategy<Value = Timestamp> {
    (1_725_000_000_000_i64..1_900_000_000_000).prop_map(|moment| Timestamp::from_millisecond(moment).unwrap())
}

fn days(world: &World, from: Timestamp, count: i64) -> Vec<Truth> {
    (0..count)
        .map(|day| world.truth(from + SignedDuration::from_hours(24 * day)))
        .collect()
}

fn account_ids(truth: &Truth) -> BTreeSet<&str> {
    truth
        .accounts
        .iter()
        .map(|account| account.account_id.as_str())
        .collect()
}

/// The causes that two days show, by name.
fn changes(before: &Truth, after: &Truth) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let states = |truth: &'_ Truth| -> BTreeMap<_, _> {
        truth
            .results
            .iter()
            .map(|result| (pair_owned(result), result.compliance_type))
            .collect()
    };
    let (old, new) = (states(before), states(after));
    for (pair, state) in &new {
        match (old.get(pair), state) {
            (Some(ComplianceType::Compliant), ComplianceType::NonCompliant) => seen.insert("new"),
            (Some(ComplianceType::NonCompliant), ComplianceType::Compliant) => seen.insert("resolved"),
            _ => false,
        };
    }
    let (old_accounts, new_accounts) = (account_ids(before), account_ids(after));
    let note = |seen: &mut BTreeSet<&'static str>, name, is_so: bool| {
        if is_so {
            seen.insert(name);
        }
    };
    note(
        &mut seen,
        "account joined",
        !new_accounts.is_subset(&old_accounts),
    );
    note(&mut seen, "account left", !old_accounts.is_subset(&new_accounts));
    let both: BTreeSet<&str> = old_accounts.intersection(&new_accounts).copied().collect();
    let deployed = |truth: &'_ Truth| -> BTreeSet<(String, String)> {
        let rules = truth
            .deployed_rules
            .iter()
            .filter(|rule| both.contains(rule.account_id.as_str()));
        rules
            .map(|rule| (rule.account_id.clone(), rule.config_rule_name.clone()))
            .collect()
    };
    note(
        &mut seen,
        "rule added",
        !deployed(after).is_subset(&deployed(before)),
    );
    note(
        &mut seen,
        "rule removed",
        !deployed(before).is_subset(&deployed(after)),
    );
    let resources = |truth: &'_ Truth| -> BTreeSet<(String, String)> {
        let results = truth
            .results
            .iter()
            .filter(|result| both.contains(result.account_id.as_str()));
        let results = results.filter(|result| result.resource_type == "AWS::S3::Bucket");
        results
            .map(|result| (result.account_id.clone(), result.resource_id.clone()))
            .collect()
    };
    note(
        &mut seen,
        "resource created",
        !resources(after).is_subset(&resources(before)),
    );
    note(
        &mut seen,
        "resource deleted",
        !resources(before).is_subset(&resources(after)),
    );
    seen
}

fn pair_owned(result: &EvaluationResult) -> [String; 5] {
    let (a, b, c, d, e) = pair(result);
    [a, b, c, d, e].map(ToOwned::to_owned)
}

/// The states that a day shows, by name.
fn states(truth: &Truth) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    for source in &truth.sources {
        match source.state {
            SourceState::Failed if source.error_code.is_some() && source.error_message.is_some() => {
                seen.insert("source FAILED");
            }
            SourceState::Outdated => {
                seen.insert("source OUTDATED");
            }
            _ => {}
        }
    }
    let expected = truth.accounts.len() * truth.aggregator.regions.len();
    if truth.sources.len() < expected {
        seen.insert("region never returned");
    }
    let mut regions: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    let mut names: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for result in &truth.results {
        let (account, region, name, resource_type, id) = pair(result);
        if is_global(resource_type) {
            regions.entry((account, name, id)).or_default().insert(region);
        }
        let rule = rule_name::parse(name).0;
        names.entry((account, region, rule, id)).or_default().insert(name);
    }
    if regions.values().any(|regions| regions.len() > 1) {
        seen.insert("global resource in several regions");
    }
    if names.values().any(|names| names.len() > 1) {
        seen.insert("one rule under two names");
    }
    let with_results: BTreeSet<_> = truth
        .results
        .iter()
        .map(|result| (&result.account_id, &result.aws_region, &result.config_rule_name))
        .collect();
    for rule in &truth.deployed_rules {
        let has_results =
            with_results.contains(&(&rule.account_id, &rule.aws_region, &rule.config_rule_name));
        match (has_results, &rule.source_identifier) {
            (false, _) => seen.insert("rule without results"),
            (true, None) => seen.insert("custom rule"),
            (true, Some(_)) => false,
        };
    }
    seen
}

const EVERYTHING: [&str; 14] = [
    "account joined",
    "account left",
    "custom rule",
    "global resource in several regions",
    "new",
    "one rule under two names",
    "region never returned",
    "resolved",
    "resource created",
    "resource deleted",
    "rule added",
    "rule removed",
    "rule without results",
    "source FAILED",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_cause_shows_within_any_eight_days(
        seed: u64, accounts in 6_u32..20, rules in 20_u32..40, from in moments(),
    ) {
        let world = World::new(small(seed, accounts, rules)).unwrap();
        let days = days(&world, from, 8);
        let mut seen: BTreeSet<&str> = days.iter().flat_map(states).collect();
        seen.extend(days.windows(2).flat_map(|days| changes(&days[0], &days[1])));
        let mut expected = BTreeSet::from(EVERYTHING);
        expected.insert("source OUTDATED");
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn the_order_of_asking_never_matters(seed: u64, accounts in 0_u32..8, a in moments(), b in moments()) {
        let world = World::new(small(seed, accounts, 12)).unwrap();
        let first = (world.truth(a), world.truth(b));
        let again = World::new(small(seed, accounts, 12)).unwrap();
        let second = (again.truth(b), again.truth(a));
        prop_assert!(first.0 == second.1 && first.1 == second.0);
    }

    /// What the reuse of annotations stands on.
    #[test]
    fn a_resource_whose_capture_time_is_unchanged_is_unchanged(
        seed: u64, from in moments(), minutes in 1_i64..20_000,
    ) {
        let config = SimulationConfig {
            resource_compliance: ResourceComplianceRecording::Everywhere,
            ..small(seed, 6, 30)
        };
        let world = World::new(config).unwrap();
        let (before, after) = (world.truth(from), world.truth(from + SignedDuration::from_mins(minutes)));
        let resources = |truth: &Truth| {
            let mut resources: BTreeMap<[String; 5], Vec<EvaluationResult>> = BTreeMap::new();
            for result in &truth.results {
                let captured = result.configuration_item_capture_time.unwrap().to_string();
                let [account, region, _, resource_type, id] = pair_owned(result);
                resources.entry([account, region, resource_type, id, captured]).or_default().push(result.clone());
            }
            resources
        };
        let (before, after) = (resources(&before), resources(&after));
        let mut compared = 0;
        for (key, results) in &before {
            if let Some(later) = after.get(key) {
                prop_assert_eq!(results, later);
                compared += 1;
            }
        }
        prop_assert!(compared > 0);
    }

    #[test]
    fn times_never_lie_ahead_and_are_in_order(seed: u64, at in moments()) {
        let truth = World::new(small(seed, 6, 30)).unwrap().truth(at);
        prop_assert!(truth.results.is_sorted());
        for result in &truth.results {
            let recorded = result.result_recorded_time.unwrap();
            prop_assert!(result.config_rule_invoked_time.unwrap() < recorded && recorded <= at, "{:?}", result);
            if let Some(captured) = result.configuration_item_capture_time {
                prop_assert!(recorded <= captured && captured <= at, "{:?}", result);
            }
            prop_assert!(result.annotation.is_none() || result.compliance_type == ComplianceType::NonCompliant);
        }
        let pairs: BTreeSet<_> = truth.results.iter().map(pair).collect();
        prop_assert_eq!(pairs.len(), truth.results.len());
    }
}

/// Scores of accounts that are there on both days, in percent.
fn scores(truth: &Truth) -> BTreeMap<&str, f64> {
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for result in &truth.results {
        let (compliant, all) = counts.entry(&result.account_id).or_default();
        *compliant += f64::from(u8::from(result.compliance_type == ComplianceType::Compliant));
        *all += 1.0;
    }
    counts
        .into_iter()
        .map(|(account, (compliant, all))| (account, 100.0 * compliant / all))
        .collect()
}

#[test]
fn the_default_organization_tells_a_believable_story_at_any_time() {
    let world = World::new(SimulationConfig::default()).unwrap();
    for day in [
        "2026-11-21T09:00:00Z",
        "2027-03-02T17:30:00Z",
        "2026-06-15T00:00:00Z",
    ] {
        let at: Timestamp = day.parse().unwrap();
        let (before, now) = (
            world.truth(at - SignedDuration::from_hours(7 * 24)),
            world.truth(at),
        );
        let noncompliant = now.count(ComplianceType::NonCompliant);
        assert!(
            (40_000..60_000).contains(&now.results.len()),
            "{day}: {} results",
            now.results.len()
        );
        assert!(
            (4_000..6_000).contains(&noncompliant),
            "{day}: {noncompliant} noncompliant"
        );
        assert_eq!((now.accounts.len(), before.accounts.len()), (50, 50));
        let (old, new) = (scores(&before), scores(&now));
        let good = new.values().filter(|score| (85.0..98.0).contains(*score)).count();
        let bad = new.values().filter(|score| **score < 78.0).count();
        assert!(
            good > 33 && (1..8).contains(&bad),
            "{day}: {good} good, {bad} bad"
        );
        let moves: Vec<f64> = new
            .iter()
            .filter_map(|(account, score)| Some(score - old.get(account)?))
            .collect();
        assert!(
            moves.iter().filter(|change| **change < -1.5).count() >= 2,
            "{day}: {moves:?}"
        );
        assert!(moves.iter().any(|change| *change > 1.5), "{day}: {moves:?}");
    }
}

#[test]
fn every_day_has_some_new_and_some_resolved() {
    let world = World::new(SimulationConfig::default()).unwrap();
    let days = days(&world, "2026-11-18T09:00:00Z".parse().unwrap(), 4);
    for days in days.windows(2) {
        let old: BTreeMap<_, _> = days[0]
            .results
            .iter()
            .map(|result| (pair(result), result.compliance_type))
            .collect();
        let flipped = |to: ComplianceType| {
            let results = days[1]
                .results
                .iter()
                .filter(|result| result.compliance_type == to);
            results
                .filter(|result| old.get(&pair(result)).is_some_and(|state| *state != to))
                .count()
        };
        let (new, resolved) = (
            flipped(ComplianceType::NonCompliant),
            flipped(ComplianceType::Compliant),
        );
        assert!(
            (10..150).contains(&new) && (10..150).contains(&resolved),
            "{new} new, {resolved} resolved"
        );
    }
}

#[test]
fn names_and_ids_look_like_those_of_aws() {
    let truth = World::new(SimulationConfig::default())
        .unwrap()
        .truth("2026-11-21T09:00:00Z".parse().unwrap());
    let ids = account_ids(&truth);
    assert_eq!(ids.len(), 50);
    assert!(
        ids.iter()
            .all(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()))
    );
    assert!(ids.iter().any(|id| id.starts_with('0')));
    assert!(
        truth
            .accounts
            .iter()
            .any(|account| account.name.as_deref() == Some("payments-prod"))
    );
    let units: BTreeSet<_> = truth
        .accounts
        .iter()
        .filter_map(|account| account.organizational_unit.as_deref())
        .collect();
    assert!(units.contains("Root/Workloads/Production/Regulated"), "{units:?}");
    let schemes: BTreeSet<&str> = truth
        .deployed_rules
        .iter()
        .map(|rule| match rule_name::parse(&rule.config_rule_name).1 {
            rule_name::Deployment::Plain => "plain",
            rule_name::Deployment::ConformancePack { .. } => "pack",
            rule_name::Deployment::SecurityHub => "securityhub",
            rule_name::Deployment::OrganizationRule => "organization",
        })
        .collect();
    assert_eq!(schemes.len(), 4);
    assert!(
        truth
            .results
            .iter()
            .all(|result| result.resource_id.len() <= 768 && result.config_rule_name.len() <= 128)
    );
    let annotations: Vec<&str> = truth
        .results
        .iter()
        .filter_map(|result| result.annotation.as_deref())
        .collect();
    assert!(
        annotations.iter().any(|text| text.starts_with('\n'))
            && annotations.iter().all(|text| text.len() <= 256)
    );
}

#[test]
fn the_smallest_worlds_stand() {
    let at = "2026-11-21T09:00:00Z".parse().unwrap();
    for (accounts, regions, rules, resources) in [(0, 1, 0, 0), (1, 1, 1, 0), (2, 0, 5, 3), (3, 99, 4, 1)] {
        let config = SimulationConfig {
            accounts,
            regions,
            rules,
            resources,
            ..SimulationConfig::default()
        };
        let truth = World::new(config).unwrap().truth(at);
        assert_eq!(truth.accounts.len(), accounts as usize);
        assert!(truth.aggregator.regions.len() <= 12);
    }
}

#[test]
fn resource_compliance_is_recorded_as_configured() {
    let at = "2026-11-21T09:00:00Z".parse().unwrap();
    let recording = |resource_compliance| {
        let config = SimulationConfig {
            resource_compliance,
            ..small(7, 12, 10)
        };
        World::new(config)
            .unwrap()
            .truth(at)
            .resource_compliance_accounts
            .len()
    };
    assert_eq!(recording(ResourceComplianceRecording::Nowhere), 0);
    assert_eq!(recording(ResourceComplianceRecording::Everywhere), 12);
    assert!((1..12).contains(&recording(ResourceComplianceRecording::Most)));
}

#[test]
fn a_region_that_no_source_returns_is_listed_when_asked_for() {
    let config = SimulationConfig {
        unreturned_region: true,
        ..small(7, 6, 10)
    };
    let truth = World::new(config)
        .unwrap()
        .truth("2026-11-21T09:00:00Z".parse().unwrap());
    assert!(truth.aggregator.regions.contains(&"me-south-1".to_owned()));
    assert!(
        truth
            .sources
            .iter()
            .all(|source| source.aws_region != "me-south-1")
    );
}

#[test]
fn a_configuration_describes_itself() {
    assert_eq!(
        SimulationConfig::default().describe(),
        "seed 7, 50 accounts, 4 regions, 100 rules, 66 resources"
    );
    let other = SimulationConfig {
        resource_compliance: ResourceComplianceRecording::Nowhere,
        unreturned_region: true,
        rule_inventory: false,
        ..SimulationConfig::default()
    };
    assert!(
        other
            .describe()
            .ends_with(", ResourceCompliance nowhere, one region never returned, no rule inventory")
    );
}

//! Generated histories: few accounts, regions, rules and resources, and everything that can happen to them.

use compliance::Timestamp;
use compliance::coverage::{Inventory, MissingRule, ScopeCoverage, SourceState};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::organization::{Account, ConformancePack};
use compliance::settings::Settings;
use proptest::prelude::*;

use crate::support::{Day, gap, scope};

pub(crate) const ACCOUNTS: [&str; 3] = ["000000000001", "222222222222", "333333333333"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
/// Every naming scheme, a custom rule, and one that the settings alias.
const NAMES: [&str; 8] = [
    "restricted-ssh",
    "restricted-ssh-conformance-pack-abc123",
    "securityhub-restricted-ssh-1a2b3c",
    "iam-user-mfa-enabled",
    "OrgConfigRule-iam-user-mfa-enabled-x1y2",
    "s3-bucket-versioning-enabled",
    "home-made",
    "our-ssh",
];
const TYPES: [&str; 3] = ["AWS::IAM::User", "AWS::S3::Bucket", "AWS::EC2::SecurityGroup"];
const IDS: [&str; 2] = ["one", "two"];

/// A generated run: its snapshots, oldest first, and what it compares.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) days: Vec<Day>,
    pub(crate) baseline: Option<usize>,
    /// Points of the trend: a day, or a gap.
    pub(crate) trend: Vec<Option<usize>>,
}

pub(crate) fn settings() -> Settings {
    Settings::parse(
        r#"
        report.frameworks = ["soc2", "cis-aws-level-2"]
        [accounts."222222222222"]
        name = "set by hand"
        [rules."our-ssh"]
        identifier = "INCOMING_SSH_DISABLED"
        [rules.home-made]
        controls.soc2 = ["CC6.1", "ours"]
        [rules.s3-bucket-versioning-enabled]
        severity = "critical"
        [[exceptions]]
        rule = "restricted-ssh"
        accounts = ["000000000001"]
        reason = "first"
        owner = "a"
        approver = "b"
        approved = 2026-11-01
        expires = 2026-11-06
        [[exceptions]]
        id = "overlaps"
        rule = "INCOMING_SSH_DISABLED"
        regions = ["eu-*"]
        resource_ids = ["one"]
        reason = "second"
        owner = "a"
        approver = "A "
        approved = "2026-11-03"
        expires = "2028-01-01"
        [[exceptions]]
        rule = "OrgConfigRule-iam-user-mfa-enabled-x1y2"
        organizational_units = ["Root/Prod*"]
        resource_types = ["AWS::IAM::User"]
        reason = "third"
        owner = "a"
        approver = "b"
        approved = 2026-10-01
        expires = 2026-11-20
        [[exceptions]]
        rule = "home-made"
        everywhere = true
        reason = "fourth"
        owner = "a"
        approver = "b"
        approved = 2026-11-05
        expires = 2026-11-05
        "#,
    )
    .expect("settings")
}

/// One result on one day; times are minutes from that day's moment.
#[derive(Debug, Clone)]
struct State {
    noncompliant: bool,
    recorded: Option<i64>,
    captured: Option<i64>,
    annotation: Option<&'static str>,
}

/// One result over the days, by account, region, name, type and id.
type Track = ([usize; 5], Vec<Option<State>>);

/// What a scope is like on one day.
#[derive(Debug, Clone)]
struct ScopeState {
    listed: bool,
    missing: bool,
    outdated: bool,
    /// Names deployed without results; `None` is not knowable.
    inventory: Option<Vec<usize>>,
    missing_rules: Vec<usize>,
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    (2..=6usize).prop_flat_map(|days| {
        let moments = proptest::collection::vec(prop_oneof![Just(6i64), Just(24), Just(24), Just(168)], days);
        let here = proptest::collection::vec(proptest::collection::vec(scope_state(), 6), days);
        let present = proptest::collection::vec(proptest::array::uniform3(prop::bool::weighted(0.9)), days);
        let tracks = (proptest::collection::vec(track(days), 0..36), knots(days))
            .prop_map(|(tracks, knots)| knots.into_iter().chain(tracks).collect());
        let baseline = prop_oneof![1 => Just(None), 5 => (0..days - 1).prop_map(Some)];
        let trend = proptest::collection::vec(prop_oneof![4 => Just(true), 1 => Just(false)], days - 1);
        (moments, here, present, tracks, baseline, trend).prop_map(build)
    })
}

fn scope_state() -> impl Strategy<Value = ScopeState> {
    (
        prop::bool::weighted(0.93),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.1),
        prop_oneof![
            1 => Just(None),
            1 => proptest::collection::vec(0..NAMES.len(), 0..4).prop_map(Some),
        ],
        prop_oneof![
            2 => Just(Vec::new()),
            1 => proptest::collection::vec(0..NAMES.len(), 1..3),
            // One name of a rule unread while another answers.
            3 => prop_oneof![Just(0usize), Just(1), Just(3), Just(4)].prop_map(|name| vec![name]),
        ],
    )
        .prop_map(
            |(listed, missing, outdated, inventory, missing_rules)| ScopeState {
                listed,
                missing,
                outdated,
                inventory,
                missing_rules,
            },
        )
}

/// Pairs with two sources each that are there every day, so that what is not read of them matters: users in both
/// regions, users and buckets under two names.
fn knots(days: usize) -> impl Strategy<Value = Vec<Track>> {
    let mut cells = Vec::new();
    for (account, id) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        cells.extend((0..REGIONS.len()).map(|region| [account, region, 3, 0, id]));
        cells.extend([0, 1].map(|name| [account, 0, name, 0, id]));
        for region in 0..REGIONS.len() {
            cells.extend([0, 1, 3, 4].map(|name| [account, region, name, 1, id]));
        }
    }
    let every_day = proptest::collection::vec(there().prop_map(Some), days);
    let states = proptest::collection::vec(every_day, cells.len());
    let all = states.prop_map(move |states| cells.iter().copied().zip(states).collect::<Vec<Track>>());
    prop_oneof![1 => Just(Vec::new()), 7 => all]
}

fn track(days: usize) -> impl Strategy<Value = Track> {
    // Crowded on purpose: pairs with several sources are where regions, names and gaps meet.
    let crowded = |others: usize| prop_oneof![3 => Just(0), 2 => 0..others];
    let cell = (
        crowded(ACCOUNTS.len()),
        0..REGIONS.len(),
        crowded(NAMES.len()).prop_map(|name| (name + 3) % NAMES.len()),
        crowded(TYPES.len()),
        crowded(IDS.len()),
    );
    let cell = cell.prop_map(|(account, region, name, kind, id)| [account, region, name, kind, id]);
    (cell, proptest::collection::vec(state(), days))
}

/// Absent, or there.
fn state() -> impl Strategy<Value = Option<State>> {
    prop_oneof![1 => Just(None), 2 => there().prop_map(Some)]
}

/// Compliant or noncompliant; recorded before, inside, at the ends of, or after the day's interval.
fn there() -> impl Strategy<Value = State> {
    let minutes = || {
        prop_oneof![
            3 => Just(None),
            4 => (-360i64..0).prop_map(Some),
            1 => prop_oneof![Just(-360i64), Just(-1440), Just(-10080), Just(0)].prop_map(Some),
            1 => (-20_000i64..-360).prop_map(Some),
            1 => (1i64..600).prop_map(Some),
        ]
    };
    let annotation = prop_oneof![Just(None), Just(Some("first")), Just(Some("second"))];
    let there = (any::<bool>(), minutes(), minutes(), annotation);
    there.prop_map(|(noncompliant, recorded, captured, annotation)| State {
        noncompliant,
        recorded,
        captured,
        annotation,
    })
}

type Parts = (
    Vec<i64>,
    Vec<Vec<ScopeState>>,
    Vec<[bool; 3]>,
    Vec<Track>,
    Option<usize>,
    Vec<bool>,
);

fn build((hours, scopes, present, mut tracks, baseline, trend): Parts) -> World {
    tracks.sort_by_key(|(cell, _)| *cell);
    tracks.dedup_by_key(|(cell, _)| *cell);
    let mut moment: Timestamp = "2026-11-01T09:00:00.000700Z".parse().expect("a time");
    let mut days = Vec::new();
    for (index, hours) in hours.into_iter().enumerate() {
        moment += jiff::SignedDuration::from_hours(hours);
        days.push(day(index, moment, &scopes[index], present[index], &tracks));
    }
    let last = days.len() - 1;
    let mut points: Vec<Option<usize>> = trend
        .into_iter()
        .enumerate()
        .map(|(day, on)| on.then_some(day))
        .collect();
    points.push(Some(last));
    World {
        days,
        baseline,
        trend: points,
    }
}

fn day(index: usize, moment: Timestamp, states: &[ScopeState], present: [bool; 3], tracks: &[Track]) -> Day {
    let here = |account: usize| present[account];
    let mut scopes = Vec::new();
    for account in (0..ACCOUNTS.len()).filter(|account| here(*account)) {
        for region in 0..REGIONS.len() {
            let state = &states[account * REGIONS.len() + region];
            if state.listed {
                scopes.push(covered(account, region, state));
            }
        }
    }
    // A snapshot only has rows of accounts with a shard; rows of scopes that are missing or unlisted are in.
    let in_shard = |row: &EvaluationResult| {
        scopes
            .iter()
            .any(|scope| scope.source.account_id == row.account_id)
    };
    let rows = tracks
        .iter()
        .filter_map(|track| row(index, moment, track))
        .filter(in_shard)
        .collect();
    let mut day = Day::new(&moment.to_string(), rows, scopes);
    day.expected_accounts = ACCOUNTS
        .iter()
        .map(|account| (*account).to_owned())
        .skip(index % 2)
        .collect();
    day.accounts = (0..ACCOUNTS.len())
        .filter(|account| here(*account))
        .map(account)
        .collect();
    day.packs = vec![ConformancePack {
        account_id: ACCOUNTS[0].to_owned(),
        aws_region: REGIONS[0].to_owned(),
        name: "Operational".to_owned(),
        id: "conformance-pack-abc123".to_owned(),
    }];
    day
}

fn account(index: usize) -> Account {
    Account {
        account_id: ACCOUNTS[index].to_owned(),
        name: Some(format!("account {index}")),
        organizational_unit: [Some("Root/Production"), None, Some("Root/Development")][index]
            .map(str::to_owned),
    }
}

fn covered(account: usize, region: usize, state: &ScopeState) -> ScopeCoverage {
    let mut covered = scope(ACCOUNTS[account], REGIONS[region]);
    let names = |names: &[usize]| {
        let mut names: Vec<String> = names.iter().map(|name| NAMES[*name].to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    if state.missing {
        covered.source.state = SourceState::Failed;
        covered.missing = Some(gap("Coverage.SourceFailed"));
    } else if state.outdated {
        covered.source.state = SourceState::Outdated;
    }
    if let Some(without) = &state.inventory {
        covered.inventory = Inventory::Known {
            rules: 9,
            without_results: names(without),
        };
    }
    let missing = names(&state.missing_rules)
        .into_iter()
        .map(|config_rule_name| MissingRule {
            config_rule_name,
            gap: gap("Config.Throttled"),
        });
    covered.missing_rules = missing.collect();
    covered
}

fn row(index: usize, moment: Timestamp, (cell, states): &Track) -> Option<EvaluationResult> {
    let [account, region, name, kind, id] = *cell;
    let state = states[index].as_ref()?;
    let at = |minutes: Option<i64>| Some(moment + jiff::SignedDuration::from_mins(minutes?));
    Some(EvaluationResult {
        account_id: ACCOUNTS[account].to_owned(),
        aws_region: REGIONS[region].to_owned(),
        config_rule_name: NAMES[name].to_owned(),
        resource_type: TYPES[kind].to_owned(),
        resource_id: IDS[id].to_owned(),
        compliance_type: match state.noncompliant {
            true => ComplianceType::NonCompliant,
            false => ComplianceType::Compliant,
        },
        result_recorded_time: at(state.recorded),
        config_rule_invoked_time: None,
        configuration_item_capture_time: at(state.captured),
        annotation: state.annotation.map(str::to_owned),
        annotation_reused: state.annotation == Some("second"),
    })
}

//! Scorecards and lists made by hand.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;

use compliance::Timestamp;
use compliance::catalogue::{RuleMetadata, Severity};
use compliance::coverage::*;
use compliance::evaluation::{ComplianceType, PairKey};
use compliance::events::{BatchedOpenings, Durations, EventActivity, ToldCounts};
use compliance::exceptions::*;
use compliance::fix_first::*;
use compliance::organization::{Account, Aggregator};
use compliance::report::{PeriodEvents, ReportKind, RunInputs};
use compliance::scorecard::*;
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, Origin, SnapshotContext, SnapshotRef};

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn snapshot(moment: &str) -> SnapshotRef {
    let manifest = ObjectRef {
        key: "manifest.json".to_owned(),
        sha256: "00".repeat(32),
    };
    SnapshotRef {
        id: format!("s-{moment}"),
        as_of: time(moment),
        manifest,
    }
}

pub fn scores(compliant: u64, noncompliant: u64) -> Scores {
    let tally = Tally {
        compliant,
        noncompliant,
    };
    Scores::new(tally, tally, tally)
}

pub fn account(id: u64, name: Option<&str>, compliant: u64, noncompliant: u64, fitted: f64) -> AccountScore {
    AccountScore {
        account_id: format!("{id:012}"),
        name: name.map(str::to_owned),
        organizational_unit: Some("Root/Workloads".to_owned()),
        completeness: Completeness::Complete,
        scopes: 4,
        scopes_collected: 4,
        scores: scores(compliant, noncompliant),
        before: Some(scores(compliant + 1, noncompliant)),
        change: Some(fitted / 2.0),
        movement: Movement {
            new: noncompliant / 10,
            resolved: 1,
            still: noncompliant - noncompliant / 10,
            vanished: 0,
        },
        trend: vec![Some(0.9), Some(0.88), None, Some(0.85), Some(0.84)],
        direction: direction(Some(fitted), 0.5),
        fitted_change: Some(fitted),
        ages: Ages::default(),
        times_to_resolve: TimesToResolve::default(),
        rules_without_results: None,
    }
}

pub fn rule(name: &str, severity: Option<Severity>, compliant: u64, noncompliant: u64) -> RuleScore {
    RuleScore {
        metadata: RuleMetadata {
            rule: name.to_owned(),
            identifier: None,
            severity,
            description: None,
            guidance: None,
            link: None,
            controls: BTreeMap::new(),
            resource_types: Vec::new(),
            periodic: None,
        },
        config_rule_names: vec![name.to_owned()],
        conformance_packs: Vec::new(),
        scores: scores(compliant, noncompliant),
        before: None,
        change: Some(-0.004),
        movement: Movement {
            new: 3,
            resolved: 1,
            still: 0,
            vanished: 0,
        },
        accounts_noncompliant: noncompliant.min(12),
        accounts: 50,
        scopes_without_results: None,
    }
}

pub fn scope(account: u64, region: &str, state: SourceState, missing: Option<(&str, &str)>) -> ScopeCoverage {
    let gap = |(code, reason): (&str, &str)| Gap {
        code: code.to_owned(),
        reason: reason.to_owned(),
    };
    ScopeCoverage {
        source: SourceStatus {
            account_id: format!("{account:012}"),
            aws_region: region.to_owned(),
            state,
            last_update_time: Some(time("2026-11-21T06:00:00Z")),
            error_code: None,
            error_message: None,
        },
        expected: true,
        method: Some(Method::ResourceCompliance),
        results: 100,
        rules: 20,
        missing: missing.map(gap),
        missing_rules: Vec::new(),
        annotations_missing: 0,
        count_disagreements: 0,
        inventory: Inventory::NotKnowable(gap(("Config.NoRole", "no role is set"))),
    }
}

pub fn pair(index: usize, rule: &str, severity: Option<Severity>, cause: Cause) -> PairRow {
    let key = PairKey {
        account_id: format!("{:012}", 111_100_000_000 + index % 7),
        aws_region: ["eu-west-1", "us-east-1", "global"][index % 3].to_owned(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource_id: format!("bucket-{index:05}"),
        rule: rule.to_owned(),
    };
    PairRow {
        account_name: (!index.is_multiple_of(5)).then(|| format!("payments-{}", index % 7)),
        severity,
        config_rule_names: vec![rule.to_owned()],
        now: Some(ComplianceType::NonCompliant),
        cause: Some(cause),
        ..PairRow::of(key)
    }
}

fn trend() -> Trend {
    let days = ["15", "16", "17", "18", "19", "20", "21"];
    let points = days.iter().enumerate().map(|(index, day)| {
        let target = time(&format!("2026-11-{day}T08:52:00Z"));
        let known = index != 2;
        TrendPoint {
            target,
            snapshot_id: known.then(|| day.to_string()),
            as_of: known.then_some(target),
            scores: known.then(|| scores(900 - 7 * index as u64, 100 + 5 * index as u64)),
            movement: None,
            scopes_missing: 0,
        }
    });
    Trend {
        points: points.collect(),
        direction: Direction::Degrading,
        fitted_change: Some(-0.03),
    }
}

fn coverage() -> Coverage {
    Coverage {
        expectation: Expectation::Organizations,
        organizations_gap: None,
        expected_accounts: (0..4)
            .map(|id| format!("{:012}", 111_100_000_000u64 + id))
            .collect(),
        unexpected_accounts: Vec::new(),
        expected_regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
        regions_skipped: Vec::new(),
        scopes: (0..4)
            .flat_map(|id| {
                ["eu-west-1", "us-east-1"]
                    .map(|region| scope(111_100_000_000 + id, region, SourceState::Succeeded, None))
            })
            .collect(),
        results_ignored: 0,
        planned_calls: 12,
    }
}

fn inputs(kind: ReportKind, baseline: Option<SnapshotRef>) -> RunInputs {
    let snapshot = snapshot("2026-11-21T08:52:00Z");
    RunInputs {
        kind,
        as_of: snapshot.as_of,
        origin: Origin {
            aggregator_arn: "arn:aws:config:eu-west-1:111122223333:config-aggregator/x".to_owned(),
            simulation: None,
            scope: None,
        },
        snapshot,
        baseline,
        history: Vec::new(),
        trend: Vec::new(),
        settings: ObjectRef {
            key: "settings".to_owned(),
            sha256: "00".repeat(32),
        },
        catalogue_version: "2026-11-21.1".to_owned(),
        plumbline_version: "0.1.0".to_owned(),
        predecessor: None,
        left_out: Vec::new(),
        passed_over: Vec::new(),
        events: None,
    }
}

/// A normal simulated day.
pub fn normal() -> (Scorecard, Lists) {
    let baseline = Some(snapshot("2026-11-20T08:50:00Z"));
    let counts: CauseCounts = [
        (Cause::TurnedNoncompliant, (12, -12, 0)),
        (Cause::TurnedCompliant, (4, 4, 0)),
        (Cause::ResourceAdded, (10, 7, 10)),
        (Cause::RuleRemoved, (3, -2, -3)),
    ]
    .into();
    let (before, now) = (
        Tally {
            compliant: 868,
            noncompliant: 125,
        },
        Tally {
            compliant: 865,
            noncompliant: 135,
        },
    );
    let aggregator_arn = "arn:aws:config:eu-west-1:111122223333:config-aggregator/organization".to_owned();
    let scorecard = Scorecard {
        schema: 1,
        run_id: "daily-20261121T085200Z-0123456789ab".to_owned(),
        kind: ReportKind::Daily,
        as_of: time("2026-11-21T08:52:00Z"),
        title: "Example Corp".to_owned(),
        simulation: Some("seed 7, 4 accounts, 2 regions".to_owned()),
        baseline: baseline.clone(),
        snapshots_read: 7,
        history_from: time("2026-11-14T08:52:00Z"),
        organization: scores(865, 135),
        completeness: Completeness::Partial,
        organization_before: Some(scores(868, 125)),
        change: Some(decompose(before, now, &counts)),
        movement: Movement {
            new: 15,
            resolved: 4,
            still: 120,
            vanished: 1,
        },
        trend: trend(),
        ages: Ages::default(),
        times_to_resolve: TimesToResolve::default(),
        mean_time_to_detect_seconds: None,
        events: None,
        severities: [
            (Some(Severity::Critical), 2),
            (Some(Severity::High), 40),
            (Some(Severity::Medium), 80),
            (None, 13),
        ]
        .map(|(severity, open)| SeverityScore {
            severity,
            weight: 2,
            rules: 3,
            scores: scores(200, open),
            movement: Movement::default(),
            ages: Ages::default(),
            times_to_resolve: TimesToResolve::default(),
        })
        .into(),
        accounts: vec![
            account(111_100_000_002, Some("payments-prod"), 120, 60, -0.041),
            account(111_100_000_001, Some("data & analytics"), 240, 55, 0.012),
            account(111_100_000_003, None, 250, 20, -0.006),
            account(111_100_000_000, Some("security"), 255, 0, 0.0),
        ],
        rules: vec![
            rule("s3-bucket-versioning-enabled", Some(Severity::Low), 100, 50),
            rule("restricted-ssh", Some(Severity::High), 80, 40),
            rule("iam-user-mfa-enabled", Some(Severity::Medium), 20, 30),
            rule("acme-tag-owner", None, 10, 13),
            rule("root-account-mfa-enabled", Some(Severity::Critical), 2, 2),
            rule("cloudtrail-enabled", Some(Severity::High), 8, 0),
        ],
        resource_types: Vec::new(),
        organizational_units: Vec::new(),
        controls: Vec::new(),
        unrated_rules: vec!["acme-tag-owner".to_owned()],
        merged: Merged::default(),
        fix_first: fix_first(&repairs(12)),
        exceptions: exceptions(),
        reconciliation: Vec::new(),
        context: SnapshotContext {
            aggregator: Aggregator {
                name: "organization".to_owned(),
                arn: aggregator_arn,
                regions: Vec::new(),
                account_ids: Vec::new(),
                organization: true,
            },
            accounts: vec![Account {
                account_id: "111100000002".to_owned(),
                name: Some("payments-prod".to_owned()),
                organizational_unit: None,
            }],
            conformance_packs: Vec::new(),
            coverage: coverage(),
        },
        inputs: inputs(ReportKind::Daily, baseline),
    };
    (scorecard, normal_lists())
}

/// So many repairs of an organization of 1,000 pairs, the first of them the greatest.
pub fn repairs(count: usize) -> Vec<Repair> {
    let rules = ["restricted-ssh", "s3-bucket-versioning-enabled", "acme-tag-owner"];
    let severities = [Some(Severity::High), Some(Severity::Low), None];
    let share = |index: usize| 0.02 / (index + 1) as f64;
    let after = |index: usize| {
        let gained: f64 = (0..=index).map(share).sum();
        Points {
            compliance: 0.865 + gained,
            weighted: 0.865 + gained / 2.0,
        }
    };
    let repair = |index: usize| Repair {
        rule: rules[index % 3].to_owned(),
        severity: severities[index % 3],
        account_id: format!("{:012}", 111_100_000_000 + index),
        account_name: index.is_multiple_of(2).then(|| "payments-prod".to_owned()),
        pairs: 20 / (index as u64 + 1) + 1,
        weight: 100 / (index as u64 + 1),
        excepted: 0,
        resources_freed: 1,
        oldest_since: None,
        oldest_at_least: false,
        gain: Points {
            compliance: share(index),
            weighted: share(index) / 2.0,
        },
        organization_after: after(index),
        account_gain: Points::default(),
        account_after: Points::default(),
    };
    (0..count).map(repair).collect()
}

pub fn fix_first(repairs: &[Repair]) -> FixFirst {
    FixFirst {
        repairs: repairs.len() as u64,
        first: repairs.iter().take(FIRST).cloned().collect(),
        half: repairs.len().div_ceil(5) as u64,
        ..FixFirst::default()
    }
}

/// An exception with this id and state, in whose scope `pairs` noncompliant pairs are.
pub fn exception(id: &str, state: ExceptionState, pairs: u64) -> ExceptionEntry {
    let expires = match state {
        ExceptionState::Expired => "2026-11-18",
        ExceptionState::Expiring => "2026-11-24",
        _ => "2027-05-31",
    };
    ExceptionEntry {
        id: id.to_owned(),
        rule: "acme-tag-owner".to_owned(),
        severity: None,
        state,
        days_left: 3,
        pairs,
        speaks_for: 0,
        self_approved: false,
        long_term: false,
        terms: ExceptionSettings {
            id: Some(id.to_owned()),
            rule: "acme-tag-owner".to_owned(),
            everywhere: true,
            accounts: Vec::new(),
            organizational_units: Vec::new(),
            regions: Vec::new(),
            resource_types: Vec::new(),
            resource_ids: Vec::new(),
            reason: "Tags come with the new landing zone.".to_owned(),
            owner: "platform".to_owned(),
            approver: "security".to_owned(),
            approved: "2026-06-01".parse().unwrap(),
            expires: expires.parse().unwrap(),
        },
    }
}

fn exceptions() -> Exceptions {
    use ExceptionState::{Active, Expired, Expiring};
    let some = [("EX-3", Expired, 14), ("EX-9", Expiring, 2), ("EX-12", Active, 5)];
    Exceptions {
        entries: some.map(|(id, state, pairs)| exception(id, state, pairs)).into(),
        noncompliant: 7,
        new: 1,
    }
}

fn normal_lists() -> Lists {
    let turned = Cause::TurnedNoncompliant;
    let mut new: Vec<PairRow> = (0..12)
        .map(|index| pair(index, "restricted-ssh", Some(Severity::High), turned))
        .collect();
    new.extend((12..15).map(|index| pair(index, "acme-tag-owner", None, Cause::ResourceAdded)));
    Lists {
        new,
        resolved: (20..24)
            .map(|index| {
                pair(
                    index,
                    "iam-user-mfa-enabled",
                    Some(Severity::Medium),
                    Cause::TurnedCompliant,
                )
            })
            .collect(),
        vanished: vec![pair(
            30,
            "restricted-rdp",
            Some(Severity::High),
            Cause::RuleRemoved,
        )],
        noncompliant: Vec::new(),
        repairs: repairs(12),
        disagreements: Vec::new(),
        transitions: Vec::new(),
    }
}

/// A live organization's first run.
pub fn first_run() -> (Scorecard, Lists) {
    let (mut scorecard, _) = normal();
    scorecard.simulation = None;
    scorecard.baseline = None;
    scorecard.organization_before = None;
    scorecard.change = None;
    scorecard.movement = Movement::default();
    scorecard.trend.points.drain(..6);
    scorecard.trend.direction = Direction::NotEnoughHistory;
    scorecard.trend.fitted_change = None;
    for account in &mut scorecard.accounts {
        account.change = None;
        account.movement = Movement::default();
        account.trend = vec![account.scores.compliance_score];
        account.direction = Direction::NotEnoughHistory;
        account.fitted_change = None;
    }
    for rule in &mut scorecard.rules {
        rule.change = None;
        rule.movement = Movement::default();
    }
    scorecard.exceptions = Exceptions::default();
    scorecard.fix_first = fix_first(&repairs(2));
    let lists = Lists {
        repairs: repairs(2),
        ..Lists::default()
    };
    (scorecard, lists)
}

/// A day on which much was not collected.
pub fn missing_coverage() -> (Scorecard, Lists) {
    let (mut scorecard, lists) = normal();
    let coverage = &mut scorecard.context.coverage;
    let reason = Some((
        "Coverage.SourceFailed",
        "the aggregator could not read the source: access was denied",
    ));
    for scope in coverage
        .scopes
        .iter_mut()
        .filter(|scope| scope.source.account_id == "111100000002")
    {
        let lost = self::scope(
            111_100_000_002,
            &scope.source.aws_region,
            SourceState::Failed,
            reason,
        );
        *scope = lost;
    }
    for account in 900..915 {
        coverage.scopes.push(scope(
            account,
            "eu-west-1",
            SourceState::Absent,
            Some(("Coverage.SourceAbsent", "the aggregator does not list it")),
        ));
    }
    coverage.scopes[0].source.state = SourceState::Outdated;
    let gap = Gap {
        code: "Config.Throttled".to_owned(),
        reason: "rate exceeded after 8 attempts".to_owned(),
    };
    coverage.scopes[1].missing_rules = vec![MissingRule {
        config_rule_name: "restricted-ssh".to_owned(),
        gap,
    }];
    coverage.regions_skipped = vec!["ap-south-1".to_owned()];
    coverage.results_ignored = 12;
    scorecard.accounts[0].completeness = Completeness::Missing;
    (scorecard, lists)
}

/// A day on which nothing changed.
pub fn nothing_new() -> (Scorecard, Lists) {
    let (mut scorecard, _) = normal();
    let now = Tally {
        compliant: 865,
        noncompliant: 135,
    };
    scorecard.change = Some(decompose(now, now, &CauseCounts::new()));
    scorecard.movement = Movement {
        still: 135,
        ..Movement::default()
    };
    scorecard.trend.direction = Direction::Steady;
    for account in &mut scorecard.accounts {
        account.direction = Direction::Steady;
        account.movement = Movement::default();
    }
    scorecard.fix_first = FixFirst::default();
    (scorecard, Lists::default())
}

/// A day on which a new rule found 5,000 pairs, and others.
pub fn five_thousand() -> (Scorecard, Lists) {
    let (mut scorecard, mut lists) = normal();
    let rules: Vec<String> = (0..60).map(|index| format!("acme-rule-{index:02}")).collect();
    let severities = [
        Some(Severity::Critical),
        Some(Severity::Medium),
        None,
        Some(Severity::Low),
    ];
    lists.new = (0..5_000)
        .map(|index| {
            pair(
                index,
                &rules[index % 60],
                severities[index % 60 % 4],
                Cause::RuleAdded,
            )
        })
        .collect();
    scorecard.movement.new = 5_000;
    scorecard.accounts = (0..300)
        .map(|id| account(111_100_000_000 + id, Some("workload"), 100 + id, 50, 0.0))
        .collect();
    scorecard.rules = rules
        .iter()
        .map(|name| rule(name, Some(Severity::Medium), 100, 84))
        .collect();
    (scorecard, lists)
}

pub fn settings(link: Option<&str>) -> Settings {
    let mut settings = Settings::default();
    settings.report.link = link.map(str::to_owned);
    settings
}

/// A day whose events were read.
pub fn with_events() -> (Scorecard, Lists) {
    let (mut scorecard, lists) = normal();
    scorecard.events = Some(EventActivity {
        from: time("2026-11-20T08:52:00Z"),
        until: time("2026-11-21T08:52:00Z"),
        events: 1_500,
        results: 400,
        became_noncompliant: 15,
        resolved: 9,
        gone: 1,
        told: ToldCounts {
            opened: 3,
            reopened: 0,
            resolved: 2,
        },
        batched: BatchedOpenings {
            below_severity: 8,
            first_evaluation: 3,
            no_route: 0,
        },
        silenced: 1,
        ended_untold: 8,
        unchanged: 375,
        superseded: 0,
        severities: Vec::new(),
        time_to_detect: Durations {
            count: 12,
            mean_seconds: Some(252.0),
            median_seconds: Some(96.0),
            p95_seconds: Some(1_440.0),
        },
        time_to_store: Durations::default(),
        new_without_event: Some(2),
    });
    (scorecard, lists)
}

/// A day whose events could not be read.
pub fn events_unread() -> (Scorecard, Lists) {
    let (mut scorecard, lists) = normal();
    scorecard.inputs.events = Some(PeriodEvents::Unread(Gap {
        code: "Events.Unavailable".to_owned(),
        reason: "the table of events did not answer".to_owned(),
    }));
    (scorecard, lists)
}

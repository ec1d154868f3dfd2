//! The trend, the coverage and the frozen inputs of a sample.

use super::*;

pub(super) fn snapshot(days: f64) -> SnapshotRef {
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
pub(super) fn step(kind: ReportKind) -> f64 {
    if kind == ReportKind::Weekly { 7.0 } else { 1.0 }
}

pub(super) fn trend(shape: &Shape, now: &Group) -> Trend {
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

pub(super) fn trend_point(shape: &Shape, now: &Group, back: f64) -> TrendPoint {
    let days = back * step(shape.kind);
    let gap = back > 0.0 && (shape.first_run || back == 4.0);
    let scores = if back == 0.0 {
        now.scores
    } else if back == 1.0 {
        now.before.unwrap_or_default()
    } else {
        let base = now.before.unwrap_or(now.scores);
        let total = base.pairs.total();
        let drift = (total as f64 * (0.003 * back + 0.004 * (back * 1.7).sin())) as u64;
        let pairs = Tally {
            compliant: base.pairs.compliant.saturating_sub(drift),
            noncompliant: base.pairs.noncompliant + drift,
        };
        Scores::new(pairs, base.resources, base.weight)
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
                    new: dice(&[back as usize, 1]) % (now.movement.new + 1).clamp(4, 60),
                    resolved: dice(&[back as usize, 2]) % (now.movement.resolved + 1).clamp(4, 60),
                    ..now.movement
                }
            }
        }),
        scopes_missing: u64::from(back == 2.0),
    }
}

pub(super) fn context(shape: &Shape) -> SnapshotContext {
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

pub(super) fn scope(shape: &Shape, index: usize, region: &str) -> ScopeCoverage {
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
        method: (!failed).then_some(if index.is_multiple_of(4) {
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
        inventory: if index.is_multiple_of(3) {
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

pub(super) fn inputs(shape: &Shape) -> RunInputs {
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
            scope: None,
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
        // Not the catalogue's own, which would give every run id, and so every page, another look with each edition.
        catalogue_version: "2026-11-01".to_owned(),
        plumbline_version: "0.1.0".to_owned(),
        predecessor: history.last().map(|_| Predecessor {
            run_id: "daily-20261120T060000Z-3f9a1c77b2d0".to_owned(),
            manifest_sha256: sha256_hex(b"previous"),
        }),
        left_out: Vec::new(),
        passed_over: Vec::new(),
        events: None,
        history,
    }
}

//! Pairs with several sources, of which one is not read: missing is never compliant.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use compliance::coverage::{MissingRule, ScopeCoverage};
use compliance::evaluation::ComplianceType::{self, Compliant, NonCompliant};
use compliance::evaluation::EvaluationResult;
use compliance::progress::Silent;
use compliance::scorecard::{Cause, Movement, Tally};
use compliance::settings::Settings;
use local::MemoryObjectStore;
use score_compliance::score::{self, ScoreInput, ScoreOutput};

use support::{Day, gap, inputs, result, scope, time, wait, whole_trend};

const A: &str = "111111111111";
const EU: &str = "eu-west-1";
const US: &str = "us-east-1";
const BUCKET: &str = "AWS::S3::Bucket";
const USER: &str = "AWS::IAM::User";
const PLAIN: &str = "restricted-ssh";
const PACKED: &str = "restricted-ssh-conformance-pack-abc123";

/// Scores the last of these days against `baseline`.
fn score(days: &[Day], baseline: Option<usize>) -> ScoreOutput {
    let store = MemoryObjectStore::default();
    let snapshots: Vec<_> = days
        .iter()
        .map(|day| wait(support::freeze(day, &store)).snapshot)
        .collect();
    let inputs = inputs(&snapshots, baseline, whole_trend(&snapshots));
    let settings = Settings::default();
    wait(score::run(ScoreInput { inputs, settings }, &store, &Silent)).expect("scored")
}

/// One rule under two names: what each says of a bucket, `None` where it could not be read; and another bucket that
/// is compliant.
fn named(day: &str, plain: Option<ComplianceType>, packed: Option<ComplianceType>) -> Day {
    let mut covered = scope(A, EU);
    let mut rows = vec![result([A, EU, PLAIN, BUCKET, "other"], Compliant)];
    for (name, state) in [(PLAIN, plain), (PACKED, packed)] {
        match state {
            Some(state) => rows.push(result([A, EU, name, BUCKET, "one"], state)),
            None => covered.missing_rules.push(MissingRule {
                config_rule_name: name.to_owned(),
                gap: gap("Config.Throttled"),
            }),
        }
    }
    // A rule that could not be read has no results at all.
    let unread = |row: &EvaluationResult| {
        let mut missing = covered.missing_rules.iter();
        missing.any(|rule| rule.config_rule_name == row.config_rule_name)
    };
    rows.retain(|row| !unread(row));
    if plain.is_none() {
        rows.push(result([A, EU, PACKED, BUCKET, "other"], Compliant));
    }
    Day::new(&moment(day), rows, vec![covered])
}

/// One user in two regions: what each says, `None` where its scope was not collected; and another that is compliant.
fn global(day: &str, eu: Option<ComplianceType>, us: Option<ComplianceType>) -> Day {
    let rule = "iam-user-mfa-enabled";
    let mut rows = Vec::new();
    let mut scopes: Vec<ScopeCoverage> = Vec::new();
    for (region, state) in [(EU, eu), (US, us)] {
        let mut covered = scope(A, region);
        match state {
            Some(state) => {
                rows.push(result([A, region, rule, USER, "one"], state));
                rows.push(result([A, region, rule, USER, "other"], Compliant));
            }
            None => covered.missing = Some(gap("Coverage.SourceFailed")),
        }
        scopes.push(covered);
    }
    Day::new(&moment(day), rows, scopes)
}

fn moment(day: &str) -> String {
    format!("2026-11-{day}T09:00:00Z")
}

type Make = fn(&str, Option<ComplianceType>, Option<ComplianceType>) -> Day;

/// Both ways in which one pair has two sources.
const WAYS: [Make; 2] = [named, global];

fn tally(compliant: u64, noncompliant: u64) -> Tally {
    Tally {
        compliant,
        noncompliant,
    }
}

#[test]
fn a_pair_whose_noncompliant_source_is_not_read_is_neither_compliant_nor_resolved() {
    for make in WAYS {
        let output = score(
            &[
                make("20", Some(NonCompliant), Some(Compliant)),
                make("21", None, Some(Compliant)),
            ],
            Some(0),
        );
        let card = &output.scorecard;
        let vanished = Movement {
            vanished: 1,
            ..Movement::default()
        };
        assert_eq!(
            (card.organization.pairs, card.organization.resources),
            (tally(1, 0), tally(1, 0))
        );
        assert_eq!(
            (card.accounts[0].scores.pairs, card.rules[0].scores.pairs),
            (tally(1, 0), tally(1, 0))
        );
        assert_eq!(
            (card.merged.pairs, card.resource_types[0].scores.pairs),
            (1, tally(1, 0))
        );
        assert_eq!((card.movement, card.accounts[0].movement), (vanished, vanished));
        assert_eq!((card.times_to_resolve.resolved, card.ages.open), (0, 0));
        assert!(output.lists.resolved.is_empty());
        let row = &output.lists.vanished[0];
        assert_eq!((row.now, row.cause), (None, Some(Cause::NotCollected)));
        let parts: Vec<_> = card
            .change
            .as_ref()
            .expect("a baseline")
            .contributions
            .iter()
            .collect();
        assert_eq!(parts.len(), 1);
        assert_eq!(
            (
                parts[0].cause,
                parts[0].pairs,
                parts[0].compliant_change,
                parts[0].pairs_change
            ),
            (Cause::NotCollected, 1, 0, -1)
        );
        let point = card.trend.points.last().expect("this run");
        assert_eq!(
            (point.movement, point.scores),
            (Some(vanished), Some(card.organization))
        );
    }
}

#[test]
fn when_the_source_is_read_again_the_noncompliance_goes_on_or_is_resolved() {
    for make in WAYS {
        let days = |last| {
            [
                make("18", Some(Compliant), Some(Compliant)),
                make("19", Some(NonCompliant), Some(Compliant)),
                make("20", None, Some(Compliant)),
                make("21", Some(last), Some(Compliant)),
            ]
        };
        let still = score(&days(NonCompliant), Some(1));
        let row = &still.lists.noncompliant[0];
        let since = (row.noncompliant_since, row.since_at_least, row.before);
        assert_eq!(since, (Some(time(&moment("19"))), false, Some(NonCompliant)));
        assert_eq!(still.scorecard.movement.still, 1);
        let good = score(&days(Compliant), Some(1));
        assert_eq!(
            (good.scorecard.movement.resolved, good.lists.vanished.len()),
            (1, 0)
        );
        let times = good.scorecard.times_to_resolve;
        assert_eq!((times.resolved, times.mean_seconds), (1, Some(2.0 * 86_400.0)));
        // Against a day on which nothing was known of it, it comes back.
        let back = score(&days(Compliant), Some(2)).scorecard;
        let parts = back.change.expect("a baseline").contributions;
        assert_eq!(
            (parts.len(), parts[0].cause, parts[0].pairs_change),
            (1, Cause::CollectedAgain, 1)
        );
        assert_eq!(back.movement, Movement::default());
    }
}

/// The other source becomes noncompliant and compliant again; the first is still not read.
#[test]
fn what_another_source_says_later_does_not_stand_for_the_one_not_read() {
    for make in WAYS {
        let output = score(
            &[
                make("18", Some(NonCompliant), Some(Compliant)),
                make("19", None, Some(NonCompliant)),
                make("20", None, Some(Compliant)),
                make("21", None, Some(Compliant)),
            ],
            Some(1),
        );
        assert_eq!(output.scorecard.organization.pairs, tally(1, 0));
        assert_eq!(output.scorecard.movement.vanished, 1);
        assert_eq!(output.scorecard.times_to_resolve.resolved, 0);
        let since = output.lists.vanished[0].noncompliant_since;
        assert_eq!(since, Some(time(&moment("18"))));
    }
}

#[test]
fn a_pair_that_was_not_noncompliant_counts_by_the_sources_read() {
    for make in WAYS {
        let partly = || make("21", None, Some(Compliant));
        let whole = make("20", Some(Compliant), Some(Compliant));
        let other_way = make("20", Some(Compliant), Some(NonCompliant));
        assert_eq!(score(&[partly()], None).scorecard.organization.pairs, tally(2, 0));
        let same = score(&[whole, partly()], Some(0)).scorecard;
        assert_eq!(
            (same.organization.pairs, same.movement),
            (tally(2, 0), Movement::default())
        );
        // The noncompliant source was read again, and is compliant.
        let resolved = score(&[other_way, partly()], Some(0)).scorecard;
        assert_eq!(
            (resolved.organization.pairs, resolved.movement.resolved),
            (tally(2, 0), 1)
        );
    }
}

/// What was read of the pair still shows that its rule and its resource are there.
#[test]
fn a_pair_that_is_unknown_still_shows_that_its_resource_is_there() {
    let with = |mut day: Day| {
        day.rows
            .push(result([A, EU, "home-made", BUCKET, "one"], Compliant));
        day.rows
            .push(result([A, EU, "home-made", BUCKET, "other"], Compliant));
        day
    };
    let mut now = with(named("21", None, Some(Compliant)));
    now.rows
        .retain(|row| row.config_rule_name != "home-made" || row.resource_id != "one");
    let card = score(
        &[with(named("20", Some(NonCompliant), Some(Compliant))), now],
        Some(0),
    )
    .scorecard;
    let causes: Vec<_> = card
        .change
        .expect("a baseline")
        .contributions
        .iter()
        .map(|part| part.cause)
        .collect();
    assert_eq!(causes, [Cause::NoLongerEvaluated, Cause::NotCollected]);
}

/// A control named twice for a rule, and a framework named twice, count once.
#[test]
fn what_settings_repeat_counts_once() {
    let mut settings = Settings::parse("[rules.home-made]\ncontrols.soc2 = [\"CC9.9\"]").expect("settings");
    settings.report.frameworks = ["soc2", "cis-aws-level-2", "soc2"].map(str::to_owned).to_vec();
    for rule in settings.rules.values_mut() {
        rule.controls.insert(
            "soc2".to_owned(),
            vec!["ours".to_owned(), "CC9.9".to_owned(), "CC9.9".to_owned()],
        );
    }
    let store = MemoryObjectStore::default();
    let row = result([A, EU, "home-made", BUCKET, "one"], NonCompliant);
    let day = Day::new(&moment("21"), vec![row], vec![scope(A, EU)]);
    let snapshots = [wait(support::freeze(&day, &store)).snapshot];
    let inputs = inputs(&snapshots, None, whole_trend(&snapshots));
    let input = ScoreInput { inputs, settings };
    let card = wait(score::run(input, &store, &Silent))
        .expect("scored")
        .scorecard;
    let of = |name: &str| -> Vec<Tally> {
        let controls = card.controls.iter().filter(|control| control.control == name);
        controls.map(|control| control.scores.pairs).collect()
    };
    assert_eq!((of("CC9.9"), of("ours")), (vec![tally(0, 1)], vec![tally(0, 1)]));
    let frameworks = card.controls.iter().map(|control| control.framework.as_str());
    let mut order: Vec<&str> = frameworks.collect();
    order.dedup();
    assert_eq!(order, ["soc2", "cis-aws-level-2"]);
    assert_eq!(card.rules[0].metadata.controls["soc2"], ["CC9.9", "ours"]);
}

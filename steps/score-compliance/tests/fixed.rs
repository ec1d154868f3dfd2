//! Figures that are known beforehand: a real account, an empty organization, and the cases people ask about.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use compliance::coverage::{Inventory, MissingRule};
use compliance::evaluation::ComplianceType::{self, Compliant, NonCompliant};
use compliance::evaluation::EvaluationResult;
use compliance::hash::canonical_json;
use compliance::progress::Silent;
use compliance::report::RunInputs;
use compliance::scorecard::{Cause, Completeness, Direction, Movement, Scores, Tally};
use compliance::settings::Settings;
use compliance::snapshot::{Origin, SnapshotRef};
use local::MemoryObjectStore;
use score_compliance::ScoreError;
use score_compliance::score::{self, ScoreInput, ScoreOutput};
use serde_json::Value;

use support::{Day, gap, inputs, result, scope, time, wait, whole_trend};

const A: &str = "111111111111";
const B: &str = "222222222222";
const EU: &str = "eu-west-1";
const US: &str = "us-east-1";
const BUCKET: &str = "AWS::S3::Bucket";
const USER: &str = "AWS::IAM::User";

fn run(inputs: RunInputs, store: &MemoryObjectStore) -> Result<ScoreOutput, ScoreError> {
    let settings = Settings::default();
    wait(score::run(ScoreInput { inputs, settings }, store, &Silent))
}

fn freeze(days: &[Day], store: &MemoryObjectStore) -> Vec<SnapshotRef> {
    days.iter()
        .map(|day| wait(support::freeze(day, store)).snapshot)
        .collect()
}

/// Scores the last of these days against the first.
fn score(days: &[Day]) -> ScoreOutput {
    let store = MemoryObjectStore::default();
    let snapshots = freeze(days, &store);
    let baseline = (days.len() > 1).then_some(0);
    run(inputs(&snapshots, baseline, whole_trend(&snapshots)), &store).expect("scored")
}

/// The recorded account as a collection by details would bring it back.
fn recorded() -> Day {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../crates/simulated-org/recorded/one-account-evaluations.json"
    ));
    let recorded: Value = serde_json::from_str(text).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (account, region) = (text(&recorded["AccountId"]), text(&recorded["Region"]));
    let row = |value: &Value| {
        let qualifier = &value["EvaluationResultIdentifier"]["EvaluationResultQualifier"];
        let seconds = value["ResultRecordedTime"].as_f64().expect("a time");
        EvaluationResult {
            account_id: account.clone(),
            aws_region: region.clone(),
            config_rule_name: text(&qualifier["ConfigRuleName"]),
            resource_type: text(&qualifier["ResourceType"]),
            resource_id: text(&qualifier["ResourceId"]),
            compliance_type: ComplianceType::parse(&text(&value["ComplianceType"])).expect("a state"),
            result_recorded_time: compliance::Timestamp::from_millisecond((seconds * 1000.0) as i64).ok(),
            config_rule_invoked_time: None,
            configuration_item_capture_time: None,
            annotation: value["Annotation"].as_str().map(str::to_owned),
            annotation_reused: false,
        }
    };
    let rows = recorded["EvaluationResults"]
        .as_array()
        .expect("results")
        .iter()
        .map(row)
        .collect();
    let mut covered = scope(&account, &region);
    covered.inventory = Inventory::Known {
        rules: recorded["AccountRules"].as_u64().expect("a count"),
        without_results: recorded["RulesWithNoResults"]
            .as_array()
            .expect("rules")
            .iter()
            .map(text)
            .collect(),
    };
    Day::new("2026-11-21T09:00:00Z", rows, vec![covered])
}

#[test]
fn a_real_account_scores_73_of_196() {
    let output = score(&[recorded()]);
    let card = output.scorecard;
    let pairs = Tally {
        compliant: 73,
        noncompliant: 123,
    };
    assert_eq!(
        (card.organization.pairs, card.merged.results, card.merged.pairs),
        (pairs, 196, 196)
    );
    assert_eq!(card.organization.compliance_score, Some(73.0 / 196.0));
    assert_eq!(
        (card.rules.len(), card.accounts[0].rules_without_results),
        (31, Some(26))
    );
    assert_eq!(output.lists.noncompliant.len(), 123);
    assert!(
        output
            .lists
            .noncompliant
            .iter()
            .all(|row| row.since_at_least && row.cause.is_none())
    );
    assert_eq!(
        (card.ages.open, card.ages.at_least, card.ages.classes[4]),
        (123, 123, 123)
    );
    assert!(card.change.is_none() && card.baseline.is_none() && output.lists.new.is_empty());
}

#[test]
fn a_real_account_without_its_inventory_is_not_knowable() {
    let mut day = recorded();
    day.scopes[0].inventory = Inventory::NotKnowable(gap("Inventory.NotConfigured"));
    let card = score(&[day]).scorecard;
    assert_eq!(card.accounts[0].rules_without_results, None);
    assert!(
        card.rules
            .iter()
            .all(|rule| rule.scopes_without_results.is_none())
    );
}

#[test]
fn an_empty_organization_has_no_data_anywhere() {
    let days =
        ["2026-11-20T09:00:00Z", "2026-11-21T09:00:00Z"].map(|as_of| Day::new(as_of, Vec::new(), Vec::new()));
    let output = score(&days);
    let card = output.scorecard;
    assert_eq!(card.organization, Scores::default());
    assert_eq!(card.organization.compliance_score, None);
    let change = card.change.expect("a baseline");
    assert_eq!((change.change, change.contributions.len()), (None, 0));
    assert_eq!(card.trend.direction, Direction::NotEnoughHistory);
    assert!(card.accounts.is_empty() && card.rules.is_empty() && card.severities.is_empty());
    assert!(!card.controls.is_empty());
    assert!(
        card.controls
            .iter()
            .all(|control| control.scores == Scores::default() && control.before.is_none())
    );
    assert_eq!(output.lists, compliance::scorecard::Lists::default());
}

#[test]
fn an_account_without_a_rule_and_one_without_collection_have_no_data() {
    let row = result([A, EU, "restricted-ssh", BUCKET, "a"], Compliant);
    let mut missing = scope("333333333333", EU);
    missing.missing = Some(gap("Coverage.SourceFailed"));
    let mut day = Day::new(
        "2026-11-21T09:00:00Z",
        vec![row],
        vec![scope(A, EU), scope(B, EU), missing],
    );
    day.expected_accounts = vec!["444444444444".to_owned()];
    let card = score(&[day]).scorecard;
    let seen: Vec<_> = card
        .accounts
        .iter()
        .map(|account| {
            (
                &account.account_id[..1],
                account.scores.compliance_score,
                account.completeness,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("1", Some(1.0), Completeness::Complete),
            ("2", None, Completeness::Complete),
            ("3", None, Completeness::Missing),
            ("4", None, Completeness::Missing),
        ]
    );
}

/// Two users, one recorded in two regions and disagreeing, the rule deployed under two names.
#[test]
fn what_is_one_pair_counts_once_and_noncompliant_wins() {
    let rows = vec![
        result([A, EU, "iam-user-mfa-enabled", USER, "u"], Compliant),
        result([A, US, "iam-user-mfa-enabled", USER, "u"], Compliant),
        result(
            [A, US, "securityhub-iam-user-mfa-enabled-1a2b", USER, "u"],
            NonCompliant,
        ),
        result([A, EU, "iam-user-mfa-enabled", USER, "v"], Compliant),
    ];
    let output = score(&[Day::new(
        "2026-11-21T09:00:00Z",
        rows,
        vec![scope(A, EU), scope(A, US)],
    )]);
    let card = output.scorecard;
    let expected = Tally {
        compliant: 1,
        noncompliant: 1,
    };
    assert_eq!(card.organization.pairs, expected);
    let merged = &card.merged;
    assert_eq!(
        (
            merged.results,
            merged.pairs,
            merged.global_duplicates,
            merged.name_duplicates,
            merged.disagreements
        ),
        (4, 2, 1, 1, 1)
    );
    assert_eq!(merged.rules.len(), 1);
    let row = &output.lists.noncompliant[0];
    assert_eq!(
        (row.key.aws_region.as_str(), row.config_rule_names.len()),
        ("global", 2)
    );
}

#[test]
fn the_change_is_explained_without_a_remainder() {
    let before = vec![
        result([A, EU, "restricted-ssh", BUCKET, "turns bad"], Compliant),
        result([A, EU, "restricted-ssh", BUCKET, "turns good"], NonCompliant),
        result([A, EU, "restricted-ssh", BUCKET, "goes"], NonCompliant),
        result([B, EU, "restricted-ssh", BUCKET, "unseen"], NonCompliant),
        result([A, EU, "home-made", BUCKET, "turns bad"], Compliant),
    ];
    let now = vec![
        result([A, EU, "restricted-ssh", BUCKET, "turns bad"], NonCompliant),
        result([A, EU, "restricted-ssh", BUCKET, "turns good"], Compliant),
        result([A, EU, "restricted-ssh", BUCKET, "comes"], Compliant),
    ];
    let mut missing = scope(B, EU);
    missing.missing = Some(gap("Config.Throttled"));
    let output = score(&[
        Day::new("2026-11-20T09:00:00Z", before, vec![scope(A, EU), scope(B, EU)]),
        Day::new("2026-11-21T09:00:00Z", now, vec![scope(A, EU), missing]),
    ]);
    let change = output.scorecard.change.expect("a baseline");
    let parts: Vec<_> = change
        .contributions
        .iter()
        .map(|part| (part.cause, part.compliant_change, part.pairs_change))
        .collect();
    assert_eq!(
        parts,
        [
            (Cause::TurnedNoncompliant, -1, 0),
            (Cause::TurnedCompliant, 1, 0),
            (Cause::ResourceAdded, 1, 1),
            (Cause::ResourceDeleted, 0, -1),
            (Cause::RuleRemoved, -1, -1),
            (Cause::NotCollected, 0, -1),
        ]
    );
    let sum: f64 = change.contributions.iter().map(|part| part.score_change).sum();
    assert!((sum - (2.0 / 3.0 - 2.0 / 5.0)).abs() < 1e-12);
    let movement = Movement {
        new: 1,
        resolved: 1,
        still: 0,
        vanished: 2,
    };
    assert_eq!(output.scorecard.movement, movement);
}

/// Noncompliant on the first day, not collected on the second, noncompliant on the third: open for two days.
#[test]
fn a_gap_in_collection_does_not_end_noncompliance() {
    let row = || vec![result([A, EU, "restricted-ssh", BUCKET, "a"], NonCompliant)];
    let mut missing = scope(A, EU);
    missing.missing = Some(gap("Coverage.SourceFailed"));
    let mut unread = scope(A, EU);
    unread.missing_rules = vec![MissingRule {
        config_rule_name: "restricted-ssh".to_owned(),
        gap: gap("Config.Throttled"),
    }];
    for gap in [missing, unread] {
        let output = score(&[
            Day::new("2026-11-18T09:00:00Z", Vec::new(), vec![scope(A, EU)]),
            Day::new("2026-11-19T09:00:00Z", row(), vec![scope(A, EU)]),
            Day::new("2026-11-20T09:00:00Z", Vec::new(), vec![gap]),
            Day::new("2026-11-21T09:00:00Z", row(), vec![scope(A, EU)]),
        ]);
        let open = &output.lists.noncompliant[0];
        assert_eq!(open.noncompliant_since, Some(time("2026-11-19T09:00:00Z")));
        assert!(!open.since_at_least);
        assert_eq!(output.scorecard.ages.oldest_seconds, Some(2.0 * 86_400.0));
    }
}

fn uncollected(region: &str) -> compliance::coverage::ScopeCoverage {
    let mut missing = scope(A, region);
    missing.missing = Some(gap("Coverage.SourceFailed"));
    missing
}

/// A user recorded in two regions: one region's silence says nothing, both regions' silence does.
#[test]
fn a_global_pair_is_not_collected_only_when_all_its_regions_are_not() {
    let user = |region| result([A, region, "iam-user-mfa-enabled", USER, "u"], NonCompliant);
    let other = result([A, EU, "iam-user-mfa-enabled", USER, "v"], Compliant);
    let before = || {
        Day::new(
            "2026-11-20T09:00:00Z",
            vec![user(EU), user(US)],
            vec![scope(A, EU), scope(A, US)],
        )
    };
    let check = |rows: Vec<EvaluationResult>, scopes, expected| {
        let output = score(&[before(), Day::new("2026-11-21T09:00:00Z", rows, scopes)]);
        assert_eq!(output.lists.vanished[0].cause, Some(expected));
    };
    check(
        vec![other],
        vec![scope(A, EU), uncollected(US)],
        Cause::ResourceDeleted,
    );
    check(
        Vec::new(),
        vec![uncollected(EU), uncollected(US)],
        Cause::NotCollected,
    );
}

/// Gone for certain in one region, back in another that was not collected meanwhile: it begins anew.
#[test]
fn noncompliance_that_ended_does_not_begin_before_its_end() {
    let user = |region| {
        vec![result(
            [A, region, "iam-user-mfa-enabled", USER, "u"],
            NonCompliant,
        )]
    };
    let output = score(&[
        Day::new(
            "2026-11-18T09:00:00Z",
            Vec::new(),
            vec![scope(A, EU), uncollected(US)],
        ),
        Day::new(
            "2026-11-19T09:00:00Z",
            user(EU),
            vec![scope(A, EU), uncollected(US)],
        ),
        Day::new(
            "2026-11-20T09:00:00Z",
            Vec::new(),
            vec![scope(A, EU), uncollected(US)],
        ),
        Day::new("2026-11-21T09:00:00Z", user(US), vec![scope(A, EU), scope(A, US)]),
    ]);
    let row = &output.lists.noncompliant[0];
    let since = Some(time("2026-11-21T09:00:00Z"));
    assert_eq!((row.noncompliant_since, row.since_at_least), (since, false));
}

#[test]
fn a_resolution_takes_the_recorded_times_that_fit() {
    let with = |mut row: EvaluationResult, recorded: &str| {
        row.result_recorded_time = Some(time(recorded));
        vec![row]
    };
    let bad = || result([A, EU, "restricted-ssh", BUCKET, "a"], NonCompliant);
    let good = || result([A, EU, "restricted-ssh", BUCKET, "a"], Compliant);
    let output = score(&[
        Day::new("2026-11-18T09:00:00Z", Vec::new(), vec![scope(A, EU)]),
        Day::new(
            "2026-11-19T09:00:00Z",
            with(bad(), "2026-11-19T03:00:00Z"),
            vec![scope(A, EU)],
        ),
        Day::new(
            "2026-11-20T09:00:00Z",
            with(good(), "2026-11-19T15:00:00Z"),
            vec![scope(A, EU)],
        ),
    ]);
    let times = output.scorecard.times_to_resolve;
    assert_eq!(
        (times.resolved, times.at_least, times.mean_seconds),
        (1, 0, Some(12.0 * 3600.0))
    );
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let days = [recorded(), {
        let mut later = recorded();
        later.as_of = time("2026-11-22T09:00:00Z");
        later.rows.truncate(150);
        later
    }];
    let bytes = || {
        let output = score(&days);
        let card = canonical_json(&output.scorecard).expect("JSON");
        (
            card,
            canonical_json(&output.lists.noncompliant).expect("JSON"),
            output.lists,
        )
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn inputs_that_do_not_fit_together_are_refused() {
    let store = MemoryObjectStore::default();
    let day = |as_of: &str| Day::new(as_of, Vec::new(), vec![scope(A, EU)]);
    let snapshots = freeze(
        &[day("2026-11-20T09:00:00Z"), day("2026-11-21T09:00:00Z")],
        &store,
    );
    let whole = || inputs(&snapshots, Some(0), whole_trend(&snapshots));
    let refused = |inputs: RunInputs, says: &str| {
        let error = run(inputs, &store).expect_err("refused");
        assert_eq!(error.code(), "Score.Inputs");
        assert!(error.to_string().contains(says), "{error}");
    };
    assert!(run(whole(), &store).is_ok());
    let mut other = whole();
    other.origin = Origin {
        simulation: None,
        ..other.origin
    };
    refused(other, "different origins are never mixed");
    let mut unread = whole();
    unread.history.clear();
    refused(unread, "which is not in their history");
    let mut backwards = whole();
    std::mem::swap(&mut backwards.snapshot, &mut backwards.history[0]);
    refused(backwards, "which is not older");
}

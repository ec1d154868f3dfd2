//! What a shard's results and coverage are, in both modes and under every kind of failure.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use compliance::coverage::{Inventory, Method, SourceState};
use compliance::evaluation::EvaluationResult;
use compliance::ports::PortErrorKind;
use local::MemoryObjectStore;
use proptest::prelude::*;
use support::{ACCOUNT, Compliant, Fake, NonCompliant, REGION, at, detail, known, row};

fn three() -> Vec<EvaluationResult> {
    vec![
        detail("encrypted", "a", NonCompliant),
        detail("encrypted", "b", Compliant),
        detail("versioned", "a", Compliant),
    ]
}

/// Rule, resource and compliance of every result.
fn triples(results: &[EvaluationResult]) -> Vec<String> {
    let text = |result: &EvaluationResult| {
        let compliance_type = result.compliance_type.as_str();
        format!(
            "{} {} {compliance_type}",
            result.config_rule_name, result.resource_id
        )
    };
    results.iter().map(text).collect()
}

const THREE: [&str; 3] = [
    "encrypted a NON_COMPLIANT",
    "encrypted b COMPLIANT",
    "versioned a COMPLIANT",
];

#[tokio::test]
async fn where_items_are_recorded_only_noncompliant_rules_are_detailed() {
    let fake = Fake::of(true, three());
    let collected = fake.collect(4).await;
    assert_eq!(triples(&collected.results.results), THREE);
    assert_eq!(
        fake.asked(),
        [
            format!("{ACCOUNT} {REGION} encrypted NON_COMPLIANT"),
            format!("query {ACCOUNT}")
        ]
    );
    let noncompliant = &collected.results.results[0];
    assert_eq!(noncompliant.annotation.as_deref(), Some("a breaks encrypted"));
    assert!(
        noncompliant.result_recorded_time.is_some() && noncompliant.configuration_item_capture_time.is_some()
    );
    let scope = collected.scope();
    assert_eq!(scope.method, Some(Method::ResourceCompliance));
    assert_eq!(
        (
            scope.results,
            scope.rules,
            scope.count_disagreements,
            scope.annotations_missing
        ),
        (3, 2, 0, 0)
    );
    assert_eq!(collected.results.planned_calls, 2);
}

#[tokio::test]
async fn where_items_are_not_recorded_every_rule_is_detailed() {
    let fake = Fake::of(false, three());
    let collected = fake.collect(4).await;
    assert_eq!(triples(&collected.results.results), THREE);
    assert_eq!(
        fake.asked(),
        [
            format!("{ACCOUNT} {REGION} encrypted all"),
            format!("{ACCOUNT} {REGION} versioned all")
        ]
    );
    assert_eq!(collected.scope().method, Some(Method::Details));
    assert_eq!(
        (
            collected.results.planned_calls,
            collected.scope().count_disagreements
        ),
        (2, 0)
    );
}

#[tokio::test]
async fn each_scope_is_decided_by_looking() {
    let mut details = three();
    details.push(at(
        "000000000013",
        "us-east-1",
        detail("encrypted", "z", Compliant),
    ));
    let mut fake = Fake::of(true, details);
    fake.rows.retain(|row| row.account_id == ACCOUNT);
    let collected = fake.collect(4).await;
    let methods: Vec<_> = collected
        .results
        .scopes
        .iter()
        .map(|scope| scope.method)
        .collect();
    assert_eq!(methods, [Some(Method::ResourceCompliance), Some(Method::Details)]);
    assert_eq!(collected.results.results.len(), 4);
    assert_eq!(collected.scope().count_disagreements, 0);
}

#[tokio::test]
async fn a_rule_that_the_query_lacks_is_detailed_too() {
    let mut fake = Fake::of(true, three());
    fake.rows.retain(|row| row.config_rule_name == "encrypted");
    let collected = fake.collect(4).await;
    assert_eq!(triples(&collected.results.results), THREE);
    assert!(
        fake.asked()
            .contains(&format!("{ACCOUNT} {REGION} versioned all"))
    );
    assert_eq!(collected.scope().method, Some(Method::ResourceCompliance));
    assert_eq!(collected.scope().count_disagreements, 1);
}

#[tokio::test]
async fn known_annotations_are_reused_while_the_capture_time_is_the_same() {
    let mut fake = Fake::of(true, three());
    fake.known = vec![known(&fake.rows[0])];
    let collected = fake.collect(4).await;
    assert_eq!(fake.asked(), [format!("query {ACCOUNT}")]);
    let reused = &collected.results.results[0];
    assert!(reused.annotation_reused);
    assert_eq!(reused.annotation.as_deref(), Some("known from before"));
    assert_eq!(
        reused.result_recorded_time,
        Some("2026-11-19T00:00:00Z".parse().unwrap())
    );
    assert_eq!(
        (
            collected.output.counts.annotations_reused,
            collected.results.planned_calls
        ),
        (1, 1)
    );

    let mut fake = Fake::of(true, three());
    let mut changed = known(&fake.rows[0]);
    changed.configuration_item_capture_time = "2026-11-20T10:00:00.999Z".parse().unwrap();
    fake.known = vec![changed];
    let collected = fake.collect(4).await;
    let fresh = &collected.results.results[0];
    assert!(!fresh.annotation_reused);
    assert_eq!(fresh.annotation.as_deref(), Some("a breaks encrypted"));
}

#[tokio::test]
async fn what_is_known_is_not_the_whole_when_the_listing_counts_more() {
    let mut fake = Fake::of(true, three());
    fake.known = vec![known(&fake.rows[0])];
    let more = detail("encrypted", "c", NonCompliant);
    fake.list(&more);
    fake.details.push(more);
    let collected = fake.collect(4).await;
    assert_eq!(
        triples(&collected.results.results),
        [
            "encrypted a NON_COMPLIANT",
            "encrypted b COMPLIANT",
            "encrypted c NON_COMPLIANT",
            "versioned a COMPLIANT"
        ]
    );
    assert_eq!(collected.scope().count_disagreements, 1);
    assert!(
        !collected.results.results[0].annotation_reused,
        "what was asked for anew is not reused"
    );
}

#[tokio::test]
async fn where_the_views_disagree_both_are_kept_and_noncompliant_wins() {
    let mut fake = Fake::of(true, three());
    // The query is behind: it has "b" as compliant, and an "old" that the details have no more.
    fake.details[1] = detail("encrypted", "b", NonCompliant);
    fake.rows.push(row("encrypted", "old", NonCompliant));
    let collected = fake.collect(4).await;
    assert_eq!(
        triples(&collected.results.results),
        [
            "encrypted a NON_COMPLIANT",
            "encrypted b NON_COMPLIANT",
            "encrypted old NON_COMPLIANT",
            "versioned a COMPLIANT"
        ]
    );
    let scope = collected.scope();
    assert_eq!((scope.count_disagreements, scope.annotations_missing), (1, 1));
}

#[tokio::test]
async fn a_failed_or_absent_source_is_neither_read_nor_counted() {
    let mut details = three();
    details.push(at(ACCOUNT, "us-east-1", detail("encrypted", "z", NonCompliant)));
    let mut fake = Fake::of(true, details);
    fake.state(ACCOUNT, "us-east-1", SourceState::Failed);
    fake.state(ACCOUNT, "us-west-2", SourceState::Absent);
    let collected = fake.collect(4).await;
    assert_eq!(triples(&collected.results.results), THREE);
    assert_eq!(collected.results.results_ignored, 1);
    let gaps: Vec<_> = collected
        .results
        .scopes
        .iter()
        .map(|scope| (scope.results, scope.missing.as_ref().map(|gap| gap.code.as_str())))
        .collect();
    assert_eq!(
        gaps,
        [
            (3, None),
            (0, Some("Coverage.SourceFailed")),
            (0, Some("Coverage.SourceAbsent"))
        ]
    );
    assert!(
        fake.asked().iter().all(|asked| !asked.contains("us-east-1")),
        "{:?}",
        fake.asked()
    );
}

#[tokio::test]
async fn accounts_without_a_readable_source_are_not_queried() {
    let mut fake = Fake::of(true, three());
    fake.state(ACCOUNT, REGION, SourceState::Failed);
    let collected = fake.collect(4).await;
    assert_eq!((fake.asked().len(), collected.results.results.len()), (0, 0));
}

#[tokio::test]
async fn a_failed_query_falls_back_to_details_and_shows() {
    let mut fake = Fake::of(true, three());
    fake.query_fails = Some(PortErrorKind::Throttled);
    let collected = fake.collect(4).await;
    assert_eq!(triples(&collected.results.results), THREE);
    assert_eq!(collected.scope().method, Some(Method::Details));
    assert!(collected.scope().missing.is_none());
}

#[tokio::test]
async fn a_rule_whose_details_fail_keeps_its_pairs_without_annotations() {
    let mut fake = Fake::of(true, three());
    fake.rules_fail
        .insert("encrypted".to_owned(), PortErrorKind::Throttled);
    let collected = fake.collect(4).await;
    assert_eq!(triples(&collected.results.results), THREE);
    let scope = collected.scope();
    assert_eq!((scope.annotations_missing, scope.missing_rules.len()), (1, 0));
}

#[tokio::test]
async fn a_rule_that_cannot_be_read_is_missing_never_compliant() {
    let check = async |fake: &Fake| {
        let collected = fake.collect(4).await;
        assert_eq!(triples(&collected.results.results), ["versioned a COMPLIANT"]);
        let scope = collected.scope();
        assert!(scope.missing.is_none());
        assert_eq!(scope.missing_rules[0].config_rule_name, "encrypted");
        assert_eq!(scope.missing_rules[0].gap.code, "Config.Unavailable");
    };
    let mut unread = Fake::of(false, three());
    unread
        .rules_fail
        .insert("encrypted".to_owned(), PortErrorKind::Unavailable);
    check(&unread).await;
    // The query says compliant, the listing noncompliant, and the details cannot tell.
    let mut behind = Fake::of(true, three());
    behind.rows[0] = row("encrypted", "a", Compliant);
    behind
        .rules_fail
        .insert("encrypted".to_owned(), PortErrorKind::Unavailable);
    check(&behind).await;
}

#[tokio::test]
async fn a_scope_of_which_nothing_can_be_read_is_missing() {
    let mut fake = Fake::of(false, three());
    for rule in ["encrypted", "versioned"] {
        fake.rules_fail
            .insert(rule.to_owned(), PortErrorKind::AccessDenied);
    }
    let collected = fake.collect(4).await;
    let scope = collected.scope();
    assert_eq!(scope.missing.as_ref().unwrap().code, "Config.AccessDenied");
    assert_eq!(
        (scope.missing_rules.len(), scope.results, scope.method),
        (0, 0, None)
    );
    assert_eq!(collected.output.counts.scopes_missing, 1);
}

#[tokio::test]
async fn details_that_are_empty_though_listed_are_a_disagreement() {
    let mut fake = Fake::of(false, three());
    fake.details
        .retain(|detail| detail.config_rule_name == "encrypted");
    let collected = fake.collect(4).await;
    let scope = collected.scope();
    assert_eq!((scope.results, scope.rules, scope.count_disagreements), (2, 1, 1));
    assert!(scope.missing.is_none() && scope.missing_rules.is_empty());
}

/// The listing counts five noncompliant results of "encrypted"; the query has two of them.
fn behind() -> Fake {
    let mut details = three();
    for id in ["c", "d", "e", "f"] {
        details.push(detail("encrypted", id, NonCompliant));
    }
    let mut fake = Fake::of(true, details);
    fake.rows
        .retain(|row| !["d", "e", "f"].contains(&row.resource_id.as_str()));
    fake
}

#[tokio::test]
async fn a_count_that_neither_query_nor_details_account_for_is_missing() {
    for exceeded in [false, true] {
        let mut fake = behind();
        for listed in fake.listed.values_mut() {
            listed.cap_exceeded = exceeded && listed.compliance_type == NonCompliant;
        }
        fake.rules_fail
            .insert("encrypted".to_owned(), PortErrorKind::Throttled);
        let collected = fake.collect(4).await;
        assert_eq!(triples(&collected.results.results), ["versioned a COMPLIANT"]);
        let scope = collected.scope();
        assert!(scope.missing.is_none());
        assert_eq!(scope.missing_rules[0].config_rule_name, "encrypted");
        assert_eq!(scope.missing_rules[0].gap.code, "Config.Throttled");
        assert_eq!(scope.count_disagreements, 1);
        assert_eq!(collected.results.planned_calls, 2);
    }
}

#[tokio::test]
async fn a_query_that_is_behind_the_listing_is_answered_by_all_details() {
    let mut fake = behind();
    // Lagging in both directions: "a" is compliant by now, and a compliant result is not in the query at all.
    fake.details[0] = detail("encrypted", "a", Compliant);
    fake.details.push(detail("encrypted", "z", Compliant));
    let collected = fake.collect(4).await;
    assert_eq!(
        fake.asked(),
        [
            format!("{ACCOUNT} {REGION} encrypted all"),
            format!("query {ACCOUNT}")
        ]
    );
    assert_eq!(
        triples(&collected.results.results),
        [
            "encrypted a NON_COMPLIANT",
            "encrypted b COMPLIANT",
            "encrypted c NON_COMPLIANT",
            "encrypted d NON_COMPLIANT",
            "encrypted e NON_COMPLIANT",
            "encrypted f NON_COMPLIANT",
            "encrypted z COMPLIANT",
            "versioned a COMPLIANT"
        ]
    );
    let scope = collected.scope();
    assert_eq!((scope.count_disagreements, scope.annotations_missing), (1, 1));
    let kept = &collected.results.results[0];
    assert_eq!(
        kept.result_recorded_time, None,
        "when it was found compliant is not when it was found noncompliant"
    );
    assert!(scope.missing_rules.is_empty());
    assert_eq!(collected.results.planned_calls, 2);
}

#[tokio::test]
async fn noncompliance_that_is_listed_but_nowhere_to_be_read_is_missing() {
    let check = async |fake: &Fake, results: &[&str]| {
        let collected = fake.collect(4).await;
        assert_eq!(triples(&collected.results.results), results);
        let scope = collected.scope();
        assert!(scope.missing.is_none(), "the source answered");
        assert_eq!(scope.missing_rules.len(), 1);
        let missing = &scope.missing_rules[0];
        assert_eq!(
            (missing.config_rule_name.as_str(), missing.gap.code.as_str()),
            ("encrypted", "Coverage.Inconsistent")
        );
        for part in [
            "DescribeAggregateComplianceByConfigRules",
            "GetAggregateCompliance",
            "run again",
        ] {
            assert!(missing.gap.reason.contains(part), "{}", missing.gap.reason);
        }
        assert_eq!(scope.count_disagreements, 1);
    };
    let empty = |mut fake: Fake| {
        fake.details
            .retain(|detail| detail.config_rule_name == "versioned");
        fake
    };
    let versioned = ["versioned a COMPLIANT"];
    check(&empty(Fake::of(false, three())), &versioned).await;
    // The query has two of five, the details none.
    check(&empty(behind()), &versioned).await;
    // The only rule of its scope.
    let mut alone = Fake::of(false, vec![detail("encrypted", "a", NonCompliant)]);
    alone.details.clear();
    check(&alone, &[]).await;
    // Both other views know it as compliant only.
    let mut compliant = Fake::of(true, three());
    compliant.rows[0] = row("encrypted", "a", Compliant);
    compliant.details[0] = detail("encrypted", "a", Compliant);
    check(&compliant, &versioned).await;
}

#[tokio::test]
async fn a_rule_listed_without_a_count_is_read_by_all_its_details() {
    let mut fake = Fake::of(true, three());
    fake.details[0] = detail("encrypted", "a", Compliant);
    fake.rows[0] = row("encrypted", "a", Compliant);
    for listed in fake.listed.values_mut() {
        listed.capped_count = None;
    }
    let collected = fake.collect(4).await;
    assert!(
        fake.asked()
            .contains(&format!("{ACCOUNT} {REGION} encrypted all"))
    );
    assert!(collected.scope().missing_rules.is_empty());
    assert_eq!(collected.results.results.len(), 3);
    assert_eq!(collected.scope().count_disagreements, 1);
}

#[tokio::test]
async fn without_credentials_nothing_is_written() {
    let mut fake = Fake::of(false, three());
    fake.rules_fail
        .insert("encrypted".to_owned(), PortErrorKind::Credentials);
    let store = MemoryObjectStore::default();
    let error = fake.collect_into(&store, 4).await.err().unwrap();
    assert_eq!(error.code(), "Config.Credentials");
    assert!(
        compliance::ports::ObjectStore::list(&store, "work/")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_inventory_tells_rules_without_results() {
    let mut fake = Fake::of(true, three());
    let inventory = |collected: &support::Collected| collected.scope().inventory.clone();
    let Inventory::NotKnowable(gap) = inventory(&fake.collect(4).await) else {
        panic!("no role is set");
    };
    assert_eq!(gap.code, "Coverage.InventoryNotConfigured");

    fake.role = true;
    fake.deployed = Ok(["versioned", "unused", "encrypted"].map(str::to_owned).into());
    let collected = fake.collect(4).await;
    let expected = Inventory::Known {
        rules: 3,
        without_results: vec!["unused".to_owned()],
    };
    assert_eq!(inventory(&collected), expected);
    assert_eq!(collected.results.conformance_packs.len(), 1);

    fake.deployed = Err(PortErrorKind::AccessDenied);
    let Inventory::NotKnowable(gap) = inventory(&fake.collect(4).await) else {
        panic!("the role may not read");
    };
    assert_eq!(gap.code, "Config.AccessDenied");
}

#[tokio::test]
async fn a_second_attempt_adopts_what_the_first_wrote() {
    let fake = Fake::of(true, three());
    let store = MemoryObjectStore::default();
    let first = fake.collect_into(&store, 4).await.unwrap();
    let asked = fake.asked().len();
    let second = fake.collect_into(&store, 4).await.unwrap();
    assert!(!first.output.adopted && second.output.adopted);
    assert_eq!(
        (first.bytes, first.output.counts),
        (second.bytes, second.output.counts)
    );
    assert_eq!(fake.asked().len(), asked, "nothing is asked again");
}

#[tokio::test]
async fn a_damaged_shard_is_refused_and_damaged_annotations_are_asked_for_again() {
    let store = MemoryObjectStore::default();
    let mut fake = Fake::of(true, three());
    fake.known = vec![known(&fake.rows[0])];
    store.damage("annotations.json", b"[]");
    let collected = fake.collect_into(&store, 4).await.unwrap();
    assert_eq!(collected.output.counts.annotations_reused, 0);

    let store = MemoryObjectStore::default();
    store.damage("shard.json", b"{}");
    let error = fake.collect_into(&store, 4).await.err().unwrap();
    assert_eq!(error.code(), "Store.Damaged");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order in which answers come, and however many are asked for at once, the bytes are the same.
    #[test]
    fn order_and_concurrency_do_not_show(
        pairs in prop::collection::vec((0_u8..3, 0_u8..2, 0_u8..5, 0_u8..6, any::<bool>()), 1..60),
        records in any::<bool>(),
        failing in prop::option::of(0_u8..5),
        concurrency in 1_usize..9,
    ) {
        let details: Vec<_> = pairs
            .into_iter()
            .map(|(account, region, rule, id, compliant)| {
                let compliance_type = if compliant { Compliant } else { NonCompliant };
                at(
                    &format!("00000000001{account}"),
                    &format!("region-{region}"),
                    detail(&format!("rule-{rule}"), &format!("id-{id}"), compliance_type),
                )
            })
            .collect();
        let make = |delay: fn(&str) -> usize| {
            let mut fake = Fake::of(records, details.clone());
            fake.delay = delay;
            if let Some(rule) = failing {
                fake.rules_fail.insert(format!("rule-{rule}"), PortErrorKind::Throttled);
            }
            fake
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let in_order = runtime.block_on(make(|_| 0).collect(1));
        let mixed = runtime.block_on(
            make(|asked| asked.bytes().fold(7_usize, |hash, byte| hash * 31 % 1_009 + usize::from(byte)) % 13)
                .collect(concurrency),
        );
        prop_assert_eq!(&in_order.bytes, &mixed.bytes);
        prop_assert!(in_order.results.results.is_sorted());
    }
}

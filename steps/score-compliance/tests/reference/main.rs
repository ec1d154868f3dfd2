//! The scorer against a slow reference on generated histories: every count, score, cause, age, trend and list row.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod card;
mod groups;
mod oracle;
mod rows;
mod world;

use compliance::catalogue::Catalogue;
use compliance::progress::Silent;
use compliance::report::TrendTarget;
use compliance::scorecard::Scorecard;
use local::MemoryObjectStore;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use score_compliance::score::{self, ScoreInput, ScoreOutput};
use serde_json::Value;

use crate::card::Reference;
use crate::world::World;

/// Scores a world; what came out, and what the reference says.
fn both(
    world: &World,
) -> (
    ScoreOutput,
    Scorecard,
    compliance::scorecard::Lists,
    compliance::scorecard::CauseCounts,
) {
    let settings = world::settings();
    let store = MemoryObjectStore::default();
    let mut snapshots = Vec::new();
    for day in &world.days {
        snapshots.push(support::wait(support::freeze_unfiltered(day, &store)));
    }
    let last = &snapshots[snapshots.len() - 1];
    let trend = world.trend.iter().map(|point| TrendTarget {
        target: point.map_or(last.as_of, |day| snapshots[day].as_of),
        snapshot_id: point.map(|day| snapshots[day].id.clone()),
    });
    let inputs = support::inputs(&snapshots, world.baseline, trend.collect());
    let input = ScoreInput {
        inputs: inputs.clone(),
        settings: settings.clone(),
    };
    let output = support::wait(score::run(input, &store, &Silent)).expect("scored");
    let catalogue = Catalogue::new(&settings).expect("a catalogue");
    let reference = Reference {
        snapshots: oracle::snapshots(&world.days, &catalogue),
        baseline: world.baseline,
        inputs: &inputs,
        settings: &settings,
        catalogue,
        context: output.scorecard.context.clone(),
    };
    let (scorecard, lists, causes) = (reference.scorecard(), reference.lists(), reference.causes());
    (output, scorecard, lists, causes)
}

/// Where two documents differ first; numbers may differ in the last digits.
fn difference(path: &str, found: &Value, expected: &Value) -> Option<String> {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => a
            .iter()
            .find_map(|(key, value)| difference(&format!("{path}.{key}"), value, b.get(key)?)),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(index, (a, b))| difference(&format!("{path}[{index}]"), a, b)),
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64()?, b.as_f64()?);
            ((a - b).abs() > 1e-9 * a.abs().max(1.0)).then(|| format!("{path}: {a} instead of {b}"))
        }
        (a, b) => (a != b).then(|| format!("{path}: {a:#} instead of {b:#}")),
    }
}

fn same<T: serde::Serialize>(what: &str, found: &T, expected: &T) -> Result<(), TestCaseError> {
    let value = |document: &T| serde_json::to_value(document).expect("JSON");
    match difference(what, &value(found), &value(expected)) {
        Some(difference) => Err(TestCaseError::fail(difference)),
        None => Ok(()),
    }
}

/// The decomposition in whole numbers, with nothing left over.
fn decomposed(card: &Scorecard, causes: &compliance::scorecard::CauseCounts) -> Result<(), TestCaseError> {
    let Some(change) = &card.change else { return Ok(()) };
    let signed = |count: u64| i128::from(count);
    let (c0, n0) = (signed(change.before.compliant), signed(change.before.total()));
    let (c1, n1) = (signed(change.now.compliant), signed(change.now.total()));
    if change.change.is_some() {
        let (mut score, mut compliant, mut pairs) = (0i128, 0i128, 0i128);
        for part in &change.contributions {
            let (dc, dn) = (i128::from(part.compliant_change), i128::from(part.pairs_change));
            score += dc * n0 - c0 * dn;
            compliant += dc;
            pairs += dn;
        }
        prop_assert_eq!(score, c1 * n0 - c0 * n1);
        prop_assert_eq!((compliant, pairs), (c1 - c0, n1 - n0));
        let parts: f64 = change.contributions.iter().map(|part| part.score_change).sum();
        prop_assert!((parts - change.change.unwrap_or_default()).abs() < 1e-9);
        prop_assert_eq!(change.contributions.len(), causes.len());
    }
    Ok(())
}

/// Enough for every run of the tests; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    let set = ProptestConfig::default().cases;
    if set == 256 { 48 } else { set }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn every_number_and_every_row_is_what_the_definitions_give(world in world::world()) {
        let (output, scorecard, lists, causes) = both(&world);
        same("lists", &output.lists, &lists)?;
        same("scorecard", &output.scorecard, &scorecard)?;
        decomposed(&output.scorecard, &causes)?;
    }
}

/// Half of all generated histories have a pair that is unknown now though something of it was read, and a third have
/// one that was noncompliant at the baseline: the comparison above means something for them.
#[test]
fn many_histories_have_pairs_that_are_partly_unread() {
    let catalogue = Catalogue::new(&world::settings()).expect("a catalogue");
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut now, mut vanished, worlds) = (0, 0, 60);
    for _ in 0..worlds {
        let world = world::world().new_tree(&mut runner).expect("a world").current();
        let snapshots = oracle::snapshots(&world.days, &catalogue);
        let doubted = &snapshots[snapshots.len() - 1].doubted;
        let at_baseline = |key| {
            world
                .baseline
                .is_some_and(|index| snapshots[index].is_noncompliant(key))
        };
        now += usize::from(!doubted.is_empty());
        vanished += usize::from(doubted.keys().any(at_baseline));
    }
    assert!(
        now * 2 >= worlds && vanished * 3 >= worlds,
        "{now} and {vanished} of {worlds}"
    );
}

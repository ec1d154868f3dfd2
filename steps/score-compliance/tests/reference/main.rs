//! The scorer against a slow reference on generated histories: every count, score, cause, age, trend and list row.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod advice;
mod card;
mod groups;
mod oracle;
mod rows;
mod world;

use compliance::catalogue::Catalogue;
use compliance::progress::Silent;
use compliance::report::TrendTarget;
use compliance::scorecard::Scorecard;
use compliance::settings::Settings;
use local::MemoryObjectStore;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use score_compliance::score::{self, ScoreInput, ScoreOutput};
use serde_json::Value;

use crate::card::Reference;
use crate::world::World;

/// Scores a world.
fn scored(world: &World, settings: &Settings) -> ScoreOutput {
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
    let settings = settings.clone();
    support::wait(score::run(ScoreInput { inputs, settings }, &store, &Silent)).expect("scored")
}

/// What the reference has to say of a world that was scored.
fn reference<'a>(world: &'a World, settings: &'a Settings, output: &'a ScoreOutput) -> Reference<'a> {
    let catalogue = Catalogue::new(settings).expect("a catalogue");
    Reference {
        snapshots: oracle::snapshots(&world.days, &catalogue),
        baseline: world.baseline,
        inputs: &output.scorecard.inputs,
        settings,
        catalogue,
        context: output.scorecard.context.clone(),
    }
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
        let settings = world::settings();
        let output = scored(&world, &settings);
        let reference = reference(&world, &settings, &output);
        same("lists", &output.lists, &reference.lists())?;
        same("scorecard", &output.scorecard, &reference.scorecard(&output.scorecard))?;
        decomposed(&output.scorecard, &reference.causes())?;
    }
}

/// The generated world's last day alone, so that nothing is unknown because of what was read before.
fn last_day(world: &World) -> World {
    World {
        days: world.days[world.days.len() - 1..].to_vec(),
        baseline: None,
        trend: vec![Some(0)],
    }
}

/// Every choice of at most three of these.
fn choices(count: usize) -> Vec<Vec<usize>> {
    let pick = |choice: Vec<usize>| {
        let next = choice.last().map_or(0, |last| last + 1);
        (next..count).map(move |one| choice.iter().copied().chain([one]).collect::<Vec<usize>>())
    };
    let one: Vec<_> = pick(Vec::new()).collect();
    let two: Vec<_> = one.iter().cloned().flat_map(pick).collect();
    let three: Vec<_> = two.iter().cloned().flat_map(pick).collect();
    [one, two, three].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::with_cases(cases()) })]

    /// Scoring the day again with any one, two or three repairs made never gives a higher weighted score than the
    /// first one, two or three of the list; and everything repaired and excepted is what is missing to 100 %.
    #[test]
    fn no_other_repairs_gain_more(world in world::world()) {
        let world = last_day(&world);
        let settings = world::settings();
        let output = scored(&world, &settings);
        let reference = reference(&world, &settings, &output);
        let spots: Vec<_> = reference.spots().into_values().collect();
        prop_assert_eq!(spots.len(), output.lists.repairs.len());
        for choice in choices(spots.len()) {
            let keys = choice.iter().flat_map(|place| &spots[*place]);
            let scores = reference.scores_with(keys, None);
            let best = output.lists.repairs[choice.len() - 1].organization_after;
            prop_assert!(best.weighted >= scores.weighted_score.unwrap_or_default() - 1e-12);
        }
        let fix = &output.scorecard.fix_first;
        let pairs = output.scorecard.organization.pairs;
        prop_assert_eq!(fix.all.pairs + fix.excepted.pairs, pairs.noncompliant);
        let listed: f64 = output.lists.repairs.iter().map(|repair| repair.gain.compliance).sum();
        let missing = 1.0 - output.scorecard.organization.compliance_score.unwrap_or(1.0);
        prop_assert!((listed + fix.excepted.gain.compliance - missing).abs() < 1e-9);
        if let (Some(last), 0) = (output.lists.repairs.last(), fix.excepted.pairs) {
            prop_assert_eq!(last.organization_after.compliance, 1.0);
        }
    }

    /// With and without the exceptions of the settings, every score and every count is the same.
    #[test]
    fn no_number_changes_because_of_an_exception(world in world::world()) {
        let mut without = world::settings();
        without.exceptions.clear();
        let card = |settings: &Settings| scored(&world, settings).scorecard;
        let (mut with, mut without) = (card(&world::settings()), card(&without));
        for card in [&mut with, &mut without] {
            card.fix_first = Default::default();
            card.exceptions = Default::default();
        }
        prop_assert_eq!(with, without);
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

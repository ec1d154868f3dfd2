//! What events told of a sample's day.

use super::*;
use compliance::alerts::{Batched, Word};
use compliance::events::{EventActivity, EventCompliance, EventExtract, Outcome, TransitionRow};
use compliance::report::PeriodEvents;

/// The sample with events of most of its new and resolved pairs, and of some that are neither any more.
pub(super) fn told(mut input: RenderInput) -> RenderInput {
    let mut extract = EventExtract::new(days_before(1.0), as_of());
    let new = input.lists.new.iter().enumerate();
    let opened = new
        .filter(|(index, _)| index % 7 != 6)
        .map(|(index, row)| opened(index, row));
    let resolved = input.lists.resolved.iter().enumerate();
    let ended = resolved.map(|(index, row)| ended(index, row));
    extract.rows = opened.chain(ended).collect();
    extract
        .rows
        .sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
    (extract.unchanged, extract.superseded) = (1_204, 3);
    extract.results = extract.rows.len() as u64 + extract.unchanged + extract.superseded;
    extract.events = extract.results + 2_911;
    let catalogue = Catalogue::new(&input.settings).unwrap();
    let keys = input.lists.new.iter().map(|row| &row.key);
    let activity = EventActivity::of(&extract, |rule| catalogue.metadata(rule).severity, Some(keys));
    let scorecard = &mut input.scorecard;
    scorecard.mean_time_to_detect_seconds = activity.time_to_detect.mean_seconds;
    scorecard.events = Some(activity);
    scorecard.inputs.events = Some(PeriodEvents::Extract(ObjectRef {
        key: "work/events-daily.json".to_owned(),
        sha256: sha256_hex(b"events"),
    }));
    input.lists.transitions = extract.rows;
    input
}

fn opened(index: usize, row: &PairRow) -> TransitionRow {
    let severe = row.severity.unwrap_or(Severity::Medium) <= Severity::High;
    let outcome = match (severe, dice(&[index, 11]) % 8) {
        (_, 0) => batched(Batched::FirstEvaluation),
        (false, _) => batched(Batched::BelowSeverity),
        (true, 1) => Outcome::Silenced,
        (true, 2) => told_of(Word::Reopened, row),
        (true, _) => told_of(Word::Opened, row),
    };
    let first = outcome == batched(Batched::FirstEvaluation);
    TransitionRow {
        from: (!first).then_some(EventCompliance::Compliant),
        to: EventCompliance::NonCompliant,
        detected_after_ms: (index % 5 != 4).then(|| 20_000 + dice(&[index, 12]) % 900_000),
        ..transition(index, row, outcome)
    }
}

fn ended(index: usize, row: &PairRow) -> TransitionRow {
    let gone = index % 4 == 3;
    let outcome = match index % 3 {
        0 => told_of(Word::Resolved, row),
        _ => batched(Batched::NothingOpen),
    };
    TransitionRow {
        from: Some(EventCompliance::NonCompliant),
        to: if gone {
            EventCompliance::NotApplicable
        } else {
            EventCompliance::Compliant
        },
        detected_after_ms: None,
        ..transition(100 + index, row, outcome)
    }
}

fn transition(index: usize, row: &PairRow, outcome: Outcome) -> TransitionRow {
    TransitionRow {
        time: days_before(0.01 + (dice(&[index, 13]) % 900) as f64 / 1000.0),
        event_id: format!(
            "{index:08x}-7d1b-4c5e-9a53-{:012x}",
            dice(&[index, 14]) % 0xffff_ffff_ffff
        ),
        pair: row.key.clone(),
        from: None,
        to: EventCompliance::NonCompliant,
        outcome,
        detected_after_ms: None,
        stored_after_ms: 300 + dice(&[index, 15]) % 3_000,
    }
}

fn batched(why: Batched) -> Outcome {
    Outcome::Batched { why }
}

fn told_of(word: Word, row: &PairRow) -> Outcome {
    let incident = sha256_hex(row.key.resource_id.as_bytes())[..16].to_owned();
    Outcome::Told { word, incident }
}

//! What a report reads of events, and what it counts, against a plain reference over generated records.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use compliance::Timestamp;
use compliance::alerts::{Batched, Decision, Word};
use compliance::catalogue::Severity;
use compliance::evaluation::PairKey;
use compliance::events::{EventActivity, EventCompliance, EventExtract, EventRecord, SMOKE_TEST_SOURCE};
use compliance::hash::canonical_json;
use serde_json::{Value, json};

const FROM: &str = "2026-11-20T10:00:00Z";
const UNTIL: &str = "2026-11-21T10:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn told(word: Word) -> Decision {
    Decision::Told {
        word,
        incident: "0123456789abcdef".to_owned(),
        routes: vec!["oncall".to_owned()],
    }
}

fn decision(dice: &mut Dice) -> Option<Decision> {
    let batched = |why| Decision::Batched { why };
    Some(match dice.roll(11) {
        0 => told(Word::Opened),
        1 => told(Word::Reopened),
        2 => told(Word::Resolved),
        3 => batched(Batched::BelowSeverity),
        4 => batched(Batched::FirstEvaluation),
        5 => batched(Batched::NoRoute),
        6 => batched(Batched::NothingOpen),
        7 => Decision::Silenced {
            owner: "platform".to_owned(),
            until: time(UNTIL),
        },
        8 => Decision::Superseded,
        9 => Decision::Unchanged,
        _ => return None,
    })
}

/// The body of a result that judges a state so many milliseconds before it; `None` says nothing of it.
fn body(recorded: Timestamp, judged_before: Option<i64>) -> Value {
    let identifier = judged_before.map(|before| {
        let judged = Timestamp::from_millisecond(recorded.as_millisecond() - before).unwrap();
        json!({"orderingTimestamp": judged.to_string()})
    });
    json!({"detail": {"newEvaluationResult": {
        "complianceType": "NON_COMPLIANT",
        "resultRecordedTime": recorded.to_string(),
        "evaluationResultIdentifier": identifier,
    }}})
}

fn record(index: u64, dice: &mut Dice) -> EventRecord {
    let millisecond = time(FROM).as_millisecond() + dice.roll(86_400_000) as i64;
    let event_time = Timestamp::from_millisecond(millisecond).unwrap();
    let decision = decision(dice);
    let ends = matches!(
        decision,
        Some(
            Decision::Batched {
                why: Batched::NothingOpen
            } | Decision::Told {
                word: Word::Resolved,
                ..
            }
        )
    );
    let to = match (ends, dice.roll(3)) {
        (false, _) => EventCompliance::NonCompliant,
        (true, 0) => EventCompliance::NotApplicable,
        (true, _) => EventCompliance::Compliant,
    };
    let result = decision.is_some();
    let text = |text: &str| result.then(|| text.to_owned());
    EventRecord {
        id: format!("event-{index}"),
        event_time,
        received_at: Timestamp::from_millisecond(millisecond + dice.roll(9_000) as i64).unwrap(),
        kind: if result {
            "compliance_change"
        } else {
            "item_change"
        }
        .to_owned(),
        source: if dice.roll(9) == 0 {
            SMOKE_TEST_SOURCE
        } else {
            "aws.config"
        }
        .to_owned(),
        detail_type: "Config Rules Compliance Change".to_owned(),
        account_id: format!("{:012}", 1 + dice.roll(3)),
        aws_region: "eu-west-1".to_owned(),
        rule: text(["restricted-ssh", "s3-bucket-versioning-enabled", "acme-tags"][dice.roll(3) as usize]),
        config_rule_name: text("a-name"),
        resource_type: text(["AWS::S3::Bucket", "AWS::IAM::User"][dice.roll(2) as usize]),
        resource_id: text(["one", "two"][dice.roll(2) as usize]),
        status: text(to.as_str()),
        old_status: (result && dice.roll(3) > 0).then(|| "COMPLIANT".to_owned()),
        body: body(
            event_time,
            (dice.roll(4) > 0).then(|| dice.roll(600_000) as i64 - 9_000),
        ),
        decision,
        expires_at: time("2027-11-21T10:00:00Z"),
    }
}

fn records(seed: u64, count: u64) -> Vec<EventRecord> {
    let mut dice = Dice(seed);
    (0..count).map(|index| record(index, &mut dice)).collect()
}

fn extract(records: &[EventRecord]) -> EventExtract {
    let mut extract = EventExtract::new(time(FROM), time(UNTIL));
    extract.add(records);
    extract
}

fn severity(rule: &str) -> Option<Severity> {
    match rule {
        "restricted-ssh" => Some(Severity::High),
        "s3-bucket-versioning-enabled" => Some(Severity::Low),
        _ => None,
    }
}

fn activity(records: &[EventRecord]) -> EventActivity {
    EventActivity::of(&extract(records), severity, None::<std::iter::Empty<&PairKey>>)
}

#[test]
fn the_same_records_give_the_same_bytes_in_any_order_and_in_any_slices() {
    for seed in 0..20 {
        let mut records = records(seed, 120);
        let whole = canonical_json(&extract(&records)).unwrap();
        let mut dice = Dice(seed);
        for last in (1..records.len()).rev() {
            records.swap(last, dice.roll(last as u64 + 1) as usize);
        }
        let mut sliced = EventExtract::new(time(FROM), time(UNTIL));
        for slice in records.chunks(7) {
            sliced.add(slice);
        }
        assert_eq!(canonical_json(&sliced).unwrap(), whole);
        let read: EventExtract = serde_json::from_slice(&whole).unwrap();
        assert_eq!(read, sliced, "what is written can be read");
    }
}

/// Those decided so, told by looking at every record by itself.
fn counted(records: &[EventRecord], is: impl Fn(&Decision) -> bool) -> u64 {
    let real = records.iter().filter(|record| record.source != SMOKE_TEST_SOURCE);
    real.filter(|record| record.decision.as_ref().is_some_and(&is))
        .count() as u64
}

fn batched(records: &[EventRecord], why: Batched) -> u64 {
    counted(records, |decision| *decision == Decision::Batched { why })
}

#[test]
fn activity_counts_what_a_plain_reference_counts() {
    for seed in 0..20 {
        let records = records(seed, 300);
        let found = activity(&records);
        let is_told = |word: Word| counted(&records, |one| *one == told(word));
        assert_eq!(
            (found.told.opened, found.told.reopened, found.told.resolved),
            (
                is_told(Word::Opened),
                is_told(Word::Reopened),
                is_told(Word::Resolved)
            )
        );
        assert_eq!(
            (
                found.batched.below_severity,
                found.batched.first_evaluation,
                found.batched.no_route
            ),
            (
                batched(&records, Batched::BelowSeverity),
                batched(&records, Batched::FirstEvaluation),
                batched(&records, Batched::NoRoute)
            )
        );
        assert_eq!(found.ended_untold, batched(&records, Batched::NothingOpen));
        assert_eq!(
            found.silenced,
            counted(&records, |one| matches!(one, Decision::Silenced { .. }))
        );
        assert_eq!(
            found.superseded,
            counted(&records, |one| *one == Decision::Superseded)
        );
        assert_eq!(
            found.unchanged,
            counted(&records, |one| *one == Decision::Unchanged)
        );
        assert_eq!(found.results, counted(&records, |_| true));
        let opened = found.told.openings() + found.batched.total() + found.silenced;
        assert_eq!(found.became_noncompliant, opened);
        let by_severity = found.severities.iter();
        assert_eq!(
            by_severity
                .clone()
                .map(|one| one.became_noncompliant)
                .sum::<u64>(),
            opened
        );
        let order: Vec<_> = by_severity.map(|one| one.severity).collect();
        assert_eq!(order, [Some(Severity::High), Some(Severity::Low), None]);
        assert_eq!(
            found.resolved + found.gone,
            found.told.resolved + found.ended_untold
        );
        assert!(found.resolved > 0 && found.gone > 0);
        assert_eq!(found.time_to_store.count, found.transitions());
    }
}

/// One that opened an incident, recorded so long after the state it judges and stored so long after that.
fn opened(index: u64, judged_before: i64, stored_after: i64, first: bool) -> EventRecord {
    let mut record = record(index, &mut Dice(index));
    let millisecond = time("2026-11-21T03:00:00Z").as_millisecond() + index as i64;
    record.event_time = Timestamp::from_millisecond(millisecond).unwrap();
    record.received_at = Timestamp::from_millisecond(millisecond + stored_after).unwrap();
    record.body = body(record.event_time, Some(judged_before));
    "aws.config".clone_into(&mut record.source);
    record.decision = Some(told(Word::Opened));
    record.old_status = (!first).then(|| "COMPLIANT".to_owned());
    record.status = Some("NON_COMPLIANT".to_owned());
    record.rule = Some("restricted-ssh".to_owned());
    record.resource_type = Some("AWS::IAM::User".to_owned());
    record.resource_id = Some(format!("user-{index}"));
    record
}

#[test]
fn times_to_detect_are_of_what_had_been_evaluated_before() {
    let waits = [1_000, 2_000, 3_000, 94_000];
    let mut records: Vec<EventRecord> = waits
        .iter()
        .zip(0..)
        .map(|(wait, index)| opened(index, *wait, 500, false))
        .collect();
    // A new rule judges a state of last week; and a clock that is ahead measures nothing.
    records.push(opened(10, 7 * 86_400_000, 1_500, true));
    records.push(opened(11, -4_000, 500, false));
    let found = activity(&records).time_to_detect;
    assert_eq!(found.count, 4);
    assert_eq!(
        (found.mean_seconds, found.median_seconds, found.p95_seconds),
        (Some(25.0), Some(2.0), Some(94.0))
    );
    assert_eq!(activity(&[]).time_to_detect.mean_seconds, None);
}

#[test]
fn new_pairs_that_no_event_told_of_are_counted() {
    let records: Vec<EventRecord> = (0..3).map(|index| opened(index, 1_000, 500, false)).collect();
    let extract = extract(&records);
    let mut new: Vec<PairKey> = extract.rows.iter().map(|row| row.pair.clone()).collect();
    assert_eq!(
        new[0].aws_region, "global",
        "a user is in every region, and one pair"
    );
    new.push(PairKey {
        resource_id: "user-9".to_owned(),
        ..new[0].clone()
    });
    let found = EventActivity::of(&extract, severity, Some(new.iter()));
    assert_eq!(found.new_without_event, Some(1));
    assert_eq!(
        activity(&records).new_without_event,
        None,
        "without a baseline nothing is new"
    );
}

#[test]
fn the_stretch_holds_its_first_moment_and_not_its_last() {
    let at = |moment: &str| EventRecord {
        event_time: time(moment),
        ..opened(0, 1_000, 500, false)
    };
    let records = [
        at("2026-11-20T09:59:59.999Z"),
        at(FROM),
        at("2026-11-21T09:59:59.999Z"),
        at(UNTIL),
    ];
    assert_eq!(extract(&records).rows.len(), 2);
}

#[test]
fn a_sentence_says_what_is_not_zero() {
    let sentence = |decisions: Vec<Decision>| {
        let records: Vec<EventRecord> = decisions
            .into_iter()
            .zip(0..)
            .map(|(decision, index)| EventRecord {
                status: Some(
                    match &decision {
                        Decision::Told {
                            word: Word::Resolved, ..
                        } => "NOT_APPLICABLE",
                        Decision::Batched {
                            why: Batched::NothingOpen,
                        } => "COMPLIANT",
                        _ => "NON_COMPLIANT",
                    }
                    .to_owned(),
                ),
                decision: Some(decision),
                ..opened(index, 1_000, 500, false)
            })
            .collect();
        activity(&records).sentence()
    };
    assert_eq!(sentence(vec![]), "0 became noncompliant; 0 resolved");
    let batched = |why| Decision::Batched { why };
    let all = vec![
        told(Word::Opened),
        told(Word::Reopened),
        told(Word::Resolved),
        batched(Batched::BelowSeverity),
        batched(Batched::BelowSeverity),
        batched(Batched::FirstEvaluation),
        batched(Batched::NoRoute),
        batched(Batched::NothingOpen),
        Decision::Silenced {
            owner: "platform".to_owned(),
            until: time(UNTIL),
        },
    ];
    assert_eq!(
        sentence(all),
        "7 became noncompliant: 2 alerted at once, 4 batched (2 below severity, 1 first evaluation, 1 without a route), \
         1 silenced; 1 resolved and 1 gone: 1 told at once"
    );
}

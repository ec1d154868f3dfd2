//! What events told of the period, and what was told of them.

use compliance::events::{Durations, EventActivity, SeverityActivity};
use compliance::report::PeriodEvents;
use compliance::scorecard::Scorecard;
use compliance::text as format;
use serde::Serialize;

use super::text::{self, SeverityCell};

/// Present when events were read, or should have been.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EventsSection {
    /// Why they are not known; then there is nothing else.
    unknown: Option<String>,
    told: Option<Told>,
}

#[derive(Debug, Clone, Serialize)]
struct Told {
    opening: String,
    outcomes: Vec<OutcomeRow>,
    total: String,
    severities: Vec<SeverityRow>,
    times: Vec<TimeRow>,
    /// What the snapshots say and no event did.
    missed: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct OutcomeRow {
    what: &'static str,
    results: String,
    meaning: &'static str,
    /// A part of the row above that is none.
    part: bool,
}

#[derive(Debug, Clone, Serialize)]
struct SeverityRow {
    severity: SeverityCell,
    became_noncompliant: String,
    told: String,
    batched: String,
    silenced: String,
}

#[derive(Debug, Clone, Serialize)]
struct TimeRow {
    what: &'static str,
    measured: String,
    mean: String,
    median: String,
    p95: String,
    meaning: &'static str,
}

pub(super) fn section(scorecard: &Scorecard) -> Option<EventsSection> {
    let unknown = scorecard.inputs.events.as_ref().and_then(unknown);
    let told = scorecard.events.as_ref().map(|events| told(scorecard, events));
    (unknown.is_some() || told.is_some()).then_some(EventsSection { unknown, told })
}

/// The whole of it in a sentence, for the first page.
pub(super) fn headline(scorecard: &Scorecard) -> Option<String> {
    let unknown = || unknown(scorecard.inputs.events.as_ref()?);
    let told = |events: &EventActivity| format!("Events told: {}.", events.sentence());
    scorecard.events.as_ref().map(told).or_else(unknown)
}

/// Why they are not known, as a sentence.
fn unknown(events: &PeriodEvents) -> Option<String> {
    let unknown = text::shown(&events.unknown()?);
    Some(format!("What events told is {unknown}."))
}

fn told(scorecard: &Scorecard, events: &EventActivity) -> Told {
    Told {
        opening: opening(events),
        outcomes: outcomes(events),
        total: text::count(events.results),
        severities: events.severities.iter().map(severity_row).collect(),
        times: times(events),
        missed: events
            .new_without_event
            .map(|missed| self::missed(scorecard.movement.new, missed)),
    }
}

fn opening(events: &EventActivity) -> String {
    format!(
        "From {} to {}, {} of AWS Config {} stored, {} of them evaluation results.",
        format::minute(events.from),
        format::minute(events.until),
        format::plural(events.events, "event", "events"),
        if events.events == 1 { "was" } else { "were" },
        format::count(events.results),
    )
}

fn outcomes(events: &EventActivity) -> Vec<OutcomeRow> {
    let row = |part, what, results, meaning| OutcomeRow {
        what,
        results: text::count(results),
        meaning,
        part,
    };
    let (batched, told) = (&events.batched, &events.told);
    vec![
        row(
            false,
            "Became noncompliant",
            events.became_noncompliant,
            "By these events, of a pair that was not noncompliant before.",
        ),
        row(true, "Alerted at once", told.opened, "A new incident."),
        row(
            true,
            "Alerted at once, again",
            told.reopened,
            "It became noncompliant again shortly after the last word about it.",
        ),
        row(
            true,
            "Batched: below severity",
            batched.below_severity,
            "Left to this report: the rule is less severe than what is alerted.",
        ),
        row(
            true,
            "Batched: first evaluation",
            batched.first_evaluation,
            "Left to this report: it was noncompliant when it was first evaluated.",
        ),
        row(
            true,
            "Batched: without a route",
            batched.no_route,
            "Left to this report: no route that takes alerts is concerned.",
        ),
        row(
            true,
            "Silenced",
            events.silenced,
            "A silence of the settings held.",
        ),
        row(
            false,
            "Resolved",
            events.resolved,
            "Noncompliant before, compliant now.",
        ),
        row(
            false,
            "Gone",
            events.gone,
            "Noncompliant before; deleted, or not evaluated any more.",
        ),
        row(
            true,
            "Told at once",
            told.resolved,
            "Of resolved and gone: said where it had been alerted.",
        ),
        row(
            true,
            "Left to this report",
            events.ended_untold,
            "Of resolved and gone: nobody had been told.",
        ),
        row(
            false,
            "Without change",
            events.unchanged,
            "The pair stood so already, by another region or name of the rule as well.",
        ),
        row(
            false,
            "Superseded",
            events.superseded,
            "A newer result had come before it.",
        ),
    ]
}

fn severity_row(row: &SeverityActivity) -> SeverityRow {
    SeverityRow {
        severity: text::severity(row.severity),
        became_noncompliant: text::count(row.became_noncompliant),
        told: text::count(row.told),
        batched: text::count(row.batched),
        silenced: text::count(row.silenced),
    }
}

fn times(events: &EventActivity) -> Vec<TimeRow> {
    let row = |what, of: &Durations, meaning| TimeRow {
        what,
        measured: text::count(of.count),
        mean: text::brief(of.mean_seconds),
        median: text::brief(of.median_seconds),
        p95: text::brief(of.p95_seconds),
        meaning,
    };
    vec![
        row(
            "To detect",
            &events.time_to_detect,
            "From the state of the resource to the result that it is noncompliant; first evaluations aside.",
        ),
        row(
            "To store",
            &events.time_to_store,
            "From a result to its event being stored here.",
        ),
    ]
}

fn missed(new: u64, missed: u64) -> String {
    if missed == 0 {
        return format!(
            "Events told of every new pair of this report ({}).",
            format::count(new)
        );
    }
    format!(
        "Of {} of this report, {} became noncompliant without an event that says so in this period: an event was lost or \
         is older than the period, or the account sends none.",
        text::counted(new, "new pair", "new pairs"),
        format::count(missed),
    )
}

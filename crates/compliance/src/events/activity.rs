//! What an extract of events comes to, in numbers.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::EventCompliance;
use super::extract::{EventExtract, Outcome, TransitionRow};
use crate::alerts::{Batched, Word};
use crate::catalogue::Severity;
use crate::evaluation::PairKey;
use crate::text;

/// What events told of a report's period. The numbers are defined in [`crate::definitions`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventActivity {
    /// The first moment of the period.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Events of every kind.
    pub events: u64,
    /// Evaluation results among them: those that opened, resolved, gone, unchanged and superseded.
    pub results: u64,
    /// Transitions of a pair into noncompliance.
    pub became_noncompliant: u64,
    /// Transitions of a pair from noncompliant to compliant.
    pub resolved: u64,
    /// Transitions of a noncompliant pair to a state that is neither: its resource was deleted, or is not evaluated.
    pub gone: u64,
    /// Of all transitions, what people were told at once.
    pub told: ToldCounts,
    /// Of what became noncompliant, what waited for the report.
    pub batched: BatchedOpenings,
    /// Of what became noncompliant, what a silence held back.
    pub silenced: u64,
    /// Of what was resolved or is gone, what nobody had been told of.
    pub ended_untold: u64,
    /// Results that left their pair as it stood.
    pub unchanged: u64,
    /// Results that came after a newer one.
    pub superseded: u64,
    /// What became noncompliant by severity, most severe first, unrated last.
    pub severities: Vec<SeverityActivity>,
    /// From the state of a resource that is noncompliant to the result that says so; first evaluations aside.
    pub time_to_detect: Durations,
    /// From any such result to its event being stored.
    pub time_to_store: Durations,
    /// New pairs of the report of which no event says that they became noncompliant; `None` without a baseline.
    pub new_without_event: Option<u64>,
}

/// What people were told at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldCounts {
    /// That a pair became noncompliant.
    pub opened: u64,
    /// That it did so again, shortly after the last word about it.
    pub reopened: u64,
    /// That it is compliant again, or gone.
    pub resolved: u64,
}

/// What became noncompliant and waited for the report, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchedOpenings {
    /// The rule is less severe than what is alerted.
    pub below_severity: u64,
    /// The pair was noncompliant when it was first evaluated.
    pub first_evaluation: u64,
    /// No route that takes alerts was concerned.
    pub no_route: u64,
}

/// What became noncompliant of one severity; `None` is unrated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityActivity {
    /// `None` is unrated.
    pub severity: Option<Severity>,
    /// Transitions into noncompliance.
    pub became_noncompliant: u64,
    /// Of those, told at once.
    pub told: u64,
    /// Of those, batched.
    pub batched: u64,
    /// Of those, silenced.
    pub silenced: u64,
}

/// Some durations in seconds; `None` when there are none. Median and 95th percentile are by nearest rank, so each is
/// one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    /// How many there are.
    pub count: u64,
    /// Their mean.
    pub mean_seconds: Option<f64>,
    /// Half of them are no longer.
    pub median_seconds: Option<f64>,
    /// 95 of 100 are no longer.
    pub p95_seconds: Option<f64>,
}

impl ToldCounts {
    /// Pairs that became noncompliant and were told.
    pub fn openings(&self) -> u64 {
        self.opened + self.reopened
    }
}

impl BatchedOpenings {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.below_severity + self.first_evaluation + self.no_route
    }

    /// `8 below severity, 3 first evaluations`: what is not zero.
    fn reasons(&self) -> String {
        let reasons = [
            (self.below_severity, "below severity", "below severity"),
            (self.first_evaluation, "first evaluation", "first evaluations"),
            (self.no_route, "without a route", "without a route"),
        ];
        let known = reasons.into_iter().filter(|(count, ..)| *count > 0);
        let named = known.map(|(count, one, many)| text::plural(count, one, many));
        named.collect::<Vec<_>>().join(", ")
    }
}

impl Durations {
    fn of(mut milliseconds: Vec<u64>) -> Self {
        milliseconds.sort_unstable();
        let count = milliseconds.len();
        let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
        let ranked = |percent: usize| {
            let rank = (count * percent).div_ceil(100);
            milliseconds.get(rank.checked_sub(1)?).copied().map(seconds)
        };
        let sum: u64 = milliseconds.iter().sum();
        Self {
            count: count as u64,
            mean_seconds: (count > 0).then(|| seconds(sum) / count as f64),
            median_seconds: ranked(50),
            p95_seconds: ranked(95),
        }
    }
}

impl EventActivity {
    /// The numbers of an extract. `severity` is that of a rule; `new` are the report's new pairs, if it has a baseline.
    pub fn of<'a>(
        extract: &EventExtract,
        severity: impl Fn(&str) -> Option<Severity>,
        new: Option<impl Iterator<Item = &'a PairKey>>,
    ) -> Self {
        let opened: Vec<&TransitionRow> = extract.rows.iter().filter(|row| row.opens()).collect();
        let ended = || extract.rows.iter().filter(|row| !row.opens());
        let count = |test: fn(&TransitionRow) -> bool| ended().filter(|row| test(row)).count() as u64;
        Self {
            from: extract.from,
            until: extract.until,
            events: extract.events,
            results: extract.results,
            became_noncompliant: opened.len() as u64,
            resolved: count(|row| row.to == EventCompliance::Compliant),
            gone: count(|row| row.to != EventCompliance::Compliant),
            told: told(&extract.rows),
            batched: batched(&opened),
            silenced: opened
                .iter()
                .filter(|row| row.outcome == Outcome::Silenced)
                .count() as u64,
            ended_untold: count(|row| matches!(row.outcome, Outcome::Batched { .. })),
            unchanged: extract.unchanged,
            superseded: extract.superseded,
            severities: severities(&opened, severity),
            time_to_detect: time_to_detect(&opened),
            time_to_store: Durations::of(extract.rows.iter().map(|row| row.stored_after_ms).collect()),
            new_without_event: new.map(|new| {
                let told: HashSet<&PairKey> = opened.iter().map(|row| &row.pair).collect();
                new.filter(|pair| !told.contains(pair)).count() as u64
            }),
        }
    }

    /// Transitions of either way.
    pub fn transitions(&self) -> u64 {
        self.became_noncompliant + self.resolved + self.gone
    }

    /// All of it in a sentence without its full stop: `14 became noncompliant: 3 alerted at once, 11 batched (8 below
    /// severity, 3 first evaluations); 9 resolved: 2 told at once`.
    pub fn sentence(&self) -> String {
        let opened = format!("{} became noncompliant", text::count(self.became_noncompliant));
        let told = [
            (self.told.openings(), "alerted at once".to_owned()),
            (
                self.batched.total(),
                format!("batched ({})", self.batched.reasons()),
            ),
            (self.silenced, "silenced".to_owned()),
        ];
        let ended = match self.gone {
            0 => format!("{} resolved", text::count(self.resolved)),
            gone => format!(
                "{} resolved and {} gone",
                text::count(self.resolved),
                text::count(gone)
            ),
        };
        let told_of_ended = [(self.told.resolved, "told at once".to_owned())];
        format!(
            "{}; {}",
            with_parts(opened, &told),
            with_parts(ended, &told_of_ended)
        )
    }
}

/// The whole, and after a colon those of its parts that are not zero.
fn with_parts(whole: String, parts: &[(u64, String)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", text::count(*count)))
        .collect();
    match parts.is_empty() {
        true => whole,
        false => format!("{whole}: {}", parts.join(", ")),
    }
}

fn told(rows: &[TransitionRow]) -> ToldCounts {
    let mut counts = ToldCounts::default();
    for row in rows {
        if let Outcome::Told { word, .. } = &row.outcome {
            match word {
                Word::Opened => counts.opened += 1,
                Word::Reopened => counts.reopened += 1,
                Word::Resolved => counts.resolved += 1,
            }
        }
    }
    counts
}

fn batched(opened: &[&TransitionRow]) -> BatchedOpenings {
    let mut counts = BatchedOpenings::default();
    for row in opened {
        match &row.outcome {
            Outcome::Batched { why } => match why {
                Batched::BelowSeverity => counts.below_severity += 1,
                Batched::FirstEvaluation => counts.first_evaluation += 1,
                Batched::NoRoute => counts.no_route += 1,
                // No pair that becomes noncompliant is batched for it.
                Batched::NothingOpen => {}
            },
            Outcome::Told { .. } | Outcome::Silenced => {}
        }
    }
    counts
}

fn severities(
    opened: &[&TransitionRow],
    severity: impl Fn(&str) -> Option<Severity>,
) -> Vec<SeverityActivity> {
    // Severities stand most severe first.
    let mut counts: BTreeMap<(bool, Option<Severity>), SeverityActivity> = BTreeMap::new();
    for row in opened {
        let severity = severity(&row.pair.rule);
        let count = counts.entry((severity.is_none(), severity)).or_default();
        count.severity = severity;
        count.became_noncompliant += 1;
        match row.outcome {
            Outcome::Told { .. } => count.told += 1,
            Outcome::Batched { .. } => count.batched += 1,
            Outcome::Silenced => count.silenced += 1,
        }
    }
    counts.into_values().collect()
}

/// A first evaluation says when its rule came to the resource, however old the state it judges is.
fn time_to_detect(opened: &[&TransitionRow]) -> Durations {
    let known = opened.iter().filter(|row| row.from.is_some());
    Durations::of(known.filter_map(|row| row.detected_after_ms).collect())
}

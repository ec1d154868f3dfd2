//! What is decided about a result.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Word;
use crate::catalogue::{Catalogue, Severity};
use crate::evaluation::PairKey;
use crate::events::{ComplianceChange, Event, Incident, PairHistory};
use crate::hash::sha256_hex;
use crate::settings::Settings;

/// What was decided about a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// People are told at once.
    Told {
        /// What they are told: that it opened, opened again or was resolved.
        word: Word,
        /// The incident it is part of.
        incident: String,
        /// Where they are told.
        routes: Vec<String>,
    },
    /// It waits for the daily report.
    Batched {
        /// Why.
        why: Batched,
    },
    /// A silence holds.
    Silenced {
        /// Who answers for the silence.
        owner: String,
        /// When it ends.
        until: Timestamp,
    },
    /// A newer result of the same source was known already.
    Superseded,
    /// The pair stands as it stood: its state was known already, from another region or name of the rule as well.
    Unchanged,
}

/// Why a transition waits for the daily report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Batched {
    /// The rule is less severe than what is alerted.
    BelowSeverity,
    /// The resource was noncompliant when it was first evaluated.
    FirstEvaluation,
    /// No route that takes alerts is concerned.
    NoRoute,
    /// It was resolved, and nobody had been told that it was noncompliant.
    NothingOpen,
}

/// What a decision takes into account beside the result.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What is alerted, and who is told.
    pub settings: &'a Settings,
    /// How severe rules are.
    pub catalogue: &'a Catalogue,
    /// The organizational unit of the account; `None` when it is not known, and then no route is left out for it.
    pub organizational_unit: Option<&'a str>,
    /// Where people are told when no route of the settings takes alerts: the name of that route, if there is one.
    pub default_route: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

/// The pair after a result, and what was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The pair with the result in it.
    pub history: PairHistory,
    /// What was decided.
    pub decision: Decision,
}

/// Takes a result into the history of its pair, and decides what people are told of it.
pub fn decide(
    before: Option<PairHistory>,
    key: PairKey,
    event: &Event,
    change: &ComplianceChange,
    known: &Known<'_>,
) -> Decided {
    let mut history = before.unwrap_or_else(|| PairHistory::new(key));
    let step = history.take(event, change);
    let became_noncompliant = step.after && (step.before != Some(true) || step.missed_between);
    // Nothing is known from before, and the event says that something ended.
    let ends_unknown = step.before.is_none()
        && !step.after
        && change
            .old
            .as_ref()
            .is_some_and(|old| old.compliance.is_noncompliant());
    let decision = if step.is_stale {
        Decision::Superseded
    } else if became_noncompliant {
        // A pair without any history may have been noncompliant for long: then this is no transition.
        match (step.before, &change.old) {
            (None, Some(old)) if old.compliance.is_noncompliant() => Decision::Unchanged,
            (None, None) if !known.settings.alerts.first_evaluations => batched(Batched::FirstEvaluation),
            _ => opened(&mut history, event, change, known),
        }
    } else if (step.before == Some(true) && !step.after) || ends_unknown {
        resolved(&mut history, change, known)
    } else {
        Decision::Unchanged
    };
    Decided { history, decision }
}

fn batched(why: Batched) -> Decision {
    Decision::Batched { why }
}

fn opened(
    history: &mut PairHistory,
    event: &Event,
    change: &ComplianceChange,
    known: &Known<'_>,
) -> Decision {
    let severity = known.catalogue.metadata(&history.key.rule).severity;
    let severity = severity.unwrap_or(Severity::Medium);
    // Severities stand most severe first.
    if severity > known.settings.alerts.severity {
        return batched(Batched::BelowSeverity);
    }
    let mut silences = known.settings.alerts.silences.iter();
    if let Some(silence) = silences.find(|silence| silence.holds(&history.key, known.now)) {
        return Decision::Silenced {
            owner: silence.owner.clone(),
            until: silence.until,
        };
    }
    let routes = routes(&history.key, severity, known);
    if routes.is_empty() {
        return batched(Batched::NoRoute);
    }
    let opened_at = change.new.result_recorded_time;
    let flaps = history
        .incident
        .as_ref()
        .filter(|incident| incident.routes == routes && is_within(incident.told_at, known));
    let (word, incident) = match flaps {
        Some(last) => (
            Word::Reopened,
            Incident {
                opened_at,
                told_at: known.now,
                times: last.times + 1,
                resolved_at: None,
                ..last.clone()
            },
        ),
        None => (
            Word::Opened,
            Incident {
                id: incident_id(&history.key, &event.id),
                opened_at,
                told_at: known.now,
                routes: routes.clone(),
                times: 1,
                resolved_at: None,
            },
        ),
    };
    let id = incident.id.clone();
    history.incident = Some(incident);
    Decision::Told {
        word,
        incident: id,
        routes,
    }
}

fn resolved(history: &mut PairHistory, change: &ComplianceChange, known: &Known<'_>) -> Decision {
    match &mut history.incident {
        Some(incident) if incident.resolved_at.is_none() => {
            incident.resolved_at = Some(change.new.result_recorded_time);
            incident.told_at = known.now;
            Decision::Told {
                word: Word::Resolved,
                incident: incident.id.clone(),
                routes: incident.routes.clone(),
            }
        }
        _ => batched(Batched::NothingOpen),
    }
}

/// Whether the last word is recent enough for the next to be part of the same.
fn is_within(told_at: Timestamp, known: &Known<'_>) -> bool {
    let minutes = i64::from(known.settings.alerts.flap_minutes);
    known.now.duration_since(told_at) < SignedDuration::from_mins(minutes)
}

/// Names of the routes that are told, in the order of the settings.
fn routes(key: &PairKey, severity: Severity, known: &Known<'_>) -> Vec<String> {
    let mut taking = known
        .settings
        .delivery
        .routes
        .iter()
        .filter(|route| route.takes_alerts())
        .peekable();
    if taking.peek().is_none() {
        return known.default_route.into_iter().map(str::to_owned).collect();
    }
    let concerned = taking.filter(|route| route.concerns_pair(key, severity, known.organizational_unit));
    concerned.map(|route| route.name.clone()).collect()
}

/// 16 hexadecimal digits that tell this stretch of noncompliance from every other.
fn incident_id(key: &PairKey, event_id: &str) -> String {
    let parts: [&str; 6] = [
        &key.account_id,
        &key.aws_region,
        &key.resource_type,
        &key.resource_id,
        &key.rule,
        event_id,
    ];
    sha256_hex(parts.join("\n").as_bytes())[..16].to_owned()
}

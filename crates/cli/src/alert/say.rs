//! What was decided, for people and for scripts.

use std::io::IsTerminal;

use compliance::alerts::{Batched, Decision, OutboxEntry, Word};
use compliance::text;
use serde_json::{Value, json};
use slack_blocks::alert::{Standing, incident, reply};
use slack_blocks::text::sanitise;
use slack_blocks::{Message, to_terminal};

use super::Taken;
use super::tell::Deliveries;
use crate::error::{CliError, defect};

/// Columns drawn.
const WIDTH: usize = 100;

/// Each event, what was decided, and the message as a person would see it.
pub(super) fn in_words(taken: &[Taken]) -> String {
    let color = std::io::stdout().is_terminal();
    let mut out = String::new();
    for (place, one) in taken.iter().enumerate() {
        out.push_str(&format!("{}. {}\n   {}\n", place + 1, heading(one), decided(one)));
        if let Some(message) = message(one) {
            out.push_str(&format!("\n{}", to_terminal(&message, WIDTH, color)));
        }
        out.push('\n');
    }
    out
}

/// The same as one object.
pub(super) fn in_json(taken: &[Taken], told: Option<&Deliveries>) -> Result<String, CliError> {
    let events: Vec<Value> = taken
        .iter()
        .map(|one| {
            json!({
                "id": one.record.id,
                "kind": one.record.kind,
                "event_time": one.record.event_time,
                "repeated": one.is_repeated,
                "decision": one.record.decision,
                "message": message(one),
            })
        })
        .collect();
    let document = json!({"events": events, "deliveries": told.map(|told| &told.windows)});
    let text = serde_json::to_string_pretty(&document).map_err(defect("what was decided"))?;
    Ok(text + "\n")
}

/// `Config Rules Compliance Change of 2026-11-21 10:00 UTC: restricted-ssh, AWS::EC2::SecurityGroup sg-1 in 111122223333`.
fn heading(one: &Taken) -> String {
    let record = &one.record;
    let about = [&record.rule, &record.resource_type, &record.resource_id];
    let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
    let about = if about.is_empty() {
        String::new()
    } else {
        format!(" {}", about.join(" "))
    };
    sanitise(&format!(
        "{} of {}:{about} in {} {}",
        record.detail_type,
        text::minute(record.event_time),
        record.account_id,
        record.aws_region
    ))
}

fn decided(one: &Taken) -> String {
    if one.is_repeated {
        return "the same event as before: nothing is decided again".to_owned();
    }
    match &one.record.decision {
        None => "kept in the history: it is no result of a rule".to_owned(),
        Some(Decision::Told { word, routes, .. }) => {
            let word = match word {
                Word::Opened => "opened",
                Word::Reopened => "opened again",
                Word::Resolved => "over",
            };
            format!("told at once ({word}) on {}", routes.join(", "))
        }
        Some(Decision::Silenced { owner, until }) => {
            let until = text::minute(*until);
            format!(
                "told to nobody: a silence of {} holds until {until}",
                sanitise(owner)
            )
        }
        Some(Decision::Superseded) => "not told: a newer result of the same source is known".to_owned(),
        Some(Decision::Unchanged) => "not told: the pair stands as it stood".to_owned(),
        Some(Decision::Batched { why }) => format!("left to the daily report: {}", reason(*why)),
    }
}

fn reason(why: Batched) -> &'static str {
    match why {
        Batched::BelowSeverity => "the rule is less severe than alerts.severity",
        Batched::FirstEvaluation => {
            "it is the resource's first evaluation, and alerts.first_evaluations is off"
        }
        Batched::NoRoute => "it concerns no route that takes alerts",
        Batched::NothingOpen => "nobody had been told that it was noncompliant",
    }
}

/// What people are told; the same on every route.
fn message(one: &Taken) -> Option<Message> {
    let OutboxEntry { word, alert, .. } = one.told.first()?;
    let standing = Standing {
        word: *word,
        alert,
        since: one.since,
    };
    Some(match word {
        Word::Opened => incident(alert, standing),
        Word::Reopened | Word::Resolved => reply(standing),
    })
}

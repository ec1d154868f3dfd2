//! What a planned message says on each way: a function of plans, and of nothing that may change.

use std::collections::BTreeMap;

use compliance::Timestamp;
use compliance::alerts::{Alert, OutboxEntry};
use notify::Way;
use notify::parts::{Content, Part};
use slack_blocks::alert::storm::{self, Rest, Row};
use slack_blocks::alert::{Mail, Standing, incident, reply};

use crate::plan::Told;

/// What a way takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Messages, threads under them, and changes of them.
    Thread,
    /// A message.
    Message,
    /// A mail.
    Mail,
}

impl Form {
    /// What this way takes.
    pub(crate) fn of(way: &Way) -> Self {
        match way {
            Way::Channel { .. } => Self::Thread,
            Way::Webhook { .. } => Self::Message,
            Way::Topic { .. } => Self::Mail,
        }
    }
}

fn standing(entry: &OutboxEntry, since: Option<Timestamp>) -> Standing<'_> {
    Standing {
        word: entry.word,
        alert: &entry.alert,
        since,
    }
}

fn mail(name: &str, mail: Mail) -> Part {
    Part::mail(name, mail.subject, mail.text)
}

/// An incident that is told for the first time.
pub(crate) fn opening(name: &str, told: &Told, form: Form) -> Part {
    let details = &told.first.alert;
    alone(name, told, details, Some(details.opened_at), form)
}

/// What became of an incident, where it stands under nothing.
pub(crate) fn on_its_own(name: &str, told: &Told, since: Option<Timestamp>, form: Form) -> Part {
    alone(name, told, &told.last().alert, since, form)
}

fn alone(name: &str, told: &Told, details: &Alert, since: Option<Timestamp>, form: Form) -> Part {
    let standing = standing(told.last(), since);
    match form {
        Form::Mail => mail(name, Mail::of_incident(details, standing)),
        Form::Thread | Form::Message => Part::message(name, &incident(details, standing)),
    }
}

/// The same under the message that told it first.
pub(crate) fn under(name: &str, told: &Told, since: Option<Timestamp>) -> Part {
    Part::message(name, &reply(standing(told.last(), since)))
}

/// The message that told an incident first, saying where it stands now.
pub(crate) fn amended(name: &str, first: &Told, told: &Told) -> Part {
    let details = &first.first.alert;
    let standing = standing(told.last(), Some(details.opened_at));
    Part::amendment(&status(name), &incident(details, standing))
}

fn status(name: &str) -> String {
    format!("{name}-status")
}

/// A storm: its message, and the messages under it.
pub(crate) fn storm(name: &str, incidents: &[Told], form: Form) -> (Part, Vec<Part>) {
    let rows = rows(incidents, &BTreeMap::new());
    match form {
        Form::Mail => (mail(name, storm::mail(&rows)), Vec::new()),
        Form::Message => (
            Part::message(name, &storm::message(&rows, Rest::Elsewhere)),
            Vec::new(),
        ),
        Form::Thread => {
            let list = storm::list(&rows);
            let list = list
                .iter()
                .enumerate()
                .map(|(page, message)| Part::message(&format!("{name}-list-{:02}", page + 1), message));
            (
                Part::message(name, &storm::message(&rows, Rest::InThread)),
                list.collect(),
            )
        }
    }
}

/// The message of a storm, saying where its incidents stand now.
pub(crate) fn storm_amended(name: &str, incidents: &[Told], is_over: &BTreeMap<String, bool>) -> Part {
    let rows = rows(incidents, is_over);
    Part::amendment(&status(name), &storm::message(&rows, Rest::InThread))
}

fn rows<'a>(incidents: &'a [Told], is_over: &BTreeMap<String, bool>) -> Vec<Row<'a>> {
    let row = |told: &'a Told| Row {
        opened: &told.first.alert,
        is_over: is_over.get(told.incident()).copied().unwrap_or(told.is_over()),
    };
    incidents.iter().map(row).collect()
}

/// What became of incidents of a storm, of which so many are over of so many.
pub(crate) fn progress(name: &str, incidents: &[Told], (over, of): (u64, u64), form: Form) -> Vec<Part> {
    let changes: Vec<Standing<'_>> = incidents.iter().map(|told| standing(told.last(), None)).collect();
    let rest = match form {
        Form::Mail => return vec![mail(name, storm::progress_mail(&changes, (over, of)))],
        Form::Message => Rest::Elsewhere,
        Form::Thread => Rest::InThread,
    };
    let pages = storm::progress(&changes, (over, of), rest);
    let pages = pages
        .iter()
        .enumerate()
        .map(|(page, message)| Part::message(&format!("{name}-{:02}", page + 1), message));
    pages.collect()
}

/// What a topic for failures is told of a message that did not arrive.
pub(crate) fn not_delivered(name: &str, route: &str, to: &str, why: &str, said: &[Part]) -> Part {
    let mails: Vec<(&str, &str)> = said
        .iter()
        .filter_map(|part| match &part.content {
            Content::Mail { subject, text } => Some((subject.as_str(), text.as_str())),
            Content::Message(_) | Content::Amendment(_) | Content::File(_) => None,
        })
        .collect();
    let subject = mails.first().map_or("an alert", |(subject, _)| *subject);
    let texts: Vec<&str> = mails.iter().map(|(_, text)| *text).collect();
    Part::mail(
        &format!("{name}-fallback"),
        format!("Not delivered to {route}: {subject}"),
        format!(
            "This did not reach {to} (route {route}): {why}\n\n{}",
            texts.join("\n\n")
        ),
    )
}

//! Many incidents at once: one message with counts, and the whole list under it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use compliance::alerts::{Alert, Word};
use compliance::catalogue::Severity;
use compliance::text;

use super::mail::{self, Mail};
use super::{Standing, words};
use crate::and_more;
use crate::block::Block;
use crate::digest::words::account;
use crate::message::{Message, Part, pages};
use crate::text::{Mrkdwn, cut};

/// Incidents that the message itself names.
const NAMED: usize = 5;
/// Rules and accounts that it counts by name.
const COUNTED: usize = 5;
/// Messages that the list may take: at one a second.
const PAGES: usize = 20;
/// Lines of a mail.
const MAIL_LINES: usize = 500;
/// Where the rest is, whenever not everything is told.
const REST: &str = "in the event history and the next report";

/// One incident of a storm.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// What opened it.
    pub opened: &'a Alert,
    /// It is over.
    pub is_over: bool,
}

/// Where the rest of a list is that a message begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Under the message.
    InThread,
    /// There is no thread.
    Elsewhere,
}

/// The message: counts by severity, rule and account, and the first of them. Sent again with other rows, it says where they
/// stand now.
pub fn message(rows: &[Row<'_>], rest: Rest) -> Message {
    let rows = sorted(rows);
    let place = match rest {
        Rest::InThread => "in the thread",
        Rest::Elsewhere => REST,
    };
    let lines = rows.iter().take(NAMED).map(|row| bullet(row));
    let left_out = rows.len().saturating_sub(NAMED) as u64;
    let more = (left_out > 0).then(|| Mrkdwn::new().text(&and_more(left_out, place)));
    let mut blocks = vec![
        Block::header(&title(&rows)),
        Block::section(&Mrkdwn::new().bold(&standing(&rows))),
    ];
    blocks.extend(
        counts(&rows)
            .iter()
            .map(|(name, text)| Block::section(&Mrkdwn::new().bold(name).line_break().text(text))),
    );
    blocks.push(Block::section(&Mrkdwn::lines(lines.chain(more))));
    blocks.push(Block::note(&times(&rows)));
    Message::new(&spoken(&rows), blocks)
}

/// The list under the message, most severe first.
pub fn list(rows: &[Row<'_>]) -> Vec<Message> {
    let rows = sorted(rows);
    let name = format!(
        "{}All {}",
        mark(&rows),
        text::plural(rows.len() as u64, "incident", "incidents")
    );
    in_pages(&name, rows.iter().map(bullet).collect(), PAGES)
}

/// What became of incidents of a storm, for its thread or as one message: `over` of `of` are over, these changes included.
pub fn progress(changes: &[Standing<'_>], (over, of): (u64, u64), rest: Rest) -> Vec<Message> {
    let most = match rest {
        Rest::InThread => PAGES,
        Rest::Elsewhere => 1,
    };
    let lines = changes.iter().map(|change| {
        let status = words::status(*change);
        row(change.alert).text(&format!(" · {status}"))
    });
    in_pages(&progressed(changes, over, of), lines.collect(), most)
}

/// [`message`] and [`list`] as a mail.
pub fn mail(rows: &[Row<'_>]) -> Mail {
    let rows = sorted(rows);
    let mut paragraphs = vec![title(&rows), format!("{}.", standing(&rows)), String::new()];
    paragraphs.extend(counts(&rows).iter().map(|(name, text)| format!("{name}: {text}")));
    paragraphs.push(String::new());
    let lines = rows.iter().map(|row| {
        let over = if row.is_over { "over already, " } else { "" };
        format!("- {over}{}", plain(row.opened))
    });
    paragraphs.extend(capped(lines));
    paragraphs.push(format!("{}.", times(&rows)));
    Mail {
        subject: format!("Plumbline alert: {}", title(&rows)),
        text: paragraphs.join("\n"),
    }
}

/// [`progress`] as a mail.
pub fn progress_mail(changes: &[Standing<'_>], (over, of): (u64, u64)) -> Mail {
    let title = progressed(changes, over, of);
    let lines = changes
        .iter()
        .map(|change| format!("- {}: {}", plain(change.alert), words::status(*change)));
    Mail {
        subject: format!("Plumbline alert: {title}"),
        text: format!("{title}.\n\n{}", Vec::from_iter(capped(lines)).join("\n")),
    }
}

fn in_pages(title: &str, lines: Vec<Mrkdwn>, most: usize) -> Vec<Message> {
    let total = lines.len() as u64;
    let parts = lines.into_iter().map(|line| Part {
        block: Block::section(&line),
        items: 1,
    });
    pages((title, title), parts.collect(), total, most, REST)
}

fn capped(lines: impl ExactSizeIterator<Item = String>) -> impl Iterator<Item = String> {
    let left_out = lines.len().saturating_sub(MAIL_LINES) as u64;
    let more = (left_out > 0).then(|| and_more(left_out, REST));
    lines.take(MAIL_LINES).chain(more)
}

/// Most severe first, an unrated one after medium as which it counts; then by rule, account and resource.
fn sorted<'a>(rows: &[Row<'a>]) -> Vec<Row<'a>> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| {
        let place = |row: &Row<'a>| (place(row.opened), row.opened);
        let ((first, one), (second, other)) = (place(a), place(b));
        (first, &one.key.rule, &one.key).cmp(&(second, &other.key.rule, &other.key))
    });
    rows
}

fn place(alert: &Alert) -> (Severity, bool) {
    (
        alert.severity.unwrap_or(Severity::Medium),
        alert.severity.is_none(),
    )
}

fn mark(rows: &[Row<'_>]) -> &'static str {
    words::mark(rows.iter().any(|row| row.opened.is_smoke_test))
}

fn title(rows: &[Row<'_>]) -> String {
    format!(
        "{}{} became noncompliant at once",
        mark(rows),
        text::plural(rows.len() as u64, "resource", "resources")
    )
}

fn over(rows: &[Row<'_>]) -> u64 {
    rows.iter().filter(|row| row.is_over).count() as u64
}

fn standing(rows: &[Row<'_>]) -> String {
    match over(rows) {
        0 => "All of them are noncompliant".to_owned(),
        over => format!(
            "{} of {} are over",
            text::count(over),
            text::count(rows.len() as u64)
        ),
    }
}

fn progressed(changes: &[Standing<'_>], over: u64, of: u64) -> String {
    let smoke = changes.iter().any(|change| change.alert.is_smoke_test);
    let again = changes
        .iter()
        .filter(|change| change.word == Word::Reopened)
        .count() as u64;
    let now = changes.len() as u64 - again;
    let mut news = vec![format!("{} with this", text::count(now))];
    news.extend((again > 0).then(|| format!("{} noncompliant again", text::count(again))));
    format!(
        "{}{} of {} incidents that opened at once are over: {}",
        words::mark(smoke),
        text::count(over),
        text::count(of),
        news.join(", ")
    )
}

/// Counts of all rows by severity, rule and account: each adds up to all of them.
fn counts(rows: &[Row<'_>]) -> Vec<(&'static str, String)> {
    let rule = |alert: &Alert| cut(&alert.key.rule, 80);
    vec![
        ("By severity", by_severity(rows)),
        ("By rule", counted(rows, rule, ("rule", "rules"))),
        (
            "By account",
            counted(rows, words::account, ("account", "accounts")),
        ),
    ]
}

/// Most severe first, unrated last.
fn by_severity(rows: &[Row<'_>]) -> String {
    let mut counts: BTreeMap<(bool, Option<Severity>, &str), u64> = BTreeMap::new();
    for alert in rows.iter().map(|row| row.opened) {
        let place = (alert.severity.is_none(), alert.severity, words::severity(alert));
        *counts.entry(place).or_default() += 1;
    }
    let parts = counts
        .into_iter()
        .map(|((.., name), count)| format!("{name} {}", text::count(count)));
    parts.collect::<Vec<_>>().join(" · ")
}

fn counted(rows: &[Row<'_>], name: fn(&Alert) -> String, (one, many): (&str, &str)) -> String {
    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        *groups.entry(name(row.opened)).or_default() += 1;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, count)| Reverse(*count));
    let (named, rest) = groups.split_at(groups.len().min(COUNTED));
    let mut parts: Vec<String> = named
        .iter()
        .map(|(name, count)| format!("{name} {}", text::count(*count)))
        .collect();
    if !rest.is_empty() {
        let sum: u64 = rest.iter().map(|(_, count)| count).sum();
        let others = text::plural(rest.len() as u64, one, many);
        parts.push(format!("{others} more {}", text::count(sum)));
    }
    parts.join(" · ")
}

fn bullet(row: &Row<'_>) -> Mrkdwn {
    let line = self::row(row.opened);
    if row.is_over {
        line.text(" · over already")
    } else {
        line
    }
}

fn row(alert: &Alert) -> Mrkdwn {
    let key = &alert.key;
    Mrkdwn::new()
        .text(&format!("• {} · ", words::severity(alert)))
        .code(&key.rule, 100)
        .text(" · ")
        .then(account(&key.account_id, alert.account_name.as_deref()))
        .text(" · ")
        .code(&alert.aws_region, 25)
        .text(" · ")
        .code(&key.resource_type, 50)
        .text(" ")
        .code(&key.resource_id, 110)
}

fn plain(alert: &Alert) -> String {
    let key = &alert.key;
    format!(
        "{} {} in {}, {}: {} {}",
        words::severity(alert),
        mail::line(&key.rule),
        words::account(alert),
        words::region(alert),
        mail::line(&key.resource_type),
        mail::line(&key.resource_id)
    )
}

/// From the first result to the last.
fn times(rows: &[Row<'_>]) -> String {
    let at = |row: &Row<'_>| row.opened.result_recorded_time;
    let (first, last) = (rows.iter().map(at).min(), rows.iter().map(at).max());
    match first.zip(last) {
        Some((first, last)) => format!(
            "Results recorded from {} to {}",
            text::minute(first),
            text::minute(last)
        ),
        None => "No result".to_owned(),
    }
}

fn spoken(rows: &[Row<'_>]) -> String {
    let counts = counts(rows);
    let counts: String = counts
        .iter()
        .map(|(name, text)| format!(" {name}: {text}."))
        .collect();
    format!("{}. {}.{counts}", title(rows), standing(rows))
}

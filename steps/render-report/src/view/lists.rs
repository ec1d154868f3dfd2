//! The full lists, grouped by account to save width. Nothing is left out: what is not in this volume is in another.

use compliance::exceptions::PairException;
use compliance::scorecard::{PairRow, Scorecard};
use compliance::text as format;
use jiff::Timestamp;
use serde::Serialize;

use super::lines;
use super::text::{self, SeverityCell};
use crate::volumes::{Kind, Piece, Run};
use crate::world::{MONO, PLAIN};

/// A list, or the part of it that stands in one volume, with what its last column says.
#[derive(Debug, Clone, Serialize)]
pub(super) struct List {
    title: String,
    intro: String,
    /// Title of the column of times.
    time_title: &'static str,
    /// Title of the last column; none leaves it out.
    extra_title: Option<&'static str>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Serialize)]
struct Group {
    account: String,
    id: String,
    count: String,
    rows: Vec<PairCells>,
}

/// What `lists.typ` sets: sizes of type, and widths of columns without their insets, in points, the least they are.
const TEXT: f64 = 7.0;
const ID: f64 = 6.6;
const SECOND: f64 = 6.4;
const RULE: f64 = 115.0;
const RESOURCE: f64 = 269.0;
const RESOURCE_BESIDE_EXTRA: f64 = 203.0;
const EXTRA: f64 = 59.0;
/// The lines of the column of times.
const AGE_AND_DATE: usize = 2;

/// A pair, as cells.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PairCells {
    severity: SeverityCell,
    rule: String,
    resource: String,
    resource_type: String,
    age: String,
    date: String,
    extra: String,
    annotation: String,
    /// Lines of its highest cell, where they are known before typst breaks any: then its height is.
    lines: Option<usize>,
}

/// What the last column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    /// Nothing: there is no such column.
    Nothing,
    /// What changed the pair.
    Cause,
    /// When it was resolved.
    Resolved,
    /// The account, where rows are not grouped by it.
    Account,
}

pub(super) fn sections(scorecard: &Scorecard, pieces: &[Piece<'_>]) -> Vec<List> {
    pieces.iter().map(|piece| list(scorecard, piece)).collect()
}

fn list(scorecard: &Scorecard, piece: &Piece<'_>) -> List {
    let extra = match piece.kind {
        Kind::New | Kind::Vanished => Extra::Cause,
        Kind::Resolved => Extra::Resolved,
        Kind::Noncompliant => Extra::Nothing,
    };
    let continued = if piece.before > 0 { ", continued" } else { "" };
    List {
        title: format!("{}{continued}", piece.kind.title()),
        intro: intro(piece),
        time_title: if extra == Extra::Resolved {
            "Was open, since"
        } else {
            "Open for, since"
        },
        extra_title: match extra {
            Extra::Nothing => None,
            Extra::Cause => Some("Cause"),
            Extra::Resolved => Some("Resolved"),
            Extra::Account => Some("Account"),
        },
        groups: piece
            .runs
            .iter()
            .map(|run| group(scorecard, run, extra))
            .collect(),
    }
}

fn intro(piece: &Piece<'_>) -> String {
    let what = match piece.kind {
        Kind::New => "noncompliant now and not at the baseline",
        Kind::Resolved => "noncompliant at the baseline and compliant now",
        Kind::Vanished => "noncompliant at the baseline and without a result now, with the cause",
        Kind::Noncompliant => "noncompliant now",
    };
    if piece.total == 0 {
        return format!("No pair is {what}.");
    }
    let whole = format!(
        "{} in {}: {what}. Nothing is left out",
        format::plural(piece.total, "pair", "pairs"),
        format::plural(piece.accounts, "account", "accounts")
    );
    if piece.is_whole() {
        format!("{whole}.")
    } else {
        format!(
            "{whole}: here stand {}, the others in the other volumes.",
            stretch(piece)
        )
    }
}

/// `rows 1,201 to 2,400`: which rows of its list stand in this volume.
pub(super) fn stretch(piece: &Piece<'_>) -> String {
    let last = piece.before + piece.rows();
    if last == piece.before + 1 {
        format!("row {}", format::count(last))
    } else {
        format!(
            "rows {} to {}",
            format::count(piece.before + 1),
            format::count(last)
        )
    }
}

/// The account of rows that stand together, as far as it is known: its name, its id.
pub(super) fn account(run: &Run<'_>) -> (String, String) {
    let name = run.rows.iter().find_map(|row| row.account_name.as_deref());
    let id = run.rows.first().map_or("", |row| row.key.account_id.as_str());
    (text::shown(name.unwrap_or_default()), text::shown(id))
}

fn group(scorecard: &Scorecard, run: &Run<'_>, extra: Extra) -> Group {
    let (account, id) = account(run);
    let here = run.rows.len() as u64;
    let pairs = format::plural(run.total, "pair", "pairs");
    Group {
        account,
        id,
        count: if here == run.total {
            pairs
        } else {
            let (first, last) = (run.before + 1, run.before + here);
            format!(
                "{pairs}, {} to {} here",
                format::count(first),
                format::count(last)
            )
        },
        rows: run.rows.iter().map(|row| cells(scorecard, row, extra)).collect(),
    }
}

pub(super) fn cells(scorecard: &Scorecard, row: &PairRow, extra: Extra) -> PairCells {
    let end = row.resolved_at.unwrap_or(scorecard.as_of);
    let age = row.noncompliant_since.map(|since| seconds_between(since, end));
    let key = &row.key;
    let region = text::shown(&key.aws_region);
    let mut cells = PairCells {
        severity: text::severity(row.severity),
        rule: text::shown(&key.rule),
        resource: text::shown(&key.resource_id),
        resource_type: format!("{} · {region}", text::shown(&key.resource_type)),
        age: text::duration(age, row.since_at_least),
        date: row.noncompliant_since.map(format::day).unwrap_or_default(),
        extra: extra_cell(row, extra),
        annotation: annotation(row),
        lines: None,
    };
    cells.lines = cells.break_lines(extra != Extra::Nothing);
    cells
}

impl PairCells {
    /// Breaks every text of the row into its lines and says how many the highest cell has; leaves all as it is, for
    /// typst to break, where the width of a character is not known.
    fn break_lines(&mut self, has_extra: bool) -> Option<usize> {
        let resource_width = if has_extra {
            RESOURCE_BESIDE_EXTRA
        } else {
            RESOURCE
        };
        let rule = lines::broken(&self.rule, &PLAIN, TEXT, RULE)?;
        let resource = lines::broken(&self.resource, &MONO, ID, resource_width)?;
        let resource_type = lines::broken(&self.resource_type, &PLAIN, SECOND, resource_width)?;
        let annotation = lines::broken(&self.annotation, &PLAIN, TEXT, resource_width)?;
        let extra = lines::broken(&self.extra, &PLAIN, TEXT, EXTRA)?;
        let middle = lines::count(&resource) + lines::count(&resource_type) + lines::count(&annotation);
        let lines = [lines::count(&rule), middle, lines::count(&extra), AGE_AND_DATE];
        (self.rule, self.resource, self.resource_type) = (rule, resource, resource_type);
        (self.annotation, self.extra) = (annotation, extra);
        lines.into_iter().max()
    }
}

fn extra_cell(row: &PairRow, extra: Extra) -> String {
    match extra {
        Extra::Nothing => String::new(),
        Extra::Cause => row
            .cause
            .map(|cause| cause.title().to_owned())
            .unwrap_or_default(),
        Extra::Resolved => row.resolved_at.map(format::minute).unwrap_or_default(),
        Extra::Account => text::shown(row.account_name.as_deref().unwrap_or(&row.key.account_id)),
    }
}

fn annotation(row: &PairRow) -> String {
    let text = text::shown(row.annotation.as_deref().unwrap_or_default());
    let text = if row.annotation_reused && !text.is_empty() {
        format!("{text} (read by an earlier run)")
    } else {
        text
    };
    match row.exception.as_ref().map(exception) {
        None => text,
        Some(exception) if text.is_empty() => exception,
        Some(exception) => format!("{exception} {text}"),
    }
}

/// `Exception EX-14 until 2027-03-31: the reason.`
fn exception(exception: &PairException) -> String {
    let until = if exception.state.in_force() {
        "until"
    } else {
        "expired on"
    };
    format!(
        "Exception {} {until} {}: {}.",
        text::shown(&exception.id),
        text::unbroken(&exception.expires.to_string()),
        text::shown(exception.reason.trim_end_matches('.'))
    )
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

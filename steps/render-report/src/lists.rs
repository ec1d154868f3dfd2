//! The lists as CSV after RFC 4180: a header row, CRLF, quotes where needed, newlines kept inside quotes. Times are
//! RFC 3339 in UTC; a field that is not known is empty; deployed rule names are joined by `; `.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula, and ids and
//! annotations come from whoever may tag or name a resource. Such a cell gets a leading apostrophe, which a
//! spreadsheet hides and a parser has to take off; the scorecard and the snapshot hold the text unchanged.

use compliance::evaluation::ComplianceType;
use compliance::scorecard::{Cause, PairRow};
use csv::{Terminator, WriterBuilder};
use jiff::Timestamp;
use serde::Serialize;

/// The header row, in the order of [`Row`].
const HEADER: [&str; 20] = [
    "account_id",
    "account_name",
    "aws_region",
    "resource_type",
    "resource_id",
    "rule",
    "severity",
    "config_rule_names",
    "before",
    "now",
    "cause",
    "noncompliant_since",
    "since_at_least",
    "resolved_at",
    "result_recorded_time",
    "annotation",
    "annotation_reused",
    "exception_id",
    "exception_state",
    "exception_expires",
];

#[derive(Serialize)]
struct Row {
    account_id: String,
    account_name: String,
    aws_region: String,
    resource_type: String,
    resource_id: String,
    rule: String,
    severity: &'static str,
    config_rule_names: String,
    before: &'static str,
    now: &'static str,
    cause: Option<Cause>,
    noncompliant_since: Option<Timestamp>,
    since_at_least: bool,
    resolved_at: Option<Timestamp>,
    result_recorded_time: Option<Timestamp>,
    annotation: String,
    annotation_reused: bool,
    exception_id: String,
    exception_state: &'static str,
    exception_expires: String,
}

/// A list as CSV, header included.
///
/// # Errors
/// When the CSV writer fails, which it does not in memory.
pub fn list_csv(rows: &[PairRow]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new()
        .has_headers(false)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in rows {
        writer.serialize(cells(row))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn cells(row: &PairRow) -> Row {
    let exception = row.exception.as_ref();
    Row {
        account_id: guarded(&row.key.account_id),
        account_name: guarded(row.account_name.as_deref().unwrap_or_default()),
        aws_region: guarded(&row.key.aws_region),
        resource_type: guarded(&row.key.resource_type),
        resource_id: guarded(&row.key.resource_id),
        rule: guarded(&row.key.rule),
        severity: row.severity.map_or("unrated", |severity| severity.as_str()),
        config_rule_names: guarded(&row.config_rule_names.join("; ")),
        before: row.before.map_or("", ComplianceType::as_str),
        now: row.now.map_or("", ComplianceType::as_str),
        cause: row.cause,
        noncompliant_since: row.noncompliant_since,
        since_at_least: row.since_at_least,
        resolved_at: row.resolved_at,
        result_recorded_time: row.result_recorded_time,
        annotation: guarded(row.annotation.as_deref().unwrap_or_default()),
        annotation_reused: row.annotation_reused,
        exception_id: guarded(exception.map_or("", |exception| &exception.id)),
        exception_state: exception.map_or("", |exception| exception.state.as_str()),
        exception_expires: exception
            .map(|exception| exception.expires.to_string())
            .unwrap_or_default(),
    }
}

pub(crate) fn guarded(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

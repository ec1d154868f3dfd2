//! The tables that are not lists of pairs, as CSV: repairs, exceptions, the results of pairs that disagree, and what
//! events told. Cells
//! are those of [`crate::lists`]: nothing in them is a formula.

use compliance::alerts::{Batched, Word};
use compliance::artifact::Artifact;
use compliance::catalogue::Severity;
use compliance::events::{EventCompliance, Outcome, TransitionRow};
use compliance::exceptions::ExceptionEntry;
use compliance::fix_first::Repair;
use compliance::scorecard::MergedPair;
use csv::{Terminator, WriterBuilder};

use crate::lists::guarded;
use crate::view::flags;
use crate::{RenderError, RenderInput, artifact};

/// Every repair, the one that gains most first. Points are percentage points, scores percent.
pub(crate) fn fix_first_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    let header = [
        "rank",
        "rule",
        "severity",
        "account_id",
        "account_name",
        "noncompliant_pairs",
        "excepted_pairs",
        "resources_freed",
        "oldest_since",
        "oldest_at_least",
        "points",
        "weighted_points",
        "organization_score_then",
        "organization_weighted_score_then",
        "account_points",
        "account_score_then",
        "link",
    ];
    let links: std::collections::HashMap<&str, &str> = input
        .scorecard
        .rules
        .iter()
        .filter_map(|rule| Some((&*rule.metadata.rule, rule.metadata.link.as_deref()?)))
        .collect();
    let row = |(index, repair): (usize, &Repair)| {
        [
            (index + 1).to_string(),
            repair.rule.clone(),
            severity(repair.severity),
            repair.account_id.clone(),
            repair.account_name.clone().unwrap_or_default(),
            repair.pairs.to_string(),
            repair.excepted.to_string(),
            repair.resources_freed.to_string(),
            repair
                .oldest_since
                .map(|since| since.to_string())
                .unwrap_or_default(),
            repair.oldest_at_least.to_string(),
            percent(repair.gain.compliance),
            percent(repair.gain.weighted),
            percent(repair.organization_after.compliance),
            percent(repair.organization_after.weighted),
            percent(repair.account_gain.compliance),
            percent(repair.account_after.compliance),
            links
                .get(&*repair.rule)
                .map(|link| (*link).to_owned())
                .unwrap_or_default(),
        ]
    };
    table(
        "fix-first.csv",
        header,
        input.lists.repairs.iter().enumerate().map(row),
    )
}

/// Every exception of the settings with what it covers.
pub(crate) fn exceptions_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    let header = [
        "id",
        "state",
        "rule",
        "severity",
        "everywhere",
        "accounts",
        "organizational_units",
        "regions",
        "resource_types",
        "resource_ids",
        "reason",
        "owner",
        "approver",
        "approved",
        "expires",
        "noncompliant_pairs_in_scope",
        "speaks_for",
        "flags",
    ];
    let row = |entry: &ExceptionEntry| {
        let terms = &entry.terms;
        let list = |texts: &[String]| texts.join("; ");
        [
            entry.id.clone(),
            entry.state.as_str().to_owned(),
            entry.rule.clone(),
            severity(entry.severity),
            terms.everywhere.to_string(),
            list(&terms.accounts),
            list(&terms.organizational_units),
            list(&terms.regions),
            list(&terms.resource_types),
            list(&terms.resource_ids),
            terms.reason.clone(),
            terms.owner.clone(),
            terms.approver.clone(),
            terms.approved.to_string(),
            terms.expires.to_string(),
            entry.pairs.to_string(),
            entry.speaks_for.to_string(),
            flags(entry).join("; "),
        ]
    };
    table(
        "exceptions.csv",
        header,
        input.scorecard.exceptions.entries.iter().map(row),
    )
}

/// Every result of every pair whose results disagree.
pub(crate) fn merged_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    let header = [
        "account_id",
        "account_name",
        "aws_region",
        "resource_type",
        "resource_id",
        "rule",
        "counted_as",
        "config_rule_name",
        "result_aws_region",
        "result_compliance_type",
    ];
    let rows = |pair: &MergedPair| {
        let (key, name) = (pair.key.clone(), pair.account_name.clone().unwrap_or_default());
        let results = pair.results.clone();
        results.into_iter().map(move |result| {
            [
                key.account_id.clone(),
                name.clone(),
                key.aws_region.clone(),
                key.resource_type.clone(),
                key.resource_id.clone(),
                key.rule.clone(),
                "NON_COMPLIANT".to_owned(),
                result.config_rule_name,
                result.aws_region,
                result.compliance_type.as_str().to_owned(),
            ]
        })
    };
    table(
        "merged.csv",
        header,
        input.lists.disagreements.iter().flat_map(rows),
    )
}

/// Every transition that events told, oldest first, with what was decided about it.
pub(crate) fn events_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    let header = [
        "result_recorded_time",
        "account_id",
        "aws_region",
        "resource_type",
        "resource_id",
        "rule",
        "before",
        "now",
        "became",
        "decision",
        "why",
        "incident",
        "seconds_to_detect",
        "seconds_to_store",
        "event_id",
    ];
    let row = |row: &TransitionRow| {
        let key = row.pair.clone();
        let (decision, why, incident) = decided(&row.outcome);
        [
            row.time.to_string(),
            key.account_id,
            key.aws_region,
            key.resource_type,
            key.resource_id,
            key.rule,
            row.from.map_or("", EventCompliance::as_str).to_owned(),
            row.to.as_str().to_owned(),
            if row.opens() { "noncompliant" } else { "no longer" }.to_owned(),
            decision.to_owned(),
            why.to_owned(),
            incident.to_owned(),
            row.detected_after_ms.map(seconds).unwrap_or_default(),
            seconds(row.stored_after_ms),
            row.event_id.clone(),
        ]
    };
    table("events.csv", header, input.lists.transitions.iter().map(row))
}

/// What was decided, why or in what words, and the incident.
fn decided(outcome: &Outcome) -> (&'static str, &'static str, &str) {
    match outcome {
        Outcome::Told { word, incident } => {
            let word = match word {
                Word::Opened => "opened",
                Word::Reopened => "reopened",
                Word::Resolved => "resolved",
            };
            ("told", word, incident)
        }
        Outcome::Batched { why } => {
            let why = match why {
                Batched::BelowSeverity => "below_severity",
                Batched::FirstEvaluation => "first_evaluation",
                Batched::NoRoute => "no_route",
                Batched::NothingOpen => "nothing_open",
            };
            ("batched", why, "")
        }
        Outcome::Silenced => ("silenced", "", ""),
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{:.3}", milliseconds as f64 / 1000.0)
}

fn severity(severity: Option<Severity>) -> String {
    severity.map_or("unrated", Severity::as_str).to_owned()
}

/// A share as percent, as exact as a spreadsheet needs it.
fn percent(share: f64) -> String {
    format!("{:.6}", share * 100.0)
}

fn table<const N: usize>(
    name: &'static str,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<Artifact, RenderError> {
    let failed = |source| RenderError::Csv { file: name, source };
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(header).map_err(failed)?;
    let mut count = 0;
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| guarded(cell)))
            .map_err(failed)?;
        count += 1;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| failed(error.into_error().into()))?;
    Ok(artifact(name, "text/csv", Some(count), bytes))
}

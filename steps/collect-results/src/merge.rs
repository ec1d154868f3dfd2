//! What a rule's results are, once its details have answered, failed, or were not needed.

use compliance::coverage::Gap;
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::text::plural;

use crate::decide::{Ask, Rows, Task, disagree, keep_worse, noncompliant, stated};
use crate::known::Known;

/// The details of a rule.
pub(crate) enum Details {
    /// They were not needed.
    NotAsked,
    /// They answered.
    Answered(Vec<EvaluationResult>),
    /// They could not be read.
    Failed(Gap),
}

/// What came of a rule.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Rows,
    /// Its results could not be read, or cannot be counted on.
    pub(crate) missing: Option<Gap>,
    /// The source could be read, whether or not the rule is missing.
    pub(crate) answered: bool,
    pub(crate) annotations_missing: u64,
    pub(crate) disagrees: bool,
    /// Calls that term 4 (or the details of every rule) foresees for it.
    pub(crate) planned_calls: u64,
}

/// Brings the query's rows and the details together: both are kept, noncompliant wins.
pub(crate) fn merge(task: Task, details: Details, known: &Known) -> Outcome {
    match details {
        Details::NotAsked => not_asked(task, known),
        Details::Answered(details) => answered(task, details, known),
        Details::Failed(gap) => failed(task, gap, known),
    }
}

fn not_asked(task: Task, known: &Known) -> Outcome {
    let mut rows = task.rows;
    for row in rows.values_mut() {
        known.reuse(row);
    }
    Outcome {
        rows,
        missing: None,
        answered: true,
        annotations_missing: 0,
        disagrees: task.disagrees,
        planned_calls: 0,
    }
}

fn answered(task: Task, details: Vec<EvaluationResult>, known: &Known) -> Outcome {
    let none = details.is_empty();
    let mut detailed = Rows::new();
    for result in details {
        keep_worse(&mut detailed, result);
    }
    // A row that came twice was foreseen once.
    let planned_calls = (detailed.len() as u64).div_ceil(100).max(1);
    let mut disagrees = task.disagrees || differ(&task, &detailed);
    let mut rows = task.rows;
    let mut annotations_missing = 0;
    for (key, row) in &mut rows {
        match detailed.remove(key) {
            Some(detail) if detail.compliance_type >= row.compliance_type => fill(row, detail),
            // The details do not have it as noncompliant (any more): what was known of it may still hold.
            Some(_) if !known.reuse(row) => annotations_missing += 1,
            Some(_) => {}
            None if row.compliance_type == ComplianceType::NonCompliant && !known.reuse(row) => {
                annotations_missing += 1;
            }
            None => {}
        }
    }
    rows.append(&mut detailed);
    // Listed with other noncompliance than the details have, or with results where there are none.
    disagrees |= task.ask == Ask::All && disagree(task.listed.as_ref(), &rows);
    if let Some(gap) = inconsistent(&task.config_rule_name, task.listed.as_ref(), &rows, none) {
        return Outcome {
            disagrees,
            answered: true,
            ..missing(gap)
        };
    }
    Outcome {
        rows,
        missing: None,
        answered: true,
        annotations_missing,
        disagrees,
        planned_calls,
    }
}

/// Why the results of a rule cannot be counted on though everything answered: noncompliance is listed, and nothing of
/// it can be read. Details that have some of it are the later view and count.
fn inconsistent(name: &str, listed: Option<&RuleCompliance>, rows: &Rows, none: bool) -> Option<Gap> {
    let (stated, found) = (stated(listed), noncompliant(rows));
    // A listing without a count may be of a rule whose compliance it does not know: results are better than that.
    let counted = listed.is_some_and(|listed| listed.capped_count.is_some());
    if found >= stated || !(none || (counted && found == 0)) {
        return None;
    }
    let details = if none {
        "no result"
    } else {
        "no noncompliant result"
    };
    let query = match found {
        0 => String::new(),
        found => format!(
            " (the query has {})",
            plural(found, "noncompliant result", "noncompliant results")
        ),
    };
    Some(Gap {
        code: "Coverage.Inconsistent".to_owned(),
        reason: format!(
            "DescribeAggregateComplianceByConfigRules lists rule {name:?} with at least {}, but \
             GetAggregateComplianceDetailsByConfigRule has {details} of it{query}; the aggregator lags, run again later",
            plural(stated, "noncompliant result", "noncompliant results"),
        ),
    })
}

/// A rule of which nothing is kept.
fn missing(gap: Gap) -> Outcome {
    Outcome {
        rows: Rows::new(),
        missing: Some(gap),
        answered: false,
        annotations_missing: 0,
        disagrees: false,
        planned_calls: 1,
    }
}

/// The details name other noncompliant resources than the query. Details of everything are no second view.
fn differ(task: &Task, detailed: &Rows) -> bool {
    if task.ask != Ask::Noncompliant {
        return false;
    }
    let unseen = detailed.keys().any(|key| {
        let row = task.rows.get(key);
        row.is_none_or(|row| row.compliance_type != ComplianceType::NonCompliant)
    });
    unseen || detailed.len() as u64 != noncompliant(&task.rows)
}

/// Takes compliance, annotation and times from details that are no better than the row.
fn fill(row: &mut EvaluationResult, detail: EvaluationResult) {
    row.compliance_type = detail.compliance_type;
    row.result_recorded_time = detail.result_recorded_time;
    row.config_rule_invoked_time = detail.config_rule_invoked_time;
    row.annotation = detail.annotation;
    row.annotation_reused = false;
}

/// Pairs known from the query stay, without annotations; a rule of whose noncompliance more is listed than is known
/// by pair is missing, never compliant.
fn failed(task: Task, gap: Gap, known: &Known) -> Outcome {
    if task.rows.is_empty() || noncompliant(&task.rows) < stated(task.listed.as_ref()) {
        return Outcome {
            disagrees: task.disagrees,
            ..missing(gap)
        };
    }
    let mut rows = task.rows;
    let mut annotations_missing: u64 = 0;
    for row in rows.values_mut() {
        if row.compliance_type == ComplianceType::NonCompliant && !known.reuse(row) {
            annotations_missing += 1;
        }
    }
    Outcome {
        planned_calls: annotations_missing.div_ceil(100).max(1),
        rows,
        missing: None,
        answered: true,
        annotations_missing,
        disagrees: task.disagrees,
    }
}

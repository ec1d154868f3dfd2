//! What a rule's results are, once its details have answered, failed, or were not needed.

use compliance::coverage::Gap;
use compliance::evaluation::{ComplianceType, EvaluationResult};

use crate::decide::{Ask, Rows, Task, disagree, keep_worse, noncompliant};
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
    /// Its results could not be read.
    pub(crate) missing: Option<Gap>,
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
        annotations_missing: 0,
        disagrees: task.disagrees,
        planned_calls: 0,
    }
}

fn answered(task: Task, details: Vec<EvaluationResult>, known: &Known) -> Outcome {
    let planned_calls = (details.len() as u64).div_ceil(100).max(1);
    let mut detailed = Rows::new();
    for result in details {
        keep_worse(&mut detailed, result);
    }
    let mut disagrees = task.disagrees || differ(&task, &detailed);
    let mut rows = task.rows;
    let mut annotations_missing = 0;
    for (key, row) in &mut rows {
        match detailed.remove(key) {
            Some(detail) => fill(row, detail),
            // The details do not have it (any more): what was known of it may still hold.
            None if row.compliance_type == ComplianceType::NonCompliant && !known.reuse(row) => {
                annotations_missing += 1;
            }
            None => {}
        }
    }
    rows.append(&mut detailed);
    // Listed with other noncompliance than the details have, or with results where there are none.
    disagrees |= task.ask == Ask::All && disagree(task.listed.as_ref(), &rows);
    Outcome {
        rows,
        missing: None,
        annotations_missing,
        disagrees,
        planned_calls,
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

/// Takes annotation and times from the details; noncompliant wins.
fn fill(row: &mut EvaluationResult, detail: EvaluationResult) {
    row.compliance_type = row.compliance_type.max(detail.compliance_type);
    row.result_recorded_time = detail.result_recorded_time;
    row.config_rule_invoked_time = detail.config_rule_invoked_time;
    row.annotation = detail.annotation;
    row.annotation_reused = false;
}

/// Pairs known from the query stay, without annotations; a rule whose noncompliance is listed but not known by
/// pair is missing, never compliant.
fn failed(task: Task, gap: Gap, known: &Known) -> Outcome {
    let says_noncompliant = task
        .listed
        .as_ref()
        .is_some_and(|listed| listed.compliance_type == ComplianceType::NonCompliant);
    if task.rows.is_empty() || (says_noncompliant && noncompliant(&task.rows) == 0) {
        return Outcome {
            rows: Rows::new(),
            missing: Some(gap),
            annotations_missing: 0,
            disagrees: false,
            planned_calls: 1,
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
        annotations_missing,
        disagrees: task.disagrees,
    }
}

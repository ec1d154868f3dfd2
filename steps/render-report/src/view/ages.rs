//! How long noncompliance has been open, and how long it took to resolve.

use compliance::scorecard::{AccountScore, Ages, Scorecard, Tally, TimesToResolve};
use compliance::text as format;
use serde::Serialize;

use super::text::{self, SeverityCell};

#[derive(Debug, Clone, Serialize)]
pub(super) struct AgesSection {
    /// Titles of the age classes.
    classes: [&'static str; 5],
    severities: Vec<AgeRow>,
    total: AgeRow,
    accounts: Vec<AccountAges>,
    history: String,
    detection: String,
    /// How much has been open longest.
    message: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct AgeRow {
    severity: Option<SeverityCell>,
    open: String,
    counts: Vec<String>,
    /// Of the open pairs of this row, 0 to 1: the bars under the counts.
    shares: Vec<f64>,
    mean: String,
    oldest: String,
    resolved: String,
    mttr: String,
}

#[derive(Debug, Clone, Serialize)]
struct AccountAges {
    name: String,
    id: String,
    open: String,
    at_least: String,
    mean: String,
    oldest: String,
    resolved: String,
    mttr: String,
}

pub(super) fn section(scorecard: &Scorecard) -> AgesSection {
    AgesSection {
        classes: ["under 1 d", "1 to 7 d", "7 to 30 d", "30 to 90 d", "from 90 d"],
        severities: scorecard
            .severities
            .iter()
            .map(|row| {
                age_row(
                    Some(text::severity(row.severity)),
                    &row.ages,
                    &row.times_to_resolve,
                )
            })
            .collect(),
        total: age_row(None, &scorecard.ages, &scorecard.times_to_resolve),
        accounts: scorecard
            .accounts
            .iter()
            .filter(|account| account.ages.open > 0 || account.times_to_resolve.resolved > 0)
            .map(account_ages)
            .collect(),
        history: format!(
            "{} read, the oldest of {}. What was open there already is at least as old as shown and is marked ≥.",
            format::plural(scorecard.snapshots_read, "snapshot was", "snapshots were"),
            format::minute(scorecard.history_from)
        ),
        detection: match scorecard.mean_time_to_detect_seconds {
            Some(seconds) => format!("Mean time to detect: {}.", format::brief(seconds)),
            None if scorecard.events.is_some() => {
                "Mean time to detect is not measured: no event of the period says that a pair became noncompliant that \
                 had been evaluated before."
                    .to_owned()
            }
            None => "Mean time to detect is not measured: it needs events.".to_owned(),
        },
        message: message(&scorecard.ages),
    }
}

fn message(ages: &Ages) -> Option<String> {
    let oldest = *ages.classes.last()?;
    let share = Tally {
        compliant: oldest,
        noncompliant: ages.open - oldest,
    };
    (ages.open > 0).then(|| {
        format!(
            "{} open pairs ({}) have been noncompliant for 90 days or more.",
            text::of(share),
            text::unbroken(&format::score(share.score()))
        )
    })
}

fn age_row(severity: Option<SeverityCell>, ages: &Ages, times: &TimesToResolve) -> AgeRow {
    AgeRow {
        severity,
        open: text::count(ages.open),
        counts: ages.classes.iter().map(|count| text::count(*count)).collect(),
        shares: ages
            .classes
            .iter()
            .map(|count| {
                if ages.open > 0 {
                    *count as f64 / ages.open as f64
                } else {
                    0.0
                }
            })
            .collect(),
        mean: text::duration(ages.mean_seconds, ages.at_least > 0),
        oldest: text::duration(ages.oldest_seconds, ages.at_least > 0),
        resolved: text::count(times.resolved),
        mttr: text::duration(times.mean_seconds, times.at_least > 0),
    }
}

fn account_ages(account: &AccountScore) -> AccountAges {
    let row = age_row(None, &account.ages, &account.times_to_resolve);
    AccountAges {
        name: text::shown(account.name.as_deref().unwrap_or_default()),
        id: text::shown(&account.account_id),
        open: row.open,
        at_least: text::count(account.ages.at_least),
        mean: row.mean,
        oldest: row.oldest,
        resolved: row.resolved,
        mttr: row.mttr,
    }
}

//! Accounts, lowest score first.

use compliance::scorecard::{AccountScore, Completeness, Direction, Scorecard};
use compliance::text as format;
use serde::Serialize;

use super::chart::{self, Sparkline};
use super::histogram::{self, Histogram};
use super::text::{self, Delta, DirectionCell, ScoreCell};

#[derive(Debug, Clone, Serialize)]
pub(super) struct AccountsSection {
    summary: String,
    histogram: Option<Histogram>,
    rows: Vec<AccountRow>,
}

#[derive(Debug, Clone, Serialize)]
struct AccountRow {
    rank: String,
    name: String,
    id: String,
    unit: String,
    /// Said instead of a score.
    absent: Option<&'static str>,
    score: ScoreCell,
    delta: Delta,
    direction: DirectionCell,
    declining: bool,
    sparkline: Option<Sparkline>,
    new: String,
    resolved: String,
    open: String,
    oldest: String,
    completeness: &'static str,
    scopes: String,
}

pub(super) fn section(scorecard: &Scorecard) -> AccountsSection {
    AccountsSection {
        summary: summary(&scorecard.accounts),
        histogram: histogram::histogram(scorecard),
        rows: scorecard
            .accounts
            .iter()
            .enumerate()
            .map(|(index, account)| row(index + 1, account))
            .collect(),
    }
}

fn summary(accounts: &[AccountScore]) -> String {
    let count = |test: fn(&AccountScore) -> bool| accounts.iter().filter(|one| test(one)).count() as u64;
    let mut parts = vec![format::plural(accounts.len() as u64, "account", "accounts")];
    for (number, what) in [
        (count(|one| one.direction == Direction::Improving), "improving"),
        (count(|one| one.direction == Direction::Degrading), "declining"),
        (
            count(|one| one.completeness == Completeness::Partial),
            "collected in part",
        ),
        (
            count(|one| one.completeness == Completeness::Missing),
            "not collected",
        ),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", format::count(number)));
        }
    }
    format!("{}.", parts.join(", "))
}

fn row(rank: usize, account: &AccountScore) -> AccountRow {
    let absent = match (account.completeness, account.scores.compliance_score) {
        (Completeness::Missing, _) => Some("not collected"),
        (_, None) => Some("no data"),
        _ => None,
    };
    AccountRow {
        rank: rank.to_string(),
        name: text::shown(account.name.as_deref().unwrap_or_default()),
        id: text::shown(&account.account_id),
        unit: text::shown(account.organizational_unit.as_deref().unwrap_or_default()),
        absent,
        score: text::score(account.scores.compliance_score),
        delta: text::delta(account.change),
        direction: text::direction(account.direction),
        declining: account.direction == Direction::Degrading,
        sparkline: chart::sparkline(&account.trend),
        new: text::count(account.movement.new),
        resolved: text::count(account.movement.resolved),
        open: text::count(account.ages.open),
        oldest: text::duration(account.ages.oldest_seconds, account.ages.at_least > 0),
        completeness: text::completeness(account.completeness),
        scopes: text::unbroken(&format!("{} of {}", account.scopes_collected, account.scopes)),
    }
}

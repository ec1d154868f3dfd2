//! Counts of a report that were taken in different places, held against each other.

use compliance::events::EventActivity;
use compliance::reconciliation::Balance;
use compliance::scorecard::{Lists, Scorecard};

/// Every balance of a report, the way of a result through it first.
pub(crate) fn reconciled(scorecard: &Scorecard, lists: &Lists) -> Vec<Balance> {
    let merged = &scorecard.merged;
    let pairs = &scorecard.organization.pairs;
    let rows = |count: usize| count as u64;
    let uncounted = merged.not_collected + merged.unknown;
    let duplicates = merged.global_duplicates + merged.name_duplicates;
    let by_account = |part: fn(&compliance::scorecard::AccountScore) -> u64| {
        scorecard.accounts.iter().map(part).sum::<u64>()
    };
    let fix = &scorecard.fix_first;
    let mut balances = vec![
        Balance::new(
            "Results: in the snapshot's manifest; collected by account and region",
            merged.read,
            collected(scorecard),
        ),
        Balance::new(
            "Pairs: results less those that do not count and those merged; compliant and noncompliant pairs",
            merged.read.saturating_sub(uncounted + duplicates),
            pairs.total(),
        ),
        Balance::new(
            "Pairs: of the organization; summed over accounts",
            pairs.total(),
            by_account(|account| account.scores.pairs.total()),
        ),
        Balance::new(
            "Noncompliant pairs: of the organization; rows of the list",
            pairs.noncompliant,
            rows(lists.noncompliant.len()),
        ),
        Balance::new(
            "Noncompliant pairs: of the organization; in repairs and under exceptions",
            pairs.noncompliant,
            fix.all.pairs + fix.excepted.pairs,
        ),
        Balance::new(
            "Pairs whose results disagree: counted; rows of the list",
            merged.disagreements,
            rows(lists.disagreements.len()),
        ),
    ];
    if scorecard.baseline.is_some() {
        let movement = &scorecard.movement;
        balances.extend([
            Balance::new(
                "Noncompliant pairs: of the organization; new and still noncompliant",
                pairs.noncompliant,
                movement.new + movement.still,
            ),
            Balance::new(
                "New: counted; rows of the list",
                movement.new,
                rows(lists.new.len()),
            ),
            Balance::new(
                "Resolved: counted; rows of the list",
                movement.resolved,
                rows(lists.resolved.len()),
            ),
            Balance::new(
                "Vanished: counted; rows of the list",
                movement.vanished,
                rows(lists.vanished.len()),
            ),
        ]);
    }
    if let Some(events) = &scorecard.events {
        balances.push(Balance::new(
            "Evaluation results of events: read; told, batched, silenced, superseded or without change",
            events.results,
            decided(events),
        ));
        balances.push(Balance::new(
            "Transitions of events: counted; rows of the list",
            events.transitions(),
            rows(lists.transitions.len()),
        ));
    }
    balances
}

/// Results of events by what was decided about them.
fn decided(events: &EventActivity) -> u64 {
    let opened = events.told.openings() + events.batched.total() + events.silenced;
    let ended = events.told.resolved + events.ended_untold;
    opened + ended + events.superseded + events.unchanged
}

/// What the collection says it brought back, of the scopes whose results the snapshot holds.
fn collected(scorecard: &Scorecard) -> u64 {
    let scopes = scorecard.context.coverage.scopes.iter();
    let collected = scopes.filter(|scope| scope.collected());
    collected.map(|scope| scope.results).sum()
}

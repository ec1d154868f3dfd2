//! What to repair first, and which accepted noncompliance needs somebody.

use compliance::catalogue::Severity;
use compliance::exceptions::{ExceptionEntry, ExceptionState};
use compliance::fix_first::Repair;
use compliance::scorecard::Scorecard;
use compliance::text;

use super::words;
use crate::and_more;
use crate::block::Block;
use crate::text::{Mrkdwn, raw};

/// Repairs a channel sees; the thread has more.
const SHOWN: usize = 3;
/// Exceptions named, per state; the report has all.
const NAMED: usize = 3;

/// The first repairs, and what they gain together.
pub(super) fn fix_first(scorecard: &Scorecard) -> Option<Block> {
    let fix = &scorecard.fix_first;
    let shown = &fix.first[..fix.first.len().min(SHOWN)];
    let last = shown.last()?;
    let head = Mrkdwn::new().bold("Fix first").text(&format!(
        " · {} the compliance score from {} to {}, the weighted score from {} to {}",
        words::first_repairs(shown.len() as u64, fix.repairs),
        text::score(scorecard.organization.compliance_score),
        text::score(Some(last.organization_after.compliance)),
        text::score(scorecard.organization.weighted_score),
        text::score(
            scorecard
                .organization
                .weighted_score
                .map(|_| last.organization_after.weighted)
        ),
    ));
    let left_out = fix.repairs.saturating_sub(shown.len() as u64);
    let more = (left_out > 0).then(|| {
        let half = text::plural(fix.half, "repair", "repairs");
        let more = and_more(left_out, "in the thread");
        Mrkdwn::new().text(&format!("{more}; half of all that can be gained takes {half}"))
    });
    let lines = [head].into_iter().chain(shown.iter().map(line)).chain(more);
    Some(Block::section(&Mrkdwn::lines(lines)))
}

fn line(repair: &Repair) -> Mrkdwn {
    Mrkdwn::new()
        .text("• ")
        .code(&repair.rule, 130)
        .text(" in ")
        .then(words::account(&repair.account_id, repair.account_name.as_deref()))
        .text(&format!(
            ": {} points weighted, {} compliance · {} · {}",
            text::points(repair.gain.weighted),
            text::points(repair.gain.compliance),
            repair.severity.map_or("unrated", Severity::as_str),
            text::plural(repair.pairs, "pair", "pairs"),
        ))
}

/// Exceptions that expired or are about to; `None` when there is nothing to do about any.
pub(super) fn exceptions(scorecard: &Scorecard) -> Option<Block> {
    let entries = |state| scorecard.exceptions.in_state(state).collect::<Vec<_>>();
    let (expired, expiring) = (
        entries(ExceptionState::Expired),
        entries(ExceptionState::Expiring),
    );
    let mut elements = Vec::new();
    if !expired.is_empty() {
        let pairs: u64 = expired.iter().map(|entry| entry.pairs).sum();
        let head = text::plural(
            expired.len() as u64,
            "exception has expired",
            "exceptions have expired",
        );
        let pairs = text::plural(
            pairs,
            "noncompliant pair in scope is",
            "noncompliant pairs in scope are",
        );
        elements.push(named(&head, &expired).text(&format!(": {pairs} no longer accepted")));
    }
    if !expiring.is_empty() {
        let count = expiring.len() as u64;
        let head = text::plural(
            count,
            "exception expires within 14 days",
            "exceptions expire within 14 days",
        );
        elements.push(named(&head, &expiring));
    }
    (!elements.is_empty()).then(|| Block::context(&elements))
}

fn named(head: &str, entries: &[&ExceptionEntry]) -> Mrkdwn {
    let open = Mrkdwn::new().text(head).text(" (");
    let shown = entries.iter().take(NAMED).enumerate();
    let line = shown.fold(open, |line, (index, entry)| {
        let separator = if index > 0 { ", " } else { "" };
        let line = line.text(separator).code(&entry.id, 40);
        line.text(&format!(" {}", entry.terms.expires))
    });
    let left_out = entries.len().saturating_sub(NAMED);
    if left_out > 0 {
        line.text(&format!(", {})", and_more(left_out as u64, "in the report")))
    } else {
        line.text(")")
    }
}

/// The same for screen readers and notifications.
pub(super) fn in_words(scorecard: &Scorecard) -> Option<String> {
    let repair = scorecard.fix_first.first.first()?;
    let account = repair.account_name.as_deref().unwrap_or(&repair.account_id);
    Some(format!(
        "Fix first: {} in {}, {} points on the weighted score.",
        raw(&repair.rule, 130),
        raw(account, 60),
        text::points(repair.gain.weighted)
    ))
}

//! Which noncompliant pairs stand under which exception. Scores know nothing of it.

use std::collections::HashMap;

use compliance::catalogue::Catalogue;
use compliance::exceptions::{ExceptionEntry, ExceptionState, Exceptions, PairException, Register};
use compliance::scorecard::{AccountScore, Lists, PairRow};

/// Marks the rows of what is noncompliant now, and makes the register. Organizational units are those of `accounts`.
pub(crate) fn mark(
    lists: &mut Lists,
    accounts: &[AccountScore],
    register: &Register,
    catalogue: &Catalogue,
) -> Exceptions {
    let units: HashMap<&str, Option<&str>> = accounts
        .iter()
        .map(|account| (&*account.account_id, account.organizational_unit.as_deref()))
        .collect();
    let covering = |row: &PairRow| {
        let unit = units.get(&*row.key.account_id).copied().flatten();
        register.covering(&row.key, unit).collect::<Vec<usize>>()
    };
    let mut counts = vec![(0, 0); register.exceptions().len()];
    for row in &mut lists.noncompliant {
        let covering = covering(row);
        for &place in &covering {
            counts[place].0 += 1;
        }
        row.exception = speaking(register, &covering);
        if row.excepted() {
            counts[covering[0]].1 += 1;
        }
    }
    for row in &mut lists.new {
        row.exception = speaking(register, &covering(row));
    }
    let excepted = |rows: &[PairRow]| rows.iter().filter(|row| row.excepted()).count() as u64;
    Exceptions {
        entries: entries(register, catalogue, &counts),
        noncompliant: excepted(&lists.noncompliant),
        new: excepted(&lists.new),
    }
}

/// What the first of those that cover a pair says of it; one that is not yet approved says nothing.
fn speaking(register: &Register, covering: &[usize]) -> Option<PairException> {
    let exception = &register.exceptions()[*covering.first()?];
    (exception.state != ExceptionState::NotYetApproved).then(|| PairException {
        id: exception.id.clone(),
        state: exception.state,
        reason: exception.settings.reason.clone(),
        expires: exception.settings.expires,
    })
}

fn entries(register: &Register, catalogue: &Catalogue, counts: &[(u64, u64)]) -> Vec<ExceptionEntry> {
    let mut entries: Vec<ExceptionEntry> = register
        .exceptions()
        .iter()
        .zip(counts)
        .map(|(exception, (pairs, speaks_for))| {
            let severity = catalogue.metadata(&exception.rule).severity;
            ExceptionEntry::new(exception, severity, *pairs, *speaks_for)
        })
        .collect();
    entries.sort_by(|a, b| {
        let order = |entry: &ExceptionEntry| (entry.state, entry.terms.expires);
        order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id))
    });
    entries
}

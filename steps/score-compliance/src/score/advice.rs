//! What follows from a report's numbers and lists: accepted noncompliance, what to fix first, and whether counts balance.

use compliance::catalogue::Catalogue;
use compliance::exceptions::Register;
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;

use super::reconciled::reconciled;
use super::{exceptions, fix_first};

/// Adds what follows from the numbers and lists: exceptions, what to fix first, and how the counts balance.
pub(crate) fn advise(
    scorecard: &mut Scorecard,
    lists: &mut Lists,
    settings: &Settings,
    catalogue: &Catalogue,
) {
    let register = Register::new(&settings.exceptions, catalogue, scorecard.as_of);
    scorecard.exceptions = exceptions::mark(lists, &scorecard.accounts, &register, catalogue);
    (scorecard.fix_first, lists.repairs) = fix_first::fix_first(
        &lists.noncompliant,
        &scorecard.organization,
        &scorecard.accounts,
        &settings.scoring.weights,
    );
    scorecard.reconciliation = reconciled(scorecard, lists);
}

//! What appeared and what vanished between the baseline and now, and why.

use compliance::scorecard::Cause;

use super::codes::{Code, Map, Set};
use super::scopes::{Fate, Scopes};
use super::sheet::{Bits, Cell, Sheet, Side};
use super::tally::Tallies;

/// Which way one looks: from the baseline to now, pairs vanish; the other way round, they appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Appeared,
    Vanished,
}

/// A pair of one side that the other lacks: what the other side shows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lack {
    pub(crate) way: Way,
    pub(crate) account: Code,
    pub(crate) rule: Code,
    /// What its sources met there.
    fate: Fate,
    /// The resource is there under another rule.
    resource_there: bool,
}

/// Compliant and noncompliant pairs that the other side lacks.
pub(crate) type LackCounts = Map<Lack, (u64, u64)>;

/// The pairs of `one` that `other` lacks; `scopes` are those of `other`.
pub(crate) fn lacking(
    way: Way,
    sheet: &Sheet<'_>,
    one: &Side<'_>,
    other: &Side<'_>,
    scopes: &Scopes,
) -> Map<Cell, Lack> {
    let lacked = one.present.with(&other.present, |one, other| one & !other);
    let mut fates = fates(sheet, one, &lacked, scopes);
    // Of an unknown pair some source was read, but not the one that matters.
    for cell in &other.unknown {
        if let Some(fate) = fates.get_mut(cell) {
            *fate = Fate::NotCollected;
        }
    }
    let lack = |(cell, fate): (Cell, Fate)| {
        let lack = Lack {
            way,
            account: sheet.account,
            rule: sheet.columns[cell.1 as usize],
            fate,
            resource_there: other.saw(cell.0),
        };
        (cell, lack)
    };
    fates.into_iter().map(lack).collect()
}

/// The greatest fate of each pair's sources.
fn fates(sheet: &Sheet<'_>, side: &Side<'_>, pairs: &Bits, scopes: &Scopes) -> Map<Cell, Fate> {
    let mut fates: Map<Cell, Fate> = Map::default();
    if pairs.is_empty() {
        return fates;
    }
    for (cell, result) in side.of(pairs) {
        let rule = sheet.columns[cell.1 as usize];
        let met = scopes.fate(sheet.account, result.row.source(), rule);
        let fate = fates.entry(cell).or_insert(met);
        *fate = met.max(*fate);
    }
    fates
}

/// The side that lacks pairs, asked for the cause.
#[derive(Debug)]
pub(crate) struct Witness<'a> {
    scopes: &'a Scopes,
    account_rules: Set<(Code, Code)>,
    rules: Set<Code>,
}

impl<'a> Witness<'a> {
    pub(crate) fn new(scopes: &'a Scopes, tallies: &Tallies) -> Self {
        let account_rules = tallies.account_rules();
        Self {
            scopes,
            rules: account_rules.iter().map(|(_, rule)| *rule).collect(),
            account_rules,
        }
    }

    /// The first cause that holds, in the order of the definition of "Vanished", and the same for what appeared.
    ///
    /// Where neither rule nor resource has a pair in the account on this side, the rule inventory of the pair's
    /// collected regions decides: listed as deployed without results, it is the resource; readable in all of them
    /// and listed in none, it is the rule. If one is not readable, it is the rule when no account has a pair of it.
    pub(crate) fn cause(&self, lack: &Lack) -> Cause {
        let choose = |appeared, vanished| match lack.way {
            Way::Appeared => appeared,
            Way::Vanished => vanished,
        };
        if !self.scopes.lists(lack.account) {
            return choose(Cause::AccountJoined, Cause::AccountLeft);
        }
        if lack.fate == Fate::NotCollected {
            return choose(Cause::CollectedAgain, Cause::NotCollected);
        }
        let rule_there = self.account_rules.contains(&(lack.account, lack.rule));
        let by_rule = match (rule_there, lack.resource_there) {
            (true, true) => return choose(Cause::NewlyEvaluated, Cause::NoLongerEvaluated),
            (false, true) => true,
            (true, false) => false,
            (false, false) => match lack.fate {
                Fate::NotListed => true,
                Fate::Deployed => false,
                Fate::NotKnowable | Fate::NotCollected => !self.rules.contains(&lack.rule),
            },
        };
        if by_rule {
            choose(Cause::RuleAdded, Cause::RuleRemoved)
        } else {
            choose(Cause::ResourceAdded, Cause::ResourceDeleted)
        }
    }
}

//! What appeared and what vanished between the baseline and now, and why.

use std::collections::{HashMap, HashSet};

use compliance::scorecard::{Cause, CauseCounts};
use polars::prelude::*;

use super::codes::{Code, Codes, Key};
use super::rows::{PAIR, RESOURCE, Rows, cols, numbers};
use super::scopes::{Fate, Scopes};
use super::tally::Tallies;
use crate::ScoreError;

/// Which way one looks: from the baseline to now, pairs vanish; the other way round, they appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Appeared,
    Vanished,
}

/// One side of the comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) rows: &'a Rows,
    pub(crate) scopes: &'a Scopes,
    pub(crate) tallies: &'a Tallies,
}

/// Pairs of one side that the other lacks.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Compliant and noncompliant pairs by cause.
    pub(crate) counts: HashMap<Cause, (u64, u64)>,
    /// The noncompliant ones, each with its cause.
    pub(crate) noncompliant: HashMap<Key, Cause>,
}

impl Changed {
    /// Adds to the decomposition: a pair that appears brings itself, one that vanishes takes itself away.
    pub(crate) fn add_to(&self, counts: &mut CauseCounts, way: Way) {
        let sign = match way {
            Way::Appeared => 1,
            Way::Vanished => -1,
        };
        for (cause, (compliant, noncompliant)) in &self.counts {
            let (pairs, compliant_change, pairs_change) = counts.entry(*cause).or_default();
            *pairs += compliant + noncompliant;
            *compliant_change += sign * *compliant as i64;
            *pairs_change += sign * (compliant + noncompliant) as i64;
        }
    }
}

/// The pairs of `one` that `other` lacks, with the cause `other` shows.
pub(crate) fn changed(
    way: Way,
    one: Side<'_>,
    other: Side<'_>,
    codes: &mut Codes,
) -> Result<Changed, ScoreError> {
    let failed = || ScoreError::table("comparing with the baseline");
    let frame = lacking(one, other, codes).map_err(failed())?;
    let witness = Witness {
        way,
        scopes: other.scopes,
        account_rules: other.tallies.account_rules(),
        rules: other
            .tallies
            .account_rules()
            .into_iter()
            .map(|(_, rule)| rule)
            .collect(),
    };
    let mut changed = Changed::default();
    count_causes(&frame, &witness, &mut changed).map_err(failed())?;
    list_noncompliant(&frame, &witness, codes, &mut changed).map_err(failed())?;
    Ok(changed)
}

/// One row for each pair that `other` lacks: [`PAIR`], `noncompliant`, the `fate` that its sources met there, and
/// whether the resource is `there` under another rule.
fn lacking(one: Side<'_>, other: Side<'_>, codes: &Codes) -> PolarsResult<DataFrame> {
    let rows = one.rows.all().join(
        other.rows.all(),
        cols(&PAIR),
        cols(&PAIR),
        JoinArgs::new(JoinType::Anti),
    );
    // Of an unknown pair some source was read, but not the one that matters.
    let unless_unknown = when(col("unknown").is_not_null())
        .then(lit(Fate::NotCollected as Code))
        .otherwise(col("fate"));
    let pairs = with_fates(rows, other.scopes, codes)?
        .group_by(cols(&PAIR))
        .agg([col("noncompliant").max(), col("fate").max()])
        .join(
            other.rows.unknown_pairs(),
            cols(&PAIR),
            cols(&PAIR),
            JoinArgs::new(JoinType::Left),
        )
        .with_columns([unless_unknown.alias("fate")])
        .collect()?
        .lazy();
    let seen = other.rows.seen()?;
    let looked_up = |how: JoinType, there: bool| {
        pairs
            .clone()
            .join(seen.clone(), cols(&RESOURCE), cols(&RESOURCE), JoinArgs::new(how))
            .with_columns([lit(there).alias("there")])
    };
    concat(
        [looked_up(JoinType::Semi, true), looked_up(JoinType::Anti, false)],
        UnionArgs::default(),
    )?
    .collect()
}

/// Each result with what the other side's scope says of its absence.
fn with_fates(rows: LazyFrame, scopes: &Scopes, codes: &Codes) -> PolarsResult<LazyFrame> {
    let scope = ["account", "region"];
    let collected = scopes
        .collected()
        .map(|(account, region, fate)| [account, region, fate as Code]);
    let by_scope = numbers(["account", "region", "scope_fate"], collected)?;
    let source = ["account", "region", "name"];
    let by_name = numbers(
        ["account", "region", "name", "name_fate"],
        exceptions(scopes, codes),
    )?;
    let left = || JoinArgs::new(JoinType::Left);
    let fate = when(col("name_fate").is_not_null())
        .then(col("name_fate"))
        .otherwise(col("scope_fate").fill_null(lit(Fate::NotCollected as Code)));
    Ok(rows
        .join(by_scope.lazy(), cols(&scope), cols(&scope), left())
        .join(by_name.lazy(), cols(&source), cols(&source), left())
        .with_columns([fate.alias("fate")]))
}

/// Names whose fate is not that of their scope: (account, region, name, fate), each name once.
fn exceptions(scopes: &Scopes, codes: &Codes) -> impl Iterator<Item = [Code; 4]> {
    let mut fates: HashMap<[Code; 3], Fate> = HashMap::new();
    for &(account, region, rule) in &scopes.without_results {
        for name in codes.names_of(rule) {
            fates.insert([account, region, *name], Fate::Deployed);
        }
    }
    for (account, region, name) in scopes.missing_rules() {
        fates.insert([account, region, name], Fate::NotCollected);
    }
    fates
        .into_iter()
        .map(|([account, region, name], fate)| [account, region, name, fate as Code])
}

/// The side that lacks the pairs, asked for the cause.
struct Witness<'a> {
    way: Way,
    scopes: &'a Scopes,
    account_rules: HashSet<(Code, Code)>,
    rules: HashSet<Code>,
}

impl Witness<'_> {
    /// The first cause that holds, in the order of the definition of "Vanished", and the same for what appeared.
    ///
    /// Where neither rule nor resource has a pair in the account on this side, the rule inventory of the pair's
    /// collected regions decides: listed as deployed without results, it is the resource; readable in all of them
    /// and listed in none, it is the rule. If one is not readable, it is the rule when no account has a pair of it.
    fn cause(&self, account: Code, rule: Code, fate: Fate, resource_there: bool) -> Cause {
        if !self.scopes.lists(account) {
            return self.choose(Cause::AccountJoined, Cause::AccountLeft);
        }
        if fate == Fate::NotCollected {
            return self.choose(Cause::CollectedAgain, Cause::NotCollected);
        }
        let rule_there = self.account_rules.contains(&(account, rule));
        let by_rule = match (rule_there, resource_there) {
            (true, true) => return self.choose(Cause::NewlyEvaluated, Cause::NoLongerEvaluated),
            (false, true) => true,
            (true, false) => false,
            (false, false) => match fate {
                Fate::NotListed => true,
                Fate::Deployed => false,
                Fate::NotKnowable | Fate::NotCollected => !self.rules.contains(&rule),
            },
        };
        if by_rule {
            self.choose(Cause::RuleAdded, Cause::RuleRemoved)
        } else {
            self.choose(Cause::ResourceAdded, Cause::ResourceDeleted)
        }
    }

    fn choose(&self, appeared: Cause, vanished: Cause) -> Cause {
        match self.way {
            Way::Appeared => appeared,
            Way::Vanished => vanished,
        }
    }
}

fn count_causes(frame: &DataFrame, witness: &Witness<'_>, changed: &mut Changed) -> PolarsResult<()> {
    let frame = frame
        .clone()
        .lazy()
        .group_by(cols(&["account", "rule", "fate", "there"]))
        .agg([
            len().cast(DataType::UInt64).alias("pairs"),
            col("noncompliant").cast(DataType::UInt64).sum(),
        ])
        .collect()?;
    let causes = causes(&frame, witness)?;
    let (pairs, noncompliant) = (
        frame.column("pairs")?.u64()?,
        frame.column("noncompliant")?.u64()?,
    );
    for (row, cause) in causes.into_iter().enumerate() {
        let bad = noncompliant.get(row).unwrap_or_default();
        let counts = changed.counts.entry(cause).or_default();
        counts.0 += pairs.get(row).unwrap_or_default() - bad;
        counts.1 += bad;
    }
    Ok(())
}

fn list_noncompliant(
    frame: &DataFrame,
    witness: &Witness<'_>,
    codes: &mut Codes,
    changed: &mut Changed,
) -> PolarsResult<()> {
    let frame = frame
        .clone()
        .lazy()
        .filter(col("noncompliant").eq(lit(1u32)))
        .collect()?;
    let (accounts, places) = (frame.column("account")?.u32()?, frame.column("place")?.u32()?);
    let (types, rules) = (
        frame.column("resource_type")?.u32()?,
        frame.column("rule")?.u32()?,
    );
    let ids = frame.column("resource_id")?.str()?;
    for (row, cause) in causes(&frame, witness)?.into_iter().enumerate() {
        let key = Key {
            account: accounts.get(row).unwrap_or_default(),
            place: places.get(row).unwrap_or_default(),
            resource_type: types.get(row).unwrap_or_default(),
            resource: codes.resources.code(ids.get(row).unwrap_or_default()),
            rule: rules.get(row).unwrap_or_default(),
        };
        changed.noncompliant.insert(key, cause);
    }
    Ok(())
}

/// The cause of each row.
fn causes(frame: &DataFrame, witness: &Witness<'_>) -> PolarsResult<Vec<Cause>> {
    let (accounts, rules) = (frame.column("account")?.u32()?, frame.column("rule")?.u32()?);
    let (fates, there) = (frame.column("fate")?.u32()?, frame.column("there")?.bool()?);
    let cause = |row| {
        witness.cause(
            accounts.get(row).unwrap_or_default(),
            rules.get(row).unwrap_or_default(),
            Fate::from_code(fates.get(row).unwrap_or_default()),
            there.get(row).unwrap_or_default(),
        )
    };
    Ok((0..frame.height()).map(cause).collect())
}

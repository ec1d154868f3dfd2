//! Counts of one snapshot, small enough to be summed into any grouping: pairs by account, rule and resource type, and
//! resources by account, type and which rules judge them how.

use std::collections::HashSet;

use polars::prelude::*;

use super::codes::{Code, Codes};
use super::rows::{PAIR, RESOURCE, Rows, cols};
use crate::ScoreError;

/// Pairs of one account, rule and resource type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairCount {
    pub(crate) account: Code,
    pub(crate) rule: Code,
    pub(crate) resource_type: Code,
    pub(crate) compliant: u64,
    pub(crate) noncompliant: u64,
}

/// A set of rules, a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RuleSet(Vec<u64>);

impl RuleSet {
    /// The set of these rules.
    pub(crate) fn of(rules: impl IntoIterator<Item = Code>) -> Self {
        let mut words = Vec::new();
        for rule in rules {
            let word = rule as usize / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (rule % 64);
        }
        Self(words)
    }

    /// Whether the sets share a rule.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }
}

/// Resources of one account and type that are judged alike.
#[derive(Debug, Clone)]
pub(crate) struct ResourceCount {
    pub(crate) account: Code,
    pub(crate) resource_type: Code,
    /// No pair of theirs is noncompliant.
    pub(crate) compliant: bool,
    /// Rules they have a pair with; empty unless asked for.
    pub(crate) rules: RuleSet,
    /// Rules they are noncompliant with; empty unless asked for.
    pub(crate) noncompliant_rules: RuleSet,
    pub(crate) count: u64,
}

/// The counts of one snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies {
    pub(crate) pairs: Vec<PairCount>,
    pub(crate) resources: Vec<ResourceCount>,
    /// (account, rule) of unknown pairs of which something was read; they are counted nowhere.
    unknown_rules: Vec<(Code, Code)>,
}

impl Tallies {
    /// Counts a snapshot; `by_rule` also tells resources apart by the rules that judge them.
    pub(crate) fn count(rows: &Rows, codes: &Codes, by_rule: bool) -> Result<Self, ScoreError> {
        let words = if by_rule {
            codes.rules.len().div_ceil(64)
        } else {
            0
        };
        let tally = || -> PolarsResult<Self> {
            Ok(Self {
                pairs: pair_counts(rows)?,
                resources: resource_counts(rows, codes, words)?,
                unknown_rules: rows.unknown_rules()?,
            })
        };
        tally().map_err(ScoreError::table("counting pairs and resources"))
    }

    /// Every (account, rule) with a pair, unknown pairs of which something was read included.
    pub(crate) fn account_rules(&self) -> HashSet<(Code, Code)> {
        self.pairs
            .iter()
            .map(|count| (count.account, count.rule))
            .chain(self.unknown_rules.iter().copied())
            .collect()
    }
}

fn pair_counts(rows: &Rows) -> PolarsResult<Vec<PairCount>> {
    let frame = rows
        .pairs()?
        .group_by(cols(&["account", "rule", "resource_type"]))
        .agg([
            len().cast(DataType::UInt64).alias("pairs"),
            col("noncompliant").cast(DataType::UInt64).sum(),
        ])
        .collect()?;
    let (accounts, rules) = (frame.column("account")?.u32()?, frame.column("rule")?.u32()?);
    let types = frame.column("resource_type")?.u32()?;
    let (pairs, noncompliant) = (
        frame.column("pairs")?.u64()?,
        frame.column("noncompliant")?.u64()?,
    );
    let count = |row| {
        let noncompliant = noncompliant.get(row).unwrap_or_default();
        PairCount {
            account: accounts.get(row).unwrap_or_default(),
            rule: rules.get(row).unwrap_or_default(),
            resource_type: types.get(row).unwrap_or_default(),
            compliant: pairs.get(row).unwrap_or_default() - noncompliant,
            noncompliant,
        }
    };
    Ok((0..frame.height()).map(count).collect())
}

/// Resources by which rules judge them: each rule is one bit of a word, and as a pair is there once, the sum of bits
/// is their union.
fn resource_counts(rows: &Rows, codes: &Codes, words: usize) -> PolarsResult<Vec<ResourceCount>> {
    let present: Vec<String> = (0..words).map(|word| format!("present_{word}")).collect();
    let bad: Vec<String> = (0..words).map(|word| format!("noncompliant_{word}")).collect();
    let mut sums = vec![col("noncompliant").max()];
    for (present, bad) in present.iter().zip(&bad) {
        sums.push(col(present.as_str()).sum());
        let bits = col(present.as_str()) * col("noncompliant").cast(DataType::UInt64);
        sums.push(bits.sum().alias(bad.as_str()));
    }
    let mut alike = cols(&["account", "resource_type", "noncompliant"]);
    alike.extend(present.iter().chain(&bad).map(|name| col(name.as_str())));
    let frame = rows
        .pairs()?
        .join(
            bit_table(codes, &present)?.lazy(),
            [col("rule")],
            [col("rule")],
            JoinArgs::new(JoinType::Inner),
        )
        .group_by(cols(&RESOURCE))
        .agg(sums)
        .group_by(alike)
        .agg([len().cast(DataType::UInt64).alias("count")])
        .collect()?;
    let set = |columns: &[String], row: usize| -> PolarsResult<RuleSet> {
        let words = columns
            .iter()
            .map(|name| Ok(frame.column(name)?.u64()?.get(row).unwrap_or_default()));
        words.collect::<PolarsResult<Vec<u64>>>().map(RuleSet)
    };
    let (accounts, types) = (
        frame.column("account")?.u32()?,
        frame.column("resource_type")?.u32()?,
    );
    let (noncompliant, counts) = (
        frame.column("noncompliant")?.u32()?,
        frame.column("count")?.u64()?,
    );
    let count = |row| {
        Ok(ResourceCount {
            account: accounts.get(row).unwrap_or_default(),
            resource_type: types.get(row).unwrap_or_default(),
            compliant: noncompliant.get(row) == Some(0),
            rules: set(&present, row)?,
            noncompliant_rules: set(&bad, row)?,
            count: counts.get(row).unwrap_or_default(),
        })
    };
    (0..frame.height()).map(count).collect()
}

/// Each rule with its bit in one of `words` columns.
fn bit_table(codes: &Codes, words: &[String]) -> PolarsResult<DataFrame> {
    let rules: Vec<Code> = codes.rules.iter().map(|(rule, _)| rule).collect();
    let mut columns = vec![Column::new("rule".into(), rules.clone())];
    for (word, name) in words.iter().enumerate() {
        let bit = |rule: &Code| {
            if *rule as usize / 64 == word {
                1u64 << (rule % 64)
            } else {
                0
            }
        };
        columns.push(Column::new(
            name.as_str().into(),
            rules.iter().map(bit).collect::<Vec<_>>(),
        ));
    }
    DataFrame::new(rules.len(), columns)
}

/// What counting once has merged, by the two ways of [`compliance::scorecard::Merged`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Merges {
    pub(crate) global: u64,
    pub(crate) disagreements: u64,
    /// By rule: results merged because of several names.
    pub(crate) names: Vec<(Code, u64)>,
}

impl Merges {
    /// First the results of a global resource under one name become one, over regions; then those under several
    /// names. What the first step merges is a duplicate by region, what the second merges is one by name.
    pub(crate) fn count(rows: &Rows) -> Result<Self, ScoreError> {
        merges(rows).map_err(ScoreError::table("counting merged results"))
    }
}

fn merges(rows: &Rows) -> PolarsResult<Merges> {
    let named: Vec<&str> = PAIR.into_iter().chain(["name"]).collect();
    let number = |expr: Expr, name: &str| expr.cast(DataType::UInt64).alias(name);
    let frame = rows
        .all()
        .filter(col("shared"))
        .group_by(cols(&named))
        .agg([
            number(len(), "results"),
            col("noncompliant").min().alias("least"),
            col("noncompliant").max().alias("most"),
        ])
        .group_by(cols(&PAIR))
        .agg([
            col("results").sum(),
            number(len(), "names"),
            number(col("most").max() - col("least").min(), "disagreements"),
        ])
        .group_by([col("rule")])
        .agg([
            col("results").sum(),
            col("names").sum(),
            col("disagreements").sum(),
            number(len(), "pairs"),
        ])
        .collect()?;
    let column = |name: &str| frame.column(name)?.u64();
    let (results, names) = (column("results")?, column("names")?);
    let (disagreements, pairs) = (column("disagreements")?, column("pairs")?);
    let rules = frame.column("rule")?.u32()?;
    let mut merges = Merges::default();
    for row in 0..frame.height() {
        let at = |column: &UInt64Chunked| column.get(row).unwrap_or_default();
        merges.global += at(results) - at(names);
        merges.disagreements += at(disagreements);
        if at(names) > at(pairs) {
            merges
                .names
                .push((rules.get(row).unwrap_or_default(), at(names) - at(pairs)));
        }
    }
    Ok(merges)
}

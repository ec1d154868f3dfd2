//! Counts of one snapshot, small enough to be summed into any grouping: pairs by account, rule and resource type;
//! resources by account and type; and resources by which rules judge them how.

use super::codes::{Code, Map, Set};
use super::sheet::{Cell, Sheet, Side, ones};

/// Pairs of one account, rule and resource type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairCount {
    pub(crate) account: Code,
    pub(crate) rule: Code,
    pub(crate) resource_type: Code,
    pub(crate) compliant: u64,
    pub(crate) noncompliant: u64,
}

/// Resources of one account and type; a compliant one has no noncompliant pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceCount {
    pub(crate) account: Code,
    pub(crate) resource_type: Code,
    pub(crate) compliant: u64,
    pub(crate) noncompliant: u64,
}

/// A set of codes, a bit each; equal sets have equal words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct CodeSet(Vec<u64>);

impl CodeSet {
    pub(crate) fn insert(&mut self, code: Code) {
        let word = code as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (code % 64);
    }

    /// Whether the sets share a code.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The codes, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Code> + '_ {
        let words = self.0.iter().enumerate();
        words.flat_map(|(place, word)| ones(*word).map(move |bit| place as Code * 64 + bit))
    }
}

impl FromIterator<Code> for CodeSet {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        let mut set = Self::default();
        codes.into_iter().for_each(|code| set.insert(code));
        set
    }
}

/// The counts of one snapshot, or of some accounts of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies {
    pub(crate) pairs: Vec<PairCount>,
    pub(crate) resources: Vec<ResourceCount>,
    /// Resources by the rules they have a pair with and those they are noncompliant with; only if asked for.
    pub(crate) alike: Map<(CodeSet, CodeSet), u64>,
    /// (account, rule) of unknown pairs of which something was read; they are counted nowhere.
    unknown_rules: Vec<(Code, Code)>,
}

impl Tallies {
    /// Adds an account; `by_rule` also tells resources apart by the rules that judge them.
    pub(crate) fn add(&mut self, sheet: &Sheet<'_>, side: &Side<'_>, by_rule: bool) {
        let account = sheet.account;
        let mut types: Vec<(Code, TypeCounts)> = Vec::new();
        let mut alike: Map<Vec<u64>, u64> = Map::default();
        let mut both = Vec::new();
        for (line, (resource_type, _, _)) in sheet.lines.iter().enumerate() {
            let present = side.present.line(line as u32);
            let noncompliant = side.noncompliant.line(line as u32);
            if present.iter().all(|word| *word == 0) {
                continue;
            }
            let known = types.iter().position(|(known, _)| known == resource_type);
            let place = known.unwrap_or_else(|| {
                types.push((*resource_type, TypeCounts::new(sheet.columns.len())));
                types.len() - 1
            });
            types[place].1.add(present, noncompliant);
            if by_rule {
                both.clear();
                both.extend_from_slice(present);
                both.extend_from_slice(noncompliant);
                match alike.get_mut(&both) {
                    Some(count) => *count += 1,
                    None => _ = alike.insert(both.clone(), 1),
                }
            }
        }
        for (both, count) in alike {
            let (present, noncompliant) = both.split_at(both.len() / 2);
            let sets = (rules(present, sheet), rules(noncompliant, sheet));
            *self.alike.entry(sets).or_default() += count;
        }
        for (resource_type, counts) in types {
            self.resources.push(ResourceCount {
                account,
                resource_type,
                compliant: counts.resources.0,
                noncompliant: counts.resources.1,
            });
            let pairs = counts.pairs.iter().zip(&sheet.columns);
            self.pairs
                .extend(pairs.filter(|(count, _)| **count != (0, 0)).map(
                    |((compliant, noncompliant), rule)| PairCount {
                        account,
                        rule: *rule,
                        resource_type,
                        compliant: *compliant,
                        noncompliant: *noncompliant,
                    },
                ));
        }
        let unknown = side.unknown.iter();
        self.unknown_rules
            .extend(unknown.map(|(_, column)| (account, sheet.columns[*column as usize])));
    }

    /// Adds the counts of other accounts.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.pairs.append(&mut other.pairs);
        self.resources.append(&mut other.resources);
        self.unknown_rules.append(&mut other.unknown_rules);
        for (sets, count) in other.alike {
            *self.alike.entry(sets).or_default() += count;
        }
    }

    /// Every (account, rule) with a pair, unknown pairs of which something was read included.
    pub(crate) fn account_rules(&self) -> Set<(Code, Code)> {
        self.pairs
            .iter()
            .map(|count| (count.account, count.rule))
            .chain(self.unknown_rules.iter().copied())
            .collect()
    }
}

fn rules(words: &[u64], sheet: &Sheet<'_>) -> CodeSet {
    let words = words.iter().enumerate();
    words
        .flat_map(|(place, word)| ones(*word).map(move |bit| sheet.columns[place * 64 + bit as usize]))
        .collect()
}

/// Compliant and noncompliant resources of one type, and pairs by column.
struct TypeCounts {
    resources: (u64, u64),
    pairs: Vec<(u64, u64)>,
}

impl TypeCounts {
    fn new(columns: usize) -> Self {
        Self {
            resources: (0, 0),
            pairs: vec![(0, 0); columns],
        }
    }

    fn add(&mut self, present: &[u64], noncompliant: &[u64]) {
        let mut compliant = true;
        for (place, (present, noncompliant)) in present.iter().zip(noncompliant).enumerate() {
            let noncompliant = present & noncompliant;
            compliant &= noncompliant == 0;
            for bit in ones(present & !noncompliant) {
                self.pairs[place * 64 + bit as usize].0 += 1;
            }
            for bit in ones(noncompliant) {
                self.pairs[place * 64 + bit as usize].1 += 1;
            }
        }
        match compliant {
            true => self.resources.0 += 1,
            false => self.resources.1 += 1,
        }
    }
}

/// What counting once has merged, by the two ways of [`compliance::scorecard::Merged`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Merges {
    /// Results that count.
    pub(crate) results: u64,
    pub(crate) global: u64,
    pub(crate) disagreements: u64,
    /// By rule: results merged because of several names.
    pub(crate) names: Map<Code, u64>,
}

impl Merges {
    /// First the results of a global resource under one name become one, over regions; then those under several
    /// names. What the first step merges is a duplicate by region, what the second merges is one by name.
    pub(crate) fn add(&mut self, sheet: &Sheet<'_>, side: &Side<'_>) {
        let mut repeated = sheet.bits();
        for cell in &side.repeated {
            if side.present.has(*cell) {
                repeated.set(*cell);
            }
        }
        let mut results: Vec<(Cell, Code, bool)> = side
            .of(&repeated)
            .map(|(cell, result)| (cell, result.row.name, result.row.noncompliant))
            .collect();
        results.sort_unstable();
        for of_pair in results.chunk_by(|a, b| a.0 == b.0) {
            let names = of_pair.chunk_by(|a, b| a.1 == b.1).count();
            let against = of_pair
                .iter()
                .filter(|(_, _, noncompliant)| *noncompliant)
                .count();
            self.global += (of_pair.len() - names) as u64;
            self.disagreements += u64::from(0 < against && against < of_pair.len());
            if names > 1 {
                let (_, column) = of_pair[0].0;
                let rule = sheet.columns[column as usize];
                *self.names.entry(rule).or_default() += names as u64 - 1;
            }
        }
        self.results += side.cells.len() as u64;
        if !side.unknown.is_empty() {
            let unknown: Set<&Cell> = side.unknown.iter().collect();
            self.results -= side.cells.iter().filter(|cell| unknown.contains(cell)).count() as u64;
        }
    }

    /// Adds the merges of other accounts.
    pub(crate) fn append(&mut self, other: Self) {
        self.results += other.results;
        self.global += other.global;
        self.disagreements += other.disagreements;
        for (rule, duplicates) in other.names {
            *self.names.entry(rule).or_default() += duplicates;
        }
    }
}

//! Noncompliant pairs of several results: which of them say what.

use std::cmp::Reverse;

use compliance::evaluation::{ComplianceType, PairKey};
use compliance::scorecard::{MergedPair, MergedResult};

use super::account::Before;
use super::codes::{Codes, Interner, Key};
use super::pair::Pair;
use super::people::People;
use super::scopes::Source;

/// What the noncompliant pairs of several results show. A pair that disagrees is noncompliant, so noncompliant pairs are
/// all there is to look at.
#[derive(Debug, Default)]
pub(crate) struct MergedPairs {
    disagreeing: Vec<MergedPair>,
    /// Of those that agree, the one of most results, the first of these by key.
    agreeing: Option<MergedPair>,
}

impl MergedPairs {
    /// Those of one account.
    pub(crate) fn of(
        noncompliant: &[(Key, Pair, Before)],
        codes: &Codes,
        people: &People,
        resources: &Interner,
    ) -> Self {
        let mut merged = Self::default();
        let several = noncompliant.iter().filter(|(_, pair, _)| pair.sources.len() > 1);
        for (key, pair, _) in several {
            let agrees = pair.against.len() == pair.sources.len();
            let fewer = |best: &MergedPair| pair.sources.len() < best.results.len();
            if agrees && merged.agreeing.as_ref().is_some_and(fewer) {
                continue;
            }
            let merged_pair = MergedPair {
                key: codes.pair_key(*key, resources),
                account_name: people.name(key.account),
                results: results(pair, codes),
            };
            if agrees {
                merged.consider(Some(merged_pair));
            } else {
                merged.disagreeing.push(merged_pair);
            }
        }
        merged
    }

    /// Adds those of another account.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.disagreeing.append(&mut other.disagreeing);
        self.consider(other.agreeing);
    }

    /// Every pair whose results disagree, by pair key, and the pair that shows best what merging is.
    pub(crate) fn finish(mut self) -> (Vec<MergedPair>, Option<MergedPair>) {
        self.disagreeing.sort_by(|a, b| a.key.cmp(&b.key));
        let example = self.disagreeing.iter().min_by(|a, b| telling(a).cmp(&telling(b)));
        let example = example.cloned();
        (self.disagreeing, example.or(self.agreeing))
    }

    fn consider(&mut self, agreeing: Option<MergedPair>) {
        let both = self.agreeing.take().into_iter().chain(agreeing);
        self.agreeing = both.min_by(|a, b| telling(a).cmp(&telling(b)));
    }
}

/// Orders pairs: the most results first, then by key.
fn telling(pair: &MergedPair) -> (Reverse<usize>, &PairKey) {
    (Reverse(pair.results.len()), &pair.key)
}

fn results(pair: &Pair, codes: &Codes) -> Vec<MergedResult> {
    let result = |source: &Source| {
        let (name, region) = codes.texts(*source);
        MergedResult {
            config_rule_name: name.to_owned(),
            aws_region: region.to_owned(),
            compliance_type: if pair.against.contains(source) {
                ComplianceType::NonCompliant
            } else {
                ComplianceType::Compliant
            },
        }
    };
    let mut results: Vec<MergedResult> = pair.sources.iter().map(result).collect();
    results.sort();
    results
}

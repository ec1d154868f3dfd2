//! Noncompliant pairs of several results: which of them say what.

use compliance::evaluation::ComplianceType;
use compliance::scorecard::{MergedPair, MergedResult};

use super::codes::{Code, Codes, Key};
use super::people::People;
use super::rows::Pair;
use super::scopes::Source;

/// Every pair whose results disagree, by pair key, and the pair that shows best what merging is. A pair that
/// disagrees is noncompliant, so noncompliant pairs are all there is to look at.
pub(crate) fn disagreements<'p>(
    noncompliant: impl Iterator<Item = (&'p Key, &'p Pair)> + Clone,
    codes: &Codes,
    people: &People,
) -> (Vec<MergedPair>, Option<MergedPair>) {
    let merged = noncompliant.filter(|(_, pair)| pair.sources.len() > 1);
    let mut disagreeing: Vec<MergedPair> = merged
        .clone()
        .filter(|(_, pair)| pair.against.len() < pair.sources.len())
        .map(|(key, pair)| merged_pair(*key, pair, codes, people))
        .collect();
    disagreeing.sort_by(|a, b| a.key.cmp(&b.key));
    let most = |pairs: &[MergedPair]| {
        // The last of the greatest is taken: from behind, the first by key.
        let pairs = pairs.iter().rev();
        pairs.max_by_key(|pair| pair.results.len()).cloned()
    };
    let example = most(&disagreeing).or_else(|| {
        let several = merged.clone().map(|(_, pair)| pair.sources.len()).max()?;
        let mut alike: Vec<MergedPair> = merged
            .filter(|(_, pair)| pair.sources.len() == several)
            .map(|(key, pair)| merged_pair(*key, pair, codes, people))
            .collect();
        alike.sort_by(|a, b| a.key.cmp(&b.key));
        most(&alike)
    });
    (disagreeing, example)
}

fn merged_pair(key: Key, pair: &Pair, codes: &Codes, people: &People) -> MergedPair {
    let account: Code = key.account;
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
    MergedPair {
        key: codes.pair_key(key),
        account_name: people.name(account),
        results,
    }
}

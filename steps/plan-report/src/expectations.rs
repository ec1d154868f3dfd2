//! Who is expected, and what their accounts are called.

use std::collections::{BTreeMap, BTreeSet};

use compliance::coverage::{Expectation, Gap, SourceStatus};
use compliance::organization::{Account, Aggregator};
use compliance::ports::PortError;
use compliance::settings::Settings;
use compliance::snapshot::CollectionScope;

use crate::PlanInput;

/// What is expected of a collection; every list sorted.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) expectation: Expectation,
    pub(crate) organizations_gap: Option<Gap>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) expected_accounts: Vec<String>,
    pub(crate) unexpected_accounts: Vec<String>,
    pub(crate) expected_regions: Vec<String>,
    pub(crate) regions_skipped: Vec<String>,
}

/// Decides expectations. Accounts: those of the scope asked for, else those of the settings, else the aggregator's own list unless it aggregates an
/// organization, else those of Organizations, else those that returned sources. Names are Organizations' all the same.
/// Regions: those of the scope, else those of the settings, else the aggregator's, else those returned.
pub(crate) fn expect(
    input: &PlanInput,
    aggregator: &Aggregator,
    sources: &[SourceStatus],
    directory: Result<Vec<Account>, PortError>,
) -> Expected {
    let (settings, scope) = (&input.settings, input.origin.scope.clone().unwrap_or_default());
    let (directory, organizations_gap) = match directory {
        Ok(accounts) => (accounts, None),
        Err(error) => (Vec::new(), Some(error.gap())),
    };
    let returned: BTreeSet<&str> = sources.iter().map(|source| source.account_id.as_str()).collect();
    let (expectation, expected) = expected_accounts(settings, &scope, aggregator, &returned, &directory);
    let unexpected = returned
        .iter()
        .filter(|account_id| !expected.contains(**account_id))
        .map(|account_id| (*account_id).to_owned())
        .collect();
    let accounts = named(settings, directory, &returned, &expected);
    let (expected_regions, regions_skipped) = regions(settings, &scope, aggregator, sources);
    Expected {
        expectation,
        organizations_gap,
        accounts,
        expected_accounts: expected.into_iter().collect(),
        unexpected_accounts: unexpected,
        expected_regions,
        regions_skipped,
    }
}

fn expected_accounts(
    settings: &Settings,
    scope: &CollectionScope,
    aggregator: &Aggregator,
    returned: &BTreeSet<&str>,
    directory: &[Account],
) -> (Expectation, BTreeSet<String>) {
    let set = &settings.collection.expected_accounts;
    if !scope.accounts.is_empty() {
        return (Expectation::Settings, scope.accounts.iter().cloned().collect());
    }
    if !set.is_empty() {
        return (Expectation::Settings, set.iter().cloned().collect());
    }
    // An aggregator of accounts never sees the rest of the organization: who is not on its list is not missing.
    if !aggregator.organization && !aggregator.account_ids.is_empty() {
        return (
            Expectation::Aggregator,
            aggregator.account_ids.iter().cloned().collect(),
        );
    }
    if !directory.is_empty() {
        let ids = directory.iter().map(|account| account.account_id.clone());
        return (Expectation::Organizations, ids.collect());
    }
    let ids = returned.iter().map(|account_id| (*account_id).to_owned());
    (Expectation::SourcesOnly, ids.collect())
}

/// Every account expected, returned or named in the settings; the settings' word comes before that of Organizations.
fn named(
    settings: &Settings,
    directory: Vec<Account>,
    returned: &BTreeSet<&str>,
    expected: &BTreeSet<String>,
) -> Vec<Account> {
    let mut known: BTreeMap<String, Account> = directory
        .into_iter()
        .map(|account| (account.account_id.clone(), account))
        .collect();
    let ids: BTreeSet<&str> = returned
        .iter()
        .copied()
        .chain(expected.iter().map(String::as_str))
        .chain(settings.accounts.keys().map(String::as_str))
        .collect();
    ids.into_iter()
        .map(|account_id| {
            let found = known.remove(account_id);
            let (name, unit) = found.map_or((None, None), |account| {
                (account.name, account.organizational_unit)
            });
            let set = settings.accounts.get(account_id);
            Account {
                account_id: account_id.to_owned(),
                name: set.and_then(|set| set.name.clone()).or(name),
                organizational_unit: set.and_then(|set| set.organizational_unit.clone()).or(unit),
            }
        })
        .collect()
}

fn regions(
    settings: &Settings,
    scope: &CollectionScope,
    aggregator: &Aggregator,
    sources: &[SourceStatus],
) -> (Vec<String>, Vec<String>) {
    let returned: BTreeSet<String> = sources.iter().map(|source| source.aws_region.clone()).collect();
    let set = &settings.collection.expected_regions;
    let expected: BTreeSet<String> = if !scope.regions.is_empty() {
        scope.regions.iter().cloned().collect()
    } else if !set.is_empty() {
        set.iter().cloned().collect()
    } else if !aggregator.regions.is_empty() {
        aggregator.regions.iter().cloned().collect()
    } else {
        returned.clone()
    };
    let skipped = expected.difference(&returned).cloned().collect();
    (expected.into_iter().collect(), skipped)
}

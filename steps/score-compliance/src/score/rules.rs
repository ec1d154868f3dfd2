//! How rules are deployed: under which names, by which packs, and where without results.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use compliance::coverage::{Inventory, ScopeCoverage};
use compliance::rule_name::Deployment;
use compliance::snapshot::SnapshotContext;

use super::codes::{Code, Codes};
use super::history::Compared;

/// The names each rule has results under, sorted.
pub(crate) fn names_by_rule(current: &Compared, codes: &Codes) -> HashMap<Code, Vec<String>> {
    let mut names: HashMap<Code, Vec<String>> = HashMap::new();
    for name in current.names.iter() {
        let of_rule = names.entry(codes.rule(name)).or_default();
        of_rule.push(codes.names.text(name).to_owned());
    }
    names.values_mut().for_each(|names| names.sort());
    names
}

/// The conformance packs behind these names: by name where a pack of that id is known, else by id.
pub(crate) fn packs(config_rule_names: &[String], context: &SnapshotContext, codes: &Codes) -> Vec<String> {
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for pack in &context.conformance_packs {
        known.entry(&pack.id).or_default().insert(&pack.name);
    }
    let mut packs = BTreeSet::new();
    for name in config_rule_names {
        if let Deployment::ConformancePack { pack_id } = codes.catalogue().resolve(name).deployment {
            match known.get(pack_id.as_str()) {
                Some(names) => packs.extend(names.iter().map(|name| (*name).to_owned())),
                None => _ = packs.insert(pack_id),
            }
        }
    }
    packs.into_iter().collect()
}

/// By rule, the collected scopes where it is deployed and has no results under any name; `None` when the inventory
/// of a collected scope is not knowable, or no scope was collected.
pub(crate) fn scopes_without_results(current: &Compared) -> Option<HashMap<Code, u64>> {
    if !inventory_known(&current.context.coverage.scopes) {
        return None;
    }
    let mut scopes: HashMap<Code, u64> = HashMap::new();
    let deployed = current.scopes.without_results.iter();
    for (_, _, rule) in deployed.filter(|deployed| !current.with_results.contains(*deployed)) {
        *scopes.entry(*rule).or_default() += 1;
    }
    Some(scopes)
}

/// Whether every collected scope of these has a readable rule inventory, and there is one.
pub(crate) fn inventory_known<'a>(scopes: impl IntoIterator<Item = &'a ScopeCoverage>) -> bool {
    let mut collected = scopes.into_iter().filter(|scope| scope.collected()).peekable();
    collected.peek().is_some() && collected.all(|scope| matches!(scope.inventory, Inventory::Known { .. }))
}

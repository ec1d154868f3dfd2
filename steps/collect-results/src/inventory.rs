//! Which rules are deployed, where the member accounts may be asked.

use std::collections::BTreeMap;

use compliance::collection::Shard;
use compliance::coverage::Gap;
use compliance::organization::ConformancePack;
use compliance::ports::{PortError, RuleInventory};
use futures_util::stream::{self, StreamExt};

use crate::decide::{self, Scope};

/// The rules deployed in a scope, or why they are not known.
pub(crate) type Deployed = Result<Vec<String>, Gap>;

/// What the rule inventory gave.
#[derive(Debug, Default)]
pub(crate) struct Inventories {
    /// Names by scope, sorted; a scope that was not asked is absent.
    pub(crate) deployed: BTreeMap<Scope, Deployed>,
    pub(crate) packs: Vec<ConformancePack>,
}

/// Asks every scope whose source counts, when a role is set. A scope that cannot be read is not knowable, whatever
/// the reason: no result depends on it.
pub(crate) async fn read(
    shard: &Shard,
    concurrency: usize,
    inventory: &impl RuleInventory,
) -> Result<Inventories, PortError> {
    let mut read = Inventories::default();
    if !shard.rule_inventory {
        return Ok(read);
    }
    let scopes = decide::readable(shard);
    let mut answers = stream::iter(scopes)
        .map(|scope| scope_inventory(scope, inventory))
        .buffer_unordered(concurrency);
    while let Some((scope, deployed, packs)) = answers.next().await {
        read.deployed.insert(scope, deployed);
        read.packs.extend(packs);
    }
    read.packs.sort();
    read.packs.dedup();
    Ok(read)
}

async fn scope_inventory(
    scope: Scope,
    inventory: &impl RuleInventory,
) -> (Scope, Deployed, Vec<ConformancePack>) {
    let (account_id, aws_region) = (scope.0.as_str(), scope.1.as_str());
    match inventory.deployed_rules(account_id, aws_region).await {
        Err(error) => (scope, Err(error.gap()), Vec::new()),
        Ok(rules) => {
            // Packs only name rules; without them rules keep the id in their names.
            let packs = inventory
                .conformance_packs(account_id, aws_region)
                .await
                .unwrap_or_default();
            let mut names: Vec<String> = rules.into_iter().map(|rule| rule.config_rule_name).collect();
            names.sort();
            names.dedup();
            (scope, Ok(names), packs)
        }
    }
}

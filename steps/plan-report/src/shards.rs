//! Shards of work: whole accounts in ascending order.

use std::collections::{BTreeMap, BTreeSet};

use compliance::collection::{PlannedScope, Shard};
use compliance::evaluation::{ComplianceType, RuleCompliance};
use compliance::hash::{canonical_json, sha256_hex};
use compliance::ports::ObjectStore;
use compliance::snapshot::{ObjectRef, work_folder};

use crate::{KnownAnnotationsFile, StepError};

/// What all shards of a plan share.
pub(crate) struct Common<'a> {
    pub(crate) snapshot_id: &'a str,
    pub(crate) aggregator: &'a str,
    pub(crate) resource_compliance: bool,
    pub(crate) rule_inventory: bool,
    pub(crate) accounts_per_shard: u32,
    /// Calls that a shard may take; one account may take more.
    pub(crate) calls_per_shard: u64,
    pub(crate) known_annotations: &'a [KnownAnnotationsFile],
}

/// Splits sorted scopes and rules by account. Rules of scopes that are not planned are left out.
pub(crate) fn make(common: &Common<'_>, scopes: Vec<PlannedScope>, rules: Vec<RuleCompliance>) -> Vec<Shard> {
    let mut rules_of: BTreeMap<String, Vec<RuleCompliance>> = BTreeMap::new();
    for rule in rules {
        rules_of.entry(rule.account_id.clone()).or_default().push(rule);
    }
    let mut accounts: BTreeMap<String, Vec<PlannedScope>> = BTreeMap::new();
    for scope in scopes {
        accounts
            .entry(scope.source.account_id.clone())
            .or_default()
            .push(scope);
    }
    let accounts: Vec<_> = accounts.into_iter().collect();
    (0_u32..)
        .zip(cut(common, &accounts, &rules_of))
        .map(|(index, accounts)| shard(common, index, accounts, &mut rules_of))
        .collect()
}

type AccountScopes = (String, Vec<PlannedScope>);

/// Accounts in shards of bounded number and bounded calls.
fn cut<'a>(
    common: &Common<'_>,
    accounts: &'a [AccountScopes],
    rules_of: &BTreeMap<String, Vec<RuleCompliance>>,
) -> Vec<&'a [AccountScopes]> {
    let most = common.accounts_per_shard.max(1) as usize;
    let mut shards = Vec::new();
    let (mut begin, mut calls) = (0, 0);
    for (index, (account_id, scopes)) in accounts.iter().enumerate() {
        let rules = rules_of.get(account_id).map_or(&[][..], Vec::as_slice);
        let more = calls_of(common, scopes, rules);
        let is_full = index - begin == most || calls + more > common.calls_per_shard;
        if is_full && index > begin {
            shards.push(&accounts[begin..index]);
            (begin, calls) = (index, 0);
        }
        calls += more;
    }
    if begin < accounts.len() {
        shards.push(&accounts[begin..]);
    }
    shards
}

/// About how many calls an account takes, by what is known before it is asked: one for the details of each triple
/// that needs them, and in each scope a page of the query and the inventory, whose pages hold 25 rules.
fn calls_of(common: &Common<'_>, scopes: &[PlannedScope], rules: &[RuleCompliance]) -> u64 {
    let needs_details = |rule: &&RuleCompliance| {
        !common.resource_compliance || rule.compliance_type == ComplianceType::NonCompliant
    };
    let details = rules.iter().filter(needs_details).count();
    let query = if common.resource_compliance {
        scopes.len()
    } else {
        0
    };
    let inventory = if common.rule_inventory {
        2 * scopes.len() + rules.len() / 25
    } else {
        0
    };
    (details + query + inventory) as u64
}

fn shard(
    common: &Common<'_>,
    index: u32,
    accounts: &[AccountScopes],
    rules_of: &mut BTreeMap<String, Vec<RuleCompliance>>,
) -> Shard {
    let mut rules_with_results = Vec::new();
    for (account_id, scopes) in accounts {
        let regions: BTreeSet<&str> = scopes
            .iter()
            .map(|scope| scope.source.aws_region.as_str())
            .collect();
        let rules = rules_of.remove(account_id).unwrap_or_default();
        rules_with_results.extend(
            rules
                .into_iter()
                .filter(|rule| regions.contains(rule.aws_region.as_str())),
        );
    }
    Shard {
        index,
        snapshot_id: common.snapshot_id.to_owned(),
        aggregator: common.aggregator.to_owned(),
        resource_compliance: common.resource_compliance,
        rule_inventory: common.rule_inventory,
        scopes: accounts.iter().flat_map(|(_, scopes)| scopes.clone()).collect(),
        rules_with_results,
        known_annotations: overlapping(common.known_annotations, accounts),
    }
}

fn overlapping(files: &[KnownAnnotationsFile], accounts: &[(String, Vec<PlannedScope>)]) -> Vec<ObjectRef> {
    let (Some((first, _)), Some((last, _))) = (accounts.first(), accounts.last()) else {
        return Vec::new();
    };
    let mut found: Vec<ObjectRef> = files
        .iter()
        .filter(|file| match &file.accounts {
            Some((from, to)) => from <= last && first <= to,
            None => true,
        })
        .map(|file| file.object.clone())
        .collect();
    found.sort();
    found
}

/// Stores a shard by its content, so that two attempts at planning cannot mix: whichever plan is committed names
/// its own shards.
pub(crate) async fn store(shard: &Shard, store: &impl ObjectStore) -> Result<ObjectRef, StepError> {
    let bytes = canonical_json(shard).map_err(|error| StepError::Encode("a shard", error))?;
    let sha256 = sha256_hex(&bytes);
    let key = format!(
        "{}shards/{:04}-{}.json",
        work_folder(&shard.snapshot_id),
        shard.index,
        &sha256[..12]
    );
    // If it existed, it is this very content: the name says so.
    store.put_new(&key, &bytes).await?;
    Ok(ObjectRef { key, sha256 })
}

//! What a snapshot knows of its scopes, in codes: which results count, and whether an absent pair says anything.

use compliance::coverage::{Coverage, Inventory};

use super::codes::{Code, Codes, Map, Set};

/// What one snapshot can say of a result of another that it lacks. In order: of several sources of a pair, the
/// greatest tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    /// Nothing: the scope was not collected, or the rule there could not be read.
    NotCollected,
    /// Its scope was collected, and the rule inventory there does not list the rule as one without results.
    NotListed,
    /// Its scope was collected; the inventory is not knowable.
    NotKnowable,
    /// Its scope was collected, and the rule is deployed there without results.
    Deployed,
}

/// Where a result comes from: the region it was reported in and the name its rule is deployed under.
pub(crate) type Source = (Code, Code);

/// The scopes of one snapshot.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// Accounts that have a scope, collected or not.
    listed: Set<Code>,
    /// Scopes collected, each with what an absent result there means.
    collected: Map<(Code, Code), Fate>,
    /// (account, region, name) that could not be read in a collected scope.
    missing_rules: Set<(Code, Code, Code)>,
    /// (account, region, rule) deployed in a collected scope under a name without results.
    pub(crate) without_results: Set<(Code, Code, Code)>,
    /// Scopes listed and not collected.
    pub(crate) missing: u64,
}

impl Scopes {
    pub(crate) fn new(coverage: &Coverage, codes: &mut Codes) -> Self {
        let mut scopes = Self::default();
        for scope in &coverage.scopes {
            let account = codes.accounts.code(&scope.source.account_id);
            let region = codes.regions.code(&scope.source.aws_region);
            scopes.listed.insert(account);
            if !scope.collected() {
                scopes.missing += 1;
                continue;
            }
            let fate = match &scope.inventory {
                Inventory::Known { without_results, .. } => {
                    for name in without_results {
                        let name = codes.name(name);
                        let rule = codes.rule(name);
                        scopes.without_results.insert((account, region, rule));
                    }
                    Fate::NotListed
                }
                Inventory::NotKnowable(_) => Fate::NotKnowable,
            };
            scopes.collected.insert((account, region), fate);
            for missing in &scope.missing_rules {
                let name = codes.name(&missing.config_rule_name);
                scopes.missing_rules.insert((account, region, name));
            }
        }
        scopes
    }

    /// The account has a scope, collected or not.
    pub(crate) fn lists(&self, account: Code) -> bool {
        self.listed.contains(&account)
    }

    /// What this snapshot can say of a result that it lacks.
    pub(crate) fn fate(&self, account: Code, (region, name): Source, rule: Code) -> Fate {
        if self.missing_rules.contains(&(account, region, name)) {
            Fate::NotCollected
        } else if self.without_results.contains(&(account, region, rule)) {
            Fate::Deployed
        } else {
            let collected = self.collected.get(&(account, region));
            collected.copied().unwrap_or(Fate::NotCollected)
        }
    }

    /// Whether results of this name in this scope were read, so that an absent one is truly absent.
    pub(crate) fn read(&self, account: Code, (region, name): Source) -> bool {
        self.collected.contains_key(&(account, region))
            && !self.missing_rules.contains(&(account, region, name))
    }

    /// Nothing is known here of a pair with these sources: its account has scopes, and none of its sources was read.
    /// A scope that is not listed any more, of an account that is, was not collected.
    pub(crate) fn unknown(&self, account: Code, sources: &[Source]) -> bool {
        self.lists(account) && !sources.iter().any(|source| self.read(account, *source))
    }
}

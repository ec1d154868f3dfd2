//! Short codes for the long texts of pair keys, so that tables join and count on integers.
//!
//! Codes are given in the order texts are met: they compare for equality only, and nothing that is shown is ordered
//! by them.

use std::sync::Arc;

use compliance::catalogue::Catalogue;
use compliance::evaluation::{GLOBAL, PairKey, is_global};
use polars::prelude::{PlHashMap, PlHashSet};

/// A map for millions of small keys, which meet no adversary that sees its order.
pub(crate) type Map<K, V> = PlHashMap<K, V>;
/// A set, like [`Map`].
pub(crate) type Set<T> = PlHashSet<T>;

/// A text's code within its [`Interner`].
pub(crate) type Code = u32;

/// Texts by code and codes by text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interner {
    texts: Vec<Arc<str>>,
    codes: Map<Arc<str>, Code>,
}

impl Interner {
    /// The text's code, given now if it has none.
    pub(crate) fn code(&mut self, text: &str) -> Code {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        // More than 2^32 distinct texts do not fit in memory.
        let code = self.texts.len() as Code;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.codes.insert(text, code);
        code
    }

    /// The text's code, if it has one.
    pub(crate) fn find(&self, text: &str) -> Option<Code> {
        self.codes.get(text).copied()
    }

    /// The text of a code this interner gave.
    pub(crate) fn text(&self, code: Code) -> &str {
        &self.texts[code as usize]
    }

    /// How many codes there are; they run from 0.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Every code and text, in the order given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Code, &str)> {
        self.texts
            .iter()
            .enumerate()
            .map(|(code, text)| (code as Code, &**text))
    }
}

/// A pair key in codes; `place` is the region, or that of [`GLOBAL`]. The code of the resource's id is its account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) account: Code,
    pub(crate) place: Code,
    pub(crate) resource_type: Code,
    pub(crate) resource: Code,
    pub(crate) rule: Code,
}

/// The codes of one run, over all its snapshots; ids of resources are coded by account.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    pub(crate) accounts: Interner,
    pub(crate) regions: Interner,
    pub(crate) names: Interner,
    pub(crate) rules: Interner,
    pub(crate) resource_types: Interner,
    /// The code of [`GLOBAL`].
    pub(crate) global: Code,
    rule_of_name: Vec<Code>,
    global_types: Vec<bool>,
    catalogue: Arc<Catalogue>,
}

impl Codes {
    pub(crate) fn new(catalogue: Catalogue) -> Self {
        let mut regions = Interner::default();
        let global = regions.code(GLOBAL);
        Self {
            accounts: Interner::default(),
            regions,
            names: Interner::default(),
            rules: Interner::default(),
            resource_types: Interner::default(),
            global,
            rule_of_name: Vec::new(),
            global_types: Vec::new(),
            catalogue: Arc::new(catalogue),
        }
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The code of a deployed name; its rule is resolved the first time it is met.
    pub(crate) fn name(&mut self, config_rule_name: &str) -> Code {
        if let Some(code) = self.names.find(config_rule_name) {
            return code;
        }
        let code = self.names.code(config_rule_name);
        let rule = self.rules.code(&self.catalogue.resolve(config_rule_name).rule);
        self.rule_of_name.push(rule);
        code
    }

    /// The rule behind a deployed name.
    pub(crate) fn rule(&self, name: Code) -> Code {
        self.rule_of_name[name as usize]
    }

    /// The code of a resource type.
    pub(crate) fn resource_type(&mut self, resource_type: &str) -> Code {
        let code = self.resource_types.code(resource_type);
        if code as usize == self.global_types.len() {
            self.global_types.push(is_global(resource_type));
        }
        code
    }

    /// Where a resource of this type counts: its region, or the whole account.
    pub(crate) fn place(&self, resource_type: Code, region: Code) -> Code {
        match self.global_types[resource_type as usize] {
            true => self.global,
            false => region,
        }
    }

    /// The name and region of a source, as texts.
    pub(crate) fn texts(&self, (region, name): (Code, Code)) -> (&str, &str) {
        (self.names.text(name), self.regions.text(region))
    }

    /// The key in full; `resources` are its account's.
    pub(crate) fn pair_key(&self, key: Key, resources: &Interner) -> PairKey {
        PairKey {
            account_id: self.accounts.text(key.account).to_owned(),
            aws_region: self.regions.text(key.place).to_owned(),
            resource_type: self.resource_types.text(key.resource_type).to_owned(),
            resource_id: resources.text(key.resource).to_owned(),
            rule: self.rules.text(key.rule).to_owned(),
        }
    }
}

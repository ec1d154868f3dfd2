//! Short codes for the long texts of pair keys, so that tables join and count on integers.
//!
//! Codes are given in the order texts are met: they compare for equality only, and nothing that is shown is ordered
//! by them.

use std::collections::HashMap;

use compliance::catalogue::Catalogue;
use compliance::evaluation::{GLOBAL, PairKey, is_global};

/// A text's code within its [`Interner`].
pub(crate) type Code = u32;

/// Texts by code and codes by text.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: Vec<String>,
    codes: HashMap<String, Code>,
}

impl Interner {
    /// The text's code, given now if it has none.
    pub(crate) fn code(&mut self, text: &str) -> Code {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        // More than 2^32 distinct texts do not fit in memory.
        let code = self.texts.len() as Code;
        self.texts.push(text.to_owned());
        self.codes.insert(text.to_owned(), code);
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
            .map(|(code, text)| (code as Code, text.as_str()))
    }
}

/// A pair key in codes; `place` is the region, or that of [`GLOBAL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) account: Code,
    pub(crate) place: Code,
    pub(crate) resource_type: Code,
    pub(crate) resource: Code,
    pub(crate) rule: Code,
}

/// A deployed rule name, resolved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    pub(crate) rule: Code,
    /// The rule is known under another name too, so its results may have to be merged.
    pub(crate) shared: bool,
}

/// The codes of one run, over all its snapshots.
#[derive(Debug)]
pub(crate) struct Codes {
    pub(crate) accounts: Interner,
    pub(crate) regions: Interner,
    pub(crate) names: Interner,
    pub(crate) rules: Interner,
    pub(crate) resource_types: Interner,
    pub(crate) resources: Interner,
    /// The code of [`GLOBAL`].
    pub(crate) global: Code,
    rule_of_name: Vec<Code>,
    names_of_rule: Vec<Vec<Code>>,
    catalogue: Catalogue,
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
            resources: Interner::default(),
            global,
            rule_of_name: Vec::new(),
            names_of_rule: Vec::new(),
            catalogue,
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
        self.names_of_rule.resize_with(self.rules.len(), Vec::new);
        self.names_of_rule[rule as usize].push(code);
        code
    }

    /// The rule behind a deployed name.
    pub(crate) fn rule(&self, name: Code) -> Name {
        let rule = self.rule_of_name[name as usize];
        let shared = self.names_of_rule[rule as usize].len() > 1;
        Name { rule, shared }
    }

    /// Every name of a rule met so far.
    pub(crate) fn names_of(&self, rule: Code) -> &[Code] {
        &self.names_of_rule[rule as usize]
    }

    /// Whether this resource type exists once per account.
    pub(crate) fn is_global(&self, resource_type: Code) -> bool {
        is_global(self.resource_types.text(resource_type))
    }

    /// The name and region of a source, as texts.
    pub(crate) fn texts(&self, (region, name): (Code, Code)) -> (&str, &str) {
        (self.names.text(name), self.regions.text(region))
    }

    /// The key in full.
    pub(crate) fn pair_key(&self, key: Key) -> PairKey {
        PairKey {
            account_id: self.accounts.text(key.account).to_owned(),
            aws_region: self.regions.text(key.place).to_owned(),
            resource_type: self.resource_types.text(key.resource_type).to_owned(),
            resource_id: self.resources.text(key.resource).to_owned(),
            rule: self.rules.text(key.rule).to_owned(),
        }
    }
}

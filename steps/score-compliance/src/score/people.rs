//! Names and places of accounts: the settings first, then the present snapshot, then the baseline's, for accounts
//! that are gone. An account's place is its present one, also for what it was at the baseline, so that moving an
//! account between organizational units moves its past with it.

use std::collections::HashMap;

use compliance::settings::Settings;
use compliance::snapshot::SnapshotContext;

use super::codes::{Code, Codes};

/// Names and organizational units by account.
#[derive(Debug, Default)]
pub(crate) struct People {
    names: HashMap<Code, String>,
    units: HashMap<Code, String>,
}

impl People {
    pub(crate) fn new<'a>(
        settings: &Settings,
        contexts: impl IntoIterator<Item = &'a SnapshotContext>,
        codes: &mut Codes,
    ) -> Self {
        let mut people = Self::default();
        for (account_id, account) in &settings.accounts {
            let code = codes.accounts.code(account_id);
            people.learn(code, account.name.as_ref(), account.organizational_unit.as_ref());
        }
        for account in contexts.into_iter().flat_map(|context| &context.accounts) {
            let code = codes.accounts.code(&account.account_id);
            people.learn(code, account.name.as_ref(), account.organizational_unit.as_ref());
        }
        people
    }

    /// What is known already stays.
    fn learn(&mut self, account: Code, name: Option<&String>, unit: Option<&String>) {
        if let Some(name) = name {
            self.names.entry(account).or_insert_with(|| name.clone());
        }
        if let Some(unit) = unit {
            self.units.entry(account).or_insert_with(|| unit.clone());
        }
    }

    pub(crate) fn name(&self, account: Code) -> Option<String> {
        self.names.get(&account).cloned()
    }

    pub(crate) fn unit(&self, account: Code) -> Option<String> {
        self.units.get(&account).cloned()
    }

    pub(crate) fn units(&self) -> HashMap<Code, String> {
        self.units.clone()
    }
}

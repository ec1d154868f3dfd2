//! Names and organizational units of accounts.

use std::collections::BTreeMap;

use compliance::Timestamp;
use compliance::objects::{self, MANIFEST};
use compliance::organization::Account;
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, SNAPSHOTS, SnapshotManifest};
use compliance::snapshots::{CONTEXT, parse_manifest, unreferenced};
use compliance::text;
use jiff::SignedDuration;
use serde::Deserialize;

/// Days that the newest snapshot is looked for: older names are of little use.
const DAYS: i64 = 14;

/// What is known of accounts beside their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<String, Account>);

impl Accounts {
    /// Those of a snapshot, and what the settings say otherwise.
    pub fn new(collected: &[Account], settings: &Settings) -> Self {
        let of_snapshot = collected
            .iter()
            .map(|account| (account.account_id.clone(), account.clone()));
        let mut accounts: BTreeMap<String, Account> = of_snapshot.collect();
        for (id, said) in &settings.accounts {
            let account = accounts.entry(id.clone()).or_insert_with(|| Account {
                account_id: id.clone(),
                name: None,
                organizational_unit: None,
            });
            account.name = said.name.clone().or(account.name.take());
            let unit = account.organizational_unit.take();
            account.organizational_unit = said.organizational_unit.clone().or(unit);
        }
        Self(accounts)
    }

    /// What is known of one.
    pub fn get(&self, account_id: &str) -> Option<&Account> {
        self.0.get(account_id)
    }
}

/// What is read of a snapshot's context: most of it is coverage.
#[derive(Deserialize)]
struct Context {
    accounts: Vec<Account>,
}

/// The accounts of the newest snapshot of a whole organization; none when there is no such snapshot of late. One of a part
/// of it knows too few.
///
/// # Errors
/// The store's own; `Store.Damaged` when the snapshot is.
pub(crate) async fn collected(store: &impl ObjectStore, now: Timestamp) -> Result<Vec<Account>, PortError> {
    for days in 0..DAYS {
        let Ok(day) = now.checked_sub(SignedDuration::from_hours(24 * days)) else {
            break;
        };
        let prefix = format!("{SNAPSHOTS}date={}/", text::day(day));
        let mut manifests = store.list(&prefix).await?;
        manifests.retain(|key| key.rsplit('/').next() == Some(MANIFEST));
        // Within a day keys are in the order of time.
        for key in manifests.into_iter().rev() {
            if let Some(accounts) = of_manifest(store, key).await? {
                return Ok(accounts);
            }
        }
    }
    Ok(Vec::new())
}

async fn of_manifest(store: &impl ObjectStore, key: String) -> Result<Option<Vec<Account>>, PortError> {
    let (reference, bytes) = unreferenced(key, store).await?;
    let manifest = parse_manifest(&reference.key, &bytes)?;
    if manifest.origin.scope.is_some() {
        return Ok(None);
    }
    let context = context(&reference.key, &manifest)?;
    let context: Context = objects::read_json(store, &context).await?;
    Ok(Some(context.accounts))
}

fn context(manifest_key: &str, manifest: &SnapshotManifest) -> Result<ObjectRef, PortError> {
    let file = manifest.files.iter().find(|file| file.path == CONTEXT);
    let file = file.ok_or_else(|| {
        let message = format!("{manifest_key} names no {CONTEXT}, so the snapshot is damaged; collect again");
        PortError::new("Store", PortErrorKind::Damaged, message)
    })?;
    Ok(ObjectRef {
        key: manifest_key.replace(MANIFEST, CONTEXT),
        sha256: file.sha256.clone(),
    })
}

//! What a warm function keeps between batches: settings, catalogue and accounts, each for a while.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use compliance::catalogue::Catalogue;
use compliance::failure::TaskError;
use compliance::organization::Account;
use compliance::ports::{Clock, ObjectStore, PortError};
use compliance::settings::Settings;

use crate::accounts::{self, Accounts};

/// A change of the settings is seen after so long at most.
const SETTINGS_AGE: Duration = Duration::from_secs(60);
/// Names of accounts change seldom.
const ACCOUNTS_AGE: Duration = Duration::from_secs(900);
/// After a failure it is read again so soon.
const RETRY_AGE: Duration = Duration::from_secs(60);

/// What events are judged by.
#[derive(Debug)]
pub struct Setup {
    /// What is alerted, and who is told.
    pub settings: Settings,
    /// How severe rules are.
    pub catalogue: Catalogue,
    /// Names and organizational units.
    pub accounts: Accounts,
}

impl Setup {
    /// By settings, and the accounts that a snapshot knows.
    ///
    /// # Errors
    /// `Record.BadSettings` when they override a rule that cannot be meant.
    pub fn new(settings: Settings, collected: &[Account]) -> Result<Self, TaskError> {
        let catalogue = Catalogue::new(&settings).map_err(|error| bad_settings(&error.to_string()))?;
        Ok(Self {
            accounts: Accounts::new(collected, &settings),
            catalogue,
            settings,
        })
    }
}

/// What a warm function keeps.
#[derive(Debug, Default)]
pub struct Warm {
    document: Kept<Option<Vec<u8>>>,
    accounts: Kept<Vec<Account>>,
    setup: Mutex<Option<Made>>,
}

/// A setup and what it was made of.
#[derive(Debug)]
struct Made {
    document: Arc<Option<Vec<u8>>>,
    accounts: Arc<Vec<Account>>,
    setup: Arc<Setup>,
}

impl Warm {
    /// Settings and accounts as they are now or were a while ago. What cannot be read anew, or has become bad, stays as
    /// it was; the second value are the codes of that. `settings_key` lies in `bucket`, snapshots in `reports`.
    ///
    /// # Errors
    /// `Record.BadSettings`, or the store's own, when there are no settings from before either. Without accounts it goes.
    pub async fn setup(
        &self,
        bucket: &impl ObjectStore,
        reports: &impl ObjectStore,
        settings_key: &str,
        clock: &impl Clock,
    ) -> Result<(Arc<Setup>, Vec<String>), TaskError> {
        let now = clock.monotonic();
        let mut stale = Vec::new();
        let read = async { bucket.get(settings_key).await };
        let (document, failed) = self.document.get(now, SETTINGS_AGE, read).await;
        stale.extend(failed.as_ref().map(PortError::code));
        let document = match (document, failed) {
            (Some(document), _) => document,
            (None, Some(error)) => return Err(error.into()),
            (None, None) => Arc::new(None),
        };
        let collected = accounts::collected(reports, clock.now());
        let (accounts, failed) = self.accounts.get(now, ACCOUNTS_AGE, collected).await;
        stale.extend(failed.as_ref().map(PortError::code));
        let accounts = accounts.unwrap_or_else(|| {
            let none = Arc::default();
            self.accounts.keep(now + RETRY_AGE, &none);
            none
        });
        let (setup, bad) = self.made(document, accounts)?;
        stale.extend(bad);
        Ok((setup, stale))
    }

    /// The setup of these, made once.
    fn made(
        &self,
        document: Arc<Option<Vec<u8>>>,
        accounts: Arc<Vec<Account>>,
    ) -> Result<(Arc<Setup>, Option<String>), TaskError> {
        // One assignment, so a panic elsewhere leaves it whole.
        let mut kept = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = kept.as_ref()
            && (&made.document, &made.accounts) == (&document, &accounts)
        {
            return Ok((Arc::clone(&made.setup), None));
        }
        let anew = settings(document.as_deref()).and_then(|settings| Setup::new(settings, &accounts));
        match (anew, kept.as_ref()) {
            (Ok(setup), _) => {
                let setup = Arc::new(setup);
                *kept = Some(Made {
                    document,
                    accounts,
                    setup: Arc::clone(&setup),
                });
                Ok((setup, None))
            }
            (Err(error), Some(made)) => Ok((Arc::clone(&made.setup), Some(error.code))),
            (Err(error), None) => Err(error),
        }
    }
}

/// Reads the settings' own document: `None` are the defaults.
fn settings(document: Option<&[u8]>) -> Result<Settings, TaskError> {
    let Some(bytes) = document else {
        return Ok(Settings::default());
    };
    let text = std::str::from_utf8(bytes).map_err(|_| bad_settings("they are no UTF-8 text"))?;
    Settings::parse(text).map_err(|error| bad_settings(&error.to_string()))
}

fn bad_settings(problem: &str) -> TaskError {
    let message =
        format!("the settings cannot be used: {problem}; mend them: events wait in the queue until then");
    TaskError::new("Record.BadSettings", message)
}

/// A value that is read again when it is old.
#[derive(Debug)]
struct Kept<T>(Mutex<Option<(Duration, Arc<T>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Kept<T> {
    /// The value as it is kept, or as `read` gives it; what is kept stays when that fails, and why is said.
    async fn get<E>(
        &self,
        now: Duration,
        age: Duration,
        read: impl Future<Output = Result<T, E>>,
    ) -> (Option<Arc<T>>, Option<E>) {
        if let Some((until, value)) = self.kept()
            && now < until
        {
            return (Some(value), None);
        }
        match read.await {
            Ok(value) => {
                let value = Arc::new(value);
                self.keep(now + age, &value);
                (Some(value), None)
            }
            Err(error) => {
                let before = self.kept().map(|(_, value)| value);
                if let Some(value) = &before {
                    self.keep(now + RETRY_AGE, value);
                }
                (before, Some(error))
            }
        }
    }

    fn kept(&self) -> Option<(Duration, Arc<T>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, until: Duration, value: &Arc<T>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((until, Arc::clone(value)));
    }
}

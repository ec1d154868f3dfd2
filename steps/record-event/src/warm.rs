//! What a warm function keeps between batches: settings, catalogue and accounts, each for a while.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use compliance::catalogue::Catalogue;
use compliance::failure::TaskError;
use compliance::organization::Account;
use compliance::ports::{Clock, ObjectStore};
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
        let read = bucket.get(settings_key);
        let (document, no_document) = self.document.get(now, SETTINGS_AGE, read).await?;
        let read = accounts::collected(reports, clock.now());
        let (accounts, no_accounts) = match self.accounts.get(now, ACCOUNTS_AGE, read).await {
            Ok(known) => known,
            Err(error) => (self.accounts.keep(now + RETRY_AGE, Arc::default()), Some(error)),
        };
        let (setup, bad) = self.made(document, accounts)?;
        let failed = [no_document, no_accounts].into_iter().flatten();
        let stale = failed.map(|error| error.code()).chain(bad).collect();
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
    /// The value as it is kept, or as `read` gives it. When that fails, what is kept stays for a while, and why is said.
    ///
    /// # Errors
    /// Those of `read`, when nothing is kept.
    async fn get<E>(
        &self,
        now: Duration,
        age: Duration,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<(Arc<T>, Option<E>), E> {
        let kept = self.kept();
        if let Some((_, value)) = kept.as_ref().filter(|(until, _)| now < *until) {
            return Ok((Arc::clone(value), None));
        }
        match (read.await, kept) {
            (Ok(value), _) => Ok((self.keep(now + age, Arc::new(value)), None)),
            (Err(error), Some((_, value))) => Ok((self.keep(now + RETRY_AGE, value), Some(error))),
            (Err(error), None) => Err(error),
        }
    }

    fn kept(&self) -> Option<(Duration, Arc<T>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, until: Duration, value: Arc<T>) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((until, Arc::clone(&value)));
        value
    }
}

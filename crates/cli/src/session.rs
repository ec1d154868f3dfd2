//! What one run of the command line holds: its store, settings, clock and progress.

use std::path::{Path, PathBuf};

use compliance::Timestamp;
use compliance::artifact::StageTime;
use compliance::hash::sha256_hex;
use compliance::objects;
use compliance::ports::{Clock, PortError, PortErrorKind};
use compliance::settings::Settings;
use compliance::snapshot::ObjectRef;
use local::{FolderObjectStore, SystemClock};

use crate::error::CliError;
use crate::progress::StderrProgress;

/// One run.
pub(crate) struct Session {
    pub(crate) store: FolderObjectStore,
    pub(crate) settings: Settings,
    pub(crate) settings_ref: ObjectRef,
    pub(crate) progress: StderrProgress,
    pub(crate) started_at: Timestamp,
    /// Calls that the call plan's formula foresees for what this run has collected so far.
    pub(crate) planned_calls: u64,
    stages: Vec<StageTime>,
}

impl Session {
    /// Freezes the settings in the store, which shows at once whether it can be written.
    pub(crate) async fn open(out: &Path, settings: Settings) -> Result<Self, CliError> {
        let store = FolderObjectStore::new(out);
        let bytes = compliance::hash::canonical_json(&settings)
            .map_err(|error| CliError::Usage(format!("settings cannot be written as JSON: {error}")))?;
        let key = format!("settings/{}.json", sha256_hex(&bytes));
        let settings_ref = objects::put_or_adopt(&store, &key, &bytes).await?;
        if settings_ref.sha256 != sha256_hex(&bytes) {
            let message = format!(
                "{} was changed after it was frozen; delete it and run again",
                store.path(&key).display()
            );
            return Err(PortError::new("Store", PortErrorKind::Damaged, message).into());
        }
        let started_at = SystemClock.now();
        Ok(Self {
            store,
            settings,
            settings_ref,
            progress: StderrProgress::new(),
            started_at,
            planned_calls: 0,
            stages: Vec::new(),
        })
    }

    /// Awaits a stage and adds its wall time to the stage of that name.
    pub(crate) async fn timed<T>(&mut self, stage: &str, work: impl AsyncFnOnce(&Self) -> T) -> T {
        let started = SystemClock.now();
        let result = work(self).await;
        let seconds = SystemClock.now().duration_since(started).as_secs_f64();
        match self.stages.iter_mut().find(|time| time.stage == stage) {
            Some(time) => time.seconds += seconds,
            None => self.stages.push(StageTime {
                stage: stage.to_owned(),
                seconds,
            }),
        }
        result
    }

    pub(crate) fn stages(&self) -> Vec<StageTime> {
        self.stages.clone()
    }
}

/// The settings of a file, or the defaults.
#[allow(
    clippy::disallowed_methods,
    reason = "the settings file is read once, at the edge"
)]
pub(crate) fn read_settings(file: Option<&PathBuf>) -> Result<Settings, CliError> {
    let Some(file) = file else {
        return Ok(Settings::default());
    };
    let text = std::fs::read_to_string(file).map_err(|source| CliError::Unreadable {
        file: file.clone(),
        remedy: "give the path of a TOML file with --settings",
        source,
    })?;
    Settings::parse(&text).map_err(|source| CliError::Settings {
        file: file.clone(),
        source,
    })
}

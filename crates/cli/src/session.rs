//! What one run of the command line holds: its store, settings, clock and progress.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use compliance::Timestamp;
use compliance::inputs;
use compliance::ports::{Clock, ObjectStore, PortError};
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, SNAPSHOTS, WORK, work_folder};
use compliance::snapshots::{self, Known};
use compliance::text;
use local::{FolderLock, FolderObjectStore, Locking, SystemClock};

use crate::deliver::Deliver;
use crate::error::CliError;
use crate::interrupt;
use crate::progress::StderrProgress;
use crate::stages::Stages;

/// Where a run writes: what an interrupted one left there is swept.
const WRITTEN: [&str; 7] = [
    "settings/",
    SNAPSHOTS,
    WORK,
    "daily/",
    "weekly/",
    "snapshot/",
    "deliveries/",
];

/// One run.
pub(crate) struct Session {
    pub(crate) store: FolderObjectStore,
    pub(crate) settings: Settings,
    pub(crate) settings_ref: ObjectRef,
    pub(crate) progress: StderrProgress,
    /// The snapshots of the store, this run's own as they come to stand: nobody else adds any while it is held.
    pub(crate) known: Known,
    /// When the interrupted run began that this one continues.
    pub(crate) continues: Option<Timestamp>,
    /// Calls that the call plan's formula foresees for what this run has collected so far.
    pub(crate) planned_calls: u64,
    /// How the report is to be delivered, if it is.
    pub(crate) deliver: Option<Deliver>,
    stages: Stages<SystemClock>,
    /// Held until the run ends.
    _lock: Option<FolderLock>,
}

impl Session {
    /// Waits for the folder to be free, sweeps what interrupted runs left and freezes the settings there, which shows
    /// at once whether it can be written. `doing` names the run to others that wait for the folder.
    pub(crate) async fn open(out: &Path, settings: Settings, doing: &str) -> Result<Self, CliError> {
        let progress = StderrProgress::new();
        interrupt::watch(&progress, out)?;
        let lock = lock(out, doing, &progress)?;
        let store = FolderObjectStore::new(out);
        if lock.is_some() {
            store.sweep(&WRITTEN)?;
        }
        let settings_ref = inputs::freeze_settings(&settings, &store).await?;
        let known = snapshots::known(&store)
            .await
            .map_err(CliError::step("history", PortError::code))?;
        discard_done_work(&store, &known).await?;
        Ok(Self {
            store,
            settings,
            settings_ref,
            progress,
            known,
            continues: None,
            planned_calls: 0,
            deliver: None,
            stages: Stages::start(SystemClock),
            _lock: lock,
        })
    }

    /// Awaits a stage and adds its wall time to the stage of that name.
    pub(crate) async fn timed<T>(&mut self, stage: &str, work: impl AsyncFnOnce(&Self) -> T) -> T {
        let mark = self.stages.mark();
        let result = work(self).await;
        self.stages.add(stage, mark);
        result
    }

    pub(crate) fn stages(&self) -> &Stages<SystemClock> {
        &self.stages
    }

    pub(crate) fn started_at(&self) -> Timestamp {
        self.stages.started_at()
    }
}

/// Holds the folder, once whoever holds it is done; `None` where there are no locks.
pub(crate) fn lock(
    out: &Path,
    doing: &str,
    progress: &StderrProgress,
) -> Result<Option<FolderLock>, CliError> {
    let who = format!(
        "{doing}, process {}, since {}",
        std::process::id(),
        text::minute(SystemClock.now())
    );
    match FolderLock::take(out, &who)? {
        Locking::Held(lock) => Ok(Some(lock)),
        Locking::Taken(taken) => {
            progress.note(&format!(
                "Another run writes to {} ({}); waiting for it to end. Ctrl-C gives up.",
                out.display(),
                taken.by
            ));
            Ok(Some(taken.wait(out, &who)?))
        }
        Locking::Unsupported => {
            progress.note(&format!(
                "{} is on a file system without locks: see to it that no other run writes there.",
                out.display()
            ));
            Ok(None)
        }
    }
}

/// Working files are of no use once their snapshot stands; a run that was interrupted in between left them.
async fn discard_done_work(store: &FolderObjectStore, known: &Known) -> Result<(), CliError> {
    let keys = store.list(WORK).await?;
    let at_work: BTreeSet<&str> = keys.iter().filter_map(|key| key.split('/').nth(1)).collect();
    for one in &known.standing {
        if at_work.contains(one.snapshot.id.as_str()) {
            store.discard_folder(&work_folder(&one.snapshot.id))?;
        }
    }
    Ok(())
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

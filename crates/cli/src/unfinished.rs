//! Runs that were begun and not finished: the next one of the same kind continues them.
//!
//! A run whose moment is given (`--as-of`) is found again by that moment. One whose moment is the present leaves a
//! record of it under `work/unfinished/` until its bundle is sealed. What it asked for and did not get is asked for up
//! to [`BOUND`] later; beyond that a run begins anew, as one moment would no longer stand for all its results.

use std::path::PathBuf;

use compliance::Timestamp;
use compliance::collection::CollectionPlan;
use compliance::objects;
use compliance::ports::ObjectStore;
use compliance::report::ReportKind;
use compliance::snapshot::{Origin, WORK, snapshot_id, work_folder};
use compliance::text;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::error::CliError;
use crate::session::Session;
use compliance::version;

/// How long after it was begun a run may be continued.
const BOUND: SignedDuration = SignedDuration::from_hours(1);
/// The folder of the records.
const UNFINISHED: &str = "unfinished/";

/// A run that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    kind: ReportKind,
    origin: Origin,
    /// The moment it stands for.
    as_of: Timestamp,
    begun_at: Timestamp,
    settings_sha256: String,
    plumbline_version: String,
}

impl Record {
    fn snapshot_id(&self) -> String {
        snapshot_id(&self.origin, self.as_of)
    }

    fn key(&self) -> String {
        format!(
            "{WORK}{UNFINISHED}{}-{}.json",
            self.kind.as_str(),
            self.snapshot_id()
        )
    }

    /// The same run, but for when it was begun and what it stands for.
    fn is_like(&self, other: &Self) -> bool {
        let moments = Self {
            as_of: other.as_of,
            begun_at: other.begun_at,
            ..self.clone()
        };
        moments == *other
    }
}

/// The moment a run stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// Given by the user.
    Given(Timestamp),
    /// The present, as a whole unit.
    Present(Timestamp),
}

/// A run under way.
#[derive(Debug)]
pub(crate) struct Run {
    /// The moment it stands for.
    pub(crate) as_of: Timestamp,
    /// The key of its record, if it has one.
    record: Option<String>,
}

impl Run {
    /// Begins a run, or continues one that was interrupted unless it is to be `fresh`.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or holds a later snapshot than the present.
    pub(crate) async fn begin(
        session: &mut Session,
        kind: ReportKind,
        origin: Origin,
        moment: Moment,
        fresh: bool,
    ) -> Result<Self, CliError> {
        let as_of = match moment {
            Moment::Given(as_of) => {
                if fresh {
                    let id = snapshot_id(&origin, as_of);
                    session.store.discard_folder(&work_folder(&id))?;
                }
                return Ok(Self { as_of, record: None });
            }
            Moment::Present(as_of) => as_of,
        };
        check_clock(session, &origin)?;
        let new = Record {
            kind,
            origin,
            as_of,
            begun_at: session.started_at(),
            settings_sha256: session.settings_ref.sha256.clone(),
            plumbline_version: version(),
        };
        let record = match interrupted(session, &new, fresh).await? {
            Some(record) => record,
            None => {
                objects::put_json(&session.store, &new.key(), &new).await?;
                new
            }
        };
        Ok(Self {
            as_of: record.as_of,
            record: Some(record.key()),
        })
    }

    /// The bundle is sealed: there is nothing to continue.
    pub(crate) fn end(self, session: &Session) -> Result<(), CliError> {
        if let Some(key) = self.record {
            session.store.discard(&key)?;
        }
        Ok(())
    }
}

/// A clock behind the newest snapshot is wrong, or was wrong then: a report of today would be put before that of
/// tomorrow.
fn check_clock(session: &Session, origin: &Origin) -> Result<(), CliError> {
    let ours = session
        .known
        .standing
        .iter()
        .filter(|one| one.manifest.origin == *origin);
    match ours.map(|one| one.snapshot.as_of).max() {
        Some(newest) if newest > session.started_at() => Err(CliError::LaterThanClock {
            what: "snapshot",
            folder: session.store.root().to_owned(),
            newest,
            now: session.started_at(),
        }),
        _ => Ok(()),
    }
}

/// The interrupted run to continue, if there is one; the others are said to be left.
async fn interrupted(session: &mut Session, new: &Record, fresh: bool) -> Result<Option<Record>, CliError> {
    let mut newest: Option<(Record, String)> = None;
    for key in session.store.list(&format!("{WORK}{UNFINISHED}")).await? {
        let bytes = session.store.get(&key).await?.unwrap_or_default();
        let Ok(record) = serde_json::from_slice::<Record>(&bytes) else {
            left(
                session,
                "a run whose record is damaged",
                "it cannot be continued",
                &[key],
            );
            continue;
        };
        let Some(done) = done(session, &record).await? else {
            // It had not even planned: there is nothing of it to continue or to leave.
            session.store.discard(&key)?;
            continue;
        };
        if fresh && record.is_like(new) {
            discard(session, &record)?;
        } else if let Some(why) = not_continued(&record, new) {
            let files = [work_folder(&record.snapshot_id()), key];
            left(session, &named(&record), why, &files);
        } else if newest
            .as_ref()
            .is_none_or(|(other, _)| other.begun_at < record.begun_at)
        {
            newest = Some((record, done));
        }
    }
    let Some((record, done)) = newest else {
        return Ok(None);
    };
    session
        .progress
        .note(&format!("  continues  {}: {done}", named(&record)));
    session.continues = Some(record.begun_at);
    Ok(Some(record))
}

fn named(record: &Record) -> String {
    format!(
        "the {} run begun {}",
        record.kind.as_str(),
        text::minute(record.begun_at)
    )
}

/// Why a run is not continued by `new`, if it is not.
fn not_continued(record: &Record, new: &Record) -> Option<&'static str> {
    let age = new.begun_at.duration_since(record.begun_at);
    if !record.is_like(new) {
        Some(
            "it is of another kind, source, settings or version, whose own command continues it within an hour",
        )
    } else if age.is_negative() {
        Some("the clock says that it is yet to be; check the clock")
    } else if age > BOUND {
        Some("it began more than an hour ago, so its results and new ones would not be of one moment")
    } else {
        None
    }
}

/// How far a run came, if it came so far that there is something of it to continue.
async fn done(session: &Session, record: &Record) -> Result<Option<String>, CliError> {
    let id = record.snapshot_id();
    if session.known.standing.iter().any(|one| one.snapshot.id == id) {
        return Ok(Some("its snapshot stands".to_owned()));
    }
    let folder = work_folder(&id);
    let key = format!("{folder}plan.json");
    let Some(bytes) = session.store.get(&key).await? else {
        return Ok(None);
    };
    let plan: CollectionPlan = objects::parse_json(&key, &bytes)?;
    let results = session.store.list(&format!("{folder}results/")).await?.len() as u64;
    let shards = text::plural(plan.shards.len() as u64, "shard is", "shards are");
    Ok(Some(format!("{} of {shards} there", text::count(results))))
}

fn discard(session: &Session, record: &Record) -> Result<(), CliError> {
    session
        .store
        .discard_folder(&work_folder(&record.snapshot_id()))?;
    session.store.discard(&record.key())?;
    session
        .progress
        .note(&format!("  removed    what {} left", named(record)));
    Ok(())
}

fn left(session: &Session, what: &str, why: &str, keys: &[String]) {
    let paths: Vec<PathBuf> = keys.iter().map(|key| session.store.path(key)).collect();
    let there = paths.iter().filter(|path| path.exists());
    let paths: Vec<String> = there.map(|path| path.display().to_string()).collect();
    session.progress.note(&format!(
        "  left       {what}: {why}. Delete what it left when it is of no use: {}",
        paths.join(" ")
    ));
}

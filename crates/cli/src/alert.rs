//! Alerts from a file of events: what would be decided, what people would be told, and telling them.

mod read;
mod say;
mod tell;

use std::collections::BTreeMap;

use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Word};
use compliance::events::{Event, EventRecord};
use compliance::failure::TaskError;
use compliance::ports::{Clock, EventTable, Written};
use local::MemoryEventTable;
use record_event::{Setup, write_of};

use crate::args::AlertArgs;
use crate::error::CliError;
use crate::session;

/// Events in a table of this process, which keeps them however old they are.
type Table = MemoryEventTable<Still>;

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

/// An event of the file, and what came of it.
struct Taken {
    record: EventRecord,
    /// What is told of it, a route each.
    told: Vec<OutboxEntry>,
    /// When its incident began.
    since: Option<Timestamp>,
    /// An event before it has the same id.
    is_repeated: bool,
}

/// Reads, decides, shows and, if asked, tells.
pub(crate) async fn run(args: &AlertArgs) -> Result<(), CliError> {
    let settings = session::read_settings(args.settings.as_ref())?;
    if args.deliver {
        tell::check(&settings)?;
    }
    let events = read::events(&args.file)?;
    let code = |error: &TaskError| error.code.clone();
    let setup = Setup::new(settings, &[]).map_err(CliError::step("settings", code))?;
    let table = Table::new(Still);
    let taken = take_in(events, &setup, &table).await?;
    if !args.json {
        crate::print(&say::in_words(&taken))?;
    }
    let told = match args.deliver {
        true => Some(tell::tell(args, &setup.settings, &table).await?),
        false => None,
    };
    if args.json {
        crate::print(&say::in_json(&taken, told.as_ref())?)?;
    }
    told.map_or(Ok(()), tell::Deliveries::end)
}

/// Decides about each event as if it had come when it happened, so that the same file is always the same.
async fn take_in(events: Vec<Event>, setup: &Setup, table: &Table) -> Result<Vec<Taken>, CliError> {
    let mut began: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut taken = Vec::new();
    for event in events {
        let before = match event.pair(&setup.catalogue) {
            Some(key) => table.pair(&key).await?,
            None => None,
        };
        let write = write_of(&event, before, setup, event.event_time());
        let is_repeated = table.write(&write).await? == Written::Known;
        for entry in write.outbox.iter().filter(|entry| entry.word == Word::Opened) {
            began.insert(entry.alert.incident.clone(), entry.alert.opened_at);
        }
        let incident = write.outbox.first().map(|entry| entry.alert.incident.as_str());
        taken.push(Taken {
            since: incident.and_then(|incident| began.get(incident).copied()),
            record: write.event,
            told: if is_repeated { Vec::new() } else { write.outbox },
            is_repeated,
        });
    }
    Ok(taken)
}

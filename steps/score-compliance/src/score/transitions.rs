//! What events told of the period, beside what the snapshots say.

use compliance::catalogue::Catalogue;
use compliance::events::{EventActivity, EventExtract};
use compliance::scorecard::{Lists, Scorecard};

/// Counts the transitions of an extract, and lists them. Events change no score: those are of the snapshots alone.
pub(crate) fn count(
    scorecard: &mut Scorecard,
    lists: &mut Lists,
    extract: EventExtract,
    catalogue: &Catalogue,
) {
    let severity = |rule: &str| catalogue.metadata(rule).severity;
    let new = lists.new.iter().map(|row| &row.key);
    let new = scorecard.baseline.as_ref().map(|_| new);
    let activity = EventActivity::of(&extract, severity, new);
    scorecard.mean_time_to_detect_seconds = activity.time_to_detect.mean_seconds;
    scorecard.events = Some(activity);
    lists.transitions = extract.rows;
}

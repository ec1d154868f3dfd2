//! The sweep-outbox step: what is to be told and was not told in time is told all the same.
//!
//! Whoever stores an event starts what tells of it afterwards, and may die between the two; and what tells may fail. So
//! whatever lies in the outbox long after its window has closed is started again: at once, then after 1, 2, 4 and so on
//! minutes, and from then on every hour. What is started twice for one of these times runs once.

use compliance::Timestamp;
use compliance::alerts::{GRACE_SECONDS, Window};
use compliance::failure::TaskError;
use compliance::ports::{AlertStarter, EventTable, PortError};
use compliance::settings::Settings;
use jiff::SignedDuration;

/// The longest window that settings allow, in seconds.
const LONGEST_WINDOW: u32 = 240;
/// Minutes between two starts of what is not told after an hour.
const HOURLY: i64 = 64;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Routes and windows that have something to be told still, long after they closed.
    pub overdue: usize,
    /// Why some could not be started, a stable code each; the next sweep tries again.
    pub not_started: Vec<String>,
}

/// Length of windows by the settings' own document: `None` are the defaults. Settings that cannot be used hold up no
/// alert: then windows may be as long as any.
pub fn window_seconds(document: Option<&[u8]>) -> u32 {
    let Some(bytes) = document else {
        return Settings::default().alerts.window_seconds;
    };
    let settings = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| Settings::parse(text).ok());
    settings.map_or(LONGEST_WINDOW, |settings| settings.alerts.window_seconds)
}

/// Starts what is overdue, windows being so long.
///
/// # Errors
/// The table's own.
pub async fn run(
    table: &impl EventTable,
    alerts: &impl AlertStarter,
    now: Timestamp,
    window_seconds: u32,
) -> Result<Swept, TaskError> {
    let overdue = table.overdue(due_before(now, window_seconds)).await?;
    let mut swept = Swept {
        overdue: overdue.len(),
        ..Swept::default()
    };
    for (route, window) in overdue {
        let (closes, again) = (
            window.closes(window_seconds),
            start_time(window, now, window_seconds),
        );
        if let Err(error) = alerts.start(&route, window, closes, Some(again)).await {
            swept.not_started.push(PortError::code(&error));
        }
    }
    Ok(swept)
}

/// Windows that begin before this have been told long ago, if all went well: they closed more than their length ago.
fn due_before(now: Timestamp, window_seconds: u32) -> Timestamp {
    now.checked_sub(patience(window_seconds))
        .unwrap_or(Timestamp::MIN)
}

fn patience(window_seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(2 * i64::from(window_seconds) + i64::from(GRACE_SECONDS))
}

/// The last of the times for a start that has come, which names it: so each has one start, however often and by whomever
/// the outbox is swept, and a sweep that was left out is made up for by the next.
fn start_time(window: Window, now: Timestamp, window_seconds: u32) -> Timestamp {
    let due = window.begins().as_second() + patience(window_seconds).as_secs();
    let due = due.div_euclid(60);
    let minutes = (now.as_second().div_euclid(60) - due).max(0);
    let passed = match minutes {
        0 => 0,
        1..HOURLY => 1 << minutes.ilog2(),
        _ => minutes / HOURLY * HOURLY,
    };
    Timestamp::from_second((due + passed) * 60).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_come_at_growing_intervals_and_then_every_hour() {
        let window = Window::parse("2026-11-21T10:00:30Z").unwrap();
        let due: Timestamp = "2026-11-21T10:01:35Z".parse().unwrap();
        let starts: Vec<String> = (0..300)
            .map(|minute| {
                let now = due.checked_add(SignedDuration::from_mins(minute)).unwrap();
                start_time(window, now, 30).strftime("%H:%M").to_string()
            })
            .collect();
        let mut each = starts.clone();
        each.dedup();
        let expected = [
            "10:01", "10:02", "10:03", "10:05", "10:09", "10:17", "10:33", "11:05", "12:09", "13:13", "14:17",
        ];
        assert_eq!(each, expected);
        assert!(starts.is_sorted());
        assert_eq!(
            start_time(window, window.begins(), 30)
                .strftime("%H:%M")
                .to_string(),
            "10:01"
        );
    }

    #[test]
    fn settings_that_cannot_be_used_hold_up_no_alert() {
        assert_eq!(window_seconds(None), 30);
        assert_eq!(window_seconds(Some(b"[alerts]\nwindow_seconds = 60\n")), 60);
        assert_eq!(window_seconds(Some(b"[alerts]\nwindow = 60\n")), LONGEST_WINDOW);
        assert_eq!(window_seconds(Some(&[0xff])), LONGEST_WINDOW);
    }
}

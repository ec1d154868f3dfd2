//! Reads a file of events.

use std::io;
use std::path::Path;

use compliance::events::{Event, Refusal, parse};
use serde_json::Value;

use crate::error::CliError;

/// The events of a file, in order.
#[allow(clippy::disallowed_methods, reason = "the file is read once, at the edge")]
pub(super) fn events(file: &Path) -> Result<Vec<Event>, CliError> {
    let unreadable = |source: io::Error| CliError::Unreadable {
        file: file.to_owned(),
        remedy: "give events of AWS Config as EventBridge, SNS or Config itself gives them: one JSON object, an array of \
                 them, or one a line",
        source,
    };
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    of_text(&text).map_err(|problem| unreadable(io::Error::other(problem)))
}

/// The events of a text; the error says which is at fault.
fn of_text(text: &str) -> Result<Vec<Event>, String> {
    let events: Vec<(String, String)> = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) => {
            let numbered = items.iter().enumerate();
            numbered
                .map(|(place, item)| (format!("event {}", place + 1), item.to_string()))
                .collect()
        }
        Err(_) if has_lines(text) => lines(text)
            .map(|(number, line)| (format!("line {number}"), line.to_owned()))
            .collect(),
        _ => vec![("the event".to_owned(), text.to_owned())],
    };
    if events.is_empty() {
        return Err("there is no event in it".to_owned());
    }
    let read = |(place, event): &(String, String)| {
        parse(event).map_err(|Refusal { code, reason }| format!("{place}: {reason} ({code})"))
    };
    events.iter().map(read).collect()
}

/// Lines that are not blank, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(place, line)| (place + 1, line));
    numbered.filter(|(_, line)| !line.trim().is_empty())
}

/// Whether it is one event a line, as far as the first of them tells.
fn has_lines(text: &str) -> bool {
    lines(text)
        .next()
        .is_some_and(|(_, line)| serde_json::from_str::<Value>(line).is_ok())
}

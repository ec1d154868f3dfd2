//! Settings that cannot be used, with the line that says so.

use crate::delivery::looks_secret;

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not TOML, an unknown field or a value of the wrong kind; the text shows line, column and field.
    #[error("{0}")]
    Syntax(String),
    /// A value that parses but cannot be meant.
    #[error("{}{field}: {problem}", line.map(|line| format!("line {line}, ")).unwrap_or_default())]
    Value {
        /// The line that names the field, counted from 1; `None` when the text is not at hand.
        line: Option<usize>,
        /// The field's path; exceptions are counted from 1.
        field: String,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl SettingsError {
    /// The same error with the line of `text` that sets its field.
    pub(super) fn at(self, text: &str) -> Self {
        let Self::Value { field, problem, .. } = self else {
            return self;
        };
        let line = line_of(text, &field).map(|index| index + 1);
        Self::Value { line, field, problem }
    }
}

/// The lists of tables, whose entries errors count from 1.
const LISTS: [&str; 3] = ["exceptions", "delivery.routes", "alerts.silences"];

/// The index of the line that sets a field, or the nearest that names what it is part of.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let key = field.rsplit('.').next().unwrap_or(field);
    let entry = |list: &'static str| {
        let rest = field.strip_prefix(list)?.strip_prefix('[')?;
        Some((list, rest.split_once(']')?.0.parse::<usize>().ok()?))
    };
    let Some((list, place)) = LISTS.into_iter().find_map(entry) else {
        return text.lines().position(|line| sets(line, key));
    };
    let mut headers = text.lines().enumerate().filter(|(_, line)| opens(line, list));
    let Some((header, _)) = headers.nth(place.saturating_sub(1)) else {
        let last = list.rsplit('.').next().unwrap_or(list);
        return text.lines().position(|line| sets(line, last));
    };
    let table = text.lines().skip(header + 1);
    let mut table = table.take_while(|line| !line.trim_start().starts_with('['));
    let own = table.position(|line| sets(line, key) || names_within(line, key));
    Some(own.map_or(header, |line| header + 1 + line))
}

/// Whether a line sets a field of an inline table: `to = { token = "…" }`.
fn names_within(line: &str, key: &str) -> bool {
    let inline = line.split_once('{').map_or("", |(_, inside)| inside);
    inline
        .split(',')
        .any(|one| one.split('=').next().is_some_and(|name| name.trim() == key))
}

/// Whether a line sets `key`, or opens a table that it names.
fn sets(line: &str, key: &str) -> bool {
    let set = line.split_once('=').map_or(line, |(set, _)| set).trim();
    set.trim_matches(['[', ']'])
        .split('.')
        .any(|part| part.trim_matches(['"', '\'']) == key)
}

fn opens(line: &str, list: &str) -> bool {
    line.split('#').next().unwrap_or(line).replace(' ', "").trim() == format!("[[{list}]]")
}

/// The text with each word hidden that looks like a secret of Slack's: a parser shows the line it stumbles over.
pub(super) fn without_secrets(text: &str) -> String {
    let quotes = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | ',' | '}');
    text.split_inclusive(quotes)
        .map(|word| {
            let end = word.len()
                - word
                    .chars()
                    .last()
                    .filter(|last| quotes(*last))
                    .map_or(0, char::len_utf8);
            if looks_secret(&word[..end]) {
                format!("(hidden){}", &word[end..])
            } else {
                word.to_owned()
            }
        })
        .collect()
}

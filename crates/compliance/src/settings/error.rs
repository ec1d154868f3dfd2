//! Settings that cannot be used, with the line that says so.

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

/// The index of the line that sets a field, or the nearest that names what it is part of.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let key = field.rsplit('.').next().unwrap_or(field);
    let place = field
        .strip_prefix("exceptions[")
        .and_then(|rest| rest.split_once(']')?.0.parse::<usize>().ok());
    let Some(place) = place else {
        return text.lines().position(|line| sets(line, key));
    };
    let mut headers = text.lines().enumerate().filter(|(_, line)| is_exception(line));
    let Some((header, _)) = headers.nth(place.saturating_sub(1)) else {
        return text.lines().position(|line| sets(line, "exceptions"));
    };
    let table = text.lines().skip(header + 1);
    let mut table = table.take_while(|line| !line.trim_start().starts_with('['));
    Some(
        table
            .position(|line| sets(line, key))
            .map_or(header, |line| header + 1 + line),
    )
}

/// Whether a line sets `key`, or opens a table that it names.
fn sets(line: &str, key: &str) -> bool {
    let set = line.split_once('=').map_or(line, |(set, _)| set).trim();
    set.trim_matches(['[', ']'])
        .split('.')
        .any(|part| part.trim_matches(['"', '\'']) == key)
}

fn is_exception(line: &str) -> bool {
    line.split('#').next().unwrap_or(line).replace(' ', "").trim() == "[[exceptions]]"
}

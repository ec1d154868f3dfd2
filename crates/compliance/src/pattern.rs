//! Patterns of settings: a text itself, or with a `*` as its last character what a text begins with.

/// Whether a pattern stands for a text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => text == pattern,
    }
}

/// Whether it is none: empty, or with a `*` that is not its last character.
pub(crate) fn is_stray(pattern: &str) -> bool {
    pattern.is_empty() || pattern.strip_suffix('*').unwrap_or(pattern).contains('*')
}

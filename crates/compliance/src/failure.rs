//! How a failure is told: with everything that led to it, and under a stable code.

use std::error::Error;

/// An error and its sources, each once, joined by colons.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let link = source.to_string();
        // Some libraries repeat their source's text in their own; once is enough.
        if !text.ends_with(&link) {
            text = format!("{text}: {link}");
        }
        next = source.source();
    }
    text
}

/// Why a task of a workflow failed: what Retry and Catch match, and what people read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TaskError {
    /// The stable code, such as `Config.Throttled`.
    pub code: String,
    /// What happened, to what, and what to do next.
    pub message: String,
}

impl TaskError {
    /// A failure of the task's own.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// A step's error with its stable code.
    pub fn of<E: Error>(code: impl FnOnce(&E) -> String) -> impl FnOnce(E) -> Self {
        move |error| Self {
            code: code(&error),
            message: chain(&error),
        }
    }
}

impl From<crate::ports::PortError> for TaskError {
    fn from(error: crate::ports::PortError) -> Self {
        Self::of(crate::ports::PortError::code)(error)
    }
}

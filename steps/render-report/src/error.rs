//! What can go wrong while rendering. All of it is a defect of Plumbline: data is never a reason to fail.

use std::fmt;

/// A report file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The templates do not compile with this view.
    #[error("the PDF's templates failed: {}; this is a defect of Plumbline, please report it with scorecard.json", join(.0))]
    Template(Vec<Warning>),
    /// The laid-out document could not be written under the PDF standards.
    #[error("the PDF could not be written as PDF/A-3b and PDF/UA-1: {}; this is a defect of Plumbline, please report it with scorecard.json", join(.0))]
    Standard(Vec<Warning>),
    /// A picture could not be written.
    #[error("the picture could not be written; this is a defect of Plumbline, please report it")]
    Picture(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// A JSON file could not be written.
    #[error("{file} could not be written as JSON; this is a defect of Plumbline, please report it")]
    Json {
        /// Which file.
        file: &'static str,
        /// What the JSON writer said.
        source: serde_json::Error,
    },
    /// A CSV file could not be written.
    #[error("{file} could not be written as CSV; this is a defect of Plumbline, please report it")]
    Csv {
        /// Which file.
        file: &'static str,
        /// What the CSV writer said.
        source: csv::Error,
    },
}

/// What typst says of a template: a message, where it was, and hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The message with its hints.
    pub message: String,
    /// Template and line, where known.
    pub place: Option<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(formatter, "{place}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

fn join(warnings: &[Warning]) -> String {
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

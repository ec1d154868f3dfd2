//! Why a snapshot was not made or not scored.

use compliance::catalogue::CatalogueError;
use compliance::ports::PortError;

/// Why a snapshot was not made or not scored. `Display` does not repeat its source.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The store failed, or an object is missing or damaged.
    #[error(transparent)]
    Store(#[from] PortError),
    /// The built-in rule catalogue could not be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Inputs that do not fit together.
    #[error("{0}")]
    Inputs(String),
    /// A table could not be computed, read or written.
    #[error("{doing} failed inside the table engine; report it as a defect, with the snapshot")]
    Table {
        /// What was being done, to what.
        doing: String,
        /// The engine's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A document could not be written as JSON.
    #[error("{document} cannot be written as JSON")]
    Json {
        /// Which.
        document: String,
        /// What the writer said.
        source: serde_json::Error,
    },
}

impl ScoreError {
    /// The stable code that Retry, Catch and exit codes match.
    pub fn code(&self) -> String {
        match self {
            Self::Store(error) => error.code(),
            Self::Catalogue(_) => "Score.Catalogue".to_owned(),
            Self::Inputs(_) => "Score.Inputs".to_owned(),
            Self::Table { .. } => "Score.Table".to_owned(),
            Self::Json { .. } => "Score.Json".to_owned(),
        }
    }

    /// Wraps the table engine's error with what was being done.
    pub(crate) fn table(doing: impl Into<String>) -> impl FnOnce(polars::prelude::PolarsError) -> Self {
        let doing = doing.into();
        move |error| Self::Table {
            doing,
            source: Box::new(error),
        }
    }
}

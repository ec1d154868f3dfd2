//! Scores the snapshots a run froze.

use compliance::ports::ObjectStore;
use compliance::progress::Progress;
use compliance::report::RunInputs;
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;

use crate::ScoreError;

/// What is to be scored.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreInput {
    /// The frozen inputs: which snapshots, and what they are compared with.
    pub inputs: RunInputs,
    /// The settings those inputs name.
    pub settings: Settings,
}

/// Every number and every list of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreOutput {
    /// The numbers.
    pub scorecard: Scorecard,
    /// The lists behind them.
    pub lists: Lists,
}

/// Reads the run's snapshots, this run's and its history, and computes its scorecard.
///
/// # Errors
/// [`ScoreError::Store`] when a snapshot is missing or damaged; [`ScoreError::Inputs`] when the inputs do not fit
/// together.
pub async fn run(
    input: ScoreInput,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<ScoreOutput, ScoreError> {
    progress.begin("score", 0);
    let _ = store.get("").await?;
    Err(ScoreError::Inputs(format!(
        "cannot score {} yet",
        input.inputs.snapshot.id
    )))
}

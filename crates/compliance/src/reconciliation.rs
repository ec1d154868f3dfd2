//! Row counts held against each other: what shows that nothing was lost between results and report.

use serde::{Deserialize, Serialize};

/// Two counts of the same thing that were taken in different places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What is counted, and where first and second.
    pub what: String,
    /// The first count.
    pub expected: u64,
    /// The second count.
    pub counted: u64,
}

impl Balance {
    /// Two counts of `what`.
    pub fn new(what: &str, expected: u64, counted: u64) -> Self {
        Self {
            what: what.to_owned(),
            expected,
            counted,
        }
    }

    /// Whether the counts are the same.
    pub fn passes(&self) -> bool {
        self.expected == self.counted
    }
}

//! Draws Slack messages in the terminal.

use std::io::IsTerminal;
use std::path::Path;

use crate::error::CliError;

/// Columns drawn: what a table of the digest needs.
const WIDTH: usize = 100;

/// Draws a bundle's digest, and its thread when asked.
#[allow(
    clippy::disallowed_methods,
    reason = "the file to draw is read once, at the edge"
)]
pub(crate) fn digest(file: &Path, thread: bool) -> Result<(), CliError> {
    let remedy = "give the path of a bundle's digest.json";
    let bytes = std::fs::read(file).map_err(|source| CliError::Unreadable {
        file: file.to_owned(),
        remedy,
        source,
    })?;
    let digest: slack_blocks::Digest =
        serde_json::from_slice(&bytes).map_err(|source| CliError::Unreadable {
            file: file.to_owned(),
            remedy,
            source: source.into(),
        })?;
    let color = std::io::stdout().is_terminal();
    let mut text = slack_blocks::to_terminal(&digest.message, WIDTH, color);
    for message in digest.thread.iter().filter(|_| thread) {
        text.push('\n');
        text.push_str(&slack_blocks::to_terminal(message, WIDTH, color));
    }
    crate::print(&text)
}

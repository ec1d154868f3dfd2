//! Draws Slack messages in the terminal.

use std::io::IsTerminal;
use std::path::Path;

use crate::error::CliError;

/// Columns drawn: what a table of the digest needs.
const WIDTH: usize = 100;

/// Draws a bundle's digest, and its thread when asked, in the terminal or as a picture.
#[allow(
    clippy::disallowed_methods,
    reason = "the file to draw is read, and the picture written, once, at the edge"
)]
pub(crate) fn digest(file: &Path, thread: bool, png: Option<&Path>) -> Result<(), CliError> {
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
    let replies = if thread { digest.thread.as_slice() } else { &[] };
    if let Some(png) = png {
        let picture = render_report::message_picture(&digest.message, replies)
            .map_err(CliError::step("preview", |_| "Render.Failed".to_owned()))?;
        return std::fs::write(png, picture).map_err(|source| CliError::Unwritable {
            file: png.to_owned(),
            source,
        });
    }
    let color = std::io::stdout().is_terminal();
    let mut text = slack_blocks::to_terminal(&digest.message, WIDTH, color);
    for message in replies {
        text.push('\n');
        text.push_str(&slack_blocks::to_terminal(message, WIDTH, color));
    }
    crate::print(&text)
}

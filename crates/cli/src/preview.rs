//! Draws Slack messages, in the terminal or as a picture.

use std::io::IsTerminal;
use std::path::Path;

use serde::de::DeserializeOwned;
use slack_blocks::{Digest, Message};

use crate::error::CliError;

/// Columns drawn: what a table of the digest needs.
const WIDTH: usize = 100;

/// Draws a bundle's digest, and its thread when asked.
pub(crate) fn digest(file: &Path, thread: bool, png: Option<&Path>) -> Result<(), CliError> {
    let digest: Digest = read(file, "give the path of a bundle's digest.json")?;
    let replies = if thread { digest.thread.as_slice() } else { &[] };
    draw(&digest.message, replies, png)
}

/// Draws one message, such as an alert.
pub(crate) fn message(file: &Path, png: Option<&Path>) -> Result<(), CliError> {
    let remedy =
        "give a file with one message as Slack takes it: JSON with text and blocks of Plumbline's kinds";
    let message: Message = read(file, remedy)?;
    draw(&message, &[], png)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the file to draw is read once, at the edge"
)]
fn read<T: DeserializeOwned>(file: &Path, remedy: &'static str) -> Result<T, CliError> {
    let unreadable = |source: std::io::Error| CliError::Unreadable {
        file: file.to_owned(),
        remedy,
        source,
    };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|source| unreadable(source.into()))
}

fn draw(message: &Message, replies: &[Message], png: Option<&Path>) -> Result<(), CliError> {
    if let Some(png) = png {
        return draw_picture(message, replies, png);
    }
    let color = std::io::stdout().is_terminal();
    let mut text = slack_blocks::to_terminal(message, WIDTH, color);
    for message in replies {
        text.push('\n');
        text.push_str(&slack_blocks::to_terminal(message, WIDTH, color));
    }
    crate::print(&text)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the picture is written once, at the edge"
)]
fn draw_picture(message: &Message, replies: &[Message], png: &Path) -> Result<(), CliError> {
    let picture = render_report::message_picture(message, replies)
        .map_err(CliError::step("preview", |_| "Render.Failed".to_owned()))?;
    std::fs::write(png, picture).map_err(|source| CliError::Unwritable {
        file: png.to_owned(),
        source,
    })
}

//! What events told of the period, and what was told of them.

use compliance::scorecard::Scorecard;
use compliance::text;

use crate::block::Block;
use crate::text::Mrkdwn;

/// One line of the channel's message; nothing where there are no events.
pub(super) fn line(scorecard: &Scorecard) -> Option<Block> {
    let mark = if scorecard.events.is_some() { "" } else { "⚠ " };
    let sentence = sentence(scorecard)?;
    Some(Block::context(&[
        Mrkdwn::new().text(&format!("{mark}Events: {sentence}"))
    ]))
}

/// The same for screen readers and notifications.
pub(super) fn in_words(scorecard: &Scorecard) -> Option<String> {
    sentence(scorecard).map(|sentence| format!("Events: {sentence}."))
}

/// Without its full stop. What is not known is said.
fn sentence(scorecard: &Scorecard) -> Option<String> {
    let Some(events) = &scorecard.events else {
        return scorecard.inputs.events.as_ref()?.unknown();
    };
    let detected = match (
        events.time_to_detect.mean_seconds,
        events.time_to_detect.median_seconds,
    ) {
        (Some(mean), Some(median)) => format!(
            "; detected in {} on average, median {}",
            text::brief(mean),
            text::brief(median)
        ),
        _ => String::new(),
    };
    Some(format!("{}{detected}", events.sentence()))
}

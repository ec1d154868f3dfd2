//! One incident as a message.

use compliance::alerts::Alert;

use super::{Standing, facts, words};
use crate::block::{Actions, Block, Button};
use crate::message::Message;
use crate::text::{Mrkdwn, cut};

/// An incident with everything that is needed to act on it. `details` is what opened it, or what is said of it last where
/// the message stands alone; `standing` is the last word.
pub fn incident(details: &Alert, standing: Standing<'_>) -> Message {
    let (links, left_out) = facts::links(details);
    let mut blocks = vec![
        Block::header(&words::title(details, standing)),
        Block::section(&summary(details, standing)),
        Block::fields(&fields(details)),
        resource(details),
    ];
    let advice = facts::advice(details);
    blocks.extend(
        advice
            .iter()
            .map(|(name, text)| Block::section(&fact(name, text))),
    );
    blocks.push(Block::context(&small(&words::history(details))));
    let mut buttons = links.into_iter().map(|(name, url)| Button::link(name, url));
    blocks.extend(
        buttons
            .next()
            .map(|first| Block::Actions(Actions::new(first, buttons).0)),
    );
    let mut footer = words::footer(details);
    footer.extend(
        left_out
            .iter()
            .map(|name| format!("The link {name} cannot be shown in Slack")),
    );
    blocks.push(Block::context(&small(&footer)));
    Message::new(&spoken(details, standing), blocks)
}

/// The last word under the message that told of the incident.
pub fn reply(standing: Standing<'_>) -> Message {
    let alert = standing.alert;
    let head = Mrkdwn::new()
        .text(words::mark(alert.is_smoke_test))
        .bold(&words::status(standing));
    let reason = facts::advice(alert)
        .into_iter()
        .find(|(name, _)| *name == "Reason");
    let reason = reason.filter(|_| alert.annotation.is_some());
    let lines = [head]
        .into_iter()
        .chain(reason.map(|(name, text)| Mrkdwn::new().text(&format!("{name}: {text}"))));
    let spoken = words::spoken(alert, standing);
    Message::new(&spoken, vec![Block::section(&Mrkdwn::lines(lines))])
}

/// Where it stands, and what the rule checks.
fn summary(details: &Alert, standing: Standing<'_>) -> Mrkdwn {
    let checks = details
        .description
        .as_ref()
        .map(|checks| Mrkdwn::new().text(&words::checks(&cut(checks, 400))));
    let status = Mrkdwn::new().bold(&words::status(standing));
    Mrkdwn::lines([status].into_iter().chain(checks))
}

fn fields(details: &Alert) -> Vec<Mrkdwn> {
    let place = facts::place(details);
    place.iter().map(|(name, text)| fact(name, text)).collect()
}

fn fact(name: &str, text: &str) -> Mrkdwn {
    Mrkdwn::new().bold(name).line_break().text(text)
}

/// The resource, whole: people copy its id.
fn resource(details: &Alert) -> Block {
    let key = &details.key;
    let text = Mrkdwn::new().bold("Resource").line_break();
    let text = text.code(&key.resource_type, 100).text(" ");
    Block::section(&text.code(&key.resource_id, 780))
}

fn small(sentences: &[String]) -> Vec<Mrkdwn> {
    let texts = sentences.iter().map(|sentence| Mrkdwn::new().text(sentence));
    texts.collect()
}

/// All that is needed to act on it, for who hears it.
fn spoken(details: &Alert, standing: Standing<'_>) -> String {
    let advice = facts::advice(details)
        .into_iter()
        .map(|(name, text)| format!(" {name}: {}.", text.trim_end_matches('.')));
    words::spoken(details, standing) + &advice.collect::<String>()
}

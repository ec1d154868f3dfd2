//! Messages within the budget, and lists over several of them.

use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::classic;
use crate::text::{self, Mrkdwn};
use crate::{and_more, and_more_of, limits};

/// What `chat.postMessage` and incoming webhooks take, the channel aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub(crate) text: String,
    /// `text` is for notifications and screen readers, and is not formatted.
    #[serde(default)]
    mrkdwn: bool,
    pub(crate) blocks: Vec<Block>,
    #[serde(default)]
    unfurl_links: bool,
    #[serde(default)]
    unfurl_media: bool,
}

/// What a block takes of a message's budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) chars: usize,
    pub(crate) blocks: usize,
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            chars: self.chars.saturating_add(other.chars),
            blocks: self.blocks + other.blocks,
        }
    }

    fn fits(self) -> bool {
        self.chars <= limits::MESSAGE && self.blocks <= limits::BLOCKS
    }
}

/// The greater cost of the block as it is and in classic blocks, so that both versions of a message fit.
pub(crate) fn cost(block: &Block) -> Cost {
    let classic = classic::blocks(block);
    Cost {
        chars: json_chars(std::slice::from_ref(block)).max(json_chars(&classic)),
        blocks: classic.len().max(1),
    }
}

/// Characters of the JSON of these blocks, each with the comma or bracket after it.
fn json_chars(blocks: &[Block]) -> usize {
    blocks
        .iter()
        .map(|block| serde_json::to_string(block).map_or(usize::MAX, |json| json.chars().count() + 1))
        .fold(1, usize::saturating_add)
}

/// A line that says what was left out fits in this, with the brackets of the list.
const RESERVE: Cost = Cost {
    chars: 300,
    blocks: 1,
};

impl Message {
    /// A message of these blocks. A second table becomes classic blocks, as Slack takes one a message. When not
    /// everything fits, the last block says how many parts are only in the report.
    pub fn new(text: &str, blocks: Vec<Block>) -> Self {
        let total = blocks.len();
        let mut message = Draft::default();
        let taken = blocks
            .into_iter()
            .take_while(|block| message.push(block.clone(), RESERVE))
            .count();
        if taken < total {
            message.blocks.push(Block::note(&and_more_of(
                (total - taken) as u64,
                "part",
                "parts",
                "in the report",
            )));
        }
        message.finish(text)
    }

    /// The same message in classic blocks only (header, section, context, divider, actions), for workspaces and
    /// clients that refuse tables and charts.
    #[must_use]
    pub fn classic(&self) -> Self {
        Self {
            blocks: self.blocks.iter().flat_map(classic::blocks).collect(),
            ..self.clone()
        }
    }

    /// The same with a line of small print at its end; `None` when there is no room for it within Slack's limits.
    pub fn with_note(&self, note: &str) -> Option<Self> {
        let mut message = self.clone();
        message.blocks.push(Block::note(note));
        let cost = message.blocks.iter().map(cost).fold(Cost::default(), Cost::plus);
        cost.fits().then_some(message)
    }

    /// Its text as people read it outside of Slack, an e-mail for one: what Slack has escaped is not.
    pub fn plain_text(&self) -> String {
        text::unescape(&self.text)
    }

    /// The text for notifications and screen readers.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

/// A message being filled.
#[derive(Default)]
struct Draft {
    blocks: Vec<Block>,
    cost: Cost,
}

impl Draft {
    /// Takes the block if it fits with `reserve` to spare.
    fn push(&mut self, block: Block, reserve: Cost) -> bool {
        let new = self.cost.plus(cost(&block));
        if !new.plus(reserve).fits() {
            return false;
        }
        self.cost = new;
        if block.is_table() && self.blocks.iter().any(Block::is_table) {
            self.blocks.extend(classic::blocks(&block));
        } else {
            self.blocks.push(block);
        }
        true
    }

    fn finish(self, text: &str) -> Message {
        Message {
            text: text::prose(text, limits::FALLBACK_TEXT),
            mrkdwn: false,
            blocks: self.blocks,
            unfurl_links: false,
            unfurl_media: false,
        }
    }
}

/// A part of a list: a block and how many items of the list it accounts for.
pub(crate) struct Part {
    pub(crate) block: Block,
    pub(crate) items: u64,
}

/// A list over at most `most` messages. Each begins with `title`, numbered when there are several; the last says
/// how many of `total` items no part accounts for, and with `place` where they are.
pub(crate) fn pages(
    (title, text): (&str, &str),
    parts: Vec<Part>,
    total: u64,
    most: usize,
    place: &str,
) -> Vec<Message> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut accounted = 0;
    for part in parts {
        let table = part.block.is_table();
        let room = drafts.last_mut().is_some_and(|draft| {
            !(table && draft.blocks.iter().any(Block::is_table))
                && draft.push(part.block.clone(), PAGE_RESERVE)
        });
        if !room {
            let mut draft = Draft::default();
            if drafts.len() == most || !draft.push(part.block, PAGE_RESERVE) {
                break;
            }
            drafts.push(draft);
        }
        accounted += part.items;
    }
    if drafts.is_empty() {
        drafts.push(Draft::default());
    }
    let left_out = total.saturating_sub(accounted);
    if left_out > 0
        && let Some(draft) = drafts.last_mut()
    {
        draft.blocks.push(Block::note(&and_more(left_out, place)));
    }
    let count = drafts.len();
    drafts
        .into_iter()
        .enumerate()
        .map(|(index, draft)| titled(draft, title, text, index + 1, count))
        .collect()
}

/// The title of a page and the line about what was left out.
const PAGE_RESERVE: Cost = Cost {
    chars: 1_500,
    blocks: 2,
};

fn titled(mut draft: Draft, title: &str, text: &str, number: usize, count: usize) -> Message {
    let page = if count > 1 {
        format!(" ({number} of {count})")
    } else {
        String::new()
    };
    let heading = Mrkdwn::new().bold(title).text(&page);
    draft.blocks.insert(0, Block::section(&heading));
    draft.finish(&format!("{text}{page}"))
}

//! One workspace: its channels, tokens and webhooks, and what readers see.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// A workspace about to be served.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// Tokens of bots.
    pub tokens: BTreeMap<String, Token>,
    /// Channels, and whether each is archived.
    pub channels: BTreeMap<String, bool>,
    /// Incoming webhooks by the path of their URL (`/services/T0/B0/secret`): the channel, or the error each gives.
    pub webhooks: BTreeMap<String, Result<String, (u16, &'static str)>>,
    /// It knows no tables and charts.
    pub old: bool,
    /// It has no rate, beyond what faults say.
    pub unlimited: bool,
}

/// A bot's token.
#[derive(Debug, Clone, Default)]
pub struct Token {
    /// Such as `chat:write`.
    pub scopes: Vec<&'static str>,
    /// Channels the bot is in.
    pub channels: Vec<String>,
    /// An error that every call meets, such as `token_revoked`.
    pub error: Option<&'static str>,
}

/// A message as a reader of its channel sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Its channel.
    pub channel: String,
    /// Its id.
    pub ts: String,
    /// The message whose thread it is in.
    pub thread_ts: Option<String>,
    /// The part it says it is, if it says.
    pub part: Option<String>,
    /// Its metadata, as it was sent.
    pub metadata: Value,
    /// Its text.
    pub text: String,
    /// Its blocks.
    pub blocks: Value,
    /// Links and media of it would be unfurled.
    pub unfurls: bool,
    /// Files shown with it.
    pub files: Vec<SharedFile>,
    /// How often it was changed.
    pub edits: u32,
    /// It came by a webhook.
    pub by_webhook: bool,
    /// What in its text and blocks pings somebody or links: `<!channel>` and the like.
    pub controls: Vec<String>,
}

/// A file in a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it shows.
    pub alt_text: Option<String>,
    /// How many bytes were uploaded.
    pub bytes: usize,
}

/// A file that was announced.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) alt_text: Option<String>,
    pub(crate) length: usize,
    pub(crate) uploaded: bool,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) messages: Vec<Message>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) last_post: BTreeMap<String, Duration>,
    pub(crate) refusals: Vec<String>,
    pub(crate) rate_violations: u32,
    pub(crate) calls: u64,
    pub(crate) ids: u64,
}

impl State {
    /// A message's id at this moment: no two are the same, and later ones are greater.
    pub(crate) fn ts(&mut self, now: Duration) -> String {
        self.ids += 1;
        format!("{}.{:06}", now.as_secs(), self.ids)
    }

    pub(crate) fn found(&self, channel: &str, ts: &str) -> Option<usize> {
        let mut messages = self.messages.iter();
        messages.position(|message| message.channel == channel && message.ts == ts)
    }
}

/// What pings or links in mrkdwn, anywhere in a message.
pub(crate) fn controls(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            let mut all = Vec::new();
            for (at, _) in text.match_indices('<') {
                let end = text[at..].find('>').map_or(text.len(), |end| at + end + 1);
                all.push(text[at..end].to_owned());
            }
            all
        }
        Value::Array(list) => list.iter().flat_map(controls).collect(),
        Value::Object(fields) => fields.values().flat_map(controls).collect(),
        _ => Vec::new(),
    }
}

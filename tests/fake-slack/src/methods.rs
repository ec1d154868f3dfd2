//! What each method does, and what it refuses.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::form;
use crate::limits;
use crate::workspace::{Message, SharedFile, State, Token, Upload, Workspace, controls};

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Where the server is, for links into it.
    pub(crate) base: String,
}

/// An answer: status, `Retry-After`, body.
pub(crate) type Reply = (u16, Option<u64>, String);

/// Why a method does nothing.
enum Refusal {
    Code(&'static str),
    Scope(&'static str),
    Rate,
}

type Done = Result<Value, Refusal>;

impl Refusal {
    fn reply(self) -> Reply {
        match self {
            Self::Code(code) => (200, None, json!({"ok": false, "error": code}).to_string()),
            Self::Scope(needed) => {
                let body =
                    json!({"ok": false, "error": "missing_scope", "needed": needed, "provided": "identify"});
                (200, None, body.to_string())
            }
            Self::Rate => (
                429,
                Some(1),
                json!({"ok": false, "error": "ratelimited"}).to_string(),
            ),
        }
    }
}

pub(crate) fn reply(workspace: &Workspace, state: &mut State, asked: &Asked, now: Duration) -> Reply {
    if asked.path.starts_with("/services/") {
        return webhook(workspace, state, asked, now);
    }
    if let Some(id) = asked.path.strip_prefix("/upload/") {
        return upload(state, id, &asked.body);
    }
    let Some(method) = asked.path.strip_prefix("/api/") else {
        return (404, None, "not found".to_owned());
    };
    let mut call = Call {
        workspace,
        state,
        asked,
        now,
    };
    match call.method(method) {
        Ok(mut document) => {
            document["ok"] = json!(true);
            (200, None, document.to_string())
        }
        Err(refusal) => refusal.reply(),
    }
}

fn upload(state: &mut State, id: &str, body: &[u8]) -> Reply {
    match state.uploads.get_mut(id) {
        Some(upload) if upload.length == body.len() => {
            upload.uploaded = true;
            (200, None, format!("OK - {}", body.len()))
        }
        Some(_) => (400, None, "wrong length".to_owned()),
        None => (404, None, "no such upload".to_owned()),
    }
}

fn webhook(workspace: &Workspace, state: &mut State, asked: &Asked, now: Duration) -> Reply {
    let plain = |status: u16, text: &str| (status, None, text.to_owned());
    let channel = match workspace.webhooks.get(&asked.path) {
        None => return plain(404, "no_service"),
        Some(Err((status, error))) => return plain(*status, error),
        Some(Ok(channel)) => channel,
    };
    let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
        return plain(400, "invalid_payload");
    };
    if body.get("channel").is_some() || body.get("thread_ts").is_some() {
        state
            .refusals
            .push("a webhook takes no channel and no thread".to_owned());
        return plain(400, "invalid_payload");
    }
    if let Err((code, problem)) = limits::problem(&body, workspace.old) {
        state.refusals.push(format!("{code}: {problem}"));
        return plain(400, code);
    }
    let mut call = Call {
        workspace,
        state,
        asked,
        now,
    };
    if call.pace(channel).is_err() {
        return (429, Some(1), "rate_limited".to_owned());
    }
    let ts = call.state.ts(now);
    let message = message(channel, ts, &body, true);
    state.messages.push(message);
    plain(200, "ok")
}

fn message(channel: &str, ts: String, body: &Value, by_webhook: bool) -> Message {
    let mut found = controls(&body["text"]);
    found.extend(controls(&body["blocks"]));
    let part = body["metadata"]["event_payload"]["part"].as_str();
    Message {
        channel: channel.to_owned(),
        ts,
        thread_ts: body["thread_ts"].as_str().map(str::to_owned),
        part: part.map(str::to_owned),
        metadata: body["metadata"].clone(),
        text: body["text"].as_str().unwrap_or_default().to_owned(),
        blocks: body["blocks"].clone(),
        unfurls: body["unfurl_links"] != false || body["unfurl_media"] != false,
        files: Vec::new(),
        edits: 0,
        by_webhook,
        controls: found,
    }
}

struct Call<'a> {
    workspace: &'a Workspace,
    state: &'a mut State,
    asked: &'a Asked,
    now: Duration,
}

impl Call<'_> {
    fn method(&mut self, method: &str) -> Done {
        match method {
            "chat.postMessage" => self.post(),
            "chat.update" => self.update(),
            "files.getUploadURLExternal" => self.announce(),
            "files.completeUploadExternal" => self.complete(),
            "conversations.history" => self.history(false),
            "conversations.replies" => self.history(true),
            "auth.test" => self
                .token(&[])
                .map(|_| json!({"team": "Fake", "user": "plumbline"})),
            _ => Err(Refusal::Code("unknown_method")),
        }
    }

    /// The token, which has one of these scopes.
    fn token(&self, scopes: &[&'static str]) -> Result<&Token, Refusal> {
        let text = self
            .asked
            .authorization
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        if text.is_empty() {
            return Err(Refusal::Code("not_authed"));
        }
        let token = self
            .workspace
            .tokens
            .get(text)
            .ok_or(Refusal::Code("invalid_auth"))?;
        if let Some(error) = token.error {
            return Err(Refusal::Code(error));
        }
        match scopes {
            [] => Ok(token),
            [needed, ..] => {
                let has = scopes.iter().any(|scope| token.scopes.contains(scope));
                if has {
                    Ok(token)
                } else {
                    Err(Refusal::Scope(needed))
                }
            }
        }
    }

    /// The channel, which the bot is in.
    fn channel(&self, name: &str, scopes: &[&'static str], to_write: bool) -> Result<String, Refusal> {
        let token = self.token(scopes)?;
        let archived = self
            .workspace
            .channels
            .get(name)
            .ok_or(Refusal::Code("channel_not_found"))?;
        if *archived && to_write {
            return Err(Refusal::Code("is_archived"));
        }
        if !token.channels.iter().any(|own| own == name) {
            return Err(Refusal::Code("not_in_channel"));
        }
        Ok(name.to_owned())
    }

    /// One message a second.
    fn pace(&mut self, channel: &str) -> Result<(), Refusal> {
        let last = self.state.last_post.get(channel).copied();
        let soon = last.is_some_and(|last| self.now.saturating_sub(last) < Duration::from_millis(999));
        if soon && !self.workspace.unlimited {
            self.state.rate_violations += 1;
            return Err(Refusal::Rate);
        }
        self.state.last_post.insert(channel.to_owned(), self.now);
        Ok(())
    }

    /// The arguments of a method that takes JSON: as a document, or as a form whose lists and objects are JSON.
    fn json(&mut self) -> Result<Value, Refusal> {
        if self.asked.content_type.starts_with("application/json") {
            return serde_json::from_slice(&self.asked.body).map_err(|_| Refusal::Code("invalid_json"));
        }
        let fields = self.form().map_err(|_| Refusal::Code("invalid_post_type"))?;
        let value = |text: String| {
            let parsed = serde_json::from_str::<Value>(&text).ok();
            parsed
                .filter(|value| value.is_array() || value.is_object())
                .unwrap_or(Value::String(text))
        };
        Ok(fields
            .into_iter()
            .map(|(name, text)| (name, value(text)))
            .collect())
    }

    /// Methods that take no JSON say that arguments are missing.
    fn form(&self) -> Result<BTreeMap<String, String>, Refusal> {
        if self
            .asked
            .content_type
            .starts_with("application/x-www-form-urlencoded")
        {
            Ok(form::fields(&String::from_utf8_lossy(&self.asked.body)))
        } else {
            Err(Refusal::Code("invalid_arguments"))
        }
    }

    fn check(&mut self, body: &Value) -> Result<(), Refusal> {
        limits::problem(body, self.workspace.old).map_err(|(code, problem)| {
            self.state.refusals.push(format!("{code}: {problem}"));
            Refusal::Code(code)
        })
    }

    fn thread(&self, channel: &str, body: &Value) -> Result<(), Refusal> {
        match body["thread_ts"].as_str() {
            None => Ok(()),
            Some(ts) => {
                let parent = self.state.found(channel, ts).map(|at| &self.state.messages[at]);
                let is_head = parent.is_some_and(|parent| parent.thread_ts.is_none());
                if is_head {
                    Ok(())
                } else {
                    Err(Refusal::Code("thread_not_found"))
                }
            }
        }
    }

    fn post(&mut self) -> Done {
        self.token(&["chat:write"])?;
        let body = self.json()?;
        let channel = self.channel(
            body["channel"].as_str().unwrap_or_default(),
            &["chat:write"],
            true,
        )?;
        let metadata = &body["metadata"];
        let whole = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
        if !metadata.is_null() && !whole {
            return Err(Refusal::Code("invalid_metadata_format"));
        }
        self.thread(&channel, &body)?;
        self.check(&body)?;
        self.pace(&channel)?;
        let ts = self.state.ts(self.now);
        self.state
            .messages
            .push(message(&channel, ts.clone(), &body, false));
        Ok(json!({"channel": channel, "ts": ts}))
    }

    fn update(&mut self) -> Done {
        self.token(&["chat:write"])?;
        let body = self.json()?;
        let channel = self.channel(
            body["channel"].as_str().unwrap_or_default(),
            &["chat:write"],
            true,
        )?;
        let at = self
            .state
            .found(&channel, body["ts"].as_str().unwrap_or_default());
        let at = at.ok_or(Refusal::Code("message_not_found"))?;
        self.check(&body)?;
        let mut new = message(&channel, self.state.messages[at].ts.clone(), &body, false);
        let old = &self.state.messages[at];
        (new.part, new.metadata, new.files) = (old.part.clone(), old.metadata.clone(), old.files.clone());
        (new.unfurls, new.edits, new.thread_ts) = (old.unfurls, old.edits + 1, old.thread_ts.clone());
        self.state.messages[at] = new;
        Ok(json!({"channel": channel, "ts": body["ts"]}))
    }

    fn announce(&mut self) -> Done {
        self.token(&["files:write"])?;
        let fields = self.form()?;
        let length = fields
            .get("length")
            .and_then(|length| length.parse().ok())
            .filter(|length| *length > 0);
        let (Some(name), Some(length)) = (fields.get("filename").filter(|name| !name.is_empty()), length)
        else {
            return Err(Refusal::Code("invalid_arguments"));
        };
        let alt_text = fields.get("alt_txt").cloned();
        if alt_text.as_ref().is_some_and(|text| text.chars().count() > 2_000) {
            return Err(Refusal::Code("alt_txt_too_large"));
        }
        self.state.ids += 1;
        let id = format!("F{:08}", self.state.ids);
        let upload = Upload {
            name: name.clone(),
            alt_text,
            length,
            uploaded: false,
        };
        self.state.uploads.insert(id.clone(), upload);
        Ok(json!({"upload_url": format!("{}/upload/{id}", self.asked.base), "file_id": id}))
    }

    fn complete(&mut self) -> Done {
        self.token(&["files:write"])?;
        let body = self.json()?;
        let channel = self.channel(
            body["channel_id"].as_str().unwrap_or_default(),
            &["files:write"],
            true,
        )?;
        self.thread(&channel, &body)?;
        let mut files = Vec::new();
        for file in body["files"].as_array().into_iter().flatten() {
            let id = file["id"].as_str().unwrap_or_default();
            let upload = self.state.uploads.get(id).filter(|upload| upload.uploaded);
            let upload = upload.ok_or(Refusal::Code("file_not_found"))?;
            files.push(SharedFile {
                id: id.to_owned(),
                name: upload.name.clone(),
                title: file["title"].as_str().unwrap_or(&upload.name).to_owned(),
                alt_text: upload.alt_text.clone(),
                bytes: upload.length,
            });
        }
        if files.is_empty() {
            return Err(Refusal::Code("invalid_arguments"));
        }
        self.pace(&channel)?;
        let ts = self.state.ts(self.now);
        let body =
            json!({"thread_ts": body["thread_ts"], "text": "", "unfurl_links": false, "unfurl_media": false});
        let mut shown = message(&channel, ts, &body, false);
        // Shared twice is seen twice: whoever repeats this call without looking is found out.
        shown.files = files;
        self.state.messages.push(shown);
        Ok(json!({"files": []}))
    }

    fn history(&mut self, of_thread: bool) -> Done {
        let scopes = ["channels:history", "groups:history"];
        self.token(&scopes)?;
        let fields = self.form()?;
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let channel = self.channel(field("channel"), &scopes, false)?;
        let thread = field("ts");
        if of_thread && self.state.found(&channel, thread).is_none() {
            return Err(Refusal::Code("thread_not_found"));
        }
        let oldest: f64 = field("oldest").parse().unwrap_or(0.0);
        let latest: f64 = field("latest").parse().unwrap_or(f64::INFINITY);
        let seen = |message: &&Message| {
            // A channel's history has no replies; a thread's always begins with its head.
            let here = if of_thread {
                message.thread_ts.as_deref() == Some(thread) || message.ts == thread
            } else {
                message.thread_ts.is_none()
            };
            message.channel == channel
                && here
                && (message.ts == thread
                    || message
                        .ts
                        .parse::<f64>()
                        .is_ok_and(|ts| ts > oldest && ts < latest))
        };
        let mut all: Vec<&Message> = self.state.messages.iter().filter(seen).collect();
        if !of_thread {
            all.reverse();
        }
        let from: usize = field("cursor").parse().unwrap_or(0);
        // Small pages, whatever is asked for: Slack may give fewer than the limit.
        let page = all
            .iter()
            .skip(from)
            .take(5)
            .map(|message| shown(message, ["1", "true"].contains(&field("include_all_metadata"))));
        let next = if from + 5 < all.len() {
            (from + 5).to_string()
        } else {
            String::new()
        };
        Ok(json!({
            "messages": page.collect::<Vec<_>>(),
            "has_more": !next.is_empty(),
            "response_metadata": {"next_cursor": next},
        }))
    }
}

fn shown(message: &Message, with_metadata: bool) -> Value {
    let mut document = json!({"type": "message", "ts": message.ts, "text": message.text});
    if with_metadata && !message.metadata.is_null() {
        document["metadata"] = message.metadata.clone();
    }
    if !message.files.is_empty() {
        let files: Vec<Value> = message
            .files
            .iter()
            .map(|file| json!({"id": file.id, "name": file.name}))
            .collect();
        document["files"] = json!(files);
    }
    document
}

//! The methods of the Web API that a delivery needs.

use compliance::Timestamp;
use compliance::ports::{ChatError, ChatErrorKind, ChatFile, ChatPlace, ChatService, PartMark, Sought};
use compliance::secret::Secret;
use serde_json::{Value, json};

use crate::answer::{error, of_method, of_upload, of_webhook};
use crate::http::{Sent, Slack};

const JSON: &str = "application/json; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";
/// What messages of ours are found by.
const EVENT_TYPE: &str = "plumbline_part";
/// The most that Slack takes of what a picture shows, in characters.
const ALT_TEXT: usize = 2_000;
/// Messages of a page of history.
const PAGE: &str = "200";
/// Pages of history read: a channel that has more around the attempt is not searched to its end.
const PAGES: usize = 20;
/// A message may be dated otherwise than the clock here says it was sent, and one that is not found is sent again. AWS
/// refuses clocks that are further off.
const SKEW_SECONDS: i64 = 900;

impl Slack {
    async fn json(
        &self,
        token: &Secret,
        doing: &str,
        method: &str,
        body: &Value,
    ) -> Result<Value, ChatError> {
        self.method(token, doing, method, JSON, body.to_string().into_bytes())
            .await
    }

    /// Some methods take no JSON.
    async fn form(
        &self,
        token: &Secret,
        doing: &str,
        method: &str,
        fields: &[(&str, &str)],
    ) -> Result<Value, ChatError> {
        let body = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect::<Vec<_>>()
            .join("&");
        self.method(token, doing, method, FORM, body.into_bytes()).await
    }

    async fn method(
        &self,
        token: &Secret,
        doing: &str,
        method: &str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Value, ChatError> {
        let sent = Sent {
            doing,
            url: &format!("{}/{method}", self.api),
            token: Some(token.expose().trim()),
            content_type,
            body,
        };
        of_method(doing, &self.once(sent).await?)
    }

    /// One page of a channel or a thread.
    async fn page(
        &self,
        place: ChatPlace<'_>,
        (oldest, latest): (&str, &str),
        cursor: &str,
    ) -> Result<Value, ChatError> {
        let mut fields = vec![
            ("channel", place.channel),
            ("oldest", oldest),
            // What came long after is not read: a look may come hours later, in a channel that is busy.
            ("latest", latest),
            ("limit", PAGE),
            ("include_all_metadata", "true"),
        ];
        if !cursor.is_empty() {
            fields.push(("cursor", cursor));
        }
        let method = match place.thread {
            None => "conversations.history",
            Some(ts) => {
                // A thread's own messages are not in the channel's history.
                fields.push(("ts", ts));
                "conversations.replies"
            }
        };
        self.form(place.token, "read what has arrived", method, &fields)
            .await
    }
}

impl ChatService for Slack {
    async fn post(
        &self,
        place: ChatPlace<'_>,
        mark: PartMark<'_>,
        message: &Value,
    ) -> Result<String, ChatError> {
        let doing = "post a message";
        let mut body = placed(place, message);
        body["metadata"] = json!({
            "event_type": EVENT_TYPE,
            "event_payload": {"run_id": mark.run_id, "route": mark.route, "part": mark.part},
        });
        let answer = self.json(place.token, doing, "chat.postMessage", &body).await?;
        let ts = answer["ts"].as_str().map(str::to_owned);
        ts.ok_or_else(|| error(ChatErrorKind::Unanswered, doing, "unreadable_answer", None))
    }

    async fn update(&self, place: ChatPlace<'_>, ts: &str, message: &Value) -> Result<(), ChatError> {
        let mut body = placed(place, message);
        body["ts"] = json!(ts);
        let answer = self.json(place.token, "update a message", "chat.update", &body);
        answer.await.map(drop)
    }

    async fn upload(&self, token: &Secret, file: &ChatFile<'_>) -> Result<String, ChatError> {
        let doing = "upload the file";
        let length = file.bytes.len().to_string();
        let mut fields = vec![("filename", file.name), ("length", length.as_str())];
        let alt_text = file
            .alt_text
            .map(|text| text.chars().take(ALT_TEXT).collect::<String>());
        fields.extend(alt_text.as_deref().map(|text| ("alt_txt", text)));
        let answer = self
            .form(token, doing, "files.getUploadURLExternal", &fields)
            .await?;
        let (Some(url), Some(id)) = (answer["upload_url"].as_str(), answer["file_id"].as_str()) else {
            return Err(error(ChatErrorKind::Failed, doing, "unreadable_answer", None));
        };
        let sent = Sent {
            doing,
            url,
            token: None,
            content_type: "application/octet-stream",
            body: file.bytes.to_vec(),
        };
        of_upload(&self.once(sent).await?)?;
        Ok(id.to_owned())
    }

    async fn share(&self, place: ChatPlace<'_>, file_id: &str, title: &str) -> Result<(), ChatError> {
        let mut body = json!({"files": [{"id": file_id, "title": title}], "channel_id": place.channel});
        if let Some(thread) = place.thread {
            body["thread_ts"] = json!(thread);
        }
        let answer = self.json(
            place.token,
            "share the file",
            "files.completeUploadExternal",
            &body,
        );
        answer.await.map(drop)
    }

    async fn find(
        &self,
        place: ChatPlace<'_>,
        sought: Sought<'_>,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Option<String>, ChatError> {
        let oldest = (since.as_second() - SKEW_SECONDS).to_string();
        let latest = (until.as_second() + SKEW_SECONDS).to_string();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let page = self.page(place, (&oldest, &latest), &cursor).await?;
            let messages = page["messages"].as_array().map_or(&[][..], Vec::as_slice);
            if let Some(message) = messages.iter().find(|message| is_sought(message, sought)) {
                return Ok(Some(message["ts"].as_str().unwrap_or_default().to_owned()));
            }
            match page["response_metadata"]["next_cursor"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut cursor),
                _ => return Ok(None),
            }
        }
        // "Not found" would be taken for "did not arrive".
        Err(error(
            ChatErrorKind::Refused,
            "read what has arrived",
            "too_much_history",
            None,
        ))
    }

    async fn send_to_webhook(&self, url: &Secret, message: &Value) -> Result<(), ChatError> {
        let sent = Sent {
            doing: "send to the webhook",
            url: url.expose().trim(),
            token: None,
            content_type: JSON,
            body: message.to_string().into_bytes(),
        };
        of_webhook(&self.once(sent).await?)
    }
}

fn placed(place: ChatPlace<'_>, message: &Value) -> Value {
    let mut body = message.clone();
    body["channel"] = json!(place.channel);
    if let Some(thread) = place.thread {
        body["thread_ts"] = json!(thread);
    }
    body
}

fn is_sought(message: &Value, sought: Sought<'_>) -> bool {
    match sought {
        Sought::Message(mark) => {
            let payload = &message["metadata"]["event_payload"];
            message["metadata"]["event_type"] == EVENT_TYPE
                && payload["run_id"] == mark.run_id
                && payload["route"] == mark.route
                && payload["part"] == mark.part
        }
        Sought::File(id) => {
            let files = message["files"].as_array();
            files.is_some_and(|files| files.iter().any(|file| file["id"] == id))
        }
    }
}

/// As a value of a form.
fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
}

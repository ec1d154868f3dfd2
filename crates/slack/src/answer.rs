//! What Slack's answers mean.

use std::time::Duration;

use compliance::ports::{ChatError, ChatErrorKind};
use serde_json::Value;

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where there was one.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// How long to wait when Slack does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// The longest wait that is believed.
const LONGEST_WAIT: u64 = 3_600;

/// Codes of a message whose form was refused; another form of it may be taken.
const FORM: &[&str] = &[
    "block_mismatch",
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
];
/// Codes of a failure at Slack: it may be tried again, though something may have been done.
const FAILED: &[&str] = &[
    "fatal_error",
    "internal_error",
    "request_timeout",
    "rollup_error",
    "service_unavailable",
    "team_added_to_org",
];
/// Codes of a rate limit.
const RATE: &[&str] = &["rate_limited", "ratelimited"];

/// Reads the answer of a method of the Web API: the document, when it says `"ok": true`.
///
/// # Errors
/// What the answer means for another attempt.
pub fn of_method(doing: &str, answer: &Answer) -> Result<Value, ChatError> {
    of_status(doing, answer)?;
    let Ok(document) = serde_json::from_slice::<Value>(&answer.body) else {
        // Half an answer says nothing of what was done.
        return Err(error(ChatErrorKind::Unanswered, doing, "unreadable_answer", None));
    };
    if document["ok"] == true {
        return Ok(document);
    }
    let reason = code(document["error"].as_str().unwrap_or_default());
    let kind = kind_of(&reason, answer);
    Err(error(kind, doing, &reason, document["needed"].as_str()))
}

/// Reads the answer of an incoming webhook, which is plain text.
///
/// # Errors
/// What the answer means for another attempt.
pub fn of_webhook(answer: &Answer) -> Result<(), ChatError> {
    let doing = "send to the webhook";
    let reason = code(&String::from_utf8_lossy(&answer.body));
    if (400..500).contains(&answer.status) && answer.status != 429 {
        return Err(error(kind_of(&reason, answer), doing, &reason, None));
    }
    of_status(doing, answer)?;
    if reason == "ok" {
        return Ok(());
    }
    Err(error(kind_of(&reason, answer), doing, &reason, None))
}

/// Reads the answer to a file's content.
///
/// # Errors
/// What the answer means for another attempt.
pub fn of_upload(answer: &Answer) -> Result<(), ChatError> {
    of_status("upload the file", answer)
}

fn of_status(doing: &str, answer: &Answer) -> Result<(), ChatError> {
    let kind = match answer.status {
        200..300 => return Ok(()),
        429 => ChatErrorKind::RateLimited(wait(answer)),
        // Something before Slack had no answer of it, which is no word on whether it was done.
        502 | 504 => ChatErrorKind::Unanswered,
        500.. => ChatErrorKind::Failed,
        _ => ChatErrorKind::Refused,
    };
    Err(error(kind, doing, &format!("http_{}", answer.status), None))
}

fn kind_of(reason: &str, answer: &Answer) -> ChatErrorKind {
    if RATE.contains(&reason) {
        ChatErrorKind::RateLimited(wait(answer))
    } else if FAILED.contains(&reason) {
        ChatErrorKind::Failed
    } else if FORM.contains(&reason) {
        ChatErrorKind::FormRefused
    } else {
        // What is not known is refused, and people are told: repeating it blindly would hide it.
        ChatErrorKind::Refused
    }
}

fn wait(answer: &Answer) -> Duration {
    answer.retry_after.map_or(DEFAULT_WAIT, |seconds| {
        Duration::from_secs(seconds.clamp(1, LONGEST_WAIT))
    })
}

/// What Slack calls a failure, if it has the form of a code: anything else might repeat what was sent.
fn code(text: &str) -> String {
    let text = text.trim();
    let known = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if !text.is_empty() && text.len() <= 60 && text.chars().all(known) {
        text.to_owned()
    } else {
        "unknown_error".to_owned()
    }
}

pub(crate) fn error(kind: ChatErrorKind, doing: &str, reason: &str, needed: Option<&str>) -> ChatError {
    let said = match kind {
        ChatErrorKind::Refused | ChatErrorKind::FormRefused => "Slack refused to",
        ChatErrorKind::RateLimited(_) => "Slack asks to wait before it will",
        ChatErrorKind::Unreached => "Slack was not reached to",
        ChatErrorKind::Failed => "Slack failed to",
        ChatErrorKind::Unanswered => "Slack did not say whether it did",
    };
    ChatError {
        kind,
        reason: reason.to_owned(),
        message: format!("{said} {doing} ({reason}): {}", remedy(kind, reason, needed)),
    }
}

/// What to do about it.
fn remedy(kind: ChatErrorKind, reason: &str, needed: Option<&str>) -> String {
    let scopes = |letter: char| letter.is_ascii_lowercase() || matches!(letter, ':' | ',' | '.' | '_');
    let known = match reason {
        "missing_scope" => {
            let needed = needed.filter(|needed| needed.len() <= 100 && needed.chars().all(scopes));
            let needed = needed.map_or_else(String::new, |needed| format!(" {needed}"));
            return format!("add the scope{needed} to the Slack app and install it again");
        }
        "channel_not_found" => {
            "check the route's slack_channel, and invite the bot where the channel is private"
        }
        "not_in_channel" => "invite the bot to the channel: /invite and its name",
        "is_archived" | "channel_is_archived" => {
            "unarchive the channel, or name another in the route's slack_channel"
        }
        "account_inactive" | "invalid_auth" | "not_authed" | "token_expired" | "token_revoked" => {
            "make a new bot token, and store it where the route's token says"
        }
        "action_prohibited"
        | "ekm_access_denied"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel" => {
            "ask an administrator of the workspace to let the app post there"
        }
        "invalid_token" | "no_service" | "no_service_id" | "no_team" => {
            "make a new webhook, and store its URL where the route's slack_webhook says"
        }
        _ => match kind {
            ChatErrorKind::Refused | ChatErrorKind::FormRefused => {
                "docs/delivery.md says what Slack's codes mean; mend it, and go on with the run"
            }
            _ => "it is tried again",
        },
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            retry_after: (status == 429).then_some(7),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn answers_of_methods_mean_what_facts_say() {
        let check = |status: u16, body: &str, kind: ChatErrorKind, reason: &str| {
            let error = of_method("post", &answer(status, body)).unwrap_err();
            assert_eq!(
                (error.kind, error.reason.as_str()),
                (kind, reason),
                "{status} {body}"
            );
        };
        let wait = ChatErrorKind::RateLimited(Duration::from_secs(7));
        check(429, "", wait, "http_429");
        check(
            200,
            r#"{"ok":false,"error":"ratelimited"}"#,
            ChatErrorKind::RateLimited(DEFAULT_WAIT),
            "ratelimited",
        );
        for reason in [
            "is_archived",
            "not_in_channel",
            "restricted_action",
            "invalid_auth",
            "token_revoked",
            "missing_scope",
            "new_code",
        ] {
            check(
                200,
                &format!(r#"{{"ok":false,"error":"{reason}"}}"#),
                ChatErrorKind::Refused,
                reason,
            );
        }
        for reason in ["internal_error", "fatal_error", "request_timeout"] {
            check(
                200,
                &format!(r#"{{"ok":false,"error":"{reason}"}}"#),
                ChatErrorKind::Failed,
                reason,
            );
        }
        check(
            200,
            r#"{"ok":false,"error":"invalid_blocks"}"#,
            ChatErrorKind::FormRefused,
            "invalid_blocks",
        );
        check(
            200,
            r#"{"ok":true,"#,
            ChatErrorKind::Unanswered,
            "unreadable_answer",
        );
        check(500, "oops", ChatErrorKind::Failed, "http_500");
        check(503, "", ChatErrorKind::Failed, "http_503");
        check(502, "", ChatErrorKind::Unanswered, "http_502");
        check(504, "", ChatErrorKind::Unanswered, "http_504");
        check(302, "", ChatErrorKind::Refused, "http_302");
        assert_eq!(
            of_method("post", &answer(200, r#"{"ok":true,"ts":"1.2"}"#)).unwrap()["ts"],
            "1.2"
        );
    }

    #[test]
    fn answers_of_webhooks_mean_what_facts_say() {
        let check = |status: u16, body: &str, kind: ChatErrorKind| {
            assert_eq!(
                of_webhook(&answer(status, body)).unwrap_err().kind,
                kind,
                "{status} {body}"
            );
        };
        check(400, "invalid_payload", ChatErrorKind::Refused);
        check(400, "invalid_blocks", ChatErrorKind::FormRefused);
        check(403, "action_prohibited", ChatErrorKind::Refused);
        check(404, "channel_not_found", ChatErrorKind::Refused);
        check(404, "no_service", ChatErrorKind::Refused);
        check(410, "channel_is_archived", ChatErrorKind::Refused);
        check(500, "rollup_error", ChatErrorKind::Failed);
        check(503, "", ChatErrorKind::Failed);
        check(504, "Gateway Timeout", ChatErrorKind::Unanswered);
        check(
            429,
            "rate_limited",
            ChatErrorKind::RateLimited(Duration::from_secs(7)),
        );
        assert_eq!(of_webhook(&answer(200, "ok")), Ok(()));
    }

    #[test]
    fn what_an_answer_repeats_of_a_secret_is_not_repeated() {
        let body = r#"{"ok":false,"error":"bad token xoxb-1-secretpart","needed":"xoxb-1-secretpart"}"#;
        let error = of_method("post", &answer(200, body)).unwrap_err();
        assert!(!format!("{error:?}{error}").contains("secretpart"), "{error}");
        let scope = of_method(
            "post",
            &answer(
                200,
                r#"{"ok":false,"error":"missing_scope","needed":"files:write"}"#,
            ),
        );
        assert!(scope.unwrap_err().message.contains("the scope files:write"));
    }
}

//! The adapter against the strict fake: where messages and files are found again, and what each failure means.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use compliance::Timestamp;
use compliance::ports::{ChatError, ChatErrorKind, ChatFile, ChatPlace, ChatService, PartMark, Sought};
use compliance::secret::Secret;
use fake_slack::{FakeSlack, Faults, Token, Workspace};
use serde_json::{Value, json};
use slack::{Slack, SlackSettings};

const CHANNEL: &str = "C00000001";
const HOOK: &str = "/services/T0/B0/secretpart";

fn served(scopes: &[&'static str]) -> (FakeSlack, Slack, Secret) {
    served_at(scopes, || Duration::from_secs(BEGIN as u64))
}

fn served_at(
    scopes: &[&'static str],
    now: impl Fn() -> Duration + Send + Sync + 'static,
) -> (FakeSlack, Slack, Secret) {
    let token = Token {
        scopes: scopes.to_vec(),
        channels: vec![CHANNEL.to_owned()],
        error: None,
    };
    let workspace = Workspace {
        tokens: [("xoxb-secretpart".to_owned(), token)].into(),
        channels: [(CHANNEL.to_owned(), false)].into(),
        webhooks: [(HOOK.to_owned(), Ok(CHANNEL.to_owned()))].into(),
        unlimited: true,
        old: false,
    };
    let fake = FakeSlack::start(workspace, Faults::default(), Arc::new(now), 0).unwrap();
    let settings = SlackSettings {
        api: fake.api(),
        timeout: Duration::from_millis(100),
    };
    (
        fake,
        Slack::new(&settings).unwrap(),
        Secret::new("xoxb-secretpart".to_owned()),
    )
}

const ALL: &[&str] = &["chat:write", "files:write", "channels:history"];

fn message() -> Value {
    json!({"text": "hello", "unfurl_links": false, "unfurl_media": false})
}

fn mark(part: &str) -> PartMark<'_> {
    PartMark {
        run_id: "run",
        route: "route",
        part,
    }
}

const BEGIN: i64 = 1_795_251_600;

/// An attempt that began so many seconds after the beginning.
fn attempt(after: i64) -> (Timestamp, Timestamp) {
    let at = |second| Timestamp::from_second(BEGIN + second).unwrap();
    (at(after), at(after + 30))
}

fn during() -> (Timestamp, Timestamp) {
    attempt(0)
}

#[tokio::test]
async fn what_arrived_is_found_by_its_mark_on_any_page_of_channel_and_thread() {
    let (_fake, slack, token) = served(ALL);
    let channel = ChatPlace {
        token: &token,
        channel: CHANNEL,
        thread: None,
    };
    let head = slack.post(channel, mark("digest"), &message()).await.unwrap();
    let thread = ChatPlace {
        thread: Some(&head),
        ..channel
    };
    let mut sent = Vec::new();
    for number in 0..12 {
        let part = format!("thread-{number}");
        sent.push((
            part.clone(),
            slack.post(thread, mark(&part), &message()).await.unwrap(),
        ));
    }
    for (part, ts) in &sent {
        let found = slack
            .find(thread, Sought::Message(mark(part)), during())
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(ts));
        let elsewhere = slack.find(channel, Sought::Message(mark(part)), during()).await;
        assert_eq!(elsewhere.unwrap(), None, "a channel's history has no replies");
    }
    let found = slack
        .find(channel, Sought::Message(mark("digest")), during())
        .await
        .unwrap();
    assert_eq!(found, Some(head.clone()));
    let other = PartMark {
        run_id: "another",
        ..mark("digest")
    };
    assert_eq!(
        slack
            .find(channel, Sought::Message(other), during())
            .await
            .unwrap(),
        None
    );

    let file = ChatFile {
        name: "report.pdf",
        alt_text: Some("a report"),
        bytes: b"%PDF",
    };
    let id = slack.upload(&token, &file).await.unwrap();
    assert_eq!(
        slack.find(thread, Sought::File(&id), during()).await.unwrap(),
        None,
        "nobody sees it yet"
    );
    slack.share(thread, &id, "Report").await.unwrap();
    assert!(
        slack
            .find(thread, Sought::File(&id), during())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn failures_mean_what_they_are_and_tell_no_secret() {
    let (fake, slack, token) = served(ALL);
    let place = ChatPlace {
        token: &token,
        channel: CHANNEL,
        thread: None,
    };
    let url = Secret::new(fake.webhook(HOOK));
    let check = async |faults: Faults, kind: ChatErrorKind| {
        fake.set_faults(faults);
        let posted = slack.post(place, mark("p"), &message()).await.unwrap_err();
        let hooked = slack.send_to_webhook(&url, &message()).await.unwrap_err();
        for error in [posted, hooked] {
            let same = match (error.kind, kind) {
                (ChatErrorKind::RateLimited(wait), ChatErrorKind::RateLimited(_)) => {
                    (1..=3).contains(&wait.as_secs())
                }
                (one, other) => one == other,
            };
            assert!(same, "{error:?}");
            assert!(!format!("{error} {error:?}").contains("secretpart"), "{error:?}");
        }
    };
    let none = Faults::default();
    check(
        Faults { rate: 1.0, ..none },
        ChatErrorKind::RateLimited(Duration::ZERO),
    )
    .await;
    check(Faults { fail: 1.0, ..none }, ChatErrorKind::Failed).await;
    check(Faults { hang: 1.0, ..none }, ChatErrorKind::Unanswered).await;
    check(Faults { cut: 1.0, ..none }, ChatErrorKind::Unanswered).await;
    drop(fake);
    let gone: ChatError = slack.post(place, mark("p"), &message()).await.unwrap_err();
    assert_eq!(gone.kind, ChatErrorKind::Unreached);
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named() {
    let (_fake, slack, token) = served(&["chat:write"]);
    let place = ChatPlace {
        token: &token,
        channel: CHANNEL,
        thread: None,
    };
    let error = slack
        .find(place, Sought::Message(mark("p")), during())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (ChatErrorKind::Refused, "missing_scope")
    );
    assert!(error.message.contains("channels:history"), "{error}");
    let elsewhere = Secret::new("http://evil.example/services/secretpart".to_owned());
    let error = slack.send_to_webhook(&elsewhere, &message()).await.unwrap_err();
    assert_eq!(error.reason, "bad_address");
    assert!(!format!("{error:?}").contains("secretpart"));
}

/// A secret that was pasted often ends in a line break.
#[tokio::test]
async fn a_token_with_a_line_break_after_it_is_the_token() {
    let (_fake, slack, _) = served(ALL);
    let token = Secret::new("xoxb-secretpart\n".to_owned());
    let place = ChatPlace {
        token: &token,
        channel: CHANNEL,
        thread: None,
    };
    assert!(slack.post(place, mark("p"), &message()).await.is_ok());
}

#[tokio::test]
async fn what_arrived_is_found_though_the_clock_here_is_minutes_ahead() {
    let (_fake, slack, token) = served(ALL);
    let place = ChatPlace {
        token: &token,
        channel: CHANNEL,
        thread: None,
    };
    let head = slack.post(place, mark("p"), &message()).await.unwrap();
    let found = slack.find(place, Sought::Message(mark("p")), attempt(600)).await;
    assert_eq!(found, Ok(Some(head)));
}

/// A look may come hours after the attempt, in a channel that went on.
#[tokio::test]
async fn what_came_long_after_the_attempt_is_not_read() {
    let minutes = Arc::new(AtomicU64::new(0));
    let passed = Arc::clone(&minutes);
    let (fake, slack, token) = served_at(ALL, move || {
        Duration::from_secs(BEGIN as u64 + 60 * passed.load(Ordering::SeqCst))
    });
    let place = ChatPlace {
        token: &token,
        channel: CHANNEL,
        thread: None,
    };
    let first = slack.post(place, mark("p"), &message()).await.unwrap();
    for number in 0..150 {
        minutes.fetch_add(1, Ordering::SeqCst);
        let later = format!("later-{number}");
        slack.post(place, mark(&later), &message()).await.unwrap();
    }
    let before = fake.calls();
    let found = slack.find(place, Sought::Message(mark("p")), during()).await;
    assert_eq!(found, Ok(Some(first)));
    let read = fake.calls() - before;
    assert!(read < 6, "{read} pages of five messages, of 31 in all");
}

#[tokio::test]
async fn a_large_file_is_given_the_time_that_a_slow_line_takes() {
    let (fake, slack, token) = served(ALL);
    fake.set_faults(Faults {
        hang: 1.0,
        held: Duration::from_millis(300),
        only: "/upload/F00000001",
        ..Faults::default()
    });
    let file = ChatFile {
        name: "report.pdf",
        alt_text: None,
        bytes: &vec![0; 1_000_000],
    };
    assert!(slack.upload(&token, &file).await.is_ok());
}

//! What stands in the way of a delivery beside Slack's refusals: settings and bundles that cannot be used, topics and
//! secrets that fail, time that runs out, stores that are slow. Each is said, nothing is lost, and nothing is doubled.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use compliance::delivery::RouteSettings;
use compliance::delivery::record::{Fallback, RouteState};
use compliance::ports::PortErrorKind;
use compliance::settings::Settings;
use fake_slack::Faults;
use serde_json::json;
use support::*;

const NARROWED: &str = "[[delivery.routes]]\nname = \"some\"\nseverity = \"informational\"\nto = { slack_channel = \"C00000001\", token = \"secret:token\" }\n";
const TO_SUMMARY: &str = "[[delivery.routes]]\nname = \"mail\"\nto = { sns_topic = \"summary\" }\n";

/// The parts of a normal day's digest.
async fn expected() -> Vec<String> {
    let world = World::normal(&ALL).await;
    world.run(TO_CHANNEL).await;
    world.parts()
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_what_to_do() {
    for (document, says) in [
        (&b"\xff\xfe"[..], "no UTF-8 text"),
        (b"[delivery", "line 1"),
        (b"[delivery]\nroute = 1\n", "line 2"),
    ] {
        let error = notify::task::settings(Some(document)).unwrap_err();
        assert_eq!(error.code, "Notify.BadSettings");
        assert!(
            error.message.contains(says) && error.message.contains("mend them and go on with the run"),
            "{}",
            error.message
        );
    }
    let none = notify::task::settings(None).unwrap();
    assert_eq!(none, Settings::default());
}

#[tokio::test]
async fn a_bundle_without_what_is_to_be_told_is_named() {
    let mut world = World::normal(&ALL).await;
    world.reseal("digest.json", None).await;
    let error = world.error(TO_CHANNEL).await;
    assert_eq!(error.code, "Notify.NoDigest");
    assert!(error.message.contains(RUN), "{}", error.message);

    let mut world = World::normal(&ALL).await;
    world.reseal("scorecard.json", None).await;
    let error = world.error(NARROWED).await;
    assert_eq!(error.code, "Store.NotFound");
    assert!(
        error.message.contains("has no scorecard.json"),
        "{}",
        error.message
    );

    let mut world = World::normal(&ALL).await;
    world.task.lists = None;
    let error = world.error(NARROWED).await;
    assert_eq!(error.code, "Notify.NoLists");
    assert!(error.message.contains("start the run anew"), "{}", error.message);
    assert_eq!(world.fake.calls(), 0);
    // Who gets everything needs no lists.
    assert_eq!(world.run(TO_CHANNEL).await.failed, None);
}

#[tokio::test]
async fn a_route_that_leads_nowhere_is_told_to_the_topic() {
    let mut settings = Settings::default();
    settings.delivery.routes = vec![RouteSettings {
        name: "lost".to_owned(),
        ..RouteSettings::default()
    }];
    let world = World::normal(&ALL).await;
    let came = world.run_unchecked(&settings).await;
    let route = &came.delivery.routes[0];
    assert_eq!(
        (route.to.as_str(), route.failed["digest"].code.as_str()),
        ("nowhere", "Notify.InvalidRequest")
    );
    let told = world.told.lock().unwrap().clone();
    assert!(told[0].2.contains("the route lost leads nowhere"), "{told:?}");

    // The stack's own topic is there in the cloud only.
    let came = world.run(TO_SUMMARY).await;
    let route = &came.delivery.routes[0];
    assert_eq!(
        (route.to.as_str(), route.failed["digest"].code.as_str()),
        ("SNS topic for summaries", "Notify.NotFound")
    );
    let told = world.told.lock().unwrap().clone();
    assert!(told[1].2.contains("give the ARN of a topic"), "{told:?}");
}

#[tokio::test]
async fn a_secret_that_is_out_of_reach_is_asked_for_again() {
    let mut world = World::normal(&ALL).await;
    world.secrets_fail = Some(PortErrorKind::Unavailable);
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Unfinished);
    assert_eq!(came.answer().unwrap_err().code, "Secrets.Unavailable");
    assert!(world.told.lock().unwrap().is_empty(), "nothing is lost yet");
    world.secrets_fail = None;
    assert_eq!(world.run(TO_CHANNEL).await.failed, None);
    assert_eq!(world.parts(), expected().await);
}

#[tokio::test]
async fn a_topic_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let mut world = World::normal(&ALL).await;
    world.summary = Some(SUMMARY);
    world.topics_fail = Some(PortErrorKind::Unavailable);
    let came = world.run(TO_SUMMARY).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Unfinished);
    assert_eq!(came.failed.unwrap().code, "Notify.Unavailable");
    world.topics_fail = None;
    assert_eq!(world.run(TO_SUMMARY).await.failed, None);
    world.run(TO_SUMMARY).await;
    assert_eq!(world.told.lock().unwrap().len(), 1);

    let mut world = World::normal(&ALL).await;
    world.topics_fail = Some(PortErrorKind::NotFound);
    let to_topic = TO_SUMMARY.replace("summary", SUMMARY);
    let came = world.run(&to_topic).await;
    let route = &came.delivery.routes[0];
    assert_eq!(
        (route.to.clone(), route.state),
        (format!("SNS topic {SUMMARY}"), RouteState::Failed)
    );
    assert_eq!(route.failed["digest"].code, "Notify.NotFound");
    let error = came.failed.unwrap();
    assert!(
        error.message.contains("the part digest did not reach SNS topic")
            && error.message.contains("nor was the topic for failures told"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_topic_for_failures_that_cannot_be_told_yet_is_told_later() {
    let mut world = World::normal(&ALL).await;
    let nowhere = TO_CHANNEL.replace(CHANNEL, "C0NOTTHERE");
    world.topics_fail = Some(PortErrorKind::Throttled);
    let came = world.run(&nowhere).await;
    let route = &came.delivery.routes[0];
    assert_eq!((route.state, &route.fallback), (RouteState::Unfinished, &None));
    assert_eq!(came.failed.unwrap().code, "Notify.Throttled");
    world.topics_fail = None;
    let came = world.run(&nowhere).await;
    assert_eq!(came.failed, None);
    let topic = FAILURES.to_owned();
    assert_eq!(came.delivery.routes[0].fallback, Some(Fallback::Sent { topic }));
    assert_eq!(world.told.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_digest_that_may_have_arrived_and_that_no_topic_hears_of_fails_the_task() {
    let mut world = World::normal(&["chat:write"]).await;
    world.failures = None;
    world.fake.set_faults(Faults {
        cut_done: 1.0,
        only: "chat.postMessage",
        ..Faults::default()
    });
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Ambiguous);
    let error = came.answer().unwrap_err();
    assert_eq!(
        error.code, "Slack.Ambiguous",
        "the workflow does not try this again to no end"
    );
    assert!(
        error.message.contains("no answer came, so it may have arrived"),
        "{}",
        error.message
    );
    assert_eq!(world.parts(), ["digest"]);
}

#[tokio::test]
async fn a_file_that_slack_fails_to_take_is_tried_again_and_doubles_nothing() {
    let world = World::normal(&ALL).await;
    world.fake.set_faults(Faults {
        fail: 1.0,
        only: "files.getUploadURLExternal",
        ..Faults::default()
    });
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Unfinished);
    let error = came.failed.unwrap();
    assert_eq!(error.code, "Slack.Unavailable");
    assert!(error.message.contains("upload the file"), "{}", error.message);
    world.fake.set_faults(Faults::default());
    let came = world.run(TO_CHANNEL).await;
    assert_eq!((came.failed, world.parts()), (None, expected().await));
}

/// What is refused is recorded without a call, told and said in the head: killed anywhere in between, it still is, once.
#[tokio::test]
async fn a_kill_while_files_are_refused_loses_no_word_of_it() {
    let refusing = || World::normal(&["chat:write", "channels:history"]);
    let world = refusing().await;
    let (_, calls) = world.once(TO_CHANNEL, End::never()).await;
    let expected = world.parts();
    let mut told_again = Vec::new();
    for call in 0..calls {
        for after in [false, true] {
            let world = refusing().await;
            let (came, _) = world.once(TO_CHANNEL, End::at(call, after)).await;
            assert!(came.is_none(), "it was to be killed at {call}");
            let came = world.to_the_end(TO_CHANNEL).await;
            let case = format!("killed at {call}, after: {after}");
            assert_eq!((came.failed, world.parts()), (None, expected.clone()), "{case}");
            let head = world.fake.messages()[0].blocks.to_string();
            assert_eq!(
                head.matches("Not everything is in this thread").count(),
                1,
                "{case}"
            );
            let told = world.told.lock().unwrap().len();
            told_again.extend((1..told).map(|_| case.clone()));
        }
    }
    // A topic hands on at least once: between publishing and recording nobody knows.
    assert_eq!(told_again.len(), 1, "{told_again:?}");
}

#[tokio::test]
async fn a_step_that_dies_after_it_published_publishes_again_under_the_same_run() {
    let mail = || async {
        let mut world = World::normal(&ALL).await;
        world.summary = Some(SUMMARY);
        world
    };
    let (_, calls) = mail().await.once(TO_SUMMARY, End::never()).await;
    let mut twice = 0;
    for call in 0..calls {
        let world = mail().await;
        world.once(TO_SUMMARY, End::at(call, false)).await;
        assert_eq!(world.to_the_end(TO_SUMMARY).await.failed, None);
        let told = world.told.lock().unwrap().clone();
        assert!((1..=2).contains(&told.len()), "killed at {call}: {told:?}");
        assert!(
            told.iter()
                .all(|(_, _, text)| text.ends_with(&format!("Run: {RUN}")))
        );
        twice += told.len() - 1;
    }
    assert_eq!(twice, 1, "only between publishing and recording");
}

#[tokio::test]
async fn a_step_whose_time_ends_goes_on_where_it_was() {
    let mut world = World::normal(&ALL).await;
    world.budget = Duration::from_secs(2);
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Unfinished);
    let error = came.failed.unwrap();
    assert_eq!(error.code, "Slack.RateLimited");
    assert!(
        error.message.contains("more than this run of the step may last"),
        "{}",
        error.message
    );
    let expected = expected().await;
    assert_eq!(world.parts(), expected[..2]);
    assert_eq!(world.to_the_end(TO_CHANNEL).await.failed, None);
    assert_eq!(world.parts(), expected);
}

#[tokio::test]
async fn a_claim_that_was_stored_too_late_makes_no_call() {
    let world = World::normal(&ALL).await;
    world.slow_claims(2);
    let came = world.run(TO_CHANNEL).await;
    assert_eq!((came.failed, world.parts()), (None, expected().await));
    let quick = World::normal(&ALL).await;
    quick.run(TO_CHANNEL).await;
    assert_eq!(world.fake.calls(), quick.fake.calls());
    let written = world.written().await;
    assert_eq!(written.matches("Notify.ClaimLate").count(), 2, "{written}");
}

#[tokio::test]
async fn a_digest_whose_blocks_are_refused_arrives_as_text() {
    let mut world = World::normal(&ALL).await;
    let too_long = json!([{"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}}]);
    world
        .change_digest(|digest| {
            digest["message"]["blocks"] = too_long.clone();
            digest["fallback"]["message"]["blocks"] = too_long;
        })
        .await;
    let came = world.run(TO_CHANNEL).await;
    assert_eq!((came.failed, world.parts()), (None, expected().await));
    let head = &world.fake.messages()[0];
    assert!(
        head.blocks.is_null() && head.text.contains("Compliance score"),
        "{head:?}"
    );
}

#[tokio::test]
async fn a_head_without_room_for_what_is_missing_says_that_something_is() {
    let short = "Not everything is in this thread";
    for (left, said) in [(short, true), ("", false)] {
        let mut world = World::normal(&["chat:write"]).await;
        world.change_digest(|digest| fill(digest, left)).await;
        let came = world.run(TO_CHANNEL).await;
        let failed: Vec<_> = came.delivery.routes[0].failed.keys().collect();
        assert_eq!(failed, ["file-chart.png", "file-report.pdf"]);
        assert_eq!(world.fake.refusals(), Vec::<String>::new());
        let head = world.fake.messages()[0].blocks.to_string();
        assert_eq!(head.contains(short), said, "{head}");
        assert!(!head.contains("file-report.pdf"), "{head}");
        let told = world.told.lock().unwrap().clone();
        assert!(told[0].2.contains("file-report.pdf: "), "{told:?}");
    }
}

/// A world where the step was killed as soon as the claim of the digest stood.
async fn claimed_and_killed() -> World {
    for call in 0.. {
        let world = World::normal(&ALL).await;
        world.once(TO_CHANNEL, End::at(call, true)).await;
        if world.written().await.contains("digest/001-intent.json") {
            return world;
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_nobody_wait_for_long() {
    let world = claimed_and_killed().await;
    world.time.set_back(Duration::from_secs(7_200));
    let began = world.time.since_epoch();
    let came = world.run(TO_CHANNEL).await;
    assert_eq!((came.failed, world.parts()), (None, expected().await));
    let lasted = world.time.since_epoch() - began;
    assert!(lasted < Duration::from_secs(60), "{lasted:?}");
}

/// What is under a head in a channel is no business of the webhook that the route leads to since.
#[tokio::test]
async fn a_route_that_led_to_a_channel_and_leads_to_a_webhook_is_told_once() {
    let world = World::normal(&["chat:write"]).await;
    world.run(TO_CHANNEL).await;
    let seen = world.fake.messages();
    assert!(seen[0].blocks.to_string().contains("Not everything"));
    let came = world.run(&TO_WEBHOOK.replace("\"hook\"", "\"all\"")).await;
    assert_eq!(
        (came.failed, came.delivery.routes[0].state),
        (None, RouteState::Delivered)
    );
    assert_eq!(world.fake.messages(), seen);
}

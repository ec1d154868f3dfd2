//! Each part arrives once and in order, whatever happens: faults of Slack, a kill between any two calls, two runs of the
//! step at once. Judged by what a reader of the channel sees in a strict fake of Slack.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use fake_slack::Faults;
use support::{ALL, End, TO_CHANNEL, TO_WEBHOOK, World};

/// The parts of a normal day's digest.
async fn expected() -> Vec<String> {
    let world = World::normal(&ALL).await;
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.failed, None);
    world.parts()
}

/// What every reader of the channel must be able to rely on.
fn check_readable(world: &World, case: &str) {
    assert_eq!(world.fake.refusals(), Vec::<String>::new(), "{case}: limits");
    // A new process knows nothing of the message before it, and is told to wait once.
    let violations = world.fake.rate_violations();
    assert!(
        violations <= u32::from(case.starts_with("killed")),
        "{case}: one message a second, {violations}"
    );
    let messages = world.fake.messages();
    let head = &messages[0].ts;
    for (index, message) in messages.iter().enumerate() {
        let under = (index > 0).then(|| head.clone());
        assert_eq!(
            message.thread_ts, under,
            "{case}: {index} in the thread of the digest"
        );
        assert_eq!(
            (message.unfurls, message.controls.as_slice()),
            (false, &[][..]),
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_digest_arrives_with_its_thread_and_its_report() {
    let world = World::normal(&ALL).await;
    let came = world.run(TO_CHANNEL).await;
    check_readable(&world, "calm");
    let parts = world.parts();
    assert_eq!(
        (parts[0].as_str(), parts.last().unwrap().as_str()),
        ("digest", "file-report.pdf")
    );
    let threads = parts.iter().filter(|part| part.starts_with("thread-")).count();
    assert_eq!(
        threads + 3,
        parts.len(),
        "digest, chart and report beside the thread's messages"
    );
    let shared: Vec<_> = world
        .fake
        .messages()
        .into_iter()
        .flat_map(|one| one.files)
        .collect();
    let told = |name: &str| {
        shared
            .iter()
            .find(|file| file.name == name)
            .unwrap()
            .alt_text
            .clone()
    };
    assert_eq!(told("chart.png").as_deref(), Some("What the chart shows"));
    assert_eq!(told("report.pdf"), None);
    let route = &came.delivery.routes[0];
    assert_eq!(
        (route.sent.len(), route.failed.len(), route.ambiguous.len()),
        (parts.len(), 0, 0)
    );
    assert_eq!(
        route.sent["digest"].as_deref(),
        Some(world.fake.messages()[0].ts.as_str())
    );

    let calls = world.fake.calls();
    let again = world.run(TO_CHANNEL).await;
    assert_eq!(again.failed, None);
    assert_eq!(
        world.fake.calls(),
        calls,
        "what is recorded as sent is not even asked about"
    );
    assert_eq!(again.delivery.routes, came.delivery.routes);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_slack_fails() {
    let expected = expected().await;
    for seed in 0..12 {
        let world = World::normal(&ALL).await;
        world.fake.set_faults(Faults {
            seed,
            rate: 0.3,
            fail: 0.05,
            fail_done: 0.05,
            hang: 0.02,
            cut_done: 0.05,
            cut: 0.03,
            ..Faults::default()
        });
        let came = world.to_the_end(TO_CHANNEL).await;
        let case = format!("seed {seed}");
        assert_eq!(came.failed, None, "{case}");
        assert_eq!(world.parts(), expected, "{case}");
        assert_eq!(came.delivery.counts(), (expected.len(), 0, 0), "{case}");
        check_readable(&world, &case);
    }
}

/// Without the scope to read the channel, what timed out after it was accepted cannot be looked for.
#[tokio::test]
async fn without_history_only_what_got_no_answer_is_ambiguous_and_nothing_is_doubled() {
    let expected = expected().await;
    let mut ambiguous = 0;
    for seed in 0..12 {
        for (share, quiet) in [(0.0, true), (0.1, false)] {
            let world = World::normal(&["chat:write", "files:write"]).await;
            world.fake.set_faults(Faults {
                seed,
                rate: 0.3,
                fail: 0.1,
                hang: share / 4.0,
                cut_done: share,
                ..Faults::default()
            });
            let came = world.to_the_end(TO_CHANNEL).await;
            let case = format!("seed {seed}, {share}");
            let route = &came.delivery.routes[0];
            assert!(route.failed.is_empty(), "{case}: {:?}", route.failed);
            assert!(
                !quiet || route.ambiguous.is_empty(),
                "{case}: 429 and 500 are no riddles"
            );
            let seen = world.parts();
            let in_order: Vec<_> = expected
                .iter()
                .filter(|part| seen.contains(part))
                .cloned()
                .collect();
            assert_eq!(seen, in_order, "{case}: each at most once, and in order");
            for part in &expected {
                let accounted = seen.contains(part) || route.ambiguous.contains_key("digest");
                assert!(accounted, "{case}: {part} is nowhere");
            }
            ambiguous += route.ambiguous.len();
            if !route.ambiguous.is_empty() {
                assert!(
                    world
                        .written()
                        .await
                        .replace(' ', "")
                        .contains("\"state\":\"ambiguous\""),
                    "{case}"
                );
                assert!(came.delivery.counts().2 > 0, "{case}");
            }
        }
    }
    assert!(ambiguous > 0, "no fault was met: this shows nothing");
}

#[tokio::test]
async fn a_kill_between_any_two_calls_loses_and_doubles_nothing() {
    let expected = expected().await;
    let world = World::normal(&ALL).await;
    let (_, calls) = world.once(TO_CHANNEL, End::never()).await;
    assert!(calls > 50, "{calls}");
    for call in 0..calls {
        for after in [false, true] {
            let world = World::normal(&ALL).await;
            let (came, _) = world.once(TO_CHANNEL, End::at(call, after)).await;
            assert!(came.is_none(), "it was to be killed at {call}");
            let came = world.to_the_end(TO_CHANNEL).await;
            let case = format!("killed {} call {call}", if after { "after" } else { "before" });
            assert_eq!(came.failed, None, "{case}");
            assert_eq!(world.parts(), expected, "{case}");
            check_readable(&world, &case);
        }
    }
}

#[tokio::test]
async fn kills_upon_kills_while_slack_fails() {
    let expected = expected().await;
    for seed in 0..6 {
        let world = World::normal(&ALL).await;
        world.fake.set_faults(Faults {
            seed,
            rate: 0.3,
            fail: 0.05,
            fail_done: 0.05,
            cut_done: 0.05,
            ..Faults::default()
        });
        for kill in 0..8 {
            let _ = world
                .once(
                    TO_CHANNEL,
                    End::at(7 + (seed * 13 + kill * 29) % 60, kill % 2 == 0),
                )
                .await;
        }
        let came = world.to_the_end(TO_CHANNEL).await;
        assert_eq!(
            (came.failed, world.parts()),
            (None, expected.clone()),
            "seed {seed}"
        );
    }
}

#[tokio::test]
async fn two_runs_at_once_send_each_part_once() {
    let expected = expected().await;
    for seed in 0..8 {
        let world = World::normal(&ALL).await;
        let share = if seed % 2 == 0 { 0.0 } else { 0.06 };
        world.fake.set_faults(Faults {
            seed,
            rate: share * 3.0,
            fail_done: share,
            cut_done: share,
            ..Faults::default()
        });
        let (one, two) = world.twice_at_once(TO_CHANNEL).await;
        assert_eq!((one.failed, two.failed), (None, None), "seed {seed}");
        assert_eq!(world.parts(), expected, "seed {seed}");
    }
}

#[tokio::test]
async fn a_webhook_gets_one_message_and_what_it_did_not_answer_is_not_repeated() {
    let mut ambiguous = 0;
    for seed in 0..20 {
        let world = World::normal(&ALL).await;
        world.fake.set_faults(Faults {
            seed,
            rate: 0.3,
            fail: 0.2,
            cut_done: 0.3,
            ..Faults::default()
        });
        let came = world.to_the_end(TO_WEBHOOK).await;
        let messages = world.fake.messages();
        assert_eq!(messages.len(), 1, "seed {seed}");
        assert!(messages[0].by_webhook && !messages[0].unfurls && messages[0].files.is_empty());
        assert!(
            messages[0]
                .blocks
                .to_string()
                .contains("https://reports.example.com/"),
            "links instead of files"
        );
        ambiguous += came.delivery.counts().2;
    }
    assert!(ambiguous > 0, "no fault was met: this shows nothing");
}

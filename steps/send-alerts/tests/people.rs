//! What people see of storms, flapping and failures, on every way.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use compliance::alerts::{OutboxEntry, Word};
use compliance::ports::PortErrorKind;
use fake_slack::Faults;
use support::*;

fn texts(world: &World) -> Vec<String> {
    let messages = world.fake.messages();
    messages.into_iter().map(|message| message.text).collect()
}

/// The storm's message, and what stands under it.
fn storm(world: &World) -> (fake_slack::Message, Vec<fake_slack::Message>) {
    let mut messages = world.fake.messages();
    let head = messages.remove(0);
    assert!(
        messages
            .iter()
            .all(|one| one.thread_ts.as_ref() == Some(&head.ts)),
        "one message in the channel"
    );
    (head, messages)
}

fn lines(messages: &[fake_slack::Message]) -> usize {
    let texts = messages.iter().map(|message| message.blocks.to_string());
    texts.map(|text| text.matches("• ").count()).sum()
}

#[tokio::test]
async fn two_hundred_openings_are_one_message_with_the_whole_list_under_it() {
    let world = World::new(&ALL, openings(200, FIRST));
    let came = world.to_the_end(ONCALL, FIRST).await;
    assert_eq!((came.failed, came.counts.sent, world.left().len()), (None, 1, 0));
    let (head, list) = storm(&world);
    assert!(
        head.text.starts_with("200 resources became noncompliant at once"),
        "{}",
        head.text
    );
    assert!(head.blocks.to_string().contains("and 195 more in the thread"));
    assert_eq!(lines(&list), 200);
    assert_eq!((world.fake.refusals(), world.fake.rate_violations()), (vec![], 0));

    let over = (0..120).map(|incident| entry(incident, SECOND, Word::Resolved, 1));
    world.put(over.collect());
    world.to_the_end(ONCALL, SECOND).await;
    world.put(vec![
        entry(5, THIRD, Word::Reopened, 2),
        entry(199, THIRD, Word::Resolved, 1),
    ]);
    world.to_the_end(ONCALL, THIRD).await;
    let (head, replies) = storm(&world);
    let progress = texts(&world);
    assert!(
        progress
            .iter()
            .any(|text| text.contains("120 of 200 incidents") && text.contains("120 with this"))
    );
    let last = progress.last().unwrap();
    assert!(
        last.contains("120 of 200 incidents") && last.ends_with("1 with this, 1 noncompliant again"),
        "{last}"
    );
    assert_eq!((lines(&replies), head.edits), (200 + 120 + 2, 2));
    assert!(head.text.contains("120 of 200 are over"), "{}", head.text);
    assert_eq!(world.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_storm_survives_faults_and_kills() {
    let all = || openings(40, FIRST);
    let calm = World::new(&ALL, all());
    calm.to_the_end(ONCALL, FIRST).await;
    let (_, calls) = World::new(&ALL, all()).once(ONCALL, FIRST, End::never()).await;
    for step in 0..12 {
        let world = World::new(&ALL, all());
        let kill = calls * step / 12;
        let _ = world.once(ONCALL, FIRST, End::at(kill, step % 2 == 0)).await;
        world.fake.set_faults(Faults {
            seed: step,
            rate: 0.3,
            fail: 0.1,
            cut_done: 0.05,
            ..Faults::default()
        });
        world.to_the_end(ONCALL, FIRST).await;
        assert_eq!(
            (texts(&world), world.left().len()),
            (texts(&calm), 0),
            "killed at {kill}"
        );
        storm(&world);
    }
}

#[tokio::test]
async fn as_many_as_the_threshold_are_no_storm() {
    let world = World::new(&ALL, openings(10, FIRST));
    world.to_the_end(ONCALL, FIRST).await;
    assert_eq!(world.seen().len(), 10);
    assert!(
        world
            .fake
            .messages()
            .iter()
            .all(|message| message.thread_ts.is_none())
    );
}

/// Several words about an incident in one window are its last state, with how often.
#[tokio::test]
async fn flapping_within_a_window_is_one_message() {
    let mut entries = vec![
        entry(0, FIRST, Word::Opened, 1),
        entry(0, FIRST, Word::Resolved, 1),
        entry(0, FIRST, Word::Reopened, 2),
        entry(0, FIRST, Word::Resolved, 2),
        entry(0, FIRST, Word::Reopened, 3),
        entry(1, FIRST, Word::Opened, 1),
        entry(1, FIRST, Word::Resolved, 1),
    ];
    // An outbox gives them by time, which two processes may see otherwise.
    entries.reverse();
    let world = World::new(&ALL, entries);
    world.to_the_end(ONCALL, FIRST).await;
    let texts = texts(&world);
    assert_eq!(texts.len(), 2, "{texts:?}");
    let flapping = texts.iter().find(|text| text.contains("sg-0")).unwrap();
    assert!(
        flapping.starts_with("Noncompliant again") && flapping.contains("the 3rd time"),
        "{flapping}"
    );
    let both = texts.iter().find(|text| text.contains("sg-1")).unwrap();
    assert!(
        both.starts_with("Resolved · High · restricted-ssh") && both.contains("Resolved after"),
        "{both}"
    );
    assert_eq!(world.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_webhook_has_no_thread_and_is_told_each_on_its_own() {
    let world = World::new(&ALL, openings(2, FIRST));
    world.to_the_end(HOOK, FIRST).await;
    world.put(vec![entry(0, SECOND, Word::Resolved, 1)]);
    world.to_the_end(HOOK, SECOND).await;
    world.put(
        (20..60)
            .map(|incident| entry(incident, THIRD, Word::Opened, 1))
            .collect(),
    );
    let came = world.to_the_end(HOOK, THIRD).await;
    assert_eq!(
        (came.failed, world.left().len(), world.told().len()),
        (None, 0, 0)
    );
    let messages = world.fake.messages();
    assert!(
        messages
            .iter()
            .all(|one| one.by_webhook && one.thread_ts.is_none() && one.edits == 0)
    );
    assert_eq!(messages.len(), 4);
    let whole = messages[2].blocks.to_string();
    assert!(
        whole.contains("Resolved after") && whole.contains("sg-0") && whole.contains("payments"),
        "{whole}"
    );
    let storm = messages[3].blocks.to_string();
    assert!(storm.contains("and 35 more in the event history"), "{storm}");
}

#[tokio::test]
async fn a_topic_gets_mails() {
    let world = World::new(&ALL, openings(1, FIRST));
    world.to_the_end(MAIL, FIRST).await;
    world.put(vec![entry(0, SECOND, Word::Resolved, 1)]);
    world.to_the_end(MAIL, SECOND).await;
    world.put(
        (20..60)
            .map(|incident| entry(incident, THIRD, Word::Opened, 1))
            .collect(),
    );
    world.to_the_end(MAIL, THIRD).await;
    world.put(vec![entry(20, THIRD, Word::Resolved, 1)]);
    world.to_the_end(MAIL, THIRD).await;
    let told = world.told();
    let subjects: Vec<&str> = told.iter().map(|(_, subject, _)| subject.as_str()).collect();
    let expected = [
        "Plumbline alert: noncompliant, high: restricted-ssh in payments (111122223333)",
        "Plumbline alert: resolved, high: restricted-ssh in payments (111122223333)",
        "Plumbline alert: 40 resources became noncompliant at once",
        "Plumbline alert: 1 of 40 incidents that opened at once are over: 1 with this",
    ];
    assert_eq!(subjects, expected);
    assert!(told[2].2.matches("\n- ").count() == 40, "{}", told[2].2);
    assert_eq!((world.left().len(), world.fake.messages().len()), (0, 0));
}

#[tokio::test]
async fn without_routes_that_take_alerts_the_summary_topic_is_told() {
    let mut world = World::new(&ALL, Vec::new());
    world.summary = Some(SUMMARY);
    let mut entries = openings(1, FIRST);
    entries[0].route = "summary".to_owned();
    world.put(entries);
    let came = world.run_route("summary", "", FIRST).await;
    assert_eq!((came.failed, came.counts.sent), (None, 1));
    assert_eq!(world.told()[0].0, SUMMARY);
}

#[tokio::test]
async fn a_route_that_is_gone_is_told_where_failures_are() {
    let no_alerts = ONCALL.replace("alerts = \"only\"", "alerts = \"no\"");
    for settings in ["", &no_alerts] {
        let mut world = World::new(&ALL, openings(2, FIRST));
        let came = world.to_the_end(settings, FIRST).await;
        let counts = came.counts;
        assert_eq!(
            (came.failed, counts.sent, counts.failed, counts.told),
            (None, 0, 2, 2)
        );
        assert_eq!((world.fake.messages().len(), world.left().len()), (0, 0));
        let (topic, subject, text) = &world.told()[0];
        assert_eq!(topic, FAILURES);
        assert!(
            subject.starts_with("Not delivered to oncall: Plumbline alert: noncompliant"),
            "{subject}"
        );
        assert!(
            text.contains("the settings have no route oncall") && text.contains("sg-0"),
            "{text}"
        );

        world.failures = None;
        world.put(vec![entry(7, SECOND, Word::Opened, 1)]);
        let lost = world.to_the_end(settings, SECOND).await.failed.unwrap();
        assert_eq!(lost.code, "Alerts.NoRoute");
        assert!(
            lost.message.contains("set delivery.fallback_topic"),
            "{}",
            lost.message
        );
        assert_eq!(world.left().len(), 1, "what nobody was told of stays");
    }
}

/// What Slack refuses is told elsewhere; what comes after it stands on its own, and everything else goes on.
#[tokio::test]
async fn what_slack_refuses_is_told_on_the_topic_for_failures() {
    let mut world = World::new(&ALL, openings(1, FIRST));
    let token = world
        .secrets
        .insert("token".to_owned(), "xoxb-secretpart-unknown".to_owned())
        .unwrap();
    let came = world.to_the_end(ONCALL, FIRST).await;
    assert_eq!((came.failed, came.counts.failed, came.counts.told), (None, 1, 1));
    let (topic, _, text) = world.told()[0].clone();
    assert!(
        topic == FAILURES && text.contains("invalid_auth") && text.contains("Inbound rule"),
        "{text}"
    );

    world.secrets.insert("token".to_owned(), token);
    world.put(vec![
        entry(0, SECOND, Word::Resolved, 1),
        entry(1, SECOND, Word::Opened, 1),
    ]);
    let came = world.to_the_end(ONCALL, SECOND).await;
    assert_eq!((came.failed, came.counts.sent), (None, 2));
    let messages = world.fake.messages();
    assert!(messages.iter().all(|message| message.thread_ts.is_none()));
    let whole = messages[1].blocks.to_string();
    assert!(
        whole.contains("Resolved after") && whole.contains("sg-0"),
        "{whole}"
    );
}

#[tokio::test]
async fn a_topic_for_failures_that_refuses_keeps_what_is_untold_and_stops_nothing_else() {
    let mut world = World::new(&ALL, openings(2, FIRST));
    world.secrets.remove("token");
    world.topics_fail = Some(PortErrorKind::AccessDenied);
    let failed = world.to_the_end(ONCALL, FIRST).await.failed.unwrap();
    assert_eq!(failed.code, "Secrets.NotFound");
    assert!(
        failed.message.contains("nor was the topic for failures told"),
        "{}",
        failed.message
    );
    assert_eq!(world.left().len(), 2);

    world.topics_fail = None;
    let came = world.to_the_end(ONCALL, FIRST).await;
    assert_eq!(
        (came.failed, world.told().len(), world.left().len()),
        (None, 2, 0)
    );
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_now_is_tried_again() {
    let mut world = World::new(&ALL, openings(1, FIRST));
    world.secrets_fail = Some(PortErrorKind::Unavailable);
    assert_eq!(
        world.run(ONCALL, FIRST).await.failed.unwrap().code,
        "Secrets.Unavailable"
    );
    world.secrets_fail = None;
    assert_eq!(world.run(ONCALL, FIRST).await.counts.sent, 1);
}

#[tokio::test]
async fn hostile_text_pings_nobody_and_links_nowhere() {
    let hostile = "<!channel> <@U123> <https://evil.example|x> *b* `c` :aws: \u{202e}\u{7}\n\"\\&";
    let change = |mut entry: OutboxEntry| {
        let alert = &mut entry.alert;
        for text in [
            &mut alert.key.rule,
            &mut alert.key.resource_id,
            &mut alert.key.resource_type,
            &mut alert.config_rule_name,
        ] {
            *text = hostile.repeat(9);
        }
        alert.annotation = Some(hostile.repeat(30));
        alert.account_name = Some(hostile.to_owned());
        alert.guidance = Some(hostile.repeat(100));
        entry
    };
    for number in [2, 30] {
        let world = World::new(&ALL, openings(number, FIRST).into_iter().map(change).collect());
        world.to_the_end(ONCALL, FIRST).await;
        world.put(vec![change(entry(0, SECOND, Word::Resolved, 1))]);
        let came = world.to_the_end(ONCALL, SECOND).await;
        assert_eq!(
            (came.failed, came.counts.sent, world.fake.refusals()),
            (None, 1, vec![])
        );
        for message in world.fake.messages() {
            assert_eq!((message.controls, message.unfurls), (vec![], false));
        }
    }
}

#[tokio::test]
async fn no_secret_is_written_down_or_told() {
    for settings in [ONCALL, HOOK] {
        let mut world = World::new(&["chat:write"], openings(2, FIRST));
        world.fake.set_faults(Faults {
            seed: 3,
            cut_done: 0.5,
            ..Faults::default()
        });
        world.to_the_end(settings, FIRST).await;
        world.fake.set_faults(Faults::default());
        world
            .secrets
            .insert("token".to_owned(), "xoxb-secretpart-revoked".to_owned());
        let gone = world.fake.webhook("/services/T0/B0/secretpart-gone");
        world.secrets.insert("webhook".to_owned(), gone);
        world.put(vec![entry(5, SECOND, Word::Opened, 1)]);
        world.to_the_end(settings, SECOND).await;
        let written = world.written().await;
        assert!(
            written.contains("-intent.json") && !written.contains("secretpart"),
            "{written}"
        );
        let told = format!("{:?}", world.told());
        assert!(
            told.contains("Not delivered") && !told.contains("secretpart"),
            "{told}"
        );
    }
}

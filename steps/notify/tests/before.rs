//! What a digest says of the delivery of the report before.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use compliance::delivery::record::{Outcome, RouteRecord, RouteState, RunDelivery};
use compliance::ports::{ObjectStore, PortErrorKind};
use fake_slack::Faults;
use support::*;

const NEXT: &str = "daily-20261122T090000Z-00";
const NEXT_FOLDER: &str = "daily/2026-11-22/daily-20261122T090000Z-00/";

/// The report after, in the same world.
async fn next_report(world: &mut World) {
    world.task = bundle(cards::normal(), NEXT, NEXT_FOLDER, Some(RUN), &world.reports).await;
    world.topics_fail = None;
    world.fake.set_faults(Faults::default());
}

/// The blocks of the head that the next report's digest has.
async fn next_head(world: &mut World) -> String {
    next_report(world).await;
    let came = world.to_the_end(TO_CHANNEL).await;
    assert_eq!(came.failed, None);
    assert_eq!(world.fake.refusals(), Vec::<String>::new());
    head_of(world, NEXT)
}

fn head_of(world: &World, run: &str) -> String {
    let is_head = |message: &&fake_slack::Message| {
        message.part.as_deref() == Some("digest") && message.metadata["event_payload"]["run_id"] == run
    };
    let messages = world.fake.messages();
    messages.iter().find(is_head).unwrap().blocks.to_string()
}

#[tokio::test]
async fn what_was_delivered_or_never_meant_for_anybody_is_not_worth_a_word() {
    for settings in [Some(TO_CHANNEL), Some(""), None] {
        let mut world = World::normal(&ALL).await;
        if let Some(settings) = settings {
            world.run(settings).await;
        }
        let head = next_head(&mut world).await;
        assert!(!head.contains("delivery before"), "{settings:?}: {head}");
    }
}

#[tokio::test]
async fn a_failure_that_nobody_was_told_of_is_said_with_its_reason() {
    let mut world = World::normal(&ALL).await;
    world.topics_fail = Some(PortErrorKind::AccessDenied);
    world.run(&TO_CHANNEL.replace(CHANNEL, "C0NOTTHERE")).await;
    let head = next_head(&mut world).await;
    assert!(
        head.contains("The delivery before to all (Slack channel C0NOTTHERE) failed: Slack refused to post"),
        "{head}"
    );
    assert!(
        head.contains("the topic for failures was not told either"),
        "{head}"
    );
}

#[tokio::test]
async fn what_may_not_have_arrived_is_said() {
    let mut world = World::normal(&["chat:write", "files:write"]).await;
    world.fake.set_faults(Faults {
        cut: 1.0,
        only: "chat.postMessage",
        ..Faults::default()
    });
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Ambiguous);
    let head = next_head(&mut world).await;
    assert!(
        head.contains("The delivery before to all (Slack channel C00000001) may not have arrived"),
        "{head}"
    );
    assert!(head.contains("; the topic for failures was told"), "{head}");
}

#[tokio::test]
async fn what_came_to_no_end_is_said() {
    // Slack failed to the last.
    let mut world = World::normal(&ALL).await;
    world.fake.set_faults(Faults {
        fail: 1.0,
        ..Faults::default()
    });
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Unfinished);
    let head = next_head(&mut world).await;
    assert!(
        head.contains("The delivery before to all (Slack channel C00000001) did not come to its end."),
        "{head}"
    );

    // The step was killed, and never entered again.
    let mut world = World::normal(&ALL).await;
    let (came, _) = world.once(TO_CHANNEL, End::at(20, true)).await;
    assert!(came.is_none());
    let head = next_head(&mut world).await;
    assert!(
        head.contains(&format!("The delivery before ({RUN}) did not come to its end.")),
        "{head}"
    );
}

#[tokio::test]
async fn of_many_routes_that_failed_three_are_named() {
    let mut world = World::normal(&ALL).await;
    let nowhere = TO_CHANNEL.replace(CHANNEL, "C0NOTTHERE");
    let settings: String = (1..=5)
        .map(|number| nowhere.replace("\"all\"", &format!("\"team-{number}\"")))
        .collect();
    world.run(&settings).await;
    let head = next_head(&mut world).await;
    assert_eq!(head.matches("The delivery before to team-").count(), 3, "{head}");
    assert!(
        head.contains(&format!(
            "2 more routes did not get everything; see the record of {RUN}."
        )),
        "{head}"
    );
}

#[tokio::test]
async fn a_record_that_is_damaged_is_said_and_holds_up_nothing() {
    let mut world = World::normal(&ALL).await;
    let key = format!("deliveries/{RUN}/outcome-001.json");
    world.records.put_new(&key, b"{").await.unwrap();
    let head = next_head(&mut world).await;
    assert!(
        head.contains(&format!(
            "The record of the delivery before ({RUN}) cannot be read."
        )),
        "{head}"
    );
}

#[tokio::test]
async fn what_the_head_has_no_room_for_is_the_first_word_under_it() {
    for (simulation, title) in [
        (Some("a simulation"), "SIMULATED · To be said with it"),
        (None, "To be said with it"),
    ] {
        let mut world = World::normal(&ALL).await;
        world.run(&TO_CHANNEL.replace(CHANNEL, "C0NOTTHERE")).await;
        next_report(&mut world).await;
        world
            .change_digest(|digest| {
                digest["simulation"] = simulation.into();
                fill(digest, "");
            })
            .await;
        let came = world.run(TO_CHANNEL).await;
        assert_eq!((came.failed, world.fake.refusals()), (None, Vec::new()));
        assert_eq!(world.parts()[..2], ["digest", "notice"]);
        assert!(!head_of(&world, NEXT).contains("delivery before"));
        let notice = &world.fake.messages()[1];
        assert!(
            notice.text.starts_with(title)
                && notice.blocks.to_string().contains("The delivery before to all"),
            "{notice:?}"
        );
    }
}

#[tokio::test]
async fn a_route_is_not_taken_for_a_summary_whatever_its_name() {
    let mut world = World::normal(&ALL).await;
    let route = TO_CHANNEL.replace("\"all\"", "\"outcome-team\"");
    let came = world.run(&route).await;
    assert!(
        came.reference.key.ends_with("/outcome-001.json"),
        "{}",
        came.reference.key
    );
    let head = next_head(&mut world).await;
    assert!(!head.contains("delivery before"), "{head}");
}

/// Somebody may run the same command every few minutes for weeks.
#[tokio::test]
async fn a_thousand_attempts_and_summaries_are_told_apart() {
    let world = World::normal(&ALL).await;
    for number in 1..=999 {
        let key = format!("deliveries/{RUN}/outcome-{number:03}.json");
        world.records.put_new(&key, b"{}").await.unwrap();
    }
    world.run("").await;
    let came = world.run(TO_CHANNEL).await;
    let newest = RunDelivery::newest(RUN, &*world.records).await.unwrap();
    assert_eq!(newest, Some(came.delivery));

    let record = RouteRecord::new(&*world.records, RUN, "route");
    for attempt in [999, 1_000] {
        let outcome = Outcome::NotSent {
            code: format!("attempt {attempt}"),
        };
        record.conclude("part", attempt, &outcome).await.unwrap();
        let known = record.part("part").await.unwrap();
        assert_eq!((known.attempt, known.outcome), (attempt, Some(outcome)));
    }
}

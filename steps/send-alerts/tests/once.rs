//! Each message arrives once and stands where it belongs, whatever happens: faults of Slack, a kill between any two calls,
//! two runs of the step at once, a sweep beside them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use compliance::alerts::{OutboxEntry, Word};
use fake_slack::Faults;
use support::*;

/// Three incidents; of the second window, the end of one, another time of one, and a new one.
fn two_windows() -> Vec<OutboxEntry> {
    let mut entries = openings(3, FIRST);
    entries.push(entry(0, SECOND, Word::Resolved, 1));
    entries.push(entry(1, SECOND, Word::Resolved, 1));
    entries.push(entry(1, SECOND, Word::Reopened, 2));
    entries.push(entry(9, SECOND, Word::Opened, 1));
    entries
}

/// What a reader sees of a message: its part, the part it stands under, how often it was changed.
fn seen(world: &World) -> Vec<(String, Option<String>, bool)> {
    let messages = world.fake.messages();
    let name = |ts: &str| {
        messages
            .iter()
            .find(|one| one.ts == ts)
            .unwrap()
            .part
            .clone()
            .unwrap()
    };
    let row = |message: &fake_slack::Message| {
        (
            message.part.clone().unwrap(),
            message.thread_ts.as_deref().map(name),
            message.edits > 0,
        )
    };
    messages.iter().map(row).collect()
}

fn expected() -> Vec<(String, Option<String>, bool)> {
    let head = |incident: usize| format!("{FIRST}/001-opened-{incident:016x}");
    let mut rows: Vec<_> = (0..3)
        .map(|incident| (head(incident), None, incident < 2))
        .collect();
    rows.push((format!("{SECOND}/001-opened-{:016x}", 9), None, false));
    rows.push((format!("{SECOND}/001-resolved-{:016x}", 0), Some(head(0)), false));
    rows.push((format!("{SECOND}/001-again-{:016x}", 1), Some(head(1)), false));
    rows
}

fn check_whole(world: &World, case: &str) {
    assert_eq!(world.fake.refusals(), Vec::<String>::new(), "{case}: limits");
    assert_eq!(seen(world), expected(), "{case}");
    assert_eq!(world.left(), Vec::<String>::new(), "{case}: the outbox");
    assert_eq!(world.told(), [], "{case}: nothing failed");
}

/// The same in any order in the channel, and of plans: what waits for nothing may be told before what a killed run left.
fn check_sorted(world: &World, case: &str) {
    let sorted = |mut rows: Vec<(String, Option<String>, bool)>| {
        for (name, _, _) in &mut rows {
            name.replace_range(FIRST.len() + 1..FIRST.len() + 4, "NNN");
        }
        rows.sort();
        rows
    };
    assert_eq!(sorted(seen(world)), sorted(expected()), "{case}");
    assert_eq!((world.left().len(), world.told()), (0, vec![]), "{case}");
}

fn faults(seed: u64) -> Faults {
    Faults {
        seed,
        rate: 0.3,
        fail: 0.1,
        fail_done: 0.03,
        hang: 0.02,
        cut_done: 0.05,
        cut: 0.03,
        ..Faults::default()
    }
}

async fn both(world: &World) {
    for window in [FIRST, SECOND] {
        let came = world.to_the_end(ONCALL, window).await;
        assert_eq!(came.failed, None);
    }
}

#[tokio::test]
async fn what_came_after_stands_under_what_came_before() {
    let world = World::new(&ALL, two_windows());
    let first = world.run(ONCALL, FIRST).await;
    assert_eq!((first.failed, first.counts.sent), (None, 3));
    let second = world.run(ONCALL, SECOND).await;
    assert_eq!(
        (second.failed, second.counts.sent, second.counts.delays.len()),
        (None, 3, 3)
    );
    check_whole(&world, "calm");
    let messages = world.fake.messages();
    assert!(messages[0].blocks.to_string().contains("Resolved after 2 min"));
    assert!(
        messages[1]
            .text
            .contains("the 2nd time since 2026-11-21 08:50 UTC"),
        "{}",
        messages[1].text
    );
    assert!(
        !messages
            .iter()
            .any(|message| message.unfurls || !message.controls.is_empty())
    );
    let calls = world.fake.calls();
    for window in [FIRST, SECOND] {
        let again = world.run(ONCALL, window).await;
        assert_eq!((again.failed, again.counts.sent), (None, 0));
    }
    assert_eq!(
        world.fake.calls(),
        calls,
        "a sweep after everything asks Slack nothing"
    );
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_slack_fails() {
    for seed in 0..12 {
        let world = World::new(&ALL, two_windows());
        world.fake.set_faults(faults(seed));
        both(&world).await;
        check_whole(&world, &format!("seed {seed}"));
    }
}

#[tokio::test]
async fn a_kill_between_any_two_calls_loses_and_doubles_nothing() {
    for window in [FIRST, SECOND] {
        let prepared = || async {
            let world = World::new(&ALL, two_windows());
            if window == SECOND {
                world.to_the_end(ONCALL, FIRST).await;
            }
            world
        };
        let (_, calls) = prepared().await.once(ONCALL, window, End::never()).await;
        assert!(calls > 20, "{calls}");
        for call in 0..calls {
            for after in [false, true] {
                let world = prepared().await;
                let (came, _) = world.once(ONCALL, window, End::at(call, after)).await;
                assert!(came.is_none(), "it was to be killed at {call}");
                both(&world).await;
                check_whole(&world, &format!("{window}: killed at {call}, {after}"));
            }
        }
    }
}

#[tokio::test]
async fn kills_upon_kills_while_slack_fails() {
    for seed in 0..6 {
        let world = World::new(&ALL, two_windows());
        world.fake.set_faults(faults(seed));
        for kill in 0..8 {
            let window = if kill < 4 { FIRST } else { SECOND };
            let _ = world
                .once(
                    ONCALL,
                    window,
                    End::at(5 + (seed * 13 + kill * 29) % 50, kill % 2 == 0),
                )
                .await;
        }
        both(&world).await;
        check_sorted(&world, &format!("seed {seed}"));
    }
}

/// Two executions of each window and a sweep, all at once: the second window waits for the first by itself.
#[tokio::test]
async fn runs_at_once_send_each_message_once() {
    for seed in 0..8 {
        let world = World::new(&ALL, two_windows());
        if seed % 2 == 1 {
            world.fake.set_faults(faults(seed));
        }
        let run = |window| world.to_the_end(ONCALL, window);
        let (one, two, three, four, sweep) =
            tokio::join!(run(SECOND), run(FIRST), run(FIRST), run(SECOND), run(FIRST));
        for came in [one, two, three, four, sweep] {
            assert_eq!(came.failed, None, "seed {seed}");
        }
        check_sorted(&world, &format!("seed {seed}"));
    }
}

#[tokio::test]
async fn a_later_window_waits_for_what_is_earlier() {
    let world = World::new(&ALL, two_windows());
    let early = world.run(ONCALL, SECOND).await;
    assert_eq!(early.failed.unwrap().code, "Alerts.HeadPending");
    assert_eq!(
        world.seen(),
        [format!("001-opened-{:016x}", 9)],
        "what waits for nothing is told"
    );
    both(&world).await;
    let replies: Vec<_> = world
        .fake
        .messages()
        .into_iter()
        .filter(|one| one.thread_ts.is_some())
        .collect();
    assert_eq!(replies.len(), 2, "under what was told in the first window");
    assert_eq!(world.left(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_stored_late_is_in_a_plan_of_its_own() {
    let world = World::new(&ALL, openings(1, FIRST));
    world.to_the_end(ONCALL, FIRST).await;
    world.put(vec![
        entry(0, FIRST, Word::Resolved, 1),
        entry(5, FIRST, Word::Opened, 1),
    ]);
    world.to_the_end(ONCALL, FIRST).await;
    let names = [
        format!("001-opened-{:016x}", 0),
        format!("002-opened-{:016x}", 5),
        format!("002-resolved-{:016x}", 0),
    ];
    assert_eq!((world.seen(), world.left().len()), (names.to_vec(), 0));
}

/// Without the scope to read the channel, what got no answer cannot be looked for: it is told as such, never sent twice.
#[tokio::test]
async fn what_nobody_knows_of_is_told_on_the_topic_for_failures() {
    let mut ambiguous = 0;
    for seed in 0..12 {
        let world = World::new(&["chat:write"], two_windows());
        world.fake.set_faults(Faults {
            // Slack saying that it failed is asked again, as its own clients do.
            fail_done: 0.0,
            cut_done: 0.2,
            ..faults(seed)
        });
        both(&world).await;
        let mut seen = world.seen();
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(
            (seen.len(), world.left().len()),
            (all, 0),
            "seed {seed}: none twice"
        );
        let told = world.told();
        for (topic, _, text) in &told {
            assert_eq!(topic, FAILURES);
            assert!(
                text.contains("no answer came, so it may have arrived") && text.contains("restricted-ssh"),
                "{text}"
            );
        }
        assert!(
            all + told.len() >= 6,
            "seed {seed}: every message is accounted for"
        );
        ambiguous += told.len();
    }
    assert!(ambiguous > 0, "no fault was met: this shows nothing");
}

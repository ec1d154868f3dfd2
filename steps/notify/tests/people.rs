//! Who is told what: routes and their filters, refusals and what is told instead, the next digest, and what nobody ever
//! sees: a token, a webhook's URL, a ping.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use compliance::catalogue::Severity;
use compliance::delivery::record::{Fallback, RouteState, RunDelivery};
use compliance::ports::PortErrorKind;
use compliance::scorecard::Cause;
use fake_slack::{Faults, Workspace};
use support::*;

fn texts(world: &World) -> String {
    let messages = world.fake.messages();
    messages
        .iter()
        .map(|message| format!("{}\n{}\n", message.text, message.blocks))
        .collect()
}

#[tokio::test]
async fn what_slack_refuses_for_good_is_told_to_the_topic_once_and_in_the_next_digest() {
    let revoked = || {
        let mut workspace = workspace(&ALL);
        workspace.tokens.get_mut(TOKEN).unwrap().error = Some("token_revoked");
        workspace
    };
    let archived = || Workspace {
        channels: [(CHANNEL.to_owned(), true)].into(),
        ..workspace(&ALL)
    };
    let outside = || {
        let mut workspace = workspace(&ALL);
        workspace.tokens.get_mut(TOKEN).unwrap().channels.clear();
        workspace
    };
    for (served, reason, remedy) in [
        (revoked(), "token_revoked", "make a new bot token"),
        (archived(), "is_archived", "unarchive the channel"),
        (outside(), "not_in_channel", "invite the bot"),
        (
            Workspace {
                channels: [].into(),
                ..workspace(&ALL)
            },
            "channel_not_found",
            "slack_channel",
        ),
        (
            workspace(&["files:write"]),
            "missing_scope",
            "the scope chat:write",
        ),
    ] {
        let world = World::new(cards::normal(), served).await;
        let came = world.run(TO_CHANNEL).await;
        let route = &came.delivery.routes[0];
        assert_eq!(
            (came.failed.clone(), route.state),
            (None, RouteState::Failed),
            "{reason}"
        );
        assert_eq!(route.failed["digest"].code, "Slack.Permanent");
        assert_eq!(
            route.fallback,
            Some(Fallback::Sent {
                topic: FAILURES.to_owned()
            })
        );
        assert_eq!(world.parts(), Vec::<String>::new());
        world.run(TO_CHANNEL).await;
        let told = world.told.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{reason}: once, however often the step is entered");
        let (topic, subject, text) = &told[0];
        assert_eq!(
            (topic.as_str(), subject.starts_with("Not delivered to all: ")),
            (FAILURES, true)
        );
        assert!(text.contains(reason) && text.contains(remedy), "{text}");
        assert!(text.contains("Compliance score") && text.contains(RUN), "{text}");
    }
}

#[tokio::test]
async fn the_next_digest_says_what_was_not_delivered() {
    let mut world = World::new(cards::normal(), workspace(&ALL)).await;
    let nowhere = TO_CHANNEL.replace(CHANNEL, "C0NOTTHERE");
    assert_eq!(
        world.run(&nowhere).await.delivery.routes[0].state,
        RouteState::Failed
    );
    let (run, folder) = (
        "daily-20261122T090000Z-00",
        "daily/2026-11-22/daily-20261122T090000Z-00/",
    );
    world.task = bundle(cards::normal(), run, folder, Some(RUN), &world.reports).await;
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(came.failed, None);
    let head = world.fake.messages()[0].blocks.to_string();
    assert!(
        head.contains("The delivery before to all (Slack channel C0NOTTHERE) failed"),
        "{head}"
    );
    assert!(head.contains("the topic for failures was told"), "{head}");
    assert_eq!(world.fake.refusals(), Vec::<String>::new());
}

#[tokio::test]
async fn a_failure_that_no_topic_hears_of_fails_the_task() {
    let nowhere = TO_CHANNEL.replace(CHANNEL, "C0NOTTHERE");
    let mut world = World::normal(&ALL).await;
    world.failures = None;
    let error = world.run(&nowhere).await.failed.unwrap();
    assert_eq!(error.code, "Slack.Permanent");
    assert!(
        error.message.contains("channel_not_found") && error.message.contains("fallback_topic"),
        "{}",
        error.message
    );
    let mut world = World::normal(&ALL).await;
    world.topics_fail = Some(PortErrorKind::AccessDenied);
    assert_eq!(world.run(&nowhere).await.failed.unwrap().code, "Slack.Permanent");
    // A cause that was mended is seen when the step is entered again, in the place where it was.
    let came = world.run(TO_CHANNEL).await;
    assert_eq!((came.failed, world.parts()[0].as_str()), (None, "digest"));
}

#[tokio::test]
async fn a_report_that_cannot_be_attached_leaves_the_rest_and_the_digest_says_so() {
    let mut served = workspace(&["chat:write", "channels:history"]);
    served.tokens.insert("xoxb-secretpart-2".to_owned(), token(&ALL));
    let mut world = World::new(cards::normal(), served).await;
    let came = world.run(TO_CHANNEL).await;
    let route = &came.delivery.routes[0];
    assert_eq!(route.state, RouteState::Failed);
    let failed: Vec<_> = route.failed.keys().collect();
    assert_eq!(failed, ["file-chart.png", "file-report.pdf"]);
    let head = &world.fake.messages()[0];
    assert_eq!(head.edits, 1, "the digest was amended");
    assert!(
        head.blocks.to_string().contains("the scope files:write"),
        "{}",
        head.blocks
    );
    assert!(world.parts().len() > 3 && world.told.lock().unwrap().len() == 1);

    // Mended: the report arrives, and the digest no longer says that it is missing.
    world
        .secrets
        .insert("token".to_owned(), "xoxb-secretpart-2".to_owned());
    let came = world.run(TO_CHANNEL).await;
    assert_eq!(
        (came.failed, came.delivery.routes[0].state),
        (None, RouteState::Delivered)
    );
    assert_eq!(world.parts().last().unwrap(), "file-report.pdf");
    let head = &world.fake.messages()[0];
    assert!(
        !head.blocks.to_string().contains("Not everything"),
        "{}",
        head.blocks
    );
    let edits = head.edits;
    world.run(TO_CHANNEL).await;
    assert_eq!(world.fake.messages()[0].edits, edits);
}

#[tokio::test]
async fn a_workspace_without_charts_gets_classic_blocks() {
    let world = World::new(
        cards::normal(),
        Workspace {
            old: true,
            ..workspace(&ALL)
        },
    )
    .await;
    let came = world.run(TO_CHANNEL).await;
    assert_eq!((came.failed, came.delivery.counts().1), (None, 0));
    let told = texts(&world);
    assert!(!told.contains("data_visualization") && !told.contains("data_table"));
    assert!(
        world
            .fake
            .refusals()
            .iter()
            .all(|one| one.contains("unsupported type")),
        "{:?}",
        world.fake.refusals()
    );
}

#[tokio::test]
async fn a_route_hears_of_what_concerns_it_and_of_nothing_else() {
    let (scorecard, mut lists) = cards::normal();
    lists.new = vec![
        cards::pair(
            0,
            "s3-bucket-public-read-prohibited",
            Some(Severity::Critical),
            Cause::TurnedNoncompliant,
        ),
        cards::pair(
            1,
            "restricted-ssh",
            Some(Severity::Low),
            Cause::TurnedNoncompliant,
        ),
    ];
    (lists.resolved, lists.vanished, lists.noncompliant) = (Vec::new(), Vec::new(), lists.new.clone());
    let route = |filter: &str| TO_CHANNEL.replace("to =", &format!("{filter}\nto ="));
    let told = async |settings: String| {
        let world = World::new((scorecard.clone(), lists.clone()), workspace(&ALL)).await;
        let came = world.run(&settings).await;
        assert_eq!(came.failed, None);
        assert_eq!(world.fake.refusals(), Vec::<String>::new());
        (came.delivery.routes[0].state, world.parts(), texts(&world))
    };
    let (state, parts, text) = told(route("severity = \"high\"")).await;
    assert_eq!(state, RouteState::Delivered);
    assert!(
        text.contains("bucket-00000") && !text.contains("bucket-00001"),
        "{text}"
    );
    assert!(text.contains(
        "What concerns this channel (severity high and above): 1 new, 0 resolved, 0 vanished, 1 noncompliant"
    ));
    assert!(
        !parts.contains(&"file-report.pdf".to_owned()),
        "the whole report is behind the link"
    );
    let (state, parts, _) = told(route("accounts = [\"999999999999\"]")).await;
    assert_eq!((state, parts.len()), (RouteState::NothingToTell, 0));
    let (_, _, text) = told(route("rules = [\"restricted-*\"]")).await;
    assert!(text.contains("bucket-00001") && !text.contains("bucket-00000"));
    let (_, _, text) = told(TO_CHANNEL.to_owned()).await;
    assert!(text.contains("bucket-00001") && text.contains("bucket-00000"));
}

#[tokio::test]
async fn a_narrowed_webhook_and_a_narrowed_topic_hear_of_their_rows_only() {
    let (scorecard, mut lists) = cards::normal();
    let row = |index: usize, rule: &str| cards::pair(index, rule, None, Cause::TurnedNoncompliant);
    lists.new = (0..40).map(|index| row(index, "restricted-ssh")).collect();
    lists.new.push(row(40, "another-rule"));
    lists.resolved = (41..61).map(|index| row(index, "restricted-ssh")).collect();
    lists.vanished = vec![row(61, "restricted-ssh")];
    lists.noncompliant = lists.new.clone();
    // A name that people chose may hold anything.
    lists.new[0].key.resource_id = "b\u{202e}\nnew".to_owned();
    let narrowed = |route: &str| route.replace("to =", "rules = [\"restricted-ssh\"]\nto =");
    let to_topic = format!("[[delivery.routes]]\nname = \"mail\"\nto = {{ sns_topic = \"{SUMMARY}\" }}\n");
    let world = World::new((scorecard, lists), workspace(&ALL)).await;
    let settings = narrowed(&format!("{TO_WEBHOOK}{to_topic}"));
    let came = world.run(&settings).await;
    assert_eq!((came.failed, world.fake.refusals()), (None, Vec::new()));

    let counts = "(rule restricted-ssh): 40 new, 20 resolved, 1 vanished, 40 noncompliant in all";
    let messages = world.fake.messages();
    assert_eq!(messages.len(), 1);
    let shown = messages[0].blocks.to_string();
    assert!(messages[0].by_webhook && shown.contains(counts), "{shown}");

    let told = world.told.lock().unwrap().clone();
    let (topic, _, text) = &told[0];
    assert_eq!((told.len(), topic.as_str()), (1, SUMMARY));
    assert!(text.contains(counts) && !text.contains("another-rule"), "{text}");
    let count = |beginning: &str| text.lines().filter(|line| line.starts_with(beginning)).count();
    assert_eq!(
        (count("- new: "), count("- resolved: "), count("- vanished: ")),
        (40, 10, 0),
        "{text}"
    );
    assert!(text.contains("\nand 11 more in the report\n"), "{text}");
    let line = "- new: restricted-ssh 111100000001 us-east-1 AWS::S3::Bucket bucket-00001";
    assert!(text.lines().any(|one| one == line), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[tokio::test]
async fn several_routes_are_told_and_one_that_fails_holds_up_no_other() {
    let world = World::normal(&ALL).await;
    let second = TO_CHANNEL
        .replace("\"all\"", "\"second\"")
        .replace(CHANNEL, OTHER);
    let lost = TO_CHANNEL
        .replace("\"all\"", "\"lost\"")
        .replace("secret:token", "secret:gone");
    let same = TO_CHANNEL.replace("\"all\"", "\"same\"");
    let came = world.run(&format!("{TO_CHANNEL}{lost}{second}{same}")).await;
    assert_eq!(came.failed, None);
    let states: Vec<_> = came
        .delivery
        .routes
        .iter()
        .map(|one| (one.route.as_str(), one.state))
        .collect();
    let delivered = RouteState::Delivered;
    assert_eq!(
        states,
        [
            ("all", delivered),
            ("lost", RouteState::Failed),
            ("second", delivered),
            ("same", delivered)
        ]
    );
    assert_eq!(came.delivery.routes[1].failed["digest"].code, "Secrets.NotFound");
    let messages = world.fake.messages();
    let in_channel = |channel: &str| messages.iter().filter(|one| one.channel == channel).count();
    assert_eq!(in_channel(CHANNEL), 2 * in_channel(OTHER));
    assert_eq!(
        world.fake.rate_violations(),
        0,
        "two routes to one channel share its rate"
    );
}

#[tokio::test]
async fn a_topic_gets_the_summary_as_plain_text() {
    let mut world = World::normal(&ALL).await;
    world.summary = Some(SUMMARY);
    let settings = "report.link = \"https://reports.example.com/{run_id}\"\n";
    let came = world.run(settings).await;
    assert_eq!(
        (came.failed, came.delivery.routes[0].route.as_str()),
        (None, "summary")
    );
    world.run(settings).await;
    let told = world.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    let (topic, subject, text) = &told[0];
    assert_eq!(
        (topic.as_str(), subject.as_str()),
        (
            SUMMARY,
            "SIMULATED: Plumbline daily compliance report of 2026-11-21"
        )
    );
    assert!(
        text.contains(&format!("Report: https://reports.example.com/{RUN}")),
        "{text}"
    );
    assert!(!text.contains("&amp;") && !text.contains("&lt;"), "{text}");

    let mut world = World::normal(&ALL).await;
    world.summary = Some(SUMMARY);
    world
        .change_digest(|digest| digest["simulation"] = serde_json::Value::Null)
        .await;
    world.run("").await;
    let told = world.told.lock().unwrap().clone();
    assert_eq!(told[0].1, "Plumbline daily compliance report of 2026-11-21");
}

#[tokio::test]
async fn nobody_to_tell_is_recorded_and_is_no_error() {
    let world = World::normal(&ALL).await;
    let weekly = TO_CHANNEL.replace("to =", "kinds = [\"weekly\"]\nto =");
    for settings in ["", weekly.as_str()] {
        let came = world.run(settings).await;
        assert_eq!((came.failed, came.delivery.routes.len()), (None, 0));
        assert!(came.delivery.note.unwrap().starts_with("nobody is told: "));
    }
    let newest = RunDelivery::newest(RUN, &*world.records).await.unwrap().unwrap();
    assert!(newest.note.is_some() && world.fake.calls() == 0);
}

/// A refusal of each kind, a service that fails, and one that says nothing: what was written and told holds no secret.
#[tokio::test]
async fn no_secret_is_ever_written_told_or_shown() {
    let errors = [
        Err((404, "no_service")),
        Err((400, "xoxb-secretpart-1")),
        Ok(CHANNEL.to_owned()),
    ];
    for (number, webhook) in errors.into_iter().enumerate() {
        let mut workspace = workspace(&["chat:write"]);
        workspace.webhooks.insert(WEBHOOK.to_owned(), webhook);
        let mut world = World::new(cards::normal(), workspace).await;
        if number == 2 {
            world.fake.set_faults(Faults {
                seed: 1,
                cut: 0.3,
                fail: 0.3,
                cut_done: 0.2,
                ..Faults::default()
            });
        }
        world.failures = (number != 1).then_some(FAILURES);
        let came = world
            .once(&format!("{TO_CHANNEL}{TO_WEBHOOK}"), End::never())
            .await
            .0
            .unwrap();
        let told = world.told.lock().unwrap().clone();
        let all = format!("{came:?} {told:?} {} {}", world.written().await, texts(&world));
        assert!(!all.contains("secretpart"), "{number}: {all}");
    }
}

#[tokio::test]
async fn hostile_names_ping_nobody_and_forge_no_link() {
    let hostile = "<!channel> <@U1> <https://evil.example|click> *b* `c` @here &amp; \u{202e}x";
    let (mut scorecard, mut lists) = cards::normal();
    scorecard.title = hostile.to_owned();
    for account in &mut scorecard.accounts {
        account.name = Some(hostile.to_owned());
    }
    for row in lists
        .new
        .iter_mut()
        .chain(&mut lists.resolved)
        .chain(&mut lists.vanished)
        .chain(&mut lists.noncompliant)
    {
        row.account_name = Some(hostile.to_owned());
        row.key.resource_id = hostile.to_owned();
        row.key.rule = hostile.to_owned();
    }
    let filtered = TO_CHANNEL
        .replace("\"all\"", "\"some\"")
        .replace("to =", "organizational_units = [\"Root\"]\nto =");
    let mut world = World::new((scorecard, lists), workspace(&ALL)).await;
    world.summary = Some(SUMMARY);
    let came = world.run(&format!("{TO_CHANNEL}{filtered}{TO_WEBHOOK}")).await;
    assert_eq!((came.failed, world.fake.refusals()), (None, Vec::new()));
    for message in world.fake.messages() {
        assert_eq!(message.controls, Vec::<String>::new(), "{:?}", message.part);
    }
}

#[tokio::test]
async fn five_thousand_new_and_other_days_stay_within_the_limits() {
    for card in [
        cards::five_thousand(),
        cards::first_run(),
        cards::missing_coverage(),
        cards::nothing_new(),
    ] {
        let world = World::new(card, workspace(&ALL)).await;
        let filtered = TO_CHANNEL
            .replace("\"all\"", "\"some\"")
            .replace("to =", "severity = \"informational\"\nto =");
        let came = world.run(&format!("{TO_CHANNEL}{filtered}{TO_WEBHOOK}")).await;
        assert_eq!((came.failed, world.fake.refusals()), (None, Vec::new()));
        assert_eq!(came.delivery.counts().1, 0);
    }
}

#[tokio::test]
async fn the_function_is_wired_from_adapters_and_keeps_secrets_in_secrets_manager_only() {
    let world = World::normal(&ALL).await;
    let secrets = local::MemorySecrets::new([(
        "token".to_owned(),
        compliance::secret::Secret::new(TOKEN.to_owned()),
    )]);
    let names = std::sync::Mutex::new(Vec::new());
    let ports = notify::Wired {
        reports: &*world.reports,
        records: &*world.records,
        chat: &*world.slack,
        secrets: &secrets,
        time: &world.time,
        topic: |arn: &str| {
            names.lock().unwrap().push(arn.to_owned());
            local::MemoryNotifier::default()
        },
        summary_topic: Some(SUMMARY.to_owned()),
        failure_topic: Some(FAILURES.to_owned()),
        who: "the function".to_owned(),
    };
    let budget = std::time::Duration::from_secs(840);
    let run = async |text: &str| {
        let settings = notify::task::settings(Some(text.as_bytes())).unwrap();
        notify::task::run(&world.task, &settings, &ports, budget)
            .await
            .unwrap()
    };
    let here = run(&TO_CHANNEL.replace("secret:token", "file:/run/token")).await;
    let failure = &here.delivery.routes[0].failed["digest"];
    assert_eq!(failure.code, "Secrets.InvalidRequest");
    assert!(
        failure.message.contains("write secret:NAME"),
        "{}",
        failure.message
    );
    assert_eq!(*names.lock().unwrap(), [FAILURES]);
    let came = run(TO_CHANNEL).await;
    assert_eq!(came.delivery.routes[0].state, RouteState::Delivered);
    let notified = came.answer().unwrap();
    assert_eq!(
        (notified.sent as usize, notified.failed),
        (world.parts().len(), 0)
    );

    let bad = notify::task::settings(Some(b"[delivery]\nroute = 1\n")).unwrap_err();
    assert_eq!(bad.code, "Notify.BadSettings");
    assert!(bad.message.contains("line 2"), "{}", bad.message);
    assert!(notify::task::settings(Some(b"\xff")).is_err() && notify::task::settings(None).is_ok());
}

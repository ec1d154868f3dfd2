//! Slack's limits, held against the JSON by a checker that shares nothing with the builders, for any input.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/walker.rs"]
mod walker;

use compliance::scorecard::{Lists, Scorecard};
use proptest::prelude::*;
use serde_json::Value;
use slack_blocks::digest::{concerning, notice};
use slack_blocks::{Digest, digest, to_terminal};
use walker::{check_block, check_message, hostile, list};

fn check_digest(digest: &Digest) -> Value {
    let json = serde_json::to_value(digest).unwrap();
    let simulated = digest.simulation.is_some();
    let classic = ["header", "section", "context", "divider", "actions"];
    for message in [&json["message"]].into_iter().chain(list(&json["thread"])) {
        check_message(message, simulated);
    }
    for message in [&json["fallback"]["message"]]
        .into_iter()
        .chain(list(&json["fallback"]["thread"]))
    {
        check_message(message, simulated);
        assert!(
            list(&message["blocks"])
                .iter()
                .all(|block| classic.contains(&block["type"].as_str().unwrap()))
        );
    }
    assert_eq!(
        list(&json["thread"]).len(),
        list(&json["fallback"]["thread"]).len()
    );
    for message in [&digest.message, &digest.fallback.message] {
        for note in ["<!channel> *short*", digest.message.text()] {
            let noted = message
                .with_note(note)
                .map(|noted| serde_json::to_value(noted).unwrap());
            noted.iter().for_each(|noted| check_message(noted, simulated));
        }
    }
    let read: Digest = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(&read, digest, "digest.json reads back as it was written");
    json
}

/// Items drawn as bullets or table rows, and items in "and N more in the report", of the messages titled `name`.
fn accounted(messages: &[Value], name: &str) -> (u64, u64) {
    let (mut drawn, mut told) = (0, 0);
    let titled = messages.iter().filter(|message| {
        message["blocks"][0]["text"]["text"]
            .as_str()
            .is_some_and(|title| title.contains(name))
    });
    for block in titled.flat_map(|message| list(&message["blocks"])) {
        drawn += list(&block["rows"]).len().saturating_sub(1) as u64;
        let texts = [&block["text"]].into_iter().chain(list(&block["elements"]));
        for line in texts
            .filter_map(|text| text["text"].as_str())
            .flat_map(str::lines)
        {
            drawn += u64::from(line.starts_with("• "));
            if let Some(rest) = line
                .strip_prefix("and ")
                .and_then(|rest| rest.strip_suffix(" more in the report"))
            {
                told += rest.replace(',', "").parse::<u64>().unwrap();
            }
        }
    }
    (drawn, told)
}

fn check_counts(json: &Value, scorecard: &Scorecard, lists: &Lists) {
    let cases = [
        ("New noncompliance: ", lists.new.len()),
        ("Resolved: ", lists.resolved.len()),
        ("Vanished, which is not resolved: ", lists.vanished.len()),
        ("Fix first: ", lists.repairs.len()),
        ("Accounts: ", scorecard.accounts.len()),
        ("Rules: ", scorecard.rules.len()),
    ];
    for (name, total) in cases {
        for messages in [&json["thread"], &json["fallback"]["thread"]] {
            let (drawn, told) = accounted(list(messages), name);
            assert_eq!(drawn + told, total as u64, "{name}{drawn} drawn, {told} told");
        }
    }
}

fn check_terminal(digest: &Digest, width: usize) {
    for message in [&digest.message, &digest.fallback.message]
        .into_iter()
        .chain(&digest.thread)
    {
        let drawn = to_terminal(message, width, false);
        assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
        assert!(!drawn.contains(['\u{202e}', '\u{200f}', '\u{2066}']));
    }
}

#[test]
fn typical_days_hold_every_limit() {
    for (scorecard, lists) in [
        common::normal(),
        common::first_run(),
        common::missing_coverage(),
        common::nothing_new(),
        common::five_thousand(),
    ] {
        let digest = digest(
            &scorecard,
            &lists,
            &common::settings(Some("https://x.example/{run_id}")),
        );
        check_counts(&check_digest(&digest), &scorecard, &lists);
        assert!(
            digest.message.with_note("The delivery before failed.").is_some(),
            "a note has room"
        );
        for message in concerning(&scorecard, &lists) {
            let simulated = digest.simulation.is_some();
            check_message(&serde_json::to_value(&message).unwrap(), simulated);
            check_message(&serde_json::to_value(message.classic()).unwrap(), simulated);
        }
    }
}

/// What is no part of a report is within the limits as well, and says what it left out.
#[test]
fn a_notice_holds_every_limit() {
    for (lines, length) in [(1, 10), (3, 5_000), (200, 300)] {
        let lines = vec!["<!channel> x".repeat(length); lines];
        let told = notice("To be said", &lines);
        check_message(&serde_json::to_value(&told).unwrap(), false);
        check_message(&serde_json::to_value(told.classic()).unwrap(), false);
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(json.contains("more in the report"), length > 10, "{json}");
    }
}

fn any_run() -> impl Strategy<Value = (Scorecard, Lists)> {
    let texts = prop::collection::vec(hostile(), 8);
    let sizes = (0usize..300, 0usize..40, 0usize..160, 0usize..160, 0usize..60);
    let numbers = prop::collection::vec(prop_oneof![Just(f64::NAN), Just(1e300), -2.0..2.0f64], 4);
    (texts, sizes, numbers, any::<bool>(), any::<bool>()).prop_map(
        |(texts, sizes, numbers, simulated, compared)| {
            let (mut scorecard, mut lists) = if compared {
                common::missing_coverage()
            } else {
                common::first_run()
            };
            let text = |index: usize| texts[index % texts.len()].clone();
            scorecard.simulation = simulated.then(|| text(0));
            scorecard.title = text(1);
            scorecard.run_id = text(2);
            scorecard.trend.fitted_change = Some(numbers[0]);
            for (index, point) in scorecard.trend.points.iter_mut().enumerate() {
                if let Some(scores) = &mut point.scores {
                    scores.compliance_score = (index % 3 != 0).then_some(numbers[index % 4]);
                }
            }
            let rows = |count: usize, shift: usize| -> Vec<_> {
                (0..count)
                    .map(|index| {
                        let mut row = common::pair(
                            index,
                            &text(index + shift),
                            None,
                            compliance::scorecard::Cause::RuleAdded,
                        );
                        row.key.resource_id = text(index + shift + 3);
                        row.key.resource_type = text(index + 5);
                        row.key.aws_region = text(index + 6);
                        row.key.account_id = text(index + 7);
                        row.account_name = Some(text(index + 1));
                        row
                    })
                    .collect()
            };
            (lists.new, lists.resolved, lists.vanished) =
                (rows(sizes.0, 0), rows(sizes.1, 1), rows(sizes.1, 2));
            scorecard.accounts = (0..sizes.2)
                .map(|index| {
                    let mut account = common::account(
                        index as u64,
                        Some(&text(index)),
                        5,
                        index as u64,
                        numbers[index % 4],
                    );
                    account.account_id = text(index + 4);
                    account.trend = numbers.iter().map(|value| Some(*value)).collect();
                    account
                })
                .collect();
            lists.repairs = common::repairs(sizes.3);
            for (index, repair) in lists.repairs.iter_mut().enumerate() {
                repair.rule = text(index);
                repair.account_id = text(index + 1);
                repair.account_name = Some(text(index + 2));
                repair.gain.compliance = numbers[index % 4];
                repair.organization_after.weighted = numbers[(index + 1) % 4];
            }
            scorecard.fix_first = common::fix_first(&lists.repairs);
            scorecard.exceptions.entries = (0..sizes.1)
                .map(|index| {
                    use compliance::exceptions::ExceptionState::{Expired, Expiring};
                    common::exception(&text(index), [Expired, Expiring][index % 2], index as u64)
                })
                .collect();
            scorecard.rules = (0..sizes.3)
                .map(|index| common::rule(&text(index), None, 5, index as u64))
                .collect();
            let template = common::missing_coverage().0.context.coverage.scopes;
            for (index, scope) in template.iter().cycle().take(sizes.4).enumerate() {
                let mut scope = scope.clone();
                scope.source.account_id = text(index);
                scope.source.aws_region = text(index + 1);
                if let Some(gap) = &mut scope.missing {
                    (gap.code, gap.reason) = (text(index + 2), text(index + 3));
                }
                scorecard.context.coverage.scopes.push(scope);
            }
            scorecard.context.coverage.regions_skipped = (0..sizes.1).map(text).collect();
            scorecard.context.coverage.unexpected_accounts = (0..sizes.1).map(text).collect();
            (scorecard, lists)
        },
    )
}

proptest! {
#![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_run_holds_every_limit((scorecard, lists) in any_run(), link in hostile(), width in 0usize..140) {
        let digest = digest(&scorecard, &lists, &common::settings(Some(&format!("https://{link}/{{run_id}}"))));
        let json = check_digest(&digest);
        check_counts(&json, &scorecard, &lists);
        check_terminal(&digest, width);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_blocks_hold_every_limit(texts in prop::collection::vec(hostile(), 1..40), columns in 0usize..30) {
        use slack_blocks::block::{Actions, Block, Button};
        use slack_blocks::chart::{ChartKind, DataVisualization};
        use slack_blocks::table::{Align, DataTable, Table};
        use slack_blocks::text::Mrkdwn;
        use slack_blocks::url::Url;
        let formatted: Vec<Mrkdwn> = texts.iter().map(|text| Mrkdwn::new().text(text).bold(text).text(" ").code(text, 5_000)).collect();
        let headings: Vec<_> = (0..columns).map(|index| (texts[index % texts.len()].as_str(), Align::Right)).collect();
        let cell = |index: usize| texts[index % texts.len()].chars().take(300).collect::<String>();
        let rows: Vec<Vec<String>> = (0..130).map(|row| (row..row + columns + 3).map(cell).collect()).collect();
        let values = vec![1.5; texts.len().min(20)];
        let mut blocks = vec![Block::header(&texts[0]), Block::fields(&formatted), Block::context(&formatted), Block::Divider {}];
        blocks.extend(formatted.iter().map(Block::section));
        blocks.push(Table::block(&headings, &rows, 3_000).0);
        blocks.push(DataTable::block(&texts[0], &headings, &rows, 3_000).0);
        blocks.extend(DataVisualization::block(&texts[0], ChartKind::Bar, &texts[0], &texts[..values.len()], &[(&texts[0], &values)]));
        if let Some(url) = Url::of_template("https://x.example/{run_id}", &texts[0]) {
            let buttons = texts.iter().map(|text| Button::link(text, url.clone()));
            blocks.push(Block::Actions(Actions::new(Button::link(&texts[0], url.clone()), buttons).0));
        }
        blocks.iter().for_each(|block| check_block(&serde_json::to_value(block).unwrap()));
        blocks.extend(std::iter::repeat_n(Block::Divider {}, 3 * columns));
        let turn = columns % blocks.len();
        blocks.rotate_left(turn);
        let message = slack_blocks::Message::new(&texts[0], blocks);
        check_message(&serde_json::to_value(&message).unwrap(), false);
        check_message(&serde_json::to_value(message.classic()).unwrap(), false);
    }
}

#[test]
fn a_message_is_filled_to_its_budget_and_says_what_it_left_out() {
    use slack_blocks::block::Block;
    let notes = (0..49).map(|index| Block::note(&format!("{index} {}", "x".repeat(250))));
    let message = serde_json::to_value(slack_blocks::Message::new("notes", notes.collect())).unwrap();
    check_message(&message, false);
    let size = message["blocks"].to_string().chars().count();
    assert!(size > 7_000, "{size}");
    let blocks = list(&message["blocks"]);
    let last = blocks.last().unwrap()["elements"][0]["text"].as_str().unwrap();
    assert_eq!(
        last,
        format!("and {} more parts in the report", 49 - (blocks.len() - 1))
    );
}

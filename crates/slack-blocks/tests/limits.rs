//! Slack's limits, held against the JSON by a checker that shares nothing with the builders, for any input.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use compliance::scorecard::{Lists, Scorecard};
use proptest::prelude::*;
use serde_json::Value;
use slack_blocks::digest::{concerning, notice};
use slack_blocks::{Digest, digest, to_terminal};

fn length(value: &Value) -> usize {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a string: {value}"))
        .chars()
        .count()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text object or a string shown to people: not empty, within its limit, inert.
fn check_text(value: &Value, most: usize) {
    let (text, kind) = match value.as_str() {
        Some(text) => (text, "raw"),
        None => (value["text"].as_str().unwrap(), value["type"].as_str().unwrap()),
    };
    let characters = text.chars().count();
    assert!(
        !text.trim().is_empty() && characters <= most,
        "{characters} of {most}: {text}"
    );
    assert!(!text.contains(['<', '>']), "unescaped: {text}");
    let allowed = |c: char| c == '\n' && kind == "mrkdwn";
    assert!(
        text.chars().all(|c| !c.is_control() || allowed(c)),
        "control character: {text:?}"
    );
    assert!(
        !text.contains(['\u{202e}', '\u{202d}', '\u{200f}', '\u{2066}', '\u{200b}']),
        "deceiving: {text:?}"
    );
    if kind != "raw" {
        check_entities(text);
    }
    if kind == "mrkdwn" {
        assert_eq!(value["verbatim"], true);
        for line in text.lines() {
            assert_eq!(line.matches('`').count() % 2, 0, "open code span: {line}");
            let outside: String = line.split('`').step_by(2).collect();
            assert_eq!(outside.matches('*').count() % 2, 0, "open bold: {line}");
            check_emoji(line);
        }
    }
    if kind == "plain_text" {
        assert_eq!(value["emoji"], false);
    }
}

fn check_entities(text: &str) {
    for (at, _) in text.match_indices('&') {
        let rest = &text[at..];
        assert!(
            ["&amp;", "&lt;", "&gt;"]
                .iter()
                .any(|entity| rest.starts_with(entity)),
            "cut or raw entity: {rest}"
        );
    }
}

/// Outside code spans nothing reads `:name:`.
fn check_emoji(line: &str) {
    for outside in line.split('`').step_by(2) {
        let parts: Vec<&str> = outside.split(':').collect();
        for name in parts.iter().skip(1).take(parts.len().saturating_sub(2)) {
            let emoji = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+-".contains(c));
            assert!(!emoji, "emoji {name}: {outside}");
        }
    }
}

fn check_rows(block: &Value, least: usize, most: usize) {
    let rows = list(&block["rows"]);
    assert!((least..=most).contains(&rows.len()), "{} rows", rows.len());
    let columns = list(&rows[0]).len();
    assert!((1..=20).contains(&columns));
    for row in rows {
        assert_eq!(list(row).len(), columns, "ragged row");
        for cell in list(row) {
            assert_eq!(cell["type"], "raw_text");
            check_text(&cell["text"], 2_000);
        }
    }
    let characters: usize = rows.iter().flat_map(list).map(|cell| length(&cell["text"])).sum();
    assert!(characters <= 10_000);
}

fn check_chart(block: &Value) {
    check_text(&block["title"], 50);
    let chart = &block["chart"];
    assert!(["line", "bar"].contains(&chart["type"].as_str().unwrap()));
    let categories = list(&chart["axis_config"]["categories"]);
    assert!((1..=20).contains(&categories.len()));
    let names: std::collections::BTreeSet<_> = list(&chart["series"])
        .iter()
        .map(|series| series["name"].as_str().unwrap())
        .collect();
    assert!((1..=6).contains(&list(&chart["series"]).len()) && names.len() == list(&chart["series"]).len());
    for series in list(&chart["series"]) {
        check_text(&series["name"], 20);
        let labels: Vec<_> = list(&series["data"])
            .iter()
            .map(|point| point["label"].clone())
            .collect();
        assert_eq!(labels, categories, "points are not the categories");
        let distinct: std::collections::BTreeSet<_> =
            labels.iter().map(|label| label.as_str().unwrap()).collect();
        assert_eq!(distinct.len(), labels.len(), "labels repeat");
        for point in list(&series["data"]) {
            check_text(&point["label"], 20);
            assert!(point["value"].is_number());
        }
    }
}

fn check_block(block: &Value) {
    match block["type"].as_str().unwrap() {
        "header" => check_text(&block["text"], 150),
        "section" => {
            assert_ne!(
                block.get("text").is_some(),
                block.get("fields").is_some(),
                "text or fields"
            );
            if block.get("text").is_some() {
                check_text(&block["text"], 3_000);
            }
            assert!(list(&block["fields"]).len() <= 10);
            list(&block["fields"])
                .iter()
                .for_each(|field| check_text(field, 2_000));
        }
        "context" => {
            assert!((1..=10).contains(&list(&block["elements"]).len()));
            list(&block["elements"])
                .iter()
                .for_each(|element| check_text(element, 3_000));
        }
        "divider" => {}
        "table" => {
            check_rows(block, 1, 100);
            assert!(list(&block["column_settings"]).len() <= 20);
        }
        "data_table" => {
            check_rows(block, 2, 101);
            check_text(&block["caption"], 10_000);
        }
        "data_visualization" => check_chart(block),
        "actions" => {
            assert!((1..=25).contains(&list(&block["elements"]).len()));
            for button in list(&block["elements"]) {
                check_text(&button["text"], 75);
                let url = button["url"].as_str().unwrap();
                assert!(
                    url.starts_with("https://")
                        && url.len() <= 3_000
                        && url.is_ascii()
                        && !url.contains([' ', '<', '>', '|'])
                );
            }
        }
        other => panic!("unknown block {other}"),
    }
}

fn check_message(message: &Value, simulated: bool) {
    check_text(&message["text"], 3_000);
    check_entities(
        message["text"]
            .as_str()
            .unwrap_or_default()
            .replace(['<', '>'], "")
            .as_str(),
    );
    assert_eq!(
        (&message["unfurl_links"], &message["unfurl_media"]),
        (&Value::Bool(false), &Value::Bool(false))
    );
    let blocks = list(&message["blocks"]);
    assert!((1..=50).contains(&blocks.len()), "{} blocks", blocks.len());
    let size = serde_json::to_string(&message["blocks"]).unwrap().chars().count();
    assert!(size <= 8_000, "{size} characters of blocks");
    let of = |kinds: &[&str]| {
        blocks
            .iter()
            .filter(|block| kinds.contains(&block["type"].as_str().unwrap()))
            .count()
    };
    assert!(of(&["table", "data_table"]) <= 1 && of(&["data_visualization"]) <= 2);
    blocks.iter().for_each(check_block);
    if simulated {
        assert!(message["text"].as_str().unwrap().contains("SIMULATED"));
        assert!(blocks[0].to_string().contains("SIMULATED"), "{}", blocks[0]);
    }
}

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

/// Text that tries to ping, link, format, hide, reorder or overflow.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("<!channel>".to_owned()),
        Just("<@U123ABC>".to_owned()),
        Just("<https://evil.example|click>".to_owned()),
        Just("https://evil.example/x".to_owned()),
        Just("&amp;&lt;".to_owned()),
        Just("*bold* _it_ ~no~ `code` ```".to_owned()),
        Just(":rotating_light: :aws::s3:".to_owned()),
        Just("\u{202e}fdp.exe\u{2066}\u{200f}\u{200b}".to_owned()),
        Just("\u{1b}[31m\u{7}\u{0}\r\n> quote\n• \nand 7 more in the report\n".to_owned()),
        Just("e\u{301}\u{301}👨\u{200d}👩\u{200d}👧🇩🇪漢字".to_owned()),
        Just("\"\\\"\\".to_owned()),
        "\\PC{0,20}",
        any::<String>(),
    ];
    (
        prop::collection::vec(pieces, 0..4),
        prop_oneof![Just(1usize), Just(1), Just(40), Just(130)],
    )
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
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

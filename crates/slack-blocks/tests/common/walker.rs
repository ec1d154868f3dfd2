//! A checker of Slack's limits over the JSON, which shares nothing with the builders, and text that tries to break them.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;

pub fn length(value: &Value) -> usize {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a string: {value}"))
        .chars()
        .count()
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text object or a string shown to people: not empty, within its limit, inert.
pub fn check_text(value: &Value, most: usize) {
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

pub fn check_entities(text: &str) {
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
pub fn check_emoji(line: &str) {
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

pub fn check_rows(block: &Value, least: usize, most: usize) {
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

pub fn check_chart(block: &Value) {
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

pub fn check_block(block: &Value) {
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

pub fn check_message(message: &Value, simulated: bool) {
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

/// Text that tries to ping, link, format, hide, reorder or overflow.
pub fn hostile() -> impl Strategy<Value = String> {
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

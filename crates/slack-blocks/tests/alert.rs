//! Alerts as people, Slack and mail get them, and Slack's limits whatever they say.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "common/alerts.rs"]
mod alerts;
#[path = "common/walker.rs"]
mod walker;

use alerts::{again, exception, group, opened, resolved, storm_alerts};
use compliance::alerts::{Alert, Word};
use compliance::events::EventCompliance;
use compliance::exceptions::ExceptionState;
use proptest::prelude::*;
use serde_json::Value;
use slack_blocks::alert::storm::{self, Rest, Row};
use slack_blocks::alert::{Mail, Standing, incident, reply};
use slack_blocks::{Message, to_terminal};
use walker::{check_message, hostile, list};

fn drawn(message: &Message) -> String {
    let terminal = to_terminal(message, 100, false);
    format!("{terminal}\n\ntext: {}\n", message.text())
}

fn check(name: &str, message: &Message) {
    insta::assert_snapshot!(format!("{name}_terminal"), drawn(message));
    insta::assert_json_snapshot!(format!("{name}_json"), message);
    check_all(message);
}

/// Within Slack's limits, of classic blocks alone, and the same when it is read back.
fn check_all(message: &Message) -> Value {
    let json = serde_json::to_value(message).unwrap();
    check_message(&json, false);
    assert_eq!(message.classic(), *message, "no other form is needed");
    assert_eq!(&serde_json::from_value::<Message>(json.clone()).unwrap(), message);
    let terminal = to_terminal(message, 80, false);
    assert!(
        terminal.chars().all(|c| c == '\n' || !c.is_control()),
        "{terminal:?}"
    );
    json
}

fn check_mail(name: &str, mail: &Mail) {
    insta::assert_snapshot!(name, format!("Subject: {}\n\n{}", mail.subject, mail.text));
}

fn standing(word: Word, alert: &Alert) -> Standing<'_> {
    let since = Some("2026-11-21T09:31:00Z".parse().unwrap());
    Standing { word, alert, since }
}

#[test]
fn an_opening_has_everything_to_act_on() {
    let alert = opened();
    let first = Standing {
        since: None,
        ..standing(Word::Opened, &alert)
    };
    check("opened", &incident(&alert, first));
    check_mail("opened_mail", &Mail::of_incident(&alert, first));
}

#[test]
fn what_is_not_known_is_said_to_be() {
    let mut alert = opened();
    (alert.account_name, alert.organizational_unit) = (None, None);
    (alert.severity, alert.description) = (None, None);
    (alert.guidance, alert.link, alert.annotation) = (None, None, None);
    (alert.last_change, alert.last_noncompliant, alert.old) = (None, None, None);
    alert.key.aws_region = "global".to_owned();
    alert.exception = Some(exception(ExceptionState::Expired));
    alert.is_smoke_test = true;
    check("bare", &incident(&alert, standing(Word::Opened, &alert)));
}

#[test]
fn what_comes_after_is_a_reply_and_a_changed_message() {
    let (first, second, last) = (opened(), again(3), resolved(EventCompliance::Compliant));
    check("again", &reply(standing(Word::Reopened, &second)));
    check("resolved", &reply(standing(Word::Resolved, &last)));
    check("amended", &incident(&first, standing(Word::Resolved, &last)));
    // Where nothing stands under anything: a webhook, a topic.
    check(
        "resolved_alone",
        &incident(&last, standing(Word::Resolved, &last)),
    );
    check_mail(
        "resolved_mail",
        &Mail::of_incident(&last, standing(Word::Resolved, &last)),
    );
}

/// Only compliance is a resolution.
#[test]
fn the_end_of_results_is_told_as_such() {
    let told = |compliance| {
        let alert = resolved(compliance);
        reply(standing(Word::Resolved, &alert)).plain_text()
    };
    let gone = told(EventCompliance::NotApplicable);
    assert!(
        gone.starts_with("No longer applicable") && !gone.contains("Resolved"),
        "{gone}"
    );
    let silent = told(EventCompliance::InsufficientData);
    assert!(
        silent.starts_with("No data any more") && silent.contains("which is not resolved"),
        "{silent}"
    );
    assert!(told(EventCompliance::Compliant).contains("Resolved after 12 min"));
}

#[test]
fn a_link_that_slack_would_refuse_is_missed_aloud() {
    let mut alert = opened();
    alert.console.timeline = format!("https://console.example/{}", "x".repeat(2_900));
    alert.link = Some("http://plain.example".to_owned());
    let json = check_all(&incident(&alert, standing(Word::Opened, &alert))).to_string();
    for name in ["Resource timeline", "Read more"] {
        assert!(
            json.contains(&format!("The link {name} cannot be shown in Slack")),
            "{name}"
        );
    }
    assert!(json.contains("\"url\":\"https://eu-west-1.console.aws.amazon.com/config/home"));
    let mail = Mail::of_incident(&alert, standing(Word::Opened, &alert));
    assert!(mail.text.contains(&alert.console.timeline) && mail.text.contains("http://plain.example"));
}

#[test]
fn a_storm_is_counted_named_and_listed() {
    let alerts = storm_alerts(200);
    let rows = group(&alerts, &[3, 4]);
    let message = storm::message(&rows, Rest::InThread);
    check("storm", &message);
    let replies = storm::list(&rows);
    insta::assert_snapshot!("storm_list_terminal", drawn(&replies[0]));
    insta::assert_json_snapshot!("storm_list_json", replies[0]);
    check_counts(&replies, 200);
    check_mail("storm_mail", &storm::mail(&rows[..7]));
    let over = [resolved(EventCompliance::Compliant), again(2)];
    let changes = [
        standing(Word::Resolved, &over[0]),
        standing(Word::Reopened, &over[1]),
    ];
    let progress = storm::progress(&changes, (45, 200), Rest::InThread);
    check("storm_progress", &progress[0]);
    check_mail("storm_progress_mail", &storm::progress_mail(&changes, (45, 200)));
    assert_eq!(progress.len(), 1);
}

/// Lines drawn and lines said to be left out are all of them.
fn check_counts(replies: &[Message], total: u64) {
    let (mut drawn, mut told) = (0, 0);
    for reply in replies {
        let json = check_all(reply);
        for block in list(&json["blocks"]) {
            let texts = [&block["text"]].into_iter().chain(list(&block["elements"]));
            for text in texts.filter_map(|text| text["text"].as_str()) {
                drawn += u64::from(text.starts_with("• "));
                let rest = text
                    .strip_prefix("and ")
                    .and_then(|rest| rest.split_once(" more in the event history"));
                told += rest.map_or(0, |(number, _)| number.replace(',', "").parse::<u64>().unwrap());
            }
        }
    }
    assert_eq!(drawn + told, total, "{drawn} drawn, {told} told");
}

/// Sums after names, such as `High 2 · Low 1`.
fn sums(message: &Message) -> Vec<u64> {
    let json = serde_json::to_value(message).unwrap();
    let texts = list(&json["blocks"])
        .iter()
        .filter_map(|block| block["text"]["text"].as_str());
    let counts = texts.filter_map(|text| text.strip_prefix("*By ")?.split_once('\n'));
    counts
        .map(|(_, line)| {
            let numbers = line.split(" · ").map(|part| part.rsplit(' ').next().unwrap());
            numbers
                .map(|number| number.replace(',', "").parse::<u64>().unwrap())
                .sum()
        })
        .collect()
}

#[test]
fn the_counts_of_a_storm_add_up_and_a_cap_is_told() {
    for number in [11, 200, 3_000] {
        let alerts = storm_alerts(number);
        let rows = group(&alerts, &[]);
        assert_eq!(sums(&storm::message(&rows, Rest::InThread)), [number as u64; 3]);
        check_counts(&storm::list(&rows), number as u64);
        let mail = storm::mail(&rows).text;
        let lines = mail.lines().filter(|line| line.starts_with("- ")).count();
        let rest = format!(
            "and {} more in the event history",
            compliance::text::count((number - lines) as u64)
        );
        assert!(lines == number || mail.contains(&rest), "{lines} of {number}");
    }
}

fn any_alert() -> impl Strategy<Value = (Alert, Word)> {
    let words = prop_oneof![Just(Word::Opened), Just(Word::Reopened), Just(Word::Resolved)];
    let now = prop_oneof![
        Just(EventCompliance::Compliant),
        Just(EventCompliance::NonCompliant),
        Just(EventCompliance::NotApplicable),
        Just(EventCompliance::InsufficientData),
    ];
    (
        prop::collection::vec(hostile(), 14),
        words,
        now,
        any::<u32>(),
        any::<bool>(),
    )
        .prop_map(|(texts, word, now, times, smoke)| {
            let mut texts = texts.into_iter();
            let mut text = || texts.next().unwrap();
            let mut alert = opened();
            (alert.key.rule, alert.key.account_id) = (text(), text());
            (alert.key.resource_type, alert.key.resource_id) = (text(), text());
            (alert.aws_region, alert.config_rule_name) = (text(), text());
            (alert.account_name, alert.organizational_unit) = (Some(text()), Some(text()));
            (alert.description, alert.guidance) = (Some(text()), Some(text()));
            (alert.annotation, alert.link) = (Some(text()), Some(format!("https://x/{}", text())));
            alert.console.timeline = format!("https://{}", text());
            if let Some(exception) = &mut alert.exception {
                exception.reason = text();
                exception.id.clone_from(&exception.reason);
            }
            (alert.new, alert.times, alert.is_smoke_test) = (now, times, smoke);
            (alert, word)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_incident_holds_every_limit_and_loses_no_part((alert, word) in any_alert()) {
        let standing = standing(word, &alert);
        let json = check_all(&incident(&alert, standing));
        let last = list(&json["blocks"]).last().unwrap().to_string();
        assert!(last.contains("Incident 0123456789abcdef"), "everything has room: {last}");
        assert_eq!(json.to_string().contains("SMOKE TEST"), alert.is_smoke_test);
        check_all(&reply(standing));
        let mail = Mail::of_incident(&alert, standing);
        for line in mail.text.lines().chain([mail.subject.as_str()]) {
            assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
        }
    }

    #[test]
    fn any_storm_holds_every_limit(alerts in prop::collection::vec(any_alert(), 1..60), over in 0u64..50) {
        let rows: Vec<Row<'_>> = alerts.iter().map(|(alert, word)| Row { opened: alert, is_over: *word == Word::Resolved }).collect();
        for rest in [Rest::InThread, Rest::Elsewhere] {
            check_all(&storm::message(&rows, rest));
        }
        check_counts(&storm::list(&rows), rows.len() as u64);
        let changes: Vec<_> = alerts.iter().map(|(alert, word)| standing(*word, alert)).collect();
        check_counts(&storm::progress(&changes, (over, 100), Rest::InThread), rows.len() as u64);
        let one = storm::progress(&changes, (over, 100), Rest::Elsewhere);
        prop_assert_eq!(one.len(), 1);
        check_counts(&one, rows.len() as u64);
    }
}

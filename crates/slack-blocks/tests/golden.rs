//! What people and Slack get on typical days, as text and as JSON.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use compliance::scorecard::{Lists, Scorecard};
use slack_blocks::{Message, digest, to_terminal};

fn check(name: &str, (scorecard, lists): (Scorecard, Lists)) {
    let settings = common::settings(Some("https://reports.example.com/{run_id}/report.pdf"));
    let digest = digest(&scorecard, &lists, &settings);
    let draw = |message: &Message| {
        format!(
            "{}\n\ntext: {}\n",
            to_terminal(message, 100, false),
            message.text()
        )
    };
    let thread: Vec<String> = digest.thread.iter().map(draw).collect();
    let drawn = format!(
        "{}\n-------- thread --------\n{}",
        draw(&digest.message),
        thread.join("--------\n")
    );
    insta::assert_snapshot!(format!("{name}_terminal"), drawn);
    insta::assert_snapshot!(format!("{name}_classic"), draw(&digest.fallback.message));
    if digest.thread.len() < 10 && name != "five_thousand" {
        insta::assert_json_snapshot!(format!("{name}_json"), digest);
    } else {
        insta::assert_json_snapshot!(format!("{name}_json"), digest.message);
    }
}

#[test]
fn a_normal_day() {
    check("normal", common::normal());
}

#[test]
fn a_first_run() {
    check("first_run", common::first_run());
}

#[test]
fn missing_coverage() {
    check("missing_coverage", common::missing_coverage());
}

#[test]
fn nothing_new() {
    check("nothing_new", common::nothing_new());
}

#[test]
fn what_events_told() {
    check("events", common::with_events());
}

#[test]
fn events_that_could_not_be_read_are_said_to_be_unknown() {
    let (scorecard, lists) = common::events_unread();
    let message = digest(&scorecard, &lists, &common::settings(None)).message;
    let said = "Events: not known, as their table could not be read (Events.Unavailable)";
    assert!(to_terminal(&message, 200, false).contains(&format!("⚠ {said}")));
    assert!(message.text().contains(said));
}

#[test]
fn five_thousand_new() {
    check("five_thousand", common::five_thousand());
}

#[test]
fn colour_is_styles_only() {
    let (scorecard, lists) = common::normal();
    let digest = digest(&scorecard, &lists, &common::settings(None));
    let styled = to_terminal(&digest.message, 80, true);
    assert!(styled.contains("\u{1b}[1mSIMULATED"), "{styled}");
    let mut plain = styled;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[36m", "\u{1b}[4m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, to_terminal(&digest.message, 80, false));
}

#[test]
fn samples_are_what_the_code_makes() {
    let settings = common::settings(Some("https://reports.example.com/{run_id}/report.pdf"));
    let check = |name: &str, sample: &str, (scorecard, lists): (Scorecard, Lists)| {
        let made = compliance::hash::canonical_json(&digest(&scorecard, &lists, &settings)).unwrap();
        assert_eq!(
            sample,
            String::from_utf8(made).unwrap(),
            "copy {name} from the golden JSON of this test"
        );
    };
    check(
        "daily.json",
        include_str!("../../../report-templates/slack/daily.json"),
        common::normal(),
    );
    check(
        "first-run.json",
        include_str!("../../../report-templates/slack/first-run.json"),
        common::first_run(),
    );
}

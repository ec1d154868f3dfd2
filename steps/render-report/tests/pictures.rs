//! The digest as a person sees it in Slack: pictures that were looked at, and kept. `UPDATE_PICTURES=1` draws them anew.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(clippy::disallowed_methods, reason = "the pictures are files of the tests")]

use std::path::PathBuf;

mod samples;

use samples::cases::{self, Case};

/// Where the pictures are.
fn kept(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pictures/{name}.png"))
}

/// Width, height, and the bytes of the pixels.
fn pixels(picture: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    (info.width, info.height, bytes)
}

/// How many bytes of the pixels differ by more than a processor's rounding.
fn different(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 2).count()
}

fn digest(case: Case) -> slack_blocks::Digest {
    let input = case();
    slack_blocks::digest(&input.scorecard, &input.lists, &input.settings)
}

#[test]
fn the_digest_looks_as_it_did() {
    let all: [(&str, Case); 6] = [
        ("calm-day", cases::normal),
        ("nothing-new", cases::calm_day),
        ("bad-day", cases::bad_day),
        ("first-run", cases::first_run),
        ("missing-coverage", cases::missing_coverage),
        ("five-thousand-new", cases::five_thousand_new),
    ];
    for (name, case) in all {
        let drawn = render_report::message_picture(&digest(case).message, &[]).unwrap();
        if std::env::var_os("UPDATE_PICTURES").is_some() {
            std::fs::write(kept(name), &drawn).unwrap();
        }
        let (width, height, now) = pixels(&drawn);
        let (kept_width, kept_height, then) = pixels(&std::fs::read(kept(name)).unwrap());
        assert_eq!((width, height), (kept_width, kept_height), "{name}");
        let share = different(&now, &then) as f64 / now.len() as f64;
        assert!(share < 1e-4, "{name}: {share} of the picture changed");
    }
}

#[test]
fn another_number_shows() {
    let digest = digest(cases::normal);
    let before = render_report::message_picture(&digest.message, &[]).unwrap();
    let text = serde_json::to_string(&digest.message).unwrap();
    let changed = serde_json::from_str(&text.replace("79.5", "79.6")).unwrap();
    let after = render_report::message_picture(&changed, &[]).unwrap();
    let (_, _, before) = pixels(&before);
    let (_, _, after) = pixels(&after);
    assert!(different(&before, &after) as f64 / before.len() as f64 > 1e-4);
}

#[test]
fn a_thread_stands_under_its_message() {
    let digest = digest(cases::hostile);
    let head = render_report::message_picture(&digest.message, &[]).unwrap();
    let whole = render_report::message_picture(&digest.message, &digest.thread).unwrap();
    assert!(pixels(&whole).1 > pixels(&head).1);
}

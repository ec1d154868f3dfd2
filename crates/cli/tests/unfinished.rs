//! Interrupted runs of a live aggregator, whose moment is the present: the next one continues them within an hour,
//! and says what becomes of the others.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

mod support;

use std::path::{Path, PathBuf};

use compliance::ports::Clock;
use serde_json::Value;
use support::{Run, SMALL, Served, document, files, hold_whole, run};

const SETTINGS: &str = "[collection]\naccounts_per_shard = 1\nrequests_per_second = 60.0\n";

/// A folder with settings that make a shard of each account, at a rate that leaves time to interrupt.
struct Folder {
    folder: tempfile::TempDir,
    served: Served,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plumbline.toml"), SETTINGS).unwrap();
        let served = Served::start(&SMALL);
        Self { folder, served }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn command(&self, kind: &[&str]) -> std::process::Command {
        let mut command = self.served.client();
        command
            .args(kind)
            .args(["--aggregator", "organization", "--json", "--settings"]);
        command.arg(self.folder.path().join("plumbline.toml"));
        command.arg("--out").arg(self.out());
        command
    }

    fn run(&self, kind: &[&str]) -> Run {
        self.command(kind).output().unwrap().into()
    }

    /// A snapshot run killed when two of its four shards are collected; its record.
    fn interrupted(&self) -> (PathBuf, Value) {
        let mut child = self
            .command(&["snapshot"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let collected = |name: &&String| {
            name.starts_with("work/") && name.contains("/results/") && !name.contains(".partial-")
        };
        while files(&self.out()).keys().filter(collected).count() < 2 {
            assert_eq!(child.try_wait().unwrap(), None, "it ended before it was killed");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        hold_whole(&self.out());
        let now = files(&self.out());
        let record = now
            .keys()
            .find(|name| name.starts_with("work/unfinished/"))
            .unwrap();
        let (path, record) = (self.out().join(record), document(&self.out(), record));
        // A run of the same second would be the same run.
        let as_of: compliance::Timestamp = record["as_of"].as_str().unwrap().parse().unwrap();
        while local::SystemClock.now().as_second() <= as_of.as_second() {
            std::thread::yield_now();
        }
        (path, record)
    }
}

fn change(record: &Path, field: &str, value: &str) {
    let mut document: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    document[field] = Value::from(value);
    std::fs::write(record, document.to_string()).unwrap();
}

#[test]
fn an_interrupted_live_run_is_continued_and_asks_for_nothing_twice() {
    let folder = Folder::new();
    let (_, record) = folder.interrupted();
    let continued = folder.run(&["snapshot"]);
    for words in [
        "continues  the snapshot run begun",
        "of 4 shards are there",
        "adopted from an earlier attempt",
    ] {
        assert!(
            continued.stderr.contains(words),
            "{words:?} is not in: {}",
            continued.stderr
        );
    }
    let outcome = continued.json();
    assert_eq!(
        outcome["as_of"], record["as_of"],
        "the moment is the one it was begun at"
    );
    assert_eq!(outcome["continues"], record["begun_at"]);
    let provenance = document(&continued.folder(), "provenance.json");
    assert_eq!(
        provenance["continues"], record["begun_at"],
        "who reads the calls knows that there were others"
    );
    let left: Vec<String> = files(&folder.out())
        .into_keys()
        .filter(|name| name.starts_with("work/"))
        .collect();
    assert_eq!(left, Vec::<String>::new());

    let next = folder.run(&["snapshot"]);
    assert_eq!(
        next.json()["continues"],
        Value::Null,
        "a finished run is not continued"
    );
    assert!(
        next.json()["attempts"].as_u64() > outcome["attempts"].as_u64(),
        "the continued run asked for less than a whole one"
    );
    hold_whole(&folder.out());
}

#[test]
fn a_run_interrupted_after_its_snapshot_stands_only_has_its_report_made() {
    let folder = Folder::new();
    let (_, record) = folder.interrupted();
    // Half a bundle keeps the continued run from sealing; its snapshot stands by then.
    let as_of = record["as_of"].as_str().unwrap();
    let day = folder.out().join("snapshot").join(&as_of[..10]);
    std::fs::create_dir_all(day.parent().unwrap()).unwrap();
    std::fs::write(&day, "in the way").unwrap();
    folder
        .run(&["snapshot"])
        .fails(6, &["a file stands where a folder is needed"]);
    std::fs::remove_file(&day).unwrap();
    let continued = folder.run(&["snapshot"]);
    assert!(
        continued.stderr.contains("its snapshot stands"),
        "{}",
        continued.stderr
    );
    assert_eq!(continued.json()["as_of"], record["as_of"]);
    hold_whole(&folder.out());
}

#[test]
fn a_run_that_cannot_be_continued_is_left_and_said_so() {
    let folder = Folder::new();
    let (path, record) = folder.interrupted();
    let original = std::fs::read(&path).unwrap();
    let begun_at = record["begun_at"].as_str().unwrap();
    let next_year = begun_at.replacen("20", "21", 1);
    let rows: [(&str, &str, &str); 5] = [
        ("begun_at", "2026-01-01T00:00:00Z", "more than an hour ago"),
        ("begun_at", &next_year, "check the clock"),
        (
            "settings_sha256",
            "0",
            "another kind, source, settings or version",
        ),
        ("kind", "weekly", "another kind, source, settings or version"),
        (
            "plumbline_version",
            "0.0.1",
            "another kind, source, settings or version",
        ),
    ];
    for (field, value, says) in rows {
        std::fs::write(&path, &original).unwrap();
        change(&path, field, value);
        let run = folder.run(&["snapshot"]);
        assert_eq!(run.json()["continues"], Value::Null, "{field}");
        for words in ["  left ", says, "Delete what it left", path.to_str().unwrap()] {
            assert!(
                run.stderr.contains(words),
                "{field}: {words:?} is not in: {}",
                run.stderr
            );
        }
        assert!(
            path.exists(),
            "{field} {value}: nothing is removed unasked: {}",
            run.stderr
        );
    }
    std::fs::write(&path, "{").unwrap();
    let run = folder.run(&["snapshot"]);
    assert!(
        run.code == 0 && run.stderr.contains("record is damaged"),
        "{}",
        run.stderr
    );

    std::fs::write(&path, &original).unwrap();
    let fresh = folder.run(&["snapshot", "--fresh"]);
    assert_ne!(fresh.json()["as_of"], record["as_of"]);
    assert!(
        fresh.stderr.contains("removed    what the snapshot run begun"),
        "{}",
        fresh.stderr
    );
    let left: Vec<String> = files(&folder.out())
        .into_keys()
        .filter(|name| name.starts_with("work/"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_clock_behind_the_newest_snapshot_is_named_and_nothing_is_put_before_it() {
    let out = tempfile::tempdir().unwrap();
    let at = |arguments: &[&str]| {
        let mut all = vec![
            "snapshot",
            "--simulate",
            "--json",
            "--out",
            out.path().to_str().unwrap(),
        ];
        all.extend(SMALL);
        all.extend(arguments);
        run(&all)
    };
    let later = at(&["--as-of", "2040-01-02T03:04:05Z"]);
    assert_eq!(later.code, 0, "{}", later.stderr);
    at(&[]).fails(
        6,
        &[
            "the clock says",
            "2040-01-02 03:04 UTC",
            "--as-of",
            "move it away",
        ],
    );
    // A past that is asked for by name is reported, and never compared with its future.
    let past = at(&["--as-of", "2026-11-21T09:00:00Z"]);
    let inputs = &document(&past.folder(), "manifest.json")["inputs"];
    assert_eq!(inputs["baseline"]["as_of"], "2026-11-20T09:00:00Z");
    let read = inputs["history"].as_array().unwrap();
    assert!(
        read.iter()
            .all(|one| one["as_of"].as_str().unwrap() < "2026-11-21"),
        "{read:?}"
    );
    assert_eq!(inputs["predecessor"], Value::Null, "nor chained to it");
}

//! Damage to what was saved, each a row: as the input of a run it is refused with file, hashes and remedy; as history
//! it is left out and the report says so, as one bad day must not end all reports after it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Run, document, files, hold_whole, run, simulated};

/// A damage, the file it is done to, what the refusal says, and the code that the frozen inputs keep.
struct Damage {
    what: &'static str,
    file: &'static str,
    done: fn(&Path),
    says: &'static [&'static str],
    code: &'static str,
}

const RESULTS: &str = "results/shard=0000/results.parquet";

const ROWS: [Damage; 9] = [
    Damage {
        what: "truncated Parquet",
        file: RESULTS,
        done: |file| change(file, |bytes| bytes.truncate(bytes.len() / 2)),
        says: &[
            "results.parquet is damaged",
            "SHA-256",
            "is recorded",
            "restore it from a copy",
        ],
        code: "Store.Damaged",
    },
    Damage {
        what: "a flipped bit",
        file: RESULTS,
        done: |file| change(file, |bytes| bytes[100] ^= 1),
        says: &[
            "results.parquet is damaged",
            "SHA-256",
            "is recorded",
            "restore it from a copy",
        ],
        code: "Store.Damaged",
    },
    Damage {
        what: "an empty file",
        file: "context.json",
        done: |file| change(file, Vec::clear),
        says: &["context.json is damaged", "0 bytes", "restore it from a copy"],
        code: "Store.Damaged",
    },
    Damage {
        what: "a file gone",
        file: "coverage/coverage.parquet",
        done: |file| fs::remove_file(file).unwrap(),
        says: &["coverage.parquet is missing", "restore it from a copy"],
        code: "Store.NotFound",
    },
    Damage {
        what: "a folder in place of a file",
        file: RESULTS,
        done: |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        },
        says: &[
            "cannot read",
            "results.parquet",
            "a folder stands where a file is needed",
        ],
        code: "Store.Storage",
    },
    Damage {
        what: "a manifest that names an absent file",
        file: "manifest.json",
        done: |file| replace(file, "annotations/shard=0000.json", "annotations/shard=0009.json"),
        says: &["shard=0009.json is missing", "restore it from a copy"],
        code: "Store.NotFound",
    },
    Damage {
        what: "a manifest that does not add up",
        file: "manifest.json",
        done: |file| replace(file, "\"noncompliant\": ", "\"noncompliant\": 1"),
        says: &["manifest.json contradicts itself", "restore it from a copy"],
        code: "Store.Damaged",
    },
    Damage {
        what: "a manifest of another moment",
        file: "manifest.json",
        done: |file| replace(file, "T09:00:00Z\",\n  \"origin\"", "T08:00:00Z\",\n  \"origin\""),
        says: &["manifest.json contradicts itself", "restore it from a copy"],
        code: "Store.Damaged",
    },
    Damage {
        what: "half a manifest",
        file: "manifest.json",
        done: |file| change(file, |bytes| bytes.truncate(bytes.len() / 2)),
        says: &["manifest.json cannot be read", "restore it from a copy"],
        code: "Store.Damaged",
    },
];

fn change(file: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    how(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

/// Eight days of snapshots, and the report of the last.
fn runs() -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    simulated(&["snapshot"], out.path()).json();
    out
}

/// The folder of a day's snapshot.
fn snapshot(runs: &Path, day: &str) -> PathBuf {
    let day = runs.join(format!("snapshots/date={day}"));
    fs::read_dir(day).unwrap().next().unwrap().unwrap().path()
}

/// The same files elsewhere.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for (name, bytes) in files(from) {
        let path = to.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    to
}

fn offline(snapshot: &Path, out: &Path) -> Run {
    let (snapshot, out) = (snapshot.to_str().unwrap(), out.to_str().unwrap());
    run(&["snapshot", "--snapshot", snapshot, "--json", "--out", out])
}

#[test]
fn a_damaged_input_is_refused_with_what_is_wrong_and_what_to_do() {
    let whole = runs();
    for row in ROWS {
        // A snapshot's own folder, the newest in a folder of runs, and the one a run finds in its own folder.
        let damaged = copy(whole.path());
        let folder = snapshot(damaged.path(), "2026-11-21");
        (row.done)(&folder.join(row.file));
        for run in [
            offline(&folder, tempfile::tempdir().unwrap().path()),
            offline(damaged.path(), tempfile::tempdir().unwrap().path()),
            simulated(&["report", "daily"], damaged.path()),
        ] {
            run.fails(6, row.says);
        }
        assert!(
            !damaged.path().join("daily").exists(),
            "{}: nothing is reported",
            row.what
        );
    }
}

#[test]
fn a_damaged_day_is_left_out_of_the_history_and_said_so() {
    let whole = runs();
    let sentence = |code: &str| match code {
        "Store.Damaged" => "the snapshot of 2026-11-20 09:00 UTC is damaged and was not used",
        "Store.NotFound" => "the snapshot of 2026-11-20 09:00 UTC lacks a file and was not used",
        _ => "the snapshot of 2026-11-20 09:00 UTC cannot be read and was not used",
    };
    for row in ROWS {
        let damaged = copy(whole.path());
        let folder = snapshot(damaged.path(), "2026-11-20");
        let id = folder
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .replace("snapshot=", "");
        (row.done)(&folder.join(row.file));
        let elsewhere = tempfile::tempdir().unwrap();
        for run in [
            simulated(&["snapshot"], damaged.path()),
            offline(damaged.path(), elsewhere.path()),
        ] {
            let outcome = run.json();
            assert_eq!(outcome["left_out"], json!([id]), "{}", row.what);
            for words in [sentence(row.code), row.says[0]] {
                assert!(
                    run.stderr.contains(words),
                    "{}: {words:?} is not in: {}",
                    row.what,
                    run.stderr
                );
            }
            let inputs = &document(&run.folder(), "manifest.json")["inputs"];
            let frozen = json!([{"id": id, "as_of": "2026-11-20T09:00:00Z", "code": row.code}]);
            assert_eq!(inputs["left_out"], frozen, "{}", row.what);
            assert_eq!(
                inputs["baseline"]["as_of"], "2026-11-19T09:00:00Z",
                "{}",
                row.what
            );
            let scorecard = document(&run.folder(), "scorecard.json");
            let points = scorecard["trend"]["points"].as_array().unwrap();
            let gaps = points.iter().filter(|point| point["scores"].is_null()).count();
            assert_eq!((points.len(), gaps), (8, 1), "{}: a gap in the trend", row.what);
        }
    }
}

#[test]
fn the_report_tells_readers_of_a_day_that_is_left_out() {
    let runs = runs();
    change(&snapshot(runs.path(), "2026-11-19").join(RESULTS), Vec::clear);
    let report = run(&[
        "report",
        "daily",
        "--snapshot",
        runs.path().to_str().unwrap(),
        "--out",
        runs.path().to_str().unwrap(),
    ]);
    assert_eq!(report.code, 0, "{}", report.stderr);
    let says = "left out           the snapshot of 2026-11-19 09:00 UTC is damaged and was not used";
    assert!(report.stdout.contains(says), "{}", report.stdout);
    let written = files(&runs.path().join("daily"));
    let digest = written
        .iter()
        .find(|(name, _)| name.ends_with("digest.json"))
        .unwrap()
        .1;
    let digest = String::from_utf8_lossy(digest);
    assert!(
        digest.contains("1 earlier snapshot is damaged and not used"),
        "{digest}"
    );
    hold_whole(&runs.path().join("daily"));
}

#[test]
fn half_a_snapshot_is_none_and_more_than_one_is_no_matter() {
    let runs = runs();
    let today = snapshot(runs.path(), "2026-11-21");
    fs::write(today.join("notes.txt"), "not of the manifest").unwrap();
    let out = tempfile::tempdir().unwrap();
    let with_more = offline(&today, out.path());
    assert!(!files(out.path()).keys().any(|name| name.ends_with("notes.txt")));
    with_more.json();

    fs::remove_file(today.join("manifest.json")).unwrap();
    offline(&today, out.path()).fails(6, &["no manifest.json", "half a snapshot", "from a copy"]);
    let older = offline(runs.path(), tempfile::tempdir().unwrap().path());
    assert_eq!(older.json()["as_of"], "2026-11-20T09:00:00Z");
    assert!(
        older.stderr.contains("half a snapshot, which is none"),
        "{}",
        older.stderr
    );

    // The run that left it half completes it.
    let again = simulated(&["snapshot"], runs.path());
    assert_eq!(
        again.json()["existed"],
        true,
        "with the very bytes: {}",
        again.stderr
    );
    hold_whole(runs.path());
}

#[test]
fn a_damaged_bundle_is_named_and_the_chain_passes_it_over() {
    let out = tempfile::tempdir().unwrap();
    let at = |as_of: &str| {
        let mut arguments = vec!["snapshot", "--simulate", "--json", "--as-of", as_of];
        arguments.extend(["--out", out.path().to_str().unwrap()]);
        arguments.extend(support::SMALL);
        run(&arguments)
    };
    let [first, second] = ["2026-11-19T09:00:00Z", "2026-11-20T09:00:00Z"].map(at);
    let manifest = second.folder().join("manifest.json");
    let whole = fs::read(&manifest).unwrap();
    let scorecard = second.folder().join("scorecard.json");
    let score = fs::read(&scorecard).unwrap();

    change(&scorecard, |bytes| bytes[100] ^= 1);
    at("2026-11-20T09:00:00Z").fails(6, &["scorecard.json is damaged", "restore it from a copy"]);
    fs::remove_file(&scorecard).unwrap();
    assert_eq!(at("2026-11-20T09:00:00Z").json()["existed"], true);
    assert_eq!(fs::read(&scorecard).unwrap(), score, "what is gone is made again");

    let third = "2026-11-21T09:00:00Z";
    let half = whole[..50].to_vec();
    let longer = [whole.as_slice(), b"\n"].concat();
    let rows = [("cannot be read", half), ("is recorded beside it", longer)];
    for (says, damaged) in rows {
        fs::write(&manifest, damaged).unwrap();
        let run = at(third);
        let inputs = &document(&run.folder(), "manifest.json")["inputs"];
        let run_ids = [&first, &second].map(|run| run.json()["run_id"].clone());
        assert_eq!(inputs["predecessor"]["run_id"], run_ids[0]);
        assert_eq!(inputs["passed_over"], Value::from(vec![run_ids[1].clone()]));
        assert!(
            run.stderr.contains(says) && run.stderr.contains("passes over"),
            "{}",
            run.stderr
        );
        fs::write(&manifest, &whole).unwrap();
    }
    assert_eq!(
        document(&at(third).folder(), "manifest.json")["inputs"]["predecessor"]["run_id"],
        second.json()["run_id"]
    );
}

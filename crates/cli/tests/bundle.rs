//! The main job, end to end: one command makes the report, the same bytes every time.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{AS_OF, document, files, run, simulated};

fn sha256(bytes: &[u8]) -> String {
    compliance::hash::sha256_hex(bytes)
}

#[test]
fn the_daily_report_is_whole_and_the_same_bytes_anywhere() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = simulated(&["report", "daily"], here.path());
    let folder = first.folder();
    let bundle = files(&folder);
    let named: BTreeSet<&str> = bundle
        .keys()
        .map(String::as_str)
        .filter(|name| !name.contains('/'))
        .collect();
    let expected = [
        "chart.png",
        "digest.json",
        "exceptions.csv",
        "fix-first.csv",
        "manifest.json",
        "merged.csv",
        "new.csv",
        "noncompliant.csv",
        "provenance.json",
        "report.pdf",
        "resolved.csv",
        "scorecard.json",
        "settings.json",
        "vanished.csv",
    ];
    assert_eq!(named, BTreeSet::from(expected));
    assert!(
        bundle
            .keys()
            .any(|name| name.starts_with("snapshot/results/") && name.ends_with(".parquet"))
    );

    let manifest = document(&folder, "manifest.json");
    let listed = manifest["files"].as_array().unwrap();
    for file in listed {
        let bytes = &bundle[file["name"].as_str().unwrap()];
        assert_eq!(file["sha256"], sha256(bytes), "{file}");
        assert_eq!(file["bytes"], bytes.len(), "{file}");
        assert!(file["media_type"].as_str().unwrap().contains('/'), "{file}");
    }
    let listed: BTreeSet<&str> = listed.iter().map(|file| file["name"].as_str().unwrap()).collect();
    let all_but: BTreeSet<&str> = bundle
        .keys()
        .map(String::as_str)
        .filter(|name| !["manifest.json", "provenance.json"].contains(name))
        .collect();
    assert_eq!(listed, all_but);
    assert_eq!(
        document(&folder, "provenance.json")["manifest_sha256"],
        sha256(&bundle["manifest.json"])
    );

    let again = simulated(&["report", "daily"], here.path());
    assert_eq!(
        (again.json()["existed"].clone(), again.folder()),
        (Value::Bool(true), folder)
    );

    let elsewhere = simulated(&["report", "daily"], there.path());
    let mut other = files(&elsewhere.folder());
    let mut bundle = bundle;
    assert!(bundle.remove("provenance.json").is_some() && other.remove("provenance.json").is_some());
    assert_eq!(elsewhere.json()["run_id"], first.json()["run_id"]);
    for (name, bytes) in &bundle {
        assert!(
            other.get(name) == Some(bytes),
            "{name} differs between two runs on the same inputs"
        );
    }
    assert_eq!(bundle.len(), other.len());
}

#[test]
fn a_report_counts_what_its_lists_and_snapshot_hold() {
    let out = tempfile::tempdir().unwrap();
    let run = simulated(&["report", "daily"], out.path());
    let folder = run.folder();
    let scorecard = document(&folder, "scorecard.json");
    let rows = |name: &str| {
        csv::Reader::from_path(folder.join(name))
            .unwrap()
            .records()
            .count() as u64
    };
    let movement = &scorecard["movement"];
    assert_eq!(movement["new"], rows("new.csv"));
    assert_eq!(movement["resolved"], rows("resolved.csv"));
    assert_eq!(movement["vanished"], rows("vanished.csv"));
    assert_eq!(
        scorecard["organization"]["pairs"]["noncompliant"],
        rows("noncompliant.csv")
    );
    assert_eq!(scorecard["trend"]["points"].as_array().unwrap().len(), 8);
    assert!(
        scorecard["trend"]["points"]
            .as_array()
            .unwrap()
            .iter()
            .all(|point| !point["scores"].is_null()),
        "8 days of history"
    );
    let merged = &scorecard["merged"];
    let results = document(&folder, "snapshot/manifest.json")["results"]
        .as_u64()
        .unwrap();
    assert_eq!(merged["results"], results);
    let duplicates =
        merged["global_duplicates"].as_u64().unwrap() + merged["name_duplicates"].as_u64().unwrap();
    assert_eq!(merged["pairs"].as_u64().unwrap() + duplicates, results);
    let balances = scorecard["reconciliation"].as_array().unwrap();
    assert_eq!(balances.len(), 10);
    for balance in balances {
        assert_eq!(balance["expected"], balance["counted"], "{balance}");
    }
    assert!(rows("merged.csv") >= 2 * merged["disagreements"].as_u64().unwrap());
    assert_eq!(scorecard["fix_first"]["repairs"], rows("fix-first.csv"));
}

/// An exception for the rule that is violated most, and one that expired yesterday.
#[test]
fn exceptions_reach_every_file_and_change_no_score() {
    let out = tempfile::tempdir().unwrap();
    let plain = document(
        &simulated(&["report", "daily"], out.path()).folder(),
        "scorecard.json",
    );
    let rule = plain["rules"][0]["rule"].as_str().unwrap();
    let exception = |id: &str, expires: &str| {
        format!(
            "[[exceptions]]\nid = \"{id}\"\nrule = \"{rule}\"\neverywhere = true\nreason = \"accepted here\"\n\
             owner = \"o\"\napprover = \"a\"\napproved = 2026-01-01\nexpires = {expires}\n"
        )
    };
    let settings = out.path().join("settings.toml");
    let text = exception("in-force", "2026-11-21") + &exception("past", "2026-11-20");
    std::fs::write(&settings, text).unwrap();
    let settings = settings.to_str().unwrap();
    let folder = simulated(&["report", "daily", "--settings", settings], out.path()).folder();
    let scorecard = document(&folder, "scorecard.json");
    for same in ["organization", "accounts", "rules", "movement", "severities"] {
        assert_eq!(scorecard[same], plain[same], "{same}");
    }
    let noncompliant = &plain["rules"][0]["scores"]["pairs"]["noncompliant"];
    assert_eq!(&scorecard["exceptions"]["noncompliant"], noncompliant);
    assert_eq!(&scorecard["fix_first"]["excepted"]["pairs"], noncompliant);
    let rows = |name: &str, cell: &str| {
        let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
        let rows = reader.records().map(Result::unwrap);
        rows.filter(|row| row.iter().any(|found| found == cell)).count()
    };
    assert_eq!(
        rows("noncompliant.csv", "in-force"),
        noncompliant.as_u64().unwrap() as usize
    );
    assert_eq!(
        (
            rows("exceptions.csv", "in-force"),
            rows("exceptions.csv", "expired")
        ),
        (1, 1)
    );
    assert_eq!(rows("fix-first.csv", rule), 0);
    let digest = document(&folder, "digest.json")["message"].to_string();
    assert!(
        digest.contains("1 exception has expired (`past` 2026-11-20)"),
        "{digest}"
    );
}

#[test]
fn simulated_data_says_so_in_every_file_a_person_reads() {
    let out = tempfile::tempdir().unwrap();
    let folder = simulated(&["report", "daily"], out.path()).folder();
    let digest = document(&folder, "digest.json");
    let messages = std::iter::once(&digest["message"]).chain(digest["thread"].as_array().unwrap());
    for message in messages {
        assert!(
            message["text"]
                .as_str()
                .unwrap()
                .to_uppercase()
                .contains("SIMULATED"),
            "{message}"
        );
    }
    assert!(
        document(&folder, "scorecard.json")["simulation"]
            .as_str()
            .unwrap()
            .contains("seed 7")
    );
    assert!(
        document(&folder, "manifest.json")["simulation"]
            .as_str()
            .unwrap()
            .contains("seed 7")
    );
}

#[test]
fn the_weekly_report_looks_back_over_twelve_weeks() {
    let out = tempfile::tempdir().unwrap();
    let scorecard = document(
        &simulated(&["report", "weekly"], out.path()).folder(),
        "scorecard.json",
    );
    let points = scorecard["trend"]["points"].as_array().unwrap();
    assert_eq!((points.len(), scorecard["kind"].as_str()), (13, Some("weekly")));
    assert!(points.iter().all(|point| !point["scores"].is_null()));
    assert_eq!(scorecard["baseline"]["as_of"], "2026-11-14T09:00:00Z");
}

#[test]
fn a_saved_snapshot_reports_the_same_without_the_network() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let live = simulated(&["report", "daily"], here.path());
    let out = there.path().to_str().unwrap();
    let saved = run(&[
        "report",
        "daily",
        "--snapshot",
        here.path().to_str().unwrap(),
        "--json",
        "--out",
        out,
    ]);
    // The settings of a simulation name its inventory role, so run ids differ; every number agrees.
    let (a, b) = (
        document(&live.folder(), "scorecard.json"),
        document(&saved.folder(), "scorecard.json"),
    );
    for field in [
        "organization",
        "movement",
        "change",
        "trend",
        "accounts",
        "rules",
        "ages",
        "times_to_resolve",
        "simulation",
    ] {
        assert_eq!(a[field], b[field], "{field}");
    }
    assert_eq!(
        files(&live.folder())["noncompliant.csv"],
        files(&saved.folder())["noncompliant.csv"]
    );
    assert_eq!(document(&saved.folder(), "provenance.json")["offline"], true);

    let bundle = live.folder();
    let alone = tempfile::tempdir().unwrap();
    let from_bundle = run(&[
        "report",
        "daily",
        "--snapshot",
        bundle.to_str().unwrap(),
        "--json",
        "--out",
        alone.path().to_str().unwrap(),
    ]);
    let scorecard = document(&from_bundle.folder(), "scorecard.json");
    assert_eq!(
        (&scorecard["baseline"], &scorecard["organization"]),
        (&Value::Null, &a["organization"])
    );
}

#[test]
fn a_snapshot_run_makes_history_and_no_report() {
    let out = tempfile::tempdir().unwrap();
    let folder = simulated(&["snapshot"], out.path()).folder();
    let names: Vec<String> = files(&folder)
        .into_keys()
        .filter(|name| !name.contains('/'))
        .collect();
    assert_eq!(
        names,
        [
            "manifest.json",
            "provenance.json",
            "scorecard.json",
            "settings.json"
        ]
    );
}

#[test]
fn what_people_see_on_the_terminal() {
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec![
        "report",
        "daily",
        "--simulate",
        "--as-of",
        AS_OF,
        "--out",
        out.path().to_str().unwrap(),
    ];
    arguments.extend(support::SMALL);
    let run = run(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for words in [
        "SIMULATED",
        "compliance score",
        "since 2026-11-20 09:00 UTC",
        "coverage",
        "report.pdf",
        "manifest.json",
    ] {
        assert!(run.stdout.contains(words), "{words:?} is not in: {}", run.stdout);
    }
    assert!(
        run.stderr
            .lines()
            .any(|line| line.trim_start().starts_with("score")),
        "plain progress lines: {}",
        run.stderr
    );
    assert!(!run.stderr.contains('\u{1b}'), "no terminal codes in a pipe");
}

#[test]
fn the_simulation_served_over_http_says_that_it_is_one() {
    let served = support::Served::start(&support::SMALL);
    let out = tempfile::tempdir().unwrap();
    let run = served.run(&[
        "snapshot",
        "--aggregator",
        "organization",
        "--json",
        "--out",
        out.path().to_str().unwrap(),
    ]);
    assert_eq!(run.json()["simulation"], "served by plumbline simulate serve");
    assert_eq!(
        run.json()["change"],
        Value::Null,
        "a first run has nothing to compare with"
    );
    assert!(!files(out.path()).keys().any(|name| name.starts_with("work/")));
}

#[test]
fn a_simulation_collected_under_other_settings_is_another_one() {
    let out = tempfile::tempdir().unwrap();
    let first = simulated(&["snapshot"], out.path());
    let settings = out.path().join("other.toml");
    std::fs::write(
        &settings,
        "[collection]\nexpected_accounts = [\"999999999999\"]\n",
    )
    .unwrap();
    let mut arguments = vec![
        "snapshot",
        "--simulate",
        "--json",
        "--as-of",
        AS_OF,
        "--out",
        out.path().to_str().unwrap(),
    ];
    arguments.extend(["--settings", settings.to_str().unwrap()]);
    arguments.extend(support::SMALL);
    let other = run(&arguments);
    let coverage = &document(&other.folder(), "scorecard.json")["context"]["coverage"];
    assert_eq!(coverage["expected_accounts"], serde_json::json!(["999999999999"]));
    assert_ne!(first.json()["run_id"], other.json()["run_id"]);
}

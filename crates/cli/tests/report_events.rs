//! What events told of a report's period, on one machine.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

mod support;

use std::path::{Path, PathBuf};

use compliance::hash::sha256_hex;
use serde_json::{Value, json};
use support::{AS_OF, Served, document, run, simulated};

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../simulated-org/recorded/one-account-evaluations.json"
);

fn settings_with_table(folder: &Path) -> PathBuf {
    let settings = folder.join("settings.toml");
    std::fs::write(&settings, "[cloud]\nevents_table = \"plumbline-prod-events\"\n").unwrap();
    settings
}

/// The report of a saved bundle, without the network.
fn again(bundle: &Path, out: &Path) -> support::Run {
    let (bundle, out) = (bundle.to_str().unwrap(), out.to_str().unwrap());
    run(&["report", "daily", "--snapshot", bundle, "--json", "--out", out])
}

/// Nobody but the emulated AWS of the report answers there, so the table cannot be read.
#[test]
fn a_table_that_cannot_be_read_is_said_and_costs_no_report() {
    let (served, here) = (
        Served::start(&["--recorded", RECORDED]),
        tempfile::tempdir().unwrap(),
    );
    let settings = settings_with_table(here.path());
    let run = served.run(&[
        "report",
        "daily",
        "--aggregator",
        "organization",
        "--json",
        "--region",
        "us-gov-west-1",
        "--settings",
        settings.to_str().unwrap(),
        "--out",
        here.path().join("out").to_str().unwrap(),
    ]);
    assert!(run.stderr.contains("what events told (Events."), "{}", run.stderr);
    let unread = document(&run.folder(), "manifest.json")["inputs"]["events"]["unread"].clone();
    assert!(
        unread["code"].as_str().unwrap().starts_with("Events."),
        "{unread}"
    );
    let settings = document(&run.folder(), "settings.json");
    assert_eq!(
        settings.get("cloud"),
        None,
        "where the table is says nothing of the report"
    );

    let again = again(&run.folder(), &here.path().join("again"));
    let inputs = document(&again.folder(), "manifest.json")["inputs"].clone();
    assert_eq!(
        inputs["events"]["unread"], unread,
        "what was not known then is not known now"
    );
}

#[test]
fn a_simulated_organization_sends_no_events() {
    let here = tempfile::tempdir().unwrap();
    let settings = settings_with_table(here.path());
    let run = simulated(
        &["report", "daily", "--settings", settings.to_str().unwrap()],
        &here.path().join("out"),
    );
    assert_eq!(
        document(&run.folder(), "manifest.json")["inputs"].get("events"),
        None
    );
}

/// Puts an extract into a bundle as if it had been made with it.
fn put_extract(bundle: &Path, extract: &Value) {
    let bytes = serde_json::to_vec(extract).unwrap();
    std::fs::write(bundle.join("events.json"), &bytes).unwrap();
    let mut manifest = document(bundle, "manifest.json");
    let snapshot = manifest["inputs"]["snapshot"]["id"].as_str().unwrap();
    let key = format!("work/{snapshot}/events-daily.json");
    manifest["inputs"]["events"] = json!({"extract": {"key": key, "sha256": sha256_hex(&bytes)}});
    std::fs::write(bundle.join("manifest.json"), manifest.to_string()).unwrap();
}

#[test]
fn a_saved_report_is_made_again_with_the_events_that_it_had() {
    let here = tempfile::tempdir().unwrap();
    let bundle = simulated(&["report", "daily"], &here.path().join("out")).folder();
    let extract = json!({
        "schema": 1, "from": "2026-11-20T09:00:00Z", "until": AS_OF,
        "events": 12, "results": 5, "unchanged": 4, "superseded": 1, "rows": [],
    });
    put_extract(&bundle, &extract);
    let made = again(&bundle, &here.path().join("again")).folder();
    assert_eq!(document(&made, "scorecard.json")["events"]["results"], 5);
    assert_eq!(document(&made, "events.json"), extract);
    assert!(made.join("events.csv").exists());
    let work = here.path().join("again/work");
    assert!(
        !work.exists() || support::files(&work).is_empty(),
        "working files are of no use any more"
    );

    std::fs::write(bundle.join("events.json"), "{}").unwrap();
    let damaged = again(&bundle, &here.path().join("damaged"));
    damaged.fails(6, &["events.json is damaged"]);
}

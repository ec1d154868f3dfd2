//! A hostile source: the bundle is the one of a calm source, byte for byte, or a scope is missing and everything says so.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::{Run, Served, document, files, run, simulated};

/// A bundle's files but for its provenance.
fn bundle(run: &Run) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(&run.folder());
    assert!(files.remove("provenance.json").is_some());
    files
}

/// A count of `provenance.json` over all operations.
fn calls(run: &Run, count: &str) -> u64 {
    let provenance = document(&run.folder(), "provenance.json");
    let operations = provenance["calls"].as_object().unwrap();
    operations
        .values()
        .map(|operation| operation[count].as_u64().unwrap())
        .sum()
}

fn assert_same(calm: &Run, rough: &Run, faults: &str) {
    let (calm, rough) = (bundle(calm), bundle(rough));
    assert_eq!(
        calm.keys().collect::<Vec<_>>(),
        rough.keys().collect::<Vec<_>>(),
        "{faults}"
    );
    for (name, bytes) in &calm {
        assert!(rough.get(name) == Some(bytes), "{name} differs under {faults}");
    }
}

#[test]
fn throttled_half_the_time_with_server_errors_the_report_is_the_same_bytes() {
    let (calm, rough) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let faults = "throttle=0.5,5xx=0.1";
    let calm = simulated(&["report", "daily"], calm.path());
    let rough = simulated(&["report", "daily", "--faults", faults], rough.path());
    assert_same(&calm, &rough, faults);
    let (attempts, throttled) = (calls(&rough, "attempts"), calls(&rough, "throttled"));
    assert!(throttled * 10 > attempts * 4, "{throttled} of {attempts}");
    assert_eq!(calls(&rough, "failed"), 0);
}

#[test]
fn every_fault_that_is_recovered_from_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let calm = simulated(&["snapshot"], &folder.path().join("calm"));
    let check = |faults: &str, counted: &str| {
        let out = folder.path().join(faults);
        let rough = simulated(&["snapshot", "--faults", faults], &out);
        assert_same(&calm, &rough, faults);
        if !counted.is_empty() {
            assert!(
                calls(&rough, counted) > calls(&calm, counted),
                "{faults} met nothing"
            );
        }
    };
    check("cut=0.3", "attempts");
    check("truncate=0.3", "attempts");
    check("5xx=0.3", "attempts");
    check("repeat-page=0.5", "repeated_pages");
    check("latency=5ms", "");
    check("expire-credentials-after=3", "attempts");
    let all =
        "throttle=0.2,5xx=0.1,cut=0.1,truncate=0.1,repeat-page=0.1,expire-after=5,expire-credentials-after=5";
    check(all, "attempts");
}

#[test]
fn tokens_that_expire_now_and_then_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    // Enough for lists of some pages.
    let snapshot = |name: &str, faults: &[&str]| {
        let out = folder.path().join(name);
        let sizes = "--accounts 3 --regions 2 --rules 24 --resources 60 --as-of 2026-11-21T09:00:00Z";
        let mut arguments = vec!["snapshot", "--simulate", "--json", "--out", out.to_str().unwrap()];
        arguments.extend(sizes.split(' '));
        arguments.extend(faults);
        run(&arguments)
    };
    let (calm, rough) = (
        snapshot("calm", &[]),
        snapshot("rough", &["--faults", "expire-after=3"]),
    );
    assert_same(&calm, &rough, "expire-after=3");
    assert!(calls(&rough, "restarts") > 0);
}

#[test]
fn what_exceeds_the_rate_of_the_server_is_throttled_and_comes_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let calm = simulated(&["snapshot"], &folder.path().join("calm"));
    let rough = simulated(&["snapshot", "--faults", "rate=10"], &folder.path().join("rough"));
    assert_same(&calm, &rough, "rate=10");
    assert!(calls(&rough, "throttled") > 0);
}

/// Two attempts a call, so that what fails for ever does so soon.
fn impatient(folder: &Path) -> String {
    let file = folder.join("impatient.toml");
    std::fs::write(&file, "[collection]\nmax_attempts = 2\n").unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn an_account_that_fails_for_ever_is_missing_wherever_it_would_have_counted() {
    let folder = tempfile::tempdir().unwrap();
    let settings = impatient(folder.path());
    let arguments = ["report", "daily", "--settings", &settings];
    let calm = simulated(&arguments, &folder.path().join("calm"));
    let whole = document(&calm.folder(), "scorecard.json");
    let account = whole["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["completeness"] == "complete" && account["movement"]["still"] != 0)
        .unwrap_or(&whole["accounts"][0])["account_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let faults = format!("fail={account}");
    let arguments = [&arguments[..], &["--faults", &faults]].concat();
    let rough = simulated(&arguments, &folder.path().join("rough"));
    let scorecard = document(&rough.folder(), "scorecard.json");

    let accounts = scorecard["accounts"].as_array().unwrap();
    let missing = accounts
        .iter()
        .find(|one| one["account_id"] == account.as_str())
        .unwrap();
    assert_eq!(missing["completeness"], "missing");
    assert_eq!(
        missing["scores"]["compliance_score"],
        Value::Null,
        "missing is never compliant"
    );
    assert_eq!(missing["scores"]["pairs"]["compliant"], 0);
    let scopes = scorecard["context"]["coverage"]["scopes"].as_array().unwrap();
    let reasons: Vec<&str> = scopes
        .iter()
        .filter(|scope| scope["source"]["account_id"] == account.as_str())
        .map(|scope| scope["missing"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["Config.Unavailable"; 2]);
    assert_eq!(scorecard["completeness"], "partial");
    let pairs = |card: &Value| card["organization"]["pairs"]["compliant"].as_u64().unwrap();
    assert!(pairs(&scorecard) < pairs(&whole), "it counts nowhere");
    for list in ["noncompliant.csv", "new.csv", "resolved.csv"] {
        let text = std::fs::read_to_string(rough.folder().join(list)).unwrap();
        assert!(
            !text.contains(&account),
            "{list} has results of an account that was not read"
        );
    }

    let digest = document(&rough.folder(), "digest.json");
    let text = digest["message"]["text"].as_str().unwrap();
    assert!(text.contains("Coverage is not complete"), "{text}");
    assert!(
        text.contains(" % (incomplete: "),
        "the score itself says so: {text}"
    );
    assert!(digest.to_string().contains(&account), "the digest names it");
    assert_eq!(rough.json()["coverage_complete"], false);
}

#[test]
fn a_source_that_never_answers_ends_the_run_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let settings = impatient(folder.path());
    let check = |faults: &str, says: &[&str]| {
        let out = folder.path().join("out");
        simulated(&["snapshot", "--settings", &settings, "--faults", faults], &out).fails(5, says);
        assert!(
            !out.join("snapshots").exists(),
            "nothing half-collected stands under {faults}"
        );
    };
    check(
        "throttle=1",
        &["ThrottlingException", "collection.requests_per_second"],
    );
    check("5xx=1", &["DescribeConfigurationAggregators", "run again"]);
    check("cut=1", &["DescribeConfigurationAggregators", "run again"]);
    check("truncate=1", &["DescribeConfigurationAggregators", "run again"]);
}

#[test]
fn faults_are_of_the_served_organization_too() {
    let served = Served::start(&[
        "--accounts",
        "2",
        "--regions",
        "1",
        "--rules",
        "5",
        "--faults",
        "throttle=1",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let settings = impatient(folder.path());
    let out = folder.path().join("out");
    let arguments = [
        "snapshot",
        "--aggregator",
        "organization",
        "--settings",
        &settings,
        "--out",
    ];
    let arguments = [&arguments[..], &[out.to_str().unwrap()]].concat();
    served.run(&arguments).fails(5, &["ThrottlingException"]);
}

#[test]
fn faults_that_cannot_be_are_named() {
    let check =
        |faults: &str, says: &[&str]| run(&["snapshot", "--simulate", "--faults", faults]).fails(2, says);
    check("throttle=2", &["throttle=\"2\"", "0 to 1"]);
    check("latency=fast", &["latency=\"fast\"", "50ms"]);
    check("nonsense=1", &["nonsense", "expire-after"]);
    run(&["snapshot", "--aggregator", "a", "--faults", "cut=0.1"]).fails(2, &["--faults", "--simulate"]);
    let help = run(&["report", "--help"]).stdout;
    assert!(
        help.contains("repeat-page=0.01") && help.contains("expire-after"),
        "{help}"
    );
}

//! A real account, recorded, served over HTTP and reported as any other: its figures are known.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

mod support;

use serde_json::{Value, json};
use support::{Served, document};

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../simulated-org/recorded/one-account-evaluations.json"
);

/// The scorecard of a daily report of what `served` serves.
fn report(served: &Served, role: bool) -> Value {
    let out = tempfile::tempdir().unwrap();
    let settings = out.path().join("settings.toml");
    std::fs::write(
        &settings,
        if role {
            "[collection]\nrule_inventory_role = \"inventory\"\n"
        } else {
            ""
        },
    )
    .unwrap();
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
        out.path().join("out").to_str().unwrap(),
    ]);
    document(&run.folder(), "scorecard.json")
}

#[test]
fn a_live_answer_is_never_misdated() {
    let served = Served::start(&["--recorded", RECORDED]);
    let out = tempfile::tempdir().unwrap();
    let run = served.run(&[
        "report",
        "daily",
        "--aggregator",
        "organization",
        "--region",
        "us-gov-west-1",
        "--as-of",
        "2026-11-20",
        "--out",
        out.path().to_str().unwrap(),
    ]);
    run.fails(2, &["answers as it is now", "leave out --as-of", "--snapshot"]);
}

#[test]
fn the_figures_of_the_recorded_account() {
    let served = Served::start(&["--recorded", RECORDED]);
    let scorecard = report(&served, true);
    assert_eq!(scorecard["merged"]["results"], 196);
    assert_eq!(
        scorecard["organization"]["pairs"],
        json!({"compliant": 73, "noncompliant": 123})
    );
    assert_eq!(
        scorecard["organization"]["compliance_score"].as_f64(),
        Some(73.0 / 196.0)
    );
    assert_eq!(scorecard["rules"].as_array().unwrap().len(), 31);
    assert_eq!(scorecard["accounts"][0]["rules_without_results"], 26);
    let inventory = &scorecard["context"]["coverage"]["scopes"][0]["inventory"];
    assert_eq!(
        (&inventory["known"], &inventory["rules"]),
        (&json!("known"), &json!(57))
    );
    assert_eq!(
        (&scorecard["baseline"], &scorecard["change"]),
        (&Value::Null, &Value::Null),
        "a first run"
    );
}

#[test]
fn without_the_inventory_rules_without_results_are_not_knowable() {
    let refused = Served::start(&["--recorded", RECORDED, "--no-rule-inventory"]);
    for (served, role) in [
        (&refused, true),
        (&Served::start(&["--recorded", RECORDED]), false),
    ] {
        let scorecard = report(served, role);
        assert_eq!(scorecard["accounts"][0]["rules_without_results"], Value::Null);
        assert_eq!(
            scorecard["context"]["coverage"]["scopes"][0]["inventory"]["known"],
            "not_knowable"
        );
        assert_eq!(
            scorecard["organization"]["pairs"],
            json!({"compliant": 73, "noncompliant": 123})
        );
    }
}

#[test]
fn other_recorded_data_gives_other_figures() {
    let mut recorded: Value = serde_json::from_slice(&std::fs::read(RECORDED).unwrap()).unwrap();
    let results = recorded["EvaluationResults"].as_array_mut().unwrap();
    let rule = |result: &Value| {
        result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ConfigRuleName"].clone()
    };
    // One of several of its rule, as the recording also counts the rules that have results.
    let noncompliant = (0..results.len())
        .find(|&at| {
            let several = results
                .iter()
                .filter(|result| rule(result) == rule(&results[at]))
                .count()
                > 1;
            several && results[at]["ComplianceType"] == "NON_COMPLIANT"
        })
        .unwrap();
    results.remove(noncompliant);
    let turned = results
        .iter_mut()
        .find(|result| result["ComplianceType"] == "COMPLIANT")
        .unwrap();
    turned["ComplianceType"] = json!("NON_COMPLIANT");
    recorded["AccountId"] = json!("000011112222");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.json");
    std::fs::write(&file, recorded.to_string()).unwrap();
    let scorecard = report(&Served::start(&["--recorded", file.to_str().unwrap()]), false);
    assert_eq!(
        scorecard["organization"]["pairs"],
        json!({"compliant": 72, "noncompliant": 123})
    );
    assert_eq!(scorecard["accounts"][0]["account_id"], "000011112222");
}

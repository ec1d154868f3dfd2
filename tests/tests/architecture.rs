//! The crate graph is a golden file: a new edge is the change to review hardest.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests, which read the tree itself"
)]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Each workspace member with what it depends on: ours, and the heavy crates that only one member may name.
fn edges(dev: bool) -> Vec<String> {
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--locked",
            "--offline",
        ])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    let mut lines: Vec<String> = packages
        .iter()
        .map(|package| {
            let named: BTreeSet<&str> = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dev || dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap())
                .filter(|name| ours.contains(name) || is_heavy(name))
                .collect();
            format!(
                "{} -> {}",
                package["name"].as_str().unwrap(),
                Vec::from_iter(named).join(", ")
            )
        })
        .collect();
    lines.sort();
    lines
}

fn is_heavy(name: &str) -> bool {
    [
        "polars",
        "typst",
        "aws-sdk-",
        "aws-config",
        "lambda_runtime",
        "hyper",
    ]
    .iter()
    .any(|heavy| name.starts_with(heavy))
}

#[test]
fn dependencies_point_one_way() {
    insta::assert_snapshot!(edges(false).join("\n"));
}

#[test]
fn heavy_crates_have_one_home_each() {
    let named_by = |heavy: &str| -> Vec<String> {
        edges(true)
            .into_iter()
            .filter(|line| {
                line.split(" -> ")
                    .nth(1)
                    .unwrap()
                    .split(", ")
                    .any(|name| name.starts_with(heavy))
            })
            .map(|line| line.split(" -> ").next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(named_by("polars"), ["score-compliance"]);
    assert_eq!(named_by("typst"), ["render-report"]);
    assert_eq!(named_by("aws-sdk-"), ["aws"]);
    assert_eq!(named_by("aws-config"), ["aws"]);
    // The host of the bench measures a function that does nothing beside ours.
    assert_eq!(named_by("lambda_runtime"), ["lambda-host", "step-runtime"]);
}

/// A step's library names the runtime only where its function is built.
#[test]
fn the_runtime_is_optional_in_every_step() {
    for manifest in std::fs::read_dir("../steps").unwrap() {
        let manifest = manifest.unwrap().path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        let line = "step-runtime = { workspace = true, optional = true }";
        assert!(text.contains(line), "{}", manifest.display());
    }
}

#[test]
fn a_step_is_a_function_of_ports_and_knows_no_adapter() {
    let steps = [
        "plan-report",
        "collect-results",
        "score-compliance",
        "render-report",
        "seal-report",
        "notify",
        "record-event",
        "sweep-outbox",
    ];
    for line in edges(false) {
        let (name, named) = line.split_once(" -> ").unwrap();
        for dependency in named
            .split(", ")
            .filter(|dependency| steps.contains(&name) && !dependency.is_empty())
        {
            // The runtime is what the function is served with; the library is built without it.
            let allowed =
                ["compliance", "slack-blocks", "step-runtime"].contains(&dependency) || is_heavy(dependency);
            assert!(allowed, "{name} must not depend on {dependency}");
            assert!(
                !dependency.starts_with("aws") && !dependency.starts_with("hyper"),
                "{name} names {dependency}"
            );
        }
    }
}

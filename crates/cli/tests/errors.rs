//! Wrong input and a hostile world: every error names what failed and what to do, with its exit code.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

mod support;

use support::{SMALL, Served, files, plumbline, run, simulated};

fn out() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out").to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn arguments_that_do_not_go_together() {
    run(&["report", "daily"]).fails(2, &["--aggregator", "--simulate", "--snapshot"]);
    run(&["report", "daily", "--simulate", "--aggregator", "a"]).fails(2, &["cannot be used with"]);
    run(&["report", "daily", "--simulate", "--as-of", "yesterday"]).fails(2, &["yesterday", "2026-11-21"]);
    run(&["report", "daily", "--aggregator", "a", "--accounts", "3"]).fails(2, &["--accounts", "--simulate"]);
    run(&["report", "monthly", "--simulate"]).fails(2, &["monthly", "daily", "weekly"]);
    run(&["report", "daily", "--simulate", "--regions", "0"]).fails(2, &["--regions"]);
}

#[test]
fn settings_are_named_with_line_and_field() {
    let (folder, out) = out();
    let file = folder.path().join("plumbline.toml");
    let check = |text: &str, says: &[&str]| {
        std::fs::write(&file, text).unwrap();
        run(&[
            "report",
            "daily",
            "--simulate",
            "--out",
            &out,
            "--settings",
            file.to_str().unwrap(),
        ])
        .fails(3, says);
    };
    check("[scoring]\nsteady = 1\n", &["plumbline.toml", "line 2", "steady"]);
    check(
        "[collection]\nconcurrency = 0\n",
        &["line 2", "collection.concurrency", "at least 1"],
    );
    check(
        "[collection]\nexpected_accounts = [\"12\"]\n",
        &["line 2", "collection.expected_accounts", "12 digits"],
    );
    check(
        "[rules.x]\nidentifier = \"NO_SUCH\"\n",
        &["line 2", "rules.x.identifier", "NO_SUCH"],
    );
    check(
        "[rules.x]\nseverity = \"huge\"\n",
        &["line 2", "huge", "critical"],
    );
    run(&[
        "report",
        "daily",
        "--simulate",
        "--out",
        &out,
        "--settings",
        "nowhere.toml",
    ])
    .fails(6, &["nowhere.toml", "--settings"]);
}

#[test]
fn without_credentials_the_remedy_is_named() {
    let served = Served::start(&SMALL);
    let (_folder, out) = out();
    let mut command = plumbline();
    command
        .env("AWS_ENDPOINT_URL", &served.url)
        .env("AWS_REGION", "eu-west-1")
        .env("HOME", &out);
    let run: support::Run = command
        .args(["report", "daily", "--aggregator", "organization", "--out", &out])
        .output()
        .unwrap()
        .into();
    run.fails(4, &["credentials", "--profile"]);
}

#[test]
fn without_a_region_the_remedy_is_named() {
    let (_folder, out) = out();
    let mut command = plumbline();
    command
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("HOME", &out);
    let run: support::Run = command
        .args(["report", "daily", "--aggregator", "x", "--out", &out])
        .output()
        .unwrap()
        .into();
    run.fails(4, &["region", "--region"]);
}

#[test]
fn an_unknown_aggregator_is_named_with_those_that_exist() {
    let served = Served::start(&SMALL);
    let (_folder, out) = out();
    served
        .run(&["report", "daily", "--aggregator", "organisation", "--out", &out])
        .fails(4, &["organisation", "organization"]);
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let (_folder, out) = out();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut command = plumbline();
    command
        .env("AWS_ENDPOINT_URL", &url)
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("AWS_REGION", "eu-west-1");
    let run: support::Run = command
        .args(["report", "daily", "--aggregator", "organization", "--out", &out])
        .output()
        .unwrap()
        .into();
    run.fails(5, &["DescribeConfigurationAggregators"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    simulated(&["report", "daily"], &file).fails(6, &["a-file", "--out"]);
}

#[test]
fn a_folder_without_a_snapshot_is_refused() {
    let (folder, out) = out();
    run(&[
        "report",
        "daily",
        "--snapshot",
        folder.path().to_str().unwrap(),
        "--out",
        &out,
    ])
    .fails(2, &["holds no snapshot"]);
}

#[test]
fn a_damaged_snapshot_is_refused_and_named() {
    let (folder, out) = out();
    let made = simulated(&["snapshot"], folder.path());
    let snapshot = made.folder().join("snapshot");
    let name = files(&snapshot)
        .into_keys()
        .find(|name| name.ends_with("results.parquet"))
        .unwrap();
    let path = snapshot.join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = run(&[
        "report",
        "daily",
        "--snapshot",
        snapshot.to_str().unwrap(),
        "--out",
        &out,
    ]);
    refused.fails(6, &["results.parquet", "damaged"]);
    std::fs::remove_file(&path).unwrap();
    run(&[
        "report",
        "daily",
        "--snapshot",
        snapshot.to_str().unwrap(),
        "--out",
        &out,
    ])
    .fails(6, &["results.parquet", "missing"]);
}

#[test]
fn changed_settings_are_not_taken_for_those_of_the_run() {
    let (folder, _out) = out();
    simulated(&["snapshot"], folder.path());
    let settings = folder.path().join("settings");
    let name = files(&settings).into_keys().next().unwrap();
    let text = std::fs::read_to_string(settings.join(&name))
        .unwrap()
        .replace("\"critical\": 10", "\"critical\": 99");
    std::fs::write(settings.join(&name), text).unwrap();
    simulated(&["report", "daily"], folder.path()).fails(6, &[&name, "changed"]);
}

#[test]
fn a_taken_port_and_an_empty_aggregator_are_named() {
    let served = Served::start(&["--accounts", "0"]);
    let port = served.url.rsplit(':').next().unwrap().to_owned();
    run(&["simulate", "serve", "--port", &port]).fails(2, &[&port, "--port"]);
    let (_folder, out) = out();
    served
        .run(&["report", "daily", "--aggregator", "organization", "--out", &out])
        .fails(4, &["no source"]);
}

#[test]
fn completions_and_help_print() {
    assert!(run(&["completions", "bash"]).stdout.contains("plumbline"));
    let help = run(&["--help"]);
    assert!(
        help.code == 0 && help.stdout.contains("Exit codes"),
        "{}",
        help.stdout
    );
}

//! Runs the real binary, as a user would.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    dead_code,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The moment of every simulated test run.
pub(crate) const AS_OF: &str = "2026-11-21T09:00:00Z";
/// Sizes that a dev build renders in seconds.
pub(crate) const SMALL: [&str; 8] = [
    "--accounts",
    "4",
    "--regions",
    "2",
    "--rules",
    "24",
    "--resources",
    "4",
];

/// A finished command.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The JSON object of `--json`, of a run that went well.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The bundle's folder of `--json`.
    pub(crate) fn folder(&self) -> PathBuf {
        PathBuf::from(self.json()["folder"].as_str().unwrap())
    }

    /// Holds a failure to its exit code and to naming what a user needs.
    pub(crate) fn fails(&self, code: i32, says: &[&str]) {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        for words in says {
            assert!(
                self.stderr.contains(words),
                "{words:?} is not in: {}",
                self.stderr
            );
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// `plumbline` in an environment without AWS settings of whoever runs the tests.
pub(crate) fn plumbline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true");
    // The second says where the lines it covers are counted, when they are.
    for kept in ["PATH", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// `plumbline` with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Run {
    plumbline().args(arguments).output().unwrap().into()
}

/// A small simulated report with `--json` into `out`.
pub(crate) fn simulated(kind: &[&str], out: &Path) -> Run {
    let mut arguments = kind.to_vec();
    arguments.extend([
        "--simulate",
        "--json",
        "--as-of",
        AS_OF,
        "--out",
        out.to_str().unwrap(),
    ]);
    arguments.extend(SMALL);
    run(&arguments)
}

/// Every file under a folder with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        // What vanishes while it is looked at is not there.
        for entry in std::fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, bytes);
            }
        }
    }
    found
}

/// Every manifest under a folder names files that stand beside it, with their hashes: nothing half is whole.
pub(crate) fn hold_whole(out: &Path) {
    let files = files(out);
    for (name, bytes) in &files {
        let Some(folder) = name.strip_suffix("manifest.json") else {
            continue;
        };
        let manifest: Value = serde_json::from_slice(bytes).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let path = file["path"].as_str().or(file["name"].as_str()).unwrap();
            let there = files
                .get(&format!("{folder}{path}"))
                .unwrap_or_else(|| panic!("{name} names {path}, which is not there"));
            assert_eq!(
                file["sha256"],
                compliance::hash::sha256_hex(there),
                "{folder}{path}"
            );
        }
    }
}

/// A document of a bundle.
pub(crate) fn document(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// `plumbline simulate serve`, ended on drop.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = plumbline()
            .args(["simulate", "serve", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("{line:?}"));
        Self {
            url: url.to_owned(),
            child,
        }
    }

    /// `plumbline` pointed at this server by the SDK's own variables.
    pub(crate) fn client(&self) -> Command {
        let mut command = plumbline();
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_REGION", "eu-west-1");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.client().args(arguments).output().unwrap().into()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

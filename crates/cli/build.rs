//! Tells the binary which commit it was built from, for provenance.json.

use std::process::Command;

fn main() {
    // Changes with every commit; where there is no repository (a source archive) the version alone is told.
    println!("cargo::rerun-if-changed=../../.git/logs/HEAD");
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok();
    let commit = commit
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    if let Some(commit) = commit {
        println!("cargo::rustc-env=PLUMBLINE_COMMIT={}", commit.trim());
    }
}

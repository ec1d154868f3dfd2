//! Renders a report of so many noncompliant rows into a folder, each file written as soon as it is made, for
//! bench_pdf.py: `bench-pdf ROWS FOLDER`. With `data` for the folder it prints the rows as CSV, for the peer.
//! The last line is JSON: pages cannot be counted here, files and bytes are, and what the process held of memory before it
//! rendered (`given_kib`): the rows themselves, which whoever asks for a report has.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measured program: it ends where it fails, and prints what it made"
)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use compliance::progress::Silent;
use render_report::RenderInput;

#[path = "../../steps/render-report/tests/samples/mod.rs"]
mod samples;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rows, folder] = arguments.as_slice() else {
        panic!("usage: bench-pdf ROWS FOLDER|data");
    };
    let input = input(rows.parse().unwrap());
    if folder == "data" {
        let csv = render_report::list_csv(&input.lists.noncompliant).unwrap();
        std::io::stdout().write_all(&csv).unwrap();
    } else {
        render(&input, Path::new(folder));
    }
}

/// A first report, so that the list of what is noncompliant is the only one, as in the peer's document; the sections
/// of 50 accounts and 100 rules stand before it.
fn input(rows: usize) -> RenderInput {
    let mut input = samples::sample(&samples::Shape {
        accounts: 50,
        rules: 100,
        resources: 6,
        first_run: true,
        ..samples::Shape::default()
    });
    let base = std::mem::take(&mut input.lists.noncompliant);
    input.lists.noncompliant = (0..rows)
        .map(|index| {
            let mut row = base[index % base.len()].clone();
            if index >= base.len() {
                row.key.resource_id = format!("{}-{}", row.key.resource_id, index / base.len());
            }
            row
        })
        .collect();
    input
}

fn render(input: &RenderInput, folder: &Path) {
    let given_kib = resident_kib();
    let (mut files, mut pdfs, mut bytes) = (0, 0, 0);
    for artifact in render_report::run(input, &Silent) {
        let artifact = artifact.unwrap();
        File::create(folder.join(&artifact.name))
            .unwrap()
            .write_all(&artifact.bytes)
            .unwrap();
        files += 1;
        if artifact.media_type == "application/pdf" {
            pdfs += 1;
            bytes += artifact.bytes.len();
        }
    }
    println!(r#"{{"files":{files},"pdfs":{pdfs},"pdf_bytes":{bytes},"given_kib":{given_kib}}}"#);
}

/// What this process holds of memory, in KiB.
fn resident_kib() -> u64 {
    let mut status = String::new();
    File::open("/proc/self/status")
        .unwrap()
        .read_to_string(&mut status)
        .unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
}

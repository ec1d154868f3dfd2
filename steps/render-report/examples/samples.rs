//! Writes the reports of all sample scorecards into a folder, to be looked at, and beside each what its templates were
//! given: `samples FOLDER [NAME]`. With a number as NAME, a report of that many noncompliant rows.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use compliance::progress::Silent;
use render_report::{RenderInput, View};

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give a folder to write to")?;
    let wanted = arguments.next();
    if let Some(rows) = wanted.as_ref().and_then(|name| name.parse().ok()) {
        return write(&folder, &format!("large-{rows}"), &samples::cases::large(rows));
    }
    for (name, make) in samples::cases::ALL {
        if wanted.as_ref().is_none_or(|wanted| wanted == name) {
            write(&folder, name, &make())?;
        }
    }
    Ok(())
}

fn write(folder: &str, name: &str, input: &RenderInput) -> Result<(), Box<dyn std::error::Error>> {
    let put = |file: &str, bytes: &[u8]| {
        File::create(Path::new(folder).join(format!("{name}-{file}")))
            .and_then(|mut file| file.write_all(bytes))
    };
    let view = View::new(&input.scorecard, &input.lists, &input.settings);
    put("view.json", &serde_json::to_vec(&view)?)?;
    for artifact in render_report::run(input, &Silent) {
        let artifact = artifact?;
        put(&artifact.name, &artifact.bytes)?;
    }
    Ok(())
}

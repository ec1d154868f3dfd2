//! Writes the reports of all sample scorecards into a folder, to be looked at: `cargo run -p render-report --example
//! samples -- FOLDER [NAME]`. With a number as NAME, a report of that many noncompliant rows.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use compliance::progress::Silent;
use render_report::RenderInput;

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give a folder to write to")?;
    let wanted = arguments.next();
    if let Some(rows) = wanted.as_ref().and_then(|name| name.parse().ok()) {
        return write(&folder, &format!("large-{rows}"), &samples::cases::large(rows));
    }
    for (name, input) in samples::cases::all() {
        if wanted.as_ref().is_none_or(|wanted| wanted == name) {
            write(&folder, name, &input)?;
        }
    }
    Ok(())
}

fn write(folder: &str, name: &str, input: &RenderInput) -> Result<(), Box<dyn std::error::Error>> {
    for artifact in render_report::run(input, &Silent) {
        let artifact = artifact?;
        let path = Path::new(folder).join(format!("{name}-{}", artifact.name));
        File::create(path)?.write_all(&artifact.bytes)?;
    }
    Ok(())
}

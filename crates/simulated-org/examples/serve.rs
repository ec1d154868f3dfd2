//! Serves an organization and writes what is true of it, for clients that are not written in Rust:
//! `serve TRUTH.json [--recorded FILE] [--at TIME] [--accounts N] [--no-rule-inventory]`.

use std::error::Error;

use simulated_org::{Organization, Recorded, Server, SimulationConfig, Truth, World};

#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is its own edge: it reads and writes the files it is told to"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let truth_file = arguments
        .next()
        .ok_or("the first argument is the file to write the truth to")?;
    let mut config = SimulationConfig::default();
    let mut recorded = None;
    let mut at = "2026-11-21T09:00:00Z".to_owned();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--recorded" => recorded = Some(std::fs::read_to_string(value()?)?),
            "--at" => at = value()?,
            "--accounts" => config.accounts = value()?.parse()?,
            "--no-rule-inventory" => config.rule_inventory = false,
            other => return Err(format!("{other} is not known").into()),
        }
    }
    let at = at.parse()?;
    let truth = match recorded {
        Some(text) => Truth::from(Recorded::from_json(&text, config.rule_inventory)?),
        None => World::new(config)?.truth(at),
    };
    std::fs::write(truth_file, serde_json::to_vec(&truth)?)?;
    let server = Server::start(Organization::from(truth), ([127, 0, 0, 1], 0), at)?;
    println!("listening on {}", server.url());
    server.wait();
    Ok(())
}

//! Serves the fake Slack to any client: `fake-slack [--port N] [--rate SHARE] [--fail SHARE] [--seed N] [--old]`.
//!
//! The token `xoxb-fake` may do everything in the channel `C00000001`; `/services/T0/B0/fake` is a webhook to it.
//! `GET /ledger` tells what readers see.

use std::error::Error;
use std::sync::Arc;

use fake_slack::{FakeSlack, Faults, Token, Workspace};

#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of the tests is its own edge"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let (mut port, mut faults, mut old) = (0, Faults::default(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--port" => port = value()?.parse()?,
            "--rate" => faults.rate = value()?.parse()?,
            "--fail" => faults.fail = value()?.parse()?,
            "--seed" => faults.seed = value()?.parse()?,
            "--old" => old = true,
            other => return Err(format!("{other} is not known").into()),
        }
    }
    let token = Token {
        scopes: vec!["chat:write", "files:write", "channels:history"],
        channels: vec!["C00000001".to_owned()],
        error: None,
    };
    let workspace = Workspace {
        tokens: [("xoxb-fake".to_owned(), token)].into(),
        channels: [("C00000001".to_owned(), false)].into(),
        webhooks: [("/services/T0/B0/fake".to_owned(), Ok("C00000001".to_owned()))].into(),
        old,
        unlimited: false,
    };
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.unwrap_or_default()
    };
    let fake = FakeSlack::start(workspace, faults, Arc::new(now), port)?;
    println!("api {}", fake.api());
    println!("webhook {}", fake.webhook("/services/T0/B0/fake"));
    fake.wait();
    Ok(())
}

//! The `plumbline` command: the steps of a run composed in one process. `main` maps errors to exit codes, `run`
//! dispatches.

mod alert;
mod args;
mod cloud;
mod collect;
mod deliver;
mod error;
mod events;
mod interrupt;
mod output;
mod preview;
mod progress;
mod report;
mod saved;
mod session;
mod simulate;
mod sources;
mod stages;
mod unfinished;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use compliance::report::ReportKind;

use crate::args::{Cli, Command, PreviewCommand, SimulateCommand};
use crate::error::CliError;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", error::chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::System {
            doing: "start the runtime",
            source,
        })?;
    match cli.command {
        Command::Report(args) => {
            let deliver = args.deliver();
            runtime.block_on(sources::run(args.kind.into(), args.run, deliver))
        }
        Command::Snapshot(args) => runtime.block_on(sources::run(ReportKind::Snapshot, args, None)),
        Command::Cloud { command } => runtime.block_on(cloud::run(command)),
        Command::Alert(args) => runtime.block_on(alert::run(&args)),
        Command::Events { command } => runtime.block_on(events::run(command)),
        Command::Simulate {
            command: SimulateCommand::Serve(args),
        } => simulate::serve(&args),
        Command::Preview {
            command: PreviewCommand::Digest { file, thread, png },
        } => preview::digest(&file, thread, png.as_deref()),
        Command::Preview {
            command: PreviewCommand::Alert { file, png },
        } => preview::message(&file, png.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "plumbline", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Prints to standard output; a closed pipe (`| head`) ends quietly.
fn print(text: &str) -> Result<(), CliError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::System {
            doing: "write to standard output",
            source: error,
        }),
        _ => Ok(()),
    }
}

//! A Lambda service for one machine, for tests: the Invoke API in front, a Runtime API for each instance behind it, and
//! our real binaries as processes between them.
//!
//! What is like Lambda: instances are reused while they are warm, one invocation at a time each; a function ends at its
//! timeout; what crashes, hangs or answers too much gives the error types that Step Functions sees from Lambda; a
//! function with no concurrency left is throttled. What is not: memory is measured, not limited; an asynchronous
//! invocation that fails is not tried again; nobody is asked for permission.
//!
//! Beside Lambda's own paths, `PUT /faults` takes a list of what is to go wrong (see [`faults`]).

#![allow(
    clippy::disallowed_methods,
    reason = "a host is all edge: it reads files, and its clock measures"
)]

mod faults;
mod functions;
mod host;
mod instance;
mod invocation;
mod process;
mod report;
mod runtime_api;
mod server;
mod wire;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::host::Host;

/// Runs Lambda functions as processes of this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// The functions (JSON); read again whenever it has changed.
    #[arg(long, value_name = "FILE")]
    functions: PathBuf,
    /// Where one JSON line about each invocation goes.
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// Folder for what the functions print, a file each.
    #[arg(long, value_name = "DIR")]
    logs: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout, reason = "whoever starts the host reads its address")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let host = Arc::new(Host::open(
        arguments.functions,
        &arguments.report,
        arguments.logs,
    )?);
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    println!("listening on http://{}", listener.local_addr()?);
    tokio::select! {
        () = server::serve(listener, host) => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    // The instances are children that die with the runtime.
    Ok(())
}

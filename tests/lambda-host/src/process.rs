//! An instance as the system sees it: a process with the environment that Lambda gives.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::functions::Function;

/// Starts the function's binary. It dies when the [`Child`] is dropped.
pub(crate) fn spawn(function: &Function, runtime_api: SocketAddr, log: File) -> io::Result<Child> {
    Command::new(&function.settings.binary)
        .env_clear()
        .envs(environment(function, runtime_api))
        .envs(&function.settings.environment)
        .current_dir(task_root(function))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
}

/// What Lambda sets. The function's own environment wins, so that a test can say whose credentials these are.
fn environment(function: &Function, runtime_api: SocketAddr) -> Vec<(&'static str, String)> {
    let Function {
        name,
        account,
        region,
        settings,
    } = function;
    vec![
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "[$LATEST]local".to_owned()),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_ACCESS_KEY_ID", account.clone()),
        ("AWS_SECRET_ACCESS_KEY", "of-no-value".to_owned()),
        ("AWS_SESSION_TOKEN", "of-no-value".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("LAMBDA_TASK_ROOT", task_root(function).display().to_string()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
    ]
}

fn task_root(function: &Function) -> &Path {
    function.settings.binary.parent().unwrap_or(Path::new("/"))
}

/// Begins to count a process's peak memory anew, where the system allows it.
pub(crate) fn forget_peak_memory(pid: u32) {
    // Without it the peak is that of the instance's whole life, which is what a memory size must hold anyway.
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The peak of a process's resident memory in KiB; `None` when it has ended or the system does not tell.
pub(crate) fn peak_memory_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

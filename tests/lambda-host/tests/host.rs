//! The real host with a real function of its own, over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests; the host's files are read as others read them"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Host {
    process: Child,
    address: String,
    folder: TempDir,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error's type, where the host says that the function failed.
    fn error_type(&self) -> String {
        assert!(
            self.head.contains("x-amz-function-error: Unhandled"),
            "{}",
            self.head
        );
        self.json()["errorType"].as_str().unwrap().to_owned()
    }
}

fn odd_function() -> PathBuf {
    let binaries = PathBuf::from(env!("CARGO_BIN_EXE_lambda-host"));
    binaries.parent().unwrap().join("examples/odd-function")
}

fn settings() -> Value {
    json!({"binary": odd_function(), "timeout_seconds": 5, "memory_mb": 128})
}

impl Host {
    fn start(functions: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_functions(&folder, functions);
        let mut process = Command::new(env!("CARGO_BIN_EXE_lambda-host"))
            .arg("--functions")
            .arg(path("functions.json"))
            .arg("--report")
            .arg(path("report.jsonl"))
            .arg("--logs")
            .arg(path("logs"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        Self {
            process,
            address: address.to_owned(),
            folder,
        }
    }

    fn one() -> Self {
        Self::start(&json!({"odd": settings()}))
    }

    fn call(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: answer[end + 4..].to_vec(),
        }
    }

    fn invoke(&self, payload: &Value) -> Answer {
        let path = "/2015-03-31/functions/odd/invocations";
        self.call("POST", path, "", payload.to_string().as_bytes())
    }

    fn set_faults(&self, rules: &Value) {
        let answer = self.call("PUT", "/faults", "", rules.to_string().as_bytes());
        assert_eq!(answer.status, 204, "{}", answer.head);
    }

    fn report(&self) -> Vec<Value> {
        std::fs::read_to_string(self.folder.path().join("report.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("logs/odd.log")).unwrap()
    }
}

fn write_functions(folder: &TempDir, functions: &Value) {
    let content = json!({"account": "111122223333", "region": "eu-west-1", "functions": functions});
    std::fs::write(folder.path().join("functions.json"), content.to_string()).unwrap();
}

/// Waits until something holds; a test that waits in vain fails.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_instance_stays_warm_and_sees_what_lambda_sets() {
    let host = Host::one();
    let first = host.invoke(&json!({})).json();
    let second = host.invoke(&json!({})).json();
    assert_eq!((&first["served"], &second["served"]), (&json!(1), &json!(2)));
    let environment = &first["environment"];
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "odd"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_REGION", "eu-west-1"),
        ("_HANDLER", "bootstrap"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert_eq!(
        environment["HOME"],
        Value::Null,
        "nothing of the test's own environment"
    );
    assert_eq!(first["arn"], "arn:aws:lambda:eu-west-1:111122223333:function:odd");

    let [cold, warm] = host.report().try_into().unwrap();
    assert!(cold["init_ms"].as_f64().unwrap() > 0.0 && warm["init_ms"].is_null());
    let billed = cold["init_ms"].as_f64().unwrap() + cold["duration_ms"].as_f64().unwrap();
    assert_eq!(cold["billed_ms"].as_f64().unwrap(), billed.ceil());
    assert!(cold["peak_memory_kib"].as_u64().unwrap() > 100, "{cold}");
    assert!(host.log().contains("serving {}"), "{}", host.log());
}

#[test]
fn a_function_ends_at_its_timeout_and_the_next_invocation_begins_anew() {
    let mut settings = settings();
    settings["timeout_seconds"] = json!(1);
    let host = Host::start(&json!({"odd": settings}));
    let late = host.folder.path().join("late");
    let answer = host.invoke(&json!({"sleep_ms": 1_500, "touch": late}));
    assert_eq!(answer.error_type(), "Sandbox.Timedout");
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(
        message.ends_with("Error: Task timed out after 1.00 seconds"),
        "{message}"
    );
    std::thread::sleep(Duration::from_millis(700));
    assert!(!late.exists(), "the instance died with its time");
    assert_eq!(host.invoke(&json!({})).json()["served"], 1);
}

#[test]
fn what_crashes_fails_or_says_too_much_is_named_as_lambda_names_it() {
    let host = Host::one();
    let crashed = host.invoke(&json!({"exit": 9}));
    assert_eq!(crashed.error_type(), "Runtime.ExitError");
    assert!(String::from_utf8_lossy(&crashed.body).contains("Runtime exited with error: exit status 9"));
    let left = host.invoke(&json!({"exit": 0}));
    assert!(String::from_utf8_lossy(&left.body).contains("exited without providing a reason"));
    let error = json!({"errorType": "Config.Throttled", "errorMessage": "Rate exceeded"});
    let failed = host.invoke(&json!({"error": error}));
    assert_eq!(
        (failed.error_type().as_str(), failed.json()),
        ("Config.Throttled", error)
    );
    assert_eq!(
        host.invoke(&json!({})).json()["served"],
        2,
        "an error does not end an instance"
    );
    let largest = 6_291_556;
    assert_eq!(host.invoke(&json!({"bytes": largest})).body.len(), largest);
    let too_large = host.invoke(&json!({"bytes": largest + 1}));
    assert_eq!(too_large.error_type(), "Function.ResponseSizeTooLarge");
}

#[test]
fn an_instance_that_cannot_begin_says_so() {
    let with = |init: &str| {
        let mut settings = settings();
        settings["environment"] = json!({"INIT": init});
        Host::start(&json!({"odd": settings}))
    };
    assert_eq!(with("error").invoke(&json!({})).error_type(), "Odd.Init");
    assert_eq!(with("exit").invoke(&json!({})).error_type(), "Runtime.ExitError");
    let missing = json!({"binary": "/nowhere/bootstrap", "timeout_seconds": 5, "memory_mb": 128});
    let host = Host::start(&json!({"odd": missing}));
    assert_eq!(host.invoke(&json!({})).error_type(), "Runtime.InvalidEntrypoint");
}

#[test]
fn with_no_concurrency_left_a_function_is_throttled() {
    let mut settings = settings();
    settings["reserved_concurrency"] = json!(1);
    let host = Host::start(&json!({"odd": settings}));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| host.invoke(&json!({"sleep_ms": 800})).status);
        wait_until("the first begins", || {
            std::fs::read_to_string(host.folder.path().join("logs/odd.log"))
                .is_ok_and(|log| log.contains("serving"))
        });
        let refused = host.invoke(&json!({}));
        assert_eq!(refused.status, 429);
        assert!(
            refused
                .head
                .contains("x-amzn-errortype: TooManyRequestsException")
        );
        assert_eq!(slow.join().unwrap(), 200);
    });
    assert_eq!(host.invoke(&json!({})).status, 200, "the place is given back");
}

#[test]
fn invocations_at_once_have_an_instance_each() {
    let host = Host::one();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| host.invoke(&json!({"sleep_ms": 300})).json()["served"].clone()))
            .collect();
        for served in all {
            assert_eq!(served.join().unwrap(), 1);
        }
    });
}

#[test]
fn an_event_is_run_when_its_caller_is_gone() {
    let host = Host::one();
    let file = host.folder.path().join("touched");
    let answer = host.call(
        "POST",
        "/2015-03-31/functions/odd/invocations",
        "x-amz-invocation-type: Event\r\n",
        json!({"touch": file}).to_string().as_bytes(),
    );
    assert_eq!(answer.status, 202);
    wait_until("the event's work", || file.exists());
}

#[test]
fn what_nobody_can_run_is_refused() {
    let host = Host::one();
    let unknown = host.call("POST", "/2015-03-31/functions/nobody/invocations", "", b"{}");
    assert_eq!(unknown.status, 404);
    assert!(
        unknown
            .head
            .contains("x-amzn-errortype: ResourceNotFoundException")
    );
    let odd = "/2015-03-31/functions/odd/invocations";
    assert_eq!(host.call("POST", odd, "", b"{").status, 400);
    assert_eq!(host.call("POST", odd, "", &vec![b'1'; 6_291_557]).status, 413);
    let arn =
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A111122223333%3Afunction%3Aodd/invocations";
    assert_eq!(host.call("POST", arn, "", b"{}").status, 200);
}

#[test]
fn a_setting_that_changes_takes_a_new_instance() {
    let host = Host::one();
    assert_eq!(
        host.invoke(&json!({})).json()["environment"]["COLOUR"],
        Value::Null
    );
    let mut changed = settings();
    changed["environment"] = json!({"COLOUR": "green"});
    write_functions(&host.folder, &json!({"odd": changed}));
    let answer = host.invoke(&json!({})).json();
    assert_eq!(
        (&answer["environment"]["COLOUR"], &answer["served"]),
        (&json!("green"), &json!(1))
    );
}

#[test]
fn faults_strike_when_they_should_and_then_all_is_well() {
    let host = Host::one();
    let done = host.folder.path().join("done");
    let work = json!({"sleep_ms": 300, "touch": done});
    // What is made to go wrong, what the caller sees, and whether the work was done.
    for (fault, error_type, worked) in [
        (json!("kill_before_run"), "Runtime.ExitError", false),
        (json!({"kill_after_ms": 50}), "Runtime.ExitError", false),
        (json!({"time_out_after_ms": 50}), "Sandbox.Timedout", false),
        (json!("lose_response"), "Runtime.ExitError", true),
        (
            json!({"error": {"errorType": "Store.Unavailable", "errorMessage": "made up"}}),
            "Store.Unavailable",
            false,
        ),
    ] {
        let _ = std::fs::remove_file(&done);
        host.set_faults(&json!([{"function": "odd", "attempt": 1, "fault": fault}]));
        assert_eq!(host.invoke(&work).error_type(), error_type, "{fault}");
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!(done.exists(), worked, "{fault}");
        assert_eq!(host.invoke(&json!({})).status, 200, "{fault} strikes once");
        assert_eq!(host.report().iter().rev().nth(1).unwrap()["fault"], fault);
    }
    let wrong = host.call("PUT", "/faults", "", br#"[{"function": "odd", "fault": "rain"}]"#);
    assert_eq!(wrong.status, 400);
}

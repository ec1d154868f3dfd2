//! A function that does what its payload says, for the tests of the host. It speaks the Runtime API over plain sockets:
//! what the host answers is seen here as it is, not as some client makes it.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, for tests"
)]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    match std::env::var("INIT").as_deref() {
        Ok("exit") => std::process::exit(3),
        Ok("error") => {
            let error = json!({"errorType": "Odd.Init", "errorMessage": "cannot begin"});
            call(&api, "POST", "init/error", error.to_string().as_bytes())?;
            std::process::exit(1);
        }
        _ => {}
    }
    let mut served = 0;
    loop {
        let (head, payload) = call(&api, "GET", "invocation/next", b"")?;
        served += 1;
        let id = header(&head, "lambda-runtime-aws-request-id").ok_or("no request id")?;
        let payload: Value = serde_json::from_slice(&payload)?;
        println!("serving {payload}");
        let (answer, body) = worked(&payload, served, &head);
        call(&api, "POST", &format!("invocation/{id}/{answer}"), &body)?;
    }
}

/// Does what the payload says; gives the kind of answer and its body.
fn worked(payload: &Value, served: u32, head: &str) -> (&'static str, Vec<u8>) {
    if let Some(ms) = payload["sleep_ms"].as_u64() {
        std::thread::sleep(Duration::from_millis(ms));
    }
    if let Some(file) = payload["touch"].as_str() {
        let _ = std::fs::write(file, "done");
    }
    if let Some(code) = payload["exit"].as_i64() {
        std::process::exit(code.try_into().unwrap_or(1));
    }
    if payload["error"].is_object() {
        return ("error", payload["error"].to_string().into_bytes());
    }
    if let Some(bytes) = payload["bytes"].as_u64() {
        return ("response", vec![b'1'; bytes.try_into().unwrap_or_default()]);
    }
    let environment: serde_json::Map<String, Value> = std::env::vars()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let answer = json!({
        "served": served,
        "environment": environment,
        "arn": header(head, "lambda-runtime-invoked-function-arn"),
        "deadline_ms": header(head, "lambda-runtime-deadline-ms"),
    });
    ("response", answer.to_string().into_bytes())
}

fn call(api: &str, method: &str, path: &str, body: &[u8]) -> Outcome<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(api)?;
    let length = body.len();
    write!(
        stream,
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {api}\r\ncontent-length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err("the host closed the connection".into());
        }
    }
    let length = header(&head, "content-length").map_or(Ok(0), |length| length.parse())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

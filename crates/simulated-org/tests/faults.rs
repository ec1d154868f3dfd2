//! What goes wrong on purpose, through raw HTTP: every fault reaches the wire in the shape it has in the world.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; its helpers too"
)]

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use simulated_org::{Fault, Faults, Organization, Server, SimulationConfig, World};

const SOURCES: &str = "StarlingDoveService.DescribeConfigurationAggregatorSourcesStatus";
const ROOTS: &str = "AWSOrganizationsV20161128.ListRoots";
const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn organization() -> Organization {
    let config = SimulationConfig {
        accounts: 6,
        regions: 2,
        rules: 5,
        resources: 4,
        ..SimulationConfig::default()
    };
    World::new(config).unwrap().into()
}

fn start(organization: Organization) -> Server {
    Server::start(
        organization,
        ([127, 0, 0, 1], 0),
        "2026-11-21T09:00:00Z".parse().unwrap(),
    )
    .unwrap()
}

fn meets(fault: Fault) -> Server {
    start(organization().with_fault(move |_| Some(fault.clone())))
}

fn drawn(faults: &str) -> Server {
    start(organization().with_faults(faults.parse::<Faults>().unwrap(), 7))
}

/// Everything the server sends before it closes the connection.
fn post(server: &Server, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = Vec::new();
    // A connection may be reset once it is cut.
    let _ = stream.read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

fn call(server: &Server, target: &str, mut input: Value) -> String {
    input["ConfigurationAggregatorName"] = json!("organization");
    post(server, &format!("X-Amz-Target: {target}\r\n"), &input.to_string())
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn announced(answer: &str) -> usize {
    let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    length.split("\r\n").next().unwrap().parse().unwrap()
}

#[test]
fn throttling_has_the_shape_of_each_service() {
    let server = meets(Fault::Throttled);
    let config = call(&server, SOURCES, json!({}));
    assert!(
        config.starts_with("HTTP/1.1 400") && config.contains("ThrottlingException"),
        "{config}"
    );
    let organizations = call(&server, ROOTS, json!({}));
    assert!(
        organizations.contains("TooManyRequestsException"),
        "{organizations}"
    );
    let sts = post(&server, "", IDENTITY);
    assert!(sts.contains("<Code>Throttling</Code>"), "{sts}");
}

#[test]
fn a_server_error_has_a_body_or_none() {
    let with = call(
        &meets(Fault::Unavailable {
            status: 500,
            body: true,
        }),
        SOURCES,
        json!({}),
    );
    assert!(
        with.starts_with("HTTP/1.1 500") && with.contains("InternalFailure"),
        "{with}"
    );
    let without = call(
        &meets(Fault::Unavailable {
            status: 503,
            body: false,
        }),
        SOURCES,
        json!({}),
    );
    assert!(
        without.starts_with("HTTP/1.1 503") && body(&without).is_empty(),
        "{without}"
    );
}

#[test]
fn a_connection_is_cut_in_the_headers_or_in_the_body() {
    let whole = call(&start(organization()), SOURCES, json!({}));
    let in_headers = call(
        &meets(Fault::Cut {
            in_headers: true,
            share: 0.5,
        }),
        SOURCES,
        json!({}),
    );
    assert!(
        in_headers.starts_with("HTTP/1.1 200") && !in_headers.contains("\r\n\r\n"),
        "{in_headers}"
    );
    let in_body = call(
        &meets(Fault::Cut {
            in_headers: false,
            share: 0.5,
        }),
        SOURCES,
        json!({}),
    );
    assert_eq!(announced(&in_body), body(&whole).len());
    assert!(
        (1..announced(&in_body)).contains(&body(&in_body).len()),
        "{in_body}"
    );
}

#[test]
fn a_truncated_body_is_announced_as_it_is() {
    let whole = call(&start(organization()), SOURCES, json!({}));
    let half = call(&meets(Fault::Truncated { share: 0.5 }), SOURCES, json!({}));
    assert_eq!(announced(&half), body(&half).len());
    assert!(
        body(&whole).starts_with(body(&half)) && body(&half).len() == body(&whole).len() / 2,
        "{half}"
    );
    let nothing = call(&meets(Fault::Truncated { share: 0.0 }), SOURCES, json!({}));
    assert!(
        nothing.starts_with("HTTP/1.1 200") && announced(&nothing) == 0,
        "{nothing}"
    );
}

#[test]
fn a_page_comes_again_with_its_token() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let third = move |_: &_| {
        (asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1).then_some(Fault::RepeatedPage)
    };
    let server = start(organization().with_fault(third));
    let page = |token: Option<&Value>| -> Value {
        let input = json!({"Limit": 3, "NextToken": token});
        serde_json::from_str(body(&call(&server, SOURCES, input))).unwrap()
    };
    let first = page(None);
    let again = page(Some(&first["NextToken"]));
    assert_eq!(again, first);
    let next = page(Some(&first["NextToken"]));
    assert_ne!(
        next["AggregatedSourceStatusList"],
        first["AggregatedSourceStatusList"]
    );
}

#[test]
fn tokens_expire_each_so_many_continuations_and_sessions_after_so_many_calls() {
    let server = drawn("expire-after=2");
    let page = |token: &Value| -> Value {
        let input = json!({"Limit": 3, "NextToken": token});
        serde_json::from_str(body(&call(&server, SOURCES, input))).unwrap()
    };
    let second = page(&page(&Value::Null)["NextToken"]);
    assert!(second["NextToken"].is_string(), "{second}");
    assert_eq!(page(&second["NextToken"])["__type"], "InvalidNextTokenException");

    let server = drawn("expire-credentials-after=2");
    let role =
        "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000012%3Arole%2Freader&RoleSessionName=a";
    assert!(
        post(&server, "", role).contains("AccessDenied"),
        "no such account here"
    );
    let as_session = |key: &str| {
        let scope = format!("AWS4-HMAC-SHA256 Credential={key}/20261121/us-east-1/config/aws4_request");
        let headers = format!("Authorization: {scope}\r\nX-Amz-Target: {SOURCES}\r\n");
        post(
            &server,
            &headers,
            "{\"ConfigurationAggregatorName\":\"organization\"}",
        )
    };
    let expired: Vec<bool> = ["0000", "0000", "0000", "0001"]
        .iter()
        .map(|session| as_session(&format!("ASIA000000000012{session}")).contains("ExpiredTokenException"))
        .collect();
    assert_eq!(expired, [false, false, true, false]);
}

#[test]
fn an_account_that_fails_for_ever_leaves_the_others_alone() {
    let server = drawn("fail=000000000012");
    let details = |account: &str| {
        let input = json!({"AccountId": account, "AwsRegion": "eu-west-1", "ConfigRuleName": "x"});
        call(
            &server,
            "StarlingDoveService.GetAggregateComplianceDetailsByConfigRule",
            input,
        )
    };
    for _ in 0..3 {
        assert!(details("000000000012").starts_with("HTTP/1.1 500"));
        assert!(details("000000000013").starts_with("HTTP/1.1 200"));
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a delay is what is tested")]
fn answers_wait_for_the_latency() {
    let server = drawn("latency=100ms");
    let start = std::time::Instant::now();
    call(&server, SOURCES, json!({}));
    assert!(start.elapsed() >= std::time::Duration::from_millis(100));
}

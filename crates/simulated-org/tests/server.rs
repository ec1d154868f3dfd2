//! The server, through raw HTTP: what it answers is the truth, page by page, and what it refuses.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; its helpers too"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use compliance::evaluation::{ComplianceType, EvaluationResult};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulated_org::{
    Call, ErrorAnswer, Fault, Organization, Recorded, ResourceComplianceRecording, Server, SimulationConfig,
    Truth, World,
};

const RECORDED: &str = include_str!("../recorded/one-account-evaluations.json");
const RULES: &str = "DescribeAggregateComplianceByConfigRules";
const DETAILS: &str = "GetAggregateComplianceDetailsByConfigRule";
const SELECT: &str = "SelectAggregateResourceConfig";

fn at() -> Timestamp {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

fn world() -> World {
    let config = SimulationConfig {
        accounts: 5,
        regions: 2,
        rules: 30,
        resources: 40,
        resource_compliance: ResourceComplianceRecording::Everywhere,
        ..SimulationConfig::default()
    };
    World::new(config).unwrap()
}

fn start(organization: impl Into<Organization>) -> Client {
    Client {
        server: Server::start(organization.into(), ([127, 0, 0, 1], 0), at()).unwrap(),
        authorization: RefCell::default(),
    }
}

struct Client {
    server: Server,
    authorization: RefCell<String>,
}

impl Client {
    fn post(&self, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        let authorization = self.authorization.borrow();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorization}\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    fn call(&self, operation: &str, input: &Value) -> Result<Value, (u16, String)> {
        let service = if operation.starts_with("List") {
            "AWSOrganizationsV20161128"
        } else {
            "StarlingDoveService"
        };
        let (status, head, body) = self.post(
            &format!("X-Amz-Target: {service}.{operation}\r\n"),
            &input.to_string(),
        );
        assert!(
            head.contains("x-amzn-requestid: ") && head.contains("content-type: application/x-amz-json-1.1")
        );
        let answer: Value = serde_json::from_str(&body).unwrap();
        match status {
            200 => Ok(answer),
            _ => Err((status, answer["__type"].as_str().unwrap().to_owned())),
        }
    }

    fn config(&self, operation: &str, mut input: Value) -> Result<Value, (u16, String)> {
        input["ConfigurationAggregatorName"] = json!("organization");
        self.call(operation, &input)
    }

    /// Every page, the token the only end.
    fn pages(&self, operation: &str, input: &Value) -> Vec<Value> {
        let mut pages = vec![self.config(operation, input.clone()).unwrap()];
        while let Some(token) = pages.last().unwrap().get("NextToken").cloned() {
            let mut next = input.clone();
            next["NextToken"] = token;
            pages.push(self.config(operation, next).unwrap());
        }
        pages
    }

    fn refused(&self, operation: &str, input: Value) -> String {
        let (status, code) = self.config(operation, input).unwrap_err();
        assert_eq!(status, 400);
        code
    }
}

fn list<'a>(page: &'a Value, name: &str) -> &'a Vec<Value> {
    page[name].as_array().unwrap()
}

fn triples(truth: &Truth) -> BTreeMap<(&str, &str, &str), Vec<&EvaluationResult>> {
    let mut triples: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for result in &truth.results {
        let key = (
            result.account_id.as_str(),
            result.aws_region.as_str(),
            result.config_rule_name.as_str(),
        );
        triples.entry(key).or_default().push(result);
    }
    triples
}

fn seconds(time: Option<Timestamp>) -> f64 {
    time.unwrap().as_millisecond() as f64 / 1000.0
}

#[test]
fn details_of_every_triple_are_the_truth_and_some_begin_with_an_empty_page() {
    let truth = world().truth(at());
    let client = start(world());
    let mut first_pages_empty = 0;
    for ((account, region, rule), results) in triples(&truth) {
        let input = json!({"AccountId": account, "AwsRegion": region, "ConfigRuleName": rule, "Limit": 3});
        let pages = client.pages(DETAILS, &input);
        first_pages_empty += usize::from(list(&pages[0], "AggregateEvaluationResults").is_empty());
        let found: Vec<&Value> = pages
            .iter()
            .flat_map(|page| list(page, "AggregateEvaluationResults"))
            .collect();
        assert!(
            pages
                .iter()
                .all(|page| list(page, "AggregateEvaluationResults").len() <= 3)
        );
        assert_eq!(found.len(), results.len());
        for (found, result) in found.iter().zip(results) {
            let qualifier = &found["EvaluationResultIdentifier"]["EvaluationResultQualifier"];
            assert_eq!(qualifier["ResourceId"], json!(result.resource_id));
            assert_eq!(qualifier["ResourceType"], json!(result.resource_type));
            assert_eq!(found["ComplianceType"], json!(result.compliance_type.as_str()));
            assert_eq!(
                found["ResultRecordedTime"],
                json!(seconds(result.result_recorded_time))
            );
            assert_eq!(
                found.get("Annotation").and_then(Value::as_str),
                result.annotation.as_deref()
            );
        }
    }
    assert!(first_pages_empty > 0);
}

#[test]
fn the_query_gives_every_pair_as_text() {
    let truth = world().truth(at());
    let client = start(world());
    let input =
        json!({"Expression": "SELECT accountId, configuration.configRuleList.configRuleName", "Limit": 100});
    let pages = client.pages(SELECT, &input);
    let mut found: Vec<(String, String)> = Vec::new();
    for row in pages.iter().flat_map(|page| list(page, "Results")) {
        let row: Value = serde_json::from_str(row.as_str().unwrap()).unwrap();
        for rule in list(&row["configuration"], "configRuleList") {
            assert_eq!(
                rule.as_object().unwrap().len(),
                1,
                "only the selected member: {rule}"
            );
            found.push((text(&row["accountId"]), text(&rule["configRuleName"])));
        }
    }
    let mut expected: Vec<(String, String)> = truth
        .results
        .iter()
        .map(|result| (result.account_id.clone(), result.config_rule_name.clone()))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        pages[0]["QueryInfo"]["SelectFields"][0],
        json!({"Name": "accountId"})
    );
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn predicates_on_the_list_hold_across_different_elements() {
    let truth = world().truth(at());
    let client = start(world());
    // A resource that satisfies one rule and not another.
    let mixed = truth.results.iter().find(|result| {
        let same = |other: &&EvaluationResult| {
            (
                &other.account_id,
                &other.aws_region,
                &other.resource_type,
                &other.resource_id,
            ) == (
                &result.account_id,
                &result.aws_region,
                &result.resource_type,
                &result.resource_id,
            )
        };
        let mut others = truth.results.iter().filter(same);
        result.compliance_type == ComplianceType::Compliant
            && others.any(|other| other.compliance_type == ComplianceType::NonCompliant)
    });
    let mixed = mixed.unwrap();
    let expression = format!(
        "SELECT resourceId WHERE accountId = '{}' AND awsRegion = '{}' AND configuration.targetResourceId = '{}' AND \
         configuration.configRuleList.configRuleName = '{}' AND \
         configuration.configRuleList.complianceType = 'NON_COMPLIANT'",
        mixed.account_id, mixed.aws_region, mixed.resource_id, mixed.config_rule_name
    );
    let pages = client.pages(SELECT, &json!({"Expression": expression}));
    assert_eq!(
        pages
            .iter()
            .map(|page| list(page, "Results").len())
            .sum::<usize>(),
        1
    );
}

#[test]
fn page_sizes_are_those_of_the_service() {
    let client = start(world());
    let largest = |operation: &str, input: Value, name: &str| {
        client
            .pages(operation, &input)
            .iter()
            .map(|page| list(page, name).len())
            .max()
            .unwrap()
    };
    let all = "SELECT resourceId";
    assert_eq!(largest(SELECT, json!({"Expression": all}), "Results"), 25);
    assert_eq!(
        largest(SELECT, json!({"Expression": all, "Limit": 0}), "Results"),
        25
    );
    assert_eq!(
        largest(SELECT, json!({"Expression": all, "Limit": 100}), "Results"),
        100
    );
    assert_eq!(
        client.refused(SELECT, json!({"Expression": all, "Limit": 101})),
        "InvalidLimitException"
    );
    assert_eq!(
        client.refused(RULES, json!({"Limit": 1001})),
        "InvalidLimitException"
    );
    assert_eq!(
        client.refused(RULES, json!({"Limit": -1})),
        "InvalidLimitException"
    );
    let sources = "DescribeConfigurationAggregatorSourcesStatus";
    assert_eq!(
        client.refused(sources, json!({"Limit": 101})),
        "InvalidLimitException"
    );
    let (_, code) = client
        .call("ListAccounts", &json!({"MaxResults": 21}))
        .unwrap_err();
    assert_eq!(code, "InvalidInputException");
}

#[test]
fn a_token_is_good_for_its_own_request_only() {
    let client = start(world());
    let filters = json!({"AwsRegion": "us-east-1"});
    let first = client
        .config(RULES, json!({"Limit": 2, "Filters": filters}))
        .unwrap();
    let token = &first["NextToken"];
    assert!(
        client
            .config(RULES, json!({"NextToken": token, "Filters": filters, "Limit": 2}))
            .is_ok()
    );
    for (operation, input) in [
        (RULES, json!({"NextToken": token, "Limit": 2})),
        (RULES, json!({"NextToken": token, "Limit": 3, "Filters": filters})),
        (
            RULES,
            json!({"NextToken": "made up", "Limit": 2, "Filters": filters}),
        ),
        (
            "GetAggregateConfigRuleComplianceSummary",
            json!({"NextToken": token, "Limit": 2, "Filters": filters}),
        ),
    ] {
        assert_eq!(client.refused(operation, input), "InvalidNextTokenException");
    }
}

#[test]
fn what_the_model_does_not_allow_is_refused_with_its_errors() {
    let client = start(world());
    let triple =
        |account: &str| json!({"AccountId": account, "AwsRegion": "us-east-1", "ConfigRuleName": "x"});
    assert_eq!(client.refused(DETAILS, triple("12")), "ValidationException");
    assert_eq!(
        client.refused(DETAILS, json!({"AccountId": "000000000000"})),
        "ValidationException"
    );
    assert_eq!(
        client.refused(RULES, json!({"Filters": {"ComplianceType": "FINE"}})),
        "ValidationException"
    );
    assert_eq!(
        client.refused(SELECT, json!({"Expression": "SELECT nothing"})),
        "InvalidExpressionException"
    );
    assert_eq!(
        client.refused("DescribeNothing", json!({})),
        "UnknownOperationException"
    );
    let (status, code) = client
        .call(RULES, &json!({"ConfigurationAggregatorName": "other"}))
        .unwrap_err();
    assert_eq!(
        (status, code.as_str()),
        (400, "NoSuchConfigurationAggregatorException")
    );
    let unknown = client.pages(DETAILS, &triple("000000000000"));
    assert!(
        unknown
            .iter()
            .all(|page| list(page, "AggregateEvaluationResults").is_empty())
    );
}

#[test]
fn the_moment_can_be_changed_between_collections() {
    let world = world();
    let later = at() + SignedDuration::from_hours(30 * 24);
    let (now, then) = (world.truth(at()), world.truth(later));
    assert_ne!(now.rules_with_results(), then.rules_with_results());
    let client = start(world);
    let count = || {
        let pages = client.pages(RULES, &json!({"Filters": {"ComplianceType": "NON_COMPLIANT"}}));
        pages
            .iter()
            .map(|page| list(page, "AggregateComplianceByConfigRules").len())
            .sum::<usize>()
    };
    let noncompliant = |truth: &Truth| {
        let rules = truth.rules_with_results().into_iter();
        rules
            .filter(|rule| rule.compliance_type == ComplianceType::NonCompliant)
            .count()
    };
    assert_eq!(count(), noncompliant(&now));
    client.server.set_time(later);
    assert_eq!(count(), noncompliant(&then));
}

#[test]
fn a_test_can_make_any_call_fail() {
    let fault = |call: &Call| {
        let refused = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
        let chosen = call.operation == DETAILS && call.aws_region.as_deref() == Some("eu-west-1");
        chosen.then_some(Fault::Error(refused))
    };
    let client = start(Organization::from(world()).with_fault(fault));
    let input =
        |region: &str| json!({"AccountId": "000000000000", "AwsRegion": region, "ConfigRuleName": "x"});
    assert_eq!(client.refused(DETAILS, input("eu-west-1")), "ThrottlingException");
    assert!(client.config(DETAILS, input("us-east-1")).is_ok());
}

#[test]
fn member_calls_are_of_the_assumed_account_and_the_signed_region() {
    let truth = world().truth(at());
    let client = start(world());
    let account = truth.accounts[0].account_id.as_str();
    let role = format!(
        "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A{account}%3Arole%2Freader&RoleSessionName=abc"
    );
    let (status, _, body) = client.post("", &role);
    let key = format!("ASIA{account}0000");
    assert!(status == 200 && body.contains(&key), "{body}");
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261121/us-east-1/config/aws4_request, SignedHeaders=host"
    );
    client.authorization.replace(scope);
    let found: usize = client
        .pages("DescribeConfigRules", &json!({}))
        .iter()
        .map(|page| list(page, "ConfigRules").len())
        .sum();
    let deployed = truth.deployed_rules.iter();
    let deployed = deployed
        .filter(|rule| (rule.account_id.as_str(), rule.aws_region.as_str()) == (account, "us-east-1"));
    assert_eq!(found, deployed.count());
    let (status, _, body) = client.post(
        "",
        "Action=AssumeRole&RoleArn=arn:aws:iam::999999999999:role/x&RoleSessionName=abc",
    );
    assert!(
        status == 403 && body.contains("<Code>AccessDenied</Code>"),
        "{body}"
    );
}

#[test]
fn the_recorded_account_is_served_whole() {
    let client = start(Recorded::from_json(RECORDED, true).unwrap());
    let rules = client.pages(RULES, &json!({}));
    let rules: Vec<&Value> = rules
        .iter()
        .flat_map(|page| list(page, "AggregateComplianceByConfigRules"))
        .collect();
    assert_eq!(rules.len(), 31);
    let mut counts = BTreeMap::new();
    for rule in rules {
        let input = json!({
            "AccountId": rule["AccountId"], "AwsRegion": rule["AwsRegion"], "ConfigRuleName": rule["ConfigRuleName"],
        });
        for page in client.pages(DETAILS, &input) {
            for result in list(&page, "AggregateEvaluationResults") {
                *counts.entry(text(&result["ComplianceType"])).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(
        counts,
        BTreeMap::from([("COMPLIANT".to_owned(), 73), ("NON_COMPLIANT".to_owned(), 123)])
    );
    let inventory = client.pages("DescribeConfigRules", &json!({}));
    assert_eq!(
        inventory
            .iter()
            .map(|page| list(page, "ConfigRules").len())
            .sum::<usize>(),
        57
    );
    let items = client.pages(SELECT, &json!({"Expression": "SELECT resourceId"}));
    assert!(items.iter().all(|page| list(page, "Results").is_empty()));
    assert_eq!(
        client.call("ListRoots", &json!({})).unwrap_err().1,
        "AWSOrganizationsNotInUseException"
    );
}

#[test]
fn an_unreadable_inventory_is_denied() {
    let client = start(Recorded::from_json(RECORDED, false).unwrap());
    assert_eq!(
        client.call("DescribeConfigRules", &json!({})).unwrap_err().1,
        "AccessDeniedException"
    );
    let (status, _, _) = client.post(
        "",
        "Action=AssumeRole&RoleArn=arn:aws:iam::111122220001:role/x&RoleSessionName=abc",
    );
    assert_eq!(status, 403);
}

#[test]
fn a_recording_that_contradicts_itself_is_refused() {
    let mut recording: Value = serde_json::from_str(RECORDED).unwrap();
    recording["AccountRules"] = json!(58);
    let error = Recorded::from_json(&recording.to_string(), true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("58") && error.contains("57"), "{error}");
    recording["EvaluationResults"][0]["ComplianceType"] = json!("NOT_APPLICABLE");
    let error = Recorded::from_json(&recording.to_string(), true)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("NOT_APPLICABLE") && error.contains("access-keys-rotated"),
        "{error}"
    );
    assert!(Recorded::from_json("{}", true).is_err());
}

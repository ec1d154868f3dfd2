//! Lists whose pages misbehave, against a server that answers from a script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use compliance::ports::{EvaluationSource, OrganizationDirectory, RuleInventory};
use serde_json::{Value, json};

use support::{Answer, Asked, Stub};

const SOURCES: &str = "DescribeConfigurationAggregatorSourcesStatus";

/// A page of sources that succeeded, and its token.
fn page(accounts: &[&str], token: Option<&str>) -> Answer {
    let sources: Vec<Value> = accounts
        .iter()
        .map(|account| {
            json!({"SourceId": account, "SourceType": "ACCOUNT", "AwsRegion": "eu-west-1",
                "LastUpdateStatus": "SUCCEEDED"})
        })
        .collect();
    Answer::Json(json!({"AggregatedSourceStatusList": sources, "NextToken": token}))
}

fn token(asked: &Asked) -> Option<&str> {
    asked.body["NextToken"].as_str()
}

/// The accounts of the sources listed by this server, or the code and text of the error.
async fn accounts(
    stub: &Stub,
) -> (
    Result<Vec<String>, (String, String)>,
    compliance::artifact::CallCount,
) {
    let aws = stub.connect().await;
    let sources = aws.source().sources("organization").await;
    let accounts = sources
        .map(|sources| sources.into_iter().map(|source| source.account_id).collect())
        .map_err(|error| (error.code(), error.to_string()));
    (accounts, aws.calls()[SOURCES].clone())
}

fn tokens(stub: &Stub) -> Vec<Option<String>> {
    stub.asked()
        .iter()
        .map(|asked| token(asked).map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_page_that_comes_again_counts_once_and_its_successor_is_asked_for_again() {
    let stub = Stub::serve(|asked| match (token(asked), asked.before) {
        (None, _) => page(&["000000000011"], Some("a")),
        (Some("a"), _) => page(&["000000000012"], Some("b")),
        // The page before, and the one before that.
        (Some("b"), 2) => page(&["000000000012"], Some("b")),
        (Some("b"), 3) => page(&["000000000011"], Some("a")),
        _ => page(&["000000000013"], None),
    })
    .await;
    let (found, count) = accounts(&stub).await;
    assert_eq!(found.unwrap(), ["000000000011", "000000000012", "000000000013"]);
    assert_eq!(
        (count.repeated_pages, count.duplicate_rows, count.restarts),
        (2, 0, 0)
    );
    let asked = [None, Some("a"), Some("b"), Some("b"), Some("b")];
    assert_eq!(tokens(&stub), asked.map(|token| token.map(str::to_owned)));
}

#[tokio::test]
async fn a_page_that_comes_for_ever_is_refused() {
    let stub = Stub::serve(|_| page(&["000000000012"], Some("same"))).await;
    let (found, count) = accounts(&stub).await;
    let (code, text) = found.unwrap_err();
    assert!(
        code == "Config.InvalidAnswer" && text.contains("NextToken"),
        "{code} {text}"
    );
    assert_eq!(
        (stub.asked().len(), count.repeated_pages),
        (5, 4),
        "as many as the attempts of a call"
    );
}

#[tokio::test]
async fn rows_that_come_twice_count_once() {
    let stub = Stub::serve(|asked| match token(asked) {
        None => page(&["000000000011", "000000000012"], Some("a")),
        _ => page(&["000000000012", "000000000013"], None),
    })
    .await;
    let (found, count) = accounts(&stub).await;
    assert_eq!(found.unwrap().len(), 3);
    assert_eq!(count.duplicate_rows, 1);
}

#[tokio::test]
async fn a_list_whose_token_expires_is_begun_anew() {
    let stub = Stub::serve(|asked| match (token(asked), asked.before) {
        // What was there at first and is gone when the list is begun anew does not count.
        (None, 0) => page(&["000000000010"], Some("a")),
        (_, 1) => Answer::Error(400, "InvalidNextTokenException", "expired"),
        (None, _) => page(&["000000000011"], Some("b")),
        _ => page(&["000000000012"], None),
    })
    .await;
    let (found, count) = accounts(&stub).await;
    assert_eq!(found.unwrap(), ["000000000011", "000000000012"]);
    assert_eq!((count.restarts, count.succeeded, count.failed), (1, 3, 1));
}

#[tokio::test]
async fn a_token_that_always_expires_ends_the_list_with_a_remedy() {
    let stub = Stub::serve(|asked| match token(asked) {
        None => page(&["000000000011"], Some("a")),
        _ => Answer::Error(400, "InvalidNextTokenException", "expired"),
    })
    .await;
    let (found, _) = accounts(&stub).await;
    let (code, text) = found.unwrap_err();
    assert!(
        code == "Config.Unavailable" && text.contains("run again"),
        "{code} {text}"
    );
    assert_eq!(stub.asked().len(), 8, "begun four times");
}

#[tokio::test]
async fn a_token_of_organizations_that_expires_begins_its_list_anew() {
    let stub = Stub::serve(
        |asked| match (asked.operation.as_str(), token(asked), asked.before) {
            ("ListRoots", ..) => Answer::Json(json!({"Roots": [{"Id": "r-1", "Name": "Root"}]})),
            ("ListAccountsForParent", None, _) => Answer::Json(json!({"NextToken": "a", "Accounts": [
            {"Id": "000000000011", "Name": "one", "State": "ACTIVE"}]})),
            ("ListAccountsForParent", _, 1) => Answer::Error(
                400,
                "InvalidInputException",
                "You specified an invalid value: NextToken.",
            ),
            ("ListAccountsForParent", ..) => {
                Answer::Json(json!({"Accounts": [{"Id": "000000000012", "Name": "two", "State": "ACTIVE"}]}))
            }
            _ => Answer::Json(json!({"OrganizationalUnits": []})),
        },
    )
    .await;
    let accounts = stub.connect().await.directory().accounts().await.unwrap();
    assert_eq!(accounts.len(), 2);
}

#[tokio::test]
async fn an_answer_without_a_body_is_not_an_empty_list() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Raw(""),
        _ => page(&["000000000012"], None),
    })
    .await;
    let (found, count) = accounts(&stub).await;
    assert_eq!(found.unwrap(), ["000000000012"]);
    assert_eq!(count.attempts, 2);
    let never = Stub::serve(|_| Answer::Raw("")).await;
    assert_eq!(accounts(&never).await.0.unwrap_err().0, "Config.InvalidAnswer");
}

fn session(key: &str) -> Answer {
    Answer::Xml(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ))
}

#[tokio::test]
async fn an_expired_session_of_the_role_is_renewed() {
    let stub = Stub::serve(|asked| match (asked.operation.as_str(), asked.key.as_str()) {
        ("AssumeRole", _) => session(&format!("MEMBER{}", asked.before)),
        (_, "MEMBER0") => Answer::Error(400, "ExpiredTokenException", "expired"),
        _ => Answer::Json(json!({"ConfigRules": [{"ConfigRuleName": "one", "Source": {"Owner": "AWS"}}]})),
    })
    .await;
    let inventory = stub.connect().await.inventory_in("aws");
    for region in ["eu-west-1", "us-east-1"] {
        assert_eq!(
            inventory
                .deployed_rules("000000000012", region)
                .await
                .unwrap()
                .len(),
            1
        );
    }
    let assumed = stub
        .asked()
        .iter()
        .filter(|asked| asked.operation == "AssumeRole")
        .count();
    assert_eq!(assumed, 2, "the second session serves both");
}

#[tokio::test]
async fn sessions_that_expire_at_once_end_with_a_remedy() {
    let stub = Stub::serve(|asked| match asked.operation.as_str() {
        "AssumeRole" => session(&format!("MEMBER{}", asked.before)),
        _ => Answer::Error(400, "ExpiredTokenException", "expired"),
    })
    .await;
    let inventory = stub.connect().await.inventory_in("aws");
    let error = inventory
        .deployed_rules("000000000012", "eu-west-1")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "Config.Credentials");
    assert!(error.to_string().contains("aws sso login"), "{error}");
    let assumed = stub
        .asked()
        .iter()
        .filter(|asked| asked.operation == "AssumeRole")
        .count();
    assert_eq!(assumed, 5);
}

//! The adapters on the wire, against a server that answers from a script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use compliance::coverage::SourceState;
use compliance::evaluation::ComplianceType;
use compliance::ports::{EvaluationSource, OrganizationDirectory, PortErrorKind, RuleInventory, RuleScope};
use serde_json::json;

use support::{Answer, Stub};

const SCOPE: RuleScope<'static> = RuleScope {
    account_id: "000000000012",
    aws_region: "eu-west-1",
    config_rule_name: "restricted-ssh",
};

fn source(account: &str, token: Option<&str>) -> Answer {
    Answer::Json(json!({
        "AggregatedSourceStatusList": [
            {"SourceId": account, "SourceType": "ACCOUNT", "AwsRegion": "eu-west-1", "LastUpdateStatus": "SUCCEEDED",
             "LastUpdateTime": 1763715120.123},
            {"SourceId": "Organization", "SourceType": "ORGANIZATION", "LastUpdateStatus": "SUCCEEDED"},
        ],
        "NextToken": token,
    }))
}

#[tokio::test]
async fn throttling_is_retried_and_every_attempt_counted() {
    let stub = Stub::serve(|asked| match asked.before {
        0 | 1 => Answer::Error(400, "ThrottlingException", "Rate exceeded"),
        _ => source("000000000012", None),
    })
    .await;
    let aws = stub.connect().await;
    let sources = aws.source().sources("organization").await.unwrap();
    assert_eq!(sources.len(), 1, "the organization's own entry is no source");
    assert_eq!(sources[0].state, SourceState::Succeeded);
    assert_eq!(
        sources[0].last_update_time,
        Some("2025-11-21T08:52:00.123Z".parse().unwrap())
    );
    let calls = aws.calls();
    let count = &calls["DescribeConfigurationAggregatorSourcesStatus"];
    assert_eq!(
        (count.succeeded, count.failed, count.attempts, count.throttled),
        (1, 0, 3, 2)
    );
}

#[tokio::test]
async fn throttling_without_end_is_given_up_with_a_remedy() {
    let stub = Stub::serve(|_| Answer::Error(400, "ThrottlingException", "Rate exceeded")).await;
    let aws = stub.connect().await;
    let error = aws.source().sources("organization").await.unwrap_err();
    assert_eq!(error.code(), "Config.Throttled");
    let text = error.to_string();
    for part in [
        "organization",
        "after 32 attempts",
        "collection.requests_per_second",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(stub.asked().len(), 32, "eight times the attempts set");
}

#[tokio::test]
async fn throttled_attempts_do_not_use_up_those_of_a_call() {
    let stub = Stub::serve(|asked| match asked.before {
        0..10 => Answer::Error(400, "ThrottlingException", "Rate exceeded"),
        10..13 => Answer::Error(500, "InternalFailure", "oops"),
        _ => source("000000000012", None),
    })
    .await;
    let aws = stub.connect().await;
    assert_eq!(aws.source().sources("organization").await.unwrap().len(), 1);
    let calls = aws.calls();
    let count = &calls["DescribeConfigurationAggregatorSourcesStatus"];
    assert_eq!((count.attempts, count.throttled), (14, 10));
}

#[tokio::test]
async fn when_everything_is_throttled_no_call_waits_as_long_as_the_first() {
    let stub = Stub::serve(|_| Answer::Error(400, "ThrottlingException", "Rate exceeded")).await;
    let source = stub.connect().await.source();
    assert!(source.sources("organization").await.is_err());
    assert!(source.rules_with_results("organization").await.is_err());
    assert_eq!(stub.asked().len(), 32 + 1);
}

#[tokio::test]
async fn server_errors_and_cut_connections_are_retried() {
    let stub = Stub::serve(|asked| match asked.before {
        0 => Answer::Error(500, "InternalFailure", "oops"),
        1 => Answer::Cut,
        2 => Answer::Raw("{\"AggregatedSourceSta"),
        _ => source("000000000012", None),
    })
    .await;
    let aws = stub.connect().await;
    assert_eq!(aws.source().sources("organization").await.unwrap().len(), 1);
    let calls = aws.calls();
    assert_eq!(calls["DescribeConfigurationAggregatorSourcesStatus"].attempts, 4);
}

#[tokio::test]
async fn an_answer_that_is_never_readable_is_refused() {
    let stub = Stub::serve(|_| Answer::Raw("<html>")).await;
    let error = stub
        .connect()
        .await
        .source()
        .sources("organization")
        .await
        .unwrap_err();
    assert_eq!(error.kind, PortErrorKind::InvalidAnswer, "{error}");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let stub = Stub::serve(|_| Answer::Cut).await;
    let error = stub
        .connect()
        .await
        .source()
        .sources("organization")
        .await
        .unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn an_empty_page_is_not_the_last() {
    let stub = Stub::serve(|asked| match asked.body["NextToken"].as_str() {
        None => Answer::Json(json!({"AggregatedSourceStatusList": [], "NextToken": "a"})),
        Some("a") => source("000000000012", Some("b")),
        Some("b") => Answer::Json(json!({"NextToken": "c"})),
        _ => source("000000000013", Some("")),
    })
    .await;
    let sources = stub
        .connect()
        .await
        .source()
        .sources("organization")
        .await
        .unwrap();
    assert_eq!(sources.len(), 2);
    let asked = stub.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(
        |asked| asked.body["Limit"] == 100 && asked.body["ConfigurationAggregatorName"] == "organization"
    ));
}

#[tokio::test]
async fn access_denied_is_not_retried_and_names_action_and_principal() {
    let stub = Stub::serve(|_| {
        Answer::Error(
            400,
            "AccessDeniedException",
            "User: arn:aws:iam::000000000001:user/reader is not authorized",
        )
    })
    .await;
    let error = stub
        .connect()
        .await
        .source()
        .compliance_details("organization", SCOPE, None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code().as_str(), stub.asked().len()),
        ("Config.AccessDenied", 1)
    );
    let text = error.to_string();
    for part in [
        "restricted-ssh",
        "000000000012",
        "eu-west-1",
        "user/reader",
        "config:GetAggregateComplianceDetailsByConfigRule",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_aggregator_is_named_with_those_that_exist() {
    let stub = Stub::serve(|asked| {
        if asked.body["ConfigurationAggregatorNames"].is_array() {
            return Answer::Error(400, "NoSuchConfigurationAggregatorException", "no");
        }
        Answer::Json(
            json!({"ConfigurationAggregators": [{"ConfigurationAggregatorName": "organization",
            "ConfigurationAggregatorArn": "arn:aws:config:eu-west-1:000000000001:config-aggregator/x"}]}),
        )
    })
    .await;
    let error = stub
        .connect()
        .await
        .source()
        .aggregator("organisation")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "Config.NotFound");
    assert!(
        error.to_string().contains("\"organisation\"") && error.to_string().contains("there is organization"),
        "{error}"
    );
}

#[tokio::test]
async fn expired_credentials_say_how_to_sign_in() {
    let stub = Stub::serve(|_| Answer::Error(400, "ExpiredTokenException", "expired")).await;
    let error = stub
        .connect()
        .await
        .source()
        .rules_with_results("organization")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "Config.Credentials");
    assert!(error.to_string().contains("aws sso login"), "{error}");
}

#[tokio::test]
async fn the_query_goes_on_until_a_row_or_no_token() {
    let stub = Stub::serve(|asked| match asked.body["NextToken"].as_str() {
        None => Answer::Json(json!({"Results": [], "NextToken": "a"})),
        _ => Answer::Json(json!({"Results": ["{\"accountId\":\"000000000012\"}"], "NextToken": "b"})),
    })
    .await;
    assert!(
        stub.connect()
            .await
            .source()
            .records_resource_compliance("organization")
            .await
            .unwrap()
    );
    assert_eq!(stub.asked().len(), 2, "one row is enough");
}

#[tokio::test]
async fn query_rows_and_details_become_results() {
    let row = json!({"accountId": "000000000012", "awsRegion": "eu-west-1",
        "configurationItemCaptureTime": "2026-11-21T08:52:00.123Z",
        "configuration": {"complianceType": "NON_COMPLIANT", "targetResourceId": "sg-1",
            "targetResourceType": "AWS::EC2::SecurityGroup",
            "configRuleList": [{"complianceType": "NON_COMPLIANT", "configRuleName": "restricted-ssh"}]}});
    let stub = Stub::serve(move |asked| match asked.operation.as_str() {
        "SelectAggregateResourceConfig" => Answer::Json(json!({"Results": [row.to_string()]})),
        _ => Answer::Json(json!({"AggregateEvaluationResults": [{
            "EvaluationResultIdentifier": {"EvaluationResultQualifier": {"ConfigRuleName": "restricted-ssh",
                "ResourceType": "AWS::EC2::SecurityGroup", "ResourceId": "sg-1"}, "OrderingTimestamp": 1763715120.5},
            "ComplianceType": "NON_COMPLIANT", "ResultRecordedTime": 1763715120.75,
            "ConfigRuleInvokedTime": 1763715119.001, "Annotation": "\nopen to the world",
            "AccountId": "000000000012", "AwsRegion": "eu-west-1"}]})),
    })
    .await;
    let source = stub.connect().await.source();
    let accounts = ["000000000012".to_owned()];
    let rows = source
        .resource_compliance("organization", &accounts)
        .await
        .unwrap();
    assert_eq!((rows.len(), rows[0].resource_id.as_str()), (1, "sg-1"));
    let details = source
        .compliance_details("organization", SCOPE, Some(ComplianceType::NonCompliant))
        .await
        .unwrap();
    assert_eq!(details[0].annotation.as_deref(), Some("\nopen to the world"));
    assert_eq!(
        details[0].config_rule_invoked_time,
        Some("2025-11-21T08:51:59.001Z".parse().unwrap())
    );
    let asked = stub.asked();
    let expression = asked[0].body["Expression"].as_str().unwrap();
    assert!(
        expression.ends_with("AND accountId IN ('000000000012')"),
        "{expression}"
    );
    assert_eq!(asked[1].body["ComplianceType"], "NON_COMPLIANT");
}

#[tokio::test]
async fn a_rule_of_unknown_compliance_is_listed_so_that_its_details_are_read() {
    let entry = |name: &str, compliance: serde_json::Value| {
        json!({"ConfigRuleName": name, "AccountId": "000000000012", "AwsRegion": "eu-west-1",
            "Compliance": compliance})
    };
    let count = json!({"CappedCount": -1, "CapExceeded": false});
    let entries = [
        entry("perhaps", json!({"ComplianceType": "PERHAPS"})),
        entry("absent", json!(null)),
        entry("empty", json!({})),
        entry("none", json!({"ComplianceType": "INSUFFICIENT_DATA"})),
        entry(
            "odd",
            json!({"ComplianceType": "NON_COMPLIANT", "ComplianceContributorCount": count}),
        ),
        entry("fine", json!({"ComplianceType": "COMPLIANT"})),
    ];
    let stub = Stub::serve(move |_| Answer::Json(json!({"AggregateComplianceByConfigRules": entries}))).await;
    let source = stub.connect().await.source();
    let rules = source.rules_with_results("organization").await.unwrap();
    let listed: Vec<_> = rules
        .iter()
        .map(|rule| {
            let name = rule.config_rule_name.as_str();
            (name, rule.compliance_type.as_str(), rule.capped_count)
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("absent", "NON_COMPLIANT", None),
            ("empty", "NON_COMPLIANT", None),
            ("fine", "COMPLIANT", None),
            ("odd", "NON_COMPLIANT", None),
            ("perhaps", "NON_COMPLIANT", None),
        ]
    );
}

#[tokio::test]
async fn a_source_of_unknown_state_has_failed_and_the_others_go_on() {
    let entry = |account: &str, status: serde_json::Value| {
        json!({"SourceId": account, "SourceType": "ACCOUNT", "AwsRegion": "eu-west-1", "LastUpdateStatus": status,
            "LastErrorCode": "Theirs", "LastErrorMessage": "not today"})
    };
    let entries = [
        entry("000000000011", json!("SUCCEEDED")),
        entry("000000000012", json!("PAUSED")),
        entry("000000000013", json!(null)),
        entry("000000000014", json!("FAILED")),
    ];
    let stub = Stub::serve(move |_| Answer::Json(json!({"AggregatedSourceStatusList": entries}))).await;
    let source = stub.connect().await.source();
    let sources = source.sources("organization").await.unwrap();
    let states: Vec<_> = sources
        .iter()
        .map(|source| (source.state, source.error_code.as_deref()))
        .collect();
    assert_eq!(
        states,
        [
            (SourceState::Succeeded, Some("Theirs")),
            (SourceState::Failed, Some("Unknown")),
            (SourceState::Failed, Some("Unknown")),
            (SourceState::Failed, Some("Theirs")),
        ]
    );
    let said = |index: usize| sources[index].error_message.clone().unwrap();
    assert!(
        said(1).contains("PAUSED") && said(1).contains("not today"),
        "{}",
        said(1)
    );
    assert!(said(2).contains("absent"), "{}", said(2));
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_named_with_how_to_list_them() {
    let mut settings = aws::AwsSettings::new(&compliance::settings::CollectionSettings::default());
    settings.profile = Some("no-such-profile-of-anyone".to_owned());
    for region in [None, Some("eu-west-1".to_owned())] {
        settings.region = region;
        let error = aws::Aws::connect(settings.clone()).await.unwrap_err();
        assert_eq!(error.code(), "Aws.Credentials");
        for part in ["\"no-such-profile-of-anyone\"", "aws configure list-profiles"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn the_organization_is_walked_to_its_leaves() {
    let account = |id: &str, status: &str| json!({"Id": id, "Name": format!("name {id}"), "Status": status});
    let stub = Stub::serve(move |asked| {
        let parent = asked.body["ParentId"].as_str().unwrap_or_default();
        let next = asked.body["NextToken"].as_str();
        Answer::Json(match (asked.operation.as_str(), parent, next) {
            ("ListRoots", ..) => json!({"Roots": [{"Id": "r-1", "Name": "Root"}]}),
            ("ListOrganizationalUnitsForParent", "r-1", _) => {
                json!({"OrganizationalUnits": [{"Id": "ou-1", "Name": "Workloads"}]})
            }
            ("ListOrganizationalUnitsForParent", "ou-1", _) => {
                json!({"OrganizationalUnits": [{"Id": "ou-2", "Name": "Production"}]})
            }
            ("ListAccountsForParent", "r-1", _) => json!({"Accounts": [account("000000000001", "ACTIVE")]}),
            ("ListAccountsForParent", "ou-2", None) => {
                json!({"Accounts": [account("000000000012", "ACTIVE")], "NextToken": "a"})
            }
            ("ListAccountsForParent", "ou-2", _) => {
                json!({"Accounts": [account("000000000013", "SUSPENDED")]})
            }
            _ => json!({}),
        })
    })
    .await;
    let accounts = stub.connect().await.directory().accounts().await.unwrap();
    let places: Vec<_> = accounts
        .iter()
        .map(|account| {
            (
                account.account_id.as_str(),
                account.organizational_unit.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("000000000001", "Root"),
            ("000000000012", "Root/Workloads/Production")
        ]
    );
}

#[tokio::test]
async fn member_accounts_are_read_by_a_role_assumed_once() {
    let stub = Stub::serve(|asked| match (asked.operation.as_str(), asked.body["NextToken"].as_str()) {
        ("AssumeRole", _) => Answer::Xml(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>MEMBER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
                .to_owned(),
        ),
        ("DescribeConfigRules", None) => Answer::Json(json!({"ConfigRules": [{"ConfigRuleName": "one",
            "Source": {"Owner": "AWS", "SourceIdentifier": "INCOMING_SSH_DISABLED"}}], "NextToken": "a"})),
        ("DescribeConfigRules", _) => Answer::Json(json!({"ConfigRules": [{"ConfigRuleName": "two",
            "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": "arn:aws:lambda:x"}}]})),
        _ => Answer::Json(json!({"ConformancePackDetails": [{"ConformancePackName": "base",
            "ConformancePackArn": "arn:x", "ConformancePackId": "conformance-pack-abc"}]})),
    })
    .await;
    let inventory = stub.connect().await.inventory_in("aws-us-gov");
    let rules = inventory
        .deployed_rules("000000000012", "eu-west-1")
        .await
        .unwrap();
    let packs = inventory
        .conformance_packs("000000000012", "us-east-1")
        .await
        .unwrap();
    let identifiers: Vec<_> = rules
        .iter()
        .map(|rule| rule.source_identifier.as_deref())
        .collect();
    assert_eq!(identifiers, [Some("INCOMING_SSH_DISABLED"), None]);
    assert_eq!(packs[0].id, "conformance-pack-abc");
    let asked = stub.asked();
    let assumed: Vec<_> = asked
        .iter()
        .filter(|asked| asked.operation == "AssumeRole")
        .collect();
    assert_eq!(assumed.len(), 1);
    let form = assumed[0].body.as_str().unwrap();
    assert!(
        form.contains("arn%3Aaws-us-gov%3Aiam%3A%3A000000000012%3Arole%2Freader"),
        "{form}"
    );
    assert!(
        asked
            .iter()
            .filter(|asked| asked.operation != "AssumeRole")
            .all(|asked| asked.key == "MEMBER")
    );
}

#[tokio::test]
async fn a_set_rate_bounds_all_calls_together() {
    let stub = Stub::serve(|_| source("000000000012", None)).await;
    let mut settings = aws::AwsSettings::new(&compliance::settings::CollectionSettings::default());
    settings.endpoint_override = Some(stub.url.clone());
    settings.requests_per_second = Some(50.0);
    let aws = aws::Aws::connect(settings).await.unwrap();
    let source = aws.source();
    let start = tokio::time::Instant::now();
    let calls = (0..11).map(|_| source.sources("organization"));
    assert!(
        futures_util::future::join_all(calls)
            .await
            .iter()
            .all(Result::is_ok)
    );
    assert!(
        start.elapsed() >= std::time::Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
}

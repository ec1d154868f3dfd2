//! What is read, and what is refused and why.

use std::path::{Path, PathBuf};

use compliance::catalogue::Catalogue;
use compliance::events::{Content, EventCompliance, EventRecord, parse};
use compliance::settings::Settings;
use serde_json::{Value, json};

use crate::shapes::{ACCOUNT, REGION, RULE, change, detail, read};

const T: &str = "2026-11-21T10:00:00.123Z";

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/events/recorded")
}

/// Files that are damaged where it matters, and what is said of each.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "sns/ec2.deleted-malformed.json",
        "Event.NotJson",
        "line 1, column 8590",
    ),
    (
        "sns/elb.malformed.json",
        "Event.Malformed",
        "awsAccountId is not an account id",
    ),
];

#[test]
fn every_recorded_event_is_read_or_refused_for_what_is_wrong_with_it() {
    let mut read_by_kind = std::collections::BTreeMap::<&str, usize>::new();
    let mut refused = Vec::new();
    for folder in ["eventbridge", "sns"] {
        for entry in std::fs::read_dir(recorded().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            match parse(&std::fs::read_to_string(&path).unwrap()) {
                Ok(event) => {
                    *read_by_kind.entry(event.kind()).or_default() += 1;
                    assert!(event.account_id.starts_with("1111222"), "{name}");
                    assert!(!event.id.is_empty() && event.aws_region.contains('-'), "{name}");
                }
                Err(refusal) => {
                    let expected = REFUSED.iter().find(|(file, ..)| *file == name);
                    let (_, code, says) = expected.unwrap_or_else(|| panic!("{name}: {refusal}"));
                    assert_eq!(refusal.code, *code, "{name}");
                    assert!(refusal.reason.contains(says), "{name}: {refusal}");
                    refused.push(name);
                }
            }
        }
    }
    assert_eq!(refused.len(), REFUSED.len());
    assert_eq!(read_by_kind, [("item_change", 31), ("remediation", 1)].into());
}

#[test]
fn an_oversized_item_tells_where_it_is_or_why_it_is_nowhere() {
    let file = recorded().join("eventbridge/capitalone-oversized-ssm-inventory-eventbridge.json");
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let oversized = |event: &Value| match read(event).content {
        Content::ItemChange(item) => item.oversized.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        oversized(&event).s3_bucket_location.as_deref(),
        Some("bucket/file.json.gz")
    );
    let failed = json!({"s3BucketLocation": null, "errorCode": "AccessDenied", "errorMessage": "no"});
    detail(&mut event).insert("s3DeliverySummary".to_owned(), failed);
    let summary = oversized(&event);
    assert_eq!(
        (summary.s3_bucket_location, summary.error_code.as_deref()),
        (None, Some("AccessDenied"))
    );
    detail(&mut event).remove("s3DeliverySummary");
    assert_eq!(parse(&event.to_string()).unwrap_err().code, "Event.MissingField");
}

#[test]
fn a_first_evaluation_has_no_result_before() {
    let event = read(&change("e1", None, ("NON_COMPLIANT", T)));
    let Content::ComplianceChange(change) = &event.content else {
        panic!()
    };
    assert_eq!(change.old, None);
    assert_eq!(change.new.compliance, EventCompliance::NonCompliant);
    assert_eq!(
        event.event_time().to_string(),
        T,
        "results are in the order they were recorded in"
    );
    assert_eq!(
        change.new.ordering_timestamp.unwrap().to_string(),
        "2026-11-21T06:00:00Z"
    );
}

/// Older documentation and hand-made events.
#[test]
fn both_spellings_are_read_and_the_envelope_stands_in() {
    let mut event = change("e1", Some(("COMPLIANT", T)), ("NOT_APPLICABLE", T));
    let arn = detail(&mut event).remove("configRuleARN").unwrap();
    let fields = detail(&mut event);
    fields.insert("configRuleArn".to_owned(), arn.clone());
    fields.remove("awsAccountId");
    fields.insert("awsRegion".to_owned(), Value::Null);
    let event = read(&event);
    assert_eq!(
        (event.account_id.as_str(), event.aws_region.as_str()),
        (ACCOUNT, REGION)
    );
    let Content::ComplianceChange(change) = &event.content else {
        panic!()
    };
    assert_eq!(change.config_rule_arn.as_deref(), arn.as_str());
}

#[test]
fn what_sns_wraps_is_the_same_event() {
    let plain = change("e1", None, ("COMPLIANT", T));
    let wrap = |inner: &Value, id: &str| json!({"Type": "Notification", "MessageId": id, "Timestamp": T, "Message": inner.to_string()});
    let wrapped = wrap(&plain, "n1");
    assert_eq!(
        read(&wrapped),
        read(&plain),
        "the id of the envelope, not of the notification"
    );
    assert_eq!(read(&wrap(&wrapped, "n2")), read(&plain));
    // As Config sends it to a topic itself: there the notification's id is all there is.
    let bare = plain["detail"].clone();
    let event = read(&wrap(&bare, "n1"));
    assert_eq!((event.id.as_str(), event.source.as_str()), ("n1", "aws.config"));
    assert_eq!(event.detail_type, "Config Rules Compliance Change");
    assert_eq!(event.time.to_string(), "2026-11-21T10:00:04.5Z");
    // Without one, the same content is the same event.
    assert_eq!(read(&bare).id, read(&bare).id);
    assert!(read(&bare).id.starts_with("sha256-"));
}

#[test]
fn a_remediation_has_times_of_its_own_kind() {
    let event = json!({
        "version": "0", "id": "a1", "source": "aws.ssm", "account": ACCOUNT, "region": REGION, "time": T,
        "detail-type": "EC2 Automation Execution Status-change Notification", "resources": [],
        "detail": {"ExecutionId": "x", "Definition": "AWS-EnableS3BucketEncryption", "DefinitionVersion": 1.0,
                   "Status": "Success", "StartTime": "Nov 29, 2024 7:43:23 PM", "EndTime": "Nov 29, 2024 12:03:05\u{202f}AM"}
    });
    let Content::Remediation(remediation) = read(&event).content else {
        panic!()
    };
    assert_eq!(
        remediation.start_time.unwrap().to_string(),
        "2024-11-29T19:43:23Z"
    );
    assert_eq!(remediation.end_time.unwrap().to_string(), "2024-11-29T00:03:05Z");
}

#[test]
fn rules_that_are_evaluated_again_are_named() {
    let mut event = change("e1", None, ("COMPLIANT", T));
    event["detail-type"] = json!("Config Rules Re-evaluation Status");
    event["detail"] = json!({"messageType": "ConfigRulesEvaluationStarted", "configRuleNames": ["a", "b"]});
    let Content::Reevaluation(again) = read(&event).content else {
        panic!()
    };
    assert_eq!(again.config_rule_names, ["a", "b"]);
    event["detail"]["configRuleNames"] = json!(["a", 1]);
    assert_eq!(parse(&event.to_string()).unwrap_err().code, "Event.Malformed");
}

#[test]
fn each_refusal_has_its_code_and_names_the_field() {
    let check = |path: &str, value: Option<Value>, code: &str, says: &str| {
        let mut event = change("e1", Some(("COMPLIANT", T)), ("NON_COMPLIANT", T));
        let (parent, name) = path.rsplit_once('/').unwrap();
        let fields = event.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
        match value {
            Some(value) => fields.insert(name.to_owned(), value),
            None => fields.remove(name),
        };
        let refusal = parse(&event.to_string()).unwrap_err();
        assert_eq!(refusal.code, code, "{path}");
        assert!(refusal.to_string().contains(says), "{path}: {refusal}");
    };
    let missing = "Event.MissingField";
    for name in [
        "id",
        "account",
        "region",
        "time",
        "source",
        "detail-type",
        "detail",
    ] {
        check(&format!("/{name}"), None, missing, name);
        check(&format!("/{name}"), Some(Value::Null), missing, name);
    }
    for name in [
        "resourceId",
        "resourceType",
        "configRuleName",
        "newEvaluationResult",
    ] {
        check(
            &format!("/detail/{name}"),
            None,
            missing,
            &format!("detail.{name}"),
        );
    }
    for side in ["old", "new"] {
        let at = format!("/detail/{side}EvaluationResult");
        check(
            &format!("{at}/complianceType"),
            Some(json!("MAYBE")),
            "Event.Malformed",
            "complianceType",
        );
        check(
            &format!("{at}/resultRecordedTime"),
            None,
            missing,
            "resultRecordedTime",
        );
        check(
            &at,
            Some(json!("NON_COMPLIANT")),
            "Event.Malformed",
            "is not an object",
        );
    }
    check(
        "/detail/resourceId",
        Some(json!(" ")),
        "Event.Malformed",
        "detail.resourceId",
    );
    check(
        "/detail/resourceId",
        Some(json!(7)),
        "Event.Malformed",
        "is not a text",
    );
    check(
        "/detail/awsAccountId",
        Some(json!("12")),
        "Event.Malformed",
        "awsAccountId",
    );
    check("/time", Some(json!("yesterday")), "Event.Malformed", "time");
    check(
        "/source",
        Some(json!("aws.ec2")),
        "Event.UnknownSource",
        "aws.config",
    );
    check(
        "/detail-type",
        Some(json!("Config Snapshot")),
        "Event.UnknownType",
        "kind",
    );
    for (text, code) in [
        ("", "Event.NotJson"),
        ("{", "Event.NotJson"),
        ("[]", "Event.Malformed"),
        ("{}", "Event.MissingField"),
        ("{\"Type\":\"Notification\"}", "Event.MissingField"),
        (
            "{\"Type\":\"Notification\",\"Message\":\"hello\"}",
            "Event.NotJson",
        ),
        (
            "{\"messageType\":\"ConfigurationSnapshotDeliveryCompleted\"}",
            "Event.UnknownType",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().code, code, "{text}");
    }
}

/// What is kept is what came, and is read again as the same event.
#[test]
fn a_record_keeps_everything_and_says_what_it_is_found_by() {
    let mut raw = change("e1", Some(("COMPLIANT", T)), ("NON_COMPLIANT", T));
    detail(&mut raw).insert("somethingNew".to_owned(), json!({"deep": [1.0, null, "x"]}));
    raw["replay-name"] = json!("again");
    let event = read(&raw);
    let catalogue = Catalogue::new(&Settings::default()).unwrap();
    let record = EventRecord::new(&event, &catalogue, None, T.parse().unwrap(), 400);
    assert_eq!(record.body, raw);
    assert_eq!(read(&record.body), event);
    let kept: EventRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert_eq!(kept, record);
    assert_eq!(record.rule.as_deref(), Some(RULE));
    assert_eq!(
        (record.status.as_deref(), record.old_status.as_deref()),
        (Some("NON_COMPLIANT"), Some("COMPLIANT"))
    );
    assert_eq!(record.expires_at.to_string(), "2027-12-26T10:00:00Z");
}

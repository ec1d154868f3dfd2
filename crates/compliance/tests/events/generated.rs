//! Generated events: every optional field absent, null and present; and texts that are no events.

use compliance::events::{Content, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shapes::{change, detail, read};

const T: &str = "2026-11-21T10:00:00Z";
/// In no refusal: values name resources.
const MARK: &str = "zq-secret-name";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Presence {
    Absent,
    Null,
    Present,
}

fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![
        Just(Presence::Absent),
        Just(Presence::Null),
        Just(Presence::Present)
    ]
}

fn put(event: &mut Value, pointer: &str, presence: Presence, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let Some(fields) = event.pointer_mut(parent).and_then(Value::as_object_mut) else {
        return;
    };
    match presence {
        Presence::Absent => fields.remove(name),
        Presence::Null => fields.insert(name.to_owned(), Value::Null),
        Presence::Present => fields.insert(name.to_owned(), value),
    };
}

/// Optional fields of a compliance change and a value of each.
fn optional() -> Vec<(&'static str, Value)> {
    vec![
        ("/detail/awsAccountId", json!("999988887777")),
        ("/detail/awsRegion", json!("us-gov-west-1")),
        (
            "/detail/configRuleARN",
            json!("arn:aws-us-gov:config:us-gov-west-1:999988887777:config-rule/x"),
        ),
        (
            "/detail/configRuleArn",
            json!("arn:aws-us-gov:config:us-gov-west-1:999988887777:config-rule/y"),
        ),
        ("/detail/recordVersion", json!("1.0")),
        ("/detail/messageType", json!("ComplianceChangeNotification")),
        ("/detail/notificationCreationTime", json!(T)),
        ("/detail/newEvaluationResult/annotation", json!("\nbecause")),
        ("/detail/newEvaluationResult/evaluationMode", json!("DETECTIVE")),
        ("/detail/newEvaluationResult/configRuleInvokedTime", json!(T)),
        (
            "/detail/newEvaluationResult/evaluationResultIdentifier",
            json!({"orderingTimestamp": T}),
        ),
        (
            "/detail/newEvaluationResult/evaluationResultIdentifier/orderingTimestamp",
            json!(T),
        ),
        ("/detail/newEvaluationResult/resultToken", json!("t")),
        ("/detail/oldEvaluationResult/annotation", json!("was fine")),
        (
            "/detail/oldEvaluationResult",
            json!({"complianceType": "COMPLIANT", "resultRecordedTime": T}),
        ),
        ("/resources", json!([])),
        ("/version", json!("0")),
        ("/ingestion-time", json!(T)),
    ]
}

proptest! {
    #[test]
    fn optional_fields_are_optional(chosen in proptest::collection::vec(presence(), 18)) {
        let mut raw = change("e1", Some(("COMPLIANT", T)), ("NON_COMPLIANT", T));
        let fields = optional();
        prop_assert_eq!(fields.len(), chosen.len());
        for ((pointer, value), presence) in fields.iter().zip(&chosen) {
            put(&mut raw, pointer, *presence, value.clone());
        }
        let event = read(&raw);
        prop_assert_eq!(&event.body, &raw);
        let Content::ComplianceChange(change) = &event.content else { panic!() };
        let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let or_envelope = |pointer: &str, envelope: &str| text(pointer).or_else(|| text(envelope)).unwrap();
        prop_assert_eq!(&event.account_id, &or_envelope("/detail/awsAccountId", "/account"));
        prop_assert_eq!(&event.aws_region, &or_envelope("/detail/awsRegion", "/region"));
        prop_assert_eq!(&change.config_rule_arn, &text("/detail/configRuleARN").or_else(|| text("/detail/configRuleArn")));
        prop_assert_eq!(&change.new.annotation, &text("/detail/newEvaluationResult/annotation"));
        prop_assert_eq!(&change.new.evaluation_mode, &text("/detail/newEvaluationResult/evaluationMode"));
        prop_assert_eq!(change.old.is_some(), raw.pointer("/detail/oldEvaluationResult").is_some_and(Value::is_object));
    }

    #[test]
    fn optional_fields_of_items_are_optional(chosen in proptest::collection::vec(presence(), 14), oversized: bool) {
        let item = if oversized { "configurationItemSummary" } else { "configurationItem" };
        let kind = if oversized { "Oversized" } else { "" };
        let mut raw = change("e1", None, ("COMPLIANT", T));
        raw["detail-type"] = json!("Config Configuration Item Change");
        raw["detail"] = json!({
            "messageType": format!("{kind}ConfigurationItemChangeNotification"),
            item: {"resourceType": "AWS::S3::Bucket", "resourceId": "ledger"},
        });
        if oversized {
            raw["detail"]["s3DeliverySummary"] = json!({});
        }
        let within = |name: &str| format!("/detail/{item}/{name}");
        let fields = [
            (within("awsAccountId"), json!("999988887777")),
            (within("awsRegion"), json!("us-gov-west-1")),
            (within("ARN"), json!("arn:aws:s3:::ledger")),
            (within("changeType"), json!("UPDATE")),
            (within("configurationItemStatus"), json!("ResourceDeleted")),
            (within("configurationItemCaptureTime"), json!(T)),
            (within("configuration"), json!({"anything": [1, null]})),
            (within("tags"), json!({"a": "b"})),
            ("/detail/configurationItemDiff".to_owned(), json!({"changedProperties": {}})),
            ("/detail/configurationItemDiff/changeType".to_owned(), json!("DELETE")),
            ("/detail/notificationCreationTime".to_owned(), json!(T)),
            ("/detail/s3DeliverySummary/s3BucketLocation".to_owned(), json!("bucket/key")),
            ("/detail/s3DeliverySummary/errorCode".to_owned(), json!("NoSuchBucket")),
            ("/detail/s3DeliverySummary/errorMessage".to_owned(), json!("gone")),
        ];
        for ((pointer, value), presence) in fields.iter().zip(&chosen) {
            put(&mut raw, pointer, *presence, value.clone());
        }
        let event = read(&raw);
        prop_assert_eq!(&event.body, &raw);
        let Content::ItemChange(read) = &event.content else { panic!() };
        let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let account = text(&within("awsAccountId")).or_else(|| text("/account"));
        prop_assert_eq!(Some(&event.account_id), account.as_ref());
        prop_assert_eq!(&read.configuration_item_status, &text(&within("configurationItemStatus")));
        let changed = text("/detail/configurationItemDiff/changeType").or_else(|| text(&within("changeType")));
        prop_assert_eq!(&read.change_type, &changed);
        let location = read.oversized.as_ref().map(|oversized| oversized.s3_bucket_location.clone());
        let expected = oversized.then(|| text("/detail/s3DeliverySummary/s3BucketLocation"));
        prop_assert_eq!(location, expected);
    }

    #[test]
    fn optional_fields_of_remediations_are_optional(chosen in proptest::collection::vec(presence(), 8), step: bool) {
        let what = if step { "Step" } else { "Execution" };
        let mut raw = change("e1", None, ("COMPLIANT", T));
        raw["source"] = json!("aws.ssm");
        raw["detail-type"] = json!(format!("EC2 Automation {what} Status-change Notification"));
        raw["detail"] = json!({"ExecutionId": "x", "Definition": "d", "Status": "TimedOut"});
        let fields = [
            ("/detail/DefinitionVersion", json!(1.0)),
            ("/detail/StartTime", json!("Nov 9, 2026 7:43:23 AM")),
            ("/detail/EndTime", json!("Nov 29, 2026 12:43:25 PM")),
            ("/detail/Time", json!(2630.0)),
            ("/detail/StepName", json!("run")),
            ("/detail/Action", json!("aws:runCommand")),
            ("/detail/ExecutedBy", json!("someone")),
            ("/resources", json!([])),
        ];
        for ((pointer, value), presence) in fields.iter().zip(&chosen) {
            put(&mut raw, pointer, *presence, value.clone());
        }
        let event = read(&raw);
        prop_assert_eq!(&event.body, &raw);
        let Content::Remediation(read) = &event.content else { panic!() };
        prop_assert_eq!(read.start_time.is_some(), chosen[1] == Presence::Present);
        prop_assert_eq!(read.end_time.is_some(), chosen[2] == Presence::Present);
        prop_assert_eq!(read.step_name.is_some(), chosen[4] == Presence::Present);
    }

    /// Any field replaced by anything: it is read or refused, never a panic, and no value is repeated.
    #[test]
    fn a_refusal_repeats_no_value(at in 0_usize..40, with in prop_oneof![
        Just(json!(MARK)), Just(json!([MARK])), Just(json!({MARK: MARK})), Just(json!(-1.5)), Just(json!(true)),
    ]) {
        let mut raw = change("e1", Some(("COMPLIANT", T)), ("NON_COMPLIANT", T));
        detail(&mut raw).insert("resourceId".to_owned(), json!(MARK));
        let mut pointers = Vec::new();
        walk(&raw, "", &mut pointers);
        let pointer = &pointers[at % pointers.len()];
        *raw.pointer_mut(pointer).unwrap() = with;
        if let Err(refusal) = parse(&raw.to_string()) {
            prop_assert!(!refusal.to_string().contains(MARK), "{refusal}");
            prop_assert!(refusal.code.starts_with("Event."));
        }
    }

    #[test]
    fn no_text_is_more_than_refused(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }
}

fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            let pointer = format!("{at}/{name}");
            walk(value, &pointer, out);
            out.push(pointer);
        }
    }
}

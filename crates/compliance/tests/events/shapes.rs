//! Events in AWS's documented shapes.

use compliance::events::{Event, parse};
use serde_json::{Map, Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const RULE: &str = "s3-bucket-public-write-prohibited";

/// A result of an event.
pub(crate) fn result(compliance: &str, at: &str) -> Value {
    json!({
        "evaluationResultIdentifier": {
            "evaluationResultQualifier": {"configRuleName": RULE, "resourceType": "AWS::S3::Bucket", "resourceId": "ledger"},
            "orderingTimestamp": "2026-11-21T06:00:00.000Z"
        },
        "complianceType": compliance,
        "resultRecordedTime": at,
        "configRuleInvokedTime": at,
        "annotation": "anyone may write"
    })
}

/// A compliance change: `old` and `new` are compliance and time.
pub(crate) fn change(id: &str, old: Option<(&str, &str)>, new: (&str, &str)) -> Value {
    let mut event = json!({
        "version": "0",
        "id": id,
        "detail-type": "Config Rules Compliance Change",
        "source": "aws.config",
        "account": ACCOUNT,
        "time": "2026-11-21T10:00:05Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "resourceId": "ledger",
            "resourceType": "AWS::S3::Bucket",
            "awsRegion": REGION,
            "awsAccountId": ACCOUNT,
            "configRuleName": RULE,
            "configRuleARN": format!("arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-abc"),
            "recordVersion": "1.0",
            "messageType": "ComplianceChangeNotification",
            "newEvaluationResult": result(new.0, new.1),
            "notificationCreationTime": "2026-11-21T10:00:04.500Z"
        }
    });
    if let Some((compliance, at)) = old {
        detail(&mut event).insert("oldEvaluationResult".to_owned(), result(compliance, at));
    }
    event
}

/// The detail of an event.
pub(crate) fn detail(event: &mut Value) -> &mut Map<String, Value> {
    event.get_mut("detail").and_then(Value::as_object_mut).unwrap()
}

/// The event read.
pub(crate) fn read(event: &Value) -> Event {
    parse(&event.to_string()).unwrap()
}

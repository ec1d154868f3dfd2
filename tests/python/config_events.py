"""Events of AWS Config as EventBridge gives them, made by hand."""

import json

ACCOUNT = "111122223333"


def result(compliance, at, annotation=None):
    evaluation = {
        "complianceType": compliance,
        "resultRecordedTime": at,
        "configRuleInvokedTime": at,
        "evaluationResultIdentifier": {"orderingTimestamp": at},
    }
    return {**evaluation, **({"annotation": annotation} if annotation else {})}


def change(number, resource, old, new, at, rule="restricted-ssh", source="aws.config", **result_of):
    detail = {
        "resourceId": resource,
        "resourceType": "AWS::EC2::SecurityGroup",
        "awsRegion": "eu-west-1",
        "awsAccountId": ACCOUNT,
        "configRuleName": rule,
        "configRuleARN": f"arn:aws:config:eu-west-1:{ACCOUNT}:config-rule/config-rule-abcdef",
        "recordVersion": "1.0",
        "messageType": "ComplianceChangeNotification",
        "newEvaluationResult": result(new, at, **result_of),
        "notificationCreationTime": at,
    }
    if old:
        detail["oldEvaluationResult"] = result(old, "2026-11-20T08:00:00Z")
    return {
        "version": "0",
        "id": f"12345678-1234-1234-1234-{number:012}",
        "detail-type": "Config Rules Compliance Change",
        "source": source,
        "account": ACCOUNT,
        "time": at,
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
    }


def opened(number, resource, at="2026-11-21T10:00:05Z", **more):
    return change(number, resource, "COMPLIANT", "NON_COMPLIANT", at, **more)


def resolved(number, resource, at="2026-11-21T10:12:05Z", **more):
    return change(number, resource, "NON_COMPLIANT", "COMPLIANT", at, **more)


def lines(events):
    return "\n".join(json.dumps(event) for event in events) + "\n"

"""What the event patterns of agents and bus take and refuse, on events as they come."""

import copy

import pytest
import templates


def matches(pattern, event):
    """EventBridge's matching, of what the patterns use: every field named, one of its exact texts. Anything else is refused."""
    for field, wanted in pattern.items():
        if isinstance(wanted, dict):
            if not isinstance(event.get(field), dict) or not matches(wanted, event[field]):
                return False
            continue
        if not all(isinstance(one, str) for one in wanted):
            raise NotImplementedError(f"{field}: {wanted}")
        if event.get(field) not in wanted:
            return False
    return True


def event(source, detail_type, detail, resources=()):
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": source,
        "account": "111122223333",
        "time": "2026-11-21T10:00:31Z",
        "region": "eu-central-1",
        "resources": list(resources),
        "detail": detail,
    }


RESULT = {
    "evaluationResultIdentifier": {
        "evaluationResultQualifier": {
            "configRuleName": "restricted-ssh",
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": "sg-0abc",
        },
        "orderingTimestamp": "2026-11-21T09:58:00.000Z",
    },
    "complianceType": "NON_COMPLIANT",
    "resultRecordedTime": "2026-11-21T10:00:30.512Z",
    "configRuleInvokedTime": "2026-11-21T10:00:30.100Z",
}
COMPLIANCE = {
    "resourceId": "sg-0abc",
    "resourceType": "AWS::EC2::SecurityGroup",
    "awsRegion": "eu-central-1",
    "awsAccountId": "111122223333",
    "configRuleName": "restricted-ssh",
    "configRuleARN": "arn:aws:config:eu-central-1:111122223333:config-rule/config-rule-abcdef",
    "recordVersion": "1.0",
    "messageType": "ComplianceChangeNotification",
    "newEvaluationResult": RESULT,
    "notificationCreationTime": "2026-11-21T10:00:31.002Z",
}
ITEM = {"recordVersion": "1.3", "messageType": "ConfigurationItemChangeNotification", "configurationItemDiff": None}
OVERSIZED = {"recordVersion": "1.0", "messageType": "OversizedConfigurationItemChangeNotification"}
STARTED = {"messageType": "ConfigRulesEvaluationStarted", "configRuleNames": ["restricted-ssh"]}
AUTOMATION = {
    "ExecutionId": "333ba70b",
    "Definition": "AWS-DisablePublicAccessForSecurityGroup",
    "DefinitionVersion": 1,
    "Status": "Success",
    "EndTime": "Nov 21, 2026 10:03:25 AM",
}
STEP = AUTOMATION | {"StepName": "ModifySecurityGroup", "StepExecutionId": "1f2e"}

TAKEN = {
    "compliance change": event("aws.config", "Config Rules Compliance Change", COMPLIANCE),
    "of a first evaluation that complies": event(
        "aws.config", "Config Rules Compliance Change", COMPLIANCE | {"newEvaluationResult": RESULT | {"complianceType": "COMPLIANT"}}
    ),
    "item change": event("aws.config", "Config Configuration Item Change", ITEM, ["arn:aws:ec2:eu-central-1:111122223333:x/sg-0abc"]),
    "oversized item change": event("aws.config", "Config Configuration Item Change", OVERSIZED),
    "re-evaluation": event("aws.config", "Config Rules Re-evaluation Status", STARTED),
    "automation": event("aws.ssm", "EC2 Automation Execution Status-change Notification", AUTOMATION),
    "step of an automation": event("aws.ssm", "EC2 Automation Step Status-change Notification", STEP),
    "smoke test": event("plumbline.smoke-test", "Config Rules Compliance Change", COMPLIANCE),
    "replayed": event("aws.config", "Config Rules Compliance Change", COMPLIANCE) | {"replay-name": "lost-hours"},
}
REFUSED = {
    "snapshot delivered": event("aws.config", "Config Configuration Snapshot Delivery Status", {}),
    "history delivered": event("aws.config", "Config Configuration History Delivery Status", {}),
    "call of Config": event("aws.config", "AWS API Call via CloudTrail", {"eventName": "PutConfigRule"}),
    "parameter": event("aws.ssm", "Parameter Store Change", {"name": "x", "operation": "Update"}),
    "command": event("aws.ssm", "EC2 Command Status-change Notification", {"status": "Success"}),
    "other service": event("aws.guardduty", "GuardDuty Finding", {}),
    "other source with our type": event("my.config", "Config Rules Compliance Change", COMPLIANCE),
    "source in capitals": event("AWS.Config", "Config Rules Compliance Change", COMPLIANCE),
}


def patterns():
    master, agent = templates.load(templates.MASTER), templates.load(templates.AGENT)
    return {
        "rule": templates.properties(master, "EventsRule")["EventPattern"],
        "archive": templates.properties(master, "EventArchive")["EventPattern"],
        "agent": templates.properties(agent, "ForwardRule")["EventPattern"],
    }


@pytest.mark.parametrize("name", ["rule", "archive", "agent"])
@pytest.mark.parametrize("kind", TAKEN)
def test_is_taken(name, kind):
    assert matches(patterns()[name], TAKEN[kind])


@pytest.mark.parametrize("name", ["rule", "archive", "agent"])
@pytest.mark.parametrize("kind", REFUSED)
def test_is_refused(name, kind):
    assert not matches(patterns()[name], REFUSED[kind])


def test_every_value_of_the_pattern_takes_something():
    for field, values in patterns()["rule"].items():
        assert {one[field] for one in TAKEN.values()} == set(values)


def test_the_matcher_matches_as_documented():
    one = TAKEN["compliance change"]
    assert matches({}, one) and matches({"detail": {"messageType": ["ComplianceChangeNotification"]}}, one)
    assert not matches({"detail": {"messageType": ["Other"]}}, one)
    assert not matches({"detail": {"messageType": ["x"]}}, {key: one[key] for key in one if key != "detail"})
    broken = copy.deepcopy(one)
    del broken["source"]
    assert not matches({"source": ["aws.config"]}, broken)
    with pytest.raises(NotImplementedError):
        matches({"source": [{"prefix": "aws."}]}, one)

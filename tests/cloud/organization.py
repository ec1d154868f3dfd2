"""A member account's side of the events: the agent as its template makes it, and the events that AWS Config would send."""

import datetime
import itertools
import json
import random

from samtranslator.yaml_helper import yaml_parse
from servers import ACCOUNT, REGION, ROOT

RULE = "s3-bucket-public-write-prohibited"
"""A rule that the catalogue calls critical."""
MINOR = "s3-bucket-versioning-enabled"
"""One that it does not."""


class Member:
    """The agent of a member account, deployed to the account's own default bus."""

    def __init__(self, cloud, central_bus):
        self.events = cloud.client("events")
        formation, name = cloud.client("cloudformation"), f"agent-{next(cloud.numbers)}"
        formation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(yaml_parse((ROOT / "infra/agent/template.yaml").read_text()), default=str),
            Parameters=[{"ParameterKey": "CentralBusArn", "ParameterValue": central_bus}],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
        formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})

    def put(self, *details, detail_type="Config Rules Compliance Change"):
        """Puts events to the member's bus as smoke tests do: nobody but AWS may put events of aws.config."""
        entries = [{"Source": "plumbline.smoke-test", "DetailType": detail_type, "Detail": json.dumps(detail)} for detail in details]
        for ten in itertools.batched(entries, 10):
            answer = self.events.put_events(Entries=list(ten))
            assert answer["FailedEntryCount"] == 0, answer


def moment(seconds=0.0):
    """So many seconds from now, as AWS Config writes times."""
    time = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def evaluation(compliance, at):
    return {
        "evaluationResultIdentifier": {"evaluationResultQualifier": {}, "orderingTimestamp": at},
        "complianceType": compliance,
        "resultRecordedTime": at,
        "configRuleInvokedTime": at,
        "annotation": "Anyone on the internet may write to it.",
    }


def change(resource, new, old=None, at=None, rule=RULE, account=ACCOUNT):
    """The detail of a compliance change; without `old` it is a first evaluation."""
    at = at or moment()
    detail = {
        "resourceId": resource,
        "resourceType": "AWS::S3::Bucket",
        "awsRegion": REGION,
        "awsAccountId": account,
        "configRuleName": rule,
        "configRuleARN": f"arn:aws:config:{REGION}:{account}:config-rule/config-rule-abc",
        "recordVersion": "1.0",
        "messageType": "ComplianceChangeNotification",
        "newEvaluationResult": evaluation(new, at),
        "notificationCreationTime": at,
    }
    return detail | ({"oldEvaluationResult": evaluation(old, at)} if old else {})


def broken(resource, **more):
    return change(resource, "NON_COMPLIANT", "COMPLIANT", **more)


def mended(resource, **more):
    return change(resource, "COMPLIANT", "NON_COMPLIANT", **more)


def accounts(number, seed=7):
    """Ids of accounts that look like such and are none."""
    generator = random.Random(seed)
    return [f"9{generator.randrange(10**11):011d}" for _ in range(number)]

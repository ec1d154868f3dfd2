"""The functions that record events and sweep the outbox, as the real binaries, with moto for everything that they reach.
PLUMBLINE_FUNCTIONS names the folder of the binaries."""

import json
import os

import pytest
from lambda_runtime import Function
from moto_server import KEYS, moto_server
from test_adapters import create_event_table

REGION = "eu-west-1"
TIME = "2026-11-21T10:00:00Z"


def change(event_id, old, new, at=TIME):
    result = lambda status: {"complianceType": status, "resultRecordedTime": at}
    return {
        "id": event_id,
        "source": "aws.config",
        "detail-type": "Config Rules Compliance Change",
        "account": "111122223333",
        "region": REGION,
        "time": at,
        "resources": [],
        "detail": {
            "resourceId": "payroll-backups",
            "resourceType": "AWS::S3::Bucket",
            "configRuleName": "s3-bucket-versioning-enabled",
            "oldEvaluationResult": result(old),
            "newEvaluationResult": result(new),
        },
    }


def batch(*bodies):
    """As the event source of a queue gives it."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    record = {"receiptHandle": "r", "eventSource": "aws:sqs", "awsRegion": REGION, "attributes": {"ApproximateReceiveCount": "1"}}
    return {"Records": [{**record, "messageId": str(place), "body": text} for place, text in enumerate(texts)]}


class Stack:
    def __init__(self, moto):
        client = lambda service: moto.client(service, REGION)
        self.dynamodb, self.sqs, self.s3, self.states = map(client, ("dynamodb", "sqs", "s3", "stepfunctions"))
        create_event_table(self.dynamodb, "events")
        self.queue = self.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        self.s3.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.settle('[alerts]\nseverity = "low"\n')
        definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
        role = "arn:aws:iam::123456789012:role/alert"
        self.machine = self.states.create_state_machine(name="alert", definition=definition, roleArn=role)["stateMachineArn"]
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ},
            **{name.upper(): value for name, value in KEYS.items()},
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": moto.url,
            "PLUMBLINE_BUCKET": "evidence",
            "PLUMBLINE_TABLE": "events",
            "PLUMBLINE_SETTINGS_KEY": "config/settings.toml",
            "PLUMBLINE_DEAD_LETTERS_URL": self.queue,
            "PLUMBLINE_ALERT_STATE_MACHINE_ARN": self.machine,
        }

    def settle(self, settings):
        self.s3.put_object(Bucket="evidence", Key="config/settings.toml", Body=settings.encode())

    def function(self, name, **environment):
        return Function(os.path.join(os.environ["PLUMBLINE_FUNCTIONS"], name), {**self.environment, **environment})

    def items(self, kind):
        return [item for item in self.dynamodb.scan(TableName="events")["Items"] if item["pk"]["S"].startswith(kind)]

    def runs(self):
        return {run["name"] for run in self.states.list_executions(stateMachineArn=self.machine)["executions"]}


@pytest.fixture
def stack():
    with moto_server() as moto:
        yield Stack(moto)


def test_a_batch_is_recorded_once_and_logs_name_nobody(stack):
    record = stack.function("record-event")
    opened, resolved = change("1", "COMPLIANT", "NON_COMPLIANT"), change("2", "NON_COMPLIANT", "COMPLIANT", "2026-11-21T11:00:00Z")
    for _ in range(2):
        assert record.invoke(batch(resolved, "{ no event", opened)) == {"batchItemFailures": []}
    log = record.end()
    assert {item["sk"]["S"][-2:] for item in stack.items("EVENT#")} == {"#1", "#2"}
    words = {json.loads(item["entry"]["S"])["word"] for item in stack.items("OUTBOX#")}
    assert words == {"opened", "resolved"}, "in the order of time, not of arrival"
    assert json.loads(stack.items("STATE#")[0]["history"]["S"])["sources"][0]["event_id"] == "2"
    [run, *later] = sorted(stack.runs())
    assert run.startswith("summary-2") and len(later) <= 1, "one for each window"
    letter = stack.sqs.receive_message(QueueUrl=stack.queue, MessageAttributeNames=["All"])["Messages"][0]
    assert (letter["Body"], letter["MessageAttributes"]["code"]["StringValue"]) == ("{ no event", "Event.NotJson")

    assert not any(name in log for name in ("111122223333", "payroll", "no event"))
    lines = [json.loads(line) for line in log.splitlines()]
    events = [line for line in lines if line.get("message") == "event"]
    assert len(events) == 6 and all(line["run"] == "request-1" and "processing_time_ms" in line for line in events)
    told = [line for line in events if line.get("decision") == "opened"]
    assert [(line["account"], line["status"]) for line in told] == [("********3333", "NON_COMPLIANT")]
    metrics = [line for line in lines if "_aws" in line]
    total = sum(line["ConfigEventsProcessed"] for line in metrics if line.get("Kind") == "compliance_change")
    errors = sum(line["ConfigEventProcessingErrors"] for line in metrics if line.get("Code") == "Event.NotJson")
    assert (total, errors) == (4, 2)
    assert any(len(line["ConfigEventLatency"]) == 2 for line in metrics if "ConfigEventLatency" in line)


def test_what_cannot_be_stored_goes_back_to_the_queue(stack):
    record = stack.function("record-event", PLUMBLINE_TABLE="elsewhere")
    assert record.invoke(batch(change("1", "COMPLIANT", "NON_COMPLIANT"))) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert '"code":"Events.NotFound"' in record.end()


def test_settings_that_cannot_be_used_hold_up_the_queue_and_lose_nothing(stack):
    stack.settle("[alerts]\nseverity = 7\n")
    record = stack.function("record-event")
    answer = record.invoke(batch(change("1", "COMPLIANT", "NON_COMPLIANT")))
    assert answer["errorType"] == "Record.BadSettings" and "line 2" in answer["errorMessage"]
    record.end()
    assert not stack.items("EVENT#")


def test_what_nobody_told_is_swept(stack):
    record = stack.function("record-event")
    record.invoke(batch(change("1", "COMPLIANT", "NON_COMPLIANT")))
    record.end()
    first = stack.runs()
    [entry] = stack.items("OUTBOX#")
    entry["sk"]["S"] = "2026-11-21T10:00:30Z#oncall#1"
    stack.dynamodb.put_item(TableName="events", Item=entry)
    sweep = stack.function("sweep-outbox")
    assert sweep.invoke({"time": TIME}) == {"overdue": 1, "notStarted": 0}
    assert sweep.invoke({"time": TIME}) == {"overdue": 1, "notStarted": 0}
    log = sweep.end()
    [swept] = stack.runs() - first
    assert swept.startswith("oncall-20261121T100030Z-sweep-"), swept
    assert '"AlertsOverdue":1' in log

"""The adapters to AWS keep the contracts of their ports against moto, a server that we did not write, and boto3 sees what
they leave there. PLUMBLINE_CONTRACT names the program of `crates/aws/examples/contract.rs`."""

import datetime
import json
import os
import subprocess

import pytest
from moto_server import Moto, moto_server

CONTRACT = os.environ["PLUMBLINE_CONTRACT"]
REGION = "eu-west-1"
IDENTITY = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": REGION}


class Server:
    """moto, and the program against it."""

    def __init__(self, moto: Moto):
        self.url, self.moto = moto.url, moto

    def client(self, service):
        return self.moto.client(service, REGION)

    def start(self, *arguments):
        kept = {name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ}
        environment = {**kept, **IDENTITY, "AWS_ENDPOINT_URL": self.url}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([CONTRACT, *arguments], env=environment, text=True, **pipes)

    def keeps(self, *arguments):
        out, errors = self.start(*arguments).communicate(timeout=120)
        assert out == "kept\n", errors


@pytest.fixture(scope="module")
def moto():
    with moto_server() as server:
        yield Server(server)


@pytest.fixture(scope="module")
def key(moto):
    return moto.client("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def bucket(moto):
    place = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    moto.client("s3").create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, **place)
    return "evidence"


@pytest.mark.parametrize("prefix", ["reports/", ""])
def test_the_store_keeps_the_contract(moto, bucket, key, prefix):
    s3 = moto.client("s3")
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    moto.keeps("store", bucket, prefix, key)
    head = s3.head_object(Bucket=bucket, Key=f"{prefix}a/b.json")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    assert head["ContentType"] == "application/json"


def test_a_large_object_goes_in_parts(moto, bucket, key):
    moto.keeps("parts", bucket, "large/", key)
    s3 = moto.client("s3")
    assert s3.head_object(Bucket=bucket, Key="large/large.parquet")["ETag"].endswith('-3"')
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads"), "parts of the second put are taken away"


def test_what_is_locked_is_kept_as_long_as_asked(moto, bucket, key):
    moto.keeps("locked", bucket, "locked/", key)
    # moto answers HeadObject with the retention, and GetObjectRetention with the object.
    head = moto.client("s3").head_object(Bucket=bucket, Key="locked/locked.json")
    left = head["ObjectLockRetainUntilDate"] - datetime.datetime.now(datetime.timezone.utc)
    assert head["ObjectLockMode"] == "GOVERNANCE" and 29.9 < left / datetime.timedelta(days=1) <= 30


def test_a_topic_keeps_the_contract_of_a_notifier(moto):
    sns, sqs = moto.client("sns"), moto.client("sqs")
    topic = sns.create_topic(Name="summary")["TopicArn"]
    queue = sqs.create_queue(QueueName="reader")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])
    contract = moto.start("notifier", topic)
    assert contract.stdout.readline() == "what arrived?\n", contract.stderr.read()
    arrived = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            arrived.append([body.get("Subject", ""), body["Message"]])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    out, errors = contract.communicate(json.dumps(arrived) + "\n", timeout=120)
    assert out == "kept\n", errors
    assert all(subject.isascii() and "\n" not in subject and len(subject) <= 100 for subject, _ in arrived)


def test_secrets_keep_the_contract(moto):
    moto.client("secretsmanager").create_secret(Name="slack/webhook", SecretString="hush-hush")
    moto.keeps("secrets", "slack/webhook", "hush-hush", "slack/other")


INDEXES = ("by_account", "by_rule", "by_resource", "by_type", "by_status")
FOUND = ["kind", "source", "detail_type", "account_id", "aws_region", "rule", "config_rule_name", "resource_type", "resource_id", "status", "old_status", "event_time"]


def create_event_table(dynamodb, name):
    """The table as the template makes it."""
    key = lambda attribute, kind: {"AttributeName": attribute, "KeyType": kind}
    index = lambda attribute: {
        "IndexName": attribute,
        "KeySchema": [key(attribute, "HASH"), key("sk", "RANGE")],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": FOUND},
    }
    dynamodb.create_table(
        TableName=name,
        KeySchema=[key("pk", "HASH"), key("sk", "RANGE")],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "sk", *INDEXES)],
        GlobalSecondaryIndexes=[index(attribute) for attribute in INDEXES],
        BillingMode="PAY_PER_REQUEST",
    )


def test_an_event_table_keeps_the_contract(moto):
    dynamodb = moto.client("dynamodb")
    create_event_table(dynamodb, "events")
    moto.keeps("events", "events")
    items = [item for page in dynamodb.get_paginator("scan").paginate(TableName="events") for item in page["Items"]]
    kinds = {kind: [item for item in items if item["pk"]["S"].startswith(kind)] for kind in ("EVENT#", "STATE#", "OUTBOX#")}
    assert sum(map(len, kinds.values())) == len(items) and not kinds["OUTBOX#"] and kinds["STATE#"]
    assert not any(index in item for item in kinds["STATE#"] for index in INDEXES), "indexes have events only"
    assert len({item["pk"]["S"][-1] for item in kinds["EVENT#"]}) > 8, "a day has many partitions"
    for item in kinds["EVENT#"]:
        assert item["pk"]["S"][:-2] == f"EVENT#{item['event_time']['S'][:10]}" and item["expires_at"]["N"].isdigit()
        assert ("body" in item) != ("body_deflated" in item)
    changes = [item for item in kinds["EVENT#"] if item["kind"]["S"] == "compliance_change"]
    assert all(index in item for item in changes for index in INDEXES)
    expected = {item["sk"]["S"] for item in changes if item["status"]["S"] == "COMPLIANT"}
    found, months = set(), {item["event_time"]["S"][:7] for item in changes}
    for partition in (f"COMPLIANT#{month}#{shard}" for month in months for shard in range(4)):
        answer = dynamodb.query(
            TableName="events",
            IndexName="by_status",
            KeyConditionExpression="by_status = :value",
            ExpressionAttributeValues={":value": {"S": partition}},
        )
        found |= {item["sk"]["S"] for item in answer["Items"]}
    assert found == expected


def test_dead_letters_are_kept_with_their_reason(moto):
    sqs = moto.client("sqs")
    queue = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    moto.keeps("dead-letters", queue)
    message = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"][0]
    assert {"code", "reason"} == set(message["MessageAttributes"])


def test_an_alert_is_started_once(moto):
    states = moto.client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/alert"
    machine = states.create_state_machine(name="alert", definition=definition, roleArn=role)["stateMachineArn"]
    moto.keeps("alerts", machine)
    runs = states.list_executions(stateMachineArn=machine)["executions"]
    assert {run["name"] for run in runs} == {"oncall-20261121T100030Z", "oncall-20261121T100030Z-sweep-20261121T1003Z"}
    inputs = [json.loads(states.describe_execution(executionArn=run["executionArn"])["input"]) for run in runs]
    assert inputs == [{"route": "oncall", "window": "2026-11-21T10:00:30Z", "closes": "2026-11-21T10:01:05Z"}] * 2

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

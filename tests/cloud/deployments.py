"""What is deployed to a cloud on this machine: by the template, or part by part as the template has it."""

import io
import json
import re
import subprocess
import time
import zipfile

from runs import Run
from samtranslator.yaml_helper import yaml_parse
from servers import ACCOUNT, REGION, ROOT, bare_environment

STEPS = ["plan-report", "collect-results", "score-compliance", "render-report", "seal-report", "notify"]
"""The functions of the report's state machine."""
FUNCTIONS = [*STEPS, "record-event", "send-alerts", "sweep-outbox"]
MACHINES = {"ReportStateMachine": "report.asl.json", "AlertStateMachine": "alert.asl.json"}
"""The template's state machines, and their definitions."""
PREFIX = "reports/"


def template():
    return yaml_parse((ROOT / "infra/master/template.yaml").read_text())


def pascal(name):
    return "".join(part.capitalize() for part in name.split("-"))


def filled(text, substitutions):
    """A definition with its substitutions, which are those that the template makes."""
    declared = template()["Resources"]["ReportStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(declared) == set(substitutions), "the bench substitutes what the template substitutes"
    return re.sub(r"\$\{(\w+)\}", lambda found: substitutions[found[1]], text)


class Deployed:
    """What stands in the cloud, and what can be done with it. Functions are named by `name` and the step; `topics` are
    a topic's ARN and the queue that keeps what is published there."""

    def __init__(self, cloud, name):
        self.cloud, self.name = cloud, name
        self.s3, self.sns, self.sqs = (cloud.client(service) for service in ("s3", "sns", "sqs"))
        self.states = cloud.client("stepfunctions")
        self.bucket, self.topics, self.machine = None, {}, None
        cloud.host.set_faults([])

    def kept(self, topic):
        """A topic, and a new queue that keeps what is published there."""
        queue = self.sqs.create_queue(QueueName=f"kept-{time.monotonic_ns()}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        return topic, queue

    def set_settings(self, text):
        self.s3.put_object(Bucket=self.bucket, Key="config/settings.toml", Body=text.encode())

    def substitutions(self):
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"
        return {
            "Bucket": self.bucket,
            "ConsoleHost": "console.aws.amazon.com",
            "Environment": "bench",
            "FailureTopicArn": self.topics["failure"][0],
            "Partition": "aws",
            "Prefix": PREFIX,
            "Region": REGION,
            **{f"{pascal(step)}FunctionArn": f"{arn}-{step}" for step in STEPS},
        }

    def definition(self):
        """The state machine as the template deploys it."""
        return filled((ROOT / "workflows/report.asl.json").read_text(), self.substitutions())

    def create_state_machine(self, name, text):
        role = f"arn:aws:iam::{ACCOUNT}:role/{self.name}"
        return self.states.create_state_machine(name=name, definition=text, roleArn=role)["stateMachineArn"]

    # --- What goes wrong

    def fault(self, step, fault, **when):
        return {"function": f"{self.name}-{step}", "fault": fault, **when}

    def set_faults(self, *rules):
        self.cloud.host.set_faults(list(rules))

    def invocations(self, step=None):
        names = [f"{self.name}-{name}" for name in ([step] if step else STEPS)]
        return [line for line in self.cloud.host.invocations() if line["function"] in names]

    # --- What runs

    def start(self, request, machine=None):
        name = f"run-{time.monotonic_ns()}"
        text = json.dumps(request)
        arn = self.states.start_execution(stateMachineArn=machine or self.machine, name=name, input=text)
        return Run(self, request, arn["executionArn"])

    def run(self, kind, as_of, seconds=600):
        """Shows the organization at this moment and waits for the end of a run."""
        self.cloud.simulation.show(as_of)
        return self.start({"kind": kind, "as_of": as_of}).ended(seconds)

    def invoke(self, step, payload):
        """Invokes one function by itself."""
        answer = self.cloud.client("lambda").invoke(FunctionName=f"{self.name}-{step}", Payload=json.dumps(payload))
        body = json.load(answer["Payload"])
        assert "FunctionError" not in answer, body
        return body

    # --- What stands

    def objects(self, prefix=PREFIX):
        """Every object below a prefix, by what follows it."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key.removeprefix(prefix): self.read(key) for key in keys}

    def read(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def notices(self, topic):
        """What was published since it was last asked for. A run may end before its notice has gone from topic to queue."""
        found, queue = [], self.topics[topic][1]
        while messages := self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found


class Deployment(Deployed):
    """A bucket, a key, two topics, the functions and the state machine as the template has them, made one by one: a stack
    for each test would take minutes. `StackDeployment` is the template itself."""

    def __init__(self, cloud, name, settings, environment=None, functions=None):
        super().__init__(cloud, name)
        self.bucket = f"{name}-evidence"
        self.key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
        where = {"LocationConstraint": REGION}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
        for topic in ("summary", "failure"):
            self.topics[topic] = self.kept(self.sns.create_topic(Name=f"{name}-{topic}")["TopicArn"])
        if settings:
            self.set_settings(settings)
        cloud.host.register(functions(name) if functions else self.functions(environment or {}))
        self.machine = self.create_state_machine(name, self.definition())

    def functions(self, environment):
        sizes = template()["Mappings"]["Functions"]
        return {
            f"{self.name}-{step}": {
                "binary": str(self.cloud.programs.path(step)),
                "timeout_seconds": sizes[pascal(step)]["Timeout"],
                "memory_mb": sizes[pascal(step)]["Memory"],
                "environment": {**self.environment(), **environment},
            }
            for step in STEPS
        }

    def environment(self):
        return {
            **self.cloud.function_environment(),
            "PLUMBLINE_BUCKET": self.bucket,
            "PLUMBLINE_PREFIX": PREFIX,
            "PLUMBLINE_KMS_KEY_ARN": self.key,
            "PLUMBLINE_METRICS_NAMESPACE": "Plumbline",
            "PLUMBLINE_PARTITION": "aws",
            "PLUMBLINE_AGGREGATOR": "organization",
            "PLUMBLINE_SETTINGS_KEY": "config/settings.toml",
            "PLUMBLINE_RETENTION_DAYS": json.dumps({"daily": 1, "weekly": 1, "snapshot": 1}),
            "PLUMBLINE_LOCK_MODE": "GOVERNANCE",
            "PLUMBLINE_TOPIC_ARN": self.topics["summary"][0],
            "PLUMBLINE_FAILURE_TOPIC_ARN": self.topics["failure"][0],
        }


def deploy(cloud, settings="", **options):
    """A deployment of its own."""
    return Deployment(cloud, f"plumbline-{next(cloud.numbers)}", settings, **options)


class StackDeployment(Deployed):
    """The stack of the template."""

    PARAMETERS = {
        "Architecture": "x86_64",
        "AggregatorMode": "Existing",
        "AggregatorName": "organization",
        "EventAccountIds": ACCOUNT,
    }

    def __init__(self, cloud, settings, binary):
        """`binary` gives the program of a step."""
        self.environment = f"bench-{next(cloud.numbers)}"
        super().__init__(cloud, f"plumbline-{self.environment}")
        self.stack(binary)
        self.outputs = self.described()
        self.bucket, self.machine = self.outputs["EvidenceBucketName"], self.outputs["StateMachineArn"]
        self.key = self.outputs["EvidenceKeyArn"]
        self.topics = {topic: self.kept(self.outputs[f"{topic.capitalize()}TopicArn"]) for topic in ("summary", "failure")}
        self.set_settings(settings)

    def parameters(self):
        return {**self.PARAMETERS, "Environment": self.environment}

    def stack(self, binary):
        formation = self.cloud.client("cloudformation")
        formation.create_stack(
            StackName=self.name,
            TemplateURL=self.packaged(binary),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters().items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        formation.get_waiter("stack_create_complete").wait(StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})

    def described(self):
        """The stack's outputs."""
        [stack] = self.cloud.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def packaged(self, binary):
        """The template with all it names where CloudFormation finds it, as `sam package` leaves it."""
        bucket, resources = f"{self.name}-packages", (packaged := template())["Resources"]
        self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        for step in FUNCTIONS:
            self.s3.put_object(Bucket=bucket, Key=f"{step}.zip", Body=zipped(binary(step)))
            resources[f"{pascal(step)}Function"]["Properties"]["CodeUri"] = f"s3://{bucket}/{step}.zip"
        for machine, workflow in MACHINES.items():
            self.s3.put_object(Bucket=bucket, Key=workflow, Body=(ROOT / "workflows" / workflow).read_bytes())
            resources[machine]["Properties"]["DefinitionUri"] = f"s3://{bucket}/{workflow}"
        self.s3.put_object(Bucket=bucket, Key="template.json", Body=json.dumps(packaged))
        return f"{self.cloud.url}/{bucket}/template.json"


class SamDeployment(StackDeployment):
    """The stack as `sam deploy` makes it of what `sam build` left."""

    BUILT = ROOT / "infra/master/.aws-sam/build"

    @classmethod
    def function(cls, step):
        """The program of a step as it is deployed."""
        return cls.BUILT / f"{pascal(step)}Function" / "bootstrap"

    def stack(self, sam):
        bucket = f"{self.name}-packages"
        self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        parameters = [f"{key}={value}" for key, value in self.parameters().items()]
        command = [sam, "deploy", "--template-file", self.BUILT / "template.yaml", "--stack-name", self.name, "--s3-bucket", bucket]
        command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar", "--region", REGION]
        environment = bare_environment(
            AWS_ENDPOINT_URL=self.cloud.url, AWS_ACCESS_KEY_ID=ACCOUNT, AWS_SECRET_ACCESS_KEY="of-no-value", SAM_CLI_TELEMETRY="0"
        )
        ended = subprocess.run([*map(str, command), "--parameter-overrides", *parameters], env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def zipped(program):
    """A function's zip whose `bootstrap` hands over to a program of this machine: the emulator would copy binaries built
    for tests, hundreds of megabytes each, several times."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("bootstrap", f"#!/bin/sh\nexec {program}\n")
    return held.getvalue()

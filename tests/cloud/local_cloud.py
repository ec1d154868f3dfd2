"""A cloud on this machine: the simulated organization, the host of our functions, the emulator, and what is deployed there."""

import contextlib
import ctypes
import dataclasses
import hashlib
import io
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

import boto3
import botocore.config
from samtranslator.yaml_helper import yaml_parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STEPS = ["plan-report", "collect-results", "score-compliance", "render-report", "seal-report", "notify"]
# Not the simulated aggregator's own region: it answers in any.
REGION = "eu-central-1"
ACCOUNT = "123456789012"
PREFIX = "reports/"
# Retries wait this part of what the state machine says.
RETRY_WAITS = 0.05


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A server of the bench: its output goes to a file, and it is ended by its own id."""

    def __init__(self, name, command, folder, environment=None):
        self.name, self.log = name, folder / f"{name}.log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                list(map(str, command)),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment or bare_environment(),
                preexec_fn=end_with_the_parent,
            )

    def wait_until(self, ready, seconds=120):
        """Waits until `ready` answers something, and returns it."""
        end = time.monotonic() + seconds
        while not (answer := ready()):
            assert self.child.poll() is None, f"{self.name} ended with {self.child.returncode}:\n{self.printed()}"
            assert time.monotonic() < end, f"{self.name} is not ready after {seconds} s:\n{self.printed()}"
            time.sleep(0.05)
        return answer

    def printed(self):
        return self.log.read_text(errors="replace")[-4000:]

    def end(self):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            # The emulator's server now and then waits for ever for its own threads.
            self.child.kill()
            self.child.wait()


def end_with_the_parent():
    """A suite that is killed leaves no server behind."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def bare_environment(**more):
    """What a program needs of this machine, and nothing that would lead it elsewhere."""
    return {**{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}, **more}


def answers(url):
    with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        try:
            urllib.request.urlopen(url, timeout=5).read()
        except urllib.error.HTTPError:
            pass
        return True
    return False


@dataclasses.dataclass(frozen=True)
class Programs:
    """What was built: the command line, the Lambda binaries and the host."""

    folder: pathlib.Path

    def path(self, name):
        found = self.folder / name
        assert found.exists(), f"{found} is not built: `cargo build --workspace --bins`"
        return found

    @property
    def plumbline(self):
        return self.path("plumbline")

    @property
    def lambda_host(self):
        return self.path("lambda-host")


class Simulation:
    """The simulated organization as a server whose moment moves on, always on the same port."""

    def __init__(self, programs, folder, accounts=4, regions=2, rules=24, resources=4, **sizes):
        self.programs, self.folder, self.port = programs, folder, free_port()
        self.sizes = {"accounts": accounts, "regions": regions, "rules": rules, "resources": resources, **sizes}
        self.process, self.shown = None, None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def show(self, moment):
        if self.shown == moment:
            return
        self.end()
        sizes = itertools.chain.from_iterable((f"--{name}", value) for name, value in self.sizes.items())
        command = [self.programs.plumbline, "simulate", "serve", "--port", self.port, "--day", moment, *sizes]
        self.process = Process("simulation", command, self.folder)
        self.process.wait_until(lambda: answers(self.url))
        self.shown = moment

    @contextlib.contextmanager
    def of_size(self, **sizes):
        """Another organization for a while."""
        usual, self.sizes = self.sizes, {**self.sizes, **sizes}
        self.end()
        yield
        self.sizes = usual
        self.end()

    def end(self):
        if self.process:
            self.process.end()
        self.process = self.shown = None


class LambdaHost:
    """The host of functions, its file of functions, its report and its logs."""

    def __init__(self, programs, folder):
        self.functions, self.report = folder / "functions.json", folder / "invocations.jsonl"
        self.logs = folder / "logs"
        self.register({})
        self.port = free_port()
        command = [programs.lambda_host, "--functions", self.functions, "--report", self.report]
        self.process = Process("lambda-host", [*command, "--logs", self.logs, "--port", self.port], folder)
        self.process.wait_until(lambda: answers(self.url))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def register(self, functions):
        """Sets which functions there are; what was there before is gone."""
        content = {"account": ACCOUNT, "region": REGION, "functions": functions}
        written = self.functions.with_suffix(".new")
        written.write_text(json.dumps(content, indent=1))
        written.replace(self.functions)

    def set_faults(self, rules):
        request = urllib.request.Request(f"{self.url}/faults", json.dumps(rules).encode(), method="PUT")
        urllib.request.urlopen(request).read()

    def invocations(self):
        return [json.loads(line) for line in self.report.read_text().splitlines()]


class Cloud:
    """The three servers together."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.host = LambdaHost(programs, folder)
        self.simulation = Simulation(programs, folder)
        self.port = free_port()
        command = [sys.executable, HERE / "emulator.py", "--port", self.port, "--folder", folder / "emulator"]
        command += ["--lambda-host", self.host.url, "--functions", self.host.functions, "--retry-waits", RETRY_WAITS]
        command += ["--function-environment", json.dumps(self.function_environment())]
        self.process = Process("emulator", command, folder)
        self.process.wait_until(lambda: answers(f"{self.url}/_localstack/health"), seconds=300)
        self.numbers = itertools.count(1)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def function_environment(self):
        """Leads what a function calls: the organization is simulated, everything else is the emulator's."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_CONFIG_SERVICE": self.simulation.url,
            "AWS_ENDPOINT_URL_ORGANIZATIONS": self.simulation.url,
            "AWS_ENDPOINT_URL_STS": self.simulation.url,
        }

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="of-no-value",
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, read_timeout=120
            ),
        )

    def deploy(self, settings="", **options):
        return Deployment(self, f"plumbline-{next(self.numbers)}", settings, **options)

    def end(self):
        self.process.end()
        self.host.process.end()
        self.simulation.end()


def template():
    return yaml_parse((ROOT / "infra/master/template.yaml").read_text())


def pascal(name):
    return "".join(part.capitalize() for part in name.split("-"))


def definition(substitutions):
    """The state machine as the template deploys it."""
    text = (ROOT / "workflows/report.asl.json").read_text()
    filled = re.sub(r"\$\{(\w+)\}", lambda found: substitutions[found[1]], text)
    declared = template()["Resources"]["ReportStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(declared) == set(substitutions), "the bench substitutes what the template substitutes"
    return filled


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
        self.machine = self.create_state_machine(name, definition(self.substitutions()))

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
        }


class StackDeployment(Deployed):
    """The stack of the template, as `sam deploy` makes it."""

    PARAMETERS = {"Architecture": "x86_64", "AggregatorMode": "Existing", "AggregatorName": "organization"}

    def __init__(self, cloud, settings, binary):
        """`binary` gives the program of a step."""
        self.environment = f"bench-{next(cloud.numbers)}"
        super().__init__(cloud, f"plumbline-{self.environment}")
        self.outputs = self.deploy(binary)
        self.bucket, self.machine = self.outputs["EvidenceBucketName"], self.outputs["StateMachineArn"]
        self.key = self.outputs["EvidenceKeyArn"]
        self.topics = {topic: self.kept(self.outputs[f"{topic.capitalize()}TopicArn"]) for topic in ("summary", "failure")}
        self.set_settings(settings)

    def deploy(self, binary):
        formation = self.cloud.client("cloudformation")
        parameters = {**self.PARAMETERS, "Environment": self.environment}
        formation.create_stack(
            StackName=self.name,
            TemplateURL=self.packaged(binary),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        formation.get_waiter("stack_create_complete").wait(StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
        [stack] = formation.describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def packaged(self, binary):
        """The template with all it names where CloudFormation finds it, as `sam package` leaves it."""
        bucket, resources = f"{self.name}-packages", (packaged := template())["Resources"]
        self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        for step in STEPS:
            self.s3.put_object(Bucket=bucket, Key=f"{step}.zip", Body=zipped(binary(step)))
            resources[f"{pascal(step)}Function"]["Properties"]["CodeUri"] = f"s3://{bucket}/{step}.zip"
        workflow = (ROOT / "workflows/report.asl.json").read_bytes()
        self.s3.put_object(Bucket=bucket, Key="report.asl.json", Body=workflow)
        resources["ReportStateMachine"]["Properties"]["DefinitionUri"] = f"s3://{bucket}/report.asl.json"
        self.s3.put_object(Bucket=bucket, Key="template.json", Body=json.dumps(packaged))
        return f"{self.cloud.url}/{bucket}/template.json"


def zipped(program):
    """A function's zip whose `bootstrap` hands over to a program of this machine: the emulator would copy binaries built
    for tests, hundreds of megabytes each, several times."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("bootstrap", f"#!/bin/sh\nexec {program}\n")
    return held.getvalue()


class Run:
    """One execution."""

    def __init__(self, deployment, request, arn):
        self.deployment, self.request, self.arn = deployment, request, arn
        self.described = None

    def ended(self, seconds=600):
        end = time.monotonic() + seconds
        while True:
            self.described = self.deployment.states.describe_execution(executionArn=self.arn)
            if self.described["status"] != "RUNNING":
                return self
            assert time.monotonic() < end, f"{self.request} still runs after {seconds} s: {self.states()}"
            time.sleep(0.1)

    @property
    def status(self):
        return self.described["status"]

    @property
    def output(self):
        assert self.status == "SUCCEEDED", f"{self.status}: {self.described.get('error')}: {self.described.get('cause')}"
        return json.loads(self.described["output"])

    def events(self):
        pages = self.deployment.states.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        return [event for page in pages for event in page["events"]]

    def states(self):
        """The states that were entered, in order."""
        return [event["stateEnteredEventDetails"]["name"] for event in self.events() if "stateEnteredEventDetails" in event]

    def variables(self):
        """What the states had assigned when it ended."""
        assigned = {}
        for event in self.events():
            variables = event.get("stateExitedEventDetails", {}).get("assignedVariables", {})
            assigned |= {name: json.loads(value) for name, value in variables.items()}
        return assigned

    def redriven(self):
        """Goes on from the state that failed, as a redrive does: the same definition, input and variables, one redrive
        more. The emulator cannot redrive, so a second state machine begins where this execution ended."""
        machine = json.loads(definition(self.deployment.substitutions()).replace("$states.context.Execution.RedriveCount", "1"))
        [last] = self.states()[-1:]
        machine["States"]["Restore"] = {"Type": "Pass", "Assign": self.variables(), "Next": last}
        machine["StartAt"] = "Restore"
        name = f"{self.deployment.name}-redrive-{time.monotonic_ns()}"
        again = self.deployment.create_state_machine(name, json.dumps(machine))
        return self.deployment.start(self.request, again).ended()


class CommandLine:
    """The same runs by `plumbline` alone, from the same server into a folder."""

    def __init__(self, cloud, out, settings=""):
        self.cloud, self.out = cloud, out
        self.settings = out.with_suffix(".toml")
        self.settings.write_text(settings)

    def run(self, kind, as_of):
        self.cloud.simulation.show(as_of)
        command = ["snapshot"] if kind == "snapshot" else ["report", kind]
        arguments = ["--aggregator", "organization", "--as-of", as_of, "--out", self.out, "--settings", self.settings, "--json"]
        environment = bare_environment(
            AWS_ENDPOINT_URL=self.cloud.simulation.url,
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID=ACCOUNT,
            AWS_SECRET_ACCESS_KEY="of-no-value",
        )
        ended = subprocess.run(
            list(map(str, [self.cloud.programs.plumbline, *command, *arguments])), capture_output=True, text=True, env=environment, timeout=300
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def objects(self):
        files = [path for path in self.out.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.out)): path.read_bytes() for path in files}


def evidence(objects):
    """What two runs from the same inputs must have in common: everything but working files, and who ran when."""
    ours = {key: body for key, body in objects.items() if not key.startswith("work/")}
    return {key: body for key, body in ours.items() if key.split("/")[-1] not in ("provenance.json", ".plumbline-lock")}


def differences(cloud, machine):
    """Keys that stand on one side only or with other bytes: an empty list when both are the same."""
    return sorted(key for key in cloud.keys() | machine.keys() if cloud.get(key) != machine.get(key))


def bundles(objects):
    """The folders that a manifest says are whole, and what the manifests name that is missing or has other bytes."""
    whole, broken = [], []
    for key in [key for key in objects if re.match(r"(daily|weekly|snapshot)/.*/manifest\.json$", key)]:
        folder = key.removesuffix("manifest.json")
        if folder.endswith("/snapshot/"):
            continue
        whole.append(folder)
        for file in json.loads(objects[key])["files"]:
            body = objects.get(folder + file.get("path", file.get("name")))
            if body is None or hashlib.sha256(body).hexdigest() != file["sha256"]:
                broken.append(folder + file.get("path", file.get("name")))
    return whole, broken

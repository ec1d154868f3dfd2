"""The servers of a cloud on this machine: the simulated organization, the host of our functions, a DynamoDB, and the emulator."""

import contextlib
import ctypes
import dataclasses
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore.config

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Not the simulated aggregator's own region: it answers in any.
REGION = "eu-central-1"
ACCOUNT = "123456789012"
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
    return {**{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE") if name in os.environ}, **more}


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
        assert found.exists(), f"{found} is not built: see tests/cloud/run.sh"
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


class Tables:
    """A DynamoDB."""

    def __init__(self, folder):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process("dynamodb", [sys.executable, HERE / "dynamodb.py", "--port", port], folder)
        self.process.wait_until(lambda: answers(self.url))


class Cloud:
    """The servers together."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.host = LambdaHost(programs, folder)
        self.simulation = Simulation(programs, folder)
        self.tables = Tables(folder)
        self.port, self.slack_port = free_port(), free_port()
        command = [sys.executable, HERE / "emulator.py", "--port", self.port, "--folder", folder / "emulator"]
        command += ["--lambda-host", self.host.url, "--dynamodb", self.tables.url, "--functions", self.host.functions, "--retry-waits", RETRY_WAITS]
        # Functions of a stack find a Slack at a port that a test may serve.
        slack = {"PLUMBLINE_SLACK_API": f"http://127.0.0.1:{self.slack_port}/api"}
        command += ["--function-environment", json.dumps(self.function_environment() | slack)]
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

    def end(self):
        self.process.end()
        self.tables.process.end()
        self.host.process.end()
        self.simulation.end()

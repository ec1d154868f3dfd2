"""Runs of the state machine and of the command line, and what they leave."""

import hashlib
import json
import re
import subprocess
import time

from servers import ACCOUNT, REGION, bare_environment


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
        machine = json.loads(self.deployment.definition().replace("$states.context.Execution.RedriveCount", "1"))
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

"""The deployed state machine reaches people: each part of a digest once, in order, whatever dies on the way; and no secret
is left anywhere."""

import collections
import json
import urllib.request

import pytest
from conftest import DAYS, SETTINGS
from deployments import deploy
from servers import Process, free_port
from test_secrets import everything, holders

TOKEN = "xoxb-fake"
CHANNEL = "C00000001"


class FakeSlack:
    """Slack on this machine, which enforces its limits, rates and scopes."""

    def __init__(self, programs, folder, *faults, port=None):
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process("slack", [programs.path("examples/fake-slack"), "--port", port, *faults], folder)
        self.process.wait_until(lambda: "api " in self.process.printed())

    def ledger(self):
        return json.load(urllib.request.urlopen(f"{self.url}/ledger"))

    def messages(self):
        return self.ledger()["messages"]


@pytest.fixture
def slack(programs, tmp_path):
    """A Slack that asks for patience now and then, and fails now and then."""
    fake = FakeSlack(programs, tmp_path, "--rate", "0.1", "--fail", "0.1", "--seed", "7")
    yield fake
    fake.process.end()


def deployed_to(cloud, slack):
    """A deployment whose settings lead to a channel and to the stack's topic for summaries."""
    secret = f"slack-{next(cloud.numbers)}"
    cloud.client("secretsmanager").create_secret(Name=secret, SecretString=TOKEN)
    routes = f"""
[[delivery.routes]]
name = "security"
to = {{ slack_channel = "{CHANNEL}", token = "secret:{secret}" }}

[[delivery.routes]]
name = "managers"
to = {{ sns_topic = "summary" }}
"""
    return deploy(cloud, SETTINGS + routes, environment={"PLUMBLINE_SLACK_API": f"{slack.url}/api"})


def check_once(messages, run_id):
    """A thread under one digest, each part once; what is not marked is the file that was shared."""
    head, *replies = messages
    assert head["part"] and head["thread_ts"] is None
    assert all(reply["thread_ts"] == head["ts"] for reply in replies)
    parts = collections.Counter(message["part"] for message in messages if message["part"])
    assert set(parts.values()) == {1}, parts
    files = [file["name"] for message in messages for file in message["files"]]
    assert files == ["chart.png", "report.pdf"]
    assert run_id in json.dumps(head["metadata"])


def test_a_report_reaches_its_channel_and_its_topic(cloud, slack):
    deployment = deployed_to(cloud, slack)
    run = deployment.run("daily", DAYS[-1])
    assert run.status == "SUCCEEDED", run.described.get("cause")
    check_once(slack.messages(), run.output["run_id"])
    [mail] = deployment.notices("summary")
    assert "SIMULATED" in mail and run.output["run_id"] in mail
    ledger = slack.ledger()
    assert (ledger["refusals"], ledger["rate_violations"]) == ([], 0)
    assert holders(everything(deployment, [run]), TOKEN) == []


@pytest.mark.parametrize("fault", ["kill_before_run", {"kill_after_ms": 900}, "lose_response", {"time_out_after_ms": 2500}], ids=str)
def test_a_function_that_dies_loses_and_doubles_nothing(fault, cloud, slack):
    deployment = deployed_to(cloud, slack)
    deployment.set_faults(deployment.fault("notify", fault, attempt=1))
    run = deployment.run("daily", DAYS[-1])
    assert run.status == "SUCCEEDED", run.described.get("cause")
    assert [line["error_type"] is None for line in deployment.invocations("notify")] == [False, True]
    check_once(slack.messages(), run.output["run_id"])


def test_a_channel_that_refuses_is_told_elsewhere_and_recorded(cloud, slack):
    deployment = deployed_to(cloud, slack)
    settings = deployment.read("config/settings.toml").decode()
    deployment.set_settings(settings.replace(CHANNEL, "C09999999"))
    run = deployment.run("daily", DAYS[-1])
    assert run.status == "SUCCEEDED", run.described.get("cause")
    assert slack.messages() == []
    [told] = deployment.notices("failure")
    assert "Slack channel C09999999" in told and "channel_not_found" in told
    assert len(deployment.notices("summary")) == 1, "the other route has its own"
    record = json.loads(deployment.read(f"deliveries/{run.output['run_id']}/outcome-001.json"))
    assert [(route["route"], route["state"]) for route in record["routes"]] == [("security", "failed"), ("managers", "delivered")]
    assert record["routes"][0]["fallback"]["state"] == "sent"

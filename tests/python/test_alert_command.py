"""`plumbline alert`, the real binary, against the strict fake of Slack.
PLUMBLINE_BIN names the binary, PLUMBLINE_FAKE_SLACK the fake."""

import json
import os
import subprocess

import pytest
from config_events import lines, opened, resolved
from fake_slack import TOKEN, environment, messages, slack  # noqa: F401

BIN = os.environ["PLUMBLINE_BIN"]
ROUTE = """
[[delivery.routes]]
name = "oncall"
alerts = "only"
to = {{ slack_channel = "{channel}", token = "env:SLACK_TOKEN" }}
"""
STORY = [
    opened(1, "sg-1", annotation="open <!channel> to 0.0.0.0/0"),
    opened(1, "sg-1"),
    resolved(2, "sg-1"),
    opened(3, "sg-1", "2026-11-21T10:20:05Z"),
    opened(4, "sg-2", rule="house-rule"),
]


def alert(folder, text, *more, settings="", api=None):
    (folder / "events.json").write_text(text)
    (folder / "settings.toml").write_text(settings)
    command = [BIN, "alert", folder / "events.json", "--settings", folder / "settings.toml", *more]
    command += ["--deliver", "--records", folder / "records", "--slack-api", api] if api else []
    return subprocess.run(list(map(str, command)), env=environment(), capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("text", [lines(STORY), json.dumps(STORY), json.dumps(STORY, indent=1)])
def test_each_event_is_shown_with_what_is_decided_and_told(tmp_path, text):
    shown = alert(tmp_path, text)
    assert shown.returncode == 0, shown.stderr
    for said in [
        "1. Config Rules Compliance Change of 2026-11-21 10:00 UTC: restricted-ssh AWS::EC2::SecurityGroup sg-1 in 111122223333 eu-west-1",
        "told at once (opened) on summary",
        "Noncompliant since 2026-11-21 10:00 UTC",
        "the same event as before",
        "Resolved after 12 min (2026-11-21 10:12 UTC)",
        "the 2nd time since 2026-11-21 10:00 UTC",
        "left to the daily report: the rule is less severe",
    ]:
        assert said in shown.stdout, said
    assert "open <!channel> to 0.0.0.0/0" in shown.stdout and "\x1b" not in shown.stdout


def test_one_event_as_sns_wraps_it_and_json_for_scripts(tmp_path):
    wrapped = {"Type": "Notification", "MessageId": "m", "Timestamp": "2026-11-21T10:00:06Z", "Message": json.dumps(STORY[0])}
    shown = alert(tmp_path, json.dumps(wrapped), "--json")
    document = json.loads(shown.stdout)
    [event] = document["events"]
    assert event["decision"]["decision"] == "told" and document["deliveries"] is None
    assert event["message"]["blocks"][0]["type"] == "header"


def test_people_are_told_once_however_often_it_is_asked_for(tmp_path, slack):
    settings = ROUTE.format(channel="C00000001")
    first = alert(tmp_path, lines(STORY), settings=settings, api=slack)
    assert first.returncode == 0, first.stderr
    told = messages(slack)
    assert len(told) == 3 and told[0]["edits"] == 2
    assert [message["thread_ts"] for message in told[1:]] == [told[0]["ts"]] * 2
    assert "delivery   oncall of 2026-11-21T10:00:00Z: 1 message sent" in first.stderr
    again = alert(tmp_path, lines(STORY), "--json", settings=settings, api=slack)
    assert again.returncode == 0 and len(json.loads(again.stdout)["deliveries"]) == 3
    assert messages(slack) == told
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == [] and TOKEN not in first.stdout + first.stderr


def test_a_storm_is_one_message_with_its_list(tmp_path, slack):
    storm = [opened(number, f"sg-{number}") for number in range(30)]
    ended = alert(tmp_path, json.dumps(storm), settings=ROUTE.format(channel="C00000001"), api=slack)
    assert ended.returncode == 0, ended.stderr
    told = messages(slack)
    assert "30 resources became noncompliant at once" in told[0]["text"]
    assert all(message["thread_ts"] == told[0]["ts"] for message in told[1:]) and len(told) > 1


def test_what_slack_refuses_is_said(tmp_path, slack):
    ended = alert(tmp_path, lines(STORY[:1]), settings=ROUTE.format(channel="C00000009"), api=slack)
    assert ended.returncode == 4 and "channel_not_found" in ended.stderr and "set delivery.fallback_topic" in ended.stderr


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "the event: the message is not JSON"),
        ("[]", "there is no event in it"),
        ("{", "the event: the message is not JSON (line 1, column 1)"),
        (lines(STORY[:1]) + "\n{}\n", "line 3: the event has no detail-type"),
        (json.dumps([STORY[0], {"detail-type": "x"}]), "event 2: "),
        (json.dumps({**STORY[0], "source": "aws.ec2"}), "Event.UnknownSource"),
    ],
)
def test_what_is_no_event_is_refused_with_its_place(tmp_path, text, said):
    ended = alert(tmp_path, text)
    assert ended.returncode == 6 and said in ended.stderr and "give events of AWS Config" in ended.stderr, ended.stderr


def test_what_cannot_be_meant_is_refused_before_anybody_is_told(tmp_path, slack):
    nobody = alert(tmp_path, lines(STORY), settings="", api=slack)
    assert nobody.returncode == 2 and "no route takes alerts" in nobody.stderr
    wrong = alert(tmp_path, lines(STORY), settings="[alerts]\nwindow_seconds = 1\n", api=slack)
    assert wrong.returncode == 3 and "must be 5 to 240" in wrong.stderr
    kept = {"PATH": os.environ["PATH"]}
    missing = subprocess.run([BIN, "alert", str(tmp_path / "none")], env=kept, capture_output=True, text=True, timeout=60)
    assert missing.returncode == 6 and "cannot read" in missing.stderr
    assert messages(slack) == []

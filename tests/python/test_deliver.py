"""`plumbline report … --deliver`, the real binary, against the strict fake of Slack.
PLUMBLINE_BIN names the binary, PLUMBLINE_FAKE_SLACK the fake."""

import json
import os
import subprocess

from fake_slack import TOKEN, environment, messages, slack  # noqa: F401

BIN = os.environ["PLUMBLINE_BIN"]
SIZE = ["--accounts", "3", "--regions", "1", "--rules", "12", "--resources", "4", "--as-of", "2026-11-21T09:00:00Z"]
ROUTE = """
[[delivery.routes]]
name = "security"
to = {{ slack_channel = "{channel}", token = "{token}" }}
"""


def deliver(folder, api, channel="C00000001", token="env:SLACK_TOKEN", *more):
    settings = folder / "settings.toml"
    settings.write_text(ROUTE.format(channel=channel, token=token))
    command = [BIN, "report", "daily", "--simulate", *SIZE, "--out", folder / "out", "--settings", settings]
    command += ["--deliver", "--slack-api", api, *more]
    return subprocess.run(list(map(str, command)), env=environment(), capture_output=True, text=True, timeout=300)


def test_a_report_is_delivered_once_however_often_it_is_asked_for(slack, tmp_path):
    first = deliver(tmp_path, slack)
    assert first.returncode == 0, first.stderr
    assert "security to Slack channel C00000001: delivered" in first.stderr
    told = messages(slack)
    parts = [message["part"] for message in told if message["part"]]
    assert parts[0] == "digest" and len(set(parts)) == len(parts)
    assert [file["name"] for message in told for file in message["files"]] == ["chart.png", "report.pdf"]
    again = deliver(tmp_path, slack, "C00000001", "env:SLACK_TOKEN", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["delivery"]["routes"][0]["state"] == "delivered"
    assert messages(slack) == told
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == [] and TOKEN not in first.stdout + first.stderr + again.stdout + again.stderr


def test_a_channel_that_refuses_is_said_and_the_report_stands(slack, tmp_path):
    ended = deliver(tmp_path, slack, channel="C00000009")
    assert "security to Slack channel C00000009: failed" in ended.stderr and "channel_not_found" in ended.stderr
    assert list((tmp_path / "out").glob("daily/*/*/manifest.json")) and messages(slack) == []


def test_what_cannot_be_meant_is_refused_before_anything_is_collected(slack, tmp_path):
    raw = deliver(tmp_path, slack, token="xoxb-1-a-real-one")
    assert raw.returncode == 3 and "never the secret itself" in raw.stderr and "xoxb-1" not in raw.stderr
    assert not (tmp_path / "out").exists()
    missing = deliver(tmp_path, slack, token="env:NOT_SET")
    assert "NOT_SET" in missing.stderr and missing.returncode != 0, missing.stderr


def preview(*arguments):
    return subprocess.run([BIN, "preview", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_one_message_is_drawn_in_the_terminal_and_as_a_picture(tmp_path):
    file, picture = tmp_path / "message.json", tmp_path / "message.png"
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "NONCOMPLIANT: restricted-ssh"}}]
    blocks += [{"type": "section", "text": {"type": "mrkdwn", "text": "*payments* `sg-1` &lt;!channel&gt;"}}]
    file.write_text(json.dumps({"text": "an alert", "blocks": blocks}))
    drawn = preview("alert", file)
    assert drawn.returncode == 0, drawn.stderr
    assert "NONCOMPLIANT: restricted-ssh" in drawn.stdout and "payments sg-1 <!channel>" in drawn.stdout
    assert preview("alert", file, "--png", picture).returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    nowhere = preview("alert", file, "--png", tmp_path / "none" / "a.png")
    assert nowhere.returncode == 6 and "cannot write" in nowhere.stderr
    file.write_text("{}")
    broken = preview("alert", file)
    assert broken.returncode == 6 and "JSON with text and blocks" in broken.stderr

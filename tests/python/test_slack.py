"""Slack's own Python SDK judges what we did not want to judge alone: our messages by its models, and our fake of Slack by its client.

PLUMBLINE_OUT names the folder of `--out`, PLUMBLINE_FAKE_SLACK the fake's program; without them the tests fail, as a test that
skips proves nothing.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "crates/slack-blocks/tests/snapshots").glob("*_json.snap"))
# Newer than the SDK's models.
UNKNOWN = {"data_table", "data_visualization"}


def golden_messages():
    for path in GOLDEN:
        document = json.loads(path.read_text().split("---\n", 2)[2])
        yield from messages_of(document) if "message" in document else [document]


def messages_of(digest):
    for version in (digest, digest["fallback"]):
        yield from [version["message"], *version["thread"]]


def generated_messages():
    folder = os.environ.get("PLUMBLINE_OUT")
    assert folder, "set PLUMBLINE_OUT to the folder that `plumbline report --out` wrote"
    [digest] = Path(folder).glob("daily/*/*/digest.json")
    return list(messages_of(json.loads(digest.read_text())))


def check(message):
    kinds = set()
    for block in message["blocks"]:
        parsed = Block.parse(block)
        if block["type"] in UNKNOWN:
            kinds.add(block["type"])
            continue
        assert parsed is not None, block["type"]
        # Writes it anew, and holds the model's own limits.
        written = parsed.to_dict()
        assert written["type"] == block["type"]
        assert json.dumps(written).count('"text"') == json.dumps(block).count('"text"'), "nothing is left out"
        kinds.add(block["type"])
    return kinds


def test_golden_messages_are_messages_of_the_models():
    kinds = set().union(*(check(message) for message in golden_messages()))
    assert len(GOLDEN) >= 5
    assert {"header", "section", "context", "table", "actions"} <= kinds


def test_a_generated_digest_is_one_too():
    assert {"header", "section", "context"} <= set().union(*(check(message) for message in generated_messages()))


def test_the_models_would_find_a_broken_limit():
    [header] = [block for message in golden_messages() for block in message["blocks"] if block["type"] == "header"][:1]
    header["text"]["text"] = "x" * 151
    with pytest.raises(Exception, match="150"):
        check({"blocks": [header]})


@pytest.fixture
def fake():
    program = os.environ.get("PLUMBLINE_FAKE_SLACK")
    assert program, "set PLUMBLINE_FAKE_SLACK to the program of tests/fake-slack"
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
        api, webhook = (process.stdout.readline().split()[1] for _ in range(2))
        yield api + "/", webhook
        process.kill()


def test_slacks_own_client_gets_along_with_the_fake(fake):
    api, webhook = fake
    client = WebClient(token="xoxb-fake", base_url=api)
    metadata = {"event_type": "plumbline_part", "event_payload": {"run_id": "r", "route": "a", "part": "p"}}
    posted = client.chat_postMessage(channel="C00000001", text="hello", metadata=metadata)
    history = client.conversations_history(channel="C00000001", include_all_metadata=True)
    assert [one["metadata"] for one in history["messages"]] == [metadata]
    client.chat_update(channel="C00000001", ts=posted["ts"], text="changed")
    assert client.conversations_history(channel="C00000001")["messages"][0]["text"] == "changed"
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C00000001", text="at once")
    assert refused.value.response.status_code == 429 and refused.value.response.headers["Retry-After"] == "1"
    announced = client.files_getUploadURLExternal(filename="report.pdf", length=4)
    assert announced["upload_url"].startswith("http://127.0.0.1")
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_completeUploadExternal(files=[{"id": announced["file_id"]}], channel_id="C00000001")
    assert WebhookClient(webhook.replace("/fake", "/none")).send(text="x").body == "no_service"
    with pytest.raises(SlackApiError, match="invalid_auth"):
        WebClient(token="xoxb-other", base_url=api).chat_postMessage(channel="C00000001", text="x")


def test_the_fake_takes_every_golden_message(fake):
    api, _ = fake
    client = WebClient(token="xoxb-fake", base_url=api)
    for message in golden_messages():
        try:
            client.chat_postMessage(channel="C00000001", **message)
        except SlackApiError as error:
            assert error.response.status_code == 429, error

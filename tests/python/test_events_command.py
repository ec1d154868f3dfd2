"""`plumbline events`, the real binary, against SQS as moto knows it. moto knows no moves of messages, so these are made here.
PLUMBLINE_BIN names the binary."""

import json
import os
import subprocess
import time

import pytest
from moto.core.responses import ActionResult
from moto.sqs.responses import SQSResponse
from moto_server import moto_server

BIN = os.environ["PLUMBLINE_BIN"]
REGION = "eu-west-1"


class Moves:
    """Moves as SQS makes them: a look finds one under way, the next finds it done."""

    def __init__(self):
        self.asked, self.task, self.fails = [], None, None

    def start(self, response):
        asked = {name: response._get_param(name) for name in ("SourceArn", "DestinationArn", "MaxNumberOfMessagesPerSecond")}
        self.asked.append(asked)
        backend = response.sqs_backend
        source, destination = (backend.get_queue(asked[name].rsplit(":", 1)[1]) for name in ("SourceArn", "DestinationArn"))
        waiting = list(source._messages)
        if not self.fails:
            source._messages.clear()
            for message in waiting:
                destination.add_message(message)
        self.task = {"moved": 0 if self.fails else len(waiting), "of": len(waiting), "looks": 0, "at": int(time.time() * 1000)}
        return ActionResult({"TaskHandle": "handle"})

    def list(self, response):
        if not self.task:
            return ActionResult({"Results": []})
        self.task["looks"] += 1
        over = "FAILED" if self.fails else "COMPLETED"
        entry = {
            "Status": "RUNNING" if self.task["looks"] == 1 else over,
            "ApproximateNumberOfMessagesMoved": self.task["moved"],
            "ApproximateNumberOfMessagesToMove": self.task["of"],
            "StartedTimestamp": self.task["at"],
        }
        return ActionResult({"Results": [{**entry, **({"FailureReason": self.fails} if self.fails else {})}]})


@pytest.fixture
def moves(monkeypatch):
    moves = Moves()
    monkeypatch.setattr(SQSResponse, "start_message_move_task", lambda self: moves.start(self), raising=False)
    monkeypatch.setattr(SQSResponse, "list_message_move_tasks", lambda self: moves.list(self), raising=False)
    return moves


@pytest.fixture
def sqs(moves):
    with moto_server() as server:
        client = server.client("sqs", REGION)
        client.url = server.url
        for name in ("plumbline-test-events", "plumbline-test-events-dead-letters"):
            client.create_queue(QueueName=name)
        yield client


def url(sqs, name="plumbline-test-events"):
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def put(sqs, body, **attributes):
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    sqs.send_message(QueueUrl=url(sqs, "plumbline-test-events-dead-letters"), MessageBody=body, MessageAttributes=attributes)


def plumbline(sqs, *arguments, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ}
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": REGION}
    environment = {**kept, **keys, "AWS_ENDPOINT_URL_SQS": sqs.url, **environment}
    return subprocess.run([BIN, "events", *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=60)


def test_dead_letters_are_listed_with_their_reasons_and_stay(sqs):
    queue = ["--queue-url", url(sqs)]
    none = plumbline(sqs, "dead-letters", *queue)
    assert none.returncode == 0 and "No event waits" in none.stdout, none.stderr
    put(sqs, "{}", code="Event.MissingField", reason="the event has no detail-type")
    put(sqs, "{\"a\": 1}")
    for _ in range(2):
        listed = plumbline(sqs, "dead-letters", *queue)
        assert listed.returncode == 0, listed.stderr
        for said in ("2 events among the dead letters", "Event.MissingField: the event has no detail-type", "failed too often", "events redrive"):
            assert said in listed.stdout, listed.stdout
    document = json.loads(plumbline(sqs, "dead-letters", *queue, "--json", "--limit", "1").stdout)
    assert document["count"] == 2 and len(document["letters"]) == 1


def test_all_are_moved_back_and_the_move_is_followed(sqs, moves, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[cloud]\nevents_queue_url = "{url(sqs)}"\n')
    redrive = ["redrive", "--settings", settings, "--every", "0.05"]
    for number in range(3):
        put(sqs, f"{number}")
    dry = plumbline(sqs, *redrive, "--dry-run")
    assert dry.returncode == 0 and "3 events would be moved to arn:aws:sqs:eu-west-1:" in dry.stdout and moves.asked == [], dry.stderr
    moved = plumbline(sqs, *redrive, "--per-second", "50", "--json")
    assert moved.returncode == 0, moved.stderr
    document = json.loads(moved.stdout)
    assert (document["waiting"], document["moved"], document["status"]) == (3, 3, "completed")
    [asked] = moves.asked
    assert asked["DestinationArn"].endswith(":plumbline-test-events") and asked["MaxNumberOfMessagesPerSecond"] == 50
    bodies = {message["Body"] for message in sqs.receive_message(QueueUrl=url(sqs), MaxNumberOfMessages=10)["Messages"]}
    assert bodies == {"0", "1", "2"}
    again = plumbline(sqs, *redrive)
    assert again.returncode == 0 and "nothing to move" in again.stdout and len(moves.asked) == 1


def test_a_move_that_fails_is_an_error(sqs, moves):
    moves.fails = "AWS.SimpleQueueService.NonExistentQueue"
    put(sqs, "1")
    failed = plumbline(sqs, "redrive", "--queue-url", url(sqs), "--every", "0.05")
    assert failed.returncode == 5 and "NonExistentQueue" in failed.stderr and "run again" in failed.stderr, failed.stderr


def test_what_is_not_there_or_not_named_is_said(sqs):
    missing = plumbline(sqs, "redrive", "--queue-url", url(sqs) + "-other")
    assert missing.returncode == 4 and "plumbline-test-events-other" in missing.stderr, missing.stderr
    unnamed = plumbline(sqs, "redrive")
    assert unnamed.returncode == 2 and "PLUMBLINE_EVENTS_QUEUE_URL" in unnamed.stderr
    named = plumbline(sqs, "dead-letters", PLUMBLINE_EVENTS_QUEUE_URL=url(sqs))
    assert named.returncode == 0, named.stderr

"""A fake Slack for tests that deliver, and what its readers see. PLUMBLINE_FAKE_SLACK names its program."""

import json
import os
import subprocess
import urllib.request

import pytest

TOKEN = "xoxb-fake"


@pytest.fixture
def slack():
    """The address of its API."""
    child = subprocess.Popen([os.environ["PLUMBLINE_FAKE_SLACK"]], stdout=subprocess.PIPE, text=True)
    api = child.stdout.readline().split()[1]
    child.stdout.readline()
    yield api
    child.kill()
    child.wait()


def messages(api):
    return json.load(urllib.request.urlopen(api.removesuffix("api") + "ledger"))["messages"]


def environment():
    """Of a command line that finds the token in SLACK_TOKEN."""
    kept = {name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ}
    return {**kept, "SLACK_TOKEN": TOKEN}

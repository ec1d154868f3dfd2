"""Fixtures of the bench. Nothing is skipped: where the machine lacks what the bench needs, it fails and says what."""

import os
import pathlib

import pytest
from deployments import deploy
from runs import CommandLine
from servers import ROOT, Cloud, Programs

DAYS = [f"2026-11-{day}T09:00:00Z" for day in (18, 19, 20, 21)]
# Two accounts a shard, so that a run has several, and two of them at once.
SETTINGS = "[collection]\naccounts_per_shard = 2\nparallel_shards = 2\n"


@pytest.fixture(scope="session")
def programs():
    return Programs(pathlib.Path(os.environ.get("PLUMBLINE_BINARIES", ROOT / "target/debug")).resolve())


@pytest.fixture(scope="session")
def cloud(programs, tmp_path_factory):
    running = Cloud(programs, tmp_path_factory.mktemp("cloud"))
    yield running
    running.end()


@pytest.fixture
def deployment(cloud):
    return deploy(cloud, SETTINGS)


@pytest.fixture(scope="session")
def by_command_line(cloud, tmp_path_factory):
    """The bundle of one daily run by the command line alone: what every run that recovers is held to."""
    machine = CommandLine(cloud, tmp_path_factory.mktemp("command-line") / "reports", SETTINGS)
    machine.run("daily", DAYS[-1])
    return machine

"""Collection against a server that allows so many requests a second and throttles every one above: the ideal is the
number of calls ÷ the rate, and nothing throttled. The peer is that ideal; a run also starts, freezes its snapshot and
seals, which counts as its time here."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import subprocess

from bench import Failed, Table, seconds

ALLOWED = 1.05
"""Of the ideal, at most."""


@contextlib.contextmanager
def served(tools, sizes: list[str], rate: float):
    """The simulated organization behind a strict limit."""
    command = [tools.plumbline, "simulate", "serve", "--port", "0", "--day", "2026-11-21", "--faults", f"rate={rate}"]
    with subprocess.Popen([*command, *sizes], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield next(word for word in server.stdout.readline().split() if word.startswith("http://"))
        finally:
            server.kill()


def collect(tools, url: str, rate: float):
    """One snapshot at this rate: its figure, the attempts it sent, and those that were throttled."""
    out = tools.scratch / "collect"
    shutil.rmtree(out, ignore_errors=True)
    settings = tools.scratch / "collect.toml"
    settings.write_text(f'[collection]\nrequests_per_second = {rate}\nrule_inventory_role = "plumbline-inventory"\n')
    figure = tools.measure(
        [tools.plumbline, "snapshot", "--aggregator", "organization", "--out", str(out), "--settings", str(settings), "--json"],
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="example",
        AWS_REGION="eu-west-1",
        AWS_EC2_METADATA_DISABLED="true",
    )
    folder = pathlib.Path(json.loads(figure.stdout)["folder"])
    calls = json.loads((folder / "provenance.json").read_text())["calls"].values()
    return figure, sum(call["attempts"] for call in calls), sum(call["throttled"] for call in calls)


def run(tools) -> list[Table]:
    rows = []
    cases = [(50.0, 8)] if tools.quick else [(5.0, 30), (20.0, 60)]
    for rate, accounts in cases:
        sizes = ["--accounts", str(accounts), "--regions", "2", "--rules", "30", "--resources", "12"]
        with served(tools, sizes, rate) as url:
            figure, attempts, throttled = collect(tools, url, rate)
        ideal = attempts / rate
        share = figure.wall / ideal
        if not tools.quick and (share > ALLOWED or throttled):
            raise Failed(f"{attempts} calls at {rate:g}/s took {share:.3f} of the ideal, {throttled} throttled")
        rows.append([f"{rate:g}/s", f"{attempts:,}", seconds(ideal), seconds(figure.wall), f"{share - 1:+.1%}", f"{throttled}"])
    columns = ["server allows", "calls", "calls ÷ rate", "whole run", "above the ideal", "throttled"]
    note = (
        "The server is `plumbline simulate serve --faults rate=…` in a process of its own: a bucket of one second's worth "
        "of requests, refilled at the rate; what exceeds it is throttled. The client's `collection.requests_per_second` is "
        "the same. The run is `plumbline snapshot`, its start and its sealing included; at most 5 % above the ideal passes."
    )
    return [Table("One snapshot, spaced by the client's budget", columns, rows, note)]

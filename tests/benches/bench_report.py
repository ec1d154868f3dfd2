"""The whole daily report of 50 accounts: collected, scored, rendered and sealed."""

from __future__ import annotations

import json
import shutil

from bench import Table, Tools, megabytes, seconds

SIZE = ["--accounts", "50", "--regions", "4", "--rules", "100", "--resources", "100"]
QUICK = ["--accounts", "5", "--regions", "2", "--rules", "20", "--resources", "6"]
YESTERDAY, TODAY = "2026-11-20T09:00:00Z", "2026-11-21T09:00:00Z"


def run(tools: Tools) -> list[Table]:
    size = QUICK if tools.quick else SIZE
    history, out = tools.scratch / "report-history", tools.scratch / "report"
    for folder in (history, out):
        shutil.rmtree(folder, ignore_errors=True)
    # Yesterday's run, with the days before it, is the history that today's run finds.
    tools.measure(command(tools, size, YESTERDAY, history))
    figures = []
    for _ in range(1 if tools.quick else 3):
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(history, out)
        figures.append(tools.measure(command(tools, size, TODAY, out)))
    figure = sorted(figures, key=lambda one: one.wall)[len(figures) // 2]
    answer = json.loads(figure.stdout)
    movement = answer["movement"]
    noncompliant = movement["new"] + movement["still"]
    if not tools.quick and noncompliant < 5_000:
        raise SystemExit(f"{noncompliant} noncompliant results: too few for what this bench says")
    pdfs = sum(name.endswith(".pdf") for name in answer["files"])
    table = Table(
        "`plumbline report daily`, from nothing but yesterday's files to today's sealed bundle",
        ["accounts", "noncompliant", "calls", "documents", "wall", "processor", "peak memory"],
        [
            [
                size[1],
                f"{noncompliant:,}",
                f"{answer['attempts']:,}",
                f"{pdfs}",
                seconds(figure.wall),
                seconds(figure.cpu),
                megabytes(max(one.peak_mb for one in figures)),
            ]
        ],
        "All of a run is in it: one day collected over HTTP from loopback with the same SDK adapter as from AWS, frozen, "
        "scored against the seven days before, rendered, sealed. The simulated organization and its server work in the "
        "same process and are in the figures too. No call is held back: the source allows any rate.",
    )
    shutil.rmtree(history)
    shutil.rmtree(out)
    return [table]


def command(tools: Tools, size: list[str], as_of: str, out) -> list[str]:
    return [tools.plumbline, "report", "daily", "--simulate", *size, "--as-of", as_of, "--out", str(out), "--json"]

#!/usr/bin/env python3
"""Answers for any step what the state machine goes on with, and nothing more: for tests of the bench itself, which are to
tell a fault of the bench from one of ours. Its name ends in the step's."""

import json
import os
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
REFERENCE = {"key": "work/nothing.json", "sha256": "0" * 64}


def plan_report(payload):
    request = payload["request"]
    modes = {"inline": [REFERENCE] * 3, "distributed": []}
    mode = os.environ.get("MAP_MODE", "inline")
    return {
        "kind": request["kind"],
        "as_of": request["as_of"],
        "collect": True,
        "plan": REFERENCE,
        "settings": REFERENCE,
        "snapshot": None,
        "shards": modes[mode],
        "shard_list": {"key": "work/shards.json", "sha256": "0" * 64} if mode == "distributed" else None,
        "events": None,
        "shard_count": 3,
        "map_mode": mode,
        "map_concurrency": 2,
        "execution": payload["execution"],
    }


STEPS = {
    "plan-report": plan_report,
    "collect-results": lambda payload: {"index": 0, "results": payload["shard"], "counts": {}},
    "score-compliance": lambda payload: {
        **{name: payload[name] for name in ("kind", "as_of")},
        **{name: REFERENCE for name in ("inputs", "scorecard", "lists")},
        "run_id": "0123456789abcdef",
        "summary": {"compliance_score": None, "coverage": None},
    },
    "render-report": lambda payload: {"files": REFERENCE},
    "seal-report": lambda payload: {"run_id": payload["run_id"], "folder": "daily/nothing/", "manifest": REFERENCE},
    "notify": lambda payload: {"delivery": REFERENCE, "sent": 1, "failed": 0, "ambiguous": 0},
}


def main():
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    [step] = [step for stepped, step in STEPS.items() if name.endswith(stepped)]
    while True:
        with urllib.request.urlopen(f"{API}/next") as asked:
            request, payload = asked.headers["Lambda-Runtime-Aws-Request-Id"], json.load(asked)
        answer = json.dumps(step(payload)).encode()
        urllib.request.urlopen(urllib.request.Request(f"{API}/{request}/response", answer, method="POST")).read()


main()

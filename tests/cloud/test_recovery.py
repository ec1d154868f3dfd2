"""Each step killed, timed out or failed: once, and the run recovers; for ever, and it ends where someone is told, with no
half bundle to be seen, and goes on from there once the cause is mended. Every way ends with the same bytes."""

import json

import pytest
from conftest import DAYS
from deployments import STEPS
from runs import bundles, differences, evidence

UNAVAILABLE = {"error": {"errorType": "Store.Unavailable", "errorMessage": "made up"}}
# Midway is different for each: so many milliseconds after it took the payload a step is at work.
MIDWAY = {"plan-report": 15, "collect-results": 15, "score-compliance": 60, "render-report": 300, "seal-report": 10, "notify": 1}
ONCE = {
    "killed before it ran": (lambda step: "kill_before_run", "Runtime.ExitError"),
    "killed midway": (lambda step: {"kill_after_ms": MIDWAY[step]}, "Runtime.ExitError"),
    "killed when its work was done": (lambda step: "lose_response", "Runtime.ExitError"),
    "timed out": (lambda step: {"time_out_after_ms": MIDWAY[step]}, "Sandbox.Timedout"),
    "refused by a service": (lambda step: UNAVAILABLE, "Store.Unavailable"),
}


@pytest.mark.parametrize("how", ONCE)
def test_each_step_fails_once_and_the_run_recovers(how, deployment, by_command_line):
    fault, error = ONCE[how]
    deployment.set_faults(*[deployment.fault(step, fault(step), attempt=1) for step in STEPS])
    run = deployment.run("daily", DAYS[-1])
    assert run.status == "SUCCEEDED", run.described.get("cause")
    for step in STEPS:
        # Two shards are collected at once, so the one that failed need not be the first that ended.
        assert error in [line["error_type"] for line in deployment.invocations(step)], step
    assert differences(evidence(deployment.objects()), evidence(by_command_line.objects())) == []
    assert deployment.notices("failure") == []


FOR_EVER = [
    ("plan-report", "kill_before_run", "PlanReport", "Runtime.ExitError"),
    # What would fail every shard alike is no missing coverage.
    ("collect-results", {"error": {"errorType": "Config.Credentials", "errorMessage": "expired"}}, "Collect", "Config.Credentials"),
    ("score-compliance", "lose_response", "ScoreCompliance", "Runtime.ExitError"),
    ("render-report", {"time_out_after_ms": 300}, "RenderReport", "Sandbox.Timedout"),
    ("seal-report", {"kill_after_ms": 10}, "SealReport", "Runtime.ExitError"),
    ("seal-report", UNAVAILABLE, "SealReport", "Store.Unavailable"),
    ("notify", "kill_before_run", "Notify", "Runtime.ExitError"),
]


@pytest.mark.parametrize(("step", "fault", "state", "error"), FOR_EVER, ids=lambda value: value if isinstance(value, str) else "")
def test_a_step_that_fails_for_ever_is_told_and_gone_on_with(step, fault, state, error, deployment, by_command_line):
    deployment.set_faults(deployment.fault(step, fault))
    run = deployment.run("daily", DAYS[-1])
    assert run.status == "FAILED"
    assert f"{error} in {state}" in run.described["cause"]
    [notice] = deployment.notices("failure")
    for said in (f"State: {state}", f"Error: {error}", run.arn, "aws stepfunctions redrive-execution", "https://console.aws.amazon.com/states"):
        assert said in notice
    whole, broken = bundles(deployment.objects())
    assert broken == []
    assert len(whole) == (1 if step == "notify" else 0), "a bundle is whole or is not there"

    deployment.set_faults()
    again = run.redriven()
    assert again.status == "SUCCEEDED", again.described.get("cause")
    assert differences(evidence(deployment.objects()), evidence(by_command_line.objects())) == []


def test_a_new_execution_finds_what_a_failed_one_left(deployment, by_command_line):
    deployment.set_faults(deployment.fault("seal-report", {"kill_after_ms": 10}))
    assert deployment.run("daily", DAYS[-1]).status == "FAILED"
    deployment.set_faults()
    again = deployment.run("daily", DAYS[-1])
    assert "CollectInline" not in again.states(), "its snapshot stands"
    assert differences(evidence(deployment.objects()), evidence(by_command_line.objects())) == []


def test_a_shard_that_fails_for_ever_ends_as_missing_coverage(deployment, by_command_line):
    deployment.cloud.simulation.show(DAYS[-1])
    look_ahead = {"arn": "arn", "name": "looks-ahead", "started_at": DAYS[-1]}
    request = {"kind": "daily", "as_of": DAYS[-1]}
    [first, _] = deployment.invoke("plan-report", {"request": request, "execution": look_ahead})["shards"]
    deployment.set_faults(deployment.fault("collect-results", UNAVAILABLE, payload=first["sha256"]))
    run = deployment.run("daily", DAYS[-1])
    assert run.status == "SUCCEEDED", run.described.get("cause")

    [reference] = [body for key, body in by_command_line.objects().items() if key.endswith("scorecard.json")]
    lost = {place(scope) for scope in json.loads(deployment.read("reports/" + first["key"]))["scopes"]}
    reported = deployment.read("reports/" + run.output["folder"] + "scorecard.json")
    assert missing(reported) == missing(reference) | lost
    assert len(lost) == 4, "two accounts in two regions"
    tries = [line for line in deployment.invocations("collect-results") if line["error_type"]]
    assert len(tries) == 6, "as often as the state machine says"
    assert bundles(deployment.objects())[1] == []


def place(scope):
    return scope["source"]["account_id"], scope["source"]["aws_region"]


def missing(scorecard):
    return {place(scope) for scope in json.loads(scorecard)["context"]["coverage"]["scopes"] if scope["missing"]}

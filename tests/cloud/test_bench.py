"""The bench itself, with stubs in place of our functions: the deployed state machine runs, fails and is gone on with as
AWS would have it. What fails here is a fault of the bench or of the state machine, not of a step."""

import json
import pathlib
import sys

import pytest
from deployments import STEPS, StackDeployment, deploy

STUB = pathlib.Path(__file__).with_name("stub_step.py")
REQUEST = {"kind": "daily", "as_of": "2026-11-21T09:00:00Z"}
STATES = ["PlanReport", "Collect", "CollectInline", *["CollectInlineShard", "CollectInlineShardEnded"] * 3, "Collected"]
STATES += ["ScoreCompliance", "RenderReport", "SealReport", "Deliver", "Notify", "Done"]


@pytest.fixture
def stubbed(cloud):
    """A deployment whose functions are stubs."""

    def stubs(**environment):
        # The stub's interpreter is looked up on the path, as `env` does.
        path = f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"
        stub = {"binary": str(STUB), "timeout_seconds": 120, "memory_mb": 128, "environment": {"PATH": path, **environment}}
        return deploy(cloud, functions=lambda name: {f"{name}-{step}": stub for step in STEPS})

    return stubs


def test_every_state_is_entered_once_and_a_warm_instance_is_used_again(stubbed):
    deployed = stubbed()
    run = deployed.start(REQUEST).ended()
    assert run.output["folder"] == "daily/nothing/"
    assert sorted(run.states()) == sorted(STATES)
    collected = deployed.invocations("collect-results")
    assert len(collected) == 3 and any(line["init_ms"] is None for line in collected)
    assert deployed.notices("failure") == []


def test_a_snapshot_is_not_delivered(stubbed):
    run = stubbed().start({**REQUEST, "kind": "snapshot"}).ended()
    assert run.states()[-2:] == ["Deliver", "Done"]


def test_a_distributed_map_reads_its_shards_from_the_bucket(stubbed):
    deployed = stubbed(MAP_MODE="distributed")
    shards = [{"key": f"work/shard-{number}", "sha256": "0" * 64} for number in range(7)]
    deployed.s3.put_object(Bucket=deployed.bucket, Key="reports/work/shards.json", Body=json.dumps(shards))
    assert deployed.start(REQUEST).ended().output["kind"] == "daily"
    assert len(deployed.invocations("collect-results")) == 7


def test_a_failure_is_told_and_the_run_goes_on_from_there(stubbed):
    deployed = stubbed()
    deployed.set_faults(deployed.fault("render-report", {"error": {"errorType": "Render.Failed", "errorMessage": "no ink"}}))
    run = deployed.start(REQUEST).ended()
    assert run.status == "FAILED"
    assert "Render.Failed in RenderReport" in run.described["cause"]
    assert len(deployed.invocations("render-report")) == 1, "no retry mends it"
    [notice] = deployed.notices("failure")
    for said in ("State: RenderReport", "Error: Render.Failed", "no ink", run.arn, "redrive-execution"):
        assert said in notice
    deployed.set_faults()
    again = run.redriven()
    assert again.output["kind"] == "daily"
    assert again.states()[:3] == ["Restore", "Failed", "RenderReport"]
    assert len(deployed.invocations("score-compliance")) == 1, "what was done is not done again"


def test_what_may_pass_is_tried_again(stubbed):
    deployed = stubbed()
    unavailable = {"error": {"errorType": "Store.Unavailable", "errorMessage": "made up"}}
    deployed.set_faults(deployed.fault("seal-report", unavailable, attempt=1), deployed.fault("notify", "kill_before_run", attempt=1))
    assert deployed.start(REQUEST).ended().status == "SUCCEEDED"
    assert [line["error_type"] for line in deployed.invocations("seal-report")] == ["Store.Unavailable", None]
    assert [line["error_type"] for line in deployed.invocations("notify")] == ["Runtime.ExitError", None]


def test_the_template_deploys_and_runs(cloud, tmp_path):
    """With stubs: what `test_stack.py` finds is then of our functions, not of the deployment."""
    stub = tmp_path / "stub"
    stub.write_text(f"#!/bin/sh\nexec {sys.executable} {STUB}\n")
    stub.chmod(0o755)
    stack = StackDeployment(cloud, "", lambda step: stub)
    run = stack.start(REQUEST).ended()
    assert run.output["kind"] == "daily"
    assert sorted(run.states()) == sorted(STATES)
    assert {line["memory_mb"] for line in stack.invocations("score-compliance")} == {3008}

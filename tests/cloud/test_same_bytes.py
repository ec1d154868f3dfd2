"""The workflow and the command line make the same evidence, byte for byte: each collects for itself, for days on end, so
that the history is compared too. Only provenance.json, which says who ran when, may differ."""

import json

import pytest
from conftest import DAYS, SETTINGS
from deployments import PREFIX, deploy
from runs import CommandLine, bundles, differences, evidence

# Snapshots between reports, a day that is reported twice, and a weekly report that collects for itself.
RUNS = [
    ("snapshot", DAYS[0]),
    ("daily", DAYS[1]),
    ("weekly", DAYS[1]),
    ("snapshot", DAYS[2]),
    ("daily", DAYS[3]),
    ("weekly", "2026-11-21T10:00:00Z"),
]


@pytest.fixture(scope="module")
def deployed(cloud):
    return deploy(cloud, SETTINGS)


@pytest.fixture(scope="module")
def runs(deployed, tmp_path_factory):
    """Every run on both sides: the executions, what the command line said, and the files of both."""
    machine = CommandLine(deployed.cloud, tmp_path_factory.mktemp("machine") / "reports", SETTINGS)
    pairs = [(deployed.run(kind, as_of), machine.run(kind, as_of)) for kind, as_of in RUNS]
    return [run for run, _ in pairs], [said for _, said in pairs], deployed.objects(), machine.objects()


def test_all_evidence_is_equal(runs):
    executions, _, cloud, machine = runs
    assert [run.status for run in executions] == ["SUCCEEDED"] * len(RUNS), [run.described.get("cause") for run in executions]
    assert differences(evidence(cloud), evidence(machine)) == []
    whole, broken = bundles(cloud)
    assert sorted(run.output["folder"] for run in executions) == sorted(whole)
    assert broken == []


def test_reports_have_a_past_to_compare_with(runs):
    executions, _, cloud, _ = runs
    for run in executions[1:]:
        scorecard = json.loads(cloud[run.output["folder"] + "scorecard.json"])
        assert scorecard["snapshots_read"] > 1, run.request
    assert scorecard["snapshots_read"] == len(DAYS) + 1, "the last report knows every day before, and its own"


def test_what_stands_is_not_collected_again(runs, deployed):
    executions = runs[0]
    assert "CollectInline" in executions[1].states()
    assert "CollectInline" not in executions[2].states(), "the weekly report takes the daily one's snapshot"
    assert "CollectInline" in executions[5].states()


def test_provenance_names_the_execution(runs):
    executions, _, cloud, _ = runs
    for run in executions:
        assert run.arn in cloud[run.output["folder"] + "provenance.json"].decode()


def test_evidence_is_encrypted_and_locked(runs, deployed):
    folder = PREFIX + runs[0][-1].output["folder"]
    head = deployed.s3.head_object(Bucket=deployed.bucket, Key=folder + "manifest.json")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", deployed.key)
    assert head.get("ObjectLockMode") == "GOVERNANCE"


def test_a_report_is_delivered_and_a_snapshot_is_not(runs, deployed):
    delivered = {key.split("/")[0] for key in deployed.objects("deliveries/")}
    assert delivered == {run.output["run_id"] for run, (kind, _) in zip(runs[0], RUNS) if kind != "snapshot"}
    assert deployed.notices("failure") == []


def test_no_payload_comes_near_its_limit(runs, deployed):
    lines = deployed.invocations()
    assert len(lines) > len(RUNS) * 3
    assert max(max(line["request_bytes"], line["response_bytes"]) for line in lines) < 262_144 / 4


def test_another_weight_in_one_path_shows(cloud, by_command_line):
    """The comparison can fail."""
    deployed = deploy(cloud, SETTINGS + "[scoring.weights]\ncritical = 11\n")
    run = deployed.run("daily", DAYS[-1])
    different = differences(evidence(deployed.objects()), evidence(by_command_line.objects()))
    assert run.output["folder"] + "scorecard.json" in different


def test_one_byte_more_shows(runs):
    _, _, cloud, machine = runs
    changed = dict(evidence(cloud))
    key = next(key for key in sorted(changed) if key.endswith("scorecard.json"))
    changed[key] += b" "
    assert differences(changed, evidence(machine)) == [key]
    assert bundles(changed)[1] == [key]

"""`plumbline cloud`, the real binary, against Step Functions (a stub that speaks its protocol) and S3 (moto).
PLUMBLINE_BIN names the binary, PLUMBLINE_OUT a folder with a daily report that it made."""

import hashlib
import json
import os
import pathlib
import subprocess

import pytest
from moto_server import moto_server
from step_functions import MACHINE, Execution, StepFunctions, a_map, entered, left, task_failed

BIN = os.environ["PLUMBLINE_BIN"]
OUT = pathlib.Path(os.environ["PLUMBLINE_OUT"])
BUCKET = "evidence"


@pytest.fixture(scope="module")
def s3():
    with moto_server() as server:
        client = server.client("s3", "us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.url = server.url
        yield client


@pytest.fixture(scope="module")
def bundle(s3):
    """A bundle of the command line in the bucket, as the run in the cloud would leave it: its folder and manifest."""
    [manifest] = OUT.glob("daily/*/*/manifest.json")
    folder = manifest.parent
    for file in folder.rglob("*"):
        if file.is_file():
            s3.upload_file(str(file), BUCKET, f"reports/{file.relative_to(OUT)}")
    return folder, json.loads(manifest.read_bytes())


def output(bundle):
    """What the execution of that run gives."""
    folder, manifest = bundle
    key = f"{folder.relative_to(OUT)}/manifest.json"
    sha256 = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    return json.dumps(
        {
            "run_id": manifest["run_id"],
            "folder": f"{folder.relative_to(OUT)}/",
            "manifest": {"key": key, "sha256": sha256},
            "kind": "daily",
            "as_of": manifest["as_of"],
        }
    )


def plumbline(states, *arguments, s3=None, machine=MACHINE, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ}
    environment = {
        **kept,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL_SFN": states.url,
        "AWS_ENDPOINT_URL_S3": s3.url if s3 else "http://127.0.0.1:1",
        "PLUMBLINE_STATE_MACHINE": machine,
        "PLUMBLINE_BUCKET": BUCKET,
        **environment,
    }
    return subprocess.run([BIN, "cloud", *arguments], env=environment, capture_output=True, text=True, timeout=120)


def well(ended):
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def whole(shards=3):
    """Every event of a run that ends well."""
    states = ["ScoreCompliance", "RenderReport", "SealReport", "Notify"]
    yield {"type": "ExecutionStarted"}
    yield entered("PlanReport")
    yield left("PlanReport")
    yield from a_map("CollectInline", shards)
    for state in states:
        yield entered(state)
        yield left(state)
    yield {"type": "ExecutionSucceeded"}


def test_a_run_is_started_once_and_followed_to_its_bundle(bundle):
    script = lambda name, given: Execution(name, given, whole(), output=output(bundle))  # noqa: E731
    with StepFunctions(script) as states:
        when = ("--as-of", "2026-11-21T09:00:00Z")
        started = json.loads(well(plumbline(states, "start", "daily", *when, "--json")))
        assert started["status"] == "running" and started["run"].startswith("daily-20261121T090000Z-")
        [execution] = states.executions.values()
        assert json.loads(execution.input) == {"kind": "daily", "as_of": "2026-11-21T09:00:00Z"}

        ended = plumbline(states, "start", "daily", *when, "--wait", "--every", "0.01")
        folder, manifest = bundle
        assert f"{started['run']} succeeded" in well(ended) and manifest["run_id"] in ended.stdout
        assert f"s3://{BUCKET}/reports/{folder.relative_to(OUT)}/" in ended.stdout
        lines = ended.stderr.splitlines()
        assert "  collect    1 of 3 shards" in lines, ended.stderr
        labels = ["plan", "collect", "score", "render", "seal", "notify"]
        done = [line.split()[0] for line in lines if "done" in line]
        assert done == labels, ended.stderr
        assert len(states.executions) == 1, "the same start is one run"

        again = plumbline(states, "start", "daily", *when)
        assert "was run before and succeeded" in well(again)
        assert len(states.executions) == 1

        watched = json.loads(well(plumbline(states, "watch", execution.described()["executionArn"], "--json")))
        assert (watched["status"], watched["run_id"], watched["kind"]) == ("succeeded", manifest["run_id"], "daily")


def test_a_run_that_failed_says_where_why_and_how_to_go_on():
    cause = json.dumps({"errorType": "Store.Damaged", "errorMessage": "settings/ab.json is damaged"})
    failing = [
        {"type": "ExecutionStarted"},
        entered("PlanReport"),
        left("PlanReport"),
        entered("ScoreCompliance"),
        task_failed("Store.Damaged", cause),
        left("ScoreCompliance"),
        entered("NotifyFailure"),
        left("NotifyFailure"),
        {"type": "FailStateEntered", "stateEnteredEventDetails": {"name": "Failed"}},
        {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "Store.Damaged", "cause": cause}},
    ]
    failure = {"status": "FAILED", "error": "Store.Damaged", "cause": cause, "redriveStatus": "REDRIVABLE"}
    with StepFunctions(lambda name, given: Execution(name, given, failing, **failure)) as states:
        ended = plumbline(states, "start", "weekly", "--wait", "--every", "0.01", "--json")
        assert ended.returncode == 6, ended.stderr
        [execution] = states.executions.values()
        arn = execution.described()["executionArn"]
        redrive = f"aws stepfunctions redrive-execution --execution-arn {arn}"
        for part in ["ScoreCompliance", "Store.Damaged", "settings/ab.json is damaged", redrive]:
            assert part in ended.stderr, ended.stderr
        assert "  score      failed: Store.Damaged" in ended.stderr
        outcome = json.loads(ended.stdout)
        assert outcome["failure"]["state"] == "ScoreCompliance" and outcome["failure"]["redrive"] == redrive

        started = plumbline(states, "start", "weekly", "--as-of", "2026-11-20")
        assert "runs" in well(started)
        plumbline(states, "watch", list(states.executions)[-1], "--every", "0.01")
        anew = plumbline(states, "start", "weekly", "--as-of", "2026-11-20")
        assert "-2 runs" in well(anew) and "starting anew" in anew.stderr, "what failed does not block its name"

        no_bundle = plumbline(states, "fetch", execution.name)
        assert no_bundle.returncode == 2 and "has no bundle: it is failed" in no_bundle.stderr


def test_runs_are_listed_newest_first():
    with StepFunctions() as states:
        for age, (name, kind) in enumerate(
            [("daily-20261121T0900Z-0a1b2c3d", "daily"), ("8d0f4e52-9f7a", "weekly"), ("daily-20261120T0900Z-0a1b2c3d", "daily")]
        ):
            states.add(Execution(name, json.dumps({"kind": kind}))).started = 1763715000 - age * 86400
        table = well(plumbline(states, "list")).splitlines()
        assert [line.split()[-1][:8] for line in table] == ["RUN", "daily-20", "8d0f4e52", "daily-20"]
        assert "weekly" in table[2] and "2 min 5 s" in table[2], "of a schedule's run the input tells the kind"
        daily = json.loads(well(plumbline(states, "list", "--kind", "daily", "--json")))["runs"]
        assert [run["kind"] for run in daily] == ["daily", "daily"]
        assert len(well(plumbline(states, "list", "--limit", "1")).splitlines()) == 2
        assert "No runs" in well(plumbline(states, "list", "--kind", "snapshot"))


def fetch(states, s3, out, *more):
    return plumbline(states, "fetch", "daily-1", "--out", str(out), *more, s3=s3)


def test_a_bundle_is_fetched_whole_and_nothing_is_overwritten(s3, bundle, tmp_path):
    with StepFunctions() as states:
        states.add(Execution("daily-1", '{"kind":"daily"}', output=output(bundle)))
        fetched = json.loads(well(fetch(states, s3, tmp_path, "--json")))
        folder = bundle[0]
        there = tmp_path / folder.relative_to(OUT)
        files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        assert {str(file.relative_to(there)): file.read_bytes() for file in there.rglob("*") if file.is_file()} == files
        assert (fetched["files"], fetched["new"], fetched["folder"]) == (len(files), len(files), str(there))
        assert "0 of them new" in well(fetch(states, s3, tmp_path))

        (there / "new.csv").write_bytes(b"changed")
        refused = fetch(states, s3, tmp_path)
        assert refused.returncode == 6 and "new.csv" in refused.stderr and "not overwritten" in refused.stderr
        assert (there / "new.csv").read_bytes() == b"changed"


def test_a_bundle_that_was_changed_in_the_bucket_is_not_fetched(s3, bundle, tmp_path):
    with StepFunctions() as states:
        states.add(Execution("daily-1", '{"kind":"daily"}', output=output(bundle)))
        key = f"reports/{bundle[0].relative_to(OUT)}/scorecard.json"
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
        try:
            refused = fetch(states, s3, tmp_path)
        finally:
            s3.upload_file(str(bundle[0] / "scorecard.json"), BUCKET, key)
        assert refused.returncode == 6 and "scorecard.json is damaged" in refused.stderr
        assert not list(tmp_path.rglob("manifest.json")), "half is never whole"


def test_what_is_not_there_is_named(s3, bundle, tmp_path):
    with StepFunctions() as states:
        unknown = plumbline(states, "watch", "daily-none")
        assert unknown.returncode == 4 and "daily-none" in unknown.stderr
        other = plumbline(states, "list", machine=f"{MACHINE}-other")
        assert other.returncode == 4 and "report-other" in other.stderr
        wrong = plumbline(states, "list", machine="report")
        assert wrong.returncode == 2 and "is not the ARN of a state machine" in wrong.stderr
        nothing = plumbline(states, "list", machine="")
        assert nothing.returncode == 2 and "PLUMBLINE_STATE_MACHINE" in nothing.stderr
        states.add(Execution("daily-1", '{"kind":"daily"}', output=output(bundle)))
        elsewhere = plumbline(states, "fetch", "daily-1", "--out", str(tmp_path), "--bucket", "nowhere", s3=s3)
        assert elsewhere.returncode == 6 and "s3://nowhere/reports/" in elsewhere.stderr


def test_the_settings_say_where_the_runs_are(tmp_path):
    settings = tmp_path / "plumbline.toml"
    settings.write_text(f'[cloud]\nstate_machine = "{MACHINE}"\nbucket = "{BUCKET}"\n')
    with StepFunctions() as states:
        listed = plumbline(states, "list", "--settings", str(settings), machine="")
        assert "No runs" in well(listed)


def test_a_part_of_the_organization_is_asked_for_by_name():
    with StepFunctions() as states:
        part = ("--source-account", "111122223333", "--source-account", "444455556666", "--source-region", "eu-west-1")
        well(plumbline(states, "start", "snapshot", *part))
        [execution] = states.executions.values()
        scope = {"accounts": ["111122223333", "444455556666"], "regions": ["eu-west-1"]}
        assert json.loads(execution.input) == {"kind": "snapshot", "scope": scope}
        wrong = plumbline(states, "start", "snapshot", "--source-account", "12345")
        assert wrong.returncode == 2 and '"12345" is not an account id of 12 digits' in wrong.stderr
        assert len(states.executions) == 1

"""The workflow's JSONata, evaluated: what the graph alone does not show."""

import pytest
import templates
from jsonata import jsonata

ARN = "arn:aws:states:us-east-1:111122223333:execution:plumbline-prod-report:run-1"


def evaluate(value, **variables):
    """A field of a state: texts between {% and %} are expressions, everything else is itself."""
    if isinstance(value, dict):
        return {key: evaluate(one, **variables) for key, one in value.items()}
    if not (isinstance(value, str) and value.startswith("{%")):
        return value
    expression = jsonata.Jsonata(value.removeprefix("{%").removesuffix("%}").strip())
    frame = expression.create_frame()
    for name, bound in variables.items():
        frame.bind(name, bound)
    return expression.evaluate(None, frame)


def context(redrives=None, state="SealReport"):
    execution = {"Id": ARN, "Name": "run-1", "StartTime": "2026-11-21T07:00:00Z", "Input": {"kind": "daily"}}
    return {"Execution": execution | ({} if redrives is None else {"RedriveCount": redrives}), "State": {"Name": state}}


def caught(machine, name, redrives, error):
    assign = machine["States"][name]["Catch"][0]["Assign"]
    return evaluate(assign, states={"context": context(redrives, name), "errorOutput": error})["failure"]


def after_failed(machine, failure, redrives):
    """Where Failed leads; it raises where the execution fails."""
    for rule in machine["States"]["Failed"]["Choices"]:
        if evaluate(rule["Condition"], states={"context": context(redrives)}, failure=failure):
            return rule["Next"]
    raise AssertionError("no rule holds")


STATES = ["PlanReport", "CollectInline", "CollectDistributed", "ScoreCompliance", "RenderReport", "SealReport", "Notify"]


@pytest.mark.parametrize("name", STATES)
# An emulator's context has no count.
@pytest.mark.parametrize("redrives", [None, 0, 1])
def test_a_failure_fails_the_run_and_a_redrive_goes_on(machine, name, redrives):
    failure = caught(machine, name, redrives, {"Error": "Store.Damaged", "Cause": "it is damaged"})
    with pytest.raises(jsonata.jexception.JException) as raised:
        after_failed(machine, failure, redrives)
    assert f"Store.Damaged in {name}: it is damaged" in str(raised.value)
    back = "Collect" if name.startswith("Collect") else name
    assert after_failed(machine, failure, (redrives or 0) + 1) == back


def test_a_cause_is_cut_and_may_be_absent(machine):
    failure = caught(machine, "SealReport", 0, {"Error": "States.Timeout"})
    assert failure == {"state": "SealReport", "error": "States.Timeout", "cause": "no cause was given", "redrives": 0}
    failure = caught(machine, "SealReport", 0, {"Error": "Seal.Json", "Cause": "x" * 30_000})
    assert failure["cause"] == "x" * 2_000


@pytest.mark.parametrize(("name", "begins"), [("SealReport", "A run failed."), ("Notify", "A run made its report")])
def test_the_notice_says_what_where_and_how_to_go_on(machine, name, begins):
    arguments = machine["States"]["NotifyFailure"]["Arguments"]
    failure = {"state": name, "error": "Store.Damaged", "cause": "reports/x is damaged", "redrives": 0}
    message = evaluate(arguments["Message"], states={"context": context()}, failure=failure)
    assert message.startswith(begins)
    for part in (name, "Store.Damaged", "reports/x is damaged", ARN, f"#/v2/executions/details/{ARN}", f"redrive-execution --region ${{Region}} --execution-arn {ARN}"):
        assert part in message
    bad = evaluate(arguments["Message"], states={"context": context()}, failure=failure | {"error": "Plan.UnknownKind"})
    assert bad.endswith("start another.") and "redrive" not in bad
    # SNS takes 100 characters without line breaks, and 256 kB.
    subject = arguments["Subject"].replace("${Environment}", "x" * 16)
    assert len(subject) <= 100 and subject.isascii() and subject.isprintable()


@pytest.mark.parametrize(
    ("results", "hopeless"),
    [([], ""), ([{}], ""), ([{}, {}], ""), ([{"hopeless": "Store.AccessDenied"}], "Store.AccessDenied")]
    + [([{}, {"hopeless": "Aws.Credentials"}, {"hopeless": "Store.AccessDenied"}], "Aws.Credentials")],
)
@pytest.mark.parametrize("name", ["CollectInline", "CollectDistributed"])
def test_one_hopeless_shard_ends_the_run(machine, name, results, hopeless):
    found = evaluate(machine["States"][name]["Assign"], states={"result": results})["hopeless"]
    assert found == hopeless
    rule = machine["States"]["Collected"]["Choices"][0]
    assert evaluate(rule["Condition"], hopeless=found) is bool(hopeless)
    failure = evaluate(rule["Assign"], hopeless=found, states={"context": context()})["failure"]
    assert after_failed(machine, failure, 1) == "Collect"


@pytest.mark.parametrize(
    ("collect", "mode", "target"),
    [(True, "inline", None), (True, "distributed", "CollectDistributed"), (False, "inline", "ScoreCompliance")],
)
def test_what_is_collected_how(machine, collect, mode, target):
    state = machine["States"]["Collect"]
    found = [one["Next"] for one in state["Choices"] if evaluate(one["Condition"], collect=collect, map_mode=mode)]
    assert (found or [state["Default"]])[0] == (target or "CollectInline")


@pytest.mark.parametrize("shards", [[], [{"key": "a", "sha256": "b"}], [{"key": "a"}, {"key": "c"}]])
def test_a_list_stays_a_list_and_nothing_stays_null(machine, shards):
    """JSONata takes a list of one for its element where it can."""
    names = ["kind", "as_of", "collect", "plan", "settings", "snapshot", "shard_list", "events", "map_mode", "map_concurrency", "execution"]
    payload = dict.fromkeys(names) | {"shards": shards, "kind": "daily"}
    assigned = evaluate(machine["States"]["PlanReport"]["Assign"], states={"result": {"Payload": payload}})
    assert assigned == payload
    assert evaluate(machine["States"]["CollectInline"]["Items"], shards=assigned["shards"]) == shards


@pytest.mark.parametrize(("kind", "told"), [("daily", True), ("weekly", True), ("snapshot", False), ("audit", False)])
def test_reports_are_delivered_and_snapshots_are_not(machine, kind, told):
    assert evaluate(machine["States"]["Deliver"]["Choices"][0]["Condition"], kind=kind) is told


def test_the_shard_list_is_an_object_of_the_bucket(machine):
    reader = machine["States"]["CollectDistributed"]["ItemReader"]["Arguments"]
    key = evaluate(reader["Key"].replace("${Prefix}", "reports/"), shard_list={"key": "work/x/list.json"})
    assert (reader["Bucket"], key) == ("${Bucket}", "reports/work/x/list.json")


@pytest.mark.parametrize("workflow", templates.WORKFLOWS)
def test_substitution_leaves_no_mark_behind(master, workflow):
    assert "${" not in templates.substituted(master, workflow)


# --- Alerts

WINDOW = {"route": "oncall", "window": "2026-11-21T10:00:30Z", "closes": "2026-11-21T10:01:05Z"}


def alert_context(redrives=None):
    found = context(redrives, "SendAlerts")
    found["Execution"]["Input"] = WINDOW
    return found


def test_alerts_wait_and_send_what_they_were_started_for(alert):
    wait, send = alert["States"]["WaitUntilClosed"], alert["States"]["SendAlerts"]
    states = {"context": alert_context()}
    assert evaluate(wait["Timestamp"], states=states) == WINDOW["closes"]
    variables = evaluate(wait["Assign"], states=states)
    assert evaluate(send["Arguments"]["Payload"], states=states, **variables) == {
        "route": "oncall",
        "window": WINDOW["window"],
        "execution": {"arn": ARN, "name": "run-1", "started_at": "2026-11-21T07:00:00Z"},
    }
    answer = {"sent": 2, "failed": 0, "ambiguous": 0, "told": 7}
    variables |= evaluate(send["Assign"], states={"result": {"Payload": answer}})
    assert evaluate(alert["States"]["Done"]["Output"], **variables) == {"route": "oncall", "window": WINDOW["window"], "answer": answer}


@pytest.mark.parametrize("redrives", [None, 0, 1])
def test_alerts_that_failed_fail_and_a_redrive_sends_them(alert, redrives):
    failure = caught(alert, "SendAlerts", redrives, {"Error": "Alerts.BadSettings", "Cause": "no such route"})
    with pytest.raises(jsonata.jexception.JException) as raised:
        after_failed(alert, failure, redrives)
    assert "Alerts.BadSettings in SendAlerts: no such route" in str(raised.value)
    assert after_failed(alert, failure, (redrives or 0) + 1) == "SendAlerts"


def test_the_notice_of_alerts_says_what_where_and_how_to_go_on(alert):
    arguments = alert["States"]["NotifyFailure"]["Arguments"]
    failure = {"state": "SendAlerts", "error": "Slack.Unavailable", "cause": "503", "redrives": 0}
    message = evaluate(arguments["Message"], states={"context": alert_context()}, failure=failure, route="oncall", window=WINDOW["window"])
    for part in ("oncall", WINDOW["window"], "Slack.Unavailable", "503", f"details/{ARN}", f"--execution-arn {ARN}"):
        assert part in message
    subject = arguments["Subject"].replace("${Environment}", "x" * 16)
    assert len(subject) <= 100 and subject.isascii() and subject.isprintable()

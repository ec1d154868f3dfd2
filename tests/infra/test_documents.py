"""The documents' tables are the script's, and the script's assumptions the templates'."""

import checks
import pytest
import scale
import templates

TABLES = [(path, name) for path, made in scale.tables().items() for name in made]


@pytest.mark.parametrize(("path", "name"), TABLES)
def test_tables_are_as_computed(path, name):
    text = (templates.ROOT / path).read_text()
    assert scale.filled(text, name, scale.tables()[path][name]) == text, "run tests/infra/scale.py"


def test_a_changed_table_is_found():
    text = (templates.ROOT / "docs/cost.md").read_text()
    assert scale.filled(text, "month", "| 1 |") != text


def test_functions_have_the_assumed_size(master):
    functions = master["Mappings"]["Functions"]
    assert scale.MEMORY_MB == {step: functions[checks.name_of(step)]["Memory"] for step in checks.REPORT_STEPS}
    assert scale.EVENT_MEMORY_MB == {step: functions[checks.name_of(step)]["Memory"] for step in checks.EVENT_STEPS}
    assert scale.LAMBDA_SECONDS == functions["CollectResults"]["Timeout"]
    assert scale.INLINE_SHARDS == master["Parameters"]["InlineShards"]["Default"]


@pytest.mark.parametrize("mode", ["Inline", "Distributed"])
def test_a_run_takes_the_assumed_path(machine, mode):
    path = [name.format(map=f"Collect{mode}") for name in scale.PATH]
    assert path[0] == machine["StartAt"]
    for name, following in zip(path, path[1:], strict=False):
        assert following in checks.nexts(machine["States"][name]), f"{name} does not lead to {following}"
    processor = machine["States"][f"Collect{mode}"]["ItemProcessor"]
    assert list(processor["States"]) == [name.format(map=f"Collect{mode}") for name in scale.SHARD_PATH]


def test_events_are_as_assumed(master, alert):
    table = templates.properties(master, "EventsTable")
    assert scale.INDEXES == len(table["GlobalSecondaryIndexes"])
    assert scale.EVENTS_A_BATCH <= templates.properties(master, "RecordEventMapping")["BatchSize"]
    assert scale.ARCHIVE_DAYS == master["Parameters"]["EventArchiveDays"]["Default"]
    alarms = templates.resources(master, "AWS::CloudWatch::Alarm").values()
    assert scale.ALARM_METRICS == sum(len(checks.metrics_of(one["Properties"])) for one in alarms)
    assert scale.ALERT_PATH[0] == alert["StartAt"]
    for name, following in zip(scale.ALERT_PATH, scale.ALERT_PATH[1:], strict=False):
        assert following in checks.nexts(alert["States"][name])
    # A compliance change that alerts, as docs/cost.md counts it.
    assert scale.write_units({"state": 0, "outbox": 0}) == 4 + 5
    assert scale.write_units({"state": 1, "outbox": 1}) == 4 + 5 + 2 + 2 + 1


def test_retries_are_as_assumed(machine):
    assert sum(one["MaxAttempts"] for one in machine["States"]["SealReport"]["Retry"]) == scale.RETRIES


def test_the_limits_hold():
    for accounts in scale.SIZES:
        org = scale.Organization(accounts)
        assert org.history(scale.RETRIES) < scale.HISTORY_LIMIT
        assert max(scale.payload_of_plan(org), scale.payload_of_map(org)) < scale.PAYLOAD_LIMIT


def test_the_example_of_the_call_plan_comes_out():
    """50 accounts, 4 regions, 100 rules: 4,622 calls against 20,000, which leave out the look and AWS Organizations."""
    org = scale.Organization(50)
    listings = 2 + 20
    assert (org.collect_calls("first") + listings, org.collect_calls("details")) == (4_622, 20_000)

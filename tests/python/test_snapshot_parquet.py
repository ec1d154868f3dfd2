"""DuckDB, a reader we did not write, reads the snapshots that the command line wrote.

PLUMBLINE_OUT names the folder of `--out`; without it the test fails, as a test that skips proves nothing.
"""

import json
import os
from pathlib import Path

import duckdb
import pytest

RESULTS = "snapshots/date=*/snapshot=*/results/shard=*/*.parquet"
COVERAGE = "snapshots/date=*/snapshot=*/coverage/coverage.parquet"
SORTED_BY = ["account_id", "aws_region", "config_rule_name", "resource_type", "resource_id"]
TIMES = ["result_recorded_time", "config_rule_invoked_time", "configuration_item_capture_time"]
TIME_TYPES = {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP_MS"}


@pytest.fixture(scope="module")
def out():
    folder = os.environ.get("PLUMBLINE_OUT")
    assert folder, "set PLUMBLINE_OUT to the folder that `plumbline report --out` wrote"
    return Path(folder)


@pytest.fixture(scope="module")
def manifests(out):
    found = [json.loads(path.read_text()) for path in out.glob("snapshots/date=*/snapshot=*/manifest.json")]
    assert found, f"no snapshot under {out}"
    return {manifest["id"]: manifest for manifest in found}


@pytest.fixture(scope="module")
def duck(out):
    connection = duckdb.connect()
    for name, files in [("results", RESULTS), ("coverage", COVERAGE)]:
        # Text, as an id such as 20261121T090000Z-… must not be guessed into something else.
        connection.execute(
            f"""CREATE VIEW {name} AS SELECT * FROM read_parquet('{out / files}', hive_partitioning = true,
                hive_types_autocast = false, filename = true, file_row_number = true)"""
        )
    return connection


def test_counts_are_those_of_each_manifest(duck, manifests):
    counted = duck.execute(
        """SELECT snapshot, count(*), count(*) FILTER (compliance_type = 'COMPLIANT'),
                  count(*) FILTER (compliance_type = 'NON_COMPLIANT')
           FROM results GROUP BY snapshot"""
    ).fetchall()
    expected = [(m["id"], m["results"], m["compliant"], m["noncompliant"]) for m in manifests.values() if m["results"]]
    assert sorted(counted) == sorted(expected)
    assert sum(m["results"] for m in manifests.values()) > 0


def test_dates_are_those_of_each_manifest(duck, manifests):
    dates = duck.execute('SELECT DISTINCT snapshot, "date" FROM coverage').fetchall()
    assert dict(dates) == {
        m["id"]: m["as_of"][:10] for m in manifests.values() if any(f["rows"] for f in m["files"] if "coverage" in f["path"])
    }


def test_every_file_has_the_rows_its_manifest_says(duck, manifests):
    for view, prefix in [("results", "results/"), ("coverage", "coverage/")]:
        counted = duck.execute(f"SELECT filename, count(*) FROM {view} GROUP BY filename").fetchall()
        expected = {
            f"snapshot={m['id']}/{f['path']}": f["rows"]
            for m in manifests.values()
            for f in m["files"]
            if f["path"].startswith(prefix) and f["rows"]
        }
        assert {name[name.index("snapshot=") :]: rows for name, rows in counted} == expected


def test_rows_are_sorted_account_first_and_shards_do_not_overlap(duck):
    key = ", ".join(SORTED_BY)
    # One file after the other is in order as a whole: shards hold ascending, disjoint ranges of accounts.
    disorder = duck.execute(
        f"""SELECT count(*) FROM (
                SELECT row({key}) AS here,
                       lag(row({key})) OVER (PARTITION BY snapshot ORDER BY filename, file_row_number) AS before
                FROM results)
            WHERE before >= here"""
    ).fetchone()
    assert disorder == (0,)
    shared = duck.execute(
        """SELECT count(*) FROM (SELECT snapshot, account_id FROM results
           GROUP BY snapshot, account_id HAVING count(DISTINCT filename) > 1)"""
    ).fetchone()
    assert shared == (0,)


def test_column_types(duck):
    types = {name: kind for name, kind, *_ in duck.execute("DESCRIBE results").fetchall()}
    texts = SORTED_BY + ["compliance_type", "annotation"]
    assert {name: types[name] for name in texts} == dict.fromkeys(texts, "VARCHAR")
    assert {types[name] for name in TIMES} <= TIME_TYPES
    assert types["annotation_reused"] == "BOOLEAN"
    coverage = {name: kind for name, kind, *_ in duck.execute("DESCRIBE coverage").fetchall()}
    assert coverage["last_update_time"] in TIME_TYPES
    assert (coverage["collected"], coverage["results"]) == ("BOOLEAN", "BIGINT")


def test_only_collected_scopes_have_results(duck):
    stray = duck.execute(
        """SELECT count(*) FROM results ANTI JOIN (SELECT * FROM coverage WHERE collected)
           USING (snapshot, account_id, aws_region)"""
    ).fetchone()
    assert stray == (0,)


def test_times_lie_where_they_can(duck):
    # Read as UTC, results are recorded after AWS Config began, and captured no later than a day after the snapshot.
    odd = duck.execute(
        """SELECT count(*) FROM results
           WHERE epoch_ms(result_recorded_time) < epoch_ms(TIMESTAMP '2014-11-01')
              OR epoch_ms(configuration_item_capture_time)
                 > epoch_ms(CAST("date" AS TIMESTAMP)) + 2 * 86400000"""
    ).fetchone()
    assert odd == (0,)

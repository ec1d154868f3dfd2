"""pandas doing what the scorer does to two snapshots, over the same Parquet files: `peer_score_pandas.py FOLDER BEFORE
NOW`. It does what peer_score_duckdb.py does, with categories for the repeated texts, and prints the same answers."""

import hashlib
import json
import pathlib
import sys

import pandas as pd
import pyarrow.parquet as parquet

from peer_score_duckdb import GLOBAL

KEY = ["account", "place", "resource_type", "resource_id", "rule"]
RESOURCE = KEY[:4]
REPEATED = ["account_id", "aws_region", "config_rule_name", "resource_type", "compliance_type"]


def pairs(folder: pathlib.Path, names: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    files = sorted(str(path) for path in folder.glob("results/*/results.parquet"))
    columns = [*REPEATED, "resource_id", "annotation"]
    table = parquet.ParquetDataset(files, partitioning=None).read(columns)
    frame = table.to_pandas(categories=REPEATED, self_destruct=True, split_blocks=True)
    del table
    results = len(frame)
    by_name = names.set_index("config_rule_name")
    for column in ("rule", "severity", "several"):
        frame[column] = frame["config_rule_name"].map(by_name[column])
    is_global = frame["resource_type"].isin(GLOBAL)
    frame["place"] = frame["aws_region"].cat.add_categories("global").mask(is_global, "global")
    frame["noncompliant"] = frame["compliance_type"] == "NON_COMPLIANT"
    frame["rule"] = frame["rule"].astype("category")
    frame["severity"] = frame["severity"].astype("int8")
    frame["several"] = frame["several"].astype(bool) | is_global
    frame = frame.rename(columns={"account_id": "account"})
    frame = frame.drop(columns=["config_rule_name", "compliance_type", "aws_region"])
    shared = frame[frame["several"]]
    shared = shared.assign(annotation=shared["annotation"].where(shared["noncompliant"]))
    merged = shared.groupby([*KEY, "severity"], observed=True, sort=False)
    merged = merged.agg(noncompliant=("noncompliant", "max"), annotation=("annotation", "max")).reset_index()
    single = frame[~frame["several"]].drop(columns="several")
    return pd.concat([single, merged], ignore_index=True), results


def resources(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby(RESOURCE, observed=True, sort=False)["noncompliant"].max().reset_index()


def counts(frame: pd.DataFrame) -> list[int]:
    noncompliant = int(frame["noncompliant"].sum())
    return [len(frame) - noncompliant, noncompliant]


def by(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    grouped = frame.groupby(column, observed=True)["noncompliant"].agg(["size", "sum"])
    grouped.index = grouped.index.astype(str)
    return pd.DataFrame({"c": grouped["size"] - grouped["sum"], "n": grouped["sum"]}).sort_index()


def checksum(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv(header=False, lineterminator="\n").encode()).hexdigest()


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts instead of categories, as those of two snapshots differ."""
    return frame.astype({column: str for column in KEY})


def listed(frame: pd.DataFrame, annotated: bool = True) -> list:
    frame = frame.sort_values(["severity", *KEY])
    ends = ["|".join(frame.iloc[place][KEY]) if len(frame) else None for place in (0, -1)]
    annotations = int(frame["annotation"].str.len().sum()) if annotated else 0
    return [len(frame), *ends, int(frame["resource_id"].str.len().sum()), annotations]


def only(frame: pd.DataFrame, other: pd.DataFrame, there: bool) -> pd.DataFrame:
    """The rows whose key the other has, or has not."""
    found = frame.merge(other[KEY], on=KEY, how="left", indicator=True)["_merge"] == "both"
    return frame[(found == there).to_numpy()]


def main(folder: str, before: str, now: str) -> None:
    root = pathlib.Path(folder)
    names = pd.read_csv(root / "names.csv")
    names["several"] = names.groupby("rule")["rule"].transform("size") > 1
    old, _ = pairs(root / before, names)
    old_counts = [counts(old), counts(resources(old))]
    bad_old = plain(old[old["noncompliant"]])
    del old
    new, results = pairs(root / now, names)
    of_resources = resources(new)
    accounts = by(new, "account").join(by(of_resources, "account").add_suffix("_of_resources"))
    new_counts = [counts(new), counts(of_resources)]
    del of_resources
    bad_new = plain(new[new["noncompliant"]])
    # Only what was noncompliant has to be looked up among what is compliant now.
    ids = set(bad_old["resource_id"])
    good_new = plain(new[~new["noncompliant"] & new["resource_id"].isin(ids)])
    resolved = only(bad_old, good_new, True)
    vanished = only(only(bad_old, good_new, False), bad_new, False)
    added = only(bad_new, bad_old, False)
    answers = {
        "results": results,
        "now": new_counts,
        "before": old_counts,
        "accounts": checksum(accounts),
        "rules": checksum(by(new, "rule")),
        "noncompliant": listed(bad_new),
        "new": listed(added),
        "resolved": listed(resolved, annotated=False),
        "vanished": listed(vanished, annotated=False),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Writes a snapshot's results anew in one way, lets DuckDB read every column, and prints sizes and seconds: `peer_parquet.py VARIANT
SNAPSHOT FILE`. The variant `ours` only reads the snapshot's own files."""

import glob
import json
import os
import sys
import time

import duckdb
import pyarrow.parquet as parquet

ROWS = 256 * 1024
TIMES = ["result_recorded_time", "config_rule_invoked_time", "configuration_item_capture_time"]


def read(files: list[str]):
    return parquet.ParquetDataset(files, partitioning=None).read()


def shuffled(files: list[str]):
    """The rows in no order, the same each time."""
    key = "concat_ws('|', account_id, aws_region, config_rule_name, resource_id)"
    return duckdb.sql(f"from read_parquet({files}, hive_partitioning = false) order by hash({key})").to_arrow_table()


def options(variant: str, columns: list[str]) -> dict:
    """pyarrow's options of a variant."""
    others = [column for column in columns if column not in TIMES]
    match variant:
        case "sorted-snappy":
            return {}
        case "shuffled-zstd" | "sorted-zstd":
            return {"compression": "zstd", "row_group_size": ROWS}
        case "sorted-plain-zstd":
            return {"compression": "zstd", "row_group_size": ROWS, "use_dictionary": False}
        case "sorted-zstd-delta" | "sorted-zstd-split":
            encoding = "DELTA_BINARY_PACKED" if variant.endswith("delta") else "BYTE_STREAM_SPLIT"
            return {
                "compression": "zstd",
                "row_group_size": ROWS,
                "use_dictionary": others,
                "column_encoding": {column: encoding for column in TIMES},
            }
    raise SystemExit(f"no variant is named {variant}")


def write(variant: str, table, path: str) -> None:
    if variant.startswith("duckdb"):
        compression = ", compression zstd" if variant.endswith("zstd") else ""
        connection = duckdb.connect()
        connection.register("snapshot_rows", table)
        connection.execute(f"copy (select * from snapshot_rows) to '{path}' (format parquet{compression})")
    else:
        parquet.write_table(table, path, **options(variant, table.column_names))


def main(variant: str, snapshot: str, path: str) -> None:
    files = sorted(glob.glob(f"{snapshot}/results/*/results.parquet"))
    wrote = None
    if variant != "ours":
        table = shuffled(files) if variant.startswith("shuffled") else read(files)
        begun = time.monotonic()
        write(variant, table, path)
        wrote = time.monotonic() - begun
        files = [path]
        del table
    begun = time.monotonic()
    duckdb.sql(f"select max(columns(*)) from read_parquet({files}, hive_partitioning = false)").fetchall()
    took = time.monotonic() - begun
    rows = sum(parquet.read_metadata(file).num_rows for file in files)
    size = sum(os.path.getsize(file) for file in files)
    print(json.dumps({"rows": rows, "bytes": size, "write": wrote, "read": took}))


if __name__ == "__main__":
    main(*sys.argv[1:])

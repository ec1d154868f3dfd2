"""Bytes per result of a snapshot's Parquet files, what their order and encoding bring, and peers writing the same rows."""

from bench import Table, Tools, megabytes, seconds
from bench_score import snapshots

VARIANTS = {
    "ours": "**Plumbline**: sorted by account, dictionaries, zstd (as written by `freeze`)",
    "shuffled-zstd": "pyarrow, the rows in no order, dictionaries, zstd",
    "sorted-plain-zstd": "pyarrow, sorted, no dictionaries, zstd",
    "sorted-snappy": "pyarrow with its defaults: sorted, dictionaries, snappy",
    "sorted-zstd": "pyarrow, sorted, dictionaries, zstd",
    "sorted-zstd-delta": "pyarrow, sorted, zstd, times delta-encoded",
    "sorted-zstd-split": "pyarrow, sorted, zstd, times byte-stream-split",
    "duckdb": "DuckDB with its defaults, sorted",
    "duckdb-zstd": "DuckDB, sorted, zstd",
}


def run(tools: Tools) -> list[Table]:
    root, folders = snapshots(tools, 100_000 if tools.quick else 1_000_000)
    table = Table(
        "One snapshot's results as Parquet",
        ["", "size", "bytes per result", "writing", "reading all columns"],
        [],
        "Reading is DuckDB's, for all of them. Our writing is not measured alone: it is a part of `freeze`.",
    )
    for variant, name in VARIANTS.items():
        files = [str(root / folders["now"]), str(tools.scratch / f"{variant}.parquet")]
        answer = tools.measure([*tools.peer("peer_parquet.py"), variant, *files], 3).result()
        wrote = "" if answer["write"] is None else seconds(answer["write"])
        size = megabytes(answer["bytes"] / 1e6)
        table.rows.append([name, size, f"{answer['bytes'] / answer['rows']:.2f}", wrote, seconds(answer["read"])])
    return [table]

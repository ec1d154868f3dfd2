"""Scores and changes of two snapshots, beside DuckDB and pandas doing the same over the same Parquet files.

Every program's answers must be the same: organization, account, rule and resource scores, and the sorted lists of what
is noncompliant, new, resolved and vanished.
"""

import json
import pathlib

from bench import Failed, Table, Tools, megabytes, seconds

SIZES = [100_000, 1_000_000, 10_000_000]


def snapshots(tools: Tools, results: int) -> tuple[pathlib.Path, dict]:
    """The folder of two snapshots of about so many results each, made once, and the folders of each within."""
    root = tools.scratch / f"score-{results}"
    made = root / "made.json"
    if not made.exists():
        root.mkdir(exist_ok=True)
        figure = tools.measure([tools.program("bench-score"), "generate", str(root), str(results)])
        made.write_text(json.dumps(figure.result()))
    return root, json.loads(made.read_text())


def run(tools: Tools) -> list[Table]:
    table = Table(
        "Two snapshots of 1,000 accounts × 200 deployed rules, from Parquet to every score and sorted list",
        ["results each", "noncompliant", "new + resolved + vanished", "", "wall", "processor", "peak memory"],
        [],
        "Processor: user and system time of all cores; other work on the machine moves it less than wall time.",
    )
    for size in SIZES[:2] if tools.quick else SIZES:
        root, folders = snapshots(tools, size)
        peers = [str(root), folders["before"], folders["now"]]
        commands = {
            "**Plumbline**": [tools.program("bench-score"), "score", str(root)],
            "DuckDB": [*tools.peer("peer_score_duckdb.py"), *peers],
            "pandas": [*tools.peer("peer_score_pandas.py"), *peers],
        }
        figures = interleaved(tools, commands, 3)
        answers = {name: figure.result() for name, figure in figures.items()}
        expected = answers["**Plumbline**"]
        for name, answer in answers.items():
            differ = [key for key in expected if answer.get(key) != expected[key]]
            if differ:
                raise Failed(f"{name} answers otherwise at {size} results: {', '.join(differ)}")
        changes = " + ".join(f"{expected[name][0]:,}" for name in ("new", "resolved", "vanished"))
        for place, (name, figure) in enumerate(figures.items()):
            about = [f"{expected['results']:,}", f"{expected['noncompliant'][0]:,}", changes]
            figures_of = [seconds(figure.wall), seconds(figure.cpu), megabytes(figure.peak_mb)]
            table.rows.append([*(about if place == 0 else ["", "", ""]), name, *figures_of])
    return [table]


def interleaved(tools: Tools, commands: dict[str, list[str]], runs: int) -> dict:
    """Each command's median run, all in turn, so that what else the machine does meets them alike."""
    rounds = [
        {name: tools.measure(command) for name, command in commands.items()}
        for _ in range(1 if tools.quick else runs)
    ]
    return {name: median([figures[name] for figures in rounds]) for name in commands}


def median(figures: list):
    return sorted(figures, key=lambda figure: figure.wall)[len(figures) // 2]

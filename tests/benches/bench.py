"""Measures Plumbline beside its named peers, in one run, on the same data: `make bench`, or
`python tests/benches/bench.py [NAME ...] [--quick] [--update]`.

A bench is a module `bench_<name>.py` beside this file with `run(tools) -> list[Table]`. Every figure comes from a
process of its own: wall and processor time and the peak of its resident memory, as the kernel counts them. `--quick`
takes small sizes, to show that the benches work; `--update` writes the tables into docs/performance.md between the
marks of the bench's name.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "performance.md"


@dataclasses.dataclass(frozen=True)
class Figure:
    """What one process took."""

    wall: float
    """Seconds from its start to its end."""
    cpu: float
    """Seconds of processor time, user and system."""
    peak_mb: float
    """Peak resident memory in units of 1,000,000 bytes."""
    stdout: str

    def result(self):
        """The last line it printed, as JSON: the answer that peers are held to."""
        return json.loads(self.stdout.strip().splitlines()[-1])


@dataclasses.dataclass
class Table:
    """Figures as they are printed and kept."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        line = lambda cells: "| " + " | ".join(str(cell) for cell in cells) + " |"
        rule = "|" + "|".join("---" for _ in self.columns) + "|"
        parts = [f"**{self.title}**", "", line(self.columns), rule, *map(line, self.rows)]
        return "\n".join(parts + (["", self.note] if self.note else []))


class Failed(Exception):
    """A process that was to be measured did not end well."""


class TooSlow(Exception):
    """A process was stopped as it took longer than it was given."""


class Tools:
    """What a bench may use: our programs, built for release, a scratch folder, and the measure."""

    def __init__(self, quick: bool):
        self.quick = quick
        self.python = sys.executable
        self.target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        self.scratch = self.target / "bench"
        self.scratch.mkdir(parents=True, exist_ok=True)

    @property
    def plumbline(self) -> str:
        """The command line."""
        return str(self.target / "release" / "plumbline")

    def program(self, name: str) -> str:
        """A bench program of the tests crate (an example there, see its Cargo.toml)."""
        return str(self.target / "release" / "examples" / name)

    def peer(self, script: str) -> list[str]:
        """A peer beside this file, run by this Python."""
        return [self.python, str(HERE / script)]

    def measure(self, command: list[str], runs: int = 1, limit: float | None = None, **environment: str) -> Figure:
        """Runs a command and returns the run with the median wall time; its peak memory is the greatest of all. A run
        that takes longer than `limit` seconds is stopped: `TooSlow`."""
        figures = [self._once(command, environment, limit) for _ in range(1 if self.quick else runs)]
        middle = statistics.median_low([figure.wall for figure in figures])
        median = next(figure for figure in figures if figure.wall == middle)
        return dataclasses.replace(median, peak_mb=max(figure.peak_mb for figure in figures))

    def _once(self, command: list[str], environment: dict[str, str], limit: float | None) -> Figure:
        print("  $", " ".join(map(str, command)), file=sys.stderr, flush=True)
        with open(self.scratch / "stdout", "w+") as out:
            begun = time.monotonic()
            child = subprocess.Popen(command, stdout=out, env={**os.environ, **environment})
            stop = threading.Timer(limit, child.kill) if limit else None
            if stop:
                stop.start()
            _, status, usage = os.wait4(child.pid, 0)
            if stop:
                stop.cancel()
            wall = time.monotonic() - begun
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            stdout = out.read()
        if limit and wall >= limit:
            raise TooSlow(f"{' '.join(map(str, command))} was stopped after {wall:.0f} s")
        if child.returncode:
            raise Failed(f"{' '.join(map(str, command))} ended with {child.returncode}")
        # Linux counts in units of 1,024 bytes, macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return Figure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6, stdout)


def seconds(value: float) -> str:
    """Seconds as a table shows them."""
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def megabytes(value: float) -> str:
    """Memory or sizes as a table shows them."""
    return f"{value:,.0f} MB" if value >= 10 else f"{value:.1f} MB"


def build() -> None:
    """The command line and the bench programs, for release. Not `cargo bench`: bench targets unwind, the release
    profile aborts, and so every dependency would be built a second time."""
    selection = ["--package", "plumbline", "--package", "tests", "--bins", "--examples"]
    subprocess.run(["cargo", "build", "--release", "--locked", *selection], cwd=ROOT, check=True)


def machine() -> str:
    model = "unknown processor"
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores ({model}), {platform.system()}, {time.strftime('%Y-%m-%d', time.gmtime())}"


def update(name: str, text: str) -> None:
    """Puts the tables between the marks of their bench."""
    page = PAGE.read_text()
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    if begin not in page or end not in page:
        raise Failed(f"docs/performance.md has no marks {begin} … {end}; add them where the tables belong")
    before, rest = page.split(begin, 1)
    _, after = rest.split(end, 1)
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def main() -> int:
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description="Measures Plumbline beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(known)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run: shows that the benches work")
    parser.add_argument("--update", action="store_true", help="write the tables into docs/performance.md")
    parser.add_argument("--no-build", action="store_true", help="take the programs as they were built last")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"no bench is named {', '.join(unknown)}; there are {', '.join(known)}")
    if not options.no_build:
        build()
    sys.path.insert(0, str(HERE))
    tools = Tools(options.quick)
    print(f"Measured on {machine()}")
    for name in options.names or known:
        tables = importlib.import_module(f"bench_{name}").run(tools)
        text = "\n\n".join([*(table.markdown() for table in tables), f"*{machine()}.*"])
        print(f"\n## {name}\n\n{text}", flush=True)
        if options.update:
            update(name, text)
    return 0


if __name__ == "__main__":
    # Benches import this file by its name; they are to see this very module.
    sys.modules["bench"] = sys.modules["__main__"]
    sys.exit(main())

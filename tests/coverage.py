"""Lines covered by crate, from the summary of cargo-llvm-cov, held to their floors."""

import collections
import json
import pathlib
import sys

DOMAIN_AND_STEPS = 95.0
"""Percent of lines of the domain and of each step's library."""
WORKSPACE = 90.0
"""Percent of lines of everything."""


def crate_of(file: pathlib.Path) -> str:
    """The crate's folder; the binary of a step is told apart from its library, which alone has the floor of a step."""
    folder = "/".join(file.parts[:2])
    is_function = file.parts[0] == "steps" and file.parts[2:] == ("src", "main.rs")
    return f"functions of {file.parts[0]}" if is_function else folder


def lines_by_crate(summary: dict, root: pathlib.Path) -> dict[str, list[int]]:
    """[covered, all] by crate folder."""
    crates: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for file in summary["data"][0]["files"]:
        path = pathlib.Path(file["filename"])
        if path.is_relative_to(root):
            lines = file["summary"]["lines"]
            counts = crates[crate_of(path.relative_to(root))]
            counts[0] += lines["covered"]
            counts[1] += lines["count"]
    return dict(crates)


def floor_of(crate: str) -> float | None:
    return DOMAIN_AND_STEPS if crate == "crates/compliance" or crate.startswith("steps/") else None


def main(summary_file: str, root: str) -> int:
    crates = lines_by_crate(json.loads(pathlib.Path(summary_file).read_text()), pathlib.Path(root))
    whole = [sum(counts[side] for counts in crates.values()) for side in (0, 1)]
    rows = [(crate, *crates[crate], floor_of(crate)) for crate in sorted(crates)]
    rows.append(("workspace", *whole, WORKSPACE))
    below = []
    for name, covered, lines, floor in rows:
        percent = 100 * covered / lines if lines else 0.0
        asked = f"at least {floor:.0f} %" if floor else ""
        print(f"{name:<26} {covered:>7} of {lines:>7} lines  {percent:6.2f} %  {asked}")
        if floor is not None and percent < floor:
            below.append(f"{name} ({percent:.2f} %, asked {floor:.0f} %)")
    if below:
        print("coverage is below its floor: " + "; ".join(below), file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

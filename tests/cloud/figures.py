"""What our functions weigh and take, beside a hello world: `tests/cloud/run.sh figures [--update] [--quick]`."""

import argparse
import io
import os
import pathlib
import statistics
import sys
import tempfile
import zipfile

from deployments import STEPS, SamDeployment, deploy
from servers import ROOT, Cloud, Programs

sys.path.insert(0, str(ROOT / "tests/benches"))
from bench import Table, machine, megabytes, update  # noqa: E402

MOMENT = "2026-11-21T09:00:00Z"
SIZES = [
    {"accounts": 50, "regions": 4, "rules": 100, "resources": 100},
    {"accounts": 200, "regions": 4, "rules": 100, "resources": 100},
]
QUICK = [{"accounts": 5, "regions": 2, "rules": 20, "resources": 6}]
# A function is at most so large: its zip where it is uploaded without S3, and unpacked.
ZIP_LIMIT, UNPACKED_LIMIT = 50 * 1024**2, 250 * 1024**2
COLD_STARTS = 9


def main():
    parser = argparse.ArgumentParser(description="Measures our functions on the bench.")
    parser.add_argument("--update", action="store_true", help="write the tables into docs/performance.md")
    parser.add_argument("--quick", action="store_true", help="a small organization: shows that the figures can be taken")
    options = parser.parse_args()
    programs = Programs(pathlib.Path(os.environ["PLUMBLINE_BINARIES"]))
    with tempfile.TemporaryDirectory(prefix="plumbline-figures-") as folder:
        cloud = Cloud(programs, pathlib.Path(folder))
        try:
            tables = [cold_starts(cloud), *(whole_run(cloud, size) for size in (QUICK if options.quick else SIZES))]
        finally:
            cloud.end()
    text = "\n\n".join([*(table.markdown() for table in tables), f"*{machine()}; the stack as `sam build` and `sam deploy` make it, for x86_64.*"])
    print(text)
    if options.update:
        update("cloud", text)


def cold_starts(cloud):
    deployment = deploy(cloud, functions=lambda _: {})
    binaries = {"hello world": ROOT / "target/lambda/hello/bootstrap", **{step: SamDeployment.function(step) for step in STEPS}}
    rows = []
    for name, binary in binaries.items():
        inits = [cold_start(deployment, binary, attempt) for attempt in range(COLD_STARTS)]
        unpacked, packed = binary.stat().st_size, zipped_size(binary)
        assert unpacked < UNPACKED_LIMIT and packed < ZIP_LIMIT, f"{name} is too large for Lambda: {unpacked} bytes, {packed} as zip"
        rows.append([name, megabytes(unpacked / 1e6), megabytes(packed / 1e6), f"{statistics.median(inits):.1f} ms", f"{max(inits):.1f} ms"])
    return Table(
        "Size and cold start of each function",
        ["function", "binary", "zip", "cold start", "slowest"],
        rows,
        f"From spawning the process to its first `/next`, {COLD_STARTS} times each; AWS adds what it takes to fetch the zip and to start a sandbox.",
    )


def cold_start(deployment, binary, attempt):
    """Milliseconds until a new instance asks for work; what it then answers to an empty payload does not matter."""
    function = {"binary": str(binary), "timeout_seconds": 30, "memory_mb": 512}
    environment = {**deployment.environment(), "ATTEMPT": f"{binary.name} {attempt}"}
    deployment.cloud.host.register({"cold": {**function, "environment": environment}})
    deployment.cloud.client("lambda").invoke(FunctionName="cold", Payload="{}")
    return deployment.cloud.host.invocations()[-1]["init_ms"]


def zipped_size(binary):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
    return len(held.getvalue())


def whole_run(cloud, size):
    deployment = SamDeployment(cloud, "", os.environ["PLUMBLINE_SAM"])
    with cloud.simulation.of_size(**size):
        run = deployment.run("daily", MOMENT, seconds=1800)
    assert run.status == "SUCCEEDED", run.described.get("cause")
    lines = deployment.invocations()
    rows = [step_row(step, [line for line in lines if line["function"].endswith(step)]) for step in STEPS]
    wall = (run.described["stopDate"] - run.described["startDate"]).total_seconds()
    billed = sum(line["billed_ms"] for line in lines)
    gigabyte_seconds = sum(line["billed_ms"] / 1e3 * line["memory_mb"] / 1024 for line in lines)
    rows.append(["all", len(lines), f"{wall * 1e3:,.0f} ms", f"{billed:,} ms", "", ""])
    sizes = ", ".join(f"{count} {name}" for name, count in size.items())
    return Table(
        f"A daily run under the state machine ({sizes})",
        ["function", "invocations", "from first to last", "billed", "peak memory", "memory"],
        rows,
        f"{len(run.states())} states entered, {len(run.events())} events of history, {gigabyte_seconds:.1f} GB-seconds. No call is held back: "
        "against AWS the rate budget decides how long collecting takes.",
    )


def step_row(step, lines):
    begun = min(line["at_ms"] for line in lines)
    ended = max(line["at_ms"] + (line["init_ms"] or 0) + line["duration_ms"] for line in lines)
    peak = max((line["peak_memory_kib"] or 0) for line in lines) * 1024 / 1e6
    billed = sum(line["billed_ms"] for line in lines)
    return [step, len(lines), f"{ended - begun:,.0f} ms", f"{billed:,} ms", megabytes(peak), f"{lines[0]['memory_mb']} MB"]


if __name__ == "__main__":
    main()

"""Interruptions that only the system can make: the real binary killed at exact writes, a disk that is full, a file of
another user, and the order in which writes reach the disk. PLUMBLINE_BIN names the binary.

What the machine does not let a test do is skipped with its reason (`-rs` shows it).
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

BIN = os.environ["PLUMBLINE_BIN"]
SMALL = ["--accounts", "4", "--regions", "2", "--rules", "24", "--resources", "4"]
WHEN = ["--as-of", "2026-11-21T09:00:00Z"]


def command(out, kind=("snapshot",)):
    return [BIN, *kind, "--simulate", *WHEN, *SMALL, "--out", str(out)]


def run(arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300, **options)


def stands(out):
    """Every file but for who made it when."""
    files = [path for path in pathlib.Path(out).rglob("*") if path.is_file()]
    ours = [path for path in files if path.name not in ("provenance.json", ".plumbline-lock")]
    return {str(path.relative_to(out)): path.read_bytes() for path in ours}


def hold_whole(out):
    """Every manifest names files that stand beside it, with their hashes."""
    for manifest in pathlib.Path(out).rglob("manifest.json"):
        for file in json.loads(manifest.read_bytes())["files"]:
            there = manifest.parent / file.get("path", file.get("name"))
            assert hashlib.sha256(there.read_bytes()).hexdigest() == file["sha256"], there


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a snapshot run and a daily run leave when nobody disturbs them."""

    def made(kind):
        out = tmp_path_factory.mktemp("undisturbed")
        ended = run(command(out, kind))
        assert ended.returncode == 0, ended.stderr
        return stands(out)

    return {kind: made(kind) for kind in [("snapshot",), ("report", "daily")]}


def continues(out, undisturbed, kind=("snapshot",)):
    ended = run(command(out, kind))
    assert ended.returncode == 0, ended.stderr
    assert stands(out) == undisturbed[kind]
    hold_whole(out)


@pytest.fixture(scope="module")
def strace():
    found = shutil.which("strace")
    if not found or run([found, "-o", os.devnull, "true"]).returncode != 0:
        pytest.skip("strace is not here or may not trace: kills at exact writes and the order of syncs are not tested")
    return found


def test_killed_between_any_two_writes_a_run_goes_on_from_there(strace, tmp_path, undisturbed):
    out, kills = tmp_path / "out", 0
    while True:
        # The run is killed as it is about to give a file its name: the second to the fifth of the run, in turn.
        when = 2 + kills % 4
        inject = ["-e", "trace=renameat2", "-e", f"inject=renameat2:signal=SIGKILL:when={when}"]
        ended = run([strace, "-f", "-o", os.devnull, *inject, *command(out)])
        hold_whole(out)
        if ended.returncode == 0:
            break
        kills += 1
    assert kills > 10, "the run was killed in all its stages"
    continues(out, undisturbed)


def test_an_object_is_on_the_disk_before_the_next_is_named(strace, tmp_path):
    log = tmp_path / "log"
    traced = ["-f", "-y", "-s", "4096", "-e", "trace=renameat2,fsync", "-o", str(log)]
    assert run([strace, *traced, *command(tmp_path / "out")]).returncode == 0
    synced, named, unsynced = set(), 0, None
    for line in log.read_text().splitlines():
        if sync := re.search(r"fsync\(\d+<([^>]*)>\) += 0", line):
            synced.add(sync[1])
            unsynced = None if sync[1] == unsynced else unsynced
        elif rename := re.search(r'renameat2\([^"]*"([^"]*)"[^"]*"([^"]*)".* = 0', line):
            assert rename[1] in synced, f"{rename[2]} is named before its bytes are on the disk"
            assert unsynced is None, f"{rename[2]} is named before the name of the one before is on the disk"
            unsynced, named = os.path.dirname(rename[2]), named + 1
    assert unsynced is None and named == len(stands(tmp_path / "out")) + 1 + 8 * 3, "provenance and work included"


@pytest.mark.parametrize("kilobytes", [8, 60, 200, 500, 800])
def test_on_a_full_disk_a_run_ends_with_what_it_needs_and_later_goes_on(kilobytes, tmp_path, undisturbed):
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    script = f'mount -t tmpfs -o size={kilobytes}k none {disk} || exit 77; "$@"; code=$?; cp -a {disk}/. {kept}; exit $code'
    mount = ["unshare", "-rm", "sh", "-c", script, "sh"]
    if not shutil.which("unshare") or run([*mount, "true"]).returncode != 0:
        pytest.skip("no file system may be mounted here: a full disk is not tested")
    kind = ("report", "daily")
    ended = run([*mount, *command(disk, kind)])
    assert ended.returncode == 6, ended.stderr
    needs = r"cannot write \S+: it needs [\d,]+ bytes, and [\d,]+ bytes? (is|are) free on its disk; free space and run the same"
    assert re.search(needs, ended.stderr), ended.stderr
    hold_whole(kept)
    assert not [path for path in kept.rglob(".partial-*")]
    continues(kept, undisturbed, kind)


def test_a_file_that_may_not_be_read_is_named_and_as_history_left_out(tmp_path):
    out = tmp_path / "out"
    assert run(command(out)).returncode == 0
    someone = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
    for folder in [*tmp_path.parents, tmp_path]:
        if someone and not os.stat(folder).st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    if someone and run([*someone, BIN, "--version"]).returncode != 0:
        pytest.skip("nobody else may run the binary: a file without permission is not tested")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)

    def offline(name):
        return run([*someone, BIN, "snapshot", "--snapshot", str(out), "--json", "--out", str(elsewhere / name)])

    [older] = out.glob("snapshots/date=2026-11-20/*/context.json")
    older.chmod(0)
    left_out = offline("history")
    assert left_out.returncode == 0, left_out.stderr
    assert "the snapshot of 2026-11-20 09:00 UTC cannot be read and was not used" in left_out.stderr
    assert "change its permissions" in left_out.stderr
    [newest] = out.glob("snapshots/date=2026-11-21/*/context.json")
    newest.chmod(0)
    refused = offline("input")
    assert refused.returncode == 6, refused.stderr
    assert str(newest) in refused.stderr and "change its permissions" in refused.stderr

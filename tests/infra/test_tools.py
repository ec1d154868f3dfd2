"""Tools that others wrote, over templates and workflow. What they find is mended, or suppressed in suppressions.json with a reason."""

import fnmatch
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import templates
from samtranslator.translator.transform import transform

HERE = Path(__file__).parent
SUPPRESSED = json.loads((HERE / "suppressions.json").read_text())
ENVIRONMENT = os.environ | {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}


def tool(path):
    """A tool that is not there fails the tests, unless told otherwise."""
    found = shutil.which(path)
    if found is None:
        missing = f"{path} is not installed: `make infra-test` does that; PLUMBLINE_SKIP_INFRA_TOOLS=1 goes without"
        pytest.skip(missing) if templates.skipped() else pytest.fail(missing)
    return found


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=ENVIRONMENT, cwd=templates.ROOT)


def beside_python(name):
    return tool(str(Path(sys.executable).with_name(name)))


def split(found, who):
    """Findings (id, where) that no suppression covers, and suppressions that cover none."""
    used, left = set(), []
    for one, where in found:
        patterns = SUPPRESSED[who].get(one, {}).get("where", [])
        if any(fnmatch.fnmatchcase(where, pattern) for pattern in patterns):
            used.add(one)
        else:
            left.append((one, where))
    return left, sorted(SUPPRESSED[who].keys() - used)


def test_cfn_lint():
    done = run(beside_python("cfn-lint"), "--format", "json", "--", templates.AGENT, templates.MASTER)
    found = json.loads(done.stdout or "[]")
    rows = [(one["Rule"]["Id"], str(Path(one["Filename"]).relative_to(templates.ROOT))) for one in found]
    assert split(rows, "cfn-lint") == ([], []), done.stdout + done.stderr


def test_sam_validate():
    done = run(beside_python("sam"), "validate", "--lint", "-t", templates.MASTER)
    assert done.returncode == 0, done.stdout + done.stderr


class NoManagedPolicies:
    """The template names its policies itself."""

    def load(self):
        return {}


def expanded(template):
    """The template as CloudFormation sees it. Code and definition stand for what packaging uploads."""
    for resource in template["Resources"].values():
        for path in ("CodeUri", "DefinitionUri"):
            if path in resource.get("Properties", {}):
                resource["Properties"][path] = "s3://bucket/key"
    return transform(json.loads(json.dumps(template)), {}, NoManagedPolicies())


def test_checkov(master, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    checkov = tool(os.environ.get("PLUMBLINE_CHECKOV", "checkov"))
    (tmp_path / "master.json").write_text(json.dumps(expanded(master), indent=1))
    shutil.copy(templates.AGENT, tmp_path / "agent.yaml")
    # Without its catalogue from the network: a check must not change from one day to the next.
    done = run(checkov, "--framework", "cloudformation", "-d", tmp_path, "--compact", "--quiet", "-o", "json", "--skip-download")
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0 and report["summary"]["passed"] > 100, report["summary"]
    rows = [(one["check_id"], one["resource"]) for one in report["results"]["failed_checks"]]
    assert split(rows, "checkov") == ([], [])


def validate(path):
    return run(tool("node"), tool(str(HERE / "node_modules/.bin/asl-validator")), "--json-path", path)


@pytest.mark.parametrize("workflow", templates.WORKFLOWS)
def test_asl_validator(master, tmp_path, workflow):
    path = tmp_path / f"{workflow}.asl.json"
    path.write_text(templates.substituted(master, workflow))
    done = validate(path)
    assert done.returncode == 0, done.stdout + done.stderr
    # And it does look.
    path.write_text(templates.substituted(master, workflow).replace('"Next": "Done"', '"Next": "Doen"'))
    assert validate(path).returncode != 0


def test_suppressions_have_reasons():
    for who in SUPPRESSED.values():
        for one in who.values():
            assert one["where"] and len(one["reason"]) > 40

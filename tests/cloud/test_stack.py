"""The stack itself: the template is deployed by CloudFormation, and what it deploys runs."""

import pytest
from conftest import DAYS, SETTINGS
from deployments import StackDeployment, pascal, template
from runs import differences, evidence


@pytest.fixture(scope="module")
def stack(cloud, programs):
    return StackDeployment(cloud, SETTINGS, programs.path)


def test_the_stack_makes_the_same_bytes(stack, by_command_line):
    run = stack.run("daily", DAYS[-1])
    assert run.status == "SUCCEEDED", run.described.get("cause")
    assert differences(evidence(stack.objects()), evidence(by_command_line.objects())) == []
    sizes = template()["Mappings"]["Functions"]
    for line in stack.invocations():
        step = line["function"].removeprefix(f"{stack.name}-")
        assert line["memory_mb"] == sizes[pascal(step)]["Memory"]

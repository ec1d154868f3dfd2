"""Templates and workflow, parsed."""

import copy
import functools
import json
import os
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MASTER = ROOT / "infra/master/template.yaml"
AGENT = ROOT / "infra/agent/template.yaml"
WORKFLOWS = {name: ROOT / f"workflows/{name}.asl.json" for name in ("report", "alert")}
CODES = ROOT / "workflows/error-codes.json"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _intrinsic(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _intrinsic)
# A date is a text in a template.
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@functools.cache
def _parsed(path):
    return yaml.load(path.read_text(), Loader)


def load(path):
    """A document of its own, to be broken at will."""
    return copy.deepcopy(_parsed(path))


def workflow(name="report"):
    return json.loads(WORKFLOWS[name].read_text())


def substitutions(template, name="report"):
    """What the template fills into a workflow."""
    return properties(template, f"{name.capitalize()}StateMachine")["DefinitionSubstitutions"]


def codes():
    return json.loads(CODES.read_text())


def resources(template, *types):
    return {name: it for name, it in template["Resources"].items() if it["Type"] in types}


def properties(template, name):
    return template["Resources"][name].get("Properties", {})


def text(value):
    """An ARN or name as one text, whatever intrinsics it is made of."""
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::GetAtt":
            return f"${{{'.'.join(argument)}}}"
        if function == "Fn::Sub" and isinstance(argument, str):
            return argument
        if function == "Fn::If":
            return f"{argument[0]} ? {text(argument[1])} : {text(argument[2])}"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def many(value):
    return value if isinstance(value, list) else [value]


def statements(document):
    """Statements of a policy document, those behind a condition included."""
    found = []
    for statement in many(document["Statement"]):
        if "Fn::If" in statement:
            found += [one for one in statement["Fn::If"][1:] if "Effect" in one]
        else:
            found.append(statement)
    return found


def role_statements(role):
    return [one for policy in role["Properties"].get("Policies", []) for one in statements(policy["PolicyDocument"])]


def substituted(template, name="report"):
    """A workflow's text with its substitutions filled in, as CloudFormation does: `${Name}` and nothing else."""
    names = substitutions(template, name)
    values = {name: "arn:aws:lambda:us-east-1:111122223333:function:step" for name in names}
    values |= {"Partition": "aws", "Region": "us-east-1", "Bucket": "evidence", "ConsoleHost": "console.aws.amazon.com"}
    values |= {"FailureTopicArn": "arn:aws:sns:us-east-1:111122223333:failures", "Prefix": "reports/", "Environment": "prod"}
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], WORKFLOWS[name].read_text())


def skipped():
    return os.environ.get("PLUMBLINE_SKIP_INFRA_TOOLS") == "1"

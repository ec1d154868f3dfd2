"""boto3, a client we did not write, pages through everything the simulated organization serves.

PLUMBLINE_SIM_SERVE names the binary of `cargo build -p simulated-org --example serve`; the tests start it for
simulated and recorded data. To test a server that runs already, give PLUMBLINE_SIM_URL and PLUMBLINE_SIM_TRUTH (a
file of what is true of it) instead. Nothing is skipped: without either, every test fails.
"""

import collections
import datetime
import json
import os
import pathlib
import subprocess

import boto3
import botocore.config
import botocore.exceptions
import pytest

AGGREGATOR = "organization"
RECORDED = pathlib.Path(__file__).parents[2] / "crates/simulated-org/recorded/one-account-evaluations.json"
QUERY = """SELECT accountId, awsRegion, configuration.complianceType, configuration.targetResourceId,
    configuration.targetResourceType, configuration.configRuleList.configRuleName,
    configuration.configRuleList.complianceType, configurationItemCaptureTime
    WHERE resourceType = 'AWS::Config::ResourceCompliance'"""


class Server:
    """A server, what is true of it, and clients for it."""

    def __init__(self, url, truth):
        self.url, self.truth = url, truth
        self.calls = collections.Counter()
        self.empty_pages = 0

    def client(self, service, key="AKIAANYTHING", region=None):
        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region or self.truth["aggregator"]["arn"].split(":")[3],
            aws_access_key_id=key,
            aws_secret_access_key="anything",
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("after-call.*", lambda model, **_: self.calls.update([model.name]))
        return client

    def all(self, client, operation, key, **parameters):
        """Every entry, by botocore's own paginator."""
        entries = []
        for page in client.get_paginator(operation).paginate(**parameters):
            if not page[key] and page.get("NextToken"):
                self.empty_pages += 1
            entries += page[key]
        return entries

    def loop(self, call, key, **parameters):
        """Every entry, by a loop on the token alone, for operations without a paginator or with a limit."""
        entries, token = [], {}
        while True:
            page = call(**parameters, **token)
            entries += page[key]
            if "NextToken" not in page:
                return entries
            token = {"NextToken": page["NextToken"]}

    def assumed(self, service, account, region):
        role = f"arn:aws:iam::{account}:role/plumbline-inventory"
        answer = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test-session")
        return self.client(service, answer["Credentials"]["AccessKeyId"], region)


def start(tmp_path_factory, *arguments):
    binary = os.environ.get("PLUMBLINE_SIM_SERVE")
    if not binary:
        pytest.fail("PLUMBLINE_SIM_SERVE is not set: `cargo build -p simulated-org --example serve`, then name it")
    file = tmp_path_factory.mktemp("truth") / "truth.json"
    process = subprocess.Popen([binary, str(file), *arguments], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert line.startswith("listening on "), f"the server did not start: {line!r}"
    return process, Server(line.split()[-1], json.loads(file.read_text()))


@pytest.fixture(scope="session", params=["simulated", "recorded"])
def server(request, tmp_path_factory):
    url, truth = (os.environ.get(f"PLUMBLINE_SIM_{name}") for name in ("URL", "TRUTH"))
    if url and truth and request.param == "simulated":
        yield Server(url, json.loads(pathlib.Path(truth).read_text()))
        return
    # 12 accounts have everything 50 have, in a quarter of the time.
    arguments = ["--accounts", "12"] if request.param == "simulated" else ["--recorded", str(RECORDED)]
    process, server = start(tmp_path_factory, *arguments)
    yield server
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def config(server):
    return server.client("config")


def seconds(text):
    """A time of the truth as boto3 gives it: to the millisecond."""
    return text and datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def whole_milliseconds(time):
    if time is None:
        return None
    return datetime.datetime.fromtimestamp(round(time.timestamp() * 1000) / 1000, datetime.timezone.utc)


def triples(truth):
    rules = collections.defaultdict(list)
    for result in truth["results"]:
        rules[result["account_id"], result["aws_region"], result["config_rule_name"]].append(result)
    return rules


def noncompliant(results):
    return sum(result["compliance_type"] == "NON_COMPLIANT" for result in results)


def test_the_aggregator(server, config):
    [aggregator] = server.all(config, "describe_configuration_aggregators", "ConfigurationAggregators")
    truth = server.truth["aggregator"]
    assert aggregator["ConfigurationAggregatorName"] == AGGREGATOR == truth["name"]
    assert aggregator["ConfigurationAggregatorArn"] == truth["arn"]
    if truth["organization"]:
        assert aggregator["OrganizationAggregationSource"]["AwsRegions"] == truth["regions"]
    else:
        [source] = aggregator["AccountAggregationSources"]
        assert (source["AccountIds"], source["AwsRegions"]) == (truth["account_ids"], truth["regions"])


@pytest.mark.parametrize("only", [None, "FAILED", "OUTDATED", "SUCCEEDED"])
def test_sources(server, config, only):
    filters = {"UpdateStatus": [only]} if only else {}
    sources = server.all(
        config,
        "describe_configuration_aggregator_sources_status",
        "AggregatedSourceStatusList",
        ConfigurationAggregatorName=AGGREGATOR,
        PaginationConfig={"PageSize": 7},
        **filters,
    )
    found = [
        (
            source["SourceId"],
            source["AwsRegion"],
            source["LastUpdateStatus"],
            whole_milliseconds(source.get("LastUpdateTime")),
            source.get("LastErrorCode"),
            source.get("LastErrorMessage"),
        )
        for source in sources
        if source["SourceType"] == "ACCOUNT"
    ]
    assert found == [
        (
            source["account_id"],
            source["aws_region"],
            source["state"],
            seconds(source["last_update_time"]),
            source["error_code"],
            source["error_message"],
        )
        for source in server.truth["sources"]
        if only in (None, source["state"])
    ]


def test_compliance_by_config_rules(server, config):
    rows = server.all(
        config,
        "describe_aggregate_compliance_by_config_rules",
        "AggregateComplianceByConfigRules",
        ConfigurationAggregatorName=AGGREGATOR,
    )
    found = {}
    for row in rows:
        compliance = row["Compliance"]
        count = compliance["ComplianceContributorCount"]
        found[row["AccountId"], row["AwsRegion"], row["ConfigRuleName"]] = (
            compliance["ComplianceType"],
            count["CappedCount"],
            count["CapExceeded"],
        )
    assert len(found) == len(rows), "a rule came twice"
    expected = {}
    for key, results in triples(server.truth).items():
        bad = noncompliant(results)
        count = bad or len(results)
        expected[key] = ("NON_COMPLIANT" if bad else "COMPLIANT", min(count, 25), count > 25)
    assert found == expected


def test_filters_of_compliance_by_config_rules(server, config):
    (account, region, rule), results = sorted(triples(server.truth).items())[0]
    state = "NON_COMPLIANT" if noncompliant(results) else "COMPLIANT"
    rows = server.all(
        config,
        "describe_aggregate_compliance_by_config_rules",
        "AggregateComplianceByConfigRules",
        ConfigurationAggregatorName=AGGREGATOR,
        Filters={"AccountId": account, "AwsRegion": region, "ConfigRuleName": rule, "ComplianceType": state},
    )
    assert [(row["AccountId"], row["AwsRegion"], row["ConfigRuleName"]) for row in rows] == [(account, region, rule)]


def test_details_are_every_result(server, config):
    found = []
    for account, region, rule in triples(server.truth):
        found += server.all(
            config,
            "get_aggregate_compliance_details_by_config_rule",
            "AggregateEvaluationResults",
            ConfigurationAggregatorName=AGGREGATOR,
            ConfigRuleName=rule,
            AccountId=account,
            AwsRegion=region,
        )
    rows = []
    for row in found:
        identifier = row["EvaluationResultIdentifier"]
        qualifier = identifier["EvaluationResultQualifier"]
        assert identifier["OrderingTimestamp"] <= row["ResultRecordedTime"]
        rows.append(
            (
                row["AccountId"],
                row["AwsRegion"],
                qualifier["ConfigRuleName"],
                qualifier["ResourceType"],
                qualifier["ResourceId"],
                row["ComplianceType"],
                whole_milliseconds(row["ResultRecordedTime"]),
                whole_milliseconds(row["ConfigRuleInvokedTime"]),
                row.get("Annotation"),
            )
        )
    assert rows == [
        (
            result["account_id"],
            result["aws_region"],
            result["config_rule_name"],
            result["resource_type"],
            result["resource_id"],
            result["compliance_type"],
            seconds(result["result_recorded_time"]),
            seconds(result["config_rule_invoked_time"]),
            result["annotation"],
        )
        for result in server.truth["results"]
    ]


def test_details_of_one_compliance_type_page_by_page(server, config):
    (account, region, rule), results = max(triples(server.truth).items(), key=lambda item: noncompliant(item[1]))
    parameters = {"ConfigRuleName": rule, "AccountId": account, "AwsRegion": region}
    rows = server.loop(
        config.get_aggregate_compliance_details_by_config_rule,
        "AggregateEvaluationResults",
        ConfigurationAggregatorName=AGGREGATOR,
        ComplianceType="NON_COMPLIANT",
        Limit=2,
        **parameters,
    )
    assert len(rows) == noncompliant(results) > 2
    unknown = config.get_aggregate_compliance_details_by_config_rule(
        ConfigurationAggregatorName=AGGREGATOR, **{**parameters, "ConfigRuleName": "no-such-rule"}
    )
    assert unknown["AggregateEvaluationResults"] == []


def test_resource_compliance_items_are_every_pair_where_recorded(server, config):
    items = server.all(
        config,
        "select_aggregate_resource_config",
        "Results",
        ConfigurationAggregatorName=AGGREGATOR,
        Expression=QUERY,
        PaginationConfig={"PageSize": 100},
    )
    found = []
    for item in map(json.loads, items):
        configuration = item["configuration"]
        states = {rule["complianceType"] for rule in configuration["configRuleList"]}
        assert configuration["complianceType"] == max(states)
        for rule in configuration["configRuleList"]:
            found.append(
                (
                    item["accountId"],
                    item["awsRegion"],
                    rule["configRuleName"],
                    configuration["targetResourceType"],
                    configuration["targetResourceId"],
                    rule["complianceType"],
                    seconds(item["configurationItemCaptureTime"]),
                )
            )
    recording = set(server.truth["resource_compliance_accounts"])
    assert sorted(found) == sorted(
        (
            result["account_id"],
            result["aws_region"],
            result["config_rule_name"],
            result["resource_type"],
            result["resource_id"],
            result["compliance_type"],
            seconds(result["configuration_item_capture_time"]),
        )
        for result in server.truth["results"]
        if result["account_id"] in recording
    )


def test_a_query_counts(server, config):
    rows = server.all(
        config,
        "select_aggregate_resource_config",
        "Results",
        ConfigurationAggregatorName=AGGREGATOR,
        Expression="SELECT COUNT(*) WHERE resourceType = 'AWS::Config::ResourceCompliance'",
    )
    resources = {
        tuple(result[name] for name in ("account_id", "aws_region", "resource_type", "resource_id"))
        for result in server.truth["results"]
        if result["account_id"] in server.truth["resource_compliance_accounts"]
    }
    assert [json.loads(row) for row in rows] == [{"COUNT(*)": len(resources)}]


def test_the_summary_is_capped(server, config):
    rows = server.loop(
        config.get_aggregate_config_rule_compliance_summary,
        "AggregateComplianceCounts",
        ConfigurationAggregatorName=AGGREGATOR,
        GroupByKey="ACCOUNT_ID",
    )
    found = {
        row["GroupName"]: tuple(
            (row["ComplianceSummary"][name]["CappedCount"], row["ComplianceSummary"][name]["CapExceeded"])
            for name in ("CompliantResourceCount", "NonCompliantResourceCount")
        )
        for row in rows
    }
    counts = collections.defaultdict(lambda: [0, 0])
    for (account, _, _), results in triples(server.truth).items():
        counts[account][bool(noncompliant(results))] += 1
    assert found == {account: tuple((min(n, 25), n > 25) for n in pair) for account, pair in counts.items()}


def test_the_rule_inventory_of_every_source(server):
    rules, packs = [], []
    for source in server.truth["sources"]:
        account, region = source["account_id"], source["aws_region"]
        member = server.assumed("config", account, region)
        for rule in server.all(member, "describe_config_rules", "ConfigRules"):
            managed = rule["Source"]["Owner"] == "AWS"
            identifier = rule["Source"]["SourceIdentifier"] if managed else None
            rules.append((account, region, rule["ConfigRuleName"], identifier))
        for pack in server.all(member, "describe_conformance_packs", "ConformancePackDetails"):
            packs.append((account, region, pack["ConformancePackName"], pack["ConformancePackId"]))
    assert rules == [
        tuple(rule[name] for name in ("account_id", "aws_region", "config_rule_name", "source_identifier"))
        for rule in server.truth["deployed_rules"]
    ]
    assert packs == [
        tuple(pack[name] for name in ("account_id", "aws_region", "name", "id"))
        for pack in server.truth["conformance_packs"]
    ]
    with_results = set(triples(server.truth))
    without = [rule for rule in rules if rule[:3] not in with_results]
    assert without, "every rule has results"
    if len(server.truth["sources"]) == 1:
        assert (len(rules), len(without)) == (57, 26)


def test_conformance_packs_with_deleted_ones(server, config):
    rows = server.all(
        config,
        "describe_aggregate_compliance_by_conformance_packs",
        "AggregateComplianceByConformancePacks",
        ConfigurationAggregatorName=AGGREGATOR,
    )
    with_data = [
        (row["AccountId"], row["AwsRegion"], row["ConformancePackName"])
        for row in rows
        if row["Compliance"]["TotalRuleCount"]
    ]
    deployed = [(pack["account_id"], pack["aws_region"], pack["name"]) for pack in server.truth["conformance_packs"]]
    assert sorted(with_data) == deployed
    if server.truth["aggregator"]["organization"]:
        assert len(rows) > len(with_data), "deleted packs are listed"


def test_organizations(server):
    organizations = server.client("organizations")
    if not server.truth["accounts"]:
        with pytest.raises(organizations.exceptions.AWSOrganizationsNotInUseException):
            organizations.list_roots()
        return
    assert organizations.describe_organization()["Organization"]["MasterAccountId"].isdigit()
    found = []

    def descend(parent, path):
        for account in server.all(organizations, "list_accounts_for_parent", "Accounts", ParentId=parent):
            if account["Status"] == "ACTIVE":
                found.append((account["Id"], account["Name"], path))
        units = server.all(
            organizations, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=parent
        )
        for unit in units:
            descend(unit["Id"], f"{path}/{unit['Name']}")

    for root in server.all(organizations, "list_roots", "Roots"):
        descend(root["Id"], root["Name"])
    assert sorted(found) == [
        (account["account_id"], account["name"], account["organizational_unit"])
        for account in server.truth["accounts"]
    ]
    listed = server.all(organizations, "list_accounts", "Accounts", PaginationConfig={"PageSize": 5})
    assert sorted(account["Id"] for account in listed if account["Status"] == "ACTIVE") == sorted(
        account for account, _, _ in found
    )
    assert any(account["Status"] == "SUSPENDED" for account in listed), "closed accounts are listed for a while"


def test_modelled_exceptions(server, config):
    exceptions = config.exceptions
    named = {"ConfigurationAggregatorName": AGGREGATOR}
    triple = {"ConfigRuleName": "x", "AccountId": "000000000000", "AwsRegion": "us-east-1"}
    with pytest.raises(exceptions.NoSuchConfigurationAggregatorException):
        config.describe_aggregate_compliance_by_config_rules(ConfigurationAggregatorName="other")
    with pytest.raises(exceptions.NoSuchConfigurationAggregatorException):
        config.describe_configuration_aggregators(ConfigurationAggregatorNames=["other"])
    with pytest.raises(exceptions.InvalidLimitException):
        config.get_aggregate_compliance_details_by_config_rule(**named, **triple, Limit=101)
    with pytest.raises(exceptions.InvalidLimitException):
        config.describe_aggregate_compliance_by_config_rules(**named, Limit=1001)
    with pytest.raises(exceptions.ValidationException):
        config.get_aggregate_compliance_details_by_config_rule(**named, **{**triple, "AccountId": "abc"})
    with pytest.raises(exceptions.ValidationException):
        config.get_aggregate_compliance_details_by_config_rule(**named, **triple, ComplianceType="FINE")
    with pytest.raises(exceptions.InvalidExpressionException):
        config.select_aggregate_resource_config(**named, Expression="SELECT nothing WHERE a LIKE 'b'")
    with pytest.raises(exceptions.NoSuchConfigRuleException):
        config.describe_config_rules(ConfigRuleNames=["no-such-rule"])
    with pytest.raises(botocore.exceptions.ClientError) as unknown:
        config.describe_retention_configurations()
    assert unknown.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_token_is_of_one_request_only(server, config):
    named = {"ConfigurationAggregatorName": AGGREGATOR}
    token = config.describe_aggregate_compliance_by_config_rules(**named, Limit=1)["NextToken"]
    config.describe_aggregate_compliance_by_config_rules(**named, Limit=1, NextToken=token)
    for other in ({"Limit": 2}, {"Limit": 1, "Filters": {"AwsRegion": "us-east-1"}}):
        with pytest.raises(config.exceptions.InvalidNextTokenException):
            config.describe_aggregate_compliance_by_config_rules(**named, **other, NextToken=token)
    with pytest.raises(config.exceptions.InvalidNextTokenException):
        config.describe_configuration_aggregator_sources_status(**named, NextToken=token)


def test_roles_of_strangers_are_denied(server):
    sts = server.client("sts")
    owner = server.truth["aggregator"]["arn"].split(":")[4]
    assert sts.get_caller_identity()["Account"] == owner
    with pytest.raises(botocore.exceptions.ClientError) as denied:
        sts.assume_role(RoleArn="arn:aws:iam::999999999999:role/any", RoleSessionName="test-session")
    assert denied.value.response["Error"]["Code"] == "AccessDenied"


def test_an_unreadable_inventory_is_denied(tmp_path_factory):
    process, server = start(tmp_path_factory, "--recorded", str(RECORDED), "--no-rule-inventory")
    try:
        [source] = server.truth["sources"]
        with pytest.raises(botocore.exceptions.ClientError) as denied:
            server.assumed("config", source["account_id"], source["aws_region"])
        assert denied.value.response["Error"]["Code"] == "AccessDenied"
        with pytest.raises(botocore.exceptions.ClientError) as denied:
            server.client("config").describe_config_rules()
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    finally:
        process.kill()
        process.wait()


def test_the_recorded_account_is_whole(server):
    if server.truth["aggregator"]["organization"]:
        states = collections.Counter(source["state"] for source in server.truth["sources"])
        assert set(states) >= {"SUCCEEDED"}
        return
    results = server.truth["results"]
    assert (len(results), noncompliant(results), len(triples(server.truth))) == (196, 123, 31)


def test_empty_pages_were_met(server):
    """Runs last: pages without entries and with a token came on the way, and nothing was lost by them."""
    if server.truth["aggregator"]["organization"]:
        assert server.empty_pages > 0, f"of {sum(server.calls.values())} calls"

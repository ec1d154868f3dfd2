"""DuckDB doing what the scorer does to two snapshots, over the same Parquet files: `peer_score_duckdb.py FOLDER BEFORE
NOW`. Deployed names are normalised through names.csv, results of global resources merged over regions, noncompliant
wins; then scores by account and rule, resource scores, and the sorted lists. It prints the same answers as
`bench-score score`."""

import hashlib
import json
import pathlib
import sys

import duckdb

GLOBAL = [
    "AWS::CloudFront::Distribution", "AWS::CloudFront::StreamingDistribution", "AWS::GlobalAccelerator::Accelerator",
    "AWS::GlobalAccelerator::EndpointGroup", "AWS::GlobalAccelerator::Listener", "AWS::IAM::Group", "AWS::IAM::Policy",
    "AWS::IAM::Role", "AWS::IAM::SAMLProvider", "AWS::IAM::ServerCertificate", "AWS::IAM::User",
    "AWS::Route53::HealthCheck", "AWS::Route53::HostedZone", "AWS::WAF::RateBasedRule", "AWS::WAF::Rule",
    "AWS::WAF::RuleGroup", "AWS::WAF::WebACL",
]  # fmt: skip
KEY = "account, place, resource_type, resource_id, rule"


def pairs(connection, name: str, folder: pathlib.Path) -> None:
    """A table of the pairs of one snapshot: as the scorer does, what cannot share a pair is not grouped."""
    connection.execute(
        f"""
        create temp table {name} as
        with coded as (
            select account_id as account,
                if(resource_type in (select unnest(?)), 'global', aws_region) as place,
                resource_type, resource_id, rule, severity, several,
                compliance_type = 'NON_COMPLIANT' as noncompliant, annotation
            from read_parquet('{folder}/results/*/results.parquet', hive_partitioning = false)
            join names using (config_rule_name)
        )
        select {KEY}, severity, noncompliant, annotation from coded where not several and place <> 'global'
        union all
        select {KEY}, severity, bool_or(noncompliant), max(annotation) filter (noncompliant)
        from coded where several or place = 'global' group by {KEY}, severity
        """,
        [GLOBAL],
    )


def scores(connection, table: str) -> list:
    """Compliant and noncompliant pairs and resources of the organization."""
    return connection.execute(
        f"""
        select [count(*) filter (not noncompliant), count(*) filter (noncompliant)] from {table}
        union all
        select [count(*) filter (not bad), count(*) filter (bad)] from (
            select bool_or(noncompliant) as bad from {table} group by account, place, resource_type, resource_id)
        """
    ).fetchall()


def checksum(rows) -> str:
    return hashlib.sha256("".join(",".join(map(str, row)) + "\n" for row in rows).encode()).hexdigest()


def listed(connection, name: str, query: str) -> list:
    """A list, sorted as in the report and held whole; its length, ends, and the lengths of its ids and annotations."""
    connection.execute(f"create temp table {name} as select * from ({query}) order by severity, {KEY}")
    count, ids, annotations = connection.execute(
        f"select count(*), coalesce(sum(strlen(resource_id)), 0), coalesce(sum(strlen(annotation)), 0) from {name}"
    ).fetchone()
    ends = [
        connection.execute(
            f"select concat_ws('|', {KEY}) from {name} order by rowid {direction} limit 1"
        ).fetchone()
        for direction in ("asc", "desc")
    ]
    return [count, *(end[0] if end else None for end in ends), int(ids), int(annotations)]


def main(folder: str, before: str, now: str) -> None:
    root = pathlib.Path(folder)
    connection = duckdb.connect()
    connection.execute(
        f"""create temp table names as
        select *, count(*) over (partition by rule) > 1 as several from read_csv('{root}/names.csv')"""
    )
    pairs(connection, "before", root / before)
    pairs(connection, "now", root / now)
    # Each resource once, then by account.
    accounts = connection.execute(
        """
        with pairs as (
            select account, count(*) filter (not noncompliant) as c, count(*) filter (noncompliant) as n
            from now group by account),
        resources as (
            select account, count(*) filter (not bad) as c, count(*) filter (bad) as n from (
                select account, bool_or(noncompliant) as bad from now
                group by account, place, resource_type, resource_id)
            group by account)
        select account, pairs.c, pairs.n, resources.c, resources.n from pairs join resources using (account) order by account
        """
    ).fetchall()
    rules = connection.execute(
        """select rule, count(*) filter (not noncompliant), count(*) filter (noncompliant)
        from now group by rule order by rule"""
    ).fetchall()
    organization = [[sum(row[1] for row in accounts), sum(row[2] for row in accounts)],
                    [sum(row[3] for row in accounts), sum(row[4] for row in accounts)]]  # fmt: skip
    files = f"{root / now}/results/*/results.parquet"
    results = connection.execute(f"select count(*) from read_parquet('{files}', hive_partitioning = false)").fetchone()
    answers = {
        "results": results[0],
        "now": organization,
        "before": [row[0] for row in scores(connection, "before")],
        "accounts": checksum(accounts),
        "rules": checksum(rules),
        "noncompliant": listed(connection, "noncompliant", "select * from now where noncompliant"),
        "new": listed(
            connection,
            "new",
            f"select * from noncompliant anti join (select {KEY} from before where noncompliant) using ({KEY})",
        ),
        "resolved": listed(
            connection,
            "resolved",
            f"""select * replace (null::varchar as annotation) from before
            semi join (select {KEY} from now where not noncompliant) using ({KEY}) where noncompliant""",
        ),
        "vanished": listed(
            connection,
            "vanished",
            f"""select * replace (null::varchar as annotation) from before
            anti join (select {KEY} from now) using ({KEY}) where noncompliant""",
        ),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Odd data through the whole system: what went in over the wire, and what a reader of each file sees.

The real binary collects from a server on loopback and makes a daily report; readers we did not write open what came out:
DuckDB the snapshot, Python's csv the lists, pypdf the PDF. PLUMBLINE_BIN names the binary. Nothing is skipped.
"""

import contextlib
import csv
import dataclasses
import functools
import io
import json
import os
import pathlib
import re
import subprocess
import unicodedata

import duckdb
import pypdf
import pytest

from rewriting_proxy import RewritingProxy

ACCOUNT = "000011112222"
REGION = "us-gov-west-1"
PLAIN_RULE = "s3-bucket-versioning-enabled"
SEEN = 1614536588.417
"""When results were recorded, in epoch seconds."""

VERBATIM = object()
"""The cell is the text that went in."""


@dataclasses.dataclass(frozen=True)
class Odd:
    """One result: what goes in, and what comes out where that differs from what went in."""

    name: str
    resource_id: str = "plain-id"
    annotation: str | None = "plain annotation"
    rule: str = PLAIN_RULE
    resource_type: str = "AWS::S3::Bucket"
    recorded: float = SEEN
    cell: object = VERBATIM
    """The annotation's or id's cell in the CSV, whichever is odd."""
    shown: str | tuple[str, ...] | None = None
    """What the PDF shows of it, spaces and line breaks left out; parts where the extractor puts them in another order;
    `None`: as it went in."""


LONG_ID = "arn:aws-us-gov:s3:::" + "/".join(f"part-{number:03}" for number in range(83))
LONG_ID += "x" * (768 - len(LONG_ID))
LONG_ANNOTATION = "Bucket policy allows public write; " * 7 + "end of text"
LONG_ANNOTATION = LONG_ANNOTATION.ljust(256, ".")

# What went in, and what came out.
ROWS = [
    Odd("no annotation", annotation=None, cell="", shown=""),
    Odd("an empty annotation", annotation="", cell="", shown=""),
    Odd("a leading newline", annotation="\nThe key was never rotated.", shown="The key was never rotated."),
    Odd("newlines within", annotation="one\r\ntwo\nthree", shown="one ↵ two ↵ three"),
    Odd("256 characters", annotation=LONG_ANNOTATION),
    Odd("256 characters in one word", annotation="w" * 256),
    Odd("emoji", annotation="bucket \U0001f4a5 exploded", shown="bucket[U+1F4A5]exploded"),
    Odd("a family of emoji", annotation="\U0001f468\u200d\U0001f469", shown="[U+1F468][U+200D][U+1F469]"),
    Odd("right to left", annotation="דלי ציבורי", shown=("דלי", "ציבורי")),
    Odd("an override of direction", annotation="safe\u202efdp.exe", shown="safe[U+202E]fdp.exe"),
    Odd("combining marks", annotation="Zu\u0308rich e\u0301te\u0301"),
    Odd("Han", annotation="存储桶", shown="[U+5B58][U+50A8][U+6876]"),
    Odd("Slack mentions", annotation="<!channel> <@U012> @here *bold* <https://evil.example|link>"),
    Odd("typst markup", annotation='#panic("no") $x$ *b* @ref <label> `raw` \\ // no'),
    Odd("typst calls", annotation='#import "secret.typ": x; #eval("1")'),
    Odd("a formula", annotation='=cmd|\' /C calc\'!A0', cell="'=cmd|' /C calc'!A0"),
    Odd("a formula after a plus", annotation="+1+1", cell="'+1+1"),
    Odd("a formula after a minus", annotation="-2+3", cell="'-2+3"),
    Odd("a formula after an at", annotation="@SUM(A1)", cell="'@SUM(A1)"),
    Odd("a formula after a tab", annotation="\t=1", cell="'\t=1", shown="=1"),
    Odd("CSV's own marks", annotation='"quoted", and; semicolon'),
    Odd("control characters", annotation="a\x00b\x07c\x1b[31mred\x7f", shown="a[U+0000]b[U+0007]c[U+001B][31mred[U+007F]"),
    Odd("an unpaired tag", annotation="</script><img src=x onerror=alert(1)>"),
    Odd("an id of 768 characters", resource_id=LONG_ID),
    Odd("an id that is a formula", resource_id="=HYPERLINK(\"x\")", cell="'=HYPERLINK(\"x\")"),
    Odd("an id of spaces inside", resource_id="two  spaces", shown="twospaces"),
    Odd("an id like a number", resource_id="000123"),
    Odd("an id with a slash and dots", resource_id="../../etc/passwd"),
    Odd("a rule with markup", rule="<!here> *rule* #panic()"),
    Odd("a rule of 128 characters", rule="r" * 128),
    Odd("a resource type nobody knows", resource_type="Custom::Thing::Äöü"),
    Odd("a result from the future", annotation="from the future", recorded=4102444800.0),
    Odd("a result from 1970", annotation="from the past", recorded=0.0),
]


def numbered(row, number):
    """Rows of the plain id are told apart by their place in the table."""
    return f"plain-{number:03}" if row.resource_id == "plain-id" else row.resource_id


def result(rule, resource_type, resource_id, compliance, annotation, recorded):
    qualifier = {"ConfigRuleName": rule, "ResourceType": resource_type, "ResourceId": resource_id}
    return {
        "EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": recorded},
        "ComplianceType": compliance,
        "ResultRecordedTime": recorded,
        "ConfigRuleInvokedTime": recorded,
        **({} if annotation is None else {"Annotation": annotation}),
    }


def recording(results, without_results=(), account=ACCOUNT):
    rules = {r["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ConfigRuleName"] for r in results}
    return {
        "AccountRules": len(rules | set(without_results)),
        "RulesWithNoResults": sorted(without_results),
        "Region": REGION,
        "AccountId": account,
        "EvaluationResults": results,
    }


def environment(url):
    """Without the AWS settings of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ}
    return kept | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("PLUMBLINE_BIN")
    assert path, "set PLUMBLINE_BIN to the plumbline binary"
    return path


@contextlib.contextmanager
def serving(binary, folder, recorded):
    """`plumbline simulate serve` of a recording."""
    file = folder / "recorded.json"
    file.write_text(json.dumps(recorded))
    command = [binary, "simulate", "serve", "--port", "0", "--recorded", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            line = server.stdout.readline()
            yield re.search(r"http://\S+", line).group(0)
        finally:
            server.kill()


@dataclasses.dataclass
class Report:
    """A report's folder as its readers open it."""

    folder: object
    stderr: str

    def document(self, name):
        return json.loads((self.folder / name).read_text())

    def rows(self, name):
        text = (self.folder / name).read_bytes().decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def snapshot(self):
        """(rule, type, id) → annotation and state, as DuckDB reads them."""
        files = self.folder / "snapshot/results/**/*.parquet"
        rows = duckdb.execute(
            f"""SELECT config_rule_name, resource_type, resource_id, annotation, compliance_type
                FROM read_parquet('{files}', hive_partitioning = false)"""
        ).fetchall()
        return {row[:3]: row[3:] for row in rows}

    @functools.cached_property
    def pdf_text(self):
        """All of the text, without white space and places to break."""
        pages = pypdf.PdfReader(self.folder / "report.pdf").pages
        return squeezed("".join(page.extract_text() for page in pages))


def squeezed(text):
    """Composed, as an extractor may give a base and its mark as one character or as two."""
    return unicodedata.normalize("NFC", re.sub(r"[\s\u200b\u00ad]+", "", text))


def report(binary, url, folder, settings="", expect=0):
    """A daily report over a server."""
    (folder / "settings.toml").write_text(settings)
    command = [binary, "report", "daily", "--json", "--aggregator", "organization", "--region", REGION]
    command += ["--settings", str(folder / "settings.toml"), "--out", str(folder / "out")]
    done = subprocess.run(command, env=environment(url), capture_output=True, text=True)
    assert done.returncode == expect, done.stderr
    if expect:
        return done.stderr
    return Report(pathlib.Path(json.loads(done.stdout)["folder"]), done.stderr)


@pytest.fixture(scope="module")
def odd(binary, tmp_path_factory):
    """One report of an account with every row of the table, and one compliant pair."""
    folder = tmp_path_factory.mktemp("odd")
    results = [
        result(row.rule, row.resource_type, numbered(row, number), "NON_COMPLIANT", row.annotation, row.recorded)
        for number, row in enumerate(ROWS)
    ]
    results.append(result(PLAIN_RULE, "AWS::S3::Bucket", "compliant", "COMPLIANT", None, SEEN))
    with serving(binary, folder, recording(results)) as url:
        yield report(binary, url, folder)


def key(row, number):
    return (row.rule, row.resource_type, numbered(row, number))


ROW = pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name for row in ROWS])


@ROW
def test_the_snapshot_holds_it_verbatim(odd, number):
    row = ROWS[number]
    annotation, state = odd.snapshot()[key(row, number)]
    assert (annotation or "", state) == (row.annotation or "", "NON_COMPLIANT")


@ROW
def test_the_list_holds_it_whole_and_it_is_no_formula(odd, number):
    row = ROWS[number]
    cells = [cells for cells in odd.rows("noncompliant.csv") if unguarded(cells["resource_id"]) == numbered(row, number)]
    assert len(cells) == 1, "counted once"
    went_in = {"resource_id": numbered(row, number), "annotation": row.annotation or "", "resource_type": row.resource_type}
    for column, text in went_in.items():
        assert unguarded(cells[0][column]) == text
    odd_column = "annotation" if row.resource_id == "plain-id" else "resource_id"
    expected = went_in[odd_column] if row.cell is VERBATIM else row.cell
    assert cells[0][odd_column] == expected
    assert cells[0]["account_id"] == ACCOUNT
    for cell in cells[0].values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@ROW
def test_the_pdf_shows_it_and_shows_it_whole(odd, number):
    row = ROWS[number]
    went_in = (row.rule, row.annotation or "", numbered(row, number), row.resource_type)
    shown = went_in if row.shown is None else (row.shown,) if isinstance(row.shown, str) else row.shown
    for text in shown:
        assert squeezed(text) in odd.pdf_text


def unguarded(cell):
    return cell[1:] if re.match(r"'[=+\-@\t\r]", cell) else cell


def test_each_is_counted_once(odd):
    organization = odd.document("scorecard.json")["organization"]
    assert organization["pairs"] == {"compliant": 1, "noncompliant": len(ROWS)}
    assert len(odd.rows("noncompliant.csv")) == len(ROWS)


def test_nothing_in_the_digest_is_a_mention_or_a_link_of_theirs(odd):
    digest = (odd.folder / "digest.json").read_text()
    assert "&lt;!here&gt; " in digest, "the rule's name is there, and is text"
    for mark in ["<!", "<@", "<#", "<https://evil"]:
        assert mark not in digest


def test_a_time_in_the_future_makes_no_negative_age(odd):
    scorecard = odd.document("scorecard.json")
    future = next(r for r in odd.rows("noncompliant.csv") if r["annotation"] == "from the future")
    assert future["noncompliant_since"] <= scorecard["as_of"]
    ages = scorecard["ages"]
    assert ages["open"] == sum(ages["classes"]) == len(ROWS)
    assert ages["mean_seconds"] >= 0


# Worlds: an organization whose shape is odd. What the sources say, and what the report says of it.


def plain(number, compliance="NON_COMPLIANT", rule=PLAIN_RULE):
    return result(rule, "AWS::S3::Bucket", f"bucket-{number}", compliance, None, SEEN)


def world(binary, folder, results, rewrite=lambda operation, document: document, settings="", **kept):
    recorded = recording(results, **kept)
    with serving(binary, folder, recorded) as url, RewritingProxy(url, rewrite) as proxy:
        return report(binary, proxy.url, folder, settings)


def test_an_account_with_no_result_has_no_score(binary, tmp_path):
    scorecard = world(binary, tmp_path, [], without_results=[PLAIN_RULE]).document("scorecard.json")
    assert scorecard["organization"]["compliance_score"] is None
    account = scorecard["accounts"][0]
    assert (account["account_id"], account["scores"]["compliance_score"]) == (ACCOUNT, None)


def test_an_account_with_no_rule_has_no_score(binary, tmp_path):
    made = world(binary, tmp_path, [])
    assert made.document("scorecard.json")["accounts"][0]["scores"]["compliance_score"] is None
    assert "nodata" in made.pdf_text
    assert "no data" in (made.folder / "digest.json").read_text()


@pytest.mark.parametrize("settings", ["", f'[collection]\nexpected_accounts = ["{ACCOUNT}"]\n'], ids=["", "expected"])
def test_no_source_at_all_is_refused_with_what_to_do(binary, tmp_path, settings):
    def nobody(operation, document):
        if "AggregatedSourceStatusList" in document:
            document["AggregatedSourceStatusList"] = []
        return document

    with serving(binary, tmp_path, recording([plain(1)])) as url, RewritingProxy(url, nobody) as proxy:
        said = report(binary, proxy.url, tmp_path, settings, expect=4)
    assert "Coverage.NoSources" in said and "check its sources" in said
    assert not list(tmp_path.glob("out/**/manifest.json")), "nothing is a report"


def test_an_account_that_is_expected_and_does_not_report_is_missing(binary, tmp_path):
    settings = f'[collection]\nexpected_accounts = ["{ACCOUNT}", "000000000001"]\n'
    made = world(binary, tmp_path, [plain(1, "COMPLIANT")], settings=settings)
    accounts = {a["account_id"]: a for a in made.document("scorecard.json")["accounts"]}
    assert accounts["000000000001"]["completeness"] == "missing"
    assert accounts["000000000001"]["scores"]["compliance_score"] is None
    assert "000000000001" in made.pdf_text


def test_an_account_that_nobody_expected_counts_and_is_named(binary, tmp_path):
    settings = '[collection]\nexpected_accounts = ["000000000001"]\n'
    made = world(binary, tmp_path, [plain(1, "COMPLIANT"), plain(2)], settings=settings)
    scorecard = made.document("scorecard.json")
    assert scorecard["organization"]["pairs"] == {"compliant": 1, "noncompliant": 1}
    scope = next(s for s in scorecard["context"]["coverage"]["scopes"] if s["source"]["account_id"] == ACCOUNT)
    assert scope["expected"] is False
    assert "notexpected" in made.pdf_text.lower()


def test_a_compliance_type_nobody_knows_is_missing_and_never_compliant(binary, tmp_path):
    def perhaps(operation, document):
        for entry in document.get("AggregateEvaluationResults", []):
            if entry["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"] == "bucket-2":
                entry["ComplianceType"] = "PERHAPS"
        return document

    made = world(binary, tmp_path, [plain(1), plain(2), plain(3, rule="encrypted-volumes")], perhaps)
    scorecard = made.document("scorecard.json")
    assert scorecard["organization"]["pairs"] == {"compliant": 0, "noncompliant": 1}
    gaps = json.dumps(scorecard["context"]["coverage"]["scopes"])
    assert PLAIN_RULE in gaps and "Config.InvalidAnswer" in gaps
    assert "s3-bucket-versioning-enabled" in made.pdf_text


def test_a_source_state_nobody_knows_is_not_taken_for_success(binary, tmp_path):
    def strange(operation, document):
        for source in document.get("AggregatedSourceStatusList", []):
            source["LastUpdateStatus"] = "MAYBE"
        return document

    made = world(binary, tmp_path, [plain(1, "COMPLIANT")], strange)
    scorecard = made.document("scorecard.json")
    assert scorecard["organization"]["compliance_score"] is None
    scope = scorecard["context"]["coverage"]["scopes"][0]
    assert scope["missing"]["code"] == "Coverage.SourceFailed" and "MAYBE" in scope["missing"]["reason"]


def test_one_account_is_a_report_like_any_other(binary, tmp_path):
    made = world(binary, tmp_path, [plain(1, "COMPLIANT"), plain(2)])
    scorecard = made.document("scorecard.json")
    assert [a["account_id"] for a in scorecard["accounts"]] == [ACCOUNT]
    assert scorecard["organization"]["compliance_score"] == 0.5

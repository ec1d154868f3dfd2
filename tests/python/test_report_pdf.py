"""pypdf, a reader we did not write, opens the report that the command line wrote.

PLUMBLINE_OUT names the folder of `--out`; without it the test fails, as a test that skips proves nothing.
"""

import hashlib
import json
import os
from pathlib import Path

import pypdf
import pytest

CARRIED = {"scorecard.json", "new.csv", "resolved.csv", "vanished.csv", "noncompliant.csv"}
CARRIED |= {"fix-first.csv", "exceptions.csv", "merged.csv"}


@pytest.fixture(scope="module")
def bundle():
    folder = os.environ.get("PLUMBLINE_OUT")
    assert folder, "set PLUMBLINE_OUT to the folder that `plumbline report --out` wrote"
    [manifest] = Path(folder).glob("daily/*/*/manifest.json")
    return manifest.parent


@pytest.fixture(scope="module")
def report(bundle):
    return pypdf.PdfReader(bundle / "report.pdf")


@pytest.fixture(scope="module")
def manifest_of_data(report):
    [data] = report.attachments["data-manifest.json"]
    return json.loads(data)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_the_report_carries_the_very_files_of_the_bundle(report, bundle):
    assert set(report.attachments) == CARRIED | {"data-manifest.json"}
    for name in CARRIED:
        [data] = report.attachments[name]
        assert data == (bundle / name).read_bytes(), name


def test_the_manifest_of_data_names_every_file_as_the_manifest_of_the_bundle_does(bundle, manifest_of_data):
    outer = json.loads((bundle / "manifest.json").read_text())
    assert manifest_of_data["run_id"] == outer["run_id"]
    assert manifest_of_data["simulation"] == outer["simulation"]
    outer = {file["name"]: file for file in outer["files"]}
    files = {file["name"]: file for file in manifest_of_data["files"]}
    assert set(files) == CARRIED
    for name, file in files.items():
        for field in ("sha256", "bytes", "rows", "media_type"):
            assert file[field] == outer[name][field], (name, field)
        assert file["attached"] == (file["bytes"] <= manifest_of_data["attached_up_to_bytes"])


def test_every_attachment_says_what_it_is_to_the_document(report, manifest_of_data):
    specs = [spec.get_object() for spec in report.trailer["/Root"]["/AF"]]
    found = {spec["/UF"]: spec for spec in specs}
    for file in manifest_of_data["files"]:
        spec = found[file["name"]]
        assert spec["/AFRelationship"] == "/" + file["AFRelationship"]
        assert spec["/Desc"] == file["description"]
        embedded = spec["/EF"]["/F"].get_object()
        assert embedded["/Subtype"] == "/" + file["media_type"]
        assert sha256(embedded.get_data()) == file["sha256"]
    assert found["data-manifest.json"]["/AFRelationship"] == "/Supplement"


def elements(node, kinds):
    """Every structure element under a node, and the kinds it is within."""
    children = node.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        child = child.get_object()
        if isinstance(child, dict) and "/S" in child:
            yield child, kinds
            yield from elements(child, [*kinds, child["/S"]])


def test_it_is_an_archive_and_accessible_at_once(report):
    root = report.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in metadata and "<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert root["/Lang"] and root["/MarkInfo"]["/Marked"] and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert report.metadata.title
    titles = [entry.title for entry in report.outline if not isinstance(entry, list)]
    assert any("Full lists" in title for title in titles), titles


def test_the_lists_are_tables_with_heads_for_who_cannot_see_them(report, bundle):
    found = list(elements(report.trailer["/Root"]["/StructTreeRoot"], []))
    kinds = [element["/S"] for element, _ in found]
    rows = sum(file["rows"] for file in json.loads((bundle / "manifest.json").read_text())["files"] if file["name"].endswith(".csv"))
    assert kinds.count("/TR") > rows
    assert "/THead" in kinds
    for element, within in found:
        if element["/S"] in ("/TD", "/TH"):
            assert within[-1] == "/TR" and "/Table" in within

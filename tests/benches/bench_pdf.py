"""The report as PDF, beside ReportLab making a table of the same rows."""

from __future__ import annotations

import re
import shutil

from bench import Table, Tools, TooSlow, megabytes, seconds

SIZES = [1_000, 5_000, 20_000, 100_000]
QUICK = [200, 1_000]
PATIENCE = 300.0
"""Seconds that the peer is given for one document: its time grows with the square of the rows."""


def run(tools: Tools) -> list[Table]:
    table = Table(
        "Rows of what is noncompliant, as PDF",
        ["rows", "program", "wall", "processor", "peak memory", "of it given", "documents", "pages", "size", "times faster"],
        [],
        "Ours is the whole report: the sections of 50 accounts and 100 rules before the list, PDF/A-3b and PDF/UA-1, "
        "tagged, the data attached, in volumes of some 1,400 rows on two threads. ReportLab's is the table alone, "
        "untagged, in one document of one thread. Both begin with reading or making the rows and end with the files on "
        "disk; pages are counted afterwards. \"Given\" is what the process holds before it renders: the rows that whoever "
        "asks for a report has.",
    )
    for rows in QUICK if tools.quick else SIZES:
        table.rows += compare(tools, rows)
    return [table]


def compare(tools: Tools, rows: int) -> list[list[str]]:
    data = tools.scratch / f"pdf-{rows}.csv"
    data.write_text(tools.measure([tools.program("bench-pdf"), str(rows), "data"]).stdout, newline="")
    folder = tools.scratch / f"pdf-{rows}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    runs = 3 if rows < 20_000 else 1
    ours = tools.measure([tools.program("bench-pdf"), str(rows), str(folder)], runs)
    pdfs = sorted(folder.glob("*.pdf"))
    pages = sum(page_count(pdf.read_bytes()) for pdf in pdfs)
    size = sum(pdf.stat().st_size for pdf in pdfs) / 1e6
    target = tools.scratch / f"reportlab-{rows}.pdf"
    try:
        theirs = tools.measure([*tools.peer("peer_pdf.py"), str(data), str(target)], runs, PATIENCE)
    except TooSlow:
        faster = f"over {PATIENCE / ours.wall:.1f}"
        peer = [f"{rows:,}", "ReportLab", f"stopped after {seconds(PATIENCE)}", *[""] * 7]
    else:
        answer = theirs.result()
        if answer["rows"] != rows:
            raise SystemExit(f"the peer made {answer['rows']} rows of {rows}")
        faster = f"{theirs.wall / ours.wall:.1f}"
        peer = line(rows, "ReportLab", theirs, "", 1, answer["pages"], target.stat().st_size / 1e6, "")
    shutil.rmtree(folder)
    target.unlink(missing_ok=True)
    given = megabytes(ours.result()["given_kib"] * 1024 / 1e6)
    return [line(rows, "plumbline", ours, given, len(pdfs), pages, size, faster), peer]


def line(rows, program, figure, given, documents, pages, size, faster) -> list[str]:
    return [
        f"{rows:,}",
        program,
        seconds(figure.wall),
        seconds(figure.cpu),
        megabytes(figure.peak_mb),
        given,
        f"{documents:,}",
        f"{pages:,}",
        megabytes(size),
        faster,
    ]


def page_count(pdf: bytes) -> int:
    """Pages of one of our documents: each is an object of this type, and none is in a compressed stream."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))

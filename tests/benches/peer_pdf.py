"""ReportLab making the table of a CSV list: the columns of our full lists, wrapped where ours wrap, heads repeated on each
page. `python peer_pdf.py LIST.csv OUT.pdf`. Prints rows and pages as JSON."""

import csv
import json
import pathlib
import sys
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, TableStyle

FONTS = pathlib.Path(__file__).resolve().parent.parent.parent / "report-templates" / "pdf" / "fonts"


def main(source: str, target: str) -> None:
    # ReportLab embeds TrueType only; ours embeds Inter beside it.
    pdfmetrics.registerFont(TTFont("Sans", str(FONTS / "DejaVuSans.ttf")))
    pdfmetrics.registerFont(TTFont("Mono", str(FONTS / "JetBrainsMono-Regular.ttf")))
    plain = ParagraphStyle("plain", fontName="Sans", fontSize=6.2, leading=8)
    broken = ParagraphStyle("broken", parent=plain, splitLongWords=1)
    head = ParagraphStyle("head", parent=plain, textColor=colors.HexColor("#1f4e79"))
    titles = ["Severity", "Rule", "Resource, region and reason", "Open since"]
    rows = [[Paragraph(title, head) for title in titles]]
    with open(source, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            resource = f'<font name="Mono">{escape(row["resource_id"])}</font><br/>'
            resource += escape(f'{row["resource_type"]} · {row["aws_region"]}')
            if row["annotation"].strip():
                resource += "<br/>" + escape(row["annotation"].strip())
            rows.append(
                [
                    row["severity"].capitalize(),
                    Paragraph(escape(row["rule"]), plain),
                    Paragraph(resource, broken),
                    f'{row["noncompliant_since"][:10]}',
                ]
            )
    table = LongTable(rows, colWidths=[39, 122, None, 62], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Sans", 6.2),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.35, colors.HexColor("#d9dee3")),
                ("TOPPADDING", (0, 0), (-1, -1), 2.4),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.4),
                ("LEFTPADDING", (0, 0), (-1, -1), 2.5),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ]
        )
    )
    document = SimpleDocTemplate(
        target, pagesize=A4, leftMargin=17 * mm, rightMargin=17 * mm, topMargin=21 * mm, bottomMargin=17 * mm
    )
    document.build([table])
    print(json.dumps({"rows": len(rows) - 1, "pages": document.page}))


if __name__ == "__main__":
    main(*sys.argv[1:])

//! Lists that are too long for one document go on in further volumes, and nothing is left out.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

use compliance::progress::Silent;
use compliance::scorecard::PairRow;
use render_report::{Artifacts, Document, PdfOptions, RenderInput};

mod samples;
use samples::{Shape, sample};

/// Some 70 rows a volume.
const BUDGET: u64 = 24_000;

/// Noncompliant rows with a resource and a reason of their own each. A first report: nothing is shown twice.
fn input(rows: usize) -> RenderInput {
    let mut input = sample(&Shape {
        accounts: 5,
        rules: 12,
        first_run: true,
        ..Shape::default()
    });
    let base = std::mem::take(&mut input.lists.noncompliant);
    input.lists.noncompliant = base.iter().cycle().take(rows).cloned().collect();
    for (number, row) in input.lists.noncompliant.iter_mut().enumerate() {
        row.key.resource_id = format!("resource{number:05}");
        row.annotation = Some(format!(
            "\nreason{number:05} is given on a line of its own, and on a second one, since it is long"
        ));
    }
    input
}

fn squeezed(page: &str) -> String {
    page.split_whitespace().collect()
}

fn documents(input: &RenderInput) -> Vec<Document> {
    let artifacts = Artifacts::new(input, BUDGET, &Silent);
    (0..artifacts.volumes())
        .map(|index| artifacts.document(index).unwrap())
        .collect()
}

/// The numbers after `word` on a page.
fn numbers(page: &str, word: &str) -> Vec<usize> {
    let after = page.split(word).skip(1);
    after.filter_map(|text| text.get(..5)?.parse().ok()).collect()
}

#[test]
fn every_row_stands_once_in_all_volumes_whole_on_its_page_under_its_heads() {
    let input = input(300);
    let documents = documents(&input);
    assert!(documents.len() > 3, "{} volumes", documents.len());
    let mut shown = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        assert_eq!(document.warnings(), []);
        assert_eq!(document.text_outside_the_margins(), Vec::<String>::new());
        assert_eq!(document.overlapping_texts(), Vec::<String>::new());
        let pages: Vec<_> = document.page_texts().iter().map(|page| squeezed(page)).collect();
        for (number, page) in pages.iter().enumerate() {
            assert!(
                page.contains(&format!("Page{}of{}", number + 1, pages.len())),
                "{page}"
            );
            assert!(page.contains("SIMULATEDDATA") && page.contains(&squeezed(&input.scorecard.run_id)));
            let volume = format!("Volume{}of{}", index + 1, documents.len());
            assert_eq!(page.contains(&volume), index > 0, "{page}");
            let rows = numbers(page, "resource");
            assert_eq!(
                rows,
                numbers(page, "reason"),
                "a row is on one page, and so is its reason"
            );
            if !rows.is_empty() {
                assert!(page.contains("Resource,regionandreason"), "{page}");
                let accounts: Vec<&PairRow> =
                    rows.iter().map(|row| &input.lists.noncompliant[*row]).collect();
                let ids: BTreeSet<&str> = accounts.iter().map(|row| row.key.account_id.as_str()).collect();
                assert!(
                    ids.iter().all(|id| page.contains(id)),
                    "the account's head is repeated: {page}"
                );
            }
            shown.extend(rows);
        }
    }
    shown.sort_unstable();
    assert_eq!(shown, (0..300).collect::<Vec<_>>());
}

#[test]
fn the_first_volume_and_each_of_the_others_say_which_rows_they_hold() {
    let input = input(150);
    let documents = documents(&input);
    let texts: Vec<String> = documents
        .iter()
        .map(|document| squeezed(&document.page_texts().concat()))
        .collect();
    assert_eq!(texts.len(), 3);
    let last = input.lists.noncompliant.len();
    for (index, text) in texts.iter().enumerate().skip(1) {
        let file = format!("report-volume-{}.pdf", index + 1);
        assert!(texts[0].contains(&file) && text.contains(&file), "{file}");
        let line = text.split("Accounts").nth(1).unwrap();
        let line = &line[..line.find("Noncompliant,continued").unwrap()];
        assert!(line.contains(&format!("of{last}")), "{line}");
        assert!(texts[0].contains(line), "volume 1 says the same: {line}");
    }
    assert!(
        squeezed(&documents[0].page_texts()[0])
            .contains("in2furthervolumes,report-volume-2.pdftoreport-volume-3.pdf"),
        "the summary names them"
    );
}

#[test]
fn the_files_are_the_report_and_its_volumes_each_conforming_and_the_same_bytes_again() {
    let input = input(150);
    let make = || -> Vec<_> {
        Artifacts::new(&input, BUDGET, &Silent)
            .map(Result::unwrap)
            .collect()
    };
    let artifacts = make();
    let files: Vec<_> = artifacts
        .iter()
        .filter(|file| file.media_type == "application/pdf")
        .map(|file| (file.name.as_str(), file.rows.is_some()))
        .collect();
    assert_eq!(
        files,
        [
            ("report.pdf", false),
            ("report-volume-2.pdf", true),
            ("report-volume-3.pdf", true)
        ]
    );
    let further: u64 = artifacts
        .iter()
        .filter(|file| file.name.starts_with("report-volume-"))
        .filter_map(|file| file.rows)
        .sum();
    assert!(0 < further && further < 150, "{further} rows in further volumes");
    for file in artifacts
        .iter()
        .filter(|file| file.media_type == "application/pdf")
    {
        let text = String::from_utf8_lossy(&file.bytes);
        for said in [
            "<pdfaid:part>3</pdfaid:part>",
            "<pdfuaid:part>1</pdfuaid:part>",
            "/Outlines",
        ] {
            assert!(text.contains(said), "{} lacks {said}", file.name);
        }
    }
    assert!(artifacts == make(), "two runs differ");
}

#[test]
fn a_calm_report_is_one_document_and_speaks_of_no_volumes() {
    let input = input(0);
    let documents = documents(&input);
    assert_eq!(documents.len(), 1);
    let text = squeezed(&documents[0].page_texts().concat());
    assert!(text.contains("Nopairisnoncompliantnow.") && !text.contains("olume"));
    documents[0]
        .to_pdf(&PdfOptions {
            ident: "a".to_owned(),
            creator: "b".to_owned(),
        })
        .unwrap();
}

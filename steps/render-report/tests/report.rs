//! What a reader of the files finds in them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use compliance::definitions::DEFINITIONS;
use compliance::progress::Silent;
use compliance::report::LeftOut;
use compliance::scorecard::PairRow;
use render_report::{Document, PdfOptions, RenderInput, View, pdf};

mod samples;
use samples::cases;

fn document(input: &RenderInput) -> Document {
    let view = View::new(&input.scorecard, &input.lists, &input.settings);
    let document = Document::new(&view).unwrap();
    assert_eq!(document.warnings(), [], "the compiler warns");
    document
}

/// The text of all pages with neither breaks nor spaces, so that wrapping does not matter.
fn squeezed(pages: &[String]) -> String {
    pages.concat().split_whitespace().collect()
}

fn occurrences(text: &str, what: &str) -> usize {
    let what: String = what.split_whitespace().collect();
    text.matches(what.as_str()).count()
}

/// Holds what every report must: written under the standards, numbered, every row and every definition there.
fn check(input: &RenderInput) -> Vec<String> {
    let document = document(input);
    let bytes = document
        .to_pdf(&PdfOptions {
            ident: "a".to_owned(),
            creator: "test".to_owned(),
        })
        .unwrap();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let pages = document.page_texts();
    for (index, page) in pages.iter().enumerate() {
        let number = format!("Page {} of {}", index + 1, pages.len());
        let page: String = page.replace('\n', "");
        assert!(page.contains(&number), "{number} is missing: {page}");
        assert_eq!(
            page.contains("SIMULATED DATA"),
            input.scorecard.simulation.is_some(),
            "page {index}"
        );
    }
    let whole = squeezed(&pages);
    for definition in DEFINITIONS {
        assert!(
            occurrences(&whole, definition.meaning) == 1,
            "{}",
            definition.term
        );
    }
    pages
}

fn golden(name: &str, input: &RenderInput) {
    let pages = check(input);
    let text: Vec<String> = pages
        .iter()
        .enumerate()
        .map(|(index, page)| format!("=== page {} ===\n{page}", index + 1))
        .collect();
    insta::assert_snapshot!(name, text.join("\n"));
}

#[test]
fn a_normal_day() {
    let input = cases::normal();
    golden("normal", &input);
}

#[test]
fn twelve_weeks() {
    check(&cases::weekly());
}

#[test]
fn every_row_of_every_list_is_there() {
    let input = cases::one_account();
    let whole = squeezed(&check(&input));
    // The one list a row is always in is that of its state; some are shown in a section as well.
    let lists = &input.lists;
    for rows in [&lists.new, &lists.resolved, &lists.vanished, &lists.noncompliant] {
        for row in rows {
            assert!(
                occurrences(&whole, &row.key.resource_id) > 0,
                "{}",
                row.key.resource_id
            );
        }
    }
    let types = |rows: &[PairRow]| {
        rows.iter()
            .filter(|row| row.key.resource_type == "AWS::IAM::User")
            .count()
    };
    let listed =
        types(&lists.new) + types(&lists.resolved) + types(&lists.vanished) + types(&lists.noncompliant);
    assert!(occurrences(&whole, "AWS::IAM::User") >= listed);
}

#[test]
fn a_first_run_has_no_deltas() {
    let input = cases::first_run();
    golden("first-run", &input);
    let whole = squeezed(&document(&input).page_texts());
    assert!(occurrences(&whole, "nothing to compare with") >= 2);
    for absent in [
        "points since",
        "Vanished by cause",
        "The compliance score fell",
        "The compliance score rose",
        "±0.0",
    ] {
        assert_eq!(occurrences(&whole, absent), 0, "{absent}");
    }
}

#[test]
fn missing_coverage_is_said_on_the_first_page_and_in_its_section() {
    let pages = check(&cases::missing_coverage());
    let first = squeezed(&pages[..1]);
    assert!(
        occurrences(&first, "Coverage is incomplete: 38 of 42 scopes") == 1,
        "{first}"
    );
    assert!(occurrences(&first, "no source returned from ap-southeast-2") == 1);
    let whole = squeezed(&pages);
    for said in [
        "not collected",
        "no data",
        "Coverage.SourceFailed",
        "Config.Throttled",
        "OUTDATED",
        "2026-11-18 01:12 UTC",
    ] {
        assert!(occurrences(&whole, said) > 0, "{said}");
    }
}

#[test]
fn an_earlier_snapshot_that_is_damaged_is_named_where_readers_look_for_it() {
    let mut input = cases::normal();
    let left_out = LeftOut {
        id: "20261119T060000Z-000000000000".to_owned(),
        as_of: "2026-11-19T06:00:00Z".parse().unwrap(),
        code: "Store.Damaged".to_owned(),
    };
    input.scorecard.inputs.left_out = vec![left_out];
    input.scorecard.inputs.passed_over = vec!["daily-20261119T060000Z-aaaaaaaaaaaa".to_owned()];
    let whole = squeezed(&check(&input));
    for said in [
        "Earlier snapshots not used",
        "the snapshot of 2026-11-19 06:00 UTC is damaged and was not used",
        "Damaged reports since, passed over",
        "daily-20261119T060000Z-aaaaaaaaaaaa",
    ] {
        assert_eq!(occurrences(&whole, said), 1, "{said}");
    }
    let listed = "left out 2026-11-19 06:00 UTC 20261119T060000Z-000000000000 is damaged and was not used";
    assert_eq!(occurrences(&whole, listed), 1, "in its place among the snapshots");
}

#[test]
fn fix_first_says_what_is_gained_and_where_the_rest_is() {
    let input = cases::normal();
    let pages = check(&input);
    let fix = &input.scorecard.fix_first;
    assert!(fix.repairs > 10 && fix.excepted.pairs > 0);
    let first = squeezed(&pages[..1]);
    assert!(
        occurrences(
            &first,
            &format!(
                "these 3 of {} repairs take the compliance score from",
                fix.repairs
            )
        ) == 1
    );
    let whole = squeezed(&pages);
    for said in [
        format!("10 of {}; all in fix-first.csv", fix.repairs),
        format!(
            "Left out: {} noncompliant pairs under an exception in force",
            fix.excepted.pairs
        ),
        format!("first {} gain half", fix.half),
    ] {
        assert_eq!(occurrences(&whole, &said), 1, "{said}");
    }
}

#[test]
fn every_exception_is_in_the_register_and_on_the_rows_it_speaks_for() {
    let input = cases::normal();
    let whole = squeezed(&check(&input));
    for entry in &input.scorecard.exceptions.entries {
        for said in [
            &entry.id,
            &entry.terms.reason,
            &entry.terms.owner,
            &entry.terms.approver,
        ] {
            assert!(occurrences(&whole, said) > 0, "{said}");
        }
    }
    for said in [
        "Matches nothing",
        "approved by its owner",
        "term over one year",
        "1 exception expires within 14 days",
    ] {
        assert!(occurrences(&whole, said) > 0, "{said}");
    }
    let until = |id: &str| {
        let of = |row: &&PairRow| row.exception.as_ref().is_some_and(|exception| exception.id == id);
        let lists = &input.lists;
        lists.new.iter().chain(&lists.noncompliant).filter(of).count()
    };
    assert!(until("SEC-214") > 0);
    assert!(occurrences(&whole, "Exception SEC-214 until 2027-05-31") >= until("SEC-214"));
    assert!(occurrences(&whole, "Exception exception-3 expired on 2026-11-15") >= until("exception-3"));
}

#[test]
fn tables_beside_the_lists_hold_every_row() {
    let input = cases::normal();
    let artifacts: Vec<_> = render_report::run(&input, &Silent).map(Result::unwrap).collect();
    let rows = |name: &str| {
        let file = artifacts.iter().find(|file| file.name == name).unwrap();
        let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(file.rows, Some(rows.len() as u64), "{name}");
        rows
    };
    let results: usize = input
        .lists
        .disagreements
        .iter()
        .map(|pair| pair.results.len())
        .sum();
    assert_eq!(
        (rows("merged.csv").len(), rows("exceptions.csv").len()),
        (results, 4)
    );
    let repairs = rows("fix-first.csv");
    assert_eq!(repairs.len(), input.lists.repairs.len());
    assert_eq!(
        (&repairs[0][0], &repairs[0][1]),
        ("1", &*input.lists.repairs[0].rule)
    );
    let points: f64 = repairs.iter().map(|row| row[10].parse::<f64>().unwrap()).sum();
    assert!((points - 100.0 * input.scorecard.fix_first.all.gain.compliance).abs() < 0.001);
}

#[test]
fn no_accounts_at_all_is_still_a_report() {
    golden("zero-accounts", &cases::zero_accounts());
}

#[test]
fn hostile_text_is_shown_and_never_executed() {
    let input = cases::hostile();
    let whole = squeezed(&check(&input));
    for shown in [
        "#panic(\"executed\")",
        "*bold*_emphasis_$x^2$@label<label>=Heading",
        "[U+202E]desrever[U+202C]",
        "[U+65E5]",
        "\u{21B5}andgoeson",
    ] {
        assert!(whole.contains(shown), "{shown}");
    }
    assert!(
        whole.contains(&cases::long_id()),
        "a long id is whole, without characters put in to break it"
    );
}

#[test]
fn nothing_leaves_the_page_or_stands_on_other_text() {
    for input in [cases::normal(), cases::hostile(), cases::missing_coverage()] {
        let document = document(&input);
        assert_eq!(document.text_outside_the_margins(), Vec::<String>::new());
        assert_eq!(document.text_on_text(), Vec::<String>::new());
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let input = cases::one_account();
    let view = View::new(&input.scorecard, &input.lists, &input.settings);
    let options = PdfOptions {
        ident: input.scorecard.run_id,
        creator: "Plumbline".to_owned(),
    };
    let (first, warnings) = pdf(&view, &options).unwrap();
    assert_eq!(
        (pdf(&view, &options).unwrap().0 == first, warnings),
        (true, vec![])
    );
}

#[test]
fn the_files_of_a_report() {
    let input = cases::zero_accounts();
    let mut artifacts: Vec<_> = render_report::run(&input, &Silent).map(Result::unwrap).collect();
    artifacts.sort_by(|a, b| a.name.cmp(&b.name));
    let files: Vec<_> = artifacts
        .iter()
        .map(|file| (file.name.as_str(), file.media_type, file.rows))
        .collect();
    assert_eq!(
        files,
        [
            ("digest.json", "application/json", None),
            ("exceptions.csv", "text/csv", Some(0)),
            ("fix-first.csv", "text/csv", Some(0)),
            ("merged.csv", "text/csv", Some(0)),
            ("new.csv", "text/csv", Some(0)),
            ("noncompliant.csv", "text/csv", Some(0)),
            ("report.pdf", "application/pdf", None),
            ("resolved.csv", "text/csv", Some(0)),
            ("scorecard.json", "application/json", None),
            ("vanished.csv", "text/csv", Some(0)),
        ]
    );
    let scorecard: compliance::scorecard::Scorecard = serde_json::from_slice(&artifacts[8].bytes).unwrap();
    assert_eq!(scorecard, input.scorecard);
}

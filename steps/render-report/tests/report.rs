//! What a reader of the files finds in them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use compliance::coverage::Gap;
use compliance::definitions;
use compliance::progress::Silent;
use compliance::report::{LeftOut, PeriodEvents};
use compliance::scorecard::PairRow;
use render_report::{Document, PdfOptions, RenderInput, View};

mod samples;
mod structure;

use samples::cases;
use structure::Structure;

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

/// A report that holds what every report must.
struct Checked {
    /// The text of each page, run by run.
    pages: Vec<String>,
    /// The lines of each page, as one sees them.
    lines: Vec<Vec<String>>,
    structure: Structure,
}

/// Written under the standards, readable by a screen reader, numbered, labelled, every definition there, and no text
/// over another or outside the page.
fn check(input: &RenderInput) -> Checked {
    let document = document(input);
    let options = PdfOptions {
        ident: "a".to_owned(),
        creator: "test".to_owned(),
    };
    let bytes = document.to_pdf(&options).unwrap();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let checked = Checked {
        pages: document.page_texts(),
        lines: document.page_lines(),
        structure: Structure::read(&bytes),
    };
    check_pages(input, &checked.pages);
    check_structure(input, &checked.structure);
    assert_eq!(document.text_outside_the_margins(), Vec::<String>::new());
    assert_eq!(document.overlapping_texts(), Vec::<String>::new());
    checked
}

fn check_pages(input: &RenderInput, pages: &[String]) {
    for (index, page) in pages.iter().enumerate() {
        let number = format!("Page {} of {}", index + 1, pages.len());
        let page = page.replace('\n', "").replace('\u{A0}', " ");
        assert!(page.contains(&number), "{number} is missing: {page}");
        assert_eq!(
            page.contains("SIMULATED DATA"),
            input.scorecard.simulation.is_some(),
            "page {index}"
        );
        assert_eq!(
            page.contains("INCOMPLETE:") || page.contains("NOTHING COLLECTED"),
            !input.scorecard.context.coverage.is_complete() || input.scorecard.accounts.is_empty(),
            "page {index}"
        );
    }
    let whole = squeezed(pages);
    for definition in definitions::of_report(input.scorecard.events.is_some()) {
        assert!(
            occurrences(&whole, definition.meaning) == 1,
            "{}",
            definition.term
        );
    }
}

fn check_structure(input: &RenderInput, structure: &Structure) {
    assert_eq!(structure.faults(), Vec::<String>::new());
    assert!(structure.tagged && structure.shows_title);
    assert_eq!(structure.language, "en");
    let said = |what: &str| {
        assert!(
            structure.metadata.contains(what),
            "{what}: {}",
            structure.metadata
        );
    };
    said("<dc:title>");
    said("<pdfaid:part>3</pdfaid:part>");
    said("<pdfaid:conformance>B</pdfaid:conformance>");
    said("<pdfuaid:part>1</pdfuaid:part>");
    let headings = structure.root.all().into_iter().filter(|part| part.kind == "H1");
    for heading in headings.map(|heading| heading.text()) {
        let bookmarked = structure.bookmarks.contains(&(0, heading.clone()));
        assert!(bookmarked || heading == "Contents", "no bookmark of {heading}");
    }
    let figures = structure
        .root
        .all()
        .into_iter()
        .filter(|part| part.kind == "Figure");
    let drawn = input
        .scorecard
        .accounts
        .iter()
        .filter(|account| account.trend.iter().flatten().count() > 1);
    assert!(
        figures.count() >= drawn.count(),
        "an account's trend line says nothing"
    );
}

/// Holds text and structure. Pages without a heading continue a table: of them the number of lines is held.
fn golden(name: &str, checked: &Checked) {
    let bookmarks = checked
        .structure
        .bookmarks
        .iter()
        .map(|(_, title)| title.as_str());
    // Headings of the second level show no number.
    let bare = |title: &'_ str| {
        title
            .trim_start_matches(|one: char| one.is_ascii_digit() || one == '.')
            .trim_start()
            .to_owned()
    };
    let titles: Vec<String> = bookmarks
        .flat_map(|title| [title.to_owned(), bare(title)])
        .chain(["Contents".to_owned()])
        .collect();
    let mut out = String::new();
    for (index, lines) in checked.lines.iter().enumerate() {
        let headed = lines.iter().any(|line| titles.contains(line));
        let page = if headed {
            lines.join("\n")
        } else {
            format!("({} lines that continue)", lines.len())
        };
        out.push_str(&format!("=== page {} ===\n{page}\n", index + 1));
    }
    insta::assert_snapshot!(name, out);
    insta::assert_snapshot!(format!("{name}-structure"), checked.structure.outline());
}

/// The first page stands alone: the contents follow on the second.
fn check_summary_is_one_page(checked: &Checked) {
    assert!(checked.pages[1].contains("How to read this report"));
}

#[test]
fn days_weeks_and_sizes_look_as_they_did() {
    for (name, make) in [
        ("normal", cases::normal as cases::Case),
        ("calm-day", cases::calm_day),
        ("bad-day", cases::bad_day),
        ("weekly", cases::weekly),
        ("one-account", cases::one_account),
        ("zero-accounts", cases::zero_accounts),
    ] {
        let checked = check(&make());
        check_summary_is_one_page(&checked);
        golden(name, &checked);
    }
}

#[test]
fn five_hundred_accounts_are_all_there_and_the_first_page_says_where() {
    let input = cases::five_hundred_accounts();
    let checked = check(&input);
    check_summary_is_one_page(&checked);
    golden("five-hundred-accounts", &checked);
    assert!(squeezed(&checked.pages[..1]).contains("5of500,allonpage6"));
    let whole = squeezed(&checked.pages);
    for account in &input.scorecard.accounts {
        assert!(whole.contains(&account.account_id), "{}", account.account_id);
    }
}

#[test]
fn of_five_thousand_new_rows_the_first_page_says_where_the_rest_is() {
    let input = cases::five_thousand_new();
    assert_eq!(input.lists.new.len(), 5000);
    let checked = check(&input);
    check_summary_is_one_page(&checked);
    golden("five-thousand-new", &checked);
    assert!(checked.pages[0].contains("The full lists go on in"));
}

#[test]
fn every_row_of_every_list_is_there() {
    let input = cases::one_account();
    let whole = squeezed(&check(&input).pages);
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
    let checked = check(&input);
    check_summary_is_one_page(&checked);
    golden("first-run", &checked);
    let whole = squeezed(&checked.pages);
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
    let checked = check(&cases::missing_coverage());
    check_summary_is_one_page(&checked);
    golden("missing-coverage", &checked);
    let pages = checked.pages;
    let first = squeezed(&pages[..1]);
    assert_eq!(
        occurrences(&first, "incomplete: 38 of 42 scopes"),
        4,
        "beside each of the organization's three scores, and in the statement on coverage: {first}"
    );
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
    let whole = squeezed(&check(&input).pages);
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
fn what_events_told_is_said_and_listed() {
    let input = cases::with_events();
    let checked = check(&input);
    check_summary_is_one_page(&checked);
    golden("events", &checked);
    let events = input.scorecard.events.as_ref().unwrap();
    let first = squeezed(&checked.pages[..1]);
    assert_eq!(
        occurrences(&first, &format!("Events told: {}.", events.sentence())),
        1
    );
    let files: Vec<_> = render_report::run(&input, &Silent).map(Result::unwrap).collect();
    let file = files.iter().find(|file| file.name == "events.csv").unwrap();
    assert_eq!(file.rows, Some(events.transitions()));
    let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let decided = |decision: &str| rows.iter().filter(|row| &row[9] == decision).count() as u64;
    assert_eq!(decided("told"), events.told.openings() + events.told.resolved);
    assert_eq!(decided("batched"), events.batched.total() + events.ended_untold);
    assert_eq!(decided("silenced"), events.silenced);
    assert!(
        files.iter().any(|file| file.name == "report.pdf"),
        "with the list attached"
    );
}

#[test]
fn events_that_could_not_be_read_are_not_known_and_never_none() {
    let mut input = cases::normal();
    input.scorecard.inputs.events = Some(PeriodEvents::Unread(Gap {
        code: "Events.Throttled".to_owned(),
        reason: "the table of events was throttled until the attempts ran out".to_owned(),
    }));
    let checked = check(&input);
    check_summary_is_one_page(&checked);
    let said = "What events told is not known, as their table could not be read (Events.Throttled).";
    assert_eq!(occurrences(&squeezed(&checked.pages[..1]), said), 1);
    let whole = squeezed(&checked.pages);
    assert_eq!(occurrences(&whole, said), 2, "and in its section");
    assert_eq!(
        occurrences(&whole, "the table of events was throttled until"),
        1,
        "and in the coverage"
    );
    let names: Vec<String> = render_report::run(&input, &Silent)
        .map(|file| file.unwrap().name)
        .collect();
    assert!(
        !names.contains(&"events.csv".to_owned()),
        "no list rather than an empty one"
    );
}

#[test]
fn fix_first_says_what_is_gained_and_where_the_rest_is() {
    let input = cases::normal();
    let pages = check(&input).pages;
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
    let whole = squeezed(&check(&input).pages);
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
fn hostile_text_is_shown_and_never_executed() {
    let input = cases::hostile();
    let whole = squeezed(&check(&input).pages);
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
fn the_widest_words_stay_in_their_cells() {
    check(&cases::hostile_widths());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let input = cases::one_account();
    let files = || -> Vec<_> { render_report::run(&input, &Silent).map(Result::unwrap).collect() };
    assert!(files() == files());
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

/// The picture of a report's charts and what it shows in words; `None` where there is nothing to draw.
fn chart(input: &RenderInput) -> Option<(Vec<u8>, String)> {
    let mut artifacts = render_report::run(input, &Silent).map(Result::unwrap);
    let chart = artifacts.find(|file| file.name == "chart.png")?;
    assert_eq!(chart.media_type, "image/png");
    Some((chart.bytes, chart.description.unwrap()))
}

#[test]
fn the_charts_are_a_picture_too_and_it_says_what_it_shows() {
    let (first, words) = chart(&cases::normal()).unwrap();
    let (again, _) = chart(&cases::normal()).unwrap();
    assert_eq!(first, again, "the same input gives the same bytes");
    assert!(first.starts_with(b"\x89PNG\r\n\x1a\n"));
    let width = u32::from_be_bytes(first[16..20].try_into().unwrap());
    assert_eq!(width, 1361, "192 mm at 2.5 pixels a point");
    insta::assert_snapshot!("chart-in-words", words);

    let (_, words) = chart(&cases::first_run()).unwrap();
    insta::assert_snapshot!("first-chart-in-words", words);
    assert_eq!(chart(&cases::zero_accounts()), None);

    let mut real = cases::normal();
    real.scorecard.simulation = None;
    let (bytes, words) = chart(&real).unwrap();
    assert!(!words.contains("imulated"), "{words}");
    assert_ne!(bytes, first, "the picture of a simulation says so as well");
}

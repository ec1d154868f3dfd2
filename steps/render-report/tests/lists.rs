//! The CSV files, read back.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use render_report::list_csv;

mod samples;
use samples::cases;

fn records(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn every_row_comes_back_with_every_field() {
    let rows = cases::normal().lists.new;
    let records = records(&list_csv(&rows).unwrap());
    assert_eq!(records.len(), rows.len() + 1);
    assert!(records.iter().all(|record| record.len() == 20));
    let (row, record) = (&rows[0], &records[1]);
    assert_eq!(record[0], row.key.account_id);
    assert_eq!(record[4], row.key.resource_id);
    assert_eq!(record[11], row.noncompliant_since.unwrap().to_string());
}

#[test]
fn an_empty_list_is_its_header() {
    let bytes = list_csv(&[]).unwrap();
    assert!(
        bytes.starts_with(b"account_id,account_name,aws_region,")
            && bytes.ends_with(b"exception_expires\r\n")
    );
    assert_eq!(records(&bytes).len(), 1);
}

#[test]
fn a_cell_is_never_a_formula_and_keeps_its_newlines() {
    let mut row = cases::normal().lists.new.remove(0);
    let check = |row: &compliance::scorecard::PairRow, expect: &str| {
        let bytes = list_csv(std::slice::from_ref(row)).unwrap();
        assert_eq!(records(&bytes)[1][15], expect);
    };
    for (annotation, cell) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nfirst, \"second\"", "\nfirst, \"second\""),
        ("a=1", "a=1"),
    ] {
        row.annotation = Some(annotation.to_owned());
        check(&row, cell);
    }
}

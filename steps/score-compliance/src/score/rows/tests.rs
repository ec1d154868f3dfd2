//! Reading, whatever way the results lie in files.

use compliance::catalogue::Catalogue;
use compliance::coverage::{Coverage, Expectation, Gap, Inventory, ScopeCoverage, SourceState, SourceStatus};
use compliance::evaluation::EvaluationResult;
use compliance::settings::Settings;
use proptest::prelude::*;

use super::*;
use crate::table;

const REGION: &str = "eu-west-1";

fn account(number: usize) -> String {
    format!("{number:012}")
}

fn result(account_id: String, number: usize) -> EvaluationResult {
    EvaluationResult {
        account_id,
        aws_region: REGION.to_owned(),
        config_rule_name: format!("rule-{}", number / 7),
        resource_type: format!("AWS::Kind{}", number / 11 % 2),
        resource_id: format!("resource-of-some-length-{number}"),
        compliance_type: ComplianceType::NonCompliant,
        result_recorded_time: None,
        config_rule_invoked_time: None,
        configuration_item_capture_time: None,
        annotation: Some(number.to_string()),
        annotation_reused: false,
    }
}

fn scope(account_id: String) -> ScopeCoverage {
    ScopeCoverage {
        source: SourceStatus {
            account_id,
            aws_region: REGION.to_owned(),
            state: SourceState::Succeeded,
            last_update_time: None,
            error_code: None,
            error_message: None,
        },
        expected: true,
        method: None,
        results: 0,
        rules: 0,
        missing: None,
        missing_rules: Vec::new(),
        annotations_missing: 0,
        count_disagreements: 0,
        inventory: Inventory::NotKnowable(Gap {
            code: "Inventory.NotConfigured".to_owned(),
            reason: "for the test".to_owned(),
        }),
    }
}

fn coverage(accounts: impl Iterator<Item = String>) -> Coverage {
    Coverage {
        expectation: Expectation::Organizations,
        organizations_gap: None,
        expected_accounts: Vec::new(),
        unexpected_accounts: Vec::new(),
        expected_regions: Vec::new(),
        regions_skipped: Vec::new(),
        scopes: accounts.map(scope).collect(),
        results_ignored: 0,
        planned_calls: 0,
    }
}

/// Every account with its rule names, ids and annotations, as the reader hands them out.
fn read(files: &[Vec<u8>], scopes: &Scopes, codes: &mut Arc<Codes>) -> Vec<(String, Vec<[String; 3]>)> {
    let mut reader = Reader::new("s", files, scopes, Detail::Annotations).expect("a reader");
    let mut read = Vec::new();
    while let Some(account) = reader.peek(codes).expect("read") {
        let rows = reader.take();
        let texts = rows.iter().map(|result| {
            let name = codes.names.text(result.row.name).to_owned();
            let annotation = result.result().annotation.unwrap_or_default().to_owned();
            [name, result.id().to_owned(), annotation]
        });
        read.push((codes.accounts.text(account).to_owned(), texts.collect()));
    }
    read
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// However accounts lie over files and row groups, each is handed out whole and once; one without a
    /// collected scope is not.
    #[test]
    fn accounts_are_whole_over_row_groups_and_files(
        sizes in prop::collection::vec(0usize..60, 1..9),
        row_group in 1usize..40,
        cuts in prop::collection::vec(0usize..300, 0..3),
        unread in 0usize..9,
    ) {
        let rows: Vec<EvaluationResult> = sizes
            .iter()
            .enumerate()
            .flat_map(|(number, size)| (0..*size).map(move |row| result(account(number), row)))
            .collect();
        let listed = (0..sizes.len()).filter(|number| *number != unread);
        let mut codes = Codes::new(Catalogue::new(&Settings::default()).expect("a catalogue"));
        let scopes = Scopes::new(&coverage(listed.clone().map(account)), &mut codes);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
        cuts.extend([0, rows.len()]);
        cuts.sort_unstable();
        let files = cuts.windows(2).filter(|ends| ends[0] < ends[1]).map(|ends| {
            let frame = table::results(&rows[ends[0]..ends[1]]).expect("a table");
            table::in_row_groups(frame, row_group).expect("Parquet")
        });
        let files: Vec<Vec<u8>> = files.collect();
        let expected: Vec<(String, Vec<[String; 3]>)> = listed
            .filter(|number| sizes[*number] > 0)
            .map(|number| {
                let of_account = rows.iter().filter(|row| row.account_id == account(number));
                let texts = of_account.map(|row| {
                    let annotation = row.annotation.clone().unwrap_or_default();
                    [row.config_rule_name.clone(), row.resource_id.clone(), annotation]
                });
                (account(number), texts.collect())
            })
            .collect();
        prop_assert_eq!(read(&files, &scopes, &mut Arc::new(codes)), expected);
    }
}

#[test]
fn results_that_do_not_ascend_by_account_are_refused() {
    let rows = [result(account(2), 1), result(account(1), 2)];
    let file = table::to_parquet(table::results(&rows).expect("a table")).expect("Parquet");
    let mut codes = Codes::new(Catalogue::new(&Settings::default()).expect("a catalogue"));
    let scopes = Scopes::new(&coverage([1, 2].map(account).into_iter()), &mut codes);
    let files = [file];
    let mut reader = Reader::new("s", &files, &scopes, Detail::Nothing).expect("a reader");
    let error = reader
        .peek(&mut Arc::new(codes))
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("account 000000000001 after 000000000002"),
        "{error}"
    );
}

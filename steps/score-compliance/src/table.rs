//! The tables of a snapshot: their columns, and Parquet to and from memory.

use std::io::Cursor;

use compliance::coverage::{Inventory, ScopeCoverage};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use jiff::Timestamp;
use polars::prelude::*;

use crate::ScoreError;

/// Rows per row group: large enough for dictionaries to pay (four times as many make no smaller file), small enough for
/// a few of them to be held as columns while scoring.
const ROW_GROUP: usize = 64 * 1024;

/// The columns of `results.parquet`, named and ordered as the fields of [`EvaluationResult`].
pub(crate) fn results(rows: &[EvaluationResult]) -> Result<DataFrame, ScoreError> {
    let text = |name: &str, value: fn(&EvaluationResult) -> &str| {
        Column::new(name.into(), rows.iter().map(value).collect::<Vec<_>>())
    };
    let time = |name: &str, value: fn(&EvaluationResult) -> Option<Timestamp>| {
        timestamps(name, rows.iter().map(value).collect())
    };
    let columns = vec![
        text("account_id", |row| &row.account_id),
        text("aws_region", |row| &row.aws_region),
        text("config_rule_name", |row| &row.config_rule_name),
        text("resource_type", |row| &row.resource_type),
        text("resource_id", |row| &row.resource_id),
        text("compliance_type", |row| row.compliance_type.as_str()),
        time("result_recorded_time", |row| row.result_recorded_time),
        time("config_rule_invoked_time", |row| row.config_rule_invoked_time),
        time("configuration_item_capture_time", |row| {
            row.configuration_item_capture_time
        }),
        Column::new(
            "annotation".into(),
            rows.iter()
                .map(|row| row.annotation.as_deref())
                .collect::<Vec<_>>(),
        ),
        Column::new(
            "annotation_reused".into(),
            rows.iter().map(|row| row.annotation_reused).collect::<Vec<_>>(),
        ),
    ];
    DataFrame::new(rows.len(), columns).map_err(ScoreError::table("building the results table"))
}

/// The columns of `coverage.parquet`: one row per scope, flat, for people who query.
pub(crate) fn coverage(scopes: &[ScopeCoverage]) -> Result<DataFrame, ScoreError> {
    let text = |name: &str, value: fn(&ScopeCoverage) -> Option<&str>| {
        Column::new(name.into(), scopes.iter().map(value).collect::<Vec<_>>())
    };
    let flag = |name: &str, value: fn(&ScopeCoverage) -> bool| {
        Column::new(name.into(), scopes.iter().map(value).collect::<Vec<_>>())
    };
    // Signed, as Athena and many readers of Parquet know no unsigned integers.
    let count = |name: &str, value: fn(&ScopeCoverage) -> Option<u64>| {
        let values = scopes
            .iter()
            .map(|scope| value(scope).map(|count| i64::try_from(count).unwrap_or(i64::MAX)));
        Column::new(name.into(), values.collect::<Vec<_>>())
    };
    let columns = vec![
        text("account_id", |scope| Some(&scope.source.account_id)),
        text("aws_region", |scope| Some(&scope.source.aws_region)),
        flag("expected", |scope| scope.expected),
        flag("collected", ScopeCoverage::collected),
        text("source_state", |scope| Some(source_state(scope))),
        timestamps(
            "last_update_time",
            scopes.iter().map(|scope| scope.source.last_update_time).collect(),
        ),
        text("error_code", |scope| scope.source.error_code.as_deref()),
        text("error_message", |scope| scope.source.error_message.as_deref()),
        text("method", method),
        count("results", |scope| Some(scope.results)),
        count("rules", |scope| Some(scope.rules)),
        text("missing_code", |scope| {
            scope.missing.as_ref().map(|gap| gap.code.as_str())
        }),
        text("missing_reason", |scope| {
            scope.missing.as_ref().map(|gap| gap.reason.as_str())
        }),
        count("missing_rules", |scope| Some(scope.missing_rules.len() as u64)),
        count("annotations_missing", |scope| Some(scope.annotations_missing)),
        count("count_disagreements", |scope| Some(scope.count_disagreements)),
        count("rules_deployed", |scope| match &scope.inventory {
            Inventory::Known { rules, .. } => Some(*rules),
            Inventory::NotKnowable(_) => None,
        }),
        count("rules_without_results", |scope| match &scope.inventory {
            Inventory::Known { without_results, .. } => Some(without_results.len() as u64),
            Inventory::NotKnowable(_) => None,
        }),
    ];
    DataFrame::new(scopes.len(), columns).map_err(ScoreError::table("building the coverage table"))
}

fn source_state(scope: &ScopeCoverage) -> &'static str {
    use compliance::coverage::SourceState;
    match scope.source.state {
        SourceState::Succeeded => "SUCCEEDED",
        SourceState::Outdated => "OUTDATED",
        SourceState::Failed => "FAILED",
        SourceState::Absent => "ABSENT",
    }
}

fn method(scope: &ScopeCoverage) -> Option<&str> {
    use compliance::coverage::Method;
    scope.method.map(|method| match method {
        Method::ResourceCompliance => "resource_compliance",
        Method::Details => "details",
    })
}

/// A column of `timestamp[ms, UTC]`; finer parts of a second are cut off.
fn timestamps(name: &str, values: Vec<Option<Timestamp>>) -> Column {
    let milliseconds = values.into_iter().map(|time| time.map(Timestamp::as_millisecond));
    // Not a cast: without time zone support compiled in, a cast forgets the zone.
    let time = Int64Chunked::from_iter_options(name.into(), milliseconds)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
    time.into_column()
}

/// The table as Parquet. The same table gives the same bytes.
pub(crate) fn to_parquet(frame: DataFrame) -> Result<Vec<u8>, ScoreError> {
    in_row_groups(frame, ROW_GROUP)
}

/// The table as Parquet in row groups of so many rows.
pub(crate) fn in_row_groups(mut frame: DataFrame, rows: usize) -> Result<Vec<u8>, ScoreError> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(rows))
        .finish(&mut frame)
        .map_err(ScoreError::table("writing Parquet"))?;
    Ok(bytes)
}

/// What a manifest says of a results file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultsSummary {
    pub(crate) rows: u64,
    pub(crate) noncompliant: u64,
    pub(crate) accounts: Option<(String, String)>,
}

/// Reads a results file back as far as its manifest needs: what stands in the store is described, not what this
/// process would have written.
pub(crate) fn summarise(key: &str, bytes: Vec<u8>) -> Result<ResultsSummary, ScoreError> {
    let failed = || ScoreError::table(format!("reading {key}"));
    let frame = ParquetReader::new(Cursor::new(bytes))
        .with_columns(Some(vec!["account_id".to_owned(), "compliance_type".to_owned()]))
        .finish()
        .map_err(failed())?;
    let accounts = frame
        .column("account_id")
        .and_then(|column| column.str())
        .map_err(failed())?;
    let states = frame
        .column("compliance_type")
        .and_then(|column| column.str())
        .map_err(failed())?;
    let noncompliant = ComplianceType::NonCompliant.as_str();
    let last = frame.height().checked_sub(1);
    let ends = last.and_then(|last| accounts.get(0).zip(accounts.get(last)));
    Ok(ResultsSummary {
        rows: frame.height() as u64,
        noncompliant: states.iter().filter(|state| *state == Some(noncompliant)).count() as u64,
        accounts: ends.map(|(first, last)| (first.to_owned(), last.to_owned())),
    })
}

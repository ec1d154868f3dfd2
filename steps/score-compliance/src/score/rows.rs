//! The results of one snapshot as a table of codes. Results that do not count are left out here, once.

use std::collections::HashMap;

use compliance::evaluation::ComplianceType;
use polars::io::HiveOptions;
use polars::prelude::*;

use super::codes::{Code, Codes, Key};
use super::scopes::{Scopes, Source};
use crate::ScoreError;
use crate::snapshots::Opened;
use crate::table;

/// The columns of a pair key.
pub(crate) const PAIR: [&str; 5] = ["account", "place", "resource_type", "resource_id", "rule"];
/// The columns of a resource.
pub(crate) const RESOURCE: [&str; 4] = ["account", "place", "resource_type", "resource_id"];

/// Columns by name.
pub(crate) fn cols(names: &[&str]) -> Vec<Expr> {
    names.iter().map(|name| col(*name)).collect()
}

/// A table of whole numbers.
pub(crate) fn numbers<const N: usize>(
    names: [&str; N],
    rows: impl Iterator<Item = [Code; N]>,
) -> PolarsResult<DataFrame> {
    let mut columns: [Vec<Code>; N] = std::array::from_fn(|_| Vec::new());
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let height = columns.first().map_or(0, Vec::len);
    let columns = names.iter().zip(columns);
    DataFrame::new(
        height,
        columns
            .map(|(name, values)| Column::new((*name).into(), values))
            .collect(),
    )
}

/// The results of one snapshot that count: of collected scopes, and of rules there that could be read.
///
/// Columns: those of [`PAIR`]; `region` and `name`, the [`Source`]; `noncompliant`, 0 or 1; `shared`, whether another
/// result may be of the same pair; `recorded` and `captured` in milliseconds; and, if asked for, `annotation` and
/// `annotation_reused`.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    frame: DataFrame,
    /// Results that were read of pairs that are unknown all the same, see the walk: they do not count, and show that
    /// their rule and their resource are there.
    unknown: DataFrame,
}

impl Rows {
    /// Reads the results of a snapshot.
    pub(crate) fn read(
        opened: &mut Opened,
        scopes: &Scopes,
        codes: &mut Codes,
        annotations: bool,
    ) -> Result<Self, ScoreError> {
        let failed = ScoreError::table(format!("reading the results of snapshot {}", opened.snapshot.id));
        let files = std::mem::take(&mut opened.results);
        // A snapshot without results has the columns all the same.
        let empty = table::results(&[])?;
        scan(files, empty)
            .and_then(|raw| coded(raw, scopes, codes, annotations))
            .and_then(LazyFrame::collect)
            .map(|frame| Self {
                unknown: frame.slice(0, 0),
                frame,
            })
            .map_err(failed)
    }

    /// All of them.
    pub(crate) fn all(&self) -> LazyFrame {
        self.frame.clone().lazy()
    }

    /// Those that count, and those of unknown pairs.
    pub(crate) fn seen(&self) -> PolarsResult<LazyFrame> {
        if self.unknown.height() == 0 {
            return Ok(self.all());
        }
        concat([self.all(), self.unknown.clone().lazy()], UnionArgs::default())
    }

    /// The unknown pairs of which something was read, each once: [`PAIR`] and `unknown`, which is never null.
    pub(crate) fn unknown_pairs(&self) -> LazyFrame {
        let results = len().alias("unknown");
        self.unknown.clone().lazy().group_by(cols(&PAIR)).agg([results])
    }

    /// (account, rule) of every unknown pair of which something was read.
    pub(crate) fn unknown_rules(&self) -> PolarsResult<Vec<(Code, Code)>> {
        let number = |name: &str| self.unknown.column(name)?.u32();
        let (accounts, rules) = (number("account")?, number("rule")?);
        Ok(accounts.iter().flatten().zip(rules.iter().flatten()).collect())
    }

    /// Lets the results of these pairs not count: they are unknown.
    pub(crate) fn leave_out<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k Key>,
        codes: &Codes,
    ) -> Result<(), ScoreError> {
        let failed = || ScoreError::table("leaving out unknown pairs");
        let keys = key_frame(keys, codes).map_err(failed())?;
        if keys.height() == 0 {
            return Ok(());
        }
        let part = |how: JoinType| {
            self.all()
                .join(keys.clone().lazy(), cols(&PAIR), cols(&PAIR), JoinArgs::new(how))
                .collect()
                .map_err(failed())
        };
        let (unknown, frame) = (part(JoinType::Semi)?, part(JoinType::Anti)?);
        *self = Self { frame, unknown };
        Ok(())
    }

    /// How many count.
    pub(crate) fn count(&self) -> u64 {
        self.frame.height() as u64
    }

    /// How many do not count, as their pairs are unknown.
    pub(crate) fn count_unknown(&self) -> u64 {
        self.unknown.height() as u64
    }

    /// Each pair once, noncompliant if any of its results is: [`PAIR`] and `noncompliant`. Only results that may
    /// share a pair are grouped.
    pub(crate) fn pairs(&self) -> PolarsResult<LazyFrame> {
        let mut columns = cols(&PAIR);
        columns.push(col("noncompliant"));
        let single = self.all().filter(col("shared").not()).select(columns);
        let merged = self
            .all()
            .filter(col("shared"))
            .group_by(cols(&PAIR))
            .agg([col("noncompliant").max()]);
        concat([single, merged], UnionArgs::default())
    }

    /// Every noncompliant pair.
    pub(crate) fn noncompliant(&self, codes: &mut Codes) -> Result<HashMap<Key, Pair>, ScoreError> {
        let noncompliant = self.all().filter(col("noncompliant").eq(lit(1u32)));
        // The compliant results of a noncompliant pair are its sources too.
        let beside = self
            .all()
            .filter(col("shared").and(col("noncompliant").eq(lit(0u32))))
            .join(
                noncompliant.clone(),
                cols(&PAIR),
                cols(&PAIR),
                JoinArgs::new(JoinType::Semi),
            );
        let frames = concat([noncompliant, beside], UnionArgs::default());
        frames
            .and_then(LazyFrame::collect)
            .and_then(|frame| gather(&frame, codes))
            .map_err(ScoreError::table("reading noncompliant pairs"))
    }

    /// Those of `keys` that are pairs here.
    pub(crate) fn find<'k>(
        &self,
        keys: impl Iterator<Item = &'k Key>,
        codes: &mut Codes,
    ) -> Result<HashMap<Key, Pair>, ScoreError> {
        let failed = || ScoreError::table("looking up pairs");
        let keys = key_frame(keys, codes).map_err(failed())?;
        if keys.height() == 0 {
            return Ok(HashMap::new());
        }
        self.all()
            .join(
                keys.lazy(),
                cols(&PAIR),
                cols(&PAIR),
                JoinArgs::new(JoinType::Semi),
            )
            .collect()
            .and_then(|frame| gather(&frame, codes))
            .map_err(failed())
    }
}

fn scan(files: Vec<Vec<u8>>, empty: DataFrame) -> PolarsResult<LazyFrame> {
    if files.is_empty() {
        return Ok(empty.lazy());
    }
    let sources = ScanSources::Buffers(files.into_iter().map(Into::into).collect());
    let args = ScanArgsParquet {
        hive_options: HiveOptions::new_disabled(),
        ..ScanArgsParquet::default()
    };
    LazyFrame::scan_parquet_sources(sources, args)
}

/// The raw columns with codes joined to them.
fn coded(raw: LazyFrame, scopes: &Scopes, codes: &mut Codes, annotations: bool) -> PolarsResult<LazyFrame> {
    let names = lookup(&raw, "config_rule_name", |text| codes.name(text))?;
    let types = lookup(&raw, "resource_type", |text| codes.resource_types.code(text))?;
    let place = when(col("global"))
        .then(lit(codes.global))
        .otherwise(col("region"));
    let mut columns = vec![
        col("account"),
        place.alias("place"),
        col("resource_type"),
        col("resource_id"),
        col("rule"),
        col("region"),
        col("name"),
        col("compliance_type")
            .eq(lit(ComplianceType::NonCompliant.as_str()))
            .cast(DataType::UInt32)
            .alias("noncompliant"),
        col("global").or(col("shared_name")).alias("shared"),
        col("result_recorded_time")
            .cast(DataType::Int64)
            .alias("recorded"),
        col("configuration_item_capture_time")
            .cast(DataType::Int64)
            .alias("captured"),
    ];
    if annotations {
        columns.extend(cols(&["annotation", "annotation_reused"]));
    }
    let raw = raw.rename(["resource_type"], ["type_text"], true);
    // The join with collected scopes leaves out the results of all others.
    let rows = [
        (scope_table(scopes, codes)?, &["account_id", "aws_region"][..]),
        (name_table(&names, codes)?, &["config_rule_name"]),
        (type_table(&types, codes)?, &["type_text"]),
    ]
    .into_iter()
    .fold(raw, |rows, (table, key)| {
        rows.join(table.lazy(), cols(key), cols(key), JoinArgs::new(JoinType::Inner))
    })
    .select(columns);
    without_missing_rules(rows, scopes)
}

/// The codes of the distinct texts of one column.
fn lookup(raw: &LazyFrame, column: &str, mut code: impl FnMut(&str) -> Code) -> PolarsResult<Vec<Code>> {
    let distinct = raw
        .clone()
        .select([col(column)])
        .group_by([col(column)])
        .agg([len()])
        .collect()?;
    Ok(distinct
        .column(column)?
        .str()?
        .iter()
        .flatten()
        .map(&mut code)
        .collect())
}

fn scope_table(scopes: &Scopes, codes: &Codes) -> PolarsResult<DataFrame> {
    let collected: Vec<_> = scopes.collected().collect();
    let text = |value: &dyn Fn(Code, Code) -> String| -> Vec<String> {
        collected
            .iter()
            .map(|&(account, region, _)| value(account, region))
            .collect()
    };
    let accounts = text(&|account, _| codes.accounts.text(account).to_owned());
    let regions = text(&|_, region| codes.regions.text(region).to_owned());
    DataFrame::new(
        collected.len(),
        vec![
            Column::new("account_id".into(), accounts),
            Column::new("aws_region".into(), regions),
            Column::new(
                "account".into(),
                collected.iter().map(|scope| scope.0).collect::<Vec<_>>(),
            ),
            Column::new(
                "region".into(),
                collected.iter().map(|scope| scope.1).collect::<Vec<_>>(),
            ),
        ],
    )
}

fn name_table(names: &[Code], codes: &Codes) -> PolarsResult<DataFrame> {
    let texts: Vec<&str> = names.iter().map(|name| codes.names.text(*name)).collect();
    let rules: Vec<_> = names.iter().map(|name| codes.rule(*name)).collect();
    DataFrame::new(
        names.len(),
        vec![
            Column::new("config_rule_name".into(), texts),
            Column::new("name".into(), names.to_vec()),
            Column::new(
                "rule".into(),
                rules.iter().map(|name| name.rule).collect::<Vec<_>>(),
            ),
            Column::new(
                "shared_name".into(),
                rules.iter().map(|name| name.shared).collect::<Vec<_>>(),
            ),
        ],
    )
}

fn type_table(types: &[Code], codes: &Codes) -> PolarsResult<DataFrame> {
    let texts: Vec<&str> = types
        .iter()
        .map(|code| codes.resource_types.text(*code))
        .collect();
    let global: Vec<bool> = types.iter().map(|code| codes.is_global(*code)).collect();
    DataFrame::new(
        types.len(),
        vec![
            Column::new("type_text".into(), texts),
            Column::new("resource_type".into(), types.to_vec()),
            Column::new("global".into(), global),
        ],
    )
}

fn without_missing_rules(rows: LazyFrame, scopes: &Scopes) -> PolarsResult<LazyFrame> {
    let key = ["account", "region", "name"];
    let missing = numbers(
        key,
        scopes
            .missing_rules()
            .map(|(account, region, name)| [account, region, name]),
    )?;
    if missing.height() == 0 {
        return Ok(rows);
    }
    Ok(rows.join(
        missing.lazy(),
        cols(&key),
        cols(&key),
        JoinArgs::new(JoinType::Anti),
    ))
}

fn key_frame<'k>(keys: impl Iterator<Item = &'k Key>, codes: &Codes) -> PolarsResult<DataFrame> {
    let keys: Vec<&Key> = keys.collect();
    let mut frame = numbers(
        ["account", "place", "resource_type", "rule"],
        keys.iter()
            .map(|key| [key.account, key.place, key.resource_type, key.rule]),
    )?;
    let ids: Vec<&str> = keys
        .iter()
        .map(|key| codes.resources.text(key.resource))
        .collect();
    frame.with_column(Column::new("resource_id".into(), ids))?;
    Ok(frame)
}

/// A pair with what its results say together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pair {
    /// Noncompliant if any result is.
    pub(crate) noncompliant: bool,
    /// Of a noncompliant pair, the earliest result time of its noncompliant results; of a compliant one, the latest
    /// of all: from then on the pair as a whole is what it is. Milliseconds.
    pub(crate) time: Option<i64>,
    /// Where its results come from.
    pub(crate) sources: Vec<Source>,
    /// Those of them that say noncompliant.
    pub(crate) against: Vec<Source>,
    /// The result that speaks for the pair.
    pub(crate) voice: Voice,
}

/// The result that speaks for a pair: of those in the pair's state, one with an annotation before one without, then
/// the first by rule name and region.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voice {
    source: Option<Source>,
    /// `result_recorded_time` in milliseconds.
    pub(crate) recorded: Option<i64>,
    pub(crate) annotation: Option<String>,
    pub(crate) annotation_reused: bool,
}

/// Brings the results of whole pairs together.
fn gather(frame: &DataFrame, codes: &mut Codes) -> PolarsResult<HashMap<Key, Pair>> {
    let number = |name: &str| frame.column(name)?.u32();
    let (accounts, places) = (number("account")?, number("place")?);
    let (types, rules) = (number("resource_type")?, number("rule")?);
    let (regions, names) = (number("region")?, number("name")?);
    let noncompliant = number("noncompliant")?;
    let ids = frame.column("resource_id")?.str()?;
    let recorded = frame.column("recorded")?.i64()?;
    let captured = frame.column("captured")?.i64()?;
    let annotations = frame
        .column("annotation")
        .ok()
        .map(|column| column.str())
        .transpose()?;
    let reused = frame
        .column("annotation_reused")
        .ok()
        .map(|column| column.bool())
        .transpose()?;
    let mut pairs: HashMap<Key, Pair> = HashMap::new();
    for row in 0..frame.height() {
        let at = |column: &UInt32Chunked| column.get(row).unwrap_or_default();
        let key = Key {
            account: at(accounts),
            place: at(places),
            resource_type: at(types),
            resource: codes.resources.code(ids.get(row).unwrap_or_default()),
            rule: at(rules),
        };
        let result = ResultOfPair {
            noncompliant: at(noncompliant) == 1,
            time: recorded.get(row).or(captured.get(row)),
            source: (at(regions), at(names)),
            recorded: recorded.get(row),
            annotation: annotations.and_then(|column| column.get(row)),
            annotation_reused: reused.and_then(|column| column.get(row)).unwrap_or_default(),
        };
        pairs.entry(key).or_default().add(&result, codes);
    }
    Ok(pairs)
}

/// One result of a pair.
struct ResultOfPair<'a> {
    noncompliant: bool,
    time: Option<i64>,
    source: Source,
    recorded: Option<i64>,
    annotation: Option<&'a str>,
    annotation_reused: bool,
}

impl Pair {
    fn add(&mut self, result: &ResultOfPair<'_>, codes: &Codes) {
        self.sources.push(result.source);
        if result.noncompliant {
            self.against.push(result.source);
        }
        if result.noncompliant && !self.noncompliant {
            // The first noncompliant result: what compliant ones said no longer counts.
            self.noncompliant = true;
            self.time = result.time;
            self.voice.hear(result);
        } else if result.noncompliant == self.noncompliant {
            self.time = match (self.time, result.time) {
                (Some(a), Some(b)) if self.noncompliant => Some(a.min(b)),
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
            if self.voice.yields_to(result, codes) {
                self.voice.hear(result);
            }
        }
    }
}

impl Voice {
    fn yields_to(&self, result: &ResultOfPair<'_>, codes: &Codes) -> bool {
        self.source.is_none_or(|source| {
            let order = codes.texts(result.source).cmp(&codes.texts(source));
            let annotated = result.annotation.is_some().cmp(&self.annotation.is_some());
            annotated.reverse().then(order).is_lt()
        })
    }

    fn hear(&mut self, result: &ResultOfPair<'_>) {
        *self = Self {
            source: Some(result.source),
            recorded: result.recorded,
            annotation: result.annotation.map(str::to_owned),
            annotation_reused: result.annotation_reused,
        };
    }
}

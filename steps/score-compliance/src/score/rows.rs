//! The results of one snapshot that count, account by account: read a row group at a time, so that memory is bounded
//! by row groups and accounts and not by the snapshot.

use std::collections::VecDeque;
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use compliance::evaluation::ComplianceType;
use polars::prelude::*;

use super::codes::{Code, Codes};
use super::pair::ResultOfPair;
use super::scopes::{Scopes, Source};
use crate::ScoreError;
use crate::engine::cores;

/// What is read of each result beside its key and state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    Nothing,
    Times,
    Annotations,
}

/// One result, in codes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) region: Code,
    pub(crate) name: Code,
    pub(crate) resource_type: Code,
    pub(crate) noncompliant: bool,
    /// Its place in the columns that are not coded.
    at: u32,
}

impl Row {
    /// Where it comes from.
    pub(crate) fn source(&self) -> Source {
        (self.region, self.name)
    }
}

/// Row groups read at once: their results that count, and the columns of all of them.
#[derive(Debug)]
struct Chunk {
    rows: Vec<Row>,
    ids: StringChunked,
    /// `result_recorded_time` and `configuration_item_capture_time`, in milliseconds.
    times: Option<(Int64Chunked, Int64Chunked)>,
    /// `annotation` and `annotation_reused`.
    annotations: Option<(StringChunked, BooleanChunked)>,
}

/// The results of one account, which may lie in several row groups.
#[derive(Debug, Default)]
pub(crate) struct AccountRows(Vec<(Arc<Chunk>, Range<usize>)>);

/// A result, with the row group it lies in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRef<'a> {
    pub(crate) row: &'a Row,
    chunk: &'a Chunk,
}

impl AccountRows {
    /// Each result.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RowRef<'_>> {
        self.0.iter().flat_map(|(chunk, rows)| {
            let of_chunk = &chunk.rows[rows.clone()];
            of_chunk.iter().map(move |row| RowRef { row, chunk })
        })
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|(_, rows)| rows.len()).sum()
    }
}

impl<'a> RowRef<'a> {
    /// The resource's id.
    pub(crate) fn id(&self) -> &'a str {
        self.chunk.ids.get(self.row.at as usize).unwrap_or_default()
    }

    /// What it says of its pair, as far as it was read.
    pub(crate) fn result(&self) -> ResultOfPair<'a> {
        let at = self.row.at as usize;
        let times = self.chunk.times.as_ref();
        let recorded = times.and_then(|(recorded, _)| recorded.get(at));
        let captured = times.and_then(|(_, captured)| captured.get(at));
        let annotations = self.chunk.annotations.as_ref();
        ResultOfPair {
            noncompliant: self.row.noncompliant,
            time: recorded.or(captured),
            source: self.row.source(),
            recorded,
            annotation: annotations.and_then(|(annotation, _)| annotation.get(at)),
            annotation_reused: annotations
                .and_then(|(_, reused)| reused.get(at))
                .unwrap_or_default(),
        }
    }
}

/// Reads a snapshot's results files, one account after another, in ascending order.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    snapshot: &'a str,
    files: &'a [Vec<u8>],
    scopes: &'a Scopes,
    detail: Detail,
    /// Row groups not read yet: their file, first row and length.
    groups: VecDeque<(usize, usize, usize)>,
    /// Accounts read whole.
    ready: VecDeque<(Code, AccountRows)>,
    /// The account at the end of what was read, which may go on: its id, and its code if it has results that count.
    last: Option<(String, Option<Code>)>,
    open: AccountRows,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        snapshot: &'a str,
        files: &'a [Vec<u8>],
        scopes: &'a Scopes,
        detail: Detail,
    ) -> Result<Self, ScoreError> {
        let mut groups = VecDeque::new();
        for (file, bytes) in files.iter().enumerate() {
            let mut reader = ParquetReader::new(Cursor::new(bytes.as_slice()));
            let metadata = reader.get_metadata().map_err(failed(snapshot))?;
            let mut first = 0;
            for group in &metadata.row_groups {
                groups.push_back((file, first, group.num_rows()));
                first += group.num_rows();
            }
        }
        Ok(Self {
            snapshot,
            files,
            scopes,
            detail,
            groups,
            ready: VecDeque::new(),
            last: None,
            open: AccountRows::default(),
        })
    }

    /// The next account without taking it.
    pub(crate) fn peek(&mut self, codes: &mut Arc<Codes>) -> Result<Option<Code>, ScoreError> {
        while self.ready.is_empty() {
            if self.groups.is_empty() {
                self.close();
                break;
            }
            self.read_groups(codes)?;
        }
        Ok(self.ready.front().map(|(account, _)| *account))
    }

    /// The account that [`Self::peek`] showed.
    pub(crate) fn take(&mut self) -> AccountRows {
        self.ready.pop_front().map(|(_, rows)| rows).unwrap_or_default()
    }

    fn close(&mut self) {
        let rows = std::mem::take(&mut self.open);
        if let Some((_, Some(account))) = self.last
            && rows.len() > 0
        {
            self.ready.push_back((account, rows));
        }
    }

    /// Takes as many row groups of one file as there are cores: the file, the first row, and how many rows.
    fn next_groups(&mut self) -> Option<(usize, usize, usize)> {
        let (file, first, mut rows) = self.groups.pop_front()?;
        for _ in 1..cores() {
            match self.groups.front() {
                Some((next, _, more)) if *next == file => rows += more,
                _ => break,
            }
            self.groups.pop_front();
        }
        Some((file, first, rows))
    }

    fn read_groups(&mut self, codes: &mut Arc<Codes>) -> Result<(), ScoreError> {
        let Some((file, first, rows)) = self.next_groups() else {
            return Ok(());
        };
        let columns = columns(self.detail).map(|column| (*column).to_owned()).collect();
        let frame = ParquetReader::new(Cursor::new(self.files[file].as_slice()))
            .with_columns(Some(columns))
            .with_slice(Some((first, rows)))
            .read_parallel(ParallelStrategy::RowGroups)
            .set_rechunk(true)
            .finish()
            .map_err(failed(self.snapshot))?;
        let keys = Keys::new(&frame).map_err(failed(self.snapshot))?;
        let mut coder = Coder::new(self.scopes);
        let (mut coded, mut accounts) = (Vec::new(), Vec::new());
        for at in 0..frame.height() {
            let account_id = keys.accounts.get(at).unwrap_or_default();
            if self.last.as_ref().is_none_or(|(last, _)| last != account_id) {
                self.begin(account_id, &mut accounts, coded.len(), codes)?;
                coder.region = None;
            }
            if let Some((_, Some(account))) = self.last
                && let Some(row) = coder.row(account, &keys, at, codes)
            {
                coded.push(row);
            }
        }
        let chunk = Arc::new(chunk(&frame, coded, self.detail).map_err(failed(self.snapshot))?);
        self.hand_out(&chunk, accounts);
        Ok(())
    }

    /// Another account begins at this place of the row group.
    fn begin(
        &mut self,
        account_id: &str,
        accounts: &mut Vec<(Option<Code>, usize)>,
        place: usize,
        codes: &Codes,
    ) -> Result<(), ScoreError> {
        if let Some((last, _)) = &self.last
            && last.as_str() > account_id
        {
            return Err(ScoreError::Inputs(format!(
                "the results of snapshot {} have account {account_id} after {last}, and they ascend by account; restore them from a copy or delete the snapshot's folder and collect again",
                self.snapshot
            )));
        }
        accounts.push((self.last.as_ref().and_then(|(_, code)| *code), place));
        self.last = Some((account_id.to_owned(), codes.accounts.find(account_id)));
        Ok(())
    }

    /// Gives each account of a row group its part; `ended` are those that ended in it, with the place where.
    fn hand_out(&mut self, chunk: &Arc<Chunk>, ended: Vec<(Option<Code>, usize)>) {
        let mut from = 0;
        for (account, to) in ended {
            let mut rows = std::mem::take(&mut self.open);
            if from < to {
                rows.0.push((Arc::clone(chunk), from..to));
            }
            if let Some(account) = account
                && rows.len() > 0
            {
                self.ready.push_back((account, rows));
            }
            from = to;
        }
        if from < chunk.rows.len() {
            self.open.0.push((Arc::clone(chunk), from..chunk.rows.len()));
        }
    }
}

fn failed(snapshot: &str) -> impl FnOnce(PolarsError) -> ScoreError {
    ScoreError::table(format!("reading the results of snapshot {snapshot}"))
}

fn columns(detail: Detail) -> impl Iterator<Item = &'static &'static str> {
    let times: &[&str] = match detail {
        Detail::Nothing => &[],
        Detail::Times | Detail::Annotations => &["result_recorded_time", "configuration_item_capture_time"],
    };
    let annotations: &[&str] = match detail {
        Detail::Annotations => &["annotation", "annotation_reused"],
        _ => &[],
    };
    [
        "account_id",
        "aws_region",
        "config_rule_name",
        "resource_type",
        "resource_id",
        "compliance_type",
    ]
    .iter()
    .chain(times)
    .chain(annotations)
}

fn chunk(frame: &DataFrame, rows: Vec<Row>, detail: Detail) -> PolarsResult<Chunk> {
    let time = |name: &str| -> PolarsResult<Int64Chunked> {
        Ok(frame.column(name)?.cast(&DataType::Int64)?.i64()?.clone())
    };
    let times = match detail {
        Detail::Nothing => None,
        _ => Some((
            time("result_recorded_time")?,
            time("configuration_item_capture_time")?,
        )),
    };
    let annotations = match detail {
        Detail::Annotations => Some((
            frame.column("annotation")?.str()?.clone(),
            frame.column("annotation_reused")?.bool()?.clone(),
        )),
        _ => None,
    };
    Ok(Chunk {
        rows,
        ids: frame.column("resource_id")?.str()?.clone(),
        times,
        annotations,
    })
}

/// The columns that are coded.
struct Keys<'a> {
    accounts: &'a StringChunked,
    regions: &'a StringChunked,
    names: &'a StringChunked,
    types: &'a StringChunked,
    states: &'a StringChunked,
}

impl<'a> Keys<'a> {
    fn new(frame: &'a DataFrame) -> PolarsResult<Self> {
        let text = |name: &str| frame.column(name)?.str();
        Ok(Self {
            accounts: text("account_id")?,
            regions: text("aws_region")?,
            names: text("config_rule_name")?,
            types: text("resource_type")?,
            states: text("compliance_type")?,
        })
    }
}

/// A text and its code; sorted columns repeat themselves.
type Known<'a> = Option<(&'a str, Code)>;

/// Codes rows, remembering the codes of the row before.
struct Coder<'a> {
    scopes: &'a Scopes,
    /// `None` within: a region without a collected scope there.
    region: Option<(&'a str, Option<Code>)>,
    name: Known<'a>,
    resource_type: Known<'a>,
    /// Results of this region and name count.
    counts: bool,
}

impl<'a> Coder<'a> {
    fn new(scopes: &'a Scopes) -> Self {
        Self {
            scopes,
            region: None,
            name: None,
            resource_type: None,
            counts: false,
        }
    }

    /// The row, if it counts: its scope was collected, and its rule there could be read.
    fn row(&mut self, account: Code, keys: &Keys<'a>, at: usize, codes: &mut Arc<Codes>) -> Option<Row> {
        let region_text = keys.regions.get(at).unwrap_or_default();
        let name_text = keys.names.get(at).unwrap_or_default();
        let region_is_known = matches!(self.region, Some((text, _)) if text == region_text);
        let name_is_known = matches!(self.name, Some((text, _)) if text == name_text);
        if !region_is_known {
            self.region = Some((region_text, codes.regions.find(region_text)));
        }
        let region = self.region?.1?;
        if !name_is_known {
            let known = codes.names.find(name_text);
            let code = known.unwrap_or_else(|| Arc::make_mut(codes).name(name_text));
            self.name = Some((name_text, code));
        }
        let name = self.name?.1;
        if !region_is_known || !name_is_known {
            self.counts = self.scopes.read(account, (region, name));
        }
        if !self.counts {
            return None;
        }
        let type_text = keys.types.get(at).unwrap_or_default();
        if !matches!(self.resource_type, Some((text, _)) if text == type_text) {
            let known = codes.resource_types.find(type_text);
            let code = known.unwrap_or_else(|| Arc::make_mut(codes).resource_type(type_text));
            self.resource_type = Some((type_text, code));
        }
        Some(Row {
            region,
            name,
            resource_type: self.resource_type?.1,
            noncompliant: keys.states.get(at) == Some(ComplianceType::NonCompliant.as_str()),
            // Row groups have far fewer than 2^32 rows.
            at: at as u32,
        })
    }
}

#[cfg(test)]
mod tests;

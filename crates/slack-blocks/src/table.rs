//! Tables: `table` and `data_table`.
//!
//! Shapes as of Slack's reference of 2026-06: rows of cells `{"type": "raw_text", "text": …}`, the first row being
//! the header; `table` has `column_settings` of `{align, is_wrapped}`; `data_table` has a required `caption`, a
//! `page_size` of 1 to 100 and at least one row below its header. Not confirmed: whether `raw_text` may be empty
//! (it never is here) and whether it resolves entities (see [`crate::text`]). `raw_number` cells are not used.

use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::message;
use crate::{limits, text};

/// A cell of plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    #[serde(rename = "type")]
    kind: CellKind,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CellKind {
    RawText,
}

impl Cell {
    fn new(text: &str) -> Self {
        Self {
            kind: CellKind::RawText,
            text: text::raw(text, limits::CELL),
        }
    }
}

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A `data_table` states no alignment; columns whose cells are numbers stand right.
pub(crate) fn guessed_align(texts: &[Vec<String>], column: usize) -> Align {
    let numeric = |text: &String| {
        text.starts_with(|c: char| c.is_ascii_digit() || "+\u{2212}±–".contains(c)) && text.len() < 12
    };
    let body = || texts.iter().skip(1).filter_map(|row| row.get(column));
    if body().next().is_some() && body().all(numeric) {
        Align::Right
    } else {
        Align::Left
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnSetting {
    pub(crate) align: Align,
    is_wrapped: bool,
}

/// A heading with its alignment.
pub type Column<'a> = (&'a str, Align);

/// A plain table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) column_settings: Vec<ColumnSetting>,
}

/// A table that can be sorted and paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataTable {
    pub(crate) caption: String,
    pub(crate) rows: Vec<Vec<Cell>>,
    page_size: u32,
    row_header_column_index: u32,
}

/// Rows shown at once in a `data_table`.
const PAGE_SIZE: u32 = 15;

impl Table {
    /// A table of as many `rows` as fit Slack's limits and `budget` characters of a message, and how many it took.
    /// Say how many were left out beside it.
    pub fn block(columns: &[Column<'_>], rows: &[Vec<String>], budget: usize) -> (Block, usize) {
        let settings: Vec<_> = columns
            .iter()
            .take(limits::COLUMNS)
            .map(|(_, align)| ColumnSetting {
                align: *align,
                is_wrapped: *align == Align::Left,
            })
            .collect();
        fill(columns, rows, limits::TABLE_ROWS, budget, |rows| {
            Block::Table(Self {
                rows,
                column_settings: settings.clone(),
            })
        })
    }
}

impl DataTable {
    /// A table of as many `rows` as fit Slack's limits and `budget` characters of a message, and how many it took.
    /// Say how many were left out beside it. Without rows it has one of dashes, as Slack wants one.
    pub fn block(
        caption: &str,
        columns: &[Column<'_>],
        rows: &[Vec<String>],
        budget: usize,
    ) -> (Block, usize) {
        let caption = text::raw(caption, limits::CAPTION);
        fill(columns, rows, limits::DATA_TABLE_ROWS, budget, |rows| {
            Block::DataTable(Self {
                caption: caption.clone(),
                rows,
                page_size: PAGE_SIZE,
                row_header_column_index: 0,
            })
        })
    }
}

/// The block of the greatest number of rows that fits. The cost grows with every row, so halving finds it.
fn fill(
    columns: &[Column<'_>],
    rows: &[Vec<String>],
    limit: usize,
    budget: usize,
    block: impl Fn(Vec<Vec<Cell>>) -> Block,
) -> (Block, usize) {
    let header: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let width = columns.len().clamp(1, limits::COLUMNS);
    let head = line(&header, width);
    let body: Vec<_> = rows.iter().take(limit - 1).map(|row| line(row, width)).collect();
    let build = |count: usize| {
        let empty = (count == 0).then(|| line(&[], width));
        let shown = body.iter().take(count).chain(empty.as_ref());
        block([&head].into_iter().chain(shown).cloned().collect())
    };
    let (mut fits, mut too_many) = (0, body.len() + 1);
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        if message::cost(&build(middle)).chars <= budget {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    (build(fits), fits)
}

/// A row of exactly `width` cells; where a row is wider, its last cell says how many are not shown.
fn line(row: &[String], width: usize) -> Vec<Cell> {
    let left_out = row.len().saturating_sub(width);
    (0..width)
        .map(|column| {
            if left_out > 0 && column + 1 == width {
                Cell::new(&crate::and_more(left_out as u64 + 1, "columns"))
            } else {
                Cell::new(row.get(column).map_or("", String::as_str))
            }
        })
        .collect()
}

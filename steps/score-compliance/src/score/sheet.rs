//! One account's pairs as a sheet: a line for each resource, a column for each rule, and a bit for each pair. Both sides
//! of a comparison share the lines and columns, so that comparing them is comparing bits.

use super::codes::{Code, Codes, Interner, Key, Map};
use super::pair::Pair;
use super::rows::{AccountRows, RowRef};

/// A line and a column of a sheet.
pub(crate) type Cell = (u32, u32);

/// What the lines and columns stand for.
#[derive(Debug)]
pub(crate) struct Sheet<'t> {
    pub(crate) account: Code,
    pub(crate) codes: &'t Codes,
    /// Resource type, place and id of each line.
    pub(crate) lines: Vec<(Code, Code, &'t str)>,
    line_of: Map<(Code, Code, &'t str), u32>,
    /// The rule of each column.
    pub(crate) columns: Vec<Code>,
    column_of: Vec<Option<u32>>,
}

/// One side's pairs, and the cell of each of its results.
#[derive(Debug)]
pub(crate) struct Side<'t> {
    pub(crate) rows: &'t AccountRows,
    pub(crate) cells: Vec<Cell>,
    /// Pairs that count.
    pub(crate) present: Bits,
    /// Those of them with a noncompliant result.
    pub(crate) noncompliant: Bits,
    /// Pairs with several results.
    pub(crate) repeated: Vec<Cell>,
    /// Pairs of which something was read and that are unknown all the same, see the walk.
    pub(crate) unknown: Vec<Cell>,
}

impl<'t> Sheet<'t> {
    pub(crate) fn new(account: Code, codes: &'t Codes) -> Self {
        Self {
            account,
            codes,
            lines: Vec::new(),
            line_of: Map::default(),
            columns: Vec::new(),
            column_of: vec![None; codes.rules.len()],
        }
    }

    /// The cell of each result, made where there is none.
    pub(crate) fn cells(&mut self, rows: &'t AccountRows) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(rows.len());
        for result in rows.iter() {
            let row = result.row;
            let place = self.codes.place(row.resource_type, row.region);
            let line = (row.resource_type, place, result.id());
            let next = self.lines.len() as u32;
            let line = *self.line_of.entry(line).or_insert_with(|| {
                self.lines.push(line);
                next
            });
            cells.push((line, self.column(self.codes.rule(row.name))));
        }
        cells
    }

    fn column(&mut self, rule: Code) -> u32 {
        if let Some(column) = self.column_of[rule as usize] {
            return column;
        }
        let column = self.columns.len() as u32;
        self.columns.push(rule);
        self.column_of[rule as usize] = Some(column);
        column
    }

    /// A sheet of bits, all unset.
    pub(crate) fn bits(&self) -> Bits {
        let width = self.columns.len().div_ceil(64);
        Bits {
            width,
            words: vec![0; width * self.lines.len()],
        }
    }

    /// The pairs of one side; every cell of the sheet is there by now.
    pub(crate) fn side(&self, rows: &'t AccountRows, cells: Vec<Cell>) -> Side<'t> {
        let mut side = Side {
            rows,
            present: self.bits(),
            noncompliant: self.bits(),
            repeated: Vec::new(),
            unknown: Vec::new(),
            cells: Vec::new(),
        };
        for (result, cell) in rows.iter().zip(&cells) {
            if side.present.set(*cell) {
                side.repeated.push(*cell);
            }
            if result.row.noncompliant {
                side.noncompliant.set(*cell);
            }
        }
        side.cells = cells;
        side
    }

    /// The cell of a pair, if the sheet has it; `resources` are its account's.
    pub(crate) fn find(&self, key: &Key, resources: &Interner) -> Option<Cell> {
        let line = (key.resource_type, key.place, resources.text(key.resource));
        let line = *self.line_of.get(&line)?;
        let column = (*self.column_of.get(key.rule as usize)?)?;
        Some((line, column))
    }

    /// The pair of a cell.
    pub(crate) fn key(&self, (line, column): Cell, resources: &mut Interner) -> Key {
        let (resource_type, place, id) = self.lines[line as usize];
        Key {
            account: self.account,
            place,
            resource_type,
            resource: resources.code(id),
            rule: self.columns[column as usize],
        }
    }
}

impl<'t> Side<'t> {
    /// The results of these pairs.
    pub(crate) fn of<'s>(&'s self, pairs: &'s Bits) -> impl Iterator<Item = (Cell, RowRef<'t>)> + 's {
        let results = self.cells.iter().zip(self.rows.iter());
        results
            .filter(|(cell, _)| pairs.has(**cell))
            .map(|(cell, result)| (*cell, result))
    }

    /// These pairs, brought together from their results.
    pub(crate) fn gather(&self, pairs: &Bits, codes: &Codes) -> Map<Cell, Pair> {
        let mut gathered: Map<Cell, Pair> = Map::default();
        for (cell, result) in self.of(pairs) {
            gathered.entry(cell).or_default().add(&result.result(), codes);
        }
        gathered
    }

    /// Lets a pair not count: it is unknown.
    pub(crate) fn leave_out(&mut self, cell: Cell) {
        if self.present.has(cell) {
            self.present.unset(cell);
            self.unknown.push(cell);
        }
    }

    /// Anything of this resource was read.
    pub(crate) fn saw(&self, line: u32) -> bool {
        let counted = self.present.line(line).iter().any(|word| *word != 0);
        counted || self.unknown.iter().any(|cell| cell.0 == line)
    }
}

/// A bit for each cell.
#[derive(Debug, Clone)]
pub(crate) struct Bits {
    width: usize,
    words: Vec<u64>,
}

impl Bits {
    fn place(&self, (line, column): Cell) -> (usize, u64) {
        (
            line as usize * self.width + column as usize / 64,
            1 << (column % 64),
        )
    }

    /// Sets a bit; whether it was set already.
    pub(crate) fn set(&mut self, cell: Cell) -> bool {
        let (word, bit) = self.place(cell);
        let before = self.words[word];
        self.words[word] = before | bit;
        before & bit != 0
    }

    pub(crate) fn unset(&mut self, cell: Cell) {
        let (word, bit) = self.place(cell);
        self.words[word] &= !bit;
    }

    pub(crate) fn has(&self, cell: Cell) -> bool {
        let (word, bit) = self.place(cell);
        self.words[word] & bit != 0
    }

    /// The words of a line.
    pub(crate) fn line(&self, line: u32) -> &[u64] {
        &self.words[line as usize * self.width..][..self.width]
    }

    /// Word by word, of sheets of one size.
    pub(crate) fn with(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let words = self.words.iter().zip(&other.words);
        Self {
            width: self.width,
            words: words.map(|(a, b)| join(*a, *b)).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

/// The places of the bits set in a word.
pub(crate) fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let place = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(place)
    })
}

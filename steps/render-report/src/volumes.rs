//! Cuts the full lists into volumes. What one document costs in memory grows with its rows, so a long list goes on in
//! further documents, each bounded; nothing is ever left out. The cut depends on the rows alone, so the number of
//! volumes is known before any page is laid out, and the same lists are always cut at the same places.

use std::collections::BTreeMap;

use compliance::scorecard::{Lists, PairRow};

/// What one volume may cost, see [`cost`]: some 1,400 rows as they usually are, on about 45 pages. Laying out and
/// writing such a document takes about 80 MB, and half as much again where typst has to break its lines.
pub const VOLUME: u64 = 480_000;

/// One of the full lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    New,
    Resolved,
    Vanished,
    Noncompliant,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Resolved => "Resolved",
            Self::Vanished => "Vanished",
            Self::Noncompliant => "Noncompliant",
        }
    }
}

/// Rows of one account that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run<'a> {
    pub(crate) rows: Vec<&'a PairRow>,
    /// Rows of the account before these, in an earlier volume.
    pub(crate) before: u64,
    /// Rows of the account in the whole list.
    pub(crate) total: u64,
}

/// The part of a list that stands in one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    pub(crate) runs: Vec<Run<'a>>,
    /// Rows of the list before these, in earlier volumes.
    pub(crate) before: u64,
    /// Rows of the whole list.
    pub(crate) total: u64,
    /// Accounts of the whole list.
    pub(crate) accounts: u64,
}

impl Piece<'_> {
    /// Rows of this part.
    pub(crate) fn rows(&self) -> u64 {
        self.runs.iter().map(|run| run.rows.len() as u64).sum()
    }

    /// All of the list stands here.
    pub(crate) fn is_whole(&self) -> bool {
        self.rows() == self.total
    }
}

/// Which rows stand in which volume. The first is `report.pdf`, where the sections of the report stand as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan<'a> {
    pub(crate) volumes: Vec<Vec<Piece<'a>>>,
}

impl<'a> Plan<'a> {
    /// Cuts the lists, by account and in the list's order within, so that no volume costs more than `budget`. Without
    /// a baseline there is one list only.
    pub(crate) fn new(lists: &'a Lists, compared: bool, budget: u64) -> Self {
        let mut cutter = Cutter {
            budget,
            used: 0,
            volumes: vec![Vec::new()],
        };
        if compared {
            cutter.list(Kind::New, &lists.new);
            cutter.list(Kind::Resolved, &lists.resolved);
            cutter.list(Kind::Vanished, &lists.vanished);
        }
        cutter.list(Kind::Noncompliant, &lists.noncompliant);
        Self {
            volumes: cutter.volumes,
        }
    }

    /// Rows that stand in a volume, of all lists.
    pub(crate) fn rows(&self, index: usize) -> u64 {
        self.volumes
            .get(index)
            .map_or(0, |pieces| pieces.iter().map(Piece::rows).sum())
    }
}

/// The file of a volume, counted from 0.
pub(crate) fn file_name(index: usize) -> String {
    match index {
        0 => "report.pdf".to_owned(),
        _ => format!("report-volume-{}.pdf", index + 1),
    }
}

/// What a row costs: its cells, and its text, in bytes of text.
fn cost(row: &PairRow) -> u64 {
    let key = &row.key;
    let text = [&key.rule, &key.resource_id, &key.resource_type, &key.aws_region];
    let annotation = row.annotation.as_ref().map_or(0, String::len);
    let exception = row.exception.as_ref();
    let exception = exception.map_or(0, |exception| 40 + exception.id.len() + exception.reason.len());
    (200 + annotation + exception + text.iter().map(|text| text.len()).sum::<usize>()) as u64
}

/// How many rows from the start fit into `room`, and whether all do.
fn fitting(rows: &[&PairRow], room: u64) -> usize {
    let mut used = 0;
    rows.iter()
        .take_while(|row| {
            used += cost(row);
            used <= room
        })
        .count()
}

struct Cutter<'a> {
    budget: u64,
    used: u64,
    volumes: Vec<Vec<Piece<'a>>>,
}

impl<'a> Cutter<'a> {
    fn list(&mut self, kind: Kind, rows: &'a [PairRow]) {
        let mut by_account: BTreeMap<&str, Vec<&PairRow>> = BTreeMap::new();
        for row in rows {
            by_account.entry(&row.key.account_id).or_default().push(row);
        }
        self.push_piece(Piece {
            kind,
            runs: Vec::new(),
            before: 0,
            total: rows.len() as u64,
            accounts: by_account.len() as u64,
        });
        for rows in by_account.into_values() {
            self.account(&rows);
        }
    }

    /// An account that does not fit any more begins in the next volume, when this one is half full and that one can
    /// hold all of it; otherwise it is cut.
    fn account(&mut self, rows: &[&'a PairRow]) {
        let mut rest = rows;
        while !rest.is_empty() {
            let fits = fitting(rest, self.budget.saturating_sub(self.used));
            let fits_the_next = || fitting(rest, self.budget) == rest.len();
            if fits < rest.len()
                && self.used > 0
                && (fits == 0 || (2 * self.used >= self.budget && fits_the_next()))
            {
                self.turn();
                continue;
            }
            let (here, later) = rest.split_at(fits.max(1));
            self.push_run(Run {
                rows: here.to_vec(),
                before: (rows.len() - rest.len()) as u64,
                total: rows.len() as u64,
            });
            rest = later;
            if !rest.is_empty() {
                self.turn();
            }
        }
    }

    /// Goes on with the present list in a new volume; of a list without rows so far nothing stays in the old one.
    fn turn(&mut self) {
        let Some(piece) = self.volumes.last().and_then(|pieces| pieces.last()) else {
            return;
        };
        let next = Piece {
            runs: Vec::new(),
            before: piece.before + piece.rows(),
            ..piece.clone()
        };
        if piece.runs.is_empty()
            && let Some(pieces) = self.volumes.last_mut()
        {
            pieces.pop();
        }
        self.volumes.push(Vec::new());
        self.used = 0;
        self.push_piece(next);
    }

    fn push_piece(&mut self, piece: Piece<'a>) {
        if let Some(pieces) = self.volumes.last_mut() {
            pieces.push(piece);
        }
    }

    fn push_run(&mut self, run: Run<'a>) {
        self.used += run.rows.iter().map(|row| cost(row)).sum::<u64>();
        if let Some(piece) = self.volumes.last_mut().and_then(|pieces| pieces.last_mut()) {
            piece.runs.push(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use compliance::evaluation::PairKey;

    use super::*;

    /// A row of an account that costs exactly `cost`.
    fn row(account: &str, number: usize, cost: usize) -> PairRow {
        PairRow::of(PairKey {
            account_id: account.to_owned(),
            aws_region: String::new(),
            resource_type: String::new(),
            resource_id: format!("{number:0width$}", width = cost - 200),
            rule: String::new(),
        })
    }

    fn lists(accounts: &[(&str, usize)]) -> Lists {
        Lists {
            noncompliant: accounts
                .iter()
                .flat_map(|(account, rows)| (0..*rows).map(|number| row(account, number, 210)))
                .collect(),
            ..Lists::default()
        }
    }

    /// Each volume as `account first-last/total` by list, and that nothing is lost, doubled or out of order.
    fn check(lists: &Lists, compared: bool, budget: u64, expect: &[&str]) {
        let plan = Plan::new(lists, compared, budget);
        let run = |run: &Run<'_>| {
            let last = run.before + run.rows.len() as u64;
            let account = &run.rows[0].key.account_id;
            format!("{account} {}-{last}/{}", run.before + 1, run.total)
        };
        let piece = |piece: &Piece<'_>| {
            let runs: Vec<_> = piece.runs.iter().map(run).collect();
            let title = piece.kind.title();
            format!("{title}+{} [{}]", piece.before, runs.join(", "))
        };
        let volumes: Vec<String> = plan
            .volumes
            .iter()
            .map(|pieces| pieces.iter().map(piece).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(volumes, expect);
        let mut shown: Vec<&PairRow> = plan
            .volumes
            .iter()
            .flatten()
            .filter(|piece| piece.kind == Kind::Noncompliant)
            .flat_map(|piece| piece.runs.iter().flat_map(|run| run.rows.iter().copied()))
            .collect();
        let mut all: Vec<&PairRow> = lists.noncompliant.iter().collect();
        shown.sort_by_key(|row| &row.key);
        all.sort_by_key(|row| &row.key);
        assert_eq!(shown, all);
        for (index, pieces) in plan.volumes.iter().enumerate() {
            let rows = pieces
                .iter()
                .flat_map(|piece| &piece.runs)
                .flat_map(|run| &run.rows);
            let costs: Vec<u64> = rows.map(|row| cost(row)).collect();
            assert!(
                costs.len() == 1 || costs.iter().sum::<u64>() <= budget,
                "volume {index} is over its budget"
            );
        }
    }

    #[test]
    fn a_calm_report_is_one_document() {
        check(&lists(&[]), false, 2_100, &["Noncompliant+0 []"]);
        check(
            &lists(&[]),
            true,
            2_100,
            &["New+0 [] Resolved+0 [] Vanished+0 [] Noncompliant+0 []"],
        );
        check(
            &lists(&[("b", 2), ("a", 3)]),
            false,
            2_100,
            &["Noncompliant+0 [a 1-3/3, b 1-2/2]"],
        );
    }

    #[test]
    fn what_fits_exactly_needs_no_further_volume_and_one_row_more_does() {
        check(
            &lists(&[("a", 10)]),
            false,
            2_100,
            &["Noncompliant+0 [a 1-10/10]"],
        );
        check(
            &lists(&[("a", 11)]),
            false,
            2_100,
            &["Noncompliant+0 [a 1-10/11]", "Noncompliant+10 [a 11-11/11]"],
        );
    }

    #[test]
    fn an_account_that_would_be_cut_begins_in_the_next_volume_unless_half_of_this_one_would_stay_empty() {
        check(
            &lists(&[("a", 5), ("b", 7)]),
            false,
            2_100,
            &["Noncompliant+0 [a 1-5/5]", "Noncompliant+5 [b 1-7/7]"],
        );
        check(
            &lists(&[("a", 4), ("b", 7)]),
            false,
            2_100,
            &["Noncompliant+0 [a 1-4/4, b 1-6/7]", "Noncompliant+10 [b 7-7/7]"],
        );
    }

    #[test]
    fn an_account_longer_than_a_volume_is_cut() {
        check(
            &lists(&[("a", 6), ("b", 15), ("c", 1)]),
            false,
            2_100,
            &[
                "Noncompliant+0 [a 1-6/6, b 1-4/15]",
                "Noncompliant+10 [b 5-14/15]",
                "Noncompliant+20 [b 15-15/15, c 1-1/1]",
            ],
        );
    }

    #[test]
    fn a_list_that_begins_with_a_new_volume_leaves_nothing_in_the_old_one() {
        let mut both = lists(&[("a", 2)]);
        both.new = lists(&[("a", 10)]).noncompliant;
        check(
            &both,
            true,
            2_100,
            &[
                "New+0 [a 1-10/10] Resolved+0 [] Vanished+0 []",
                "Noncompliant+0 [a 1-2/2]",
            ],
        );
    }

    #[test]
    fn a_row_that_costs_more_than_a_volume_has_one_of_its_own() {
        let mut lists = lists(&[("a", 1), ("c", 1)]);
        lists.noncompliant.push(row("b", 0, 5_000));
        check(
            &lists,
            false,
            2_100,
            &[
                "Noncompliant+0 [a 1-1/1]",
                "Noncompliant+1 [b 1-1/1]",
                "Noncompliant+2 [c 1-1/1]",
            ],
        );
    }
}

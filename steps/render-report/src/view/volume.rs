//! What further volumes say, and how the first one names them.

use compliance::scorecard::Scorecard;
use compliance::text as format;
use serde::Serialize;

use super::{Meta, lists, meta};
use crate::volumes::{Piece, Plan, Run, file_name};

/// A volume of full lists, ready to be laid out: it stands alone.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct VolumeView {
    meta: Meta,
    /// `Volume 2 of 5`.
    volume: String,
    /// The file of the first volume, with the summary.
    report: String,
    /// What stands in it.
    contents: Vec<Line>,
    lists: Vec<lists::List>,
}

impl VolumeView {
    /// The view of a volume after the first, counted from 0.
    pub(crate) fn new(scorecard: &Scorecard, plan: &Plan<'_>, index: usize) -> Self {
        let pieces = plan.volumes.get(index).map_or(&[][..], Vec::as_slice);
        let volume = format!(
            "Volume {} of {}",
            format::count(index as u64 + 1),
            format::count(plan.volumes.len() as u64)
        );
        let meta = meta(scorecard);
        Self {
            meta: Meta {
                title: format!("{}, {}", meta.title, volume.to_lowercase()),
                volume: Some(volume.clone()),
                ..meta
            },
            volume,
            report: file_name(0),
            contents: lines(index, pieces),
            lists: lists::sections(scorecard, pieces),
        }
    }
}

/// The volumes, as the first one names them.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Volumes {
    /// For the summary.
    sentence: String,
    lines: Vec<Line>,
}

/// A part of a list in a volume.
#[derive(Debug, Clone, Serialize)]
struct Line {
    file: String,
    list: &'static str,
    rows: String,
    accounts: String,
}

/// Nothing when all stands in one document.
pub(super) fn section(plan: &Plan<'_>) -> Option<Volumes> {
    let further = plan.volumes.len() - 1;
    let sentence = match further {
        0 => return None,
        1 => format!("The full lists go on in {}.", file_name(1)),
        _ => format!(
            "The full lists go on in {} further volumes, {} to {}.",
            format::count(further as u64),
            file_name(1),
            file_name(further)
        ),
    };
    let volumes = plan.volumes.iter().enumerate();
    Some(Volumes {
        sentence,
        lines: volumes.flat_map(|(index, pieces)| lines(index, pieces)).collect(),
    })
}

fn lines(index: usize, pieces: &[Piece<'_>]) -> Vec<Line> {
    let line = |piece: &Piece<'_>| Line {
        file: file_name(index),
        list: piece.kind.title(),
        rows: if piece.total == 0 {
            "none".to_owned()
        } else {
            format!("{} of {}", lists::stretch(piece), format::count(piece.total))
        },
        accounts: accounts(piece),
    };
    pieces.iter().map(line).collect()
}

/// From the first account to the last.
fn accounts(piece: &Piece<'_>) -> String {
    let shown = |run: &Run<'_>| {
        let (name, id) = lists::account(run);
        if name.is_empty() {
            id
        } else {
            format!("{id} {name}")
        }
    };
    match (piece.runs.first(), piece.runs.last()) {
        (Some(first), Some(last)) if piece.runs.len() > 1 => format!("{} to {}", shown(first), shown(last)),
        (Some(only), _) => shown(only),
        _ => String::new(),
    }
}

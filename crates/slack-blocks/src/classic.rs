//! Tables and charts told in classic blocks.

use crate::block::Block;
use crate::chart::{DataVisualization, sparkline};
use crate::limits;
use crate::table::Cell;
use crate::text::Mrkdwn;

/// The block itself if it is classic, else what stands for it.
pub(crate) fn blocks(block: &Block) -> Vec<Block> {
    match block {
        Block::Table(table) => lines(None, &table.rows),
        Block::DataTable(table) => lines(Some(&table.caption), &table.rows),
        Block::DataVisualization(chart) => vec![Block::section(&Mrkdwn::lines(series(chart)))],
        other => vec![other.clone()],
    }
}

/// A bullet for each row, its cells named by the header, in as few sections as hold them.
fn lines(caption: Option<&str>, rows: &[Vec<Cell>]) -> Vec<Block> {
    let (header, body) = rows
        .split_first()
        .map_or((&[][..], &[][..]), |(header, body)| (header.as_slice(), body));
    let caption = caption.map(|caption| Mrkdwn::new().bold(caption));
    sections(
        caption
            .into_iter()
            .chain(body.iter().map(|row| bullet(header, row))),
    )
}

fn bullet(header: &[Cell], row: &[Cell]) -> Mrkdwn {
    let mut cells = row.iter().zip(header);
    let first = cells.next().map_or("", |(cell, _)| cell.text.as_str());
    let rest: Vec<String> = cells
        .map(|(cell, title)| format!("{} {}", title.text, cell.text))
        .collect();
    let line = Mrkdwn::new().text("• ").text(first);
    if rest.is_empty() {
        line
    } else {
        line.text(" — ").text(&rest.join(" · "))
    }
}

/// Lines in as few sections as hold them, never broken within one unless it alone is too long.
pub(crate) fn sections(lines: impl IntoIterator<Item = Mrkdwn>) -> Vec<Block> {
    let mut all: Vec<(Mrkdwn, usize)> = Vec::new();
    for line in lines {
        let length = line.length();
        match all.last_mut() {
            Some((section, used)) if *used + 1 + length <= limits::SECTION => {
                *section = std::mem::take(section).line_break().then(line);
                *used += 1 + length;
            }
            _ => all.push((line, length)),
        }
    }
    all.iter().map(|(text, _)| Block::section(text)).collect()
}

/// The title, then for each series its sparkline with its ends.
fn series(chart: &DataVisualization) -> Vec<Mrkdwn> {
    let mut all = vec![Mrkdwn::new().bold(&chart.title)];
    for series in &chart.chart.series {
        let values: Vec<_> = series.data.iter().map(|point| Some(point.value)).collect();
        let ends = series.data.first().zip(series.data.last());
        let ends = ends.map(|(first, last)| {
            format!(
                " {}: {} → {}: {}",
                first.label,
                number(first.value),
                last.label,
                number(last.value)
            )
        });
        all.push(
            Mrkdwn::new()
                .text(&format!("{} ", series.name))
                .code(&sparkline(&values), 60)
                .text(&ends.unwrap_or_default()),
        );
    }
    all
}

/// A chart's value, with one decimal unless it is whole.
pub(crate) fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

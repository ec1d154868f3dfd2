//! A message as a person would see it in Slack, drawn for a terminal. Control characters never reach it raw.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::block::{Actions, Block, Section};
use crate::chart::{DataVisualization, sparkline};
use crate::classic::number;
use crate::message::Message;
use crate::spans::{self, Style};
use crate::table::{Align, Cell, guessed_align};
use crate::text::{TextObject, sanitise, unescape};

/// Narrower than this nothing can be laid out; the drawing is this wide then.
const NARROWEST: usize = 20;

/// The message as lines of at most `width` columns (links and unbreakable words may be longer), with ANSI styles
/// if `color`. The text for screen readers is not drawn.
pub fn to_terminal(message: &Message, width: usize, color: bool) -> String {
    let canvas = Canvas {
        width: width.max(NARROWEST),
        color,
    };
    let mut out = String::new();
    for line in message.blocks.iter().flat_map(|block| canvas.block(block)) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\u{1b}[1m",
            Self::Code => "\u{1b}[36m",
            Self::Dim => "\u{1b}[2m",
            Self::Link => "\u{1b}[4m",
        }
    }
}

/// A grapheme cluster with its style.
type Glyph = (String, Style);

struct Canvas {
    width: usize,
    color: bool,
}

impl Canvas {
    fn block(&self, block: &Block) -> Vec<String> {
        match block {
            Block::Header(header) => {
                let title = self.wrap(&restyle(glyphs(&header.text), Style::Bold), self.width);
                let rule = title.iter().map(|line| width_of(line)).max().unwrap_or(0);
                self.paint_all(&title)
                    .into_iter()
                    .chain(["═".repeat(rule)])
                    .collect()
            }
            Block::Section(section) => self.section(section),
            Block::Context(context) => {
                let separator = ("  ".to_owned(), Style::Dim);
                let parts: Vec<Vec<Glyph>> = context
                    .elements
                    .iter()
                    .map(|text| restyle(glyphs(text), Style::Dim))
                    .collect();
                self.paint_all(&self.wrap(&parts.join(&separator), self.width))
            }
            Block::Divider {} => vec!["─".repeat(self.width)],
            Block::Table(table) => {
                let aligns: Vec<Align> = table
                    .column_settings
                    .iter()
                    .map(|setting| setting.align)
                    .collect();
                self.table(&table.rows, &aligns)
            }
            Block::DataTable(table) => {
                let caption = self.wrap(&glyphs_of(&sanitise(&table.caption), Style::Bold), self.width);
                self.paint_all(&caption)
                    .into_iter()
                    .chain(self.table(&table.rows, &[]))
                    .collect()
            }
            Block::DataVisualization(chart) => self.chart(chart),
            Block::Actions(actions) => self.actions(actions),
        }
    }

    fn section(&self, section: &Section) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(text) = &section.text {
            lines.extend(self.paint_all(&self.wrap(&glyphs(text), self.width)));
        }
        let column = (self.width - 2) / 2;
        for pair in section.fields.chunks(2) {
            let cells: Vec<_> = pair
                .iter()
                .map(|field| self.wrap(&glyphs(field), column))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for row in 0..height {
                let (left, right) = (cell_line(&cells, 0, row), cell_line(&cells, 1, row));
                let gap = " ".repeat((column + 2).saturating_sub(width_of(left)));
                lines.push(format!("{}{gap}{}", self.paint(left), self.paint(right)));
            }
        }
        lines
    }

    /// Columns as wide as their widest cell, the widest ones narrowed until the table fits.
    fn table(&self, rows: &[Vec<Cell>], aligns: &[Align]) -> Vec<String> {
        let texts: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| sanitise(&cell.text)).collect())
            .collect();
        let columns = texts.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            texts
                .iter()
                .filter_map(|row| row.get(column))
                .map(|text| text.width())
                .max()
        };
        let mut widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
        while widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1) > self.width {
            match widths.iter_mut().max() {
                Some(width) if *width > 4 => *width -= 1,
                _ => break,
            }
        }
        let mut lines = Vec::new();
        for (index, row) in texts.iter().enumerate() {
            let style = if index == 0 { Style::Bold } else { Style::Plain };
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (text, width))| {
                    let align = aligns
                        .get(column)
                        .copied()
                        .unwrap_or_else(|| guessed_align(&texts, column));
                    pad(text, *width, align)
                });
            let line = cells.collect::<Vec<_>>().join("  ");
            lines.push(self.paint(&glyphs_of(&line, style)));
        }
        lines
    }

    fn chart(&self, chart: &DataVisualization) -> Vec<String> {
        let mut lines =
            self.paint_all(&self.wrap(&glyphs_of(&sanitise(&chart.title), Style::Bold), self.width));
        for series in &chart.chart.series {
            let values: Vec<Option<f64>> = series.data.iter().map(|point| Some(point.value)).collect();
            let ends = series.data.first().zip(series.data.last()).map(|(first, last)| {
                format!(
                    "{} {} → {} {}",
                    first.label,
                    number(first.value),
                    last.label,
                    number(last.value)
                )
            });
            let line = format!(
                "{} {}  {}",
                series.name,
                sparkline(&values),
                ends.unwrap_or_default()
            );
            lines.extend(self.paint_all(&self.wrap(&glyphs_of(&sanitise(&line), Style::Plain), self.width)));
        }
        lines
    }

    fn actions(&self, actions: &Actions) -> Vec<String> {
        let draw = |button: &crate::block::Button| {
            let label = glyphs_of(
                &format!("[ {} ]", sanitise(&unescape(&button.text.text))),
                Style::Bold,
            );
            let url = glyphs_of(&sanitise(button.url.as_str()), Style::Link);
            format!("{} {}", self.paint(&label), self.paint(&url))
        };
        actions.elements.iter().map(draw).collect()
    }

    /// Lines of at most `width` columns, broken at spaces, else inside a word that is too long.
    fn wrap(&self, glyphs: &[Glyph], width: usize) -> Vec<Vec<Glyph>> {
        let mut lines = vec![Vec::new()];
        for glyph in glyphs {
            if glyph.0 == "\n" {
                lines.push(Vec::new());
                continue;
            }
            let Some(line) = lines.last_mut() else { continue };
            line.push(glyph.clone());
            if width_of(line) > width {
                let rest = break_off(line);
                lines.push(rest);
            }
        }
        lines
    }

    fn paint_all(&self, lines: &[Vec<Glyph>]) -> Vec<String> {
        lines.iter().map(|line| self.paint(line)).collect()
    }

    fn paint(&self, glyphs: &[Glyph]) -> String {
        let mut out = String::new();
        let mut current = Style::Plain;
        for (text, style) in glyphs
            .iter()
            .map(|(text, style)| (text.as_str(), *style))
            .chain([("", Style::Plain)])
        {
            if self.color && style != current {
                if current != Style::Plain {
                    out.push_str("\u{1b}[0m");
                }
                out.push_str(style.code());
                current = style;
            }
            out.push_str(text);
        }
        out
    }
}

/// Takes what goes to the next line off one that is too long.
fn break_off(line: &mut Vec<Glyph>) -> Vec<Glyph> {
    let space = line.iter().rposition(|(text, _)| text == " ");
    match space {
        Some(space) if space > 0 => {
            let rest = line.split_off(space + 1);
            line.pop();
            rest
        }
        _ => line.split_off(line.len() - 1),
    }
}

fn cell_line(cells: &[Vec<Vec<Glyph>>], column: usize, row: usize) -> &[Glyph] {
    cells
        .get(column)
        .and_then(|cell| cell.get(row))
        .map_or(&[], Vec::as_slice)
}

fn width_of(glyphs: &[Glyph]) -> usize {
    glyphs.iter().map(|(text, _)| text.width()).sum()
}

fn pad(text: &str, width: usize, align: Align) -> String {
    let shown = if text.width() <= width {
        text.to_owned()
    } else {
        shorten(text, width)
    };
    let gap = " ".repeat(width.saturating_sub(shown.width()));
    match align {
        Align::Left => shown + &gap,
        Align::Right => gap + &shown,
    }
}

fn shorten(text: &str, width: usize) -> String {
    let mut out = String::new();
    for grapheme in text.graphemes(true) {
        if out.width() + grapheme.width() + 1 > width {
            break;
        }
        out.push_str(grapheme);
    }
    out + "…"
}

fn glyphs_of(text: &str, style: Style) -> Vec<Glyph> {
    text.graphemes(true)
        .map(|grapheme| (grapheme.to_owned(), style))
        .collect()
}

fn restyle(glyphs: Vec<Glyph>, style: Style) -> Vec<Glyph> {
    glyphs
        .into_iter()
        .map(|(text, own)| (text, if own == Style::Plain { style } else { own }))
        .collect()
}

/// A text object as glyphs, line breaks as `"\n"`.
fn glyphs(text: &TextObject) -> Vec<Glyph> {
    let lines = spans::lines(text).into_iter().map(|spans| {
        let glyphs = spans.iter().flat_map(|span| glyphs_of(&span.text, span.style));
        glyphs.collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join(&("\n".to_owned(), Style::Plain))
}

//! A message as it would be drawn, for templates that lay it out: what stands where, with nothing left to interpret.

use serde::Serialize;

use crate::block::{Actions, Block, Section};
use crate::chart::{ChartKind, DataVisualization};
use crate::classic::number;
use crate::message::Message;
use crate::spans::{self, Span, Style};
use crate::table::{Align, Cell, guessed_align};
use crate::text::{TextObject, sanitise, unescape};

/// The blocks of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Drawing(Vec<Drawn>);

type Line = Vec<Span>;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Drawn {
    Header {
        lines: Vec<Line>,
    },
    Text {
        lines: Vec<Line>,
    },
    /// In two columns.
    Fields {
        fields: Vec<Vec<Line>>,
    },
    /// Small print.
    Context {
        elements: Vec<Vec<Line>>,
    },
    Divider,
    Table {
        caption: Option<String>,
        head: Vec<String>,
        rows: Vec<Vec<String>>,
        /// `left` or `right`, by column.
        align: Vec<Align>,
    },
    Chart {
        title: String,
        kind: ChartKind,
        series: Vec<DrawnSeries>,
    },
    Buttons {
        labels: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct DrawnSeries {
    name: String,
    points: Vec<DrawnPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct DrawnPoint {
    label: String,
    /// Of the chart's height, 0 to 1.
    height: f64,
    value: String,
}

/// How a message is drawn.
pub fn drawing(message: &Message) -> Drawing {
    Drawing(message.blocks().iter().flat_map(drawn).collect())
}

fn drawn(block: &Block) -> Vec<Drawn> {
    let one = match block {
        Block::Header(header) => Drawn::Header {
            lines: spans::lines(&header.text),
        },
        Block::Section(section) => return of_section(section),
        Block::Context(context) => Drawn::Context {
            elements: context.elements.iter().map(spans::lines).collect(),
        },
        Block::Divider {} => Drawn::Divider,
        Block::Table(table) => {
            let align = table.column_settings.iter().map(|setting| setting.align);
            of_table(None, &table.rows, Some(align.collect()))
        }
        Block::DataTable(table) => of_table(Some(sanitise(&table.caption)), &table.rows, None),
        Block::DataVisualization(chart) => of_chart(chart),
        Block::Actions(actions) => of_actions(actions),
    };
    vec![one]
}

fn of_section(section: &Section) -> Vec<Drawn> {
    let text = section.text.as_ref().map(|text: &TextObject| Drawn::Text {
        lines: spans::lines(text),
    });
    let fields = (!section.fields.is_empty()).then(|| Drawn::Fields {
        fields: section.fields.iter().map(spans::lines).collect(),
    });
    text.into_iter().chain(fields).collect()
}

fn of_table(caption: Option<String>, rows: &[Vec<Cell>], align: Option<Vec<Align>>) -> Drawn {
    let texts: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| sanitise(&cell.text)).collect())
        .collect();
    let columns = texts.iter().map(Vec::len).max().unwrap_or(0);
    let guess = || (0..columns).map(|column| guessed_align(&texts, column)).collect();
    let align = align.unwrap_or_else(guess);
    let mut rows = texts.into_iter();
    Drawn::Table {
        caption,
        head: rows.next().unwrap_or_default(),
        rows: rows.collect(),
        align,
    }
}

fn of_chart(chart: &DataVisualization) -> Drawn {
    let values = || chart.chart.series.iter().flat_map(|series| &series.data);
    let values = || values().map(|point| point.value);
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let height = |value: f64| {
        let share = (value - least) / (most - least);
        if share.is_finite() { share } else { 0.5 }
    };
    let series = chart.chart.series.iter().map(|series| DrawnSeries {
        name: sanitise(&series.name),
        points: series
            .data
            .iter()
            .map(|point| DrawnPoint {
                label: sanitise(&point.label),
                height: height(point.value),
                value: number(point.value),
            })
            .collect(),
    });
    Drawn::Chart {
        title: sanitise(&chart.title),
        kind: chart.chart.kind,
        series: series.collect(),
    }
}

fn of_actions(actions: &Actions) -> Drawn {
    let label = |text: &TextObject| Span::new(&unescape(&text.text), Style::Plain).text;
    Drawn::Buttons {
        labels: actions
            .elements
            .iter()
            .map(|button| label(&button.text))
            .collect(),
    }
}

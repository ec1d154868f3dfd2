//! Charts: `data_visualization`, line and bar.
//!
//! Shape as of Slack's reference of 2026-06: `{"title", "chart": {"type": "line" | "bar", "series": [{"name",
//! "data": [{"label", "value"}]}], "axis_config": {"categories", "x_label", "y_label"}}}`. Series names are unique,
//! and each series has exactly one point for each category, so a gap cannot be drawn: leave the category out and
//! say so. Not confirmed: the greatest number of charts in a message (one here).

use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::{limits, text};

/// How a chart draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// For values over time.
    Line,
    /// For values side by side.
    Bar,
}

/// A chart with its title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataVisualization {
    pub(crate) title: String,
    pub(crate) chart: Chart,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chart {
    #[serde(rename = "type")]
    pub(crate) kind: ChartKind,
    pub(crate) series: Vec<Series>,
    axis_config: AxisConfig,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) data: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) label: String,
    pub(crate) value: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AxisConfig {
    categories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    y_label: Option<String>,
}

impl DataVisualization {
    /// A chart of one or more series over the same categories. `None` when nothing can be drawn: no category, no
    /// series, more than six series, more than twenty categories, a series of another length, or a value that is
    /// no number. Charts are not cut, as a part of one misleads.
    pub fn block(
        title: &str,
        kind: ChartKind,
        y_label: &str,
        categories: &[String],
        series: &[(&str, &[f64])],
    ) -> Option<Block> {
        let drawable = (1..=limits::CHART_SERIES).contains(&series.len())
            && (1..=limits::CHART_POINTS).contains(&categories.len())
            && series.iter().all(|(_, values)| {
                values.len() == categories.len() && values.iter().all(|value| value.is_finite())
            });
        if !drawable {
            return None;
        }
        let categories = unique(categories.iter().map(String::as_str));
        let names = unique(series.iter().map(|(name, _)| *name));
        let series = names
            .into_iter()
            .zip(series)
            .map(|(name, (_, values))| Series {
                name,
                data: points(&categories, values),
            })
            .collect();
        Some(Block::DataVisualization(Self {
            title: text::raw(title, limits::CHART_TITLE),
            chart: Chart {
                kind,
                series,
                axis_config: AxisConfig {
                    categories,
                    y_label: (!y_label.is_empty()).then(|| text::raw(y_label, limits::CHART_TITLE)),
                },
            },
        }))
    }
}

fn points(categories: &[String], values: &[f64]) -> Vec<Point> {
    categories
        .iter()
        .zip(values)
        .map(|(label, value)| Point {
            label: label.clone(),
            value: *value,
        })
        .collect()
}

/// Labels within the limit and all different; a repeated one gets a number.
fn unique<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for label in labels {
        let mut candidate = text::raw(label, limits::CHART_LABEL);
        let mut number = 2;
        while all.contains(&candidate) {
            let suffix = format!(" ({number})");
            candidate = text::raw(label, limits::CHART_LABEL - suffix.chars().count()) + &suffix;
            number += 1;
        }
        all.push(candidate);
    }
    all
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character for each value, scaled from the least to the greatest; `None` is a gap (`·`). Values all alike
/// stand in the middle.
pub fn sparkline(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (least, most) = (
        known().fold(f64::INFINITY, f64::min),
        known().fold(f64::NEG_INFINITY, f64::max),
    );
    values
        .iter()
        .map(|value| match value {
            Some(value) if value.is_finite() => BARS[height(*value, least, most)],
            _ => '·',
        })
        .collect()
}

fn height(value: f64, least: f64, most: f64) -> usize {
    let share = (value - least) / (most - least);
    if share.is_finite() {
        ((share * 7.0).round() as usize).min(7)
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines_scale_and_show_gaps() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(0.5), Some(1.0)]), "▁·▅█");
        assert_eq!(sparkline(&[Some(0.7), Some(0.7)]), "▄▄");
        assert_eq!(sparkline(&[None, Some(f64::NAN)]), "··");
    }

    #[test]
    fn a_chart_is_whole_or_not_at_all() {
        let labels = |count: usize| vec!["day".to_owned(); count];
        let draw = |count: usize, values: &[f64]| {
            DataVisualization::block(
                "t",
                ChartKind::Line,
                "",
                &labels(count),
                &[("a", values), ("a", values)],
            )
        };
        assert!(draw(0, &[]).is_none() && draw(21, &[0.0; 21]).is_none() && draw(1, &[f64::NAN]).is_none());
        let Some(Block::DataVisualization(chart)) = draw(3, &[1.0, 2.0, 3.0]) else {
            panic!("three points make a chart");
        };
        assert_eq!(chart.chart.axis_config.categories, ["day", "day (2)", "day (3)"]);
        assert_eq!(chart.chart.series[1].name, "a (2)");
    }
}

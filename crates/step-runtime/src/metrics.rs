//! CloudWatch metrics in the embedded metric format: JSON lines on standard output, which need no permission.

use serde_json::{Map, Value, json};

/// A metric's unit, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Parts of a hundred.
    Percent,
    /// Seconds.
    Seconds,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Percent => "Percent",
            Self::Seconds => "Seconds",
        }
    }
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    name: &'static str,
    unit: Unit,
    value: f64,
}

impl Metric {
    /// A value.
    pub fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self { name, unit, value }
    }
}

/// The line that tells CloudWatch these values, measured at a time in milliseconds since 1970.
pub(crate) fn line(namespace: &str, at: i64, dimensions: &[(&str, &str)], metrics: &[Metric]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({"Name": metric.name, "Unit": metric.unit.as_str()}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at,
            "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [names], "Metrics": definitions}],
        }),
    );
    for (name, value) in dimensions {
        line.insert((*name).to_owned(), json!(value));
    }
    for metric in metrics {
        line.insert(metric.name.to_owned(), json!(metric.value));
    }
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_metrics_dimensions_and_values() {
        let text = line(
            "Plumbline",
            1_795_251_600_000,
            &[("Kind", "daily")],
            &[Metric::new("Coverage", Unit::Percent, 99.5)],
        );
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_795_251_600_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Plumbline",
                        "Dimensions": [["Kind"]],
                        "Metrics": [{"Name": "Coverage", "Unit": "Percent"}],
                    }],
                },
                "Kind": "daily",
                "Coverage": 99.5,
            })
        );
        assert!(!text.contains('\n'));
    }
}

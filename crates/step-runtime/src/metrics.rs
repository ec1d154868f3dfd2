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

/// Values of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    name: &'static str,
    unit: Unit,
    values: Vec<f64>,
}

/// What CloudWatch takes of one metric in a line; more are left out.
const MOST_VALUES: usize = 100;

impl Metric {
    /// One value.
    pub fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self::many(name, unit, vec![value])
    }

    /// Several values, 100 at most, each of which counts for percentiles.
    pub fn many(name: &'static str, unit: Unit, mut values: Vec<f64>) -> Self {
        values.truncate(MOST_VALUES);
        Self { name, unit, values }
    }

    fn value(&self) -> Value {
        match self.values.as_slice() {
            [one] => json!(one),
            several => json!(several),
        }
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
        line.insert(metric.name.to_owned(), metric.value());
    }
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_are_a_list_of_no_more_than_cloudwatch_takes() {
        let check = |count: usize, expected: usize| {
            let metric = Metric::many("Latency", Unit::Milliseconds, vec![1.5; count]);
            let line: Value = serde_json::from_str(&line("Plumbline", 0, &[], &[metric])).unwrap();
            assert_eq!(line["Latency"].as_array().map(Vec::len), Some(expected));
            assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        };
        check(0, 0);
        check(3, 3);
        check(500, 100);
    }

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

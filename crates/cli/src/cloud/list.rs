//! Lists the newest runs.

use aws::Listed;
use compliance::Timestamp;
use compliance::report::ReportKind;
use compliance::text;
use serde::Serialize;

use super::{Cloud, outcome};
use crate::args::CloudListArgs;
use crate::error::{CliError, defect};

/// Runs looked through for each one listed, when only one kind is asked for.
const LOOKED_THROUGH: usize = 10;

/// A line of the list.
#[derive(Debug, Serialize)]
struct Line {
    run: String,
    kind: Option<String>,
    status: &'static str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    arn: String,
}

/// Lists the newest runs, newest first.
pub(super) async fn run(args: &CloudListArgs) -> Result<(), CliError> {
    let cloud = Cloud::open(&args.cloud, None).await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let kind = args.kind.map(|kind| ReportKind::from(kind).as_str());
    let looked_through = kind.map_or(limit, |_| limit.saturating_mul(LOOKED_THROUGH));
    let newest = cloud.executions.newest(looked_through).await?;
    let all = newest.len() < looked_through;
    let mut lines = Vec::new();
    for listed in newest {
        let line = line(&cloud, listed).await?;
        if kind.is_none() || line.kind.as_deref() == kind {
            lines.push(line);
        }
        if lines.len() == limit {
            break;
        }
    }
    if lines.len() < limit && !all {
        cloud.progress.note(&format!(
            "Only the newest {} were looked through.",
            text::plural(looked_through as u64, "run", "runs")
        ));
    }
    crate::print(&said(&lines, args.cloud.json)?)
}

/// What a run is: its kind is in the name that `cloud start` gives; of others, such as a schedule's, in the input.
async fn line(cloud: &Cloud, listed: Listed) -> Result<Line, CliError> {
    let kind = match named_kind(&listed.name) {
        Some(kind) => Some(kind.to_owned()),
        None => outcome::kind(cloud.executions.describe(&listed.arn).await?.input.as_deref()),
    };
    Ok(Line {
        run: listed.name,
        kind,
        status: listed.status.as_str(),
        started_at: listed.started_at,
        ended_at: listed.ended_at,
        arn: listed.arn,
    })
}

fn named_kind(name: &str) -> Option<&'static str> {
    let kinds = [ReportKind::Daily, ReportKind::Weekly, ReportKind::Snapshot];
    let mut kinds = kinds.into_iter().map(ReportKind::as_str);
    kinds.find(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with("-2")))
}

fn said(lines: &[Line], json: bool) -> Result<String, CliError> {
    if json {
        let runs = serde_json::json!({ "runs": lines });
        let text = serde_json::to_string_pretty(&runs).map_err(defect("the list"))?;
        return Ok(text + "\n");
    }
    if lines.is_empty() {
        return Ok("No runs yet; start one with `plumbline cloud start daily`\n".to_owned());
    }
    let head = ["STARTED", "KIND", "STATUS", "TOOK", "RUN"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(lines.iter().map(cells)).collect();
    Ok(table(&rows))
}

fn cells(line: &Line) -> [String; 5] {
    let took = line.ended_at.map(|ended| ended.duration_since(line.started_at));
    [
        text::minute(line.started_at),
        line.kind.clone().unwrap_or_else(|| "?".to_owned()),
        line.status.to_owned(),
        took.map_or_else(String::new, |took| outcome::took(took.as_secs_f64())),
        line.run.clone(),
    ]
}

/// Rows whose columns begin below one another.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let wide = rows.iter().map(|row| row[column].chars().count()).max();
            line.push_str(&format!("{cell:<width$}  ", width = wide.unwrap_or_default()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_in_the_names_that_we_give() {
        assert_eq!(named_kind("weekly-20261121T0941Z-0a1b2c3d"), Some("weekly"));
        assert_eq!(named_kind("daily-20261121T0941Z-0a1b2c3d-2"), Some("daily"));
        assert_eq!(named_kind("b7c0b5a2-8d0f-4e52-9f7a-1c2d3e4f5a6b"), None);
        assert_eq!(named_kind("daily-report"), None);
    }

    #[test]
    fn runs_are_a_table() {
        let line = |name: &str, kind: Option<&str>, ended: Option<&str>| Line {
            run: name.to_owned(),
            kind: kind.map(str::to_owned),
            status: if ended.is_some() { "succeeded" } else { "running" },
            started_at: "2026-11-21T09:00:00Z".parse().unwrap(),
            ended_at: ended.map(|time| time.parse().unwrap()),
            arn: String::new(),
        };
        let lines = [
            line("daily-20261121T0900Z-0a1b2c3d", Some("daily"), None),
            line("b7c0b5a2", None, Some("2026-11-21T09:02:05Z")),
        ];
        let expected = "\
STARTED               KIND   STATUS     TOOK       RUN
2026-11-21 09:00 UTC  daily  running               daily-20261121T0900Z-0a1b2c3d
2026-11-21 09:00 UTC  ?      succeeded  2 min 5 s  b7c0b5a2
";
        assert_eq!(said(&lines, false).unwrap(), expected);
        assert!(said(&[], false).unwrap().contains("cloud start"));
    }
}

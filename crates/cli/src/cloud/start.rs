//! Starts a run, once.

use aws::{Execution, ExecutionStatus, Started};
use compliance::Timestamp;
use compliance::hash::sha256_hex;
use compliance::ports::Clock;
use compliance::report::ReportKind;
use compliance::text;
use compliance::workflow::{Request, RequestedScope};
use local::SystemClock;
use serde_json::{Value, json};

use super::{Cloud, follow};
use crate::args::CloudStartArgs;
use crate::error::{CliError, defect};

/// Runs of one name that may fail before the name is given up.
const MOST: u32 = 50;

/// A run that was started, now or before.
#[derive(Debug)]
struct Run {
    name: String,
    arn: String,
    /// It ended well before.
    succeeded: bool,
    /// Runs of the same start that failed before.
    failed: Vec<String>,
}

/// Starts a run and follows it, if asked.
pub(super) async fn run(args: &CloudStartArgs) -> Result<(), CliError> {
    let cloud = Cloud::open(&args.cloud, None).await?;
    let started = start(&cloud, ReportKind::from(args.kind), args.as_of, scope(args)).await?;
    for failed in &started.failed {
        cloud.progress.note(&format!(
            "{failed} was started so before and did not end well; starting anew. To go on from where it failed, see \
             `plumbline cloud watch {failed}`"
        ));
    }
    if args.wait {
        return follow::until_it_ends(&cloud, &started.arn, args.follow.every, args.cloud.json).await;
    }
    crate::print(&said(&started, args.cloud.json)?)
}

fn said(started: &Run, json: bool) -> Result<String, CliError> {
    let status = if started.succeeded { "succeeded" } else { "running" };
    if json {
        let run = json!({
            "run": started.name, "arn": started.arn, "status": status, "failed_before": started.failed,
        });
        let text = serde_json::to_string_pretty(&run).map_err(defect("the run"))?;
        return Ok(text + "\n");
    }
    let (name, arn) = (&started.name, &started.arn);
    Ok(if started.succeeded {
        format!("{name} was run before and succeeded\n  fetch it  plumbline cloud fetch {name}\n")
    } else {
        format!("{name} runs\n  arn       {arn}\n  watch it  plumbline cloud watch {name}\n")
    })
}

/// Starts a run, or finds the one that the same start made before: that runs, or ended well. One that failed is
/// started anew under the next name.
async fn start(
    cloud: &Cloud,
    kind: ReportKind,
    as_of: Option<Timestamp>,
    scope: Option<RequestedScope>,
) -> Result<Run, CliError> {
    let input = input(kind, as_of, scope)?;
    let base = base_name(kind, as_of, SystemClock.now(), &input);
    let mut failed = Vec::new();
    for attempt in 1..=MOST {
        let name = name(&base, attempt);
        let (arn, succeeded) = match cloud.executions.start(&name, &input).await? {
            Started::Runs { arn } => (arn, false),
            Started::NameTaken { arn } => {
                let execution = cloud.executions.describe(&arn).await?;
                if !adopted(&execution, &input) {
                    failed.push(name);
                    continue;
                }
                (arn, execution.status == ExecutionStatus::Succeeded)
            }
        };
        return Ok(Run {
            name,
            arn,
            succeeded,
            failed,
        });
    }
    Err(CliError::Usage(format!(
        "{MOST} runs named {base} have failed; see why with `plumbline cloud watch {base}`"
    )))
}

/// An execution that has the name already is the one to be started: of the same input, and not failed.
fn adopted(execution: &Execution, input: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    let same = execution.input.as_deref().and_then(value) == value(input);
    same && (execution.status == ExecutionStatus::Succeeded || !execution.status.is_over())
}

/// The part of the organization that is asked for; `None` is all of it.
fn scope(args: &CloudStartArgs) -> Option<RequestedScope> {
    let scope = RequestedScope {
        accounts: args.source_accounts.clone(),
        regions: args.source_regions.clone(),
    };
    (scope != RequestedScope::default()).then_some(scope)
}

fn input(
    kind: ReportKind,
    as_of: Option<Timestamp>,
    scope: Option<RequestedScope>,
) -> Result<String, CliError> {
    let request = Request {
        kind: kind.as_str().to_owned(),
        as_of: as_of.map(|as_of| as_of.to_string()),
        scope,
    };
    serde_json::to_string(&request).map_err(defect("the request"))
}

/// `<kind>-<moment>-<8 hex of the SHA-256 of the input>`; without a moment of its own, the present minute.
fn base_name(kind: ReportKind, as_of: Option<Timestamp>, now: Timestamp, input: &str) -> String {
    let moment = match as_of {
        Some(as_of) => text::compact(as_of),
        None => now.strftime("%Y%m%dT%H%MZ").to_string(),
    };
    let hash = sha256_hex(input.as_bytes());
    format!("{}-{moment}-{}", kind.as_str(), &hash[..8])
}

fn name(base: &str, attempt: u32) -> String {
    if attempt == 1 {
        base.to_owned()
    } else {
        format!("{base}-{attempt}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_start_has_the_same_name_within_the_80_characters_of_the_service() {
        let now = at("2026-11-21T09:41:07Z");
        let name_of = |kind, as_of: Option<&str>, now| {
            let as_of = as_of.map(at);
            base_name(kind, as_of, now, &input(kind, as_of, None).unwrap())
        };
        let daily = name_of(ReportKind::Daily, None, now);
        assert!(daily.starts_with("daily-20261121T0941Z-"), "{daily}");
        assert_eq!(
            daily,
            name_of(ReportKind::Daily, None, at("2026-11-21T09:41:59Z"))
        );
        assert_ne!(
            daily,
            name_of(ReportKind::Daily, None, at("2026-11-21T09:42:00Z"))
        );
        let saved = name_of(ReportKind::Snapshot, Some("2026-11-20T09:00:00Z"), now);
        assert!(saved.starts_with("snapshot-20261120T090000Z-"), "{saved}");
        assert_eq!(
            saved,
            name_of(
                ReportKind::Snapshot,
                Some("2026-11-20T09:00:00Z"),
                at("2027-01-01T00:00:00Z")
            )
        );
        assert!(name(&saved, MOST).len() <= 80);
        assert_eq!(name("a", 2), "a-2");
    }

    #[test]
    fn the_input_is_what_the_state_machine_takes() {
        let whole = input(ReportKind::Daily, None, None).unwrap();
        assert_eq!(whole, r#"{"kind":"daily"}"#);
        let scope = RequestedScope {
            accounts: vec!["111122223333".to_owned()],
            regions: Vec::new(),
        };
        let part = input(ReportKind::Weekly, Some(at("2026-11-20T09:00:00Z")), Some(scope)).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&part).unwrap(),
            json!({
                "kind": "weekly", "as_of": "2026-11-20T09:00:00Z",
                "scope": {"accounts": ["111122223333"], "regions": []},
            })
        );
    }
}

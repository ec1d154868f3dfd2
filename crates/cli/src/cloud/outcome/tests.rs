use aws::{Happened, HistoryEvent, Reason};

use super::*;

const ARN: &str = "arn:aws:states:eu-west-1:111122223333:execution:report:daily-1";
const MACHINE: &str = "arn:aws:states:eu-west-1:111122223333:stateMachine:report";

fn execution(status: ExecutionStatus) -> Execution {
    Execution {
        arn: ARN.to_owned(),
        name: "daily-1".to_owned(),
        status,
        started_at: "2026-11-21T09:00:00Z".parse().unwrap(),
        ended_at: Some("2026-11-21T09:02:05Z".parse().unwrap()),
        input: Some(r#"{"kind":"daily"}"#.to_owned()),
        output: None,
        error: None,
        cause: None,
        redrive: Redrive::Possible,
    }
}

fn place() -> Place {
    let args = crate::args::CloudArgs {
        state_machine: Some(MACHINE.to_owned()),
        bucket: Some("evidence".to_owned()),
        prefix: None,
        settings: None,
        profile: None,
        region: None,
        json: false,
    };
    super::super::place::place(&args, &Default::default(), None).unwrap()
}

fn failed_in(state: &str) -> Picture {
    let mut picture = Picture::default();
    for (id, what) in [
        Happened::Entered {
            state: state.to_owned(),
        },
        Happened::Failed(Reason::default()),
    ]
    .into_iter()
    .enumerate()
    {
        picture.take(&HistoryEvent {
            id: id as i64,
            previous: 0,
            at: Timestamp::UNIX_EPOCH,
            what,
        });
    }
    picture
}

fn said_of(execution: &Execution, picture: &Picture) -> (String, u8) {
    let outcome = Outcome::new(execution, picture, &place()).unwrap();
    let error = outcome.error().unwrap();
    (error.to_string(), error.exit_code())
}

#[test]
fn a_run_that_is_done_names_its_bundle() {
    let mut done = execution(ExecutionStatus::Succeeded);
    done.output = Some(
        serde_json::json!({
            "run_id": "daily-20261121T090000Z-0123456789ab",
            "folder": "daily/2026-11-21/daily-20261121T090000Z-0123456789ab/",
            "manifest": {"key": "daily/2026-11-21/daily-20261121T090000Z-0123456789ab/manifest.json", "sha256": "aa"},
            "kind": "daily",
            "as_of": "2026-11-21T09:00:00Z",
        })
        .to_string(),
    );
    let outcome = Outcome::new(&done, &Picture::default(), &place()).unwrap();
    assert!(outcome.error().is_none());
    assert_eq!(
        outcome.text(),
        "daily-1 succeeded after 2 min 5 s\n  run id   daily-20261121T090000Z-0123456789ab\n  bundle   \
         s3://evidence/reports/daily/2026-11-21/daily-20261121T090000Z-0123456789ab/\n  fetch    plumbline cloud fetch \
         daily-1\n"
    );
    let json: Value = serde_json::from_str(&outcome.json().unwrap()).unwrap();
    assert_eq!(json["kind"], "daily");
    assert_eq!(json["manifest_sha256"], "aa");
    assert_eq!(json["failure"], Value::Null);

    done.output = Some("{}".to_owned());
    let error = Outcome::new(&done, &Picture::default(), &place()).unwrap_err();
    assert!(
        error.to_string().contains("state machine of the reports"),
        "{error}"
    );
}

#[test]
fn a_run_that_failed_says_where_why_and_what_next() {
    let mut failed = execution(ExecutionStatus::Failed);
    failed.error = Some("Store.AccessDenied".to_owned());
    failed.cause = Some(
        r#"{"errorMessage":"cannot write s3://evidence/x","errorType":"Store.AccessDenied"}"#.to_owned(),
    );
    let (text, code) = said_of(&failed, &failed_in("ScoreCompliance"));
    assert_eq!(code, 4);
    assert_eq!(
        text,
        format!(
            "the run daily-1 failed in the state ScoreCompliance (Store.AccessDenied): cannot write s3://evidence/x; \
             allow the function's role what the cause names, then go on from there with `aws stepfunctions \
             redrive-execution --execution-arn {ARN}`"
        )
    );

    failed.error = Some("Plan.FutureDate".to_owned());
    failed.cause = Some("2030-01-01 is later than now".to_owned());
    let (text, code) = said_of(&failed, &failed_in("PlanReport"));
    assert_eq!(code, 2);
    assert!(
        text.contains("2030-01-01 is later than now") && text.contains("would repeat the same input"),
        "{text}"
    );
    assert!(!text.contains("`aws"), "{text}");
}

#[test]
fn what_cannot_be_redriven_is_started_again() {
    let mut old = execution(ExecutionStatus::TimedOut);
    old.redrive = Redrive::Impossible(Some("it is older than 14 days".to_owned()));
    let (text, code) = said_of(&old, &failed_in("CollectInline"));
    assert_eq!(code, 5);
    for part in [
        "States.Timeout",
        "CollectInline",
        "older than 14 days",
        "plumbline cloud start",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (text, code) = said_of(&execution(ExecutionStatus::Aborted), &Picture::default());
    assert_eq!(code, 5);
    assert!(
        text.starts_with("the run daily-1 stopped (Stopped): no cause is told; somebody stopped it"),
        "{text}"
    );
}

#[test]
fn a_cause_is_cut_to_what_is_read() {
    assert_eq!(said("plain"), "plain");
    assert_eq!(said(r#"{"errorMessage":"short"}"#), "short");
    assert_eq!(said(&"é".repeat(3_000)).chars().count(), CAUSE + 1);
}

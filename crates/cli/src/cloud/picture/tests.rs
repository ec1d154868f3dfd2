//! Histories in the shape that Step Functions records them.

use super::*;

/// A history of (id, previous, what), an event each second.
fn news(events: &[(i64, i64, Happened)]) -> (Vec<News>, Picture) {
    let mut picture = Picture::default();
    let news = events
        .iter()
        .flat_map(|(id, previous, what)| {
            picture.take(&HistoryEvent {
                id: *id,
                previous: *previous,
                at: Timestamp::from_second(1_763_715_000 + id).unwrap(),
                what: what.clone(),
            })
        })
        .collect();
    (news, picture)
}

fn entered(state: &str) -> Happened {
    Happened::Entered {
        state: state.to_owned(),
    }
}

fn left(state: &str) -> Happened {
    Happened::Left {
        state: state.to_owned(),
    }
}

fn passed(state: &str) -> Happened {
    Happened::Passed {
        state: state.to_owned(),
    }
}

fn other(name: &str) -> Happened {
    Happened::Other(name.to_owned())
}

fn item(index: u64) -> Happened {
    Happened::ItemStarted { index }
}

fn reason(error: &str) -> Reason {
    Reason {
        error: Some(error.to_owned()),
        cause: Some("it would not".to_owned()),
    }
}

fn began(state: &str, shards: Option<u64>) -> News {
    News::Began {
        state: state.to_owned(),
        shards,
    }
}

fn shards(done: u64, total: u64) -> News {
    News::Shards {
        state: "CollectInline".to_owned(),
        done,
        total,
    }
}

fn ended(state: &str, seconds: f64, shards: Option<(u64, u64)>, failed: Option<Reason>) -> News {
    News::Ended {
        state: state.to_owned(),
        seconds: Some(seconds),
        shards,
        failed,
    }
}

#[test]
fn states_follow_one_another_and_shards_are_counted() {
    let (news, picture) = news(&[
        (1, 0, other("ExecutionStarted")),
        (2, 0, entered("PlanReport")),
        (3, 2, Happened::Attempted),
        (4, 3, other("TaskStarted")),
        (5, 4, other("TaskSucceeded")),
        (6, 5, left("PlanReport")),
        (7, 6, passed("HowToCollect")),
        (8, 7, other("ChoiceStateExited")),
        (9, 8, entered("CollectInline")),
        (10, 9, Happened::MapStarted { items: 2 }),
        // Two shards, mixed.
        (11, 10, item(0)),
        (12, 10, item(1)),
        (13, 11, entered("CollectShard")),
        (14, 12, entered("CollectShard")),
        (15, 13, Happened::Attempted),
        (16, 14, Happened::Attempted),
        (17, 16, Happened::AttemptFailed(reason("Config.Throttled"))),
        (18, 15, other("TaskSucceeded")),
        (19, 18, left("CollectShard")),
        (20, 19, Happened::ItemSucceeded),
        (21, 17, Happened::Attempted),
        (22, 21, other("TaskSucceeded")),
        (23, 22, left("CollectShard")),
        (24, 23, Happened::ItemSucceeded),
        (25, 24, other("MapStateSucceeded")),
        (26, 25, left("CollectInline")),
        (27, 26, entered("ScoreCompliance")),
        (28, 27, left("ScoreCompliance")),
        (29, 28, other("ExecutionSucceeded")),
    ]);
    assert_eq!(
        news,
        [
            began("PlanReport", None),
            ended("PlanReport", 4.0, None, None),
            began("CollectInline", None),
            began("CollectInline", Some(2)),
            News::AttemptFailed {
                state: "CollectInline".to_owned(),
                shard: Some(1),
                reason: reason("Config.Throttled"),
            },
            shards(1, 2),
            shards(2, 2),
            ended("CollectInline", 17.0, Some((2, 2)), None),
            began("ScoreCompliance", None),
            ended("ScoreCompliance", 1.0, None, None),
        ]
    );
    assert_eq!(picture.failed(), None);
}

#[test]
fn a_shard_that_fails_for_good_and_is_caught_is_no_failure_of_the_run() {
    let (news, picture) = news(&[
        (1, 0, entered("CollectInline")),
        (2, 1, Happened::MapStarted { items: 1 }),
        (3, 2, item(0)),
        (4, 3, entered("CollectShard")),
        (5, 4, Happened::Attempted),
        (6, 5, Happened::AttemptFailed(reason("Config.InvalidAnswer"))),
        (7, 6, left("CollectShard")),
        (8, 7, passed("ShardIsMissing")),
        (9, 8, Happened::ItemSucceeded),
        (10, 9, other("MapStateSucceeded")),
        (11, 10, left("CollectInline")),
    ]);
    assert_eq!(
        news.last(),
        Some(&ended("CollectInline", 10.0, Some((1, 1)), None))
    );
    assert_eq!(picture.failed(), None);
}

#[test]
fn a_failure_is_of_its_state_and_not_of_the_notice() {
    let failing = [
        (1, 0, entered("RenderReport")),
        (2, 1, Happened::Attempted),
        (3, 2, Happened::AttemptFailed(reason("Store.Unavailable"))),
        (4, 3, Happened::Attempted),
        (5, 4, Happened::AttemptFailed(reason("Render.Failed"))),
        (6, 5, left("RenderReport")),
        (7, 6, entered("NotifyFailure")),
        (8, 7, Happened::Attempted),
    ];
    let mut well = failing.to_vec();
    well.extend([
        (9, 8, left("NotifyFailure")),
        (10, 9, entered("Failed")),
        (11, 10, Happened::Failed(reason("States.QueryEvaluationError"))),
    ]);
    let (news_of, picture) = news(&well);
    assert_eq!(
        news_of[3],
        ended("RenderReport", 5.0, None, Some(reason("Render.Failed")))
    );
    let at = picture.failed().unwrap();
    assert_eq!((at.state.as_str(), at.shard), ("RenderReport", None));
    assert!(!picture.notice_failed());

    let mut worse = failing.to_vec();
    worse.extend([
        (
            9,
            8,
            Happened::AttemptFailed(reason("SNS.AuthorizationErrorException")),
        ),
        (10, 9, left("NotifyFailure")),
        (11, 10, Happened::Failed(reason("Render.Failed"))),
    ]);
    let (_, picture) = news(&worse);
    assert_eq!(picture.failed().unwrap().state, "RenderReport");
    assert!(picture.notice_failed());
}

#[test]
fn what_nothing_catches_fails_where_it_stands() {
    let (_, picture) = news(&[
        (1, 0, entered("CollectInline")),
        (2, 1, Happened::MapStarted { items: 2 }),
        (3, 2, item(1)),
        (4, 3, entered("CollectShard")),
        (5, 4, Happened::AttemptFailed(reason("Store.AccessDenied"))),
        (6, 5, Happened::ItemFailed),
        (7, 6, other("MapStateFailed")),
        (8, 7, Happened::Failed(reason("Store.AccessDenied"))),
    ]);
    let at = picture.failed().unwrap();
    assert_eq!((at.state.as_str(), at.shard), ("CollectInline", Some(1)));

    let (news_of, picture) = news(&[
        (1, 0, entered("PlanReport")),
        (2, 1, Happened::Failed(reason("States.Timeout"))),
        (3, 2, Happened::Redriven),
        (4, 3, entered("PlanReport")),
        (5, 4, left("PlanReport")),
    ]);
    assert_eq!(news_of[2], News::Redriven);
    assert_eq!(picture.failed(), None, "the run goes on");
}

#[test]
fn a_distributed_map_is_counted_by_its_run() {
    let (_, mut picture) = news(&[
        (1, 0, entered("CollectDistributed")),
        (2, 1, Happened::MapStarted { items: 0 }),
        (
            3,
            2,
            Happened::MapRunStarted {
                arn: "arn".to_owned(),
            },
        ),
    ]);
    assert_eq!(picture.map_run(), Some("arn"));
    let counts = |done, total| MapCounts {
        total,
        done,
        failed: 0,
    };
    let state = || "CollectDistributed".to_owned();
    assert_eq!(
        picture.counted(counts(0, 200)),
        [began("CollectDistributed", Some(200))]
    );
    assert!(picture.counted(counts(0, 200)).is_empty());
    let seven = News::Shards {
        state: state(),
        done: 7,
        total: 200,
    };
    assert_eq!(picture.counted(counts(7, 200)), [seven]);
}

#[test]
fn states_are_called_as_the_stages_here() {
    let check = |state: &str, expected: &str| assert_eq!(label(state), expected);
    check("PlanReport", "plan");
    check("CollectInline", "collect");
    check("Notify", "notify");
    check("NotifyFailure", "tell");
    check("", "");
    check("élan", "élan");
}

//! Follows a run and shows how far it is.

use std::time::Duration;

use aws::{Execution, Reason};
use compliance::progress::Progress;
use compliance::text;

use super::Cloud;
use super::outcome::{self, Outcome};
use super::picture::{News, Picture, label};
use crate::error::CliError;
use crate::progress::StderrProgress;

/// Follows a run to its end and says what came of it: the error of a run that failed is the command's.
pub(super) async fn until_it_ends(
    cloud: &Cloud,
    arn: &str,
    every: Duration,
    json: bool,
) -> Result<(), CliError> {
    let (execution, picture) = follow(cloud, arn, every).await?;
    let outcome = Outcome::new(&execution, &picture, &cloud.place)?;
    let error = outcome.error();
    if json {
        crate::print(&outcome.json()?)?;
    } else if error.is_none() {
        crate::print(&outcome.text())?;
    }
    error.map_or(Ok(()), Err)
}

async fn follow(cloud: &Cloud, arn: &str, every: Duration) -> Result<(Execution, Picture), CliError> {
    let executions = &cloud.executions;
    let (mut picture, mut shown, mut last) = (Picture::default(), Shown::new(&cloud.progress), 0);
    loop {
        // Looked at before its history: so that of a run that is over, none is missed.
        let execution = executions.describe(arn).await?;
        let mut news = Vec::new();
        for event in executions.history_after(arn, last).await? {
            last = event.id;
            news.extend(picture.take(&event));
        }
        if let Some(run) = picture.map_run() {
            let counts = executions.map_counts(run).await?;
            news.extend(picture.counted(counts));
        }
        shown.show(&news);
        if execution.status.is_over() {
            return Ok((execution, picture));
        }
        tokio::time::sleep(every).await;
    }
}

/// What is shown so far.
struct Shown<'a> {
    progress: &'a StderrProgress,
    shards: u64,
}

impl<'a> Shown<'a> {
    fn new(progress: &'a StderrProgress) -> Self {
        Self { progress, shards: 0 }
    }

    fn show(&mut self, news: &[News]) {
        for (index, one) in news.iter().enumerate() {
            let more = matches!(news.get(index + 1), Some(News::Shards { .. }));
            self.show_one(one, more);
        }
    }

    /// Shows one; of shards of which there is more to come at once, a line is not worth it.
    fn show_one(&mut self, news: &News, more: bool) {
        match news {
            News::Began { state, shards } => {
                self.shards = 0;
                self.progress.begin(&label(state), shards.unwrap_or_default());
            }
            News::Shards { state, done, .. } => {
                self.progress.advance(done.saturating_sub(self.shards));
                self.shards = *done;
                if let Some(line) = line(news).filter(|_| !more) {
                    self.progress.step(&format!("  {:10} {line}", label(state)));
                }
            }
            News::AttemptFailed { state, .. } => {
                let line = line(news).unwrap_or_default();
                self.progress.note(&format!("  {:10} {line}", label(state)));
            }
            News::Ended { .. } => self.progress.finish(&line(news).unwrap_or_default()),
            News::Redriven => self
                .progress
                .note("  the run is redriven: it goes on from where it failed"),
        }
    }
}

/// What a piece of news says after the label of its state.
fn line(news: &News) -> Option<String> {
    match news {
        News::Began { .. } | News::Redriven => None,
        News::Shards { done, total, .. } => Some(of_shards(*done, *total)),
        News::AttemptFailed { shard, reason, .. } => {
            let shard = shard.map_or_else(String::new, |shard| format!("shard {shard}: "));
            Some(format!("{shard}an attempt failed: {}", said(reason)))
        }
        News::Ended {
            seconds,
            shards,
            failed,
            ..
        } => {
            let shards = shards.map(|(done, total)| of_shards(done, total));
            let ended = match failed {
                None => "done".to_owned(),
                Some(reason) => format!("failed: {}", said(reason)),
            };
            let took = seconds.map(outcome::took);
            let parts = [Some(ended), shards, took];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
    }
}

fn of_shards(done: u64, total: u64) -> String {
    format!(
        "{} of {}",
        text::count(done),
        text::plural(total, "shard", "shards")
    )
}

fn said(reason: &Reason) -> &str {
    reason.error.as_deref().unwrap_or("without a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_in_words() {
        let check = |news: News, expected: &str| assert_eq!(line(&news).unwrap(), expected);
        let state = || "Collect".to_owned();
        let reason = Reason {
            error: Some("Config.Throttled".to_owned()),
            cause: None,
        };
        check(
            News::Shards {
                state: state(),
                done: 7,
                total: 12,
            },
            "7 of 12 shards",
        );
        check(
            News::AttemptFailed {
                state: state(),
                shard: Some(3),
                reason: reason.clone(),
            },
            "shard 3: an attempt failed: Config.Throttled",
        );
        check(
            News::Ended {
                state: state(),
                seconds: Some(65.2),
                shards: Some((12, 12)),
                failed: None,
            },
            "done, 12 of 12 shards, 1 min 5 s",
        );
        check(
            News::Ended {
                state: state(),
                seconds: Some(3.4),
                shards: None,
                failed: Some(reason),
            },
            "failed: Config.Throttled, 3 s",
        );
    }
}

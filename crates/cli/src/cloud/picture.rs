//! What the events of an execution say of its progress, state by state and shard by shard. Pure: events in, news out.

use std::collections::HashMap;

use aws::{Happened, HistoryEvent, MapCounts, Reason};
use compliance::Timestamp;

/// The state that tells people of a failure; it is not where the run failed.
const NOTICE: &str = "NotifyFailure";
/// The choice that every failed run ends in: it fails by itself, with what failed before in its cause.
const END: &str = "Failed";

/// Something worth telling.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum News {
    /// A state is under way, with so many shards if it has any.
    Began { state: String, shards: Option<u64> },
    /// So many shards of the state are done.
    Shards { state: String, done: u64, total: u64 },
    /// An attempt failed; it may be made again.
    AttemptFailed {
        state: String,
        shard: Option<u64>,
        reason: Reason,
    },
    /// The state is over.
    Ended {
        state: String,
        seconds: Option<f64>,
        shards: Option<(u64, u64)>,
        failed: Option<Reason>,
    },
    /// The run goes on from where it failed.
    Redriven,
}

/// Where and why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailedAt {
    pub(super) state: String,
    pub(super) shard: Option<u64>,
    pub(super) reason: Reason,
}

/// What is known of an execution so far.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// The state under way. They follow one another, so what is entered meanwhile is inside of it.
    open: Option<Open>,
    /// The shard that an event belongs to, by the event's id.
    within: HashMap<i64, u64>,
    failed: Option<FailedAt>,
    notice_failed: bool,
}

#[derive(Debug)]
struct Open {
    state: String,
    since: Timestamp,
    /// Done and in all.
    shards: Option<(u64, u64)>,
    map_run: Option<String>,
    failure: Option<(Option<u64>, Reason)>,
}

impl Picture {
    /// Takes in the next event.
    pub(super) fn take(&mut self, event: &HistoryEvent) -> Vec<News> {
        let shard = self.shard(event);
        match &event.what {
            Happened::Entered { state } if self.open.is_none() => vec![self.began(state, event.at)],
            Happened::Left { state } => self.left(state, event.at).into_iter().collect(),
            Happened::MapStarted { items } => self.map_started(*items).into_iter().collect(),
            Happened::MapRunStarted { arn } => {
                if let Some(open) = &mut self.open {
                    open.map_run = Some(arn.clone());
                }
                Vec::new()
            }
            Happened::ItemSucceeded => {
                self.forget_failure(shard);
                self.shard_done().into_iter().collect()
            }
            Happened::ItemFailed => self.shard_done().into_iter().collect(),
            Happened::Attempted => {
                self.forget_failure(shard);
                Vec::new()
            }
            Happened::AttemptFailed(reason) => self.attempt_failed(shard, reason).into_iter().collect(),
            Happened::Failed(reason) => self.ended(reason, event.at).into_iter().collect(),
            Happened::Redriven => {
                (self.failed, self.notice_failed) = (None, false);
                vec![News::Redriven]
            }
            Happened::Entered { .. }
            | Happened::Passed { .. }
            | Happened::ItemStarted { .. }
            | Happened::Other(_) => Vec::new(),
        }
    }

    /// Takes in how far the run of a distributed Map is.
    pub(super) fn counted(&mut self, counts: MapCounts) -> Vec<News> {
        let Some(open) = self.open.as_mut().filter(|open| open.map_run.is_some()) else {
            return Vec::new();
        };
        let before = open.shards.replace((counts.done, counts.total));
        let mut news = Vec::new();
        if before.is_none_or(|(_, total)| total != counts.total) {
            news.push(News::Began {
                state: open.state.clone(),
                shards: Some(counts.total),
            });
        }
        if before.map_or(counts.done > 0, |(done, _)| done != counts.done) {
            news.push(News::Shards {
                state: open.state.clone(),
                done: counts.done,
                total: counts.total,
            });
        }
        news
    }

    /// The run of the distributed Map under way.
    pub(super) fn map_run(&self) -> Option<&str> {
        self.open.as_ref()?.map_run.as_deref()
    }

    /// Where and why the run failed, if it did.
    pub(super) fn failed(&self) -> Option<&FailedAt> {
        self.failed.as_ref()
    }

    /// The notice of the failure could not be sent.
    pub(super) fn notice_failed(&self) -> bool {
        self.notice_failed
    }

    /// The shard that an event belongs to: that of the event it follows from.
    fn shard(&mut self, event: &HistoryEvent) -> Option<u64> {
        let before = self.within.get(&event.previous).copied();
        let (shard, passed_on) = match event.what {
            Happened::ItemStarted { index } => (Some(index), true),
            Happened::ItemSucceeded | Happened::ItemFailed => (before, false),
            _ => (before, true),
        };
        if let Some(shard) = shard.filter(|_| passed_on) {
            self.within.insert(event.id, shard);
        }
        shard
    }

    fn began(&mut self, state: &str, at: Timestamp) -> News {
        self.open = Some(Open {
            state: state.to_owned(),
            since: at,
            shards: None,
            map_run: None,
            failure: None,
        });
        News::Began {
            state: state.to_owned(),
            shards: None,
        }
    }

    fn map_started(&mut self, items: u64) -> Option<News> {
        // A distributed Map counts its items in its run.
        let open = self.open.as_mut().filter(|_| items > 0)?;
        open.shards = Some((0, items));
        Some(News::Began {
            state: open.state.clone(),
            shards: Some(items),
        })
    }

    fn shard_done(&mut self) -> Option<News> {
        let open = self.open.as_mut()?;
        let (done, total) = open.shards.as_mut()?;
        *done += 1;
        Some(News::Shards {
            state: open.state.clone(),
            done: *done,
            total: *total,
        })
    }

    fn attempt_failed(&mut self, shard: Option<u64>, reason: &Reason) -> Option<News> {
        let open = self.open.as_mut()?;
        open.failure = Some((shard, reason.clone()));
        Some(News::AttemptFailed {
            state: open.state.clone(),
            shard,
            reason: reason.clone(),
        })
    }

    /// A failed attempt at a shard, or at the state itself, is made again or was not the end.
    fn forget_failure(&mut self, shard: Option<u64>) {
        if let Some(open) = &mut self.open {
            open.failure = open.failure.take().filter(|(failed, _)| *failed != shard);
        }
    }

    fn left(&mut self, state: &str, at: Timestamp) -> Option<News> {
        let open = self.open.take_if(|open| open.state == state)?;
        Some(self.closed(open, at, None))
    }

    /// The whole execution failed: so did the state under way, if there is one.
    fn ended(&mut self, reason: &Reason, at: Timestamp) -> Option<News> {
        let open = self.open.take()?;
        Some(self.closed(open, at, Some(reason)))
    }

    fn closed(&mut self, open: Open, at: Timestamp, ended: Option<&Reason>) -> News {
        let (shard, own) = open.failure.unzip();
        let failed = own.or_else(|| ended.cloned());
        if let Some(reason) = &failed {
            if open.state == NOTICE {
                self.notice_failed = true;
            } else if open.state != END || self.failed.is_none() {
                self.failed = Some(FailedAt {
                    state: open.state.clone(),
                    shard: shard.flatten(),
                    reason: reason.clone(),
                });
            }
        }
        News::Ended {
            seconds: at.duration_since(open.since).as_secs_f64().into(),
            state: open.state,
            shards: open.shards,
            failed,
        }
    }
}

/// What a state is called in progress: `collect` for `CollectInline`, as the stages of a run here.
pub(super) fn label(state: &str) -> String {
    if state == NOTICE {
        return "tell".to_owned();
    }
    let end = state
        .char_indices()
        .skip(1)
        .find(|(_, letter)| letter.is_uppercase());
    state[..end.map_or(state.len(), |(at, _)| at)].to_lowercase()
}

#[cfg(test)]
mod tests;

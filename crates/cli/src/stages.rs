//! How long the stages of a run take.

use std::time::Duration;

use compliance::Timestamp;
use compliance::artifact::StageTime;
use compliance::ports::Clock;

/// The stages of a run and their wall times, by a clock that may be set back while the run lasts.
pub(crate) struct Stages<C> {
    clock: C,
    started_at: Timestamp,
    started: Duration,
    times: Vec<StageTime>,
}

impl<C: Clock> Stages<C> {
    /// Starts counting.
    pub(crate) fn start(clock: C) -> Self {
        Self {
            started_at: clock.now(),
            started: clock.monotonic(),
            times: Vec::new(),
            clock,
        }
    }

    pub(crate) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Now, as long after the start as it really is.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = self.clock.monotonic().saturating_sub(self.started);
        self.started_at.checked_add(elapsed).unwrap_or(self.started_at)
    }

    /// A mark to count a stage from, see [`Stages::add`].
    pub(crate) fn mark(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Adds the time since a mark to the stage of that name.
    pub(crate) fn add(&mut self, stage: &str, mark: Duration) {
        let seconds = self.clock.monotonic().saturating_sub(mark).as_secs_f64();
        match self.times.iter_mut().find(|time| time.stage == stage) {
            Some(time) => time.seconds += seconds,
            None => self.times.push(StageTime {
                stage: stage.to_owned(),
                seconds,
            }),
        }
    }

    pub(crate) fn times(&self) -> Vec<StageTime> {
        self.times.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Each look is one second later than the last, and an hour earlier by the calendar.
    #[derive(Default)]
    struct SetBack(AtomicU64);

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            let looks = self.0.fetch_add(1, Ordering::Relaxed) as i64;
            Timestamp::from_second(1_000_000_000 - looks * 3_600).unwrap()
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_negative_time() {
        let mut stages = Stages::start(SetBack::default());
        for _ in 0..2 {
            let mark = stages.mark();
            stages.add("collect", mark);
        }
        let times = stages.times();
        assert_eq!(
            (times.len(), times[0].stage.as_str(), times[0].seconds),
            (1, "collect", 2.0)
        );
        assert!(stages.now() > stages.started_at(), "a run ends after it began");
    }
}

//! One rate for all calls of a run: evenly spaced starts, halved when AWS throttles, recovered bit by bit.
//!
//! [`Pace`] decides and is pure in time; [`Budget`] is its edge: the clock, the lock and the wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Successes it takes to recover a whole rate: half a rate lost is back after half as many.
const RECOVERY_STEPS: f64 = 40.0;
/// A set rate is never cut below this share of itself.
const LEAST_SHARE: f64 = 1.0 / 16.0;
/// The lowest rate that can be set, in requests per second: a turn in 1,000 s. Less would overflow the clock.
const LEAST_SET: f64 = 0.001;
/// Without a set rate, a cut never goes below this many requests per second.
const LEAST_UNSET: f64 = 100.0;
/// The window in which the rate at the time of a first throttling is measured.
const WINDOW: Duration = Duration::from_secs(1);

/// A budget of requests per second, shared by everything that calls.
#[derive(Debug)]
pub(crate) struct Budget {
    epoch: Instant,
    pace: Mutex<Pace>,
}

/// Leave to send one attempt; says which cut it was given after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit {
    cuts: u64,
}

impl Budget {
    /// A budget of `set` requests per second, at least [`LEAST_SET`], or unlimited until throttled.
    pub(crate) fn new(set: Option<f64>) -> Self {
        Self {
            epoch: Instant::now(),
            pace: Mutex::new(Pace::new(set)),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // A panic elsewhere leaves numbers that are each valid on their own.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of one attempt.
    pub(crate) async fn acquire(&self) -> Permit {
        let now = self.epoch.elapsed();
        let (start, permit) = self.pace().reserve(now);
        // The timer counts whole milliseconds: it would hold up even what may go at once.
        if start > now {
            tokio::time::sleep_until(self.epoch + start).await;
        }
        permit
    }

    /// AWS throttled the attempt: halve the rate, unless it was cut since the attempt was let through. Gives how many
    /// attempts in a row AWS has throttled, over all calls.
    pub(crate) fn throttled(&self, permit: Permit) -> u32 {
        self.pace().cut(permit, self.epoch.elapsed())
    }

    /// AWS answered: recover a little.
    pub(crate) fn answered(&self) {
        self.pace().recover();
    }
}

/// When attempts may start. Every time is since the budget's epoch.
#[derive(Debug)]
struct Pace {
    /// The rate set; `None` is unlimited until AWS throttles.
    set: Option<f64>,
    /// The present rate and the rate it recovers to; `None` is unlimited.
    adapted: Option<Adapted>,
    /// The earliest start of the next request.
    next: Duration,
    /// Counts cuts, so that the throttled answers of one burst make one cut.
    cuts: u64,
    /// Attempts throttled since one was answered.
    throttled_in_a_row: u32,
    window_start: Duration,
    window_count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Adapted {
    rate: f64,
    ceiling: f64,
}

impl Pace {
    fn new(set: Option<f64>) -> Self {
        // The least is also what is left of a rate that is not a number.
        let set = set.map(|rate| rate.max(LEAST_SET));
        Self {
            set,
            adapted: set.map(|rate| Adapted { rate, ceiling: rate }),
            next: Duration::ZERO,
            cuts: 0,
            throttled_in_a_row: 0,
            window_start: Duration::ZERO,
            window_count: 0,
        }
    }

    /// The start of the next attempt, now or later.
    fn reserve(&mut self, now: Duration) -> (Duration, Permit) {
        if now.saturating_sub(self.window_start) > WINDOW {
            self.window_start = now;
            self.window_count = 0;
        }
        self.window_count += 1;
        let start = self.next.max(now);
        self.next = match self.adapted {
            Some(adapted) => start + Duration::from_secs_f64(1.0 / adapted.rate),
            None => now,
        };
        (start, Permit { cuts: self.cuts })
    }

    fn cut(&mut self, permit: Permit, now: Duration) -> u32 {
        self.throttled_in_a_row = self.throttled_in_a_row.saturating_add(1);
        if permit.cuts == self.cuts {
            self.cuts += 1;
            let least = self.set.map_or(LEAST_UNSET, |set| set * LEAST_SHARE);
            let before = self.adapted.unwrap_or_else(|| self.observed(now));
            let rate = (before.rate / 2.0).max(least);
            self.adapted = Some(Adapted {
                rate,
                ceiling: before.ceiling.max(rate),
            });
            self.next = self.next.max(now + Duration::from_secs_f64(1.0 / rate));
        }
        self.throttled_in_a_row
    }

    fn observed(&self, now: Duration) -> Adapted {
        // A burst of a few calls in no time is no rate: at least a twentieth of the window is measured.
        let elapsed = now.saturating_sub(self.window_start).max(WINDOW / 20);
        let rate = f64::from(self.window_count) / elapsed.as_secs_f64();
        Adapted { rate, ceiling: rate }
    }

    fn recover(&mut self) {
        self.throttled_in_a_row = 0;
        let Some(adapted) = &mut self.adapted else { return };
        adapted.rate += adapted.ceiling / RECOVERY_STEPS;
        match self.set {
            Some(set) => adapted.rate = adapted.rate.min(set),
            // Twice what was sent when AWS first throttled, without being throttled again: no limit is in sight.
            None if adapted.rate > adapted.ceiling * 2.0 => self.adapted = None,
            None => {}
        }
    }

    /// The present rate; `None` is unlimited.
    #[cfg(test)]
    fn rate(&self) -> Option<f64> {
        self.adapted.map(|adapted| adapted.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a turn and waits for it: the time afterwards.
    fn turn(pace: &mut Pace, now: &mut Duration) -> Permit {
        let (start, permit) = pace.reserve(*now);
        *now = start;
        permit
    }

    #[test]
    fn a_set_rate_spaces_requests() {
        let (mut pace, mut now) = (Pace::new(Some(5.0)), Duration::from_secs(7));
        for _ in 0..11 {
            turn(&mut pace, &mut now);
        }
        assert_eq!(now, Duration::from_secs(9), "ten spaces of a fifth of a second");
    }

    #[test]
    fn time_not_used_is_not_saved_up() {
        let mut pace = Pace::new(Some(5.0));
        pace.reserve(Duration::ZERO);
        let idle = Duration::from_secs(100);
        assert_eq!(pace.reserve(idle).0, idle);
        assert_eq!(pace.reserve(idle).0, idle + Duration::from_millis(200));
    }

    #[test]
    fn a_rate_of_next_to_nothing_waits_and_does_not_overflow() {
        for rate in [1e-20, 0.0, -1.0, f64::NAN] {
            let (mut pace, mut now) = (Pace::new(Some(rate)), Duration::ZERO);
            let permit = turn(&mut pace, &mut now);
            turn(&mut pace, &mut now);
            assert!(now >= Duration::from_secs(999), "{rate}");
            pace.cut(permit, now);
            turn(&mut pace, &mut now);
            assert!(now < Duration::from_secs(100_000), "{rate}");
        }
    }

    #[test]
    fn throttled_answers_of_one_burst_halve_once_and_successes_recover() {
        let (mut pace, mut now) = (Pace::new(Some(8.0)), Duration::ZERO);
        let first = turn(&mut pace, &mut now);
        let second = turn(&mut pace, &mut now);
        assert_eq!((pace.cut(first, now), pace.cut(second, now)), (1, 2));
        assert_eq!(pace.rate(), Some(4.0));
        for _ in 0..20 {
            pace.recover();
        }
        assert!(pace.rate().is_some_and(|rate| (rate - 8.0).abs() < 1e-9));
        pace.recover();
        assert_eq!(pace.rate(), Some(8.0), "never above the set rate");
        let permit = turn(&mut pace, &mut now);
        assert_eq!(
            pace.cut(permit, now),
            1,
            "an answer ends the row of throttled attempts"
        );
    }

    #[test]
    fn a_set_rate_never_falls_to_nothing() {
        let (mut pace, mut now) = (Pace::new(Some(8.0)), Duration::ZERO);
        for _ in 0..50 {
            let permit = turn(&mut pace, &mut now);
            pace.cut(permit, now);
        }
        assert_eq!(pace.rate(), Some(0.5));
    }

    #[test]
    fn without_a_rate_nothing_waits_until_throttled() {
        let (mut pace, mut now) = (Pace::new(None), Duration::ZERO);
        let mut permit = turn(&mut pace, &mut now);
        for _ in 0..99 {
            permit = turn(&mut pace, &mut now);
        }
        assert_eq!(now, Duration::ZERO);
        pace.cut(permit, now);
        assert_eq!(
            pace.rate(),
            Some(1_000.0),
            "half of 100 in a twentieth of a second"
        );
        for _ in 0..61 {
            pace.recover();
        }
        assert_eq!(pace.rate(), None, "unlimited again");
    }
}

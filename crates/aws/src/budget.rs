//! One rate for all calls of a run: evenly spaced starts, halved when AWS throttles, recovered bit by bit.

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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The rate set; `None` is unlimited until AWS throttles.
    set: Option<f64>,
    /// The present rate and the rate it recovers to; `None` is unlimited.
    adapted: Option<Adapted>,
    /// The earliest start of the next request.
    next: Instant,
    /// Counts cuts, so that the throttled answers of one burst make one cut.
    cuts: u64,
    window_start: Instant,
    window_count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Adapted {
    rate: f64,
    ceiling: f64,
}

/// Leave to send one attempt; says which cut it was given after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit {
    cuts: u64,
}

impl Budget {
    /// A budget of `set` requests per second, at least [`LEAST_SET`], or unlimited until throttled.
    pub(crate) fn new(set: Option<f64>) -> Self {
        // The least is also what is left of a rate that is not a number.
        let set = set.map(|rate| rate.max(LEAST_SET));
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                set,
                adapted: set.map(|rate| Adapted { rate, ceiling: rate }),
                next: now,
                cuts: 0,
                window_start: now,
                window_count: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves numbers that are each valid on their own.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of one attempt.
    pub(crate) async fn acquire(&self) -> Permit {
        let (start, permit) = self.state().reserve(Instant::now());
        tokio::time::sleep_until(start).await;
        permit
    }

    /// AWS throttled the attempt: halve the rate, unless it was cut since the attempt was let through.
    pub(crate) fn throttled(&self, permit: Permit) {
        self.state().cut(permit, Instant::now());
    }

    /// AWS answered: recover a little.
    pub(crate) fn answered(&self) {
        self.state().recover();
    }

    /// The present rate; `None` is unlimited.
    #[cfg(test)]
    fn rate(&self) -> Option<f64> {
        self.state().adapted.map(|adapted| adapted.rate)
    }
}

impl State {
    fn reserve(&mut self, now: Instant) -> (Instant, Permit) {
        if now.duration_since(self.window_start) > WINDOW {
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

    fn cut(&mut self, permit: Permit, now: Instant) {
        if permit.cuts != self.cuts {
            return;
        }
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

    fn observed(&self, now: Instant) -> Adapted {
        // A burst of a few calls in no time is no rate: at least a twentieth of the window is measured.
        let elapsed = now.duration_since(self.window_start).max(WINDOW / 20);
        let rate = f64::from(self.window_count) / elapsed.as_secs_f64();
        Adapted { rate, ceiling: rate }
    }

    fn recover(&mut self) {
        let Some(adapted) = &mut self.adapted else { return };
        adapted.rate += adapted.ceiling / RECOVERY_STEPS;
        match self.set {
            Some(set) => adapted.rate = adapted.rate.min(set),
            // Twice what was sent when AWS first throttled, without being throttled again: no limit is in sight.
            None if adapted.rate > adapted.ceiling * 2.0 => self.adapted = None,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_set_rate_spaces_requests() {
        let budget = Budget::new(Some(5.0));
        let start = Instant::now();
        for _ in 0..11 {
            budget.acquire().await;
        }
        let taken = start.elapsed();
        assert!(
            taken >= Duration::from_secs(2) && taken < Duration::from_millis(2_050),
            "{taken:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_of_next_to_nothing_waits_and_does_not_overflow() {
        for rate in [1e-20, 0.0, -1.0, f64::NAN] {
            let budget = Budget::new(Some(rate));
            let start = Instant::now();
            let permit = budget.acquire().await;
            budget.acquire().await;
            assert!(start.elapsed() >= Duration::from_secs(999), "{rate}");
            budget.throttled(permit);
            budget.acquire().await;
            assert!(start.elapsed() < Duration::from_secs(100_000), "{rate}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_answers_of_one_burst_halve_once_and_successes_recover() {
        let budget = Budget::new(Some(8.0));
        let first = budget.acquire().await;
        let second = budget.acquire().await;
        budget.throttled(first);
        budget.throttled(second);
        assert_eq!(budget.rate(), Some(4.0));
        for _ in 0..20 {
            budget.answered();
        }
        assert!(budget.rate().is_some_and(|rate| (rate - 8.0).abs() < 1e-9));
        budget.answered();
        assert_eq!(budget.rate(), Some(8.0), "never above the set rate");
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_rate_never_falls_to_nothing() {
        let budget = Budget::new(Some(8.0));
        for _ in 0..50 {
            let permit = budget.acquire().await;
            budget.throttled(permit);
        }
        assert_eq!(budget.rate(), Some(0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nothing_waits_until_throttled() {
        let budget = Budget::new(None);
        let start = Instant::now();
        let mut permit = budget.acquire().await;
        for _ in 0..99 {
            permit = budget.acquire().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        budget.throttled(permit);
        assert_eq!(
            budget.rate(),
            Some(1_000.0),
            "half of 100 in a twentieth of a second"
        );
        for _ in 0..61 {
            budget.answered();
        }
        assert_eq!(budget.rate(), None, "unlimited again");
    }
}

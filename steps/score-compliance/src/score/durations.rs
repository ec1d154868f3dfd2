//! Ages of open noncompliance and times to resolve, summed.

use compliance::scorecard::{AGE_BOUNDS_DAYS, Ages, TimesToResolve};

use super::walk::{Interval, Resolution};

const DAY: i64 = 86_400_000;

/// Ages on their way to being [`Ages`]; milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AgeSum {
    open: u64,
    at_least: u64,
    classes: [u64; 5],
    total: i128,
    oldest: i64,
}

impl AgeSum {
    /// Adds an interval that is open at `now`. A pair exactly at a bound is in the older class.
    pub(crate) fn add(&mut self, interval: &Interval, now: i64) {
        let age = now - interval.since;
        let class = AGE_BOUNDS_DAYS
            .iter()
            .filter(|bound| age >= i64::from(**bound) * DAY)
            .count();
        self.open += 1;
        self.at_least += u64::from(interval.at_least);
        self.classes[class] += 1;
        self.total += i128::from(age);
        self.oldest = self.oldest.max(age);
    }

    /// Adds the ages of a part.
    pub(crate) fn append(&mut self, part: Self) {
        self.open += part.open;
        self.at_least += part.at_least;
        for (class, part) in self.classes.iter_mut().zip(part.classes) {
            *class += part;
        }
        self.total += part.total;
        self.oldest = self.oldest.max(part.oldest);
    }

    pub(crate) fn ages(self) -> Ages {
        let any = self.open > 0;
        Ages {
            open: self.open,
            at_least: self.at_least,
            classes: self.classes,
            mean_seconds: any.then(|| self.total as f64 / 1000.0 / self.open as f64),
            oldest_seconds: any.then(|| self.oldest as f64 / 1000.0),
        }
    }
}

/// Times to resolve on their way to being [`TimesToResolve`]; milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResolveSum {
    resolved: u64,
    at_least: u64,
    total: i128,
}

impl ResolveSum {
    pub(crate) fn add(&mut self, resolution: &Resolution) {
        self.resolved += 1;
        self.at_least += u64::from(resolution.at_least);
        self.total += i128::from(resolution.open_for);
    }

    /// Adds the times of a part.
    pub(crate) fn append(&mut self, part: Self) {
        self.resolved += part.resolved;
        self.at_least += part.at_least;
        self.total += part.total;
    }

    pub(crate) fn times(self) -> TimesToResolve {
        TimesToResolve {
            resolved: self.resolved,
            at_least: self.at_least,
            mean_seconds: (self.resolved > 0).then(|| self.total as f64 / 1000.0 / self.resolved as f64),
        }
    }
}

//! What goes wrong on purpose, drawn from a seed and the number of the call: the same calls meet the same faults.

use std::time::Duration;

/// The shares of calls, 0 to 1, that go wrong in each way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Drawn from this.
    pub seed: u64,
    /// Answered by 429 with `Retry-After`, and not done.
    pub rate: f64,
    /// Answered by 500, and not done.
    pub fail: f64,
    /// Answered by 500, and done all the same.
    pub fail_done: f64,
    /// Done, and never answered while anybody waits.
    pub hang: f64,
    /// Done, and the connection closed instead of an answer.
    pub cut_done: f64,
    /// Not done, and the connection closed instead of an answer.
    pub cut: f64,
    /// How long a call that is never answered is held.
    pub held: Duration,
    /// Only calls whose path ends so go wrong: `chat.postMessage`; all when empty.
    pub only: &'static str,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 0,
            rate: 0.0,
            fail: 0.0,
            fail_done: 0.0,
            hang: 0.0,
            cut_done: 0.0,
            cut: 0.0,
            held: Duration::from_secs(60),
            only: "",
        }
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Rate(u64),
    Fail { done: bool },
    Hang,
    Cut { done: bool },
}

impl Faults {
    pub(crate) fn draw(&self, call: u64, path: &str) -> Fault {
        if !path.ends_with(self.only) {
            return Fault::None;
        }
        let drawn = mixed(self.seed ^ mixed(call));
        let mut point = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
        let ways = [
            (self.rate, Fault::Rate(1 + drawn % 3)),
            (self.fail, Fault::Fail { done: false }),
            (self.fail_done, Fault::Fail { done: true }),
            (self.hang, Fault::Hang),
            (self.cut_done, Fault::Cut { done: true }),
            (self.cut, Fault::Cut { done: false }),
        ];
        for (share, fault) in ways {
            if point < share {
                return fault;
            }
            point -= share;
        }
        Fault::None
    }
}

/// SplitMix64.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_met_and_the_same_seed_gives_the_same() {
        let faults = Faults {
            seed: 3,
            rate: 0.3,
            fail: 0.1,
            ..Faults::default()
        };
        let draw = |faults: Faults| {
            (0..10_000)
                .map(|call| faults.draw(call, "/api/chat.postMessage"))
                .collect::<Vec<_>>()
        };
        let drawn = draw(faults);
        assert_eq!(drawn, draw(faults));
        let share = |of: fn(&Fault) -> bool| drawn.iter().filter(|fault| of(fault)).count();
        let (rate, fail) = (
            share(|fault| matches!(fault, Fault::Rate(1..=3))),
            share(|fault| matches!(fault, Fault::Fail { done: false })),
        );
        assert!(
            rate.abs_diff(3_000) <= 150 && fail.abs_diff(1_000) <= 150,
            "{rate} {fail}"
        );
        let elsewhere = Faults {
            only: "chat.update",
            ..faults
        };
        assert!(draw(elsewhere).iter().all(|fault| *fault == Fault::None));
    }
}

//! How the accounts' scores are spread: readable for three accounts and for five thousand.

use compliance::scorecard::{AccountScore, Scorecard};
use compliance::text;
use serde::Serialize;

use super::chart::Tick;
use super::text::{shown, unbroken};

/// Accounts by score, as bars between 0 and 1.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Histogram {
    bars: Vec<Bar>,
    x_ticks: Vec<Tick>,
    /// The organization's own score.
    organization: Option<Marker>,
    /// What the chart says.
    message: String,
    alt: String,
}

impl Histogram {
    /// What it shows, in words.
    pub(super) fn alt(&self) -> &str {
        &self.alt
    }
}

#[derive(Debug, Clone, Serialize)]
struct Bar {
    from: f64,
    to: f64,
    height: f64,
    count: String,
}

#[derive(Debug, Clone, Serialize)]
struct Marker {
    at: f64,
    text: String,
}

/// With fewer accounts there is nothing to compare.
const FEWEST: usize = 3;
/// Widths of a bar, in percentage points, finest first.
const WIDTHS: [u32; 4] = [1, 2, 5, 10];
/// At most this many bars stand side by side.
const MOST_BARS: u32 = 12;

/// The spread of the scores; `None` when fewer than three accounts have one.
pub(super) fn histogram(scorecard: &Scorecard) -> Option<Histogram> {
    let mut accounts: Vec<(f64, &AccountScore)> = scorecard
        .accounts
        .iter()
        .filter_map(|account| Some((account.scores.compliance_score?, account)))
        .collect();
    accounts.sort_by(|a, b| a.0.total_cmp(&b.0));
    if accounts.len() < FEWEST {
        return None;
    }
    let scale = Scale::from(accounts[0].0);
    let counts = scale.counts(accounts.iter().map(|(score, _)| *score));
    let greatest = counts.iter().copied().max()?.max(1) as f64;
    let bars = counts
        .iter()
        .enumerate()
        .map(|(index, count)| Bar {
            from: index as f64 / counts.len() as f64,
            to: (index + 1) as f64 / counts.len() as f64,
            height: *count as f64 / greatest,
            count: if *count > 0 {
                text::count(*count)
            } else {
                String::new()
            },
        })
        .collect();
    Some(Histogram {
        bars,
        x_ticks: scale.ticks(),
        organization: scorecard.organization.compliance_score.map(|score| Marker {
            at: scale.place(score),
            text: unbroken(&format!("organization {}", text::score(Some(score)))),
        }),
        message: message(&accounts),
        alt: alt(&scale, &counts),
    })
}

/// From a score below the lowest, to 100 %.
struct Scale {
    low: u32,
    width: u32,
}

impl Scale {
    fn from(lowest: f64) -> Self {
        let lowest = (lowest * 100.0).floor().clamp(0.0, 95.0) as u32;
        let fits = |width: &u32| (100 - lowest / width * width).div_ceil(*width) <= MOST_BARS;
        let width = WIDTHS.into_iter().find(fits).unwrap_or(10);
        Self {
            low: lowest / width * width,
            width,
        }
    }

    fn bars(&self) -> u32 {
        (100 - self.low).div_ceil(self.width)
    }

    fn place(&self, score: f64) -> f64 {
        ((score * 100.0 - f64::from(self.low)) / f64::from(100 - self.low)).clamp(0.0, 1.0)
    }

    /// A score on the border of two bars is in the upper one; 100 % is in the last.
    fn counts(&self, scores: impl Iterator<Item = f64>) -> Vec<u64> {
        let bars = self.bars();
        let mut counts = vec![0; bars as usize];
        for score in scores {
            let bar = ((score * 100.0 - f64::from(self.low)) / f64::from(self.width)).floor();
            if let Some(count) = counts.get_mut((bar.max(0.0) as usize).min(bars as usize - 1)) {
                *count += 1;
            }
        }
        counts
    }

    fn ticks(&self) -> Vec<Tick> {
        (self.low..=100)
            .filter(|percent| (100 - percent).is_multiple_of(self.width))
            .map(|percent| Tick {
                at: self.place(f64::from(percent) / 100.0),
                label: format!("{percent}\u{A0}%"),
            })
            .collect()
    }
}

/// Lowest first.
fn message(accounts: &[(f64, &AccountScore)]) -> String {
    let median = accounts[accounts.len() / 2].0;
    let (lowest, account) = accounts[0];
    format!(
        "Half of the accounts score {} or more; the lowest, {}, scores {}.",
        unbroken(&text::score(Some(median))),
        shown(account.name.as_deref().unwrap_or(&account.account_id)),
        unbroken(&text::score(Some(lowest)))
    )
}

fn alt(scale: &Scale, counts: &[u64]) -> String {
    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let each: Vec<_> = bars
        .map(|(index, count)| {
            let from = scale.low + index as u32 * scale.width;
            format!(
                "{} from {from} to {} %",
                text::plural(*count, "account", "accounts"),
                (from + scale.width).min(100)
            )
        })
        .collect();
    format!(
        "Bar chart of the accounts by compliance score: {}.",
        each.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_fine_as_twelve_allow_and_end_at_one_hundred() {
        let check = |lowest: f64, low: u32, width: u32| {
            let scale = Scale::from(lowest);
            assert_eq!((scale.low, scale.width), (low, width), "{lowest}");
            assert!(scale.bars() <= MOST_BARS);
        };
        check(0.93, 93, 1);
        check(0.77, 76, 2);
        check(0.65, 65, 5);
        check(0.42, 40, 5);
        check(0.07, 0, 10);
        check(1.0, 95, 1);
    }

    #[test]
    fn every_account_is_in_one_bar() {
        let scale = Scale::from(0.9);
        assert_eq!(
            scale.counts([0.9, 0.91, 0.919, 1.0].into_iter()),
            [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
        );
    }
}

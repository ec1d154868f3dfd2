//! Sources that stop updating now and then, and one that is never returned.

use compliance::coverage::{SourceState, SourceStatus};

use super::accounts::SimulatedAccount;
use crate::moment::{DAY, HOUR, timestamp};
use crate::random::Key;

/// A new trouble of each kind begins this often.
const TROUBLE_EVERY: i64 = 4 * DAY;

/// A source and what it shows at a moment.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) status: SourceStatus,
    /// The moment its results are of: earlier than asked while it is FAILED or OUTDATED.
    pub(super) shows: i64,
}

/// Where trouble can strike: accounts that never leave but the first, so that the first account's changes
/// always show.
pub(super) struct Sources<'a> {
    pub(super) key: Key,
    pub(super) regions: &'a [&'static str],
    pub(super) stable: &'a [SimulatedAccount],
}

impl Sources<'_> {
    /// The source of this account and region; `None` when the aggregator never returns it.
    pub(super) fn source(&self, account: &SimulatedAccount, region: usize, at: i64) -> Option<Source> {
        if self.never_returned(account, region) {
            return None;
        }
        let region_name = self.regions.get(region)?;
        let mut source = Source {
            status: SourceStatus {
                account_id: account.account_id.clone(),
                aws_region: (*region_name).to_owned(),
                state: SourceState::Succeeded,
                last_update_time: Some(timestamp(self.last_update(account, region, at))),
                error_code: None,
                error_message: None,
            },
            shows: at,
        };
        if let Some(begin) = self.trouble("outdated", 1, account, region, at) {
            source.status.state = SourceState::Outdated;
            source.status.last_update_time = Some(timestamp(begin));
            source.shows = begin;
        }
        if let Some(begin) = self.trouble("failed", 0, account, region, at) {
            source.status.state = SourceState::Failed;
            source.status.last_update_time = Some(timestamp(begin));
            source.status.error_code = Some("ACCESS_DENIED".to_owned());
            source.status.error_message = Some(format!(
                "The aggregator is not authorized to collect AWS Config data from account {} in {region_name}.",
                account.account_id
            ));
            source.shows = begin;
        }
        Some(source)
    }

    /// One account has its last region off, though the aggregator covers it.
    fn never_returned(&self, account: &SimulatedAccount, region: usize) -> bool {
        let off = self.stable.len().saturating_sub(1).min(9);
        self.regions.len() > 1
            && region + 1 == self.regions.len()
            && self
                .stable
                .get(off)
                .is_some_and(|other| other.account_id == account.account_id)
    }

    /// Sources update every six hours, each at its own minute.
    fn last_update(&self, account: &SimulatedAccount, region: usize, at: i64) -> i64 {
        let phase = account.key.text("update").number(region as i64).below(6 * HOUR);
        phase + (at - phase).div_euclid(6 * HOUR) * 6 * HOUR
    }

    /// When the trouble began that this source is in now: one source at a time, for 26 to 44 hours. The two kinds
    /// take turns over accounts of odd and even index, so that they never hide each other.
    fn trouble(
        &self,
        kind: &str,
        parity: i64,
        account: &SimulatedAccount,
        region: usize,
        at: i64,
    ) -> Option<i64> {
        let now = at.div_euclid(TROUBLE_EVERY);
        [now, now - 1].into_iter().find_map(|cycle| {
            let key = self.key.text(kind).number(cycle);
            let begin = cycle * TROUBLE_EVERY + key.text("begin").below(DAY);
            let end = begin + key.text("lasts").between(26 * HOUR, 44 * HOUR);
            let (index, struck) = self.struck(key, parity)?;
            (index == account.index && struck == region && begin <= at && at < end).then_some(begin)
        })
    }

    fn struck(&self, key: Key, parity: i64) -> Option<(i64, usize)> {
        let candidates = (self.stable.len() as i64 - 1 + i64::from(parity == 0)) / 2;
        if candidates < 1 {
            return None;
        }
        let index = key.text("account").below(candidates) * 2 + 1 + parity;
        let account = self.stable.get(index as usize)?;
        let region = key.text("region").below(self.regions.len() as i64) as usize;
        let region = if self.never_returned(account, region) {
            0
        } else {
            region
        };
        Some((index, region))
    }
}

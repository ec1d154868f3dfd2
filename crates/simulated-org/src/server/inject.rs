//! Decides what goes wrong with which call. The same seed gives the same faults: each is drawn from the call and from
//! how often this very call came before, not from the order in which different calls arrive.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::answer::ErrorAnswer;
use super::calls::Call;
use crate::faults::Faults;
use crate::random::Key;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It is answered by this error.
    Error(ErrorAnswer),
    /// It is throttled, in the service's own shape.
    Throttled,
    /// It is answered by a status of 500 or above.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// There is an error in the service's own shape; else the body is empty.
        body: bool,
    },
    /// Its pagination token is refused; a call without one is answered.
    ExpiredToken,
    /// Its credentials are refused.
    ExpiredCredentials,
    /// The page before comes once more, with a token used before; a call that continues no list is answered.
    RepeatedPage,
    /// The connection closes in the middle of the answer, whose length was announced as a whole.
    Cut {
        /// In the middle of the headers; else of the body.
        in_headers: bool,
        /// The share of them that is sent, 0 to 1.
        share: f64,
    },
    /// The body ends early, and the announced length is that of what is left.
    Truncated {
        /// The share of it that is left, 0 to 1.
        share: f64,
    },
}

/// Says which calls fail and how; asked before every call.
pub(super) type Chosen = dyn Fn(&Call) -> Option<Fault> + Send + Sync;

/// A request as far as faults depend on it.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    /// Who asks; the same for every session of a role.
    pub(super) caller: String,
    /// The whole input, its token included.
    pub(super) input: &'a str,
    /// The access key id of an assumed role.
    pub(super) session: Option<&'a str>,
    /// The list that the call continues.
    pub(super) continues: Option<&'a str>,
}

/// Everything that goes wrong at one server.
#[derive(Default)]
pub(super) struct Injection {
    /// Asked first.
    pub(super) chosen: Option<Box<Chosen>>,
    pub(super) drawn: Option<Drawn>,
    /// The last page of each list that has more to come.
    pages: Mutex<HashMap<String, Value>>,
}

impl Injection {
    /// What goes wrong with a call at this time since the server began.
    pub(super) fn fault(&self, asked: &Asked<'_>, now: Duration) -> Option<Fault> {
        let chosen = self.chosen.as_ref().and_then(|chosen| chosen(asked.call));
        chosen.or_else(|| self.drawn.as_ref()?.fault(asked, now))
    }

    /// How long an answer waits.
    pub(super) fn latency(&self) -> Duration {
        self.drawn
            .as_ref()
            .map_or(Duration::ZERO, |drawn| drawn.faults.latency)
    }

    /// The page of this list that was sent last.
    pub(super) fn page_before(&self, list: &str) -> Option<Value> {
        self.pages().get(list).cloned()
    }

    /// Keeps a page while its list goes on, if it may be asked to come again.
    pub(super) fn remember(&self, list: &str, page: &Value) {
        let may_repeat = self
            .drawn
            .as_ref()
            .is_some_and(|drawn| drawn.faults.repeat_page > 0.0);
        if !may_repeat && self.chosen.is_none() {
            return;
        }
        if page.get("NextToken").is_some() {
            self.pages().insert(list.to_owned(), page.clone());
        } else {
            self.pages().remove(list);
        }
    }

    /// The number of the next session of a role in an account, where sessions expire.
    pub(super) fn session(&self, account_id: &str) -> u32 {
        self.drawn.as_ref().map_or(0, |drawn| drawn.session(account_id))
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<String, Value>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Faults drawn from a seed.
pub(super) struct Drawn {
    faults: Faults,
    key: Key,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// How often each very call came.
    attempts: HashMap<Key, u32>,
    /// How often each list was continued.
    continued: HashMap<String, u32>,
    /// Calls by each session of a role.
    sessions: HashMap<String, u32>,
    /// Sessions given out by account.
    assumed: HashMap<String, u32>,
    bucket: Option<Bucket>,
}

impl Drawn {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        let bucket = faults.rate.map(Bucket::full);
        Self {
            faults,
            key: Key::new(seed).text("faults"),
            counts: Mutex::new(Counts {
                bucket,
                ..Counts::default()
            }),
        }
    }

    fn fault(&self, asked: &Asked<'_>, now: Duration) -> Option<Fault> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.bucket.as_mut().is_some_and(|bucket| !bucket.take(now)) {
            return Some(Fault::Throttled);
        }
        if self.fails_for_ever(asked.call) {
            return Some(Fault::Unavailable {
                status: 500,
                body: true,
            });
        }
        let identity = self
            .key
            .text(&asked.call.operation)
            .text(&asked.caller)
            .text(asked.input);
        let attempt = bump(&mut counts.attempts, identity);
        let drawn = self.draw(identity.number(i64::from(attempt)));
        if drawn.is_some() {
            return drawn;
        }
        if let (Some(session), Some(lives)) = (asked.session, self.faults.expire_credentials_after)
            && bump(&mut counts.sessions, session.to_owned()) > lives
        {
            return Some(Fault::ExpiredCredentials);
        }
        let (list, every) = (asked.continues?, self.faults.expire_after?);
        (bump(&mut counts.continued, list.to_owned()) % every == 0).then_some(Fault::ExpiredToken)
    }

    fn fails_for_ever(&self, call: &Call) -> bool {
        self.faults.fail.iter().any(|account| {
            let asked = call.account_id.as_ref() == Some(account);
            asked
                || call
                    .expression
                    .as_ref()
                    .is_some_and(|text| text.contains(account.as_str()))
        })
    }

    /// One of the exclusive faults, or none.
    fn draw(&self, key: Key) -> Option<Fault> {
        let faults = &self.faults;
        let drawn = key.unit();
        let mut bound = 0.0;
        let mut within = |share: f64| {
            bound += share;
            drawn < bound
        };
        let (coin, share) = (key.text("coin").chance(0.5), key.text("share").unit());
        if within(faults.throttle) {
            return Some(Fault::Throttled);
        }
        if within(faults.server_error) {
            let status = if key.text("status").chance(0.5) { 500 } else { 503 };
            return Some(Fault::Unavailable { status, body: coin });
        }
        let cut = |in_headers| Fault::Cut { in_headers, share };
        if within(faults.cut) {
            return Some(cut(coin));
        }
        if within(faults.truncate) {
            // Nothing at all is the case that a reader takes most easily for an empty answer.
            let share = if share < 0.25 { 0.0 } else { share };
            return Some(if coin {
                cut(false)
            } else {
                Fault::Truncated { share }
            });
        }
        within(faults.repeat_page).then_some(Fault::RepeatedPage)
    }

    fn session(&self, account_id: &str) -> u32 {
        if self.faults.expire_credentials_after.is_none() {
            return 0;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        bump(&mut counts.assumed, account_id.to_owned()) - 1
    }
}

/// Counts one more; gives the count.
fn bump<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) -> u32 {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
    *count
}

/// A token bucket, as services limit rates: it holds one second's worth and is full at the start.
struct Bucket {
    rate: f64,
    level: f64,
    at: Duration,
}

impl Bucket {
    fn full(rate: f64) -> Self {
        Self {
            rate,
            level: rate.max(1.0),
            at: Duration::ZERO,
        }
    }

    /// Takes leave for one request, if there is any.
    fn take(&mut self, now: Duration) -> bool {
        let filled = now.saturating_sub(self.at).as_secs_f64() * self.rate;
        self.level = (self.level + filled).min(self.rate.max(1.0));
        self.at = self.at.max(now);
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, seed: u64) -> Drawn {
        Drawn::new(text.parse().unwrap(), seed)
    }

    fn call(drawn: &Drawn, input: &str) -> Option<Fault> {
        let asked = Asked {
            call: &Call::default(),
            caller: String::new(),
            input,
            session: None,
            continues: None,
        };
        drawn.fault(&asked, Duration::ZERO)
    }

    #[test]
    fn faults_depend_on_the_call_and_its_attempt_and_not_on_the_order_of_calls() {
        let text = "throttle=0.3,5xx=0.2,cut=0.1,truncate=0.1";
        let (forward, backward) = (drawn(text, 7), drawn(text, 7));
        let inputs: Vec<String> = (0..50).map(|number| format!("call {number}")).collect();
        let attempts = |drawn: &Drawn, input: &String| [call(drawn, input), call(drawn, input)];
        let one: Vec<_> = inputs.iter().map(|input| attempts(&forward, input)).collect();
        let mut other: Vec<_> = inputs
            .iter()
            .rev()
            .map(|input| attempts(&backward, input))
            .collect();
        other.reverse();
        assert_eq!(one, other);
        assert!(
            one.iter().any(|[first, second]| first != second),
            "attempts differ"
        );
        let seeded: Vec<_> = inputs
            .iter()
            .map(|input| attempts(&drawn(text, 8), input))
            .collect();
        assert_ne!(one, seeded);
    }

    #[test]
    fn shares_are_of_all_calls() {
        let drawn = drawn("throttle=0.5,5xx=0.1,cut=0.05,truncate=0.05,repeat-page=0.1", 7);
        let (mut throttled, mut unavailable, mut broken, mut repeated, mut none) = (0_i32, 0, 0, 0, 0);
        for number in 0..10_000 {
            match call(&drawn, &number.to_string()) {
                None => none += 1,
                Some(Fault::Throttled) => throttled += 1,
                Some(Fault::Unavailable { .. }) => unavailable += 1,
                Some(Fault::RepeatedPage) => repeated += 1,
                Some(_) => broken += 1,
            }
        }
        for (count, expected) in [
            (throttled, 5_000_i32),
            (unavailable, 1_000),
            (broken, 1_000),
            (repeated, 1_000),
            (none, 2_000),
        ] {
            assert!((count - expected).abs() < 200, "{count} of {expected}");
        }
    }

    #[test]
    fn a_bucket_gives_its_rate_and_no_more() {
        let mut bucket = Bucket::full(5.0);
        let mut given = |from: u64, to: u64, step: usize| {
            (from..to)
                .step_by(step)
                .filter(|now| bucket.take(Duration::from_millis(*now)))
                .count()
        };
        assert_eq!(given(0, 1, 1), 1);
        assert_eq!(
            given(200, 20_200, 200),
            100,
            "as fast as its rate, none is refused"
        );
        assert_eq!(
            given(20_200, 30_200, 20),
            54,
            "ten times as fast: the rate, and the burst that was left"
        );
    }
}

//! What goes wrong on purpose: rates, delays and limits of a hostile server, as one line of text.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use compliance::organization::is_account_id;

/// How a simulated server misbehaves. The five shares are exclusive parts of all calls: a call meets one fault or
/// none. Read from text such as `throttle=0.5,5xx=0.1,latency=50ms`; [`fmt::Display`] writes the same text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Share of calls that are throttled, in the service's own shape.
    pub throttle: f64,
    /// Share of calls answered by 500 or 503, with a body or without.
    pub server_error: f64,
    /// Share of calls whose connection closes in the middle of headers or body.
    pub cut: f64,
    /// Share of calls whose body ends early: with a length that lies, or as JSON or XML cut short.
    pub truncate: f64,
    /// Share of calls that bring the page before once more, with a token used before, where there is one.
    pub repeat_page: f64,
    /// Every answer waits for this long.
    pub latency: Duration,
    /// Every so many calls that continue a list, its pagination token is refused as expired.
    pub expire_after: Option<u32>,
    /// The credentials of an assumed role are refused as expired after this many calls.
    pub expire_credentials_after: Option<u32>,
    /// Requests per second, with a burst of one second's worth; what exceeds it is throttled.
    pub rate: Option<f64>,
    /// Every call about one of these accounts is answered by 500, for ever.
    pub fail: BTreeSet<String>,
}

/// The faults by name, as messages list them.
const NAMES: &str = "throttle, 5xx, cut, truncate, repeat-page, latency, expire-after, expire-credentials-after, \
                     rate and fail";
/// The longest latency; a client gives an attempt up before.
const MAX_LATENCY: Duration = Duration::from_secs(60);

/// Why a text does not say what goes wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FaultsError {
    /// A part is not a name and a value.
    #[error("{0:?} is not a fault and its value, such as throttle=0.5; separate several by commas")]
    NotAPair(String),
    /// No fault has this name.
    #[error("{0:?} is not a fault; there are {NAMES}")]
    Unknown(String),
    /// A value that the fault does not take.
    #[error("{name}={value:?} is not possible: {name} is {allowed}")]
    Value {
        /// The fault.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A fault is given more than once.
    #[error("{0} is given twice; give it once")]
    Twice(&'static str),
    /// The shares are more than all calls.
    #[error(
        "throttle, 5xx, cut, truncate and repeat-page are shares of all calls: together they are {0}, at most 1 is possible"
    )]
    TooMany(f64),
}

const SHARE: &str = "a share of all calls from 0 to 1, such as 0.1";
const COUNT: &str = "a number of calls, 1 or more";

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        let mut given = BTreeSet::new();
        for part in text.split(',').map(str::trim) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| FaultsError::NotAPair(part.to_owned()))?;
            let name = faults.set(name.trim(), value.trim())?;
            if !given.insert(name) && name != "fail" {
                return Err(FaultsError::Twice(name));
            }
        }
        let shares = faults.shares().iter().map(|(_, share)| share).sum::<f64>();
        // Ten times 0.1 is a hair more than 1.
        if shares > 1.0 + 1e-9 {
            return Err(FaultsError::TooMany(shares));
        }
        Ok(faults)
    }
}

impl Faults {
    /// The exclusive shares by name.
    fn shares(&self) -> [(&'static str, f64); 5] {
        [
            ("throttle", self.throttle),
            ("5xx", self.server_error),
            ("cut", self.cut),
            ("truncate", self.truncate),
            ("repeat-page", self.repeat_page),
        ]
    }

    /// Reads one value; gives the fault's name.
    fn set(&mut self, name: &str, value: &str) -> Result<&'static str, FaultsError> {
        let name = match name {
            "throttle" => share("throttle", value, &mut self.throttle)?,
            "5xx" => share("5xx", value, &mut self.server_error)?,
            "cut" => share("cut", value, &mut self.cut)?,
            "truncate" => share("truncate", value, &mut self.truncate)?,
            "repeat-page" => share("repeat-page", value, &mut self.repeat_page)?,
            "latency" => {
                self.latency = latency(value)?;
                "latency"
            }
            "expire-after" => count("expire-after", value, &mut self.expire_after)?,
            "expire-credentials-after" => count(
                "expire-credentials-after",
                value,
                &mut self.expire_credentials_after,
            )?,
            "rate" => {
                self.rate = Some(rate(value)?);
                "rate"
            }
            "fail" => {
                self.fail.insert(account(value)?);
                "fail"
            }
            other => return Err(FaultsError::Unknown(other.to_owned())),
        };
        Ok(name)
    }
}

fn refused(name: &'static str, value: &str, allowed: &'static str) -> FaultsError {
    FaultsError::Value {
        name,
        value: value.to_owned(),
        allowed,
    }
}

fn share(name: &'static str, value: &str, share: &mut f64) -> Result<&'static str, FaultsError> {
    *share = value
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| refused(name, value, SHARE))?;
    Ok(name)
}

fn count(name: &'static str, value: &str, count: &mut Option<u32>) -> Result<&'static str, FaultsError> {
    let read = value.parse().ok().filter(|count| *count > 0);
    *count = Some(read.ok_or_else(|| refused(name, value, COUNT))?);
    Ok(name)
}

fn latency(value: &str) -> Result<Duration, FaultsError> {
    let read = match value.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => value
            .strip_suffix('s')
            .and_then(|number| number.parse().ok())
            .map(Duration::from_secs),
    };
    read.filter(|latency| *latency <= MAX_LATENCY).ok_or_else(|| {
        refused(
            "latency",
            value,
            "whole milliseconds or seconds up to 60s, such as 50ms or 2s",
        )
    })
}

fn rate(value: &str) -> Result<f64, FaultsError> {
    value
        .parse()
        .ok()
        .filter(|rate: &f64| (0.1..=100_000.0).contains(rate))
        .ok_or_else(|| refused("rate", value, "requests per second from 0.1 to 100000, such as 5"))
}

fn account(value: &str) -> Result<String, FaultsError> {
    if !is_account_id(value) {
        return Err(refused(
            "fail",
            value,
            "an account id of 12 digits; repeat it for more accounts",
        ));
    }
    Ok(value.to_owned())
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.shares().into_iter().filter(|(_, share)| *share > 0.0);
        let mut parts: Vec<String> = shares.map(|(name, share)| format!("{name}={share}")).collect();
        if !self.latency.is_zero() {
            parts.push(format!("latency={}ms", self.latency.as_millis()));
        }
        for (name, count) in [
            ("expire-after", self.expire_after),
            ("expire-credentials-after", self.expire_credentials_after),
        ] {
            parts.extend(count.map(|count| format!("{name}={count}")));
        }
        parts.extend(self.rate.map(|rate| format!("rate={rate}")));
        parts.extend(self.fail.iter().map(|account| format!("fail={account}")));
        if parts.is_empty() {
            // Nothing goes wrong, in words that can be read again.
            parts.push("throttle=0".to_owned());
        }
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_fault_is_read() {
        let text = "throttle=0.5, 5xx=0.1,latency=50ms,cut=0.02,truncate=0.02,repeat-page=0.01,expire-after=3,\
                    expire-credentials-after=4,rate=5,fail=000000000012,fail=000000000013";
        let faults: Faults = text.parse().unwrap();
        let expected = Faults {
            throttle: 0.5,
            server_error: 0.1,
            cut: 0.02,
            truncate: 0.02,
            repeat_page: 0.01,
            latency: Duration::from_millis(50),
            expire_after: Some(3),
            expire_credentials_after: Some(4),
            rate: Some(5.0),
            fail: ["000000000012", "000000000013"].map(str::to_owned).into(),
        };
        assert_eq!(faults, expected);
        assert_eq!("latency=2s".parse::<Faults>().unwrap().latency.as_millis(), 2_000);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_value_and_what_is_allowed() {
        let check = |text: &str, says: &[&str]| {
            let error = text.parse::<Faults>().unwrap_err().to_string();
            for words in says {
                assert!(error.contains(words), "{text}: {error}");
            }
        };
        check("", &["\"\"", "throttle=0.5"]);
        check("throttle", &["\"throttle\"", "throttle=0.5"]);
        check("throtle=0.5", &["\"throtle\"", "throttle, 5xx", "expire-after"]);
        check("throttle=2", &["throttle=\"2\"", "0 to 1"]);
        check("5xx=-0.1", &["5xx=\"-0.1\"", "0 to 1"]);
        check("cut=nan", &["cut=\"nan\"", "0 to 1"]);
        check("latency=50", &["latency=\"50\"", "50ms"]);
        check("latency=61s", &["latency=\"61s\"", "60s"]);
        check("expire-after=0", &["expire-after=\"0\"", "1 or more"]);
        check("rate=0", &["rate=\"0\"", "0.1"]);
        check("fail=12", &["fail=\"12\"", "12 digits"]);
        check("cut=0.1,cut=0.1", &["cut", "twice"]);
        check("throttle=0.6,5xx=0.6", &["1.2", "at most 1"]);
    }

    prop_compose! {
        fn any_faults()(
            parts in prop::array::uniform5(0.0..0.2_f64),
            latency in 0..=60_000_u64,
            expire_after in prop::option::of(1..u32::MAX),
            expire_credentials_after in prop::option::of(1..u32::MAX),
            rate in prop::option::of(0.1..100_000.0_f64),
            fail in prop::collection::btree_set("[0-9]{12}", 0..3),
        ) -> Faults {
            let [throttle, server_error, cut, truncate, repeat_page] = parts;
            let latency = Duration::from_millis(latency);
            Faults {
                throttle, server_error, cut, truncate, repeat_page, latency, expire_after,
                expire_credentials_after, rate, fail,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(faults in any_faults()) {
            prop_assert_eq!(faults.to_string().parse::<Faults>(), Ok(faults));
        }

        #[test]
        fn what_is_read_is_within_bounds(
            text in "((throttle|5xx|cut|latency|rate|expire-after|fail|x)=[-+0-9.emsnaif]{0,6},?){0,4}",
        ) {
            if let Ok(faults) = text.parse::<Faults>() {
                let shares = faults.shares().map(|(_, share)| share);
                prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{text}");
                prop_assert!(shares.iter().sum::<f64>() <= 1.0 + 1e-9, "{text}");
                prop_assert!(faults.latency <= MAX_LATENCY, "{text}");
                prop_assert_eq!(faults.to_string().parse::<Faults>(), Ok(faults));
            }
        }

        #[test]
        fn a_refusal_repeats_what_was_given(name in "(throttle|5xx|latency|rate|expire-after|fail)", value in "[a-z]{1,8}") {
            let error = format!("{name}={value}").parse::<Faults>().unwrap_err().to_string();
            prop_assert!(error.contains(&name) && error.contains(&value), "{error}");
        }
    }
}

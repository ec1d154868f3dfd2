//! What is alerted, as the user sets it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::Severity;
use crate::evaluation::PairKey;
use crate::organization::is_account_id;
use crate::pattern;

/// Which results are told at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSettings {
    /// Results of rules of this severity and above; an unrated rule counts as medium.
    pub severity: Severity,
    /// Whether a resource that is noncompliant when it is first evaluated is told as well.
    pub first_evaluations: bool,
    /// A pair that becomes noncompliant again within so many minutes of the last word about it is told in the same thread.
    pub flap_minutes: u32,
    /// More new alerts than this on a route in one window are one message with counts.
    pub storm_threshold: u32,
    /// What is told on a route is gathered over so many seconds.
    pub window_seconds: u32,
    /// Days that events are kept.
    pub history_days: u32,
    /// Maintenance: what is told to nobody for a while.
    pub silences: Vec<SilenceSettings>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            severity: Severity::High,
            first_evaluations: false,
            flap_minutes: 30,
            storm_threshold: 10,
            window_seconds: 30,
            history_days: 400,
            silences: Vec::new(),
        }
    }
}

/// A stretch of time in which some results are told to nobody. The daily report has them all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceSettings {
    /// A normalised rule; one `*` as the last character stands for any ending. Absent: every rule.
    #[serde(default)]
    pub rule: Option<String>,
    /// Account ids; empty: every account.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// When it begins; absent: it has begun.
    #[serde(default, deserialize_with = "optional_time")]
    pub from: Option<Timestamp>,
    /// When it ends. There is none without an end.
    #[serde(deserialize_with = "time")]
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
}

impl SilenceSettings {
    /// Whether nobody is told of this pair at this time.
    pub fn holds(&self, key: &PairKey, now: Timestamp) -> bool {
        let of_rule = |rule: &String| pattern::matches(rule, &key.rule);
        self.from.is_none_or(|from| from <= now)
            && now < self.until
            && self.rule.as_ref().is_none_or(of_rule)
            && (self.accounts.is_empty() || self.accounts.contains(&key.account_id))
    }
}

/// A time as TOML has it, or as text: `2026-11-21T12:00:00Z`.
#[derive(Deserialize)]
#[serde(untagged)]
enum TimeForm {
    Toml(toml::value::Datetime),
    Text(String),
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let refused = || serde::de::Error::custom("must be a time with its offset, such as 2026-11-21T12:00:00Z");
    let text = match TimeForm::deserialize(deserializer).map_err(|_| refused())? {
        TimeForm::Toml(time) => time.to_string(),
        TimeForm::Text(text) => text,
    };
    text.parse().map_err(|_| refused())
}

fn optional_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    time(deserializer).map(Some)
}

/// The first thing that cannot be meant: the silence's place, the field, and why.
pub(crate) fn problem(settings: &AlertSettings) -> Option<(Option<usize>, &'static str, String)> {
    let numbers = [
        ("storm_threshold", settings.storm_threshold, 1, 1_000),
        ("window_seconds", settings.window_seconds, 5, 240),
        ("flap_minutes", settings.flap_minutes, 0, 1_440),
        ("history_days", settings.history_days, 1, 3_650),
    ];
    for (field, value, least, most) in numbers {
        if !(least..=most).contains(&value) {
            return Some((None, field, format!("must be {least} to {most}")));
        }
    }
    settings.silences.iter().enumerate().find_map(|(place, silence)| {
        let (field, problem) = problem_of(silence)?;
        Some((Some(place), field, problem))
    })
}

fn problem_of(silence: &SilenceSettings) -> Option<(&'static str, String)> {
    if silence.rule.as_deref().is_some_and(pattern::is_stray) {
        return Some(("rule", "may have one *, as its last character".to_owned()));
    }
    if let Some(id) = silence.accounts.iter().find(|id| !is_account_id(id)) {
        return Some(("accounts", format!("{id:?} is not an account id of 12 digits")));
    }
    if silence.from.is_some_and(|from| from >= silence.until) {
        return Some(("until", "lies before from".to_owned()));
    }
    [("reason", &silence.reason), ("owner", &silence.owner)]
        .into_iter()
        .find(|(_, text)| text.trim().is_empty())
        .map(|(field, _)| (field, "is empty".to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    const SILENCE: &str = "[alerts]\n[[alerts.silences]]\nrule = \"s3-*\"\nfrom = 2026-11-21T10:00:00Z\nuntil = 2026-11-21T12:00:00+01:00\nreason = \"r\"\nowner = \"o\"\n";

    #[test]
    fn silences_are_read_and_are_no_input_of_a_report() {
        let settings = Settings::parse(SILENCE).unwrap();
        let silence = &settings.alerts.silences[0];
        assert_eq!(silence.until.to_string(), "2026-11-21T11:00:00Z");
        let form = |settings: &Settings| crate::hash::canonical_json(settings).unwrap();
        assert_eq!(form(&settings), form(&Settings::default()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        let check = |good: &str, bad: &str, says: &str| {
            let text = SILENCE.replace(good, bad);
            assert_ne!(text, SILENCE);
            let error = Settings::parse(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        };
        check(
            "[alerts]",
            "[alerts]\nwindow_seconds = 2",
            "line 2, alerts.window_seconds: must be 5 to 240",
        );
        check("[alerts]", "[alerts]\nstorm = 2", "unknown field `storm`");
        check("s3-*", "s*3-*", "line 3, alerts.silences[1].rule: ");
        check("2026-11-21T12:00:00+01:00", "2026-11-21", "with its offset");
        check(
            "2026-11-21T12:00:00+01:00",
            "2026-11-21T10:00:00Z",
            "line 5, alerts.silences[1].until: lies before from",
        );
        check("\"o\"", "\" \"", "line 7, alerts.silences[1].owner: is empty");
        check(
            "rule = \"s3-*\"",
            "accounts = [\"1\"]",
            "line 3, alerts.silences[1].accounts: ",
        );
    }
}

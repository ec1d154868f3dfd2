//! Exceptions: noncompliance that somebody has accepted, for a reason and until a day.
//!
//! An exception changes no score: what it covers stays noncompliant and stays in every denominator. It is shown apart,
//! and left out of what to fix first. It is in force from the UTC day of its approval to the UTC day of its expiry,
//! both included. Of several that cover a pair, the one in force that expires last speaks for it; if none is in force,
//! the one that expired last is named as expired, and the pair counts as one without an exception.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};

use crate::catalogue::{Catalogue, Severity};
use crate::evaluation::PairKey;

/// An exception in force with at most this many days left is expiring.
pub const EXPIRING_DAYS: i32 = 14;

/// A term from approval to expiry of more than this many days is called long.
pub const LONG_TERM_DAYS: i32 = 366;

/// One exception, as written in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionSettings {
    /// What lists call it; `exception-N`, N counted from 1, when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// The rule, by normalised name, a deployed name or managed rule identifier. It stands for every name of the rule.
    pub rule: String,
    /// Covers the rule in the whole organization; then no part of a scope may stand beside it.
    #[serde(default)]
    pub everywhere: bool,
    /// Account ids; empty: all.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Paths of organizational units, exact or with a last `*`; empty: all.
    #[serde(default)]
    pub organizational_units: Vec<String>,
    /// Regions, exact or with a last `*`, and `global` for resources that exist once per account; empty: all.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Resource types, exact or with a last `*`; empty: all.
    #[serde(default)]
    pub resource_types: Vec<String>,
    /// Resource ids, exact or with a last `*`; empty: all.
    #[serde(default)]
    pub resource_ids: Vec<String>,
    /// Why the noncompliance is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who accepted it.
    pub approver: String,
    /// The first day it is in force, UTC.
    #[serde(deserialize_with = "date")]
    pub approved: Date,
    /// The last day it is in force, UTC.
    #[serde(deserialize_with = "date")]
    pub expires: Date,
}

impl ExceptionSettings {
    /// The parts of its scope that patterns may describe, each with its name.
    fn patterns(&self) -> [(&'static str, &[String]); 4] {
        [
            ("organizational_units", &self.organizational_units),
            ("regions", &self.regions),
            ("resource_types", &self.resource_types),
            ("resource_ids", &self.resource_ids),
        ]
    }

    /// Whether its scope, the rule aside, holds this pair of an account in this organizational unit.
    fn holds(&self, key: &PairKey, unit: Option<&str>) -> bool {
        let in_unit = self.organizational_units.is_empty()
            || unit.is_some_and(|unit| matches(&self.organizational_units, unit));
        in_unit
            && matches(&self.accounts, &key.account_id)
            && matches(&self.regions, &key.aws_region)
            && matches(&self.resource_types, &key.resource_type)
            && matches(&self.resource_ids, &key.resource_id)
    }
}

/// No pattern is no limit; a pattern is the text itself, or with a last `*` what the text begins with.
fn matches(patterns: &[String], text: &str) -> bool {
    let one = |pattern: &String| match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => pattern == text,
    };
    patterns.is_empty() || patterns.iter().any(one)
}

/// A day as TOML's own date or as text.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    struct Written;
    impl<'de> serde::de::Visitor<'de> for Written {
        type Value = Date;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("a day such as 2027-03-31")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Date, E> {
            let whole = Some(text).filter(|text| text.len() == 10);
            whole
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Date, A::Error> {
            let map = serde::de::value::MapAccessDeserializer::new(map);
            let written = toml::value::Datetime::deserialize(map)?;
            self.visit_str(&written.to_string())
        }
    }
    deserializer.deserialize_any(Written)
}

/// Where an exception stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    /// Its last day is past: it is no exception any more.
    Expired,
    /// In force, with at most [`EXPIRING_DAYS`] days left.
    Expiring,
    /// Approved later than the day reported: no exception yet.
    NotYetApproved,
    /// In force.
    Active,
}

impl ExceptionState {
    /// The state on a day, UTC.
    fn on(day: Date, settings: &ExceptionSettings) -> Self {
        if day > settings.expires {
            Self::Expired
        } else if day < settings.approved {
            Self::NotYetApproved
        } else if days_between(day, settings.expires) <= EXPIRING_DAYS {
            Self::Expiring
        } else {
            Self::Active
        }
    }

    /// Whether it is an exception on that day.
    pub fn in_force(self) -> bool {
        matches!(self, Self::Active | Self::Expiring)
    }

    /// As readers see it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Expired => "Expired",
            Self::Expiring => "Expiring",
            Self::NotYetApproved => "Not yet approved",
            Self::Active => "Active",
        }
    }

    /// As in JSON and CSV.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Expiring => "expiring",
            Self::NotYetApproved => "not_yet_approved",
            Self::Active => "active",
        }
    }
}

fn days_between(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

/// An exception on the day of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// As set, else by its place.
    pub id: String,
    /// The normalised rule.
    pub rule: String,
    /// Where it stands.
    pub state: ExceptionState,
    /// Days until its last day: 0 is the last day, less than 0 is past.
    pub days_left: i32,
    /// As written.
    pub settings: ExceptionSettings,
}

/// The exceptions of the settings on the day of a report, ready to be asked about pairs.
#[derive(Debug, Clone, Default)]
pub struct Register {
    exceptions: Vec<Exception>,
    /// Places in `exceptions` by normalised rule, each list in the order in which they speak.
    by_rule: BTreeMap<String, Vec<usize>>,
}

impl Register {
    /// The register on the UTC day of `as_of`.
    pub fn new(settings: &[ExceptionSettings], catalogue: &Catalogue, as_of: Timestamp) -> Self {
        let today = as_of.to_zoned(TimeZone::UTC).date();
        let mut register = Self::default();
        for (place, settings) in settings.iter().enumerate() {
            let rule = catalogue.normalised(&settings.rule);
            register.by_rule.entry(rule.clone()).or_default().push(place);
            register.exceptions.push(Exception {
                id: id(place, settings),
                rule,
                state: ExceptionState::on(today, settings),
                days_left: days_between(today, settings.expires),
                settings: settings.clone(),
            });
        }
        let exceptions = &register.exceptions;
        for places in register.by_rule.values_mut() {
            places.sort_by_key(|&place| {
                let exception = &exceptions[place];
                let rank = match exception.state {
                    state if state.in_force() => 0,
                    ExceptionState::Expired => 1,
                    _ => 2,
                };
                (rank, std::cmp::Reverse(exception.settings.expires), place)
            });
        }
        register
    }

    /// Every exception, in the order of the settings.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Places in [`Register::exceptions`] of those whose scope holds the pair, whatever their state; the one that
    /// speaks for the pair first. `unit` is the organizational unit of the pair's account, where known.
    pub fn covering(&self, key: &PairKey, unit: Option<&str>) -> impl Iterator<Item = usize> {
        let places = self.by_rule.get(&key.rule).map(Vec::as_slice).unwrap_or_default();
        let holds = move |place: &usize| self.exceptions[*place].settings.holds(key, unit);
        places.iter().copied().filter(holds)
    }
}

fn id(place: usize, settings: &ExceptionSettings) -> String {
    let by_place = || format!("exception-{}", place + 1);
    settings.id.clone().unwrap_or_else(by_place)
}

/// What a list says of a pair's exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairException {
    /// Of the exception that speaks for the pair.
    pub id: String,
    /// In force or expired; a pair under an expired one counts as one without.
    pub state: ExceptionState,
    /// Why it was accepted.
    pub reason: String,
    /// Its last day.
    pub expires: Date,
}

/// The exceptions of a report and what they cover. No score knows of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exceptions {
    /// Every exception of the settings: expired first, then expiring, not yet approved and active; by expiry, then id.
    pub entries: Vec<ExceptionEntry>,
    /// Noncompliant pairs under an exception in force. They are noncompliant in every other number.
    pub noncompliant: u64,
    /// Of those, new since the baseline.
    pub new: u64,
}

impl Exceptions {
    /// Exceptions in this state.
    pub fn in_state(&self, state: ExceptionState) -> impl Iterator<Item = &ExceptionEntry> {
        self.entries.iter().filter(move |entry| entry.state == state)
    }
}

/// One exception of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionEntry {
    /// As set, else by its place.
    pub id: String,
    /// The normalised rule.
    pub rule: String,
    /// Of that rule; `None` is unrated.
    pub severity: Option<Severity>,
    /// Where it stands on the day of the report.
    pub state: ExceptionState,
    /// Days until its last day: 0 is the last day, less than 0 is past.
    pub days_left: i32,
    /// Noncompliant pairs in its scope, whatever its state and whichever exception speaks for them. None: it matches
    /// nothing, as what it was written for is compliant, gone, not collected or not what it says.
    pub pairs: u64,
    /// Noncompliant pairs it speaks for; none unless it is in force.
    pub speaks_for: u64,
    /// Its owner approved it.
    pub self_approved: bool,
    /// Its term is longer than [`LONG_TERM_DAYS`].
    pub long_term: bool,
    /// As written in the settings.
    pub terms: ExceptionSettings,
}

impl ExceptionEntry {
    /// The entry of an exception that covers and speaks for this many noncompliant pairs.
    pub fn new(exception: &Exception, severity: Option<Severity>, pairs: u64, speaks_for: u64) -> Self {
        let terms = exception.settings.clone();
        let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
        Self {
            id: exception.id.clone(),
            rule: exception.rule.clone(),
            severity,
            state: exception.state,
            days_left: exception.days_left,
            pairs,
            speaks_for,
            self_approved: same(&terms.owner, &terms.approver),
            long_term: days_between(terms.approved, terms.expires) > LONG_TERM_DAYS,
            terms,
        }
    }
}

/// The first exception that cannot be meant: its place, field and problem.
pub(crate) fn problem(exceptions: &[ExceptionSettings]) -> Option<(usize, &'static str, String)> {
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    exceptions.iter().enumerate().find_map(|(place, exception)| {
        let own = problem_of(exception);
        let repeated = || {
            let earlier = ids.insert(id(place, exception), place)?;
            let problem = format!("exception {} has this id already", earlier + 1);
            Some(("id", problem))
        };
        own.or_else(repeated)
            .map(|(field, problem)| (place, field, problem))
    })
}

fn problem_of(exception: &ExceptionSettings) -> Option<(&'static str, String)> {
    let said = [
        ("id", exception.id.as_deref().unwrap_or("-")),
        ("rule", &exception.rule),
        ("reason", &exception.reason),
        ("owner", &exception.owner),
        ("approver", &exception.approver),
    ];
    if let Some((field, _)) = said.into_iter().find(|(_, text)| text.trim().is_empty()) {
        return Some((field, "is empty; say it".to_owned()));
    }
    if exception.expires < exception.approved {
        return Some(("expires", "lies before approved".to_owned()));
    }
    problem_of_scope(exception)
}

fn problem_of_scope(exception: &ExceptionSettings) -> Option<(&'static str, String)> {
    let not_an_id = |id: &&String| id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(id) = exception.accounts.iter().find(not_an_id) {
        return Some(("accounts", format!("{id:?} is not an account id of 12 digits")));
    }
    for (field, patterns) in exception.patterns() {
        for pattern in patterns {
            if pattern.trim().is_empty() || pattern == "*" {
                let problem = format!("{pattern:?} limits nothing; leave it out, or say everywhere = true");
                return Some((field, problem));
            }
            if pattern.trim_end_matches('*').contains('*') || pattern.ends_with("**") {
                let problem = format!("{pattern:?} may have one *, as its last character");
                return Some((field, problem));
            }
        }
    }
    let limited = !exception.accounts.is_empty()
        || exception
            .patterns()
            .iter()
            .any(|(_, patterns)| !patterns.is_empty());
    match (limited, exception.everywhere) {
        (false, false) => Some((
            "rule",
            "has no scope; name accounts, organizational_units, regions, resource_types or resource_ids, or say \
             everywhere = true"
                .to_owned(),
        )),
        (true, true) => Some((
            "everywhere",
            "stands beside a scope that limits it; keep one of them".to_owned(),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn register(exceptions: &[(&str, &str, &str)], as_of: &str) -> Register {
        let tables: Vec<String> = exceptions
            .iter()
            .map(|(scope, approved, expires)| {
                format!(
                    "[[exceptions]]\nrule = \"INCOMING_SSH_DISABLED\"\n{scope}\nreason = \"r\"\nowner = \"o\"\n\
                     approver = \"a\"\napproved = {approved}\nexpires = {expires}\n"
                )
            })
            .collect();
        let settings = Settings::parse(&tables.concat()).unwrap();
        let catalogue = Catalogue::new(&settings).unwrap();
        Register::new(&settings.exceptions, &catalogue, as_of.parse().unwrap())
    }

    fn key() -> PairKey {
        PairKey {
            account_id: "111122223333".to_owned(),
            aws_region: "eu-west-1".to_owned(),
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            resource_id: "sg-0a1b".to_owned(),
            rule: "restricted-ssh".to_owned(),
        }
    }

    /// In force on the day of approval and on the last day, whatever the hour; not a moment before or after.
    #[test]
    fn both_ends_of_a_term_belong_to_it() {
        let check = |as_of: &str, state: ExceptionState, days_left: i32| {
            let register = register(&[("everywhere = true", "2026-10-01", "2026-11-21")], as_of);
            let exception = &register.exceptions()[0];
            assert_eq!(
                (exception.state, exception.days_left),
                (state, days_left),
                "{as_of}"
            );
        };
        check("2026-09-30T23:59:59.999Z", ExceptionState::NotYetApproved, 52);
        check("2026-10-01T00:00:00Z", ExceptionState::Active, 51);
        check("2026-11-06T23:59:59Z", ExceptionState::Active, 15);
        check("2026-11-07T00:00:00Z", ExceptionState::Expiring, 14);
        check("2026-11-21T23:59:59.999Z", ExceptionState::Expiring, 0);
        check("2026-11-22T00:00:00Z", ExceptionState::Expired, -1);
    }

    #[test]
    fn the_one_in_force_that_expires_last_speaks() {
        let check = |exceptions: &[(&str, &str, &str)], speaker: usize| {
            let register = register(exceptions, "2026-11-21T09:00:00Z");
            let covering: Vec<usize> = register.covering(&key(), None).collect();
            assert_eq!((covering[0], covering.len()), (speaker, exceptions.len()));
        };
        let all = "everywhere = true";
        check(
            &[
                (all, "2026-01-01", "2026-12-01"),
                (all, "2026-01-01", "2026-12-31"),
            ],
            1,
        );
        check(
            &[
                (all, "2026-01-01", "2026-11-20"),
                (all, "2026-01-01", "2026-11-21"),
            ],
            1,
        );
        check(
            &[
                (all, "2026-11-22", "2027-12-31"),
                (all, "2026-01-01", "2026-02-01"),
            ],
            1,
        );
        check(
            &[
                (all, "2026-01-01", "2026-12-01"),
                (all, "2026-02-01", "2026-12-01"),
            ],
            0,
        );
    }

    #[test]
    fn a_scope_holds_what_every_part_of_it_holds() {
        let check = |scope: &str, unit: Option<&str>, held: bool| {
            let register = register(&[(scope, "2026-01-01", "2026-12-31")], "2026-11-21T09:00:00Z");
            assert_eq!(register.covering(&key(), unit).count() == 1, held, "{scope}");
        };
        check("everywhere = true", None, true);
        check("accounts = [\"111122223333\"]", None, true);
        check("accounts = [\"111122223334\"]", None, false);
        check("regions = [\"us-east-1\", \"eu-*\"]", None, true);
        check("regions = [\"global\"]", None, false);
        check("resource_types = [\"AWS::EC2\"]", None, false);
        check(
            "resource_types = [\"AWS::EC2*\"]\nresource_ids = [\"sg-0a1b\"]",
            None,
            true,
        );
        check(
            "resource_types = [\"AWS::EC2*\"]\nresource_ids = [\"sg-0a1\"]",
            None,
            false,
        );
        check(
            "organizational_units = [\"Root/Sandbox*\"]",
            Some("Root/Sandbox/Alice"),
            true,
        );
        check(
            "organizational_units = [\"Root/Sandbox\"]",
            Some("Root/Sandbox/Alice"),
            false,
        );
        check("organizational_units = [\"Root*\"]", None, false);
    }
}

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
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Severity};
use crate::evaluation::PairKey;

mod settings;

pub use settings::ExceptionSettings;
pub(crate) use settings::problem;

/// An exception in force with at most this many days left is expiring.
pub const EXPIRING_DAYS: i32 = 14;

/// A term from approval to expiry of more than this many days is called long.
pub const LONG_TERM_DAYS: i32 = 366;

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
                id: settings.id_at(place),
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

//! Exceptions as written, and what about them cannot be meant.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

use crate::evaluation::PairKey;
use crate::organization::is_account_id;
use crate::pattern;

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
    /// Its id, or the one its place (from 0) gives it.
    pub(super) fn id_at(&self, place: usize) -> String {
        let by_place = || format!("exception-{}", place + 1);
        self.id.clone().unwrap_or_else(by_place)
    }

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
    pub(super) fn holds(&self, key: &PairKey, unit: Option<&str>) -> bool {
        let in_unit = self.organizational_units.is_empty()
            || unit.is_some_and(|unit| matches(&self.organizational_units, unit));
        in_unit
            && matches(&self.accounts, &key.account_id)
            && matches(&self.regions, &key.aws_region)
            && matches(&self.resource_types, &key.resource_type)
            && matches(&self.resource_ids, &key.resource_id)
    }
}

/// No pattern is no limit.
fn matches(patterns: &[String], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern::matches(pattern, text))
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

/// The first exception that cannot be meant: its place, field and problem.
pub(crate) fn problem(exceptions: &[ExceptionSettings]) -> Option<(usize, &'static str, String)> {
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    exceptions.iter().enumerate().find_map(|(place, exception)| {
        let own = problem_of(exception);
        let repeated = || {
            let earlier = ids.insert(exception.id_at(place), place)?;
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
    if let Some(id) = exception.accounts.iter().find(|id| !is_account_id(id)) {
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

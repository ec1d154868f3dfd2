//! Which rows of a report concern a route.

use std::collections::BTreeMap;

use super::RouteSettings;
use crate::catalogue::Severity;
use crate::evaluation::PairKey;
use crate::pattern;
use crate::scorecard::{Lists, PairRow, Scorecard};

impl RouteSettings {
    /// The rows of a report that concern this route. Lists that are not of rows are left empty.
    pub fn rows(&self, scorecard: &Scorecard, lists: &Lists) -> Lists {
        let units = units(scorecard);
        let of = |rows: &[PairRow]| -> Vec<PairRow> {
            let concerning = rows.iter().filter(|row| self.concerns(row, &units));
            concerning.cloned().collect()
        };
        Lists {
            new: of(&lists.new),
            resolved: of(&lists.resolved),
            vanished: of(&lists.vanished),
            noncompliant: of(&lists.noncompliant),
            ..Lists::default()
        }
    }

    fn concerns(&self, row: &PairRow, units: &BTreeMap<&str, &str>) -> bool {
        let unit = units.get(row.key.account_id.as_str());
        let in_units = |unit: &&str| self.is_in_units(unit);
        (self.organizational_units.is_empty() || unit.is_some_and(in_units))
            && self.covers(&row.key, row.severity.unwrap_or(Severity::Medium))
    }

    /// Whether a pair concerns this route. An account whose organizational unit is not known may be in any: rather one
    /// channel too many is told than none.
    pub fn concerns_pair(&self, key: &PairKey, severity: Severity, unit: Option<&str>) -> bool {
        (self.organizational_units.is_empty() || unit.is_none_or(|unit| self.is_in_units(unit)))
            && self.covers(key, severity)
    }

    fn is_in_units(&self, unit: &str) -> bool {
        self.organizational_units.iter().any(|path| is_within(unit, path))
    }

    /// Whether a pair concerns it, organizational units aside.
    fn covers(&self, key: &PairKey, severity: Severity) -> bool {
        // Severities stand most severe first.
        self.severity.is_none_or(|least| severity <= least)
            && (self.accounts.is_empty() || self.accounts.contains(&key.account_id))
            && (self.rules.is_empty() || self.rules.iter().any(|rule| pattern::matches(rule, &key.rule)))
    }
}

/// Organizational units by account id, where known.
fn units(scorecard: &Scorecard) -> BTreeMap<&str, &str> {
    let accounts = scorecard.accounts.iter();
    accounts
        .filter_map(|account| {
            Some((
                account.account_id.as_str(),
                account.organizational_unit.as_deref()?,
            ))
        })
        .collect()
}

/// Whether a unit's path is this one or below it.
fn is_within(unit: &str, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    unit.strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(account: &str, rule: &str, severity: Option<Severity>) -> PairRow {
        let key = PairKey {
            account_id: account.to_owned(),
            aws_region: "eu-west-1".to_owned(),
            resource_type: "AWS::S3::Bucket".to_owned(),
            resource_id: "b".to_owned(),
            rule: rule.to_owned(),
        };
        PairRow {
            severity,
            ..PairRow::of(key)
        }
    }

    fn check(route: &RouteSettings, row: &PairRow, expect: bool) {
        let units = BTreeMap::from([("1", "Root/Workloads/Pay"), ("2", "Root/Workloads2")]);
        assert_eq!(route.concerns(row, &units), expect, "{route:?} {row:?}");
    }

    #[test]
    fn a_route_gets_the_rows_of_its_filter_and_no_others() {
        let of = |text: &str| toml::from_str::<RouteSettings>(text).unwrap();
        let high = of("severity = \"high\"");
        check(&high, &row("1", "r", Some(Severity::Critical)), true);
        check(&high, &row("1", "r", Some(Severity::High)), true);
        check(&high, &row("1", "r", None), false);
        check(&of("severity = \"medium\""), &row("1", "r", None), true);
        let unit = of("organizational_units = [\"Root/Workloads\"]");
        check(&unit, &row("1", "r", None), true);
        check(&unit, &row("2", "r", None), false);
        check(&unit, &row("3", "r", None), false);
        let rules = of("rules = [\"s3-*\", \"restricted-ssh\"]");
        check(&rules, &row("1", "s3-x", None), true);
        check(&rules, &row("1", "restricted-ssh", None), true);
        check(&rules, &row("1", "restricted-ssh-2", None), false);
        let both = of("accounts = [\"1\"]\nseverity = \"high\"");
        check(&both, &row("1", "r", Some(Severity::Low)), false);
        check(&both, &row("2", "r", Some(Severity::High)), false);
        check(&RouteSettings::default(), &row("9", "r", None), true);
    }
}

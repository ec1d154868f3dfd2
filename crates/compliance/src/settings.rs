//! The user's settings: one TOML file, every field optional, unknown fields refused with their line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alerts::{self, AlertSettings};
use crate::catalogue::{self, Severity};
use crate::delivery::{self, DeliverySettings};
use crate::exceptions::{self, ExceptionSettings};
use crate::organization::is_account_id;

mod error;

pub use error::SettingsError;
use error::without_secrets;

/// Everything a user may set. The defaults are what `Settings::default()` gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How reports name the organization.
    pub report: ReportSettings,
    /// What is expected and how fast it may be asked for.
    pub collection: CollectionSettings,
    /// Weights and thresholds.
    pub scoring: ScoringSettings,
    /// Names and organizational units by account id, where AWS Organizations is not readable or says otherwise.
    pub accounts: BTreeMap<String, AccountSettings>,
    /// Overrides by normalised rule name, deployed name or managed rule identifier.
    pub rules: BTreeMap<String, RuleSettings>,
    /// Accepted noncompliance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionSettings>,
    /// Where the command line finds the runs in the cloud. No input of a report, so it is never frozen with one.
    #[serde(skip_serializing)]
    pub cloud: CloudSettings,
    /// Who is told. No input of a report, so it is never frozen with one: notify reads the settings themselves.
    #[serde(skip_serializing)]
    pub delivery: DeliverySettings,
    /// What people are told at once. No input of a report, so it is never frozen with one.
    #[serde(skip_serializing)]
    pub alerts: AlertSettings,
}

/// Where the runs in the cloud are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudSettings {
    /// ARN of the state machine.
    pub state_machine: Option<String>,
    /// The bucket of the evidence.
    pub bucket: Option<String>,
    /// What every key begins with there; `reports/` when absent.
    pub prefix: Option<String>,
    /// The table of events, for reports that are made here.
    pub events_table: Option<String>,
    /// URL of the queue of events.
    pub events_queue_url: Option<String>,
    /// URL of the queue of events that could not be worked on; that of `events_queue_url` with `-dead-letters` when absent.
    pub dead_letters_url: Option<String>,
}

/// How reports present themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportSettings {
    /// The organization's name on the cover; the aggregator's name when absent.
    pub organization: Option<String>,
    /// Framework ids whose controls are scored, in the order shown.
    pub frameworks: Vec<String>,
    /// A link readers of the digest can follow to the PDF, with `{run_id}` in place of the run's id.
    pub link: Option<String>,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            organization: None,
            frameworks: vec!["soc2".to_owned()],
            link: None,
        }
    }
}

/// What a collection expects and spends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollectionSettings {
    /// Requests per second over all calls of a run; `None` is 5 against AWS and unlimited against loopback.
    pub requests_per_second: Option<f64>,
    /// Calls in flight at once.
    pub concurrency: u32,
    /// Attempts per call before its scope is missing.
    pub max_attempts: u32,
    /// Accounts per shard of work, at most: a shard is also kept to what the rate allows in ten minutes.
    pub accounts_per_shard: u32,
    /// Shards collected at once in the cloud, which share the rate. More than one is of use only where the rate is
    /// higher than one process reaches.
    #[serde(skip_serializing_if = "is_one")]
    pub parallel_shards: u32,
    /// Accounts that must report; empty: those of AWS Organizations, else those of the aggregator.
    pub expected_accounts: Vec<String>,
    /// Regions that must report; empty: those of the aggregator.
    pub expected_regions: Vec<String>,
    /// A role in each member account that may call `config:DescribeConfigRules` and
    /// `config:DescribeConformancePacks`; without it rules with no results are not knowable.
    pub rule_inventory_role: Option<String>,
}

impl Default for CollectionSettings {
    fn default() -> Self {
        Self {
            requests_per_second: None,
            concurrency: 8,
            max_attempts: 10,
            accounts_per_shard: 25,
            parallel_shards: 1,
            expected_accounts: Vec::new(),
            expected_regions: Vec::new(),
            rule_inventory_role: None,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

impl CollectionSettings {
    /// Requests per second against AWS unless set otherwise. AWS publishes no limit; parallel calls by rule are
    /// throttled almost always.
    pub const DEFAULT_REQUESTS_PER_SECOND: f64 = 5.0;

    /// Calls that a shard may take: what its share of the rate allows in [`Self::SHARD_SECONDS`].
    pub fn calls_per_shard(&self) -> u64 {
        let rate = self
            .requests_per_second
            .unwrap_or(Self::DEFAULT_REQUESTS_PER_SECOND);
        (rate * Self::SHARD_SECONDS / f64::from(self.parallel_shards.max(1))) as u64
    }

    /// How long a shard may take by the call plan, in seconds: a function ends after 900, and calls may be repeated.
    pub const SHARD_SECONDS: f64 = 600.0;
}

/// What a score weighs and when a trend counts as moving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoringSettings {
    /// Weight of a pair by the severity of its rule.
    pub weights: SeverityWeights,
    /// A trend whose fitted change over the window is within plus or minus this many percentage points is steady.
    pub steady_band_points: f64,
}

impl Default for ScoringSettings {
    fn default() -> Self {
        Self {
            weights: SeverityWeights::default(),
            steady_band_points: 0.5,
        }
    }
}

/// Weight by severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeverityWeights {
    /// Of critical rules.
    pub critical: u32,
    /// Of high rules.
    pub high: u32,
    /// Of medium and unrated rules.
    pub medium: u32,
    /// Of low rules.
    pub low: u32,
    /// Of informational rules.
    pub informational: u32,
}

impl Default for SeverityWeights {
    fn default() -> Self {
        Self {
            critical: 10,
            high: 5,
            medium: 2,
            low: 1,
            informational: 0,
        }
    }
}

impl SeverityWeights {
    /// The weight of a severity.
    pub fn of(&self, severity: Severity) -> u32 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Informational => self.informational,
        }
    }
}

/// An account's name and place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// Shown beside the id.
    pub name: Option<String>,
    /// Path of organizational units, such as `Root/Workloads`.
    pub organizational_unit: Option<String>,
}

/// What the user says of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// The managed rule this deployed name stands for.
    pub identifier: Option<String>,
    /// Overrides or supplies the severity.
    pub severity: Option<Severity>,
    /// What the rule checks.
    pub description: Option<String>,
    /// What to do about a noncompliant resource.
    pub guidance: Option<String>,
    /// Where to read more; must be `https`.
    pub link: Option<String>,
    /// Control ids by framework id; replaces the catalogue's for that framework.
    pub controls: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Reads settings from TOML.
    ///
    /// # Errors
    /// [`SettingsError::Syntax`] with line and column; [`SettingsError::Value`] with the field's path.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text)
            .map_err(|error| SettingsError::Syntax(without_secrets(error.to_string().trim_end())))?;
        settings.check().map_err(|error| error.at(text))?;
        Ok(settings)
    }

    /// Holds what types cannot: ranges, account ids, framework ids, links.
    ///
    /// # Errors
    /// [`SettingsError::Value`] for the first field that cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.check_numbers()?;
        let expected = self.collection.expected_accounts.iter();
        let expected = expected.map(|id| ("collection.expected_accounts".to_owned(), id));
        for (field, id) in expected.chain(self.accounts.keys().map(|id| (format!("accounts.{id}"), id))) {
            if !is_account_id(id) {
                return refuse(&field, &format!("{id:?} is not an account id of 12 digits"));
            }
        }
        self.check_frameworks()?;
        self.check_rules()?;
        if let Some((place, field, problem)) = delivery::problem(&self.delivery) {
            let of = place.map_or_else(String::new, |place| format!("routes[{}].", place + 1));
            return refuse(&format!("delivery.{of}{field}"), &problem);
        }
        if let Some((place, field, problem)) = alerts::problem(&self.alerts) {
            let of = place.map_or_else(String::new, |place| format!("silences[{}].", place + 1));
            return refuse(&format!("alerts.{of}{field}"), &problem);
        }
        match exceptions::problem(&self.exceptions) {
            None => Ok(()),
            Some((place, field, problem)) => refuse(&format!("exceptions[{}].{field}", place + 1), &problem),
        }
    }

    fn check_numbers(&self) -> Result<(), SettingsError> {
        let collection = &self.collection;
        if collection
            .requests_per_second
            .is_some_and(|rate| !(rate.is_finite() && rate >= 0.01))
        {
            return refuse("collection.requests_per_second", "must be 0.01 or more");
        }
        for (field, value) in [
            ("collection.concurrency", collection.concurrency),
            ("collection.max_attempts", collection.max_attempts),
            ("collection.accounts_per_shard", collection.accounts_per_shard),
            ("collection.parallel_shards", collection.parallel_shards),
        ] {
            if value == 0 {
                return refuse(field, "must be at least 1");
            }
        }
        let band = self.scoring.steady_band_points;
        if !(band.is_finite() && band >= 0.0) {
            return refuse(
                "scoring.steady_band_points",
                "must be 0 or more percentage points",
            );
        }
        Ok(())
    }

    fn check_frameworks(&self) -> Result<(), SettingsError> {
        let chosen = self
            .report
            .frameworks
            .iter()
            .map(|id| ("report.frameworks".to_owned(), id));
        let mapped = self.rules.iter().flat_map(|(name, rule)| {
            rule.controls
                .keys()
                .map(move |id| (format!("rules.{name}.controls"), id))
        });
        for (field, id) in chosen.chain(mapped) {
            if catalogue::framework(id).is_none() {
                let known: Vec<_> = catalogue::FRAMEWORKS
                    .iter()
                    .map(|framework| framework.id)
                    .collect();
                return refuse(&field, &format!("{id:?} is not one of {}", known.join(", ")));
            }
        }
        if let Some(id) = first_repeated(&self.report.frameworks) {
            return refuse("report.frameworks", &format!("{id:?} stands twice"));
        }
        Ok(())
    }

    fn check_rules(&self) -> Result<(), SettingsError> {
        for (name, rule) in &self.rules {
            let unknown = rule
                .identifier
                .as_deref()
                .filter(|identifier| !catalogue::knows_identifier(identifier));
            if let Some(identifier) = unknown {
                let problem =
                    format!("{identifier:?} is not the identifier of a managed rule in the catalogue");
                return refuse(&format!("rules.{name}.identifier"), &problem);
            }
            if let Some(control) = rule
                .controls
                .values()
                .find_map(|controls| first_repeated(controls))
            {
                return refuse(
                    &format!("rules.{name}.controls"),
                    &format!("{control:?} stands twice"),
                );
            }
            if rule
                .link
                .as_ref()
                .is_some_and(|link| !link.starts_with("https://"))
            {
                return refuse(&format!("rules.{name}.link"), "must begin with https://");
            }
        }
        if self
            .report
            .link
            .as_ref()
            .is_some_and(|link| !link.starts_with("https://"))
        {
            return refuse("report.link", "must begin with https://");
        }
        Ok(())
    }
}

fn first_repeated(ids: &[String]) -> Option<&String> {
    ids.iter()
        .enumerate()
        .find(|(index, id)| ids[..*index].contains(id))
        .map(|(_, id)| id)
}

fn refuse(field: &str, problem: &str) -> Result<(), SettingsError> {
    Err(SettingsError::Value {
        line: None,
        field: field.to_owned(),
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let error = Settings::parse("[scoring]\nsteady_band = 1.0\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 2") && error.contains("steady_band"),
            "{error}"
        );
    }

    #[test]
    fn where_the_cloud_is_makes_no_other_report() {
        let machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:report";
        let settings = Settings::parse(&format!("[cloud]\nstate_machine = \"{machine}\"\n")).unwrap();
        assert_eq!(settings.cloud.state_machine.as_deref(), Some(machine));
        let form = |settings: &Settings| crate::hash::canonical_json(settings).unwrap();
        assert_eq!(form(&settings), form(&Settings::default()));
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused() {
        let check = |text: &str, field: &str| {
            let error = Settings::parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("line 1, {field}: ")),
                "{text}: {error}"
            );
        };
        check(
            "collection.requests_per_second = 0.0",
            "collection.requests_per_second",
        );
        check("collection.concurrency = 0", "collection.concurrency");
        check(
            "collection.requests_per_second = 1e-20",
            "collection.requests_per_second",
        );
        check(
            "collection.expected_accounts = [\"12\"]",
            "collection.expected_accounts",
        );
        check("accounts.12.name = \"x\"", "accounts.12");
        check("report.frameworks = [\"soc2\", \"soc2\"]", "report.frameworks");
        check("rules.x.identifier = \"NO_SUCH_RULE\"", "rules.x.identifier");
        check("rules.x.controls = { soc-2 = [\"CC1\"] }", "rules.x.controls");
        check(
            "rules.x.controls = { soc2 = [\"CC1\", \"CC1\"] }",
            "rules.x.controls",
        );
        check("report.frameworks = [\"soc3\"]", "report.frameworks");
        check("rules.x.link = \"javascript:alert(1)\"", "rules.x.link");
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
    }

    /// What the README shows is read, every field of it set.
    #[test]
    fn the_documented_settings_are_settings() {
        let readme = include_str!("../../../README.md");
        let example = readme
            .split("```toml")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        let settings = Settings::parse(example.unwrap()).unwrap();
        assert_eq!((settings.exceptions.len(), settings.rules.len()), (1, 1));
        assert_eq!(settings.exceptions[0].resource_ids, ["acme-scratch-*"]);
    }

    const EXCEPTION: &str = "[[exceptions]] # one\nrule = \"restricted-ssh\"\naccounts = [\"111122223333\"]\nreason = \"r\"\nowner = \"o\"\napprover = \"a\"\napproved = 2026-10-01\nexpires = \"2027-03-31\"\n";

    #[test]
    fn an_exception_is_read_with_days_of_either_spelling() {
        let settings = Settings::parse(EXCEPTION).unwrap();
        let exception = &settings.exceptions[0];
        let days = (exception.approved.to_string(), exception.expires.to_string());
        assert_eq!(days, ("2026-10-01".to_owned(), "2027-03-31".to_owned()));
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        let none = serde_json::to_string(&Settings::default()).unwrap();
        assert!(
            !none.contains("exceptions"),
            "settings without any keep their hash"
        );
    }

    /// The second of two exceptions is at fault, and its line is named.
    #[test]
    fn an_exception_that_cannot_be_meant_is_refused_with_its_line() {
        let check = |good: &str, bad: &str, says: &str| {
            let faulty = EXCEPTION.replace(good, bad);
            assert_ne!(faulty, EXCEPTION);
            let error = Settings::parse(&format!("{EXCEPTION}{faulty}\n[scoring]\n")).unwrap_err();
            assert!(error.to_string().contains(says), "{bad}: {error}");
        };
        let account = "accounts = [\"111122223333\"]";
        check("owner = \"o\"", "", "missing field `owner`");
        check(
            "approver = \"a\"",
            "approver = \" \"",
            "line 14, exceptions[2].approver: is empty",
        );
        check(
            "2026-10-01",
            "2027-10-01",
            "line 16, exceptions[2].expires: lies before approved",
        );
        check("2026-10-01", "2026-10-01T10:00:00", "a day such as 2027-03-31");
        check("2026-10-01", "\"2026-02-30\"", "a day such as 2027-03-31");
        check("2026-10-01", "20261001", "line 15");
        check("1111", "11", "line 11, exceptions[2].accounts: ");
        check(account, "", "line 10, exceptions[2].rule: has no scope");
        check(
            account,
            "everywhere = true\nregions = [\"a\"]",
            "exceptions[2].everywhere: ",
        );
        check(
            account,
            "resource_ids = [\"*\"]",
            "line 11, exceptions[2].resource_ids: ",
        );
        check(
            account,
            "regions = [\"eu-*-1\"]",
            "may have one *, as its last character",
        );
        check(
            account,
            "regions = [\"eu-**\"]",
            "may have one *, as its last character",
        );
        check(account, "region = [\"a\"]", "unknown field `region`");
        check(
            "reason",
            "id = \"exception-1\"\nreason",
            "line 12, exceptions[2].id: exception 1 has this id",
        );
    }
}

//! What is known of each rule: severity, description, guidance, framework controls. Built in, overridable in
//! [`crate::settings::Settings`], never guessed: a rule without a severity is unrated, and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::rule_name::{self, Deployment};
use crate::settings::{RuleSettings, Settings};

/// How much a noncompliant result matters, most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Weight 10 by default.
    Critical,
    /// Weight 5 by default.
    High,
    /// Weight 2 by default; an unrated rule weighs as this one.
    Medium,
    /// Weight 1 by default.
    Low,
    /// Weight 0 by default.
    Informational,
}

impl Severity {
    /// All severities, most severe first.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Informational,
    ];

    /// Lower-case name, as in settings and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Informational => "informational",
        }
    }
}

/// The version of the built-in catalogue: bump with any change of the files under `catalogue/`.
pub const VERSION: &str = "2026-11-21.2";

/// One managed rule of AWS Config, as its developer guide and Security Hub describe it.
#[derive(Debug, Clone, Deserialize)]
struct ManagedRule {
    identifier: String,
    default_name: String,
    description: String,
    #[serde(default)]
    trigger: String,
    #[serde(default)]
    resource_types: Vec<String>,
    doc: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    security_hub_controls: Vec<String>,
}

/// What a report says of one normalised rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMetadata {
    /// The normalised rule name: the managed rule's default name, or a custom rule's own name.
    pub rule: String,
    /// The managed rule's identifier; `None` for a custom rule.
    pub identifier: Option<String>,
    /// `None` is "unrated", which weighs as medium and is listed as unrated.
    pub severity: Option<Severity>,
    /// What the rule checks.
    pub description: Option<String>,
    /// What to do about a noncompliant resource.
    pub guidance: Option<String>,
    /// Where to read more; `https`.
    pub link: Option<String>,
    /// Control ids by framework id (`soc2`, `nist-800-53-r5`, ...), each sorted.
    pub controls: BTreeMap<String, Vec<String>>,
    /// Resource types the managed rule evaluates, where documented.
    pub resource_types: Vec<String>,
    /// The managed rule runs on a schedule rather than on change, where documented.
    pub periodic: Option<bool>,
}

/// A deployed rule name, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedRule {
    /// The normalised rule name of pair keys.
    pub rule: String,
    /// How the name says it was deployed.
    pub deployment: Deployment,
}

/// A framework whose controls rules are mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framework {
    /// Stable id, as in settings and JSON.
    pub id: &'static str,
    /// Name as readers know it.
    pub title: &'static str,
    mapping: &'static str,
}

/// The frameworks of the built-in catalogue; the mapping is a management mapping, see the catalogue's README.
pub const FRAMEWORKS: &[Framework] = &[
    Framework {
        id: "soc2",
        title: "SOC 2",
        mapping: include_str!("../catalogue/framework-soc2.json"),
    },
    Framework {
        id: "nist-800-53-r5",
        title: "NIST 800-53 r5",
        mapping: include_str!("../catalogue/framework-nist-800-53-r5.json"),
    },
    Framework {
        id: "pci-dss-3.2.1",
        title: "PCI DSS 3.2.1",
        mapping: include_str!("../catalogue/framework-pci-dss-3.2.1.json"),
    },
    Framework {
        id: "hipaa-security",
        title: "HIPAA Security Rule",
        mapping: include_str!("../catalogue/framework-hipaa-security.json"),
    },
    Framework {
        id: "cis-aws-level-2",
        title: "CIS AWS Foundations, level 2",
        mapping: include_str!("../catalogue/framework-cis-aws-level-2.json"),
    },
];

/// The framework of this id, if the catalogue has it.
pub fn framework(id: &str) -> Option<&'static Framework> {
    FRAMEWORKS.iter().find(|framework| framework.id == id)
}

const MANAGED_RULES: &str = include_str!("../catalogue/managed-rules.json");

/// Whether the catalogue has a managed rule of this identifier.
pub fn knows_identifier(identifier: &str) -> bool {
    static IDENTIFIERS: OnceLock<BTreeSet<String>> = OnceLock::new();
    let read = || {
        // A damaged catalogue knows nothing here and is told by `Catalogue::new`.
        let rules: Vec<ManagedRule> = serde_json::from_str(MANAGED_RULES).unwrap_or_default();
        rules.into_iter().map(|rule| rule.identifier).collect()
    };
    IDENTIFIERS.get_or_init(read).contains(identifier)
}

/// The built-in catalogue could not be read: a defect of the build, not of the user's input.
#[derive(Debug, thiserror::Error)]
#[error("the built-in rule catalogue file {file} is damaged")]
pub struct CatalogueError {
    /// Which embedded file.
    pub file: &'static str,
    /// What the JSON reader said.
    pub source: serde_json::Error,
}

/// All rules known, with the user's overrides applied on look-up.
#[derive(Debug, Clone)]
pub struct Catalogue {
    by_name: BTreeMap<String, RuleMetadata>,
    name_of_identifier: BTreeMap<String, String>,
    /// The user's words, by the normalised rule they are about.
    overrides: BTreeMap<String, Vec<RuleSettings>>,
    settings: Settings,
}

impl Catalogue {
    /// The built-in catalogue under the given settings.
    ///
    /// # Errors
    /// When an embedded file does not parse (a test holds that they do).
    pub fn new(settings: &Settings) -> Result<Self, CatalogueError> {
        let rules: Vec<ManagedRule> = parse_embedded("managed-rules.json", MANAGED_RULES)?;
        let guidance: BTreeMap<String, String> =
            parse_embedded("guidance.json", include_str!("../catalogue/guidance.json"))?;
        let mut controls: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for framework in FRAMEWORKS {
            let mapping: BTreeMap<String, Vec<String>> = parse_embedded(framework.id, framework.mapping)?;
            for (identifier, ids) in mapping {
                controls
                    .entry(identifier)
                    .or_default()
                    .insert(framework.id.to_owned(), ids);
            }
        }
        let name_of_identifier = rules
            .iter()
            .map(|rule| (rule.identifier.clone(), rule.default_name.clone()))
            .collect();
        let by_name = rules
            .into_iter()
            .map(|rule| {
                let controls = controls.remove(&rule.identifier).unwrap_or_default();
                let guidance = guidance.get(&rule.identifier).cloned();
                (rule.default_name.clone(), metadata(rule, guidance, controls))
            })
            .collect();
        let mut catalogue = Self {
            by_name,
            name_of_identifier,
            overrides: BTreeMap::new(),
            settings: settings.clone(),
        };
        for (name, rule) in &settings.rules {
            let about = catalogue.normalised(name);
            catalogue.overrides.entry(about).or_default().push(rule.clone());
        }
        Ok(catalogue)
    }

    /// The normalised rule of a deployed name. Settings come first (`rules."<name>".identifier`), then the
    /// catalogue; a name neither knows is a custom rule, under its name without the scheme around it.
    pub fn resolve(&self, config_rule_name: &str) -> ResolvedRule {
        let (bare, deployment) = rule_name::parse(config_rule_name);
        let named = [config_rule_name, bare].into_iter().find_map(|name| {
            let identifier = self.settings.rules.get(name)?.identifier.as_deref()?;
            self.name_of_identifier.get(identifier).cloned()
        });
        let rule = named.unwrap_or_else(|| bare.to_owned());
        ResolvedRule { rule, deployment }
    }

    /// The normalised rule a user means by a normalised name, a deployed name or a managed rule identifier.
    pub fn normalised(&self, name: &str) -> String {
        let identified = self.name_of_identifier.get(name).cloned();
        identified.unwrap_or_else(|| self.resolve(name).rule)
    }

    /// What is known of a normalised rule, the user's overrides applied.
    pub fn metadata(&self, rule: &str) -> RuleMetadata {
        let mut known = self.by_name.get(rule).cloned().unwrap_or_else(|| unknown(rule));
        for settings in self.overrides.get(rule).into_iter().flatten() {
            known.severity = settings.severity.or(known.severity);
            known.description = settings.description.clone().or(known.description);
            known.guidance = settings.guidance.clone().or(known.guidance);
            known.link = settings.link.clone().or(known.link);
            known.controls.extend(settings.controls.clone());
        }
        known
    }

    /// The weight of a normalised rule: its severity's, or medium's when unrated.
    pub fn weight(&self, rule: &str) -> u32 {
        self.settings
            .scoring
            .weights
            .of(self.metadata(rule).severity.unwrap_or(Severity::Medium))
    }

    /// Every managed rule of the catalogue, by default name.
    pub fn managed_rules(&self) -> impl Iterator<Item = &RuleMetadata> {
        self.by_name.values()
    }
}

fn parse_embedded<T: serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
) -> Result<T, CatalogueError> {
    serde_json::from_str(text).map_err(|source| CatalogueError { file, source })
}

fn unknown(rule: &str) -> RuleMetadata {
    RuleMetadata {
        rule: rule.to_owned(),
        identifier: None,
        severity: None,
        description: None,
        guidance: None,
        link: None,
        controls: BTreeMap::new(),
        resource_types: Vec::new(),
        periodic: None,
    }
}

fn metadata(
    rule: ManagedRule,
    guidance: Option<String>,
    controls: BTreeMap<String, Vec<String>>,
) -> RuleMetadata {
    let severity = rule.severity.as_deref().and_then(parse_severity);
    // Security Hub keeps a stable redirect to the remediation steps of each of its controls.
    let remediation = rule
        .security_hub_controls
        .first()
        .map(|control| format!("https://docs.aws.amazon.com/console/securityhub/{control}/remediation"));
    RuleMetadata {
        rule: rule.default_name,
        identifier: Some(rule.identifier),
        severity,
        description: Some(rule.description.replace('`', "")),
        guidance,
        link: remediation.or(rule.doc),
        controls,
        resource_types: rule.resource_types,
        periodic: (!rule.trigger.is_empty()).then(|| rule.trigger.starts_with("Periodic")),
    }
}

fn parse_severity(text: &str) -> Option<Severity> {
    Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str().eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_naming_scheme_gives_the_same_managed_rule() {
        let catalogue = Catalogue::new(&Settings::default()).unwrap();
        for name in [
            "restricted-ssh",
            "restricted-ssh-conformance-pack-abc123",
            "securityhub-restricted-ssh-0a1b2c3d",
            "OrgConfigRule-restricted-ssh-x1y2z3",
        ] {
            let rule = catalogue.resolve(name).rule;
            assert_eq!(rule, "restricted-ssh", "{name}");
            assert_eq!(
                catalogue.metadata(&rule).identifier.as_deref(),
                Some("INCOMING_SSH_DISABLED")
            );
        }
    }

    #[test]
    fn guidance_and_controls_name_rules_that_exist() {
        let catalogue = Catalogue::new(&Settings::default()).unwrap();
        let guidance: BTreeMap<String, String> =
            serde_json::from_str(include_str!("../catalogue/guidance.json")).unwrap();
        for identifier in guidance.keys() {
            assert!(
                catalogue.name_of_identifier.contains_key(identifier),
                "{identifier}"
            );
        }
    }

    #[test]
    fn settings_override_and_alias() {
        let settings = Settings::parse(
            "[rules.\"my-ssh\"]\nidentifier = \"INCOMING_SSH_DISABLED\"\n[rules.restricted-ssh]\nseverity = \"critical\"\n[rules.home-made]\nseverity = \"low\"\n",
        )
        .unwrap();
        let catalogue = Catalogue::new(&settings).unwrap();
        assert_eq!(catalogue.resolve("my-ssh").rule, "restricted-ssh");
        let deployed = "[rules.\"OrgConfigRule-restricted-ssh-abc123\"]\nseverity = \"low\"\n";
        let deployed = Catalogue::new(&Settings::parse(deployed).unwrap()).unwrap();
        let severity = deployed.metadata("restricted-ssh").severity;
        assert_eq!(
            severity,
            Some(Severity::Low),
            "a deployed name speaks of its rule"
        );
        assert_eq!(
            catalogue.metadata("restricted-ssh").severity,
            Some(Severity::Critical)
        );
        assert_eq!(
            (catalogue.weight("restricted-ssh"), catalogue.weight("home-made")),
            (10, 1)
        );
        assert_eq!(
            (
                catalogue.metadata("never-heard-of").severity,
                catalogue.weight("never-heard-of")
            ),
            (None, 2)
        );
    }
}

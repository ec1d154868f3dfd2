//! Under how many names one rule is deployed: plain, by a conformance pack, by Security Hub, by the organization.

use serde::{Deserialize, Serialize};

/// How a rule came to be deployed, read from its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Deployment {
    /// Under its own name.
    Plain,
    /// `<rule>-conformance-pack-<id>`; `pack_id` is `conformance-pack-<id>`.
    ConformancePack {
        /// The id of the pack, as `DescribeConformancePacks` gives it.
        pack_id: String,
    },
    /// `securityhub-<rule>-<hash>`.
    SecurityHub,
    /// `OrgConfigRule-<rule>-<suffix>`.
    OrganizationRule,
}

/// Splits a deployed name into the rule's own name and how it was deployed. A name that only looks like a scheme
/// (an empty rule or suffix) is plain.
pub fn parse(config_rule_name: &str) -> (&str, Deployment) {
    if let Some((rule, id)) = config_rule_name.rsplit_once("-conformance-pack-")
        && !rule.is_empty()
        && is_suffix(id)
    {
        // An organization conformance pack deploys rules that carry both schemes; only the outer one is named.
        return (
            rule,
            Deployment::ConformancePack {
                pack_id: format!("conformance-pack-{id}"),
            },
        );
    }
    if let Some(rest) = config_rule_name.strip_prefix("securityhub-")
        && let Some((rule, hash)) = rest.rsplit_once('-')
        && !rule.is_empty()
        && is_suffix(hash)
    {
        return (rule, Deployment::SecurityHub);
    }
    if let Some(rest) = config_rule_name.strip_prefix("OrgConfigRule-")
        && let Some((rule, suffix)) = rest.rsplit_once('-')
        && !rule.is_empty()
        && is_suffix(suffix)
    {
        return (rule, Deployment::OrganizationRule);
    }
    (config_rule_name, Deployment::Plain)
}

fn is_suffix(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_resolves_to_its_rule() {
        let check =
            |name: &str, rule: &str, deployment: Deployment| assert_eq!(parse(name), (rule, deployment));
        let pack = |id: &str| Deployment::ConformancePack {
            pack_id: id.to_owned(),
        };
        check("restricted-ssh", "restricted-ssh", Deployment::Plain);
        check(
            "restricted-ssh-conformance-pack-a1b2c3d4e",
            "restricted-ssh",
            pack("conformance-pack-a1b2c3d4e"),
        );
        check(
            "securityhub-restricted-ssh-1a2b3c4d",
            "restricted-ssh",
            Deployment::SecurityHub,
        );
        check(
            "OrgConfigRule-restricted-ssh-abcd1234",
            "restricted-ssh",
            Deployment::OrganizationRule,
        );
        check(
            "securityhub-restricted",
            "securityhub-restricted",
            Deployment::Plain,
        );
        check("OrgConfigRule-", "OrgConfigRule-", Deployment::Plain);
        check("-conformance-pack-x", "-conformance-pack-x", Deployment::Plain);
        check(
            "my-rule-conformance-pack-",
            "my-rule-conformance-pack-",
            Deployment::Plain,
        );
    }
}

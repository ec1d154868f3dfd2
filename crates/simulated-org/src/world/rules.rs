//! Rules: which managed and custom rules are deployed, under which names, where and when.

use std::collections::BTreeMap;

use compliance::catalogue::{Catalogue, RuleMetadata};

use super::accounts::SimulatedAccount;
use super::resources::ACCOUNT;
use crate::moment::DAY;
use crate::random::Key;

/// Managed rules in the order they are taken; the rest of the catalogue follows.
const PREFERRED: &[&str] = &[
    "s3-bucket-level-public-access-prohibited",
    "guardduty-enabled-centralized",
    "restricted-ssh",
    "iam-user-mfa-enabled",
    "s3-bucket-server-side-encryption-enabled",
    "encrypted-volumes",
    "ec2-imdsv2-check",
    "cloudtrail-enabled",
    "rds-storage-encrypted",
    "access-keys-rotated",
    "lambda-function-public-access-prohibited",
    "s3-bucket-versioning-enabled",
    "vpc-default-security-group-closed",
    "cloudwatch-log-group-encrypted",
    "s3-bucket-ssl-requests-only",
    "lambda-inside-vpc",
    "iam-user-unused-credentials-check",
    "rds-instance-public-access-check",
    "s3-bucket-logging-enabled",
    "securityhub-enabled",
    "iam-password-policy",
    "ec2-instance-no-public-ip",
    "cmk-backing-key-rotation-enabled",
    "iam-user-no-policies-check",
    "subnet-auto-assign-public-ip-disabled",
    "dynamodb-pitr-enabled",
    "restricted-common-ports",
    "vpc-flow-logs-enabled",
    "secretsmanager-rotation-enabled-check",
    "ec2-instance-managed-by-systems-manager",
    "root-account-mfa-enabled",
    "iam-policy-no-statements-with-admin-access",
    "s3-lifecycle-policy-check",
    "rds-multi-az-support",
    "lambda-function-settings-check",
    "cw-loggroup-retention-period-check",
    "s3-bucket-public-write-prohibited",
    "alb-http-drop-invalid-header-enabled",
    "multi-region-cloudtrail-enabled",
    "ebs-snapshot-public-restorable-check",
    "rds-automatic-minor-version-upgrade-enabled",
    "sns-encrypted-kms",
    "iam-root-access-key-check",
    "eip-attached",
    "s3-bucket-policy-grantee-check",
    "db-instance-backup-enabled",
    "acm-certificate-expiration-check",
    "ecr-private-image-scanning-enabled",
    "cloud-trail-encryption-enabled",
    "cloud-trail-cloud-watch-logs-enabled",
    "s3-bucket-public-read-prohibited",
    "ec2-instances-in-vpc",
    "ec2-stopped-instance",
    "rds-logging-enabled",
    "iam-group-has-users-check",
    "iam-user-group-membership-check",
    "iam-policy-in-use",
    "rds-snapshots-public-prohibited",
    "rds-snapshot-encrypted",
    "api-gw-execution-logging-enabled",
    "api-gw-xray-enabled",
    "autoscaling-multiple-az",
    "cloudformation-stack-notification-check",
    "cloudwatch-alarm-action-check",
    "codebuild-project-logging-enabled",
    "nacl-no-unrestricted-ssh-rdp",
    "ecs-task-definition-user-for-host-mode-check",
    "eks-cluster-supported-version",
    "opensearch-encrypted-at-rest",
    "redshift-cluster-public-access-check",
    "cloudfront-viewer-policy-https",
    "elasticache-repl-grp-encrypted-at-rest",
    "kms-cmk-not-scheduled-for-deletion",
    "emr-master-no-public-ip",
    "dms-replication-not-public",
    "cloudtrail-s3-dataevents-enabled",
];

/// Custom rules and what they evaluate.
const CUSTOM: &[(&str, &[&str])] = &[
    (
        "acme-required-tags",
        &["AWS::S3::Bucket", "AWS::EC2::Instance", "AWS::RDS::DBInstance"],
    ),
    ("acme-approved-amis", &["AWS::EC2::Instance"]),
    ("acme-iam-role-boundary", &["AWS::IAM::Role"]),
    ("acme-lambda-runtime-supported", &["AWS::Lambda::Function"]),
    ("acme-bucket-naming", &["AWS::S3::Bucket"]),
    ("acme-flow-log-destination", &["AWS::EC2::VPC"]),
];

/// Pilots that come and go, one every four days; none of them is deployed otherwise.
const PILOTS: &[(&str, &[&str])] = &[
    ("s3-bucket-default-lock-enabled", &["AWS::S3::Bucket"]),
    ("acme-approved-regions", &[ACCOUNT]),
    ("ec2-ebs-encryption-by-default", &[ACCOUNT]),
    ("acme-egress-review", &["AWS::EC2::SecurityGroup"]),
    ("account-part-of-organizations", &[ACCOUNT]),
];
const PILOT_EVERY: i64 = 4 * DAY;

/// Conformance packs: name, and the share of deployments under it.
pub(super) const PACKS: &[&str] = &["Operational-Best-Practices-for-NIST-CSF", "acme-data-protection"];
/// A pack that was deleted and that the aggregator still lists.
pub(super) const DELETED_PACK: &str = "Operational-Best-Practices-for-CIS-old";

/// How a rule is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Plain,
    /// In this pack of [`PACKS`].
    Pack(usize),
    SecurityHub,
    Organization,
    /// A pilot, by its place among the slots.
    Pilot,
}

/// A deployed name, wherever it is deployed.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) normal: String,
    pub(super) identifier: Option<String>,
    pub(super) types: Vec<String>,
    pub(super) scheme: Scheme,
    pub(super) difficulty: f64,
    /// The pair of the account with this rule changes every few days.
    pub(super) restless: bool,
    key: Key,
    core: bool,
    /// A pilot's life.
    lives: Option<(i64, i64)>,
    generation: i64,
}

/// All rules of a world.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    key: Key,
    fixed: Vec<Rule>,
    pilots: i64,
    identifiers: BTreeMap<String, String>,
}

impl Rules {
    pub(super) fn new(key: Key, count: u32, catalogue: &Catalogue) -> Self {
        let pilots = match count {
            0..4 => 0,
            4..20 => 1,
            _ => 2,
        };
        let identifiers = catalogue
            .managed_rules()
            .filter_map(|rule| Some((rule.rule.clone(), rule.identifier.clone()?)))
            .collect();
        let fixed = fixed(key, i64::from(count) - pilots, catalogue);
        Self {
            key,
            fixed,
            pilots,
            identifiers,
        }
    }

    /// Rules that are deployed somewhere at a moment.
    pub(super) fn deployed(&self, at: i64) -> Vec<Rule> {
        let mut rules = self.fixed.clone();
        rules.extend(self.pilots_between(at, at));
        rules
    }

    /// Pilots that were removed not long before a moment, newest last.
    pub(super) fn removed(&self, at: i64) -> Vec<Rule> {
        let gone = |rule: &Rule| rule.lives.is_some_and(|(_, end)| end <= at);
        self.pilots_between(at - 400 * DAY, at).filter(gone).collect()
    }

    /// Pilots that live at some moment of `from..=to`.
    fn pilots_between(&self, from: i64, to: i64) -> impl Iterator<Item = Rule> + '_ {
        let newest = if self.pilots == 0 {
            -1
        } else {
            to.div_euclid(PILOT_EVERY)
        };
        let oldest = if self.pilots == 0 {
            0
        } else {
            from.div_euclid(PILOT_EVERY) - self.pilots - 1
        };
        (oldest..=newest).filter_map(move |generation| {
            let rule = self.pilot(generation)?;
            rule.lives
                .is_some_and(|(begin, end)| begin <= to && from < end)
                .then_some(rule)
        })
    }

    fn pilot(&self, generation: i64) -> Option<Rule> {
        let (name, types) = PILOTS.get(generation.rem_euclid(PILOTS.len() as i64) as usize)?;
        let begins = |generation: i64| {
            generation * PILOT_EVERY + self.key.text("pilot").number(generation).below(5 * DAY / 2)
        };
        let lives = Some((begins(generation), begins(generation + self.pilots)));
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        let identifier = self.identifiers.get(*name).cloned();
        let rule = rule(self.key, name, identifier, types, Scheme::Pilot);
        Some(Rule {
            lives,
            generation,
            ..rule
        })
    }
}

impl Rule {
    /// It is deployed in this account.
    pub(super) fn is_in(&self, account: &SimulatedAccount) -> bool {
        match self.scheme {
            // One account in four takes part in a pilot; sandboxes do not.
            Scheme::Pilot => account.joined.is_none() && (account.index + self.generation).rem_euclid(4) == 0,
            Scheme::Pack(_) => account.is_production() || account.index % 10 == 0,
            Scheme::SecurityHub => account.joined.is_none(),
            Scheme::Organization => true,
            Scheme::Plain => self.core || self.key.text("in").text(&account.account_id).chance(0.9),
        }
    }

    /// When it was deployed, if it has not always been.
    pub(super) fn begins(&self) -> Option<i64> {
        self.lives.map(|(begin, _)| begin)
    }

    /// When it was removed, for a pilot.
    pub(super) fn ends(&self) -> Option<i64> {
        self.lives.map(|(_, end)| end)
    }

    /// The name it is deployed under in an account and region.
    pub(super) fn name(&self, account: Key, region: &str) -> String {
        let normal = &self.normal;
        match self.scheme {
            Scheme::Plain | Scheme::Pilot => normal.clone(),
            Scheme::Pack(pack) => format!(
                "{normal}-{}",
                pack_id(account, region, PACKS.get(pack).unwrap_or(&""))
            ),
            Scheme::SecurityHub => {
                format!(
                    "securityhub-{normal}-{}",
                    account.text("securityhub").text(region).text(normal).hex(8)
                )
            }
            Scheme::Organization => format!(
                "OrgConfigRule-{normal}-{}",
                self.key.text("suffix").alphanumeric(8)
            ),
        }
    }
}

/// The id of a pack's deployment in an account and region.
pub(super) fn pack_id(account: Key, region: &str, pack: &str) -> String {
    format!(
        "conformance-pack-{}",
        account.text("pack").text(region).text(pack).alphanumeric(9)
    )
}

fn rule(root: Key, normal: &str, identifier: Option<String>, types: Vec<String>, scheme: Scheme) -> Rule {
    let key = root.text(normal);
    let unit = key.text("difficulty").unit();
    Rule {
        normal: normal.to_owned(),
        identifier,
        types,
        scheme,
        difficulty: 0.1 + 2.7 * unit * unit,
        restless: normal == "guardduty-enabled-centralized",
        key,
        core: false,
        lives: None,
        generation: 0,
    }
}

/// Composes the deployed names: of every 25, two custom, three in conformance packs, two of Security Hub and one of
/// the organization; those of packs and Security Hub mostly repeat a rule that is deployed plainly too.
fn fixed(key: Key, count: i64, catalogue: &Catalogue) -> Vec<Rule> {
    let mut managed = managed(catalogue).into_iter();
    let mut custom = CUSTOM.iter();
    let mut rules: Vec<Rule> = Vec::new();
    for index in 0..count {
        let twin = twin_of(&rules, index);
        let made = match index % 25 {
            7 | 20 => twin.map(|twin| Rule {
                scheme: Scheme::Pack(0),
                ..twin
            }),
            12 => twin.map(|twin| Rule {
                scheme: Scheme::Pack(1),
                ..twin
            }),
            9 | 23 => twin.map(|twin| Rule {
                scheme: Scheme::SecurityHub,
                ..twin
            }),
            4 | 17 => Some(match custom.next() {
                Some((name, types)) => {
                    let types = types.iter().map(|name| (*name).to_owned()).collect();
                    rule(key, name, None, types, Scheme::Plain)
                }
                None => rule(
                    key,
                    &format!("acme-baseline-{index}"),
                    None,
                    vec![ACCOUNT.to_owned()],
                    Scheme::Plain,
                ),
            }),
            15 => managed
                .next()
                .map(|next| of_catalogue(key, next, Scheme::Organization)),
            _ => managed.next().map(|next| of_catalogue(key, next, Scheme::Plain)),
        };
        let made = made.unwrap_or_else(|| {
            rule(
                key,
                &format!("acme-extra-{index}"),
                None,
                vec![ACCOUNT.to_owned()],
                Scheme::Plain,
            )
        });
        rules.push(Rule {
            core: index < 40,
            ..made
        });
    }
    rules
}

/// The plain managed rule that a pack or Security Hub deploys a second time: each is taken once at most.
fn twin_of(rules: &[Rule], index: i64) -> Option<Rule> {
    let mut plain = rules
        .iter()
        .filter(|rule| rule.scheme == Scheme::Plain && rule.identifier.is_some());
    plain.nth((index as usize * 2 / 5).saturating_sub(1)).cloned()
}

fn of_catalogue(key: Key, metadata: &RuleMetadata, scheme: Scheme) -> Rule {
    let types = match metadata.resource_types.as_slice() {
        [] => vec![periodic_type(&metadata.rule).to_owned()],
        types => types.to_vec(),
    };
    rule(key, &metadata.rule, metadata.identifier.clone(), types, scheme)
}

/// Managed rules, preferred ones first.
fn managed(catalogue: &Catalogue) -> Vec<&RuleMetadata> {
    let by_name: BTreeMap<&str, &RuleMetadata> = catalogue
        .managed_rules()
        .map(|rule| (rule.rule.as_str(), rule))
        .collect();
    let preferred = PREFERRED.iter().filter_map(|name| by_name.get(name).copied());
    let is_other = |name: &str| !PREFERRED.contains(&name) && !PILOTS.iter().any(|(pilot, _)| *pilot == name);
    let others = by_name.values().copied().filter(|rule| is_other(&rule.rule));
    preferred.chain(others).collect()
}

/// What a periodic rule evaluates, where its documentation names no type.
fn periodic_type(rule: &str) -> &'static str {
    const BY_PREFIX: &[(&str, &str)] = &[
        ("access-keys", "AWS::IAM::User"),
        ("alb-", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        ("cloud-trail-", "AWS::CloudTrail::Trail"),
        ("cloudwatch-log-group", "AWS::Logs::LogGroup"),
        ("cmk-", "AWS::KMS::Key"),
        ("cw-loggroup", "AWS::Logs::LogGroup"),
        ("dax-", "AWS::DAX::Cluster"),
        ("dms-", "AWS::DMS::ReplicationInstance"),
        ("ebs-in-backup", "AWS::EC2::Volume"),
        ("ec2-stopped", "AWS::EC2::Instance"),
        ("efs-", "AWS::EFS::FileSystem"),
        ("eks-", "AWS::EKS::Cluster"),
        ("elasticsearch-", "AWS::Elasticsearch::Domain"),
        ("elbv2-", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        ("emr-", "AWS::EMR::Cluster"),
        ("iam-policy-in-use", "AWS::IAM::Policy"),
        ("iam-user", "AWS::IAM::User"),
        ("mfa-enabled", "AWS::IAM::User"),
        ("rds-in-backup", "AWS::RDS::DBInstance"),
        ("sagemaker-endpoint", "AWS::SageMaker::EndpointConfig"),
        ("sagemaker-notebook", "AWS::SageMaker::NotebookInstance"),
        ("secretsmanager-", "AWS::SecretsManager::Secret"),
        ("service-vpc-endpoint", "AWS::EC2::VPC"),
        ("ssm-document", "AWS::SSM::Document"),
        ("vpc-flow-logs", "AWS::EC2::VPC"),
        ("waf-classic", "AWS::WAF::WebACL"),
        ("wafv2-", "AWS::WAFv2::WebACL"),
    ];
    BY_PREFIX
        .iter()
        .find(|(prefix, _)| rule.starts_with(prefix))
        .map_or(ACCOUNT, |(_, resource_type)| resource_type)
}

//! What managed rules say of a noncompliant resource; many say nothing.

use crate::random::Key;

const TEXTS: &[(&str, &str)] = &[
    (
        "cloudwatch-log-group-encrypted",
        "This log group is not encrypted.",
    ),
    ("lambda-inside-vpc", "This AWS Lambda function is not in VPC."),
    (
        "guardduty-enabled-centralized",
        "Amazon GuardDuty is not configured.",
    ),
    (
        "cloudtrail-s3-dataevents-enabled",
        "No AWS CloudTrail Trail is configured to log data events for Amazon S3.",
    ),
    (
        "cloud-trail-cloud-watch-logs-enabled",
        "The CloudTrail trail is not associated with any CloudWatch Logs log group ARN.",
    ),
    (
        "s3-bucket-versioning-enabled",
        "Versioning is not enabled or is suspended for this bucket.",
    ),
    (
        "s3-bucket-level-public-access-prohibited",
        "Block Public Access settings of the bucket do not block all public access.",
    ),
    (
        "s3-bucket-server-side-encryption-enabled",
        "Amazon S3 default encryption is not enabled and the bucket policy does not deny unencrypted uploads.",
    ),
    (
        "s3-bucket-public-read-prohibited",
        "The S3 bucket policy allows public read access.",
    ),
    (
        "s3-bucket-policy-grantee-check",
        "The S3 bucket policy allows other principals, IP addresses and/or VPC IDs than those specified.",
    ),
    (
        "ec2-imdsv2-check",
        "The instance metadata service of this instance accepts version 1 (HttpTokens is optional).",
    ),
    (
        "access-keys-rotated",
        "An active access key has not been rotated within 90 days.",
    ),
    ("iam-user-mfa-enabled", "The user has no MFA device enabled."),
    (
        "iam-user-unused-credentials-check",
        "Credentials of this user were not used within 90 days.",
    ),
    (
        "lambda-function-settings-check",
        "\nThe runtime of this function is not one of: python3.13, nodejs22.x, java21.",
    ),
    (
        "rds-automatic-minor-version-upgrade-enabled",
        "\nAutoMinorVersionUpgrade is false.",
    ),
    ("vpc-flow-logs-enabled", "No flow log is active for this VPC."),
    (
        "secretsmanager-rotation-enabled-check",
        "Rotation is not enabled for this secret.",
    ),
    (
        "iam-password-policy",
        "The account has no password policy, or it does not meet the parameters of the rule.",
    ),
    ("acme-required-tags", "Missing tags: CostCenter, Owner."),
    (
        "acme-approved-amis",
        "The image of this instance is not on the list of approved images.",
    ),
    (
        "acme-iam-role-boundary",
        "\nThe role has no permissions boundary.",
    ),
    (
        "acme-approved-regions",
        "Resources were found outside the approved regions.",
    ),
];

/// The annotation of a noncompliant result of this normalised rule.
pub(super) fn annotation(rule: &str, pair: Key) -> Option<String> {
    let (_, text) = TEXTS.iter().find(|(name, _)| *name == rule)?;
    if rule == "acme-required-tags" && pair.text("annotation").chance(0.5) {
        return Some("Missing tags: DataClassification.".to_owned());
    }
    Some((*text).to_owned())
}

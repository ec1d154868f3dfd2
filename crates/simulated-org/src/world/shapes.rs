//! Resource ids as AWS Config shows them: a name, an id or an ARN, depending on the type.

use super::resources::Place;
use crate::random::Key;

const SUBJECTS: &[&str] = &[
    "payments", "orders", "ledger", "web", "batch", "ingest", "export", "reports", "audit", "session",
    "catalog", "search", "media", "etl", "billing", "events", "cache", "jobs",
];
const PURPOSES: &[&str] = &[
    "api",
    "worker",
    "store",
    "logs",
    "artifacts",
    "backup",
    "stage",
    "proxy",
    "index",
    "queue",
];

/// The id of a resource of this type.
pub(super) fn resource_id(resource_type: &str, place: Place<'_>, key: Key) -> String {
    let name = || name(key);
    let arn = |service: &str, rest: String| {
        let Place {
            partition,
            account_id,
            region,
            ..
        } = place;
        format!("arn:{partition}:{service}:{region}:{account_id}:{rest}")
    };
    let hex = |length| key.text("id").hex(length);
    match resource_type {
        "AWS::S3::Bucket" => format!("{}-{}-{}", name(), place.region, hex(6)),
        "AWS::EC2::SecurityGroup" => format!("sg-0{}", hex(16)),
        "AWS::EC2::Instance" => format!("i-0{}", hex(16)),
        "AWS::EC2::Volume" => format!("vol-0{}", hex(16)),
        "AWS::EC2::Subnet" => format!("subnet-0{}", hex(16)),
        "AWS::EC2::VPC" => format!("vpc-0{}", hex(16)),
        "AWS::EC2::NetworkAcl" => format!("acl-0{}", hex(16)),
        "AWS::EC2::EIP" => format!("eipalloc-0{}", hex(16)),
        "AWS::EFS::FileSystem" => format!("fs-0{}", hex(16)),
        "AWS::KMS::Key" => uuid(key),
        "AWS::Logs::LogGroup" => format!("/aws/lambda/{}-{}", name(), hex(4)),
        "AWS::RDS::DBInstance" | "AWS::RDS::DBCluster" => format!("db-{}", upper(key, 26)),
        "AWS::RDS::DBSnapshot" => format!("rds:{}-{}-2026-{}", name(), hex(4), hex(5)),
        "AWS::CloudFormation::Stack" => arn("cloudformation", format!("stack/{}/{}", name(), uuid(key))),
        "AWS::SNS::Topic" => arn("sns", format!("{}-{}", name(), hex(4))),
        "AWS::SecretsManager::Secret" => arn(
            "secretsmanager",
            format!(
                "secret:{}/{}-{}",
                name(),
                hex(4),
                key.text("suffix").alphanumeric(6)
            ),
        ),
        "AWS::ACM::Certificate" => arn("acm", format!("certificate/{}", uuid(key))),
        "AWS::ElasticLoadBalancingV2::LoadBalancer" => arn(
            "elasticloadbalancing",
            format!("loadbalancer/app/{}/{}", name(), hex(16)),
        ),
        "AWS::AutoScaling::AutoScalingGroup" => arn(
            "autoscaling",
            format!("autoScalingGroup:{}:autoScalingGroupName/{}", uuid(key), name()),
        ),
        "AWS::ApiGateway::Stage" => {
            format!(
                "arn:{}:apigateway:{}::/restapis/{}/stages/prod",
                place.partition,
                place.region,
                hex(10)
            )
        }
        "AWS::ECS::TaskDefinition" => arn("ecs", format!("task-definition/{}-{}:3", name(), hex(4))),
        // Trails come as names and as ARNs, even under one rule.
        "AWS::CloudTrail::Trail" if key.text("shape").chance(0.5) => {
            arn("cloudtrail", format!("trail/{}-{}", name(), hex(4)))
        }
        "AWS::OpenSearch::Domain" => format!("{}/{}-{}", place.account_id, name(), hex(4)),
        "AWS::IAM::User" => format!("AIDA{}", upper(key, 17)),
        "AWS::IAM::Role" => format!("AROA{}", upper(key, 17)),
        "AWS::IAM::Policy" => format!("ANPA{}", upper(key, 17)),
        "AWS::IAM::Group" => format!("AGPA{}", upper(key, 17)),
        "AWS::CloudFront::Distribution" => {
            format!(
                "arn:{}:cloudfront::{}:distribution/E{}",
                place.partition,
                place.account_id,
                upper(key, 13)
            )
        }
        _ => format!("{}-{}", name(), hex(4)),
    }
}

fn name(key: Key) -> String {
    let subject = key.text("subject").pick(SUBJECTS).copied().unwrap_or("web");
    let purpose = key.text("purpose").pick(PURPOSES).copied().unwrap_or("api");
    format!("{subject}-{purpose}")
}

fn upper(key: Key, length: usize) -> String {
    key.text("id")
        .characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
}

fn uuid(key: Key) -> String {
    let hex = |part: &str, length| key.text("uuid").text(part).hex(length);
    format!(
        "{}-{}-4{}-a{}-{}",
        hex("a", 8),
        hex("b", 4),
        hex("c", 3),
        hex("d", 3),
        hex("e", 12)
    )
}

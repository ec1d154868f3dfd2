//! Resources: what each account has in each region, when it was created and deleted, and what its id looks like.

use crate::moment::{DAY, HOUR};
use crate::random::Key;

/// Regional types and how often they occur.
const REGIONAL: &[(&str, i64)] = &[
    ("AWS::S3::Bucket", 13),
    ("AWS::EC2::SecurityGroup", 14),
    ("AWS::EC2::Instance", 12),
    ("AWS::EC2::Volume", 9),
    ("AWS::Lambda::Function", 12),
    ("AWS::Logs::LogGroup", 9),
    ("AWS::RDS::DBInstance", 5),
    ("AWS::RDS::DBSnapshot", 3),
    ("AWS::DynamoDB::Table", 5),
    ("AWS::EC2::Subnet", 5),
    ("AWS::EC2::VPC", 2),
    ("AWS::EC2::NetworkAcl", 2),
    ("AWS::EC2::EIP", 2),
    ("AWS::KMS::Key", 3),
    ("AWS::SNS::Topic", 3),
    ("AWS::SecretsManager::Secret", 3),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", 3),
    ("AWS::AutoScaling::AutoScalingGroup", 2),
    ("AWS::CloudFormation::Stack", 3),
    ("AWS::CloudWatch::Alarm", 3),
    ("AWS::ACM::Certificate", 2),
    ("AWS::ApiGateway::Stage", 2),
    ("AWS::ECR::Repository", 2),
    ("AWS::ECS::TaskDefinition", 2),
    ("AWS::CodeBuild::Project", 2),
    ("AWS::CloudTrail::Trail", 1),
    ("AWS::EKS::Cluster", 1),
    ("AWS::ElastiCache::ReplicationGroup", 1),
    ("AWS::OpenSearch::Domain", 1),
    ("AWS::EFS::FileSystem", 1),
    ("AWS::RDS::DBCluster", 1),
    ("AWS::Redshift::Cluster", 1),
    ("AWS::SageMaker::NotebookInstance", 1),
    ("AWS::Kinesis::Stream", 1),
    ("AWS::ElasticLoadBalancing::LoadBalancer", 1),
];

/// What every account has of IAM.
const GLOBAL: &[&str] = &[
    "AWS::IAM::User",
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::User",
    "AWS::IAM::Role",
    "AWS::IAM::Group",
    "AWS::IAM::User",
    "AWS::CloudFront::Distribution",
];

/// The account itself, as rules that judge an account and region see it.
pub(super) const ACCOUNT: &str = "AWS::::Account";

/// A resource at a moment.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) resource_type: &'static str,
    pub(super) resource_id: String,
    pub(super) key: Key,
    pub(super) created: i64,
    pub(super) global: bool,
}

/// Where resources are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) partition: &'a str,
    pub(super) account_id: &'a str,
    pub(super) account_key: Key,
    pub(super) account_index: i64,
    pub(super) region: &'a str,
}

/// Regional resources of a place at a moment.
pub(super) fn regional(place: Place<'_>, slots: i64, at: i64) -> impl Iterator<Item = Resource> + '_ {
    let region = place.account_key.text("resources").text(place.region);
    (0..slots).filter_map(move |slot| {
        let key = region.number(slot);
        // One build fleet's bucket in ten accounts is made anew every four days, so that every week has a resource
        // created and one deleted.
        let restless = slot == 0 && place.account_index % 10 == 0;
        let resource_type = if restless {
            "AWS::S3::Bucket"
        } else {
            regional_type(key.text("type"))
        };
        let life = if restless {
            Life::restless(key)
        } else {
            Life::of(key)
        };
        alive(place, resource_type, key, life, at, false)
    })
}

/// Global resources of an account at a moment, as one of the regions that record them sees them.
pub(super) fn global(place: Place<'_>, slots: i64, at: i64) -> impl Iterator<Item = Resource> + '_ {
    let root = place.account_key.text("resources").text("global");
    (0..slots).filter_map(move |slot| {
        let resource_type = GLOBAL.get(slot as usize % GLOBAL.len())?;
        let key = root.number(slot);
        let life = Life::of(key);
        // The first user is replaced within the hour, so that every account has one.
        let gap = if slot == 0 { HOUR } else { life.gap };
        alive(place, resource_type, key, Life { gap, ..life }, at, true)
    })
}

/// The account as a resource of its region.
pub(super) fn account(place: Place<'_>) -> Resource {
    Resource {
        resource_type: ACCOUNT,
        resource_id: place.account_id.to_owned(),
        key: place.account_key.text("account").text(place.region),
        created: i64::MIN,
        global: false,
    }
}

/// How long the resources in a slot live, one after another.
#[derive(Debug, Clone, Copy)]
struct Life {
    cycle: i64,
    phase: i64,
    /// Between one resource and the next in its place.
    gap: i64,
}

impl Life {
    fn of(key: Key) -> Self {
        let churns = key.text("churns").chance(0.05);
        let cycle = match churns {
            true => key.text("cycle").between(12 * DAY, 40 * DAY),
            false => key.text("cycle").between(700 * DAY, 2_000 * DAY),
        };
        let gap = key.text("gap").between(DAY, cycle / 6);
        Self {
            cycle,
            phase: key.text("life").below(cycle),
            gap,
        }
    }

    fn restless(key: Key) -> Self {
        Self {
            cycle: 4 * DAY,
            phase: key.text("life").below(DAY / 2),
            gap: 5 * DAY / 4,
        }
    }
}

fn alive(
    place: Place<'_>,
    resource_type: &'static str,
    key: Key,
    life: Life,
    at: i64,
    global: bool,
) -> Option<Resource> {
    let generation = (at - life.phase).div_euclid(life.cycle);
    let created = life.phase + generation * life.cycle;
    if at >= created + life.cycle - life.gap {
        return None;
    }
    let key = key.number(generation);
    let resource_id = super::shapes::resource_id(resource_type, place, key);
    Some(Resource {
        resource_type,
        resource_id,
        key,
        created,
        global,
    })
}

fn regional_type(key: Key) -> &'static str {
    let total: i64 = REGIONAL.iter().map(|(_, weight)| weight).sum();
    let mut left = key.below(total);
    for (name, weight) in REGIONAL {
        left -= weight;
        if left < 0 {
            return name;
        }
    }
    "AWS::S3::Bucket"
}

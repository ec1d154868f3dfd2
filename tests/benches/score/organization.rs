//! An organization made up for benches: 1,000 accounts, two regions, rules under 200 deployed names. About one result in
//! twelve is noncompliant and one pair in fifty changes from one day to the next; some resources come and go, one in
//! ten is global (recorded in both regions by every third account), and thirty rules are deployed twice.

use compliance::Timestamp;
use compliance::catalogue::Catalogue;
use compliance::collection::{CollectionPlan, ShardResults};
use compliance::coverage::{Expectation, Gap, Inventory, Method, ScopeCoverage, SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult, is_global};
use compliance::organization::Aggregator;
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, Origin, snapshot_id};

const ACCOUNTS: u32 = 1_000;
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const RULES: usize = 170;
/// Rules deployed under a second name: by a conformance pack, or by Security Hub.
const TWICE: usize = 30;
/// Of the settings' default.
const ACCOUNTS_PER_SHARD: u32 = 25;

/// Types, and what their ids begin with.
const TYPES: [(&str, &str); 20] = [
    ("AWS::IAM::User", "AIDA"),
    ("AWS::IAM::Role", "AROA"),
    ("AWS::S3::Bucket", "acme-payments-"),
    ("AWS::EC2::Instance", "i-0"),
    ("AWS::EC2::SecurityGroup", "sg-0"),
    ("AWS::EC2::Volume", "vol-0"),
    ("AWS::EC2::Subnet", "subnet-0"),
    ("AWS::EC2::VPC", "vpc-0"),
    ("AWS::Lambda::Function", "orders-worker-"),
    ("AWS::Logs::LogGroup", "/aws/lambda/orders-worker-"),
    ("AWS::RDS::DBInstance", "db-"),
    ("AWS::RDS::DBSnapshot", "rds:ledger-2026-11-"),
    ("AWS::DynamoDB::Table", "sessions-"),
    ("AWS::KMS::Key", "arn:aws:kms:eu-west-1:111122223333:key/"),
    ("AWS::SNS::Topic", "arn:aws:sns:eu-west-1:111122223333:alerts-"),
    (
        "AWS::SecretsManager::Secret",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/",
    ),
    (
        "AWS::CloudFormation::Stack",
        "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/",
    ),
    ("AWS::ECR::Repository", "images-"),
    ("AWS::AutoScaling::AutoScalingGroup", "web-"),
    ("AWS::CloudWatch::Alarm", "latency-"),
];

/// One of the two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    Before,
    Now,
}

impl Day {
    fn as_of(self) -> Timestamp {
        let text = match self {
            Self::Before => "2026-11-20T09:00:00Z",
            Self::Now => "2026-11-21T09:00:00Z",
        };
        text.parse().expect("a time")
    }
}

/// Its size and its rules.
pub(super) struct Organization {
    /// Resources of an account and region.
    slots: u64,
    /// Deployed names by resource type, each with the number of its rule.
    names_of_type: Vec<Vec<(String, u64)>>,
}

impl Organization {
    /// With about so many results.
    pub(super) fn of_about(results: u64) -> Self {
        let catalogue = Catalogue::new(&Settings::default()).expect("a catalogue");
        let mut rules: Vec<&str> = catalogue.managed_rules().map(|rule| rule.rule.as_str()).collect();
        rules.sort_unstable();
        let mut names_of_type = vec![Vec::new(); TYPES.len()];
        for (number, rule) in rules.into_iter().take(RULES).enumerate() {
            let names: &mut Vec<(String, u64)> = &mut names_of_type[number % TYPES.len()];
            names.push((rule.to_owned(), number as u64));
            match number {
                0..15 => names.push((format!("{rule}-conformance-pack-a1b2c3d4e"), number as u64)),
                15..TWICE => names.push((format!("securityhub-{rule}-1a2b3c4d"), number as u64)),
                _ => {}
            }
        }
        let names: usize = names_of_type.iter().map(Vec::len).sum();
        let of_resource = names as f64 / TYPES.len() as f64;
        let slots = results as f64 / f64::from(ACCOUNTS) / REGIONS.len() as f64 / of_resource;
        Self {
            slots: (slots.round() as u64).max(1),
            names_of_type,
        }
    }

    /// Every deployed name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names_of_type.iter().flatten().map(|(name, _)| name.as_str())
    }

    /// How many shards it is collected in.
    pub(super) fn shards(&self) -> u32 {
        ACCOUNTS.div_ceil(ACCOUNTS_PER_SHARD)
    }

    /// What a shard brought back.
    pub(super) fn shard(&self, day: Day, index: u32) -> ShardResults {
        let accounts = index * ACCOUNTS_PER_SHARD..((index + 1) * ACCOUNTS_PER_SHARD).min(ACCOUNTS);
        let mut results = Vec::new();
        for account in accounts.clone() {
            for region in 0..REGIONS.len() {
                self.results_of(day, u64::from(account), region, &mut results);
            }
        }
        let scopes = accounts.flat_map(|account| REGIONS.map(|region| scope(account, region)));
        ShardResults {
            index,
            results,
            scopes: scopes.collect(),
            conformance_packs: Vec::new(),
            results_ignored: 0,
            planned_calls: 1,
        }
    }

    fn results_of(&self, day: Day, account: u64, region: usize, results: &mut Vec<EvaluationResult>) {
        for slot in 0..self.slots {
            let place = mix(&[account, region as u64, slot]);
            let number = (place % TYPES.len() as u64) as usize;
            let (resource_type, prefix) = TYPES[number];
            let created = mix(&[place, 1]).is_multiple_of(200);
            let deleted = mix(&[place, 2]).is_multiple_of(200);
            if (day == Day::Before && created) || (day == Day::Now && deleted) {
                continue;
            }
            let regions = match is_global(resource_type) && account.is_multiple_of(3) {
                true => 0..REGIONS.len(),
                false => region..region + 1,
            };
            for region in regions {
                for (order, (name, rule)) in self.names_of_type[number].iter().enumerate() {
                    let id = format!("{prefix}{:016x}", mix(&[place, 3]));
                    let pair = Pair {
                        account,
                        place,
                        rule: *rule,
                        source: order as u64,
                    };
                    results.push(pair.result(day, REGIONS[region], name, resource_type, id));
                }
            }
        }
    }
}

/// One pair, and which of its names speaks.
struct Pair {
    account: u64,
    place: u64,
    rule: u64,
    source: u64,
}

impl Pair {
    fn noncompliant(&self, day: Day) -> bool {
        // Accounts differ in upkeep.
        let share = 250 + mix(&[self.account, 4]) % 1_100;
        let before = mix(&[self.place, self.rule, 5]) % 10_000 < share;
        // A second name lags now and then.
        let lags = self.source % 2 == 1 && mix(&[self.place, self.rule, 6]).is_multiple_of(100);
        let turns = mix(&[self.place, self.rule, 7]) % 1_000 < if before { 120 } else { 11 };
        before ^ (day == Day::Now && turns && !lags)
    }

    fn result(
        &self,
        day: Day,
        aws_region: &str,
        config_rule_name: &str,
        resource_type: &str,
        resource_id: String,
    ) -> EvaluationResult {
        let noncompliant = self.noncompliant(day);
        let turned = day == Day::Now && noncompliant != self.noncompliant(Day::Before);
        // Two accounts in three record their results as items: only noncompliant ones have details there.
        let items = self.account % 3 != 1;
        let captured = ago(day, mix(&[self.place, 8]) % (300 * 86_400_000));
        let since = match turned {
            true => ago(day, mix(&[self.place, self.rule, 9]) % 80_000_000),
            false => ago(
                Day::Before,
                mix(&[self.place, self.rule, 10]) % (300 * 86_400_000),
            ),
        };
        let invoked = since - (mix(&[self.place, self.rule, 11]) % 40_000) as i64;
        let details = noncompliant || !items;
        EvaluationResult {
            account_id: account_id(self.account),
            aws_region: aws_region.to_owned(),
            config_rule_name: config_rule_name.to_owned(),
            resource_type: resource_type.to_owned(),
            resource_id,
            compliance_type: match noncompliant {
                true => ComplianceType::NonCompliant,
                false => ComplianceType::Compliant,
            },
            result_recorded_time: details.then(|| time(since)),
            config_rule_invoked_time: details.then(|| time(invoked)),
            configuration_item_capture_time: items.then(|| time(captured)),
            annotation: (noncompliant && self.rule % 5 < 3).then(|| annotation(self.rule, self.place)),
            annotation_reused: false,
        }
    }
}

fn annotation(rule: u64, place: u64) -> String {
    let what = ["encryption", "logging", "public access", "backup"][(rule % 4) as usize];
    let how = [
        "is not turned on",
        "is set to a value that is not allowed",
        "was turned off",
    ][(place % 3) as usize];
    format!(
        "The setting for {what} of this resource {how}; see requirement {}.",
        100 + rule
    )
}

fn ago(day: Day, milliseconds: u64) -> i64 {
    day.as_of().as_millisecond() - milliseconds as i64
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time")
}

fn account_id(account: u64) -> String {
    format!("{:012}", 10_000_000_007 + account * 918_273_645)
}

/// A well mixed number of these (SplitMix64).
fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state: u64, part| {
        let mut z = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// Simulated, and named so.
pub(super) fn origin() -> Origin {
    Origin {
        aggregator_arn: "arn:aws:config:eu-west-1:111122223333:config-aggregator/bench".to_owned(),
        simulation: Some("bench".to_owned()),
        scope: None,
    }
}

/// The plan of a day's collection.
pub(super) fn plan(day: Day, shards: Vec<ObjectRef>) -> CollectionPlan {
    let accounts = (0..u64::from(ACCOUNTS)).map(account_id);
    CollectionPlan {
        snapshot_id: snapshot_id(&origin(), day.as_of()),
        as_of: day.as_of(),
        origin: origin(),
        aggregator: Aggregator {
            name: "bench".to_owned(),
            arn: origin().aggregator_arn,
            regions: Vec::new(),
            account_ids: Vec::new(),
            organization: true,
        },
        accounts: Vec::new(),
        expectation: Expectation::Organizations,
        organizations_gap: None,
        expected_accounts: accounts.collect(),
        unexpected_accounts: Vec::new(),
        expected_regions: REGIONS.map(str::to_owned).to_vec(),
        regions_skipped: Vec::new(),
        shards,
        planned_calls: 3,
    }
}

fn scope(account: u32, region: &str) -> ScopeCoverage {
    ScopeCoverage {
        source: SourceStatus {
            account_id: account_id(u64::from(account)),
            aws_region: region.to_owned(),
            state: SourceState::Succeeded,
            last_update_time: None,
            error_code: None,
            error_message: None,
        },
        expected: true,
        method: Some(Method::ResourceCompliance),
        results: 0,
        rules: 0,
        missing: None,
        missing_rules: Vec::new(),
        annotations_missing: 0,
        count_disagreements: 0,
        inventory: Inventory::NotKnowable(Gap {
            code: "Inventory.NotConfigured".to_owned(),
            reason: "for the bench".to_owned(),
        }),
    }
}

//! The simulated world: a pure function of its configuration and the time.

mod accounts;
mod annotations;
mod evaluations;
mod process;
mod resources;
mod rules;
mod shapes;
mod sources;

use compliance::catalogue::{Catalogue, CatalogueError};
use compliance::organization::{Aggregator, ConformancePack, DeployedRule};
use compliance::settings::Settings;
use jiff::Timestamp;

use self::accounts::{Accounts, SimulatedAccount};
use self::evaluations::{Evaluation, Scope};
use self::rules::{DELETED_PACK, PACKS, Rule, Rules, Scheme, pack_id};
use self::sources::Sources;
use crate::config::{ResourceComplianceRecording, SimulationConfig};
use crate::random::Key;
use crate::truth::Truth;

/// Regions in the order they are taken; the first is the aggregator's own.
const REGIONS: &[&str] = &[
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "ap-southeast-2",
    "eu-central-1",
    "us-east-2",
    "ap-northeast-1",
    "ca-central-1",
    "eu-north-1",
    "ap-south-1",
    "sa-east-1",
    "eu-west-3",
];
/// The region that no source returns, when asked for.
const UNRETURNED: &str = "me-south-1";
const PARTITION: &str = "aws";

/// The name of the aggregator of every organization here.
pub(crate) const AGGREGATOR: &str = "organization";

/// A simulated organization over all time.
#[derive(Debug, Clone)]
pub struct World {
    config: SimulationConfig,
    regions: &'static [&'static str],
    accounts: Accounts,
    rules: Rules,
    key: Key,
}

impl World {
    /// The organization of this configuration.
    ///
    /// # Errors
    /// When the built-in rule catalogue is damaged: a defect of the build.
    pub fn new(config: SimulationConfig) -> Result<Self, CatalogueError> {
        let catalogue = Catalogue::new(&Settings::default())?;
        let key = Key::new(config.seed);
        let regions = REGIONS
            .get(..REGIONS.len().min(config.regions as usize))
            .unwrap_or(REGIONS);
        Ok(Self {
            regions,
            accounts: Accounts::new(key.text("accounts"), config.accounts),
            rules: Rules::new(key.text("rules"), config.rules, &catalogue),
            key,
            config,
        })
    }

    /// What it was made with.
    pub fn config(&self) -> &SimulationConfig {
        &self.config
    }

    /// Everything that is so at a moment (milliseconds count; finer parts do not).
    pub fn truth(&self, at: Timestamp) -> Truth {
        let moment = at.as_millisecond();
        let active = self.accounts.active(moment);
        let sources = Sources {
            key: self.key.text("sources"),
            regions: self.regions,
            stable: self.accounts.stable(),
        };
        let mut collected = Collected::default();
        for account in &active {
            for (index, region) in self.regions.iter().enumerate() {
                if let Some(source) = sources.source(account, index, moment) {
                    self.collect(account, region, source.shows, &mut collected);
                    collected.sources.push(source.status);
                }
            }
        }
        collected.sort();
        let (results, ordering_timestamps) = collected.evaluations.into_iter().unzip();
        Truth {
            at,
            aggregator: self.aggregator(),
            accounts: active.iter().map(SimulatedAccount::domain).collect(),
            sources: collected.sources,
            results,
            deployed_rules: collected.deployed_rules,
            conformance_packs: collected.packs,
            resource_compliance_accounts: active
                .iter()
                .filter(|account| self.records(account))
                .map(|account| account.account_id.clone())
                .collect(),
            rule_inventory: self.config.rule_inventory,
            ordering_timestamps,
            deleted_packs: collected.deleted_packs,
            directory: Some(self.accounts.directory(moment)),
        }
    }

    fn aggregator(&self) -> Aggregator {
        let region = self.regions.first().copied().unwrap_or("us-east-1");
        let owner = self.accounts.owners().1;
        let id = self.key.text("aggregator").alphanumeric(8);
        let mut regions: Vec<String> = self.regions.iter().map(|region| (*region).to_owned()).collect();
        if self.config.unreturned_region {
            regions.push(UNRETURNED.to_owned());
        }
        regions.sort();
        Aggregator {
            name: AGGREGATOR.to_owned(),
            arn: format!(
                "arn:{PARTITION}:config:{region}:{owner}:config-aggregator/config-aggregator-simulated-{id}"
            ),
            regions,
            account_ids: Vec::new(),
            organization: true,
        }
    }

    /// The account records `AWS::Config::ResourceCompliance`.
    fn records(&self, account: &SimulatedAccount) -> bool {
        match self.config.resource_compliance {
            ResourceComplianceRecording::Everywhere => true,
            ResourceComplianceRecording::Most => account.index % 5 != 3,
            ResourceComplianceRecording::Nowhere => false,
        }
    }

    /// What one account and region shows, as it was at `shows`.
    fn collect(
        &self,
        account: &SimulatedAccount,
        region: &'static str,
        shows: i64,
        collected: &mut Collected,
    ) {
        let rules = self.rules.deployed(shows);
        let deployed: Vec<&Rule> = rules.iter().filter(|rule| rule.is_in(account)).collect();
        let removed = self.rules.removed(shows);
        let scope = Scope {
            account,
            region,
            home: self.regions.first() == Some(&region),
            slots: i64::from(self.config.resources),
            records: self.records(account),
            deployed: &deployed,
            removed: removed.iter().filter(|rule| rule.is_in(account)).collect(),
        };
        collected.evaluations.extend(scope.evaluations(shows));
        let inventory = deployed.iter().map(|rule| DeployedRule {
            account_id: account.account_id.clone(),
            aws_region: region.to_owned(),
            config_rule_name: rule.name(account.key, region),
            source_identifier: rule.identifier.clone(),
        });
        collected.deployed_rules.extend(inventory);
        for (index, pack) in PACKS.iter().enumerate() {
            if deployed.iter().any(|rule| rule.scheme == Scheme::Pack(index)) {
                collected.packs.push(conformance_pack(account, region, pack));
            }
        }
        if account.is_production() && account.index % 2 == 1 {
            collected
                .deleted_packs
                .push(conformance_pack(account, region, DELETED_PACK));
        }
    }
}

fn conformance_pack(account: &SimulatedAccount, region: &str, name: &str) -> ConformancePack {
    ConformancePack {
        account_id: account.account_id.clone(),
        aws_region: region.to_owned(),
        name: name.to_owned(),
        id: pack_id(account.key, region, name),
    }
}

/// What the sources show, put together.
#[derive(Debug, Default)]
struct Collected {
    sources: Vec<compliance::coverage::SourceStatus>,
    evaluations: Vec<Evaluation>,
    deployed_rules: Vec<DeployedRule>,
    packs: Vec<ConformancePack>,
    deleted_packs: Vec<ConformancePack>,
}

impl Collected {
    fn sort(&mut self) {
        self.sources.sort();
        self.evaluations.sort_by(|a, b| a.0.cmp(&b.0));
        self.deployed_rules.sort();
        self.packs.sort();
        self.deleted_packs.sort();
    }
}

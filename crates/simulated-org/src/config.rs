//! The sizes of a simulated organization.

/// Which accounts record `AWS::Config::ResourceCompliance`, so that their results can be queried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceComplianceRecording {
    /// Every account.
    Everywhere,
    /// Four of five accounts.
    Most,
    /// No account, as many organizations choose to save cost.
    Nowhere,
}

impl ResourceComplianceRecording {
    fn as_str(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Most => "in most accounts",
            Self::Nowhere => "nowhere",
        }
    }
}

/// What a simulated organization is a function of, besides the time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SimulationConfig {
    /// Two organizations of the same sizes differ by it.
    pub seed: u64,
    /// Active accounts at any moment; some of them are short-lived sandboxes once there are three or more.
    pub accounts: u32,
    /// Regions with results, at most 12 (more count as 12).
    pub regions: u32,
    /// Names under which rules are deployed, short-lived pilots included.
    pub rules: u32,
    /// Regional resources in each account and region; IAM resources and the account itself come on top.
    pub resources: u32,
    /// Who records `AWS::Config::ResourceCompliance`.
    pub resource_compliance: ResourceComplianceRecording,
    /// The aggregator lists one more region, which no source ever returns. (One account's last region is never
    /// returned in any case, once there are two regions.)
    pub unreturned_region: bool,
    /// Each member account has a role that may read its rules and conformance packs.
    pub rule_inventory: bool,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        Self {
            seed: 7,
            accounts: 50,
            regions: 4,
            rules: 100,
            resources: 66,
            resource_compliance: ResourceComplianceRecording::Most,
            unreturned_region: false,
            rule_inventory: true,
        }
    }
}

impl SimulationConfig {
    /// Seed and sizes in a line that never changes for the same configuration: what
    /// `Origin.simulation` of a snapshot holds. What is not the default is appended.
    pub fn describe(&self) -> String {
        let default = Self::default();
        let mut text = format!(
            "seed {}, {} accounts, {} regions, {} rules, {} resources",
            self.seed, self.accounts, self.regions, self.rules, self.resources
        );
        if self.resource_compliance != default.resource_compliance {
            text.push_str(", ResourceCompliance ");
            text.push_str(self.resource_compliance.as_str());
        }
        if self.unreturned_region {
            text.push_str(", one region never returned");
        }
        if !self.rule_inventory {
            text.push_str(", no rule inventory");
        }
        text
    }
}

//! Every grouping of a report at once: the organization, accounts, rules, resource types, organizational units,
//! severities and controls.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use compliance::catalogue::{RuleMetadata, Severity};
use compliance::scorecard::{Scores, Tally};
use compliance::settings::Settings;

use super::codes::{Code, Codes};
use super::tally::{CodeSet, PairCount, ResourceCount, Tallies};

/// Where a pair counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    pub(crate) account: Code,
    pub(crate) rule: Code,
    pub(crate) resource_type: Code,
}

/// What groups accounts and rules belong to.
#[derive(Debug)]
pub(crate) struct Groups {
    /// By rule code.
    pub(crate) metadata: Vec<RuleMetadata>,
    /// By rule code.
    pub(crate) weights: Vec<u32>,
    /// Organizational unit by account; an account that is not in it has none known.
    pub(crate) units: HashMap<Code, String>,
    /// Controls as (framework, control), in the order of the scorecard.
    pub(crate) controls: Vec<(String, String)>,
    /// Controls by rule code, as places in `controls`.
    pub(crate) controls_of_rule: Vec<Vec<usize>>,
}

impl Groups {
    /// The groups of every account and rule coded so far.
    pub(crate) fn new(codes: &Codes, settings: &Settings, units: HashMap<Code, String>) -> Self {
        let catalogue = codes.catalogue();
        let metadata: Vec<_> = codes
            .rules
            .iter()
            .map(|(_, rule)| each_control_once(catalogue.metadata(rule)))
            .collect();
        let weights = codes
            .rules
            .iter()
            .map(|(_, rule)| catalogue.weight(rule))
            .collect();
        let controls = controls(codes, settings, &metadata);
        let place: HashMap<&(String, String), usize> = controls
            .iter()
            .enumerate()
            .map(|(place, control)| (control, place))
            .collect();
        let controls_of_rule = metadata
            .iter()
            .map(|rule| {
                let places = mapped(rule, settings).filter_map(|control| place.get(&control).copied());
                let places: BTreeSet<usize> = places.collect();
                places.into_iter().collect()
            })
            .collect();
        Self {
            weights,
            units,
            controls_of_rule,
            controls,
            metadata,
        }
    }

    /// The severity of a rule; `None` is unrated.
    pub(crate) fn severity(&self, rule: Code) -> Option<Severity> {
        self.metadata[rule as usize].severity
    }

    /// The organizational unit of an account, where known.
    pub(crate) fn unit(&self, account: Code) -> Option<String> {
        self.units.get(&account).cloned()
    }

    fn rules_where(&self, belongs: impl Fn(usize) -> bool) -> CodeSet {
        (0..self.metadata.len())
            .filter(|rule| belongs(*rule))
            .map(|rule| rule as Code)
            .collect()
    }
}

/// A rule that settings map to one control twice is mapped to it once.
fn each_control_once(mut rule: RuleMetadata) -> RuleMetadata {
    for controls in rule.controls.values_mut() {
        controls.sort();
        controls.dedup();
    }
    rule
}

/// The frameworks in settings, each where it is named first.
fn frameworks(settings: &Settings) -> Vec<&String> {
    let mut named = BTreeSet::new();
    let frameworks = settings.report.frameworks.iter();
    frameworks.filter(|framework| named.insert(*framework)).collect()
}

/// The controls a rule is mapped to, of the frameworks in settings.
fn mapped<'a>(rule: &'a RuleMetadata, settings: &'a Settings) -> impl Iterator<Item = (String, String)> + 'a {
    frameworks(settings).into_iter().flat_map(|framework| {
        let controls = rule.controls.get(framework).into_iter().flatten();
        controls.map(|control| (framework.clone(), control.clone()))
    })
}

/// Every control that a managed rule, a rule with results or a rule of the settings is mapped to, by framework as set
/// and then by control.
fn controls(codes: &Codes, settings: &Settings, met: &[RuleMetadata]) -> Vec<(String, String)> {
    let catalogue = codes.catalogue();
    let managed = catalogue
        .managed_rules()
        .map(|rule| catalogue.metadata(&rule.rule));
    let set = settings
        .rules
        .keys()
        .map(|name| catalogue.metadata(&catalogue.resolve(name).rule));
    let known: Vec<RuleMetadata> = managed.chain(set).collect();
    let frameworks = frameworks(settings);
    let mut by_framework: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for rule in known.iter().chain(met) {
        for (order, framework) in frameworks.iter().enumerate() {
            let controls = rule.controls.get(*framework).into_iter().flatten().cloned();
            by_framework.entry(order).or_default().extend(controls);
        }
    }
    by_framework
        .into_iter()
        .flat_map(|(order, controls)| {
            let framework = frameworks[order].clone();
            controls
                .into_iter()
                .map(move |control| (framework.clone(), control))
        })
        .collect()
}

/// One value for each group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board<T> {
    pub(crate) organization: T,
    pub(crate) accounts: HashMap<Code, T>,
    pub(crate) rules: HashMap<Code, T>,
    pub(crate) resource_types: HashMap<Code, T>,
    pub(crate) units: BTreeMap<Option<String>, T>,
    pub(crate) severities: HashMap<Option<Severity>, T>,
    pub(crate) controls: HashMap<usize, T>,
}

impl<T: Default> Board<T> {
    /// Changes the value of each group that a pair counts in.
    pub(crate) fn each(&mut self, spot: Spot, groups: &Groups, mut change: impl FnMut(&mut T)) {
        change(&mut self.organization);
        change(self.accounts.entry(spot.account).or_default());
        change(self.rules.entry(spot.rule).or_default());
        change(self.resource_types.entry(spot.resource_type).or_default());
        change(self.units.entry(groups.unit(spot.account)).or_default());
        change(self.severities.entry(groups.severity(spot.rule)).or_default());
        for control in &groups.controls_of_rule[spot.rule as usize] {
            change(self.controls.entry(*control).or_default());
        }
    }
}

/// Counts of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    pub(crate) pairs: Tally,
    pub(crate) resources: Tally,
    pub(crate) weight: Tally,
    pub(crate) accounts: CodeSet,
    pub(crate) accounts_noncompliant: CodeSet,
    pub(crate) rules: CodeSet,
}

impl Sums {
    pub(crate) fn scores(&self) -> Scores {
        Scores::new(self.pairs, self.resources, self.weight)
    }

    /// Adds pairs of a rule of this weight.
    pub(crate) fn add_pairs(&mut self, count: &PairCount, weight: u64) {
        self.pairs.compliant += count.compliant;
        self.pairs.noncompliant += count.noncompliant;
        self.weight.compliant += count.compliant * weight;
        self.weight.noncompliant += count.noncompliant * weight;
        self.accounts.insert(count.account);
        self.rules.insert(count.rule);
        if count.noncompliant > 0 {
            self.accounts_noncompliant.insert(count.account);
        }
    }

    /// Adds resources that count here by every pair of theirs.
    pub(crate) fn add_resources(&mut self, count: &ResourceCount) {
        self.resources.compliant += count.compliant;
        self.resources.noncompliant += count.noncompliant;
    }
}

impl Board<Sums> {
    /// Sums a snapshot's counts into every group.
    pub(crate) fn sum(tallies: &Tallies, groups: &Groups) -> Self {
        let mut board = Self::default();
        for count in &tallies.pairs {
            let spot = Spot {
                account: count.account,
                rule: count.rule,
                resource_type: count.resource_type,
            };
            let weight = u64::from(groups.weights[count.rule as usize]);
            board.each(spot, groups, |sums| sums.add_pairs(count, weight));
        }
        board.sum_resources(tallies, groups);
        board
    }

    /// A resource counts once in each group that has a pair of it, and is compliant there if none of those pairs is
    /// noncompliant.
    fn sum_resources(&mut self, tallies: &Tallies, groups: &Groups) {
        for count in &tallies.resources {
            let add = |sums: &mut Sums| sums.add_resources(count);
            add(&mut self.organization);
            add(self.accounts.entry(count.account).or_default());
            add(self.resource_types.entry(count.resource_type).or_default());
            add(self.units.entry(groups.unit(count.account)).or_default());
        }
        for sums in self.rules.values_mut() {
            // Within one rule a resource is a pair.
            sums.resources = sums.pairs;
        }
        for (severity, sums) in &mut self.severities {
            let rules = groups.rules_where(|rule| groups.metadata[rule].severity == *severity);
            sums.resources = resources_of(tallies, &rules);
        }
        for (control, sums) in &mut self.controls {
            let rules = groups.rules_where(|rule| groups.controls_of_rule[rule].contains(control));
            sums.resources = resources_of(tallies, &rules);
        }
    }
}

fn resources_of(tallies: &Tallies, rules: &CodeSet) -> Tally {
    let mut tally = Tally::default();
    for ((judged, noncompliant), count) in &tallies.alike {
        if noncompliant.meets(rules) {
            tally.noncompliant += count;
        } else if judged.meets(rules) {
            tally.compliant += count;
        }
    }
    tally
}

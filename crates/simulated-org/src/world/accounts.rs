//! Accounts: who they are, where they belong, when they join and leave, and how well they are kept.

use compliance::organization::Account;

use crate::moment::{DAY, timestamp};
use crate::random::Key;
use crate::truth::{Directory, Member, Unit};

/// A path of organizational units below the root.
pub(super) const UNITS: &[&str] = &[
    "Security",
    "Infrastructure",
    "Workloads",
    "Workloads/Production",
    "Workloads/Production/Regulated",
    "Workloads/NonProduction",
    "Sandbox",
];
const PRODUCTION: usize = 3;
const REGULATED: usize = 4;
const NON_PRODUCTION: usize = 5;
const SANDBOX: usize = 6;

const FOUNDATION: &[(&str, usize)] = &[
    ("org-management", 1),
    ("security-audit", 0),
    ("log-archive", 0),
    ("network-hub", 1),
    ("shared-services", 1),
];
const PRODUCTS: &[&str] = &[
    "payments",
    "data-lake",
    "checkout",
    "identity",
    "search",
    "catalog",
    "orders",
    "ledger",
    "mobile-api",
    "billing",
    "fraud",
    "partner-portal",
    "analytics",
    "notifications",
    "inventory",
    "shipping",
    "pricing",
    "crm",
    "ml-platform",
    "reporting",
    "web-frontend",
    "loyalty",
    "support-desk",
    "media",
    "iot-gateway",
    "hr-apps",
    "treasury",
    "kyc",
    "claims",
    "archive",
];
const REGULATED_PRODUCTS: &[&str] = &[
    "payments", "ledger", "billing", "fraud", "treasury", "kyc", "claims",
];
const STAGES: &[&str] = &["prod", "dev", "staging"];
const PEOPLE: &[&str] = &[
    "amelie", "bjorn", "chen", "divya", "emeka", "farah", "goran", "hana", "ines", "jonas", "kofi", "leila",
    "mateo", "nadia", "oskar", "priya",
];

/// A sandbox is recycled this often.
const RECYCLED_EVERY: i64 = 4 * DAY;
/// How long AWS Organizations lists a closed account.
const SUSPENDED_FOR: i64 = 10 * DAY;

/// How the noncompliance of an account moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Upkeep {
    /// About this share of pairs is noncompliant, always.
    Level(f64),
    /// Declines for 30 days, then is repaired within 10; the cycle begins at this offset.
    Drifting { offset: i64 },
}

/// An account at a moment.
#[derive(Debug, Clone)]
pub(super) struct SimulatedAccount {
    pub(super) index: i64,
    pub(super) account_id: String,
    pub(super) name: String,
    pub(super) unit: usize,
    pub(super) key: Key,
    pub(super) upkeep: Upkeep,
    /// When it joined, for a sandbox.
    pub(super) joined: Option<i64>,
    pub(super) left: Option<i64>,
}

impl SimulatedAccount {
    pub(super) fn is_production(&self) -> bool {
        matches!(self.unit, PRODUCTION | REGULATED)
    }

    pub(super) fn domain(&self) -> Account {
        Account {
            account_id: self.account_id.clone(),
            name: Some(self.name.clone()),
            organizational_unit: UNITS.get(self.unit).map(|path| format!("Root/{path}")),
        }
    }
}

/// All accounts of a world.
#[derive(Debug, Clone)]
pub(super) struct Accounts {
    key: Key,
    stable: Vec<SimulatedAccount>,
    sandboxes: i64,
}

impl Accounts {
    pub(super) fn new(key: Key, count: u32) -> Self {
        let sandboxes = match count {
            0..3 => 0,
            3..12 => 1,
            _ => 3,
        };
        let stable = i64::from(count) - sandboxes;
        Self {
            key,
            stable: (0..stable)
                .map(|index| stable_account(key, index, stable))
                .collect(),
            sandboxes,
        }
    }

    /// Accounts that never leave.
    pub(super) fn stable(&self) -> &[SimulatedAccount] {
        &self.stable
    }

    /// The management account and the account that owns the aggregator.
    pub(super) fn owners(&self) -> (String, String) {
        let id = |index: usize| {
            let index = index.min(self.stable.len().saturating_sub(1));
            let first = || account_id(self.key.number(0), 0);
            self.stable
                .get(index)
                .map_or_else(first, |account| account.account_id.clone())
        };
        (id(0), id(1))
    }

    /// Active accounts at a moment, sorted by id.
    pub(super) fn active(&self, at: i64) -> Vec<SimulatedAccount> {
        let mut active = self.stable.clone();
        active.extend(self.sandboxes_since(at, 0));
        active.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        active
    }

    /// Sandboxes that live at `at`, and those that were closed at most `closed_for` before.
    fn sandboxes_since(&self, at: i64, closed_for: i64) -> impl Iterator<Item = SimulatedAccount> + '_ {
        let newest = if self.sandboxes == 0 {
            0
        } else {
            at.div_euclid(RECYCLED_EVERY)
        };
        let oldest = newest - self.sandboxes - 1 - closed_for / RECYCLED_EVERY;
        (oldest..=newest).filter_map(move |generation| {
            let sandbox = self.sandbox(generation)?;
            let alive = sandbox.joined.is_some_and(|joined| joined <= at)
                && sandbox.left.is_some_and(|left| at < left + closed_for);
            alive.then_some(sandbox)
        })
    }

    /// The sandbox of a generation: it takes the place of the one `sandboxes` generations before.
    fn sandbox(&self, generation: i64) -> Option<SimulatedAccount> {
        if self.sandboxes == 0 {
            return None;
        }
        let key = self.key.text("sandbox").number(generation);
        let person = PEOPLE.get(generation.rem_euclid(PEOPLE.len() as i64) as usize)?;
        Some(SimulatedAccount {
            index: 50_000 + generation.rem_euclid(50_000),
            account_id: account_id(key, 50_000 + generation.rem_euclid(50_000)),
            name: format!("sandbox-{person}"),
            unit: SANDBOX,
            key,
            upkeep: Upkeep::Level(0.12 + 0.1 * key.text("level").unit()),
            joined: Some(self.recycled(generation)),
            left: Some(self.recycled(generation + self.sandboxes)),
        })
    }

    /// When a generation of sandboxes begins: within the first 60 hours of its four days.
    fn recycled(&self, generation: i64) -> i64 {
        let jitter = self.key.text("recycled").number(generation).below(5 * DAY / 2);
        generation * RECYCLED_EVERY + jitter
    }

    /// AWS Organizations' view at a moment.
    pub(super) fn directory(&self, at: i64) -> Directory {
        let key = self.key.text("organization");
        let root_id = format!("r-{}", key.text("root").alphanumeric(4));
        let unit_id = |path: &str| {
            let suffix = key.text("unit").text(path).alphanumeric(8);
            format!("ou-{}-{suffix}", root_id.trim_start_matches("r-"))
        };
        let units = UNITS.iter().map(|path| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let parent_id = if parent.is_empty() {
                root_id.clone()
            } else {
                unit_id(parent)
            };
            Unit {
                id: unit_id(path),
                parent_id,
                name: name.to_owned(),
            }
        });
        let founded = 1_577_836_800_000; // 2020-01-01
        let listed = self
            .stable
            .iter()
            .cloned()
            .chain(self.sandboxes_since(at, SUSPENDED_FOR));
        let mut members: Vec<Member> = listed
            .map(|account| Member {
                parent_id: UNITS
                    .get(account.unit)
                    .map_or_else(|| root_id.clone(), |path| unit_id(path)),
                active: account.left.is_none_or(|left| at < left),
                joined: timestamp(
                    account
                        .joined
                        .unwrap_or(founded + account.key.text("joined").below(900 * DAY)),
                ),
                account_id: account.account_id,
                name: account.name,
            })
            .collect();
        members.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        Directory {
            id: format!("o-{}", key.alphanumeric(10)),
            units: units.collect(),
            members,
            management_account_id: self.owners().0,
            root_id,
        }
    }
}

fn stable_account(root: Key, index: i64, stable: i64) -> SimulatedAccount {
    let key = root.number(index);
    let (name, unit) = name_and_unit(index);
    SimulatedAccount {
        index,
        account_id: account_id(key, index),
        name,
        unit,
        key,
        upkeep: upkeep(key, index, stable),
        joined: None,
        left: None,
    }
}

/// Seven digits of hash and five of index: never twice the same. One id in eight begins with zeros.
fn account_id(key: Key, index: i64) -> String {
    let modulus = match index % 8 {
        5 => 10_000,
        _ => 9_000_000,
    };
    let prefix = key.text("id").below(modulus) + if modulus == 10_000 { 0 } else { 1_000_000 };
    format!("{prefix:07}{:05}", (index * 7_919 + 31_337) % 100_000)
}

fn name_and_unit(index: i64) -> (String, usize) {
    if let Some((name, unit)) = FOUNDATION.get(index as usize) {
        return ((*name).to_owned(), *unit);
    }
    let index = index as usize - FOUNDATION.len();
    let stage = STAGES.get(index % 3).copied().unwrap_or("prod");
    let product = PRODUCTS
        .get(index / 3 % PRODUCTS.len())
        .copied()
        .unwrap_or("apps");
    let unit = match stage {
        "prod" if REGULATED_PRODUCTS.contains(&product) => REGULATED,
        "prod" => PRODUCTION,
        _ => NON_PRODUCTION,
    };
    match index / (3 * PRODUCTS.len()) {
        0 => (format!("{product}-{stage}"), unit),
        cell => (format!("{product}-{stage}-{}", cell + 1), unit),
    }
}

/// Of every twelve accounts one drifts; the drifters' cycles are evenly apart, so that most of them decline and
/// one is being repaired at any time. A few are badly kept, most are well kept.
fn upkeep(key: Key, index: i64, stable: i64) -> Upkeep {
    let drifters = (stable + 5) / 12;
    if index % 12 == 6 && drifters > 0 {
        return Upkeep::Drifting {
            offset: (index / 12) * 40 * DAY / drifters,
        };
    }
    let unit = key.text("level").unit();
    Upkeep::Level(match index % 17 {
        8 => 0.24 + 0.14 * unit,
        _ => 0.03 + 0.1 * unit,
    })
}

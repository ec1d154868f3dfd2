//! Repairs in the order of what they gain; the domain says why that order is the best there is.

use std::collections::HashMap;

use compliance::catalogue::Severity;
use compliance::fix_first::{FIRST, FixFirst, Points, Repair, Together};
use compliance::scorecard::{AccountScore, PairRow, Scores};
use compliance::settings::SeverityWeights;

/// A resource: account, place, type and id.
type Resource<'a> = [&'a str; 4];

/// What the pairs of one rule in one account come to.
#[derive(Default)]
struct Sum<'a> {
    /// The first of its rows: what they share.
    row: Option<&'a PairRow>,
    pairs: u64,
    excepted: u64,
    freed: u64,
    oldest: Option<jiff::Timestamp>,
    at_least: bool,
}

/// Orders the repairs of what is noncompliant now: `rows`, marked with their exceptions.
pub(crate) fn fix_first(
    rows: &[PairRow],
    organization: &Scores,
    accounts: &[AccountScore],
    weights: &SeverityWeights,
) -> (FixFirst, Vec<Repair>) {
    let accounts: HashMap<&str, &Scores> = accounts
        .iter()
        .map(|account| (&*account.account_id, &account.scores))
        .collect();
    let mut repairs: Vec<Repair> = sums(rows)
        .values()
        .filter(|sum| sum.pairs > 0)
        .filter_map(|sum| repair(sum, sum.row?, &accounts, weights))
        .collect();
    repairs.sort_by(|a, b| order(a).cmp(&order(b)));
    let excepted = rows.iter().filter(|row| row.excepted());
    let excepted = excepted.fold((0, 0), |(pairs, weight), row| {
        (pairs + 1, weight + weight_of(row.severity, weights))
    });
    let all = gain_in_order(&mut repairs, organization);
    let summary = FixFirst {
        repairs: repairs.len() as u64,
        half: half(&repairs),
        all,
        excepted: together(excepted, organization),
        first: repairs.iter().take(FIRST).cloned().collect(),
    };
    (summary, repairs)
}

fn sums(rows: &[PairRow]) -> HashMap<(&str, &str), Sum<'_>> {
    let mut rules_against: HashMap<Resource<'_>, u32> = HashMap::new();
    for row in rows {
        *rules_against.entry(resource(row)).or_default() += 1;
    }
    let mut sums: HashMap<(&str, &str), Sum<'_>> = HashMap::new();
    for row in rows {
        let sum = sums.entry((&row.key.rule, &row.key.account_id)).or_default();
        if row.excepted() {
            sum.excepted += 1;
            continue;
        }
        sum.row.get_or_insert(row);
        sum.pairs += 1;
        sum.freed += u64::from(rules_against.get(&resource(row)) == Some(&1));
        sum.oldest = match (sum.oldest, row.noncompliant_since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        sum.at_least |= row.since_at_least;
    }
    sums
}

fn resource(row: &PairRow) -> Resource<'_> {
    let key = &row.key;
    [
        &key.account_id,
        &key.aws_region,
        &key.resource_type,
        &key.resource_id,
    ]
}

fn weight_of(severity: Option<Severity>, weights: &SeverityWeights) -> u64 {
    u64::from(weights.of(severity.unwrap_or(Severity::Medium)))
}

/// A repair without its place in the order: what the organization has after it comes with that.
fn repair(
    sum: &Sum<'_>,
    row: &PairRow,
    accounts: &HashMap<&str, &Scores>,
    weights: &SeverityWeights,
) -> Option<Repair> {
    let account = accounts.get(&*row.key.account_id)?;
    let weight = sum.pairs * weight_of(row.severity, weights);
    Some(Repair {
        rule: row.key.rule.clone(),
        severity: row.severity,
        account_id: row.key.account_id.clone(),
        account_name: row.account_name.clone(),
        pairs: sum.pairs,
        weight,
        excepted: sum.excepted,
        resources_freed: sum.freed,
        oldest_since: sum.oldest,
        oldest_at_least: sum.at_least,
        gain: Points::default(),
        organization_after: Points::default(),
        account_gain: gain((sum.pairs, weight), account),
        account_after: after((sum.pairs, weight), account),
    })
}

/// Most weight, most pairs, most severe, then by rule and account.
fn order(repair: &Repair) -> impl Ord + '_ {
    let most = std::cmp::Reverse((repair.weight, repair.pairs));
    let severity = repair.severity.unwrap_or(Severity::Medium);
    (most, severity, &repair.rule, &repair.account_id)
}

/// Fills in what each gains and what the organization has then; all of them together.
fn gain_in_order(repairs: &mut [Repair], organization: &Scores) -> Together {
    let mut sum = (0, 0);
    for repair in repairs {
        sum = (sum.0 + repair.pairs, sum.1 + repair.weight);
        repair.gain = gain((repair.pairs, repair.weight), organization);
        repair.organization_after = after(sum, organization);
    }
    together(sum, organization)
}

fn together((pairs, weight): (u64, u64), organization: &Scores) -> Together {
    Together {
        pairs,
        weight,
        gain: gain((pairs, weight), organization),
    }
}

/// The fewest repairs, from the first, that have half of the weight, or of the pairs when nothing weighs.
fn half(repairs: &[Repair]) -> u64 {
    let weighs = repairs.iter().any(|repair| repair.weight > 0);
    let worth = |repair: &Repair| if weighs { repair.weight } else { repair.pairs };
    let all: u64 = repairs.iter().map(worth).sum();
    let mut reached = 0;
    let before_half = repairs.iter().take_while(|repair| {
        let short = reached * 2 < all;
        reached += worth(repair);
        short
    });
    before_half.count() as u64
}

/// What turning this much noncompliant into compliant gains.
fn gain((pairs, weight): (u64, u64), scores: &Scores) -> Points {
    Points {
        compliance: share(pairs, scores.pairs.total()),
        weighted: share(weight, scores.weight.total()),
    }
}

/// The scores when this much has turned compliant; from whole numbers, so that all of it is exactly 1.
fn after((pairs, weight): (u64, u64), scores: &Scores) -> Points {
    Points {
        compliance: share(scores.pairs.compliant + pairs, scores.pairs.total()),
        weighted: share(scores.weight.compliant + weight, scores.weight.total()),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

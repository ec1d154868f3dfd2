//! What follows from a sample's numbers and lists: exceptions, repairs, a disagreement, balances.

use super::*;
use compliance::reconciliation::Balance;

const EXCEPTIONS: &str = r#"
    [[exceptions]]
    id = "SEC-214"
    rule = "autoscaling-launchconfig-requires-imdsv2"
    organizational_units = ["Root/Workloads*"]
    reason = "The fleet moves to launch templates, which are ready for it."
    owner = "platform@example.com"
    approver = "ciso@example.com"
    approved = 2026-06-01
    expires = 2027-05-31
    [[exceptions]]
    id = "SEC-198"
    rule = "root-account-mfa-enabled"
    accounts = ["104300280352"]
    regions = ["eu-*", "us-*"]
    reason = "The device was lost; the new one is in the post."
    owner = "payments@example.com"
    approver = "payments@example.com"
    approved = 2025-10-01
    expires = 2026-11-30
    [[exceptions]]
    rule = "acme-approved-images-only"
    everywhere = true
    reason = "Migration to the new image pipeline."
    owner = "platform@example.com"
    approver = "ciso@example.com"
    approved = 2026-05-01
    expires = 2026-11-15
    [[exceptions]]
    id = "SEC-220"
    rule = "restricted-ssh"
    resource_ids = ["sg-0ffffffffffffffff"]
    reason = "Bastion of the data centre link."
    owner = "network@example.com"
    approver = "ciso@example.com"
    approved = 2026-11-01
    expires = 2027-01-31
"#;

/// The sample with its exceptions, repairs, merged pairs and balances.
pub(super) fn advised(mut input: RenderInput) -> RenderInput {
    if input.scorecard.kind == ReportKind::Daily && !input.lists.new.is_empty() {
        input.settings = Settings::parse(EXCEPTIONS).unwrap();
    }
    input.scorecard.exceptions = marked(&mut input);
    input.lists.repairs = repairs(&input);
    input.scorecard.fix_first = fix_first(&input);
    input.lists.disagreements = input
        .lists
        .noncompliant
        .iter()
        .step_by(9)
        .take(12)
        .map(disagreement)
        .collect();
    input.scorecard.merged.example = input.lists.disagreements.first().cloned();
    input.scorecard.merged.disagreements = input.lists.disagreements.len() as u64;
    let pairs = input.scorecard.organization.pairs;
    let listed = input.lists.noncompliant.len() as u64;
    let merged = &mut input.scorecard.merged;
    merged.pairs = pairs.total();
    merged.results = merged.pairs + merged.global_duplicates + merged.name_duplicates;
    merged.read = merged.results;
    input.scorecard.reconciliation = vec![
        Balance::new(
            "Pairs: results less those merged; compliant and noncompliant pairs",
            input.scorecard.merged.pairs,
            pairs.total(),
        ),
        Balance::new(
            "Noncompliant pairs: of the organization; rows of the list",
            pairs.noncompliant,
            listed,
        ),
    ];
    input
}

fn marked(input: &mut RenderInput) -> Exceptions {
    let catalogue = Catalogue::new(&input.settings).unwrap();
    let register = Register::new(&input.settings.exceptions, &catalogue, as_of());
    let mut counts = vec![(0, 0); register.exceptions().len()];
    let accounts = input.scorecard.accounts.clone();
    let speaks = |row: &PairRow, counts: &mut Vec<(u64, u64)>| {
        let unit = accounts.iter().find(|one| one.account_id == row.key.account_id);
        let unit = unit.and_then(|account| account.organizational_unit.as_deref());
        let places: Vec<usize> = register.covering(&row.key, unit).collect();
        places.iter().for_each(|place| counts[*place].0 += 1);
        let exception = &register.exceptions()[*places.first()?];
        counts[places[0]].1 += u64::from(exception.state.in_force());
        Some(PairException {
            id: exception.id.clone(),
            state: exception.state,
            reason: exception.settings.reason.clone(),
            expires: exception.settings.expires,
        })
    };
    for row in &mut input.lists.new {
        row.exception = speaks(row, &mut counts);
    }
    counts.fill((0, 0));
    for row in &mut input.lists.noncompliant {
        row.exception = speaks(row, &mut counts);
    }
    let excepted = |rows: &[PairRow]| rows.iter().filter(|row| row.excepted()).count() as u64;
    let entries = register.exceptions().iter().zip(&counts);
    let mut entries: Vec<ExceptionEntry> = entries
        .map(|(exception, (pairs, speaks))| ExceptionEntry::new(exception, None, *pairs, *speaks))
        .collect();
    entries.sort_by_key(|entry| (entry.state, entry.terms.expires));
    Exceptions {
        entries,
        noncompliant: excepted(&input.lists.noncompliant),
        new: excepted(&input.lists.new),
    }
}

fn weight(severity: Option<Severity>) -> u64 {
    let weights = Settings::default().scoring.weights;
    u64::from(weights.of(severity.unwrap_or(Severity::Medium)))
}

fn repairs(input: &RenderInput) -> Vec<Repair> {
    let mut spots: BTreeMap<(&str, &str), Vec<&PairRow>> = BTreeMap::new();
    for row in input.lists.noncompliant.iter().filter(|row| !row.excepted()) {
        spots
            .entry((&row.key.rule, &row.key.account_id))
            .or_default()
            .push(row);
    }
    let mut spots: Vec<Vec<&PairRow>> = spots.into_values().collect();
    let worth = |rows: &[&PairRow]| rows.len() as u64 * weight(rows[0].severity);
    spots.sort_by_key(|rows| std::cmp::Reverse((worth(rows), rows.len())));
    let whole = &input.scorecard.organization;
    let mut sum = (0, 0);
    let repair = |rows: Vec<&PairRow>| {
        let row = rows[0];
        let account = input.scorecard.accounts.iter();
        let account = account
            .clone()
            .find(|one| one.account_id == row.key.account_id)
            .unwrap();
        let (pairs, weight) = (rows.len() as u64, worth(&rows));
        sum = (sum.0 + pairs, sum.1 + weight);
        Repair {
            rule: row.key.rule.clone(),
            severity: row.severity,
            account_id: row.key.account_id.clone(),
            account_name: row.account_name.clone(),
            pairs,
            weight,
            excepted: 0,
            resources_freed: pairs / 2,
            oldest_since: rows.iter().filter_map(|row| row.noncompliant_since).min(),
            oldest_at_least: rows.iter().any(|row| row.since_at_least),
            gain: points((pairs, weight), whole, 0),
            organization_after: points(sum, whole, 1),
            account_gain: points((pairs, weight), &account.scores, 0),
            account_after: points((pairs, weight), &account.scores, 1),
        }
    };
    spots.into_iter().map(repair).collect()
}

/// What this much more compliant gains, or comes to together with what is compliant already.
fn points((pairs, weight): (u64, u64), scores: &Scores, already: u64) -> Points {
    let share = |more: u64, of: Tally| (of.compliant * already + more) as f64 / of.total().max(1) as f64;
    Points {
        compliance: share(pairs, scores.pairs),
        weighted: share(weight, scores.weight),
    }
}

fn fix_first(input: &RenderInput) -> FixFirst {
    let repairs = &input.lists.repairs;
    let excepted = input.lists.noncompliant.iter().filter(|row| row.excepted());
    let excepted = excepted.fold((0, 0), |(pairs, sum), row| {
        (pairs + 1, sum + weight(row.severity))
    });
    let worth = |repairs: &[Repair]| repairs.iter().map(|repair| repair.weight).sum::<u64>();
    let half = (0..=repairs.len()).find(|count| worth(&repairs[..*count]) * 2 >= worth(repairs));
    let together = |(pairs, weight): (u64, u64)| Together {
        pairs,
        weight,
        gain: points((pairs, weight), &input.scorecard.organization, 0),
    };
    FixFirst {
        repairs: repairs.len() as u64,
        first: repairs.iter().take(FIRST).cloned().collect(),
        half: half.unwrap() as u64,
        all: together((repairs.iter().map(|repair| repair.pairs).sum(), worth(repairs))),
        excepted: together(excepted),
    }
}

fn disagreement(row: &PairRow) -> MergedPair {
    let result = |name: String, compliance_type| MergedResult {
        config_rule_name: name,
        aws_region: row.key.aws_region.replace(GLOBAL, "us-east-1"),
        compliance_type,
    };
    let rule = &row.key.rule;
    MergedPair {
        key: row.key.clone(),
        account_name: row.account_name.clone(),
        results: vec![
            result(rule.clone(), ComplianceType::Compliant),
            result(
                format!("{rule}-conformance-pack-a1b2c3d4e"),
                ComplianceType::NonCompliant,
            ),
            result(
                format!("securityhub-{rule}-0a1b2c3d"),
                ComplianceType::NonCompliant,
            ),
        ],
    }
}

/// External text in every place of these that text from outside reaches.
pub(super) fn hostile(input: &mut RenderInput, text: impl Fn(usize) -> String) {
    for (index, repair) in input.scorecard.fix_first.first.iter_mut().enumerate() {
        repair.rule = if index == 0 { "r".repeat(128) } else { text(index) };
        repair.account_name = Some(text(index + 1));
    }
    let long = cases::long_id();
    for (index, entry) in input.scorecard.exceptions.entries.iter_mut().enumerate() {
        entry.id = if index == 0 { long.clone() } else { text(index) };
        entry.rule = if index == 1 {
            "r".repeat(128)
        } else {
            text(index + 1)
        };
        let terms = &mut entry.terms;
        terms.resource_ids = vec![long.clone(), text(index + 2)];
        terms.organizational_units = vec![text(index + 3)];
        (terms.reason, terms.owner, terms.approver) = (text(index + 4), long.clone(), text(index + 5));
    }
    for row in &mut input.lists.noncompliant {
        if let Some(exception) = &mut row.exception {
            (exception.id, exception.reason) = (text(1), text(5));
        }
    }
    let merged = input.lists.disagreements.iter_mut();
    for (index, pair) in merged.chain(&mut input.scorecard.merged.example).enumerate() {
        pair.key.resource_id = if index == 0 { long.clone() } else { text(index) };
        pair.key.rule = text(index + 1);
        for result in &mut pair.results {
            result.config_rule_name = text(index + 2);
            result.aws_region = text(index + 3);
        }
    }
}

//! What to repair first, with what each repair gains.

use std::collections::HashMap;

use compliance::catalogue::RuleMetadata;
use compliance::fix_first::Repair;
use compliance::scorecard::Scorecard;
use compliance::text as format;
use serde::Serialize;

use super::text::{self, Link, SeverityCell};

/// Repairs shown; `fix-first.csv` has all.
const SHOWN: usize = 10;
/// Repairs named in the sentence of the first page.
const NAMED: usize = 3;

#[derive(Debug, Clone, Serialize)]
pub(super) struct FixFirstSection {
    /// For the first page; none when nothing is to be repaired.
    headline: Option<String>,
    intro: String,
    repairs: Vec<RepairCard>,
    /// What is not shown here, and what exceptions leave out.
    notes: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct RepairCard {
    rank: String,
    rule: String,
    severity: SeverityCell,
    account: String,
    id: String,
    points: String,
    weighted: String,
    facts: String,
    organization: String,
    of_account: String,
    guidance: Option<String>,
    link: Option<Link>,
}

pub(super) fn section(scorecard: &Scorecard) -> FixFirstSection {
    let fix = &scorecard.fix_first;
    let rules: HashMap<&str, &RuleMetadata> = scorecard
        .rules
        .iter()
        .map(|rule| (&*rule.metadata.rule, &rule.metadata))
        .collect();
    let shown = fix.first.iter().take(SHOWN);
    FixFirstSection {
        headline: headline(scorecard),
        intro: intro(scorecard),
        repairs: shown
            .enumerate()
            .map(|(index, repair)| card(scorecard, index, repair, rules.get(&*repair.rule).copied()))
            .collect(),
        notes: notes(scorecard),
    }
}

/// `Fix first: restricted-ssh in payments, …; these 3 of 214 repairs take the compliance score from … to …`.
fn headline(scorecard: &Scorecard) -> Option<String> {
    let fix = &scorecard.fix_first;
    let named = &fix.first[..fix.first.len().min(NAMED)];
    let last = named.last()?;
    let name = |repair: &Repair| {
        let account = repair.account_name.as_deref().unwrap_or(&repair.account_id);
        format!("{} in {}", text::shown(&repair.rule), text::shown(account))
    };
    let names: Vec<String> = named.iter().map(name).collect();
    let which = match (named.len() as u64, fix.repairs) {
        (1, 1) => "this one repair takes".to_owned(),
        (shown, all) if shown == all => format!("these {shown} repairs take"),
        (shown, all) => format!("these {shown} of {} repairs take", format::count(all)),
    };
    let moves = |before: Option<f64>, after: f64| {
        let shown = |score| text::unbroken(&format::score(score));
        format!("from {} to {}", shown(before), shown(before.map(|_| after)))
    };
    let (now, then) = (&scorecard.organization, &last.organization_after);
    Some(format!(
        "Fix first: {}; {which} the compliance score {} and the weighted score {}.",
        names.join(", "),
        moves(now.compliance_score, then.compliance),
        moves(now.weighted_score, then.weighted)
    ))
}

fn intro(scorecard: &Scorecard) -> String {
    let fix = &scorecard.fix_first;
    if fix.repairs == 0 {
        return if scorecard.organization.pairs.total() == 0 {
            "No results were collected: nothing is known of what to repair.".to_owned()
        } else if fix.excepted.pairs > 0 {
            "Every noncompliant pair is under an exception in force: there is nothing to repair.".to_owned()
        } else {
            "No pair is noncompliant: there is nothing to repair.".to_owned()
        };
    }
    format!(
        "Of {} (one rule in one account each), the first {} of the points that can be gained on the weighted \
         score, which orders them. Together all of them gain {} points on the compliance score and {} on the weighted score.",
        format::plural(fix.repairs, "possible repair", "possible repairs"),
        if fix.half == 1 {
            "gains half".to_owned()
        } else {
            format!("{} gain half", format::count(fix.half))
        },
        format::points(fix.all.gain.compliance),
        format::points(fix.all.gain.weighted),
    )
}

fn notes(scorecard: &Scorecard) -> Vec<String> {
    let fix = &scorecard.fix_first;
    let mut notes = Vec::new();
    if fix.repairs > SHOWN as u64 {
        notes.push(format!(
            "{SHOWN} of {}; all in fix-first.csv.",
            format::count(fix.repairs)
        ));
    }
    if fix.excepted.pairs > 0 {
        notes.push(format!(
            "Left out: {} under an exception in force, worth {} points on the compliance score and {} on the weighted \
             score.",
            format::plural(fix.excepted.pairs, "noncompliant pair", "noncompliant pairs"),
            format::points(fix.excepted.gain.compliance),
            format::points(fix.excepted.gain.weighted),
        ));
    }
    notes
}

fn card(scorecard: &Scorecard, index: usize, repair: &Repair, rule: Option<&RuleMetadata>) -> RepairCard {
    let before = scorecard
        .accounts
        .iter()
        .find(|one| one.account_id == repair.account_id);
    let before = before.and_then(|account| account.scores.compliance_score);
    RepairCard {
        rank: (index + 1).to_string(),
        rule: text::shown(&repair.rule),
        severity: text::severity(repair.severity),
        account: text::shown(repair.account_name.as_deref().unwrap_or_default()),
        id: text::shown(&repair.account_id),
        points: format::points(repair.gain.compliance),
        weighted: format::points(repair.gain.weighted),
        facts: facts(scorecard, repair),
        organization: format!(
            "organization then {}",
            text::unbroken(&format::score(Some(repair.organization_after.compliance)))
        ),
        of_account: format!(
            "account {} to {}",
            text::unbroken(&format::score(before)),
            text::unbroken(&format::score(Some(repair.account_after.compliance)))
        ),
        guidance: rule.and_then(|rule| rule.guidance.as_deref()).map(text::shown),
        link: rule.and_then(|rule| rule.link.as_deref()).and_then(text::link),
    }
}

/// `45 noncompliant pairs, the oldest open for ≥ 40 d 3 h; 12 resources become compliant as a whole`.
fn facts(scorecard: &Scorecard, repair: &Repair) -> String {
    let age = repair
        .oldest_since
        .map(|since| scorecard.as_of.duration_since(since).as_secs_f64());
    let mut facts = format!(
        "{}, the oldest open for {}",
        format::plural(repair.pairs, "noncompliant pair", "noncompliant pairs"),
        text::duration(age, repair.oldest_at_least)
    );
    let freed = repair.resources_freed;
    facts.push_str(&match freed {
        0 => "; other rules find every one of these resources noncompliant too".to_owned(),
        1 => "; 1 resource becomes compliant as a whole".to_owned(),
        freed => format!("; {} resources become compliant as a whole", format::count(freed)),
    });
    if repair.excepted > 0 {
        facts.push_str(&format!(
            "; {} more under an exception",
            format::plural(repair.excepted, "pair", "pairs")
        ));
    }
    facts
}

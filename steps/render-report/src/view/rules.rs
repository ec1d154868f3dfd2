//! Rules: the most violated with guidance, then all.

use compliance::scorecard::{RuleScore, Scorecard};
use compliance::text as format;
use serde::Serialize;

use super::text::{self, Link, SeverityCell, Standing};

/// Rules shown with guidance.
const TOP: usize = 15;

#[derive(Debug, Clone, Serialize)]
pub(super) struct RulesSection {
    top: Vec<RuleCard>,
    all: Vec<RuleRow>,
}

#[derive(Debug, Clone, Serialize)]
struct RuleCard {
    rank: String,
    rule: String,
    severity: SeverityCell,
    description: Option<String>,
    guidance: Option<String>,
    link: Option<Link>,
    noncompliant: String,
    of: String,
    accounts: String,
    new: String,
    packs: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct RuleRow {
    rule: String,
    severity: SeverityCell,
    standing: Standing,
    accounts: String,
    new: String,
    resolved: String,
}

pub(super) fn section(scorecard: &Scorecard) -> RulesSection {
    let violated = scorecard
        .rules
        .iter()
        .filter(|rule| rule.scores.pairs.noncompliant > 0);
    RulesSection {
        top: violated
            .take(TOP)
            .enumerate()
            .map(|(index, rule)| card(index + 1, rule))
            .collect(),
        all: scorecard.rules.iter().map(row).collect(),
    }
}

fn card(rank: usize, rule: &RuleScore) -> RuleCard {
    let shown = |text: &Option<String>| text.as_deref().map(text::shown);
    RuleCard {
        rank: rank.to_string(),
        rule: text::shown(&rule.metadata.rule),
        severity: text::severity(rule.metadata.severity),
        description: shown(&rule.metadata.description),
        guidance: shown(&rule.metadata.guidance),
        link: rule.metadata.link.as_deref().and_then(text::link),
        noncompliant: text::count(rule.scores.pairs.noncompliant),
        of: format!(
            "of {}",
            format::plural(rule.scores.pairs.total(), "pair", "pairs")
        ),
        accounts: format!(
            "{} of {}",
            format::count(rule.accounts_noncompliant),
            format::plural(rule.accounts, "account", "accounts")
        ),
        new: text::count(rule.movement.new),
        packs: (!rule.conformance_packs.is_empty()).then(|| text::shown(&rule.conformance_packs.join(", "))),
    }
}

fn row(rule: &RuleScore) -> RuleRow {
    RuleRow {
        rule: text::shown(&rule.metadata.rule),
        severity: text::severity(rule.metadata.severity),
        standing: text::standing(&rule.scores, rule.change),
        accounts: format::count(rule.accounts_noncompliant),
        new: text::count(rule.movement.new),
        resolved: text::count(rule.movement.resolved),
    }
}

//! The message a channel sees.

use compliance::scorecard::{AccountScore, Direction, RuleScore, Scorecard};
use compliance::settings::Settings;
use compliance::text;

use super::{advice, coverage, events, words};
use crate::block::Block;
use crate::chart::{ChartKind, DataVisualization, sparkline};
use crate::message::Message;
use crate::table::{Align, Table};
use crate::text::{Mrkdwn, raw};
use crate::url::Url;
use crate::{and_more, and_more_of};

/// Accounts and rules a channel sees; the thread has more.
const SHOWN: usize = 5;

/// Characters of a message the table of accounts may take.
const TABLE_BUDGET: usize = 2_200;

pub(super) fn message(scorecard: &Scorecard, settings: &Settings) -> Message {
    let mut blocks = vec![
        Block::header(&words::title(scorecard)),
        stands_for(scorecard),
        score(scorecard),
    ];
    blocks.extend(coverage::warning(scorecard));
    blocks.push(Block::section(&Mrkdwn::new().text(&words::why(scorecard))));
    blocks.push(counts(scorecard));
    blocks.extend(events::line(scorecard));
    blocks.extend(advice::fix_first(scorecard));
    blocks.extend(advice::exceptions(scorecard));
    blocks.extend(link(scorecard, settings));
    blocks.extend(chart(scorecard));
    blocks.extend(accounts(scorecard));
    blocks.push(rules(scorecard));
    blocks.push(footer(scorecard));
    Message::new(&in_words(scorecard), blocks)
}

/// When, compared with what, and whether it is real.
fn stands_for(scorecard: &Scorecard) -> Block {
    let mut elements = vec![Mrkdwn::new().text(&format!("As of {}", text::minute(scorecard.as_of)))];
    if let Some(baseline) = &scorecard.baseline {
        elements.push(Mrkdwn::new().text(&format!("compared with {}", text::minute(baseline.as_of))));
    }
    if let Some(simulation) = &scorecard.simulation {
        elements.push(
            Mrkdwn::new()
                .text("simulated data, of no real account: ")
                .code(simulation, 120),
        );
    }
    Block::context(&elements)
}

fn score(scorecard: &Scorecard) -> Block {
    let line = Mrkdwn::new()
        .bold(&format!("Compliance score {}", organization_score(scorecard)))
        .text(&format!(
            " · {} · {}",
            words::since(scorecard),
            words::trend(scorecard)
        ));
    Block::section(&line)
}

/// The score of the whole organization; while it is not of everything expected, it says so.
fn organization_score(scorecard: &Scorecard) -> String {
    let score = text::score(scorecard.organization.compliance_score);
    match text::caveat(&scorecard.context.coverage) {
        Some(caveat) => format!("{score} ({caveat})"),
        None => score,
    }
}

fn field(name: &str, value: &str) -> Mrkdwn {
    Mrkdwn::new().bold(name).line_break().text(value)
}

fn counts(scorecard: &Scorecard) -> Block {
    let (now, movement) = (&scorecard.organization, &scorecard.movement);
    let mut fields = if scorecard.baseline.is_some() {
        vec![
            field("New", &text::count(movement.new)),
            field("Resolved", &text::count(movement.resolved)),
            field("Still noncompliant", &text::count(movement.still)),
            field("Vanished", &text::count(movement.vanished)),
        ]
    } else {
        vec![
            field(
                "Noncompliant",
                &text::plural(now.pairs.noncompliant, "pair", "pairs"),
            ),
            field("Evaluated", &text::plural(now.pairs.total(), "pair", "pairs")),
        ]
    };
    fields.push(field("Weighted score", &text::score(now.weighted_score)));
    fields.push(field("Resource score", &text::score(now.resource_score)));
    fields.push(field("Open by severity", &by_severity(scorecard)));
    Block::fields(&fields)
}

/// `critical 2, high 10, unrated 3`; those with open noncompliance.
fn by_severity(scorecard: &Scorecard) -> String {
    let open: Vec<String> = scorecard
        .severities
        .iter()
        .filter(|entry| entry.scores.pairs.noncompliant > 0)
        .map(|entry| {
            let name = entry.severity.map_or("unrated", |severity| severity.as_str());
            format!("{name} {}", text::count(entry.scores.pairs.noncompliant))
        })
        .collect();
    if open.is_empty() {
        none_or_unknown(scorecard, "none").to_owned()
    } else {
        open.join(", ")
    }
}

/// Nothing noncompliant is good news only where something is known.
fn none_or_unknown<'a>(scorecard: &Scorecard, none: &'a str) -> &'a str {
    if scorecard.organization.pairs.total() == 0 {
        "No results: nothing is known."
    } else {
        none
    }
}

fn link(scorecard: &Scorecard, settings: &Settings) -> Option<Block> {
    let template = settings.report.link.as_deref()?;
    Some(match Url::of_template(template, &scorecard.run_id) {
        Some(url) => Block::button("Open the PDF report", url),
        None => {
            Block::note("The link to the report is not shown: it is not https, or longer than Slack takes.")
        }
    })
}

/// The score over the trend's window. Gaps cannot be drawn, so they are told.
fn chart(scorecard: &Scorecard) -> Vec<Block> {
    let points = &scorecard.trend.points;
    let known: Vec<(String, f64)> = points
        .iter()
        .filter_map(|point| {
            let score = point.scores?.compliance_score?;
            Some((
                text::day(point.as_of.unwrap_or(point.target)),
                (score * 1_000.0).round() / 10.0,
            ))
        })
        .collect();
    let recent = &known[known.len().saturating_sub(crate::limits::CHART_POINTS)..];
    let (labels, values): (Vec<_>, Vec<_>) = recent.iter().cloned().unzip();
    if values.len() < 2 {
        return Vec::new();
    }
    let title = format!("Compliance score, {}", words::window(scorecard.kind));
    let Some(chart) = DataVisualization::block(&title, ChartKind::Line, "%", &labels, &[("Score", &values)])
    else {
        return Vec::new();
    };
    let left_out = points.len() - values.len();
    let gaps = (left_out > 0).then(|| {
        let points = text::plural(left_out as u64, "point", "points");
        Block::note(&format!(
            "{points} of the trend without a snapshot or score, not drawn."
        ))
    });
    let partial = recent_partial(scorecard);
    let partial = (partial > 0).then(|| {
        let points = text::plural(partial, "point", "points");
        Block::note(&format!(
            "{points} of the trend with scopes missing: scores of a part."
        ))
    });
    [chart].into_iter().chain(gaps).chain(partial).collect()
}

/// Points of the trend whose score is of a part of what was expected.
fn recent_partial(scorecard: &Scorecard) -> u64 {
    let points = scorecard.trend.points.iter();
    let partial = points.filter(|point| point.scores.is_some() && point.scopes_missing > 0);
    partial.count() as u64
}

fn accounts(scorecard: &Scorecard) -> Vec<Block> {
    let worst: Vec<&AccountScore> = scorecard
        .accounts
        .iter()
        .filter(|account| account.scores.pairs.noncompliant > 0)
        .collect();
    if worst.is_empty() {
        return vec![Block::section(
            &Mrkdwn::new().text(none_or_unknown(scorecard, "No account has noncompliant pairs.")),
        )];
    }
    let columns = [
        ("Account", Align::Left),
        ("Score", Align::Right),
        ("Change", Align::Right),
        ("New", Align::Right),
        ("Trend", Align::Left),
    ];
    let rows: Vec<Vec<String>> = worst
        .iter()
        .take(SHOWN)
        .map(|account| account_row(scorecard, account))
        .collect();
    let (table, shown) = Table::block(&columns, &rows, TABLE_BUDGET);
    let mut blocks = vec![
        Block::section(&Mrkdwn::new().bold("Lowest compliance scores")),
        table,
    ];
    let left_out = worst.len() - shown;
    if left_out > 0 {
        blocks.push(Block::note(&and_more_of(
            left_out as u64,
            "account with noncompliance",
            "accounts with noncompliance",
            "in the thread",
        )));
    }
    blocks.extend(declining(scorecard));
    blocks
}

fn account_row(scorecard: &Scorecard, account: &AccountScore) -> Vec<String> {
    let label = match &account.name {
        Some(name) => format!("{} ({})", raw(name, 60), account.account_id),
        None => account.account_id.clone(),
    };
    vec![
        label,
        text::score(account.scores.compliance_score),
        words::change(account.change),
        words::compared(scorecard, account.movement.new),
        sparkline(&account.trend[account.trend.len().saturating_sub(20)..]),
    ]
}

/// Accounts whose trend degrades, steepest first.
fn declining(scorecard: &Scorecard) -> Option<Block> {
    let mut decliners: Vec<_> = scorecard
        .accounts
        .iter()
        .filter(|account| account.direction == Direction::Degrading)
        .collect();
    if decliners.is_empty() {
        return None;
    }
    decliners.sort_by(|a, b| {
        let change = |account: &AccountScore| account.fitted_change.unwrap_or(0.0);
        change(a)
            .total_cmp(&change(b))
            .then_with(|| a.account_id.cmp(&b.account_id))
    });
    let head = format!("Declining over {}: ", words::window(scorecard.kind));
    let named =
        decliners
            .iter()
            .take(SHOWN)
            .enumerate()
            .fold(Mrkdwn::new().text(&head), |line, (index, account)| {
                let separator = if index > 0 { ", " } else { "" };
                let change = words::change(account.fitted_change);
                line.text(separator)
                    .code(words::account_name(account), 40)
                    .text(&format!(" {change}"))
            });
    let left_out = decliners.len().saturating_sub(SHOWN);
    let more = if left_out > 0 {
        format!(", {}", and_more(left_out as u64, "in the thread"))
    } else {
        String::new()
    };
    Some(Block::section(&named.text(&more)))
}

fn rules(scorecard: &Scorecard) -> Block {
    let top: Vec<&RuleScore> = scorecard
        .rules
        .iter()
        .filter(|rule| rule.scores.pairs.noncompliant > 0)
        .collect();
    if top.is_empty() {
        return Block::section(
            &Mrkdwn::new().text(none_or_unknown(scorecard, "No rule has noncompliant pairs.")),
        );
    }
    let mut lines = vec![Mrkdwn::new().bold("Most noncompliant rules")];
    lines.extend(
        top.iter()
            .take(SHOWN)
            .map(|rule| rule_line(rule, scorecard.baseline.is_some())),
    );
    if top.len() > SHOWN {
        lines.push(Mrkdwn::new().text(&and_more_of(
            (top.len() - SHOWN) as u64,
            "rule with noncompliance",
            "rules with noncompliance",
            "in the thread",
        )));
    }
    Block::section(&Mrkdwn::lines(lines))
}

fn rule_line(rule: &RuleScore, compared: bool) -> Mrkdwn {
    let severity = rule
        .metadata
        .severity
        .map_or("unrated", |severity| severity.as_str());
    let noncompliant = text::count(rule.scores.pairs.noncompliant);
    let accounts = text::plural(rule.accounts_noncompliant, "account", "accounts");
    let new = if compared {
        format!(", {} new", text::count(rule.movement.new))
    } else {
        String::new()
    };
    Mrkdwn::new()
        .text("• ")
        .code(&rule.metadata.rule, 130)
        .text(&format!(
            " {severity} · {noncompliant} noncompliant in {accounts}{new}"
        ))
}

fn footer(scorecard: &Scorecard) -> Block {
    let line = Mrkdwn::new()
        .text(&format!(
            "{} · lists and details in the thread and in the report · run ",
            coverage::collected(scorecard)
        ))
        .code(&scorecard.run_id, 100);
    Block::context(&[line])
}

/// The digest as a paragraph, for screen readers and notifications.
fn in_words(scorecard: &Scorecard) -> String {
    let score = organization_score(scorecard);
    let mut sentences = vec![
        format!(
            "{}, {}.",
            crate::text::prose(&words::title(scorecard), 200),
            text::minute(scorecard.as_of)
        ),
        format!(
            "Compliance score {score}: {}, {}.",
            words::since(scorecard),
            words::trend(scorecard)
        ),
    ];
    sentences.extend(coverage::in_words(scorecard));
    sentences.push(words::why(scorecard));
    if scorecard.baseline.is_some() {
        sentences.push(format!("{}.", words::movement(&scorecard.movement)));
    } else {
        let pairs = &scorecard.organization.pairs;
        let (noncompliant, all) = (
            text::count(pairs.noncompliant),
            text::plural(pairs.total(), "pair", "pairs"),
        );
        sentences.push(format!("{noncompliant} of {all} noncompliant."));
    }
    sentences.extend(events::in_words(scorecard));
    sentences.extend(advice::in_words(scorecard));
    sentences.extend(lowest_in_words(scorecard));
    sentences.extend(rules_in_words(scorecard));
    sentences.join(" ")
}

fn lowest_in_words(scorecard: &Scorecard) -> Option<String> {
    let accounts = scorecard
        .accounts
        .iter()
        .filter(|account| account.scores.pairs.noncompliant > 0)
        .take(3);
    let named: Vec<String> = accounts
        .map(|account| {
            format!(
                "{} {}",
                raw(words::account_name(account), 60),
                text::score(account.scores.compliance_score)
            )
        })
        .collect();
    (!named.is_empty()).then(|| format!("Lowest scores: {}.", named.join(", ")))
}

fn rules_in_words(scorecard: &Scorecard) -> Option<String> {
    let rules = scorecard
        .rules
        .iter()
        .filter(|rule| rule.scores.pairs.noncompliant > 0)
        .take(3);
    let named: Vec<String> = rules
        .map(|rule| {
            format!(
                "{} {}",
                raw(&rule.metadata.rule, 130),
                text::count(rule.scores.pairs.noncompliant)
            )
        })
        .collect();
    (!named.is_empty()).then(|| format!("Most noncompliant rules: {}.", named.join(", ")))
}

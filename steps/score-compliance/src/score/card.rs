//! Brings everything together into the scorecard.
//!
//! What the domain leaves open:
//! - Accounts are those of the coverage: with a scope, expected, or unexpected. `before` is there when the account
//!   had a scope at the baseline; for every other group, when it had a pair there.
//! - Rules, resource types and their names are those with pairs now; organizational units, those of the accounts
//!   listed and of pairs now or at the baseline; severities, those of pairs now or at the baseline.
//! - `rules_without_results` of an account counts normalised rules that are deployed in a collected scope of it and
//!   have no pair in the whole account; it is not knowable when one collected scope's inventory is not, or none was
//!   collected. `scopes_without_results` of a rule counts collected scopes where a name of it is deployed without
//!   results and no other name of it has any; not knowable when one collected scope's inventory anywhere is not.
//! - A trend is fitted through the moments of the snapshots, not of their targets.

use std::collections::BTreeSet;
use std::sync::Arc;

use compliance::catalogue::Severity;
use compliance::events::EventExtract;
use compliance::exceptions::Exceptions;
use compliance::fix_first::FixFirst;
use compliance::report::RunInputs;
use compliance::scorecard::{
    Cause, CauseCounts, ControlScore, GroupScore, MergedPair, Movement, RuleScore, SCHEMA, Scorecard, Scores,
    SeverityScore, Trend, TrendPoint, decompose, direction, fitted_change,
};
use compliance::settings::Settings;
use jiff::Timestamp;

use super::ScoreOutput;
use super::account::{Account, add_movement};
use super::accounts::accounts;
use super::advice;
use super::changes::{LackCounts, Way, Witness};
use super::codes::{Code, Codes, Map};
use super::disagreements::MergedPairs;
use super::durations::{AgeSum, ResolveSum};
use super::groups::{Board, Groups, Sums};
use super::history::{Compared, History, Point};
use super::lists::{Maker, Part, lists};
use super::merged::merged;
use super::people::People;
use super::rules::{names_by_rule, packs, scopes_without_results};
use super::transitions;
use crate::ScoreError;
use crate::engine::spread;

/// Every group's numbers, and what is needed to name the groups.
pub(crate) struct Boards {
    pub(crate) now: Board<Sums>,
    /// `None` without a baseline.
    pub(crate) before: Option<Board<Sums>>,
    pub(crate) movement: Board<Movement>,
    pub(crate) ages: Board<AgeSum>,
    pub(crate) resolves: Board<ResolveSum>,
    pub(crate) groups: Groups,
    pub(crate) people: People,
}

/// Makes the scorecard and the lists of a run whose snapshots are read.
pub(crate) fn make(
    mut history: History,
    inputs: RunInputs,
    events: Option<EventExtract>,
    settings: &Settings,
) -> Result<ScoreOutput, ScoreError> {
    let (baseline, current) = (history.baseline.take(), history.current.take());
    let Some(current) = current else {
        return Err(ScoreError::Inputs(format!(
            "snapshot {} was not read",
            inputs.snapshot.id
        )));
    };
    let compared = [Some(&current), baseline.as_ref()];
    let contexts = compared.into_iter().flatten().map(|compared| &compared.context);
    let people = People::new(settings, contexts, Arc::make_mut(&mut history.codes));
    let groups = Groups::new(&history.codes, settings, people.units());
    let accounts = std::mem::take(&mut history.accounts);
    let maker = Maker {
        codes: &history.codes,
        groups: &groups,
        people: &people,
        witnesses: baseline
            .as_ref()
            .map(|baseline| (witness(baseline), witness(&current))),
        baseline_as_of: inputs
            .baseline
            .as_ref()
            .map_or(i64::MIN, |baseline| baseline.as_of.as_millisecond()),
        now: inputs.snapshot.as_of.as_millisecond(),
    };
    let mut parts = parts(accounts, &maker)?;
    let causes = maker
        .witnesses
        .as_ref()
        .map(|witnesses| causes(&parts, &current.lacks, witnesses));
    let mut lists = lists(&mut parts);
    let example;
    (lists.disagreements, example) = disagreements(&mut parts);
    let boards = boards(&parts, groups, people, baseline.as_ref(), &current);
    drop(parts);
    let mut scorecard = scorecard(
        &history,
        inputs,
        settings,
        &boards,
        baseline.as_ref(),
        current,
        causes.as_ref(),
    )?;
    scorecard.merged.example = example;
    if let Some(events) = events {
        transitions::count(&mut scorecard, &mut lists, events, history.codes.catalogue());
    }
    advice::advise(&mut scorecard, &mut lists, settings, history.codes.catalogue());
    Ok(ScoreOutput { scorecard, lists })
}

fn witness(compared: &Compared) -> Witness<'_> {
    Witness::new(&compared.scopes, &compared.tallies)
}

/// Each account's part, ascending by account.
fn parts(accounts: Map<Code, Account>, maker: &Maker<'_>) -> Result<Vec<Part>, ScoreError> {
    let hand_over_all = |hand_over: &mut dyn FnMut((Code, Account))| {
        accounts.into_iter().for_each(hand_over);
        Ok::<(), ScoreError>(())
    };
    let parts = spread(hand_over_all, |(code, account), parts: &mut Vec<Part>| {
        parts.push(maker.part(code, account));
    })?;
    let mut parts: Vec<Part> = parts.into_iter().flatten().collect();
    parts.sort_by_key(|part| maker.codes.accounts.text(part.account));
    Ok(parts)
}

/// Every pair whose results disagree, and the pair that shows best what merging is.
fn disagreements(parts: &mut [Part]) -> (Vec<MergedPair>, Option<MergedPair>) {
    let mut merged = MergedPairs::default();
    for part in parts {
        merged.append(std::mem::take(&mut part.merged));
    }
    merged.finish()
}

/// Every pair that changed, appeared or vanished since the baseline, compliant ones too, by cause: a pair that appears
/// brings itself, one that vanishes takes itself away.
fn causes(parts: &[Part], lacks: &LackCounts, (baseline, now): &(Witness<'_>, Witness<'_>)) -> CauseCounts {
    let mut causes = CauseCounts::new();
    let mut add = |cause, pairs: u64, compliant_change: i64, pairs_change: i64| {
        if pairs > 0 {
            let counts = causes.entry(cause).or_insert((0, 0, 0));
            counts.0 += pairs;
            counts.1 += compliant_change;
            counts.2 += pairs_change;
        }
    };
    let turned: u64 = parts.iter().map(|part| part.turned_noncompliant).sum();
    add(Cause::TurnedNoncompliant, turned, -(turned as i64), 0);
    let turned: u64 = parts.iter().map(|part| part.turned_compliant).sum();
    add(Cause::TurnedCompliant, turned, turned as i64, 0);
    for (lack, (compliant, noncompliant)) in lacks {
        let (witness, sign) = match lack.way {
            Way::Appeared => (baseline, 1),
            Way::Vanished => (now, -1),
        };
        let pairs = compliant + noncompliant;
        add(
            witness.cause(lack),
            pairs,
            sign * *compliant as i64,
            sign * pairs as i64,
        );
    }
    causes
}

fn boards(
    parts: &[Part],
    groups: Groups,
    people: People,
    baseline: Option<&Compared>,
    current: &Compared,
) -> Boards {
    let mut movement = Board::<Movement>::default();
    let mut ages = Board::<AgeSum>::default();
    let mut resolves = Board::<ResolveSum>::default();
    for part in parts {
        for (spot, of_spot) in &part.movement {
            movement.each(*spot, &groups, |sum| add_movement(sum, *of_spot));
        }
        for (spot, of_spot) in &part.ages {
            ages.each(*spot, &groups, |sum| sum.append(*of_spot));
        }
        for (spot, of_spot) in &part.resolves {
            resolves.each(*spot, &groups, |sum| sum.append(*of_spot));
        }
    }
    Boards {
        now: Board::sum(&current.tallies, &groups),
        before: baseline.map(|baseline| Board::sum(&baseline.tallies, &groups)),
        movement,
        ages,
        resolves,
        groups,
        people,
    }
}

fn scorecard(
    history: &History,
    inputs: RunInputs,
    settings: &Settings,
    boards: &Boards,
    baseline: Option<&Compared>,
    current: Compared,
    causes: Option<&CauseCounts>,
) -> Result<Scorecard, ScoreError> {
    let codes = &history.codes;
    let run_id = inputs.run_id().map_err(|source| ScoreError::Json {
        document: "the run's inputs".to_owned(),
        source,
    })?;
    let organization = boards.now.organization.scores();
    let organization_before = boards.before.as_ref().map(|before| before.organization.scores());
    let read = inputs.history.first().unwrap_or(&inputs.snapshot);
    let rules = rules(&current, codes, boards);
    Ok(Scorecard {
        schema: SCHEMA,
        run_id,
        kind: inputs.kind,
        as_of: inputs.as_of,
        title: title(settings, &inputs, &current),
        simulation: inputs.origin.simulation.clone(),
        baseline: inputs.baseline.clone(),
        snapshots_read: inputs.history.len() as u64 + 1,
        history_from: read.as_of,
        organization,
        completeness: current.context.coverage.completeness(),
        organization_before,
        change: organization_before
            .zip(causes)
            .map(|(before, causes)| decompose(before.pairs, organization.pairs, causes)),
        movement: boards.movement.organization,
        trend: trend(history, &inputs, settings),
        ages: boards.ages.organization.ages(),
        times_to_resolve: boards.resolves.organization.times(),
        mean_time_to_detect_seconds: None,
        events: None,
        severities: severities(settings, boards),
        accounts: accounts(history, &inputs, settings, boards, baseline, &current),
        unrated_rules: unrated(&rules),
        rules,
        resource_types: resource_types(codes, boards),
        organizational_units: units(&current, codes, boards),
        controls: controls(codes, boards),
        merged: merged(&current, codes),
        fix_first: FixFirst::default(),
        exceptions: Exceptions::default(),
        reconciliation: Vec::new(),
        context: current.context,
        inputs,
    })
}

fn title(settings: &Settings, inputs: &RunInputs, current: &Compared) -> String {
    let aggregator = || current.context.aggregator.name.clone();
    let organization = settings.report.organization.clone().unwrap_or_else(aggregator);
    // A part must never be read as the whole.
    match &inputs.origin.scope {
        Some(scope) => format!("{organization} (only {})", scope.describe()),
        None => organization,
    }
}

/// Days from now, for fitting.
pub(crate) fn days(as_of: Timestamp, now: Timestamp) -> f64 {
    (as_of.as_millisecond() - now.as_millisecond()) as f64 / 86_400_000.0
}

/// The snapshots of the trend, `None` for a gap.
pub(crate) fn points<'a>(
    history: &'a History,
    inputs: &'a RunInputs,
) -> impl Iterator<Item = Option<&'a Point>> {
    inputs
        .trend
        .iter()
        .map(|target| history.points.get(target.snapshot_id.as_ref()?))
}

fn trend(history: &History, inputs: &RunInputs, settings: &Settings) -> Trend {
    let scored: Vec<(f64, f64)> = points(history, inputs)
        .flatten()
        .filter_map(|point| Some((days(point.as_of, inputs.as_of), point.scores.compliance_score?)))
        .collect();
    let change = fitted_change(&scored);
    let point = |(target, point): (&compliance::report::TrendTarget, Option<&Point>)| TrendPoint {
        target: target.target,
        snapshot_id: target.snapshot_id.clone(),
        as_of: point.map(|point| point.as_of),
        scores: point.map(|point| point.scores),
        movement: point.and_then(|point| point.movement),
        scopes_missing: point.map_or(0, |point| point.scopes_missing),
    };
    Trend {
        points: inputs
            .trend
            .iter()
            .zip(points(history, inputs))
            .map(point)
            .collect(),
        direction: direction(change, settings.scoring.steady_band_points),
        fitted_change: change,
    }
}

/// Now minus before, when both have data.
pub(crate) fn change(now: &Scores, before: Option<&Scores>) -> Option<f64> {
    Some(now.compliance_score? - before?.compliance_score?)
}

fn severities(settings: &Settings, boards: &Boards) -> Vec<SeverityScore> {
    let there = |severity: &Option<Severity>| {
        let before = boards
            .before
            .iter()
            .any(|before| before.severities.contains_key(severity));
        before || boards.now.severities.contains_key(severity)
    };
    let all = Severity::ALL.into_iter().map(Some).chain([None]);
    all.filter(there)
        .map(|severity| {
            let now = boards.now.severities.get(&severity).cloned().unwrap_or_default();
            SeverityScore {
                severity,
                weight: settings.scoring.weights.of(severity.unwrap_or(Severity::Medium)),
                rules: now.rules.len() as u64,
                scores: now.scores(),
                movement: boards
                    .movement
                    .severities
                    .get(&severity)
                    .copied()
                    .unwrap_or_default(),
                ages: boards
                    .ages
                    .severities
                    .get(&severity)
                    .copied()
                    .unwrap_or_default()
                    .ages(),
                times_to_resolve: boards
                    .resolves
                    .severities
                    .get(&severity)
                    .copied()
                    .unwrap_or_default()
                    .times(),
            }
        })
        .collect()
}

fn rules(current: &Compared, codes: &Codes, boards: &Boards) -> Vec<RuleScore> {
    let names = names_by_rule(current, codes);
    let without = scopes_without_results(current);
    let mut rules: Vec<RuleScore> = boards
        .now
        .rules
        .iter()
        .map(|(&rule, sums)| {
            let scores = sums.scores();
            let before = boards
                .before
                .as_ref()
                .and_then(|before| Some(before.rules.get(&rule)?.scores()));
            let config_rule_names = names.get(&rule).cloned().unwrap_or_default();
            RuleScore {
                metadata: boards.groups.metadata[rule as usize].clone(),
                conformance_packs: packs(&config_rule_names, &current.context, codes),
                config_rule_names,
                scores,
                before,
                change: change(&scores, before.as_ref()),
                movement: boards.movement.rules.get(&rule).copied().unwrap_or_default(),
                accounts_noncompliant: sums.accounts_noncompliant.len() as u64,
                accounts: sums.accounts.len() as u64,
                scopes_without_results: without
                    .as_ref()
                    .map(|without| without.get(&rule).copied().unwrap_or_default()),
            }
        })
        .collect();
    rules.sort_by(|a, b| {
        let most = b.scores.pairs.noncompliant.cmp(&a.scores.pairs.noncompliant);
        most.then_with(|| a.metadata.rule.cmp(&b.metadata.rule))
    });
    rules
}

fn unrated(rules: &[RuleScore]) -> Vec<String> {
    let mut unrated: Vec<String> = rules
        .iter()
        .filter(|rule| rule.metadata.severity.is_none())
        .map(|rule| rule.metadata.rule.clone())
        .collect();
    unrated.sort();
    unrated
}

fn group(
    name: Option<String>,
    now: Option<&Sums>,
    before: Option<&Sums>,
    movement: Option<&Movement>,
) -> GroupScore {
    let now = now.cloned().unwrap_or_default();
    let scores = now.scores();
    let before = before.map(Sums::scores);
    GroupScore {
        name,
        accounts: now.accounts.len() as u64,
        scores,
        before,
        change: change(&scores, before.as_ref()),
        movement: movement.copied().unwrap_or_default(),
    }
}

fn resource_types(codes: &Codes, boards: &Boards) -> Vec<GroupScore> {
    let mut types: Vec<GroupScore> = boards
        .now
        .resource_types
        .iter()
        .map(|(code, now)| {
            let before = boards
                .before
                .as_ref()
                .and_then(|before| before.resource_types.get(code));
            let name = codes.resource_types.text(*code).to_owned();
            group(
                Some(name),
                Some(now),
                before,
                boards.movement.resource_types.get(code),
            )
        })
        .collect();
    types.sort_by(|a, b| {
        let most = b.scores.pairs.noncompliant.cmp(&a.scores.pairs.noncompliant);
        most.then_with(|| a.name.cmp(&b.name))
    });
    types
}

fn units(current: &Compared, codes: &Codes, boards: &Boards) -> Vec<GroupScore> {
    let listed = super::accounts::listed(&current.context.coverage);
    let of_account = |account: &str| {
        codes
            .accounts
            .find(account)
            .and_then(|code| boards.people.unit(code))
    };
    let mut names: BTreeSet<Option<String>> = listed.into_iter().map(of_account).collect();
    names.extend(boards.now.units.keys().cloned());
    names.extend(
        boards
            .before
            .iter()
            .flat_map(|before| before.units.keys().cloned()),
    );
    // An unknown unit sorts first among options, and is shown last.
    let unknown = names.remove(&None).then_some(None);
    names
        .into_iter()
        .chain(unknown)
        .map(|name| {
            let before = boards.before.as_ref().and_then(|before| before.units.get(&name));
            let (now, movement) = (boards.now.units.get(&name), boards.movement.units.get(&name));
            group(name.clone(), now, before, movement)
        })
        .collect()
}

fn controls(codes: &Codes, boards: &Boards) -> Vec<ControlScore> {
    let catalogue = codes.catalogue();
    let managed: Vec<_> = catalogue
        .managed_rules()
        .map(|rule| catalogue.metadata(&rule.rule))
        .collect();
    let with_results = |rule: &str| {
        let code: Option<Code> = codes.rules.find(rule);
        code.is_some_and(|code| boards.now.rules.contains_key(&code))
    };
    let control = |(place, (framework, control)): (usize, &(String, String))| {
        let now = boards.now.controls.get(&place).cloned().unwrap_or_default();
        let before = boards
            .before
            .as_ref()
            .and_then(|before| before.controls.get(&place));
        let before = before.map(Sums::scores);
        let scores = now.scores();
        let rules: BTreeSet<String> = now
            .rules
            .iter()
            .map(|rule| codes.rules.text(rule).to_owned())
            .collect();
        let mapped = managed.iter().filter(|rule| {
            rule.controls
                .get(framework)
                .is_some_and(|controls| controls.contains(control))
        });
        ControlScore {
            framework: framework.clone(),
            control: control.clone(),
            rules: rules.into_iter().collect(),
            rules_without_results: mapped.filter(|rule| !with_results(&rule.rule)).count() as u64,
            scores,
            before,
            change: change(&scores, before.as_ref()),
        }
    };
    boards.groups.controls.iter().enumerate().map(control).collect()
}

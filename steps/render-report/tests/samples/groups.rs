//! Scores of the sample's pairs, by every grouping of a scorecard.

use super::*;

pub(super) fn tally<'a>(pairs: impl Iterator<Item = &'a Pair>, state: fn(&Pair) -> Option<bool>) -> Tally {
    let mut out = Tally::default();
    for compliant in pairs.filter_map(state) {
        if compliant {
            out.compliant += 1;
        } else {
            out.noncompliant += 1;
        }
    }
    out
}

pub(super) fn scores_of(pairs: &[&Pair], rules: &[RuleMetadata], state: fn(&Pair) -> Option<bool>) -> Scores {
    let mut resources: BTreeMap<(usize, &str), bool> = BTreeMap::new();
    let mut weight = Tally::default();
    for pair in pairs {
        let Some(compliant) = state(pair) else { continue };
        *resources.entry((pair.account, &pair.resource_id)).or_insert(true) &= compliant;
        let heavy = weight_of(rules[pair.rule].severity);
        if compliant {
            weight.compliant += heavy;
        } else {
            weight.noncompliant += heavy;
        }
    }
    let whole = resources.values().filter(|whole| **whole).count() as u64;
    let resources = Tally {
        compliant: whole,
        noncompliant: resources.len() as u64 - whole,
    };
    Scores::new(tally(pairs.iter().copied(), state), resources, weight)
}

pub(super) fn weight_of(severity: Option<Severity>) -> u64 {
    Settings::default()
        .scoring
        .weights
        .of(severity.unwrap_or(Severity::Medium))
        .into()
}

pub(super) struct Group {
    pub(super) scores: Scores,
    pub(super) before: Option<Scores>,
    pub(super) change: Option<f64>,
    pub(super) movement: Movement,
    pub(super) ages: Ages,
    pub(super) times: TimesToResolve,
}

pub(super) fn group(shape: &Shape, rules: &[RuleMetadata], pairs: &[&Pair]) -> Group {
    let scores = scores_of(pairs, rules, |pair| pair.now);
    let before = (!shape.first_run).then(|| scores_of(pairs, rules, |pair| pair.before));
    let count = |test: &dyn Fn(&Pair) -> bool| pairs.iter().filter(|pair| test(pair)).count() as u64;
    let movement = if shape.first_run {
        Movement::default()
    } else {
        Movement {
            new: count(&is_new),
            resolved: count(&|pair| pair.before == Some(false) && pair.now == Some(true)),
            still: count(&|pair| pair.before == Some(false) && pair.now == Some(false)),
            vanished: count(&|pair| pair.before == Some(false) && pair.now.is_none()),
        }
    };
    Group {
        change: before.and_then(|before| Some(scores.compliance_score? - before.compliance_score?)),
        ages: ages(pairs),
        times: TimesToResolve {
            resolved: movement.resolved * 3,
            at_least: movement.resolved / 2,
            mean_seconds: (movement.resolved > 0).then_some(86_400.0 * 3.4),
        },
        scores,
        before,
        movement,
    }
}

pub(super) fn ages(pairs: &[&Pair]) -> Ages {
    let open: Vec<f64> = pairs
        .iter()
        .filter(|pair| pair.now == Some(false))
        .map(|pair| pair.age_days)
        .collect();
    let mut classes = [0; 5];
    for age in &open {
        classes[AGE_BOUNDS_DAYS
            .iter()
            .filter(|bound| *age >= f64::from(**bound))
            .count()] += 1;
    }
    Ages {
        open: open.len() as u64,
        at_least: open.iter().filter(|age| **age > 40.0).count() as u64,
        classes,
        mean_seconds: (!open.is_empty()).then(|| open.iter().sum::<f64>() / open.len() as f64 * 86_400.0),
        oldest_seconds: open.iter().copied().reduce(f64::max).map(|days| days * 86_400.0),
    }
}

pub(super) fn severities(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<SeverityScore> {
    let present: BTreeSet<_> = rules
        .iter()
        .map(|rule| (rule.severity.is_none(), rule.severity))
        .collect();
    present
        .into_iter()
        .map(|(_, severity)| {
            let of: Vec<_> = pairs
                .iter()
                .filter(|pair| rules[pair.rule].severity == severity)
                .collect();
            let group = group(shape, rules, &of);
            SeverityScore {
                severity,
                weight: weight_of(severity) as u32,
                rules: rules.iter().filter(|rule| rule.severity == severity).count() as u64,
                scores: group.scores,
                movement: group.movement,
                ages: group.ages,
                times_to_resolve: group.times,
            }
        })
        .collect()
}

pub(super) fn accounts(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<AccountScore> {
    let mut out: Vec<_> = (0..shape.accounts)
        .map(|index| account(shape, rules, pairs, index))
        .collect();
    if shape.missing_scopes {
        out.push(AccountScore {
            completeness: Completeness::Missing,
            scopes_collected: 0,
            ..account(shape, rules, &[], shape.accounts)
        });
        out.push(account(shape, rules, &[], shape.accounts + 1));
    }
    out.sort_by(|a, b| {
        let key = |account: &AccountScore| account.scores.compliance_score.unwrap_or(2.0);
        key(a).total_cmp(&key(b)).then(a.account_id.cmp(&b.account_id))
    });
    out
}

pub(super) fn account(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair], index: usize) -> AccountScore {
    let of: Vec<_> = pairs.iter().filter(|pair| pair.account == index).collect();
    let group = group(shape, rules, &of);
    let periods = shape.kind.trend_periods();
    let slope = (dice(&[index, 77]) % 9) as f64 / 1000.0 - 0.004;
    let trend: Vec<Option<f64>> = (0..=periods)
        .rev()
        .map(|back| {
            let known = back == 0 || !(shape.first_run || back == 4);
            let wobble = (dice(&[index, back as usize]) % 10) as f64 / 2000.0;
            known.then_some(())?;
            let level = if back == 0 {
                Some(group.scores)
            } else {
                group.before
            };
            Some((level?.compliance_score? - slope * f64::from(back) + wobble).clamp(0.0, 1.0))
        })
        .collect();
    let known: Vec<_> = trend
        .iter()
        .enumerate()
        .filter_map(|(day, share)| Some((day as f64, (*share)?)))
        .collect();
    let fitted_change = fitted_change(&known);
    AccountScore {
        account_id: account_id(index),
        name: account_name(index),
        organizational_unit: Some(UNITS[index % 4].to_owned()),
        completeness: if shape.missing_scopes && index == 3 {
            Completeness::Partial
        } else {
            Completeness::Complete
        },
        scopes: 3,
        scopes_collected: if shape.missing_scopes && index == 3 { 2 } else { 3 },
        scores: group.scores,
        before: group.before,
        change: group.change,
        movement: group.movement,
        trend,
        direction: direction(fitted_change, 0.5),
        fitted_change,
        ages: group.ages,
        times_to_resolve: group.times,
        rules_without_results: None,
    }
}

pub(super) fn rule_scores(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<RuleScore> {
    let mut out: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, metadata)| {
            let of: Vec<_> = pairs.iter().filter(|pair| pair.rule == index).collect();
            let violated: BTreeSet<_> = of
                .iter()
                .filter(|one| one.now == Some(false))
                .map(|one| one.account)
                .collect();
            let group = group(shape, rules, &of);
            RuleScore {
                metadata: metadata.clone(),
                config_rule_names: vec![metadata.rule.clone()],
                conformance_packs: if index.is_multiple_of(7) {
                    vec!["operational-best-practices".to_owned()]
                } else {
                    vec![]
                },
                scores: group.scores,
                before: group.before,
                change: group.change,
                movement: group.movement,
                accounts_noncompliant: violated.len() as u64,
                accounts: of.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64,
                scopes_without_results: None,
            }
        })
        .collect();
    out.sort_by_key(|rule| {
        (
            std::cmp::Reverse(rule.scores.pairs.noncompliant),
            rule.metadata.rule.clone(),
        )
    });
    out
}

pub(super) fn groups(
    shape: &Shape,
    rules: &[RuleMetadata],
    pairs: &[Pair],
    name: fn(&Pair) -> String,
) -> Vec<GroupScore> {
    let names: BTreeSet<String> = pairs.iter().map(name).collect();
    let mut out: Vec<_> = names
        .into_iter()
        .map(|one| {
            let of: Vec<_> = pairs.iter().filter(|pair| name(pair) == one).collect();
            let group = group(shape, rules, &of);
            GroupScore {
                name: Some(one),
                accounts: of.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64,
                scores: group.scores,
                before: group.before,
                change: group.change,
                movement: group.movement,
            }
        })
        .collect();
    out.sort_by_key(|group| {
        (
            std::cmp::Reverse(group.scores.pairs.noncompliant),
            group.name.clone(),
        )
    });
    out
}

pub(super) fn controls(shape: &Shape, rules: &[RuleMetadata], pairs: &[Pair]) -> Vec<ControlScore> {
    let ids: BTreeSet<&String> = rules
        .iter()
        .filter_map(|rule| rule.controls.get("soc2"))
        .flatten()
        .collect();
    ids.into_iter()
        .map(|id| {
            let mapped = |rule: &RuleMetadata| rule.controls.get("soc2").is_some_and(|ids| ids.contains(id));
            let of: Vec<_> = pairs.iter().filter(|pair| mapped(&rules[pair.rule])).collect();
            let group = group(shape, rules, &of);
            ControlScore {
                framework: "soc2".to_owned(),
                control: id.clone(),
                rules: rules
                    .iter()
                    .filter(|rule| mapped(rule))
                    .map(|rule| rule.rule.clone())
                    .collect(),
                rules_without_results: dice(&[id.len(), 4]) % 9,
                scores: group.scores,
                before: group.before,
                change: group.change,
            }
        })
        .collect()
}

pub(super) fn merged(rules: &[RuleMetadata], pairs: u64) -> Merged {
    // Nothing is merged where nothing was collected.
    let (by_region, by_name) = if pairs == 0 { (0, 0) } else { (44, 31) };
    let one = rules.first().filter(|_| pairs > 0).map(|rule| MergedRule {
        rule: rule.rule.clone(),
        config_rule_names: vec![
            rule.rule.clone(),
            format!("{}-conformance-pack-a1b2c3d4e", rule.rule),
            format!("securityhub-{}-0a1b2c3d", rule.rule),
        ],
        duplicates: by_name,
    });
    Merged {
        read: pairs + by_region + by_name,
        not_collected: 0,
        unknown: 0,
        example: None,
        results: pairs + by_region + by_name,
        pairs,
        global_duplicates: by_region,
        name_duplicates: by_name,
        disagreements: u64::from(pairs > 0),
        rules: one.into_iter().collect(),
    }
}

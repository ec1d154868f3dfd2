//! Exceptions, repairs and balances the slow way: every exception against every pair, and every gain by scoring the
//! snapshot again as if the repair had been made.

use std::collections::{BTreeMap, BTreeSet};

use compliance::evaluation::{ComplianceType, PairKey};
use compliance::exceptions::{
    Exception, ExceptionEntry, ExceptionSettings, ExceptionState, Exceptions, PairException,
};
use compliance::fix_first::{FixFirst, Points, Repair, Together};
use compliance::reconciliation::Balance;
use compliance::scorecard::*;

use crate::card::Reference;
use crate::oracle::{Snapshot, rank};

/// A rule in an account.
pub(crate) type Spot = (String, String);

impl Reference<'_> {
    /// The exceptions of the settings, those of one pair's scope in the order written.
    fn in_scope<'e>(&'e self, key: &'e PairKey) -> impl Iterator<Item = (usize, &'e ExceptionSettings)> {
        let exceptions = self.settings.exceptions.iter().enumerate();
        exceptions.filter(|(_, exception)| {
            let one_of = |patterns: &[String], text: Option<&str>| {
                let fits = |pattern: &String| match (pattern.split_once('*'), text) {
                    (_, None) => false,
                    (Some((beginning, _)), Some(text)) => text.get(..beginning.len()) == Some(beginning),
                    (None, Some(text)) => text == pattern,
                };
                patterns.is_empty() || patterns.iter().any(fits)
            };
            rule_of(exception) == key.rule
                && one_of(&exception.accounts, Some(&key.account_id))
                && one_of(
                    &exception.organizational_units,
                    self.unit(&key.account_id).as_deref(),
                )
                && one_of(&exception.regions, Some(&key.aws_region))
                && one_of(&exception.resource_types, Some(&key.resource_type))
                && one_of(&exception.resource_ids, Some(&key.resource_id))
        })
    }

    fn state(&self, exception: &ExceptionSettings) -> ExceptionState {
        // The days as text sort as the days themselves.
        let today = self.inputs.as_of.to_string()[..10].to_owned();
        let (approved, expires) = (exception.approved.to_string(), exception.expires.to_string());
        if today > expires {
            return ExceptionState::Expired;
        }
        if today < approved {
            return ExceptionState::NotYetApproved;
        }
        match days_left(&today, &expires) {
            0..=14 => ExceptionState::Expiring,
            _ => ExceptionState::Active,
        }
    }

    /// The place of the exception that speaks for a pair.
    fn speaker(&self, key: &PairKey) -> Option<usize> {
        let last = |in_force: bool| {
            let fits = self.in_scope(key).filter(|(_, exception)| {
                let state = self.state(exception);
                if in_force {
                    state.in_force()
                } else {
                    state == ExceptionState::Expired
                }
            });
            let mut fits: Vec<_> = fits.collect();
            fits.sort_by_key(|(place, exception)| (std::cmp::Reverse(exception.expires), *place));
            fits.first().map(|(place, _)| *place)
        };
        last(true).or_else(|| last(false))
    }

    pub(crate) fn exception_of(&self, key: &PairKey) -> Option<PairException> {
        let place = self.speaker(key)?;
        let exception = &self.settings.exceptions[place];
        Some(PairException {
            id: id(place, exception),
            state: self.state(exception),
            reason: exception.reason.clone(),
            expires: exception.expires,
        })
    }

    fn excepted(&self, key: &PairKey) -> bool {
        self.exception_of(key)
            .is_some_and(|exception| exception.state.in_force())
    }

    pub(crate) fn exceptions(&self) -> Exceptions {
        let noncompliant = self.now().noncompliant();
        let today = self.inputs.as_of.to_string()[..10].to_owned();
        let entry = |(place, settings): (usize, &ExceptionSettings)| {
            let pairs = noncompliant
                .iter()
                .filter(|key| self.in_scope(key).any(|(other, _)| other == place));
            let speaks = noncompliant
                .iter()
                .filter(|key| self.speaker(key) == Some(place) && self.excepted(key));
            let exception = Exception {
                id: id(place, settings),
                rule: rule_of(settings).to_owned(),
                state: self.state(settings),
                days_left: days_left(&today, &settings.expires.to_string()),
                settings: settings.clone(),
            };
            let severity = self.catalogue.metadata(&exception.rule).severity;
            ExceptionEntry::new(&exception, severity, pairs.count() as u64, speaks.count() as u64)
        };
        let mut entries: Vec<_> = self.settings.exceptions.iter().enumerate().map(entry).collect();
        entries.sort_by_key(|entry| {
            let rank = match entry.state {
                ExceptionState::Expired => 0,
                ExceptionState::Expiring => 1,
                ExceptionState::NotYetApproved => 2,
                ExceptionState::Active => 3,
            };
            (rank, entry.terms.expires, entry.id.clone())
        });
        let excepted = noncompliant.iter().filter(|key| self.excepted(key));
        let new = |key: &&&&PairKey| self.before().is_some_and(|before| !before.is_noncompliant(key));
        Exceptions {
            entries,
            noncompliant: excepted.clone().count() as u64,
            new: excepted.collect::<Vec<_>>().iter().filter(new).count() as u64,
        }
    }

    /// What would be repaired in each rule and account.
    pub(crate) fn spots(&self) -> BTreeMap<Spot, BTreeSet<PairKey>> {
        let mut spots: BTreeMap<Spot, BTreeSet<PairKey>> = BTreeMap::new();
        for key in self
            .now()
            .noncompliant()
            .into_iter()
            .filter(|key| !self.excepted(key))
        {
            let spot = (key.rule.clone(), key.account_id.clone());
            spots.entry(spot).or_default().insert(key.clone());
        }
        spots
    }

    /// The snapshot with these pairs turned compliant.
    fn repaired<'k>(&self, keys: impl IntoIterator<Item = &'k PairKey>) -> Snapshot<'_> {
        let mut snapshot = self.now().clone();
        for key in keys {
            for row in snapshot.pairs.get_mut(key).expect("a pair") {
                row.compliance_type = ComplianceType::Compliant;
            }
        }
        snapshot
    }

    /// Scores of the organization, or of one account, with these pairs turned compliant.
    pub(crate) fn scores_with<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k PairKey>,
        account: Option<&str>,
    ) -> Scores {
        let belongs = |key: &PairKey| account.is_none_or(|account| key.account_id == account);
        self.repaired(keys).scores(&self.catalogue, belongs)
    }

    pub(crate) fn repairs(&self) -> Vec<Repair> {
        let mut repairs: Vec<(Repair, BTreeSet<PairKey>)> = self
            .spots()
            .into_iter()
            .map(|((rule, account), keys)| (self.repair(&rule, &account, &keys), keys))
            .collect();
        // By rule and account already.
        repairs.sort_by_key(|(repair, _)| {
            let most = std::cmp::Reverse((repair.weight, repair.pairs));
            (most, rank(repair.severity))
        });
        let mut done = BTreeSet::new();
        repairs
            .into_iter()
            .map(|(repair, keys)| {
                done.extend(keys);
                let organization_after = points(&self.scores_with(&done, None));
                Repair {
                    organization_after,
                    ..repair
                }
            })
            .collect()
    }

    fn repair(&self, rule: &str, account: &str, keys: &BTreeSet<PairKey>) -> Repair {
        let (none, all) = (BTreeSet::new(), None);
        let gain = |account| {
            let (before, after) = (self.scores_with(&none, account), self.scores_with(keys, account));
            let (before, after) = (points(&before), points(&after));
            Points {
                compliance: after.compliance - before.compliance,
                weighted: after.weighted - before.weighted,
            }
        };
        let rows: Vec<PairRow> = keys.iter().filter_map(|key| self.row(key)).collect();
        let noncompliant = self.now().noncompliant();
        let excepted = noncompliant
            .iter()
            .filter(|key| key.rule == rule && key.account_id == account && self.excepted(key));
        let fixed = self.scores_with(keys, all).resources.compliant;
        Repair {
            rule: rule.to_owned(),
            severity: self.catalogue.metadata(rule).severity,
            account_id: account.to_owned(),
            account_name: self.name(account),
            pairs: keys.len() as u64,
            weight: keys.len() as u64 * u64::from(self.catalogue.weight(rule)),
            excepted: excepted.count() as u64,
            resources_freed: fixed - self.scores_with(&none, all).resources.compliant,
            oldest_since: rows.iter().filter_map(|row| row.noncompliant_since).min(),
            oldest_at_least: rows.iter().any(|row| row.since_at_least),
            gain: gain(all),
            organization_after: Points::default(),
            account_gain: gain(Some(account)),
            account_after: points(&self.scores_with(keys, Some(account))),
        }
    }

    pub(crate) fn fix_first(&self) -> FixFirst {
        let repairs = self.repairs();
        let spots = self.spots();
        let excepted: BTreeSet<PairKey> = self
            .now()
            .noncompliant()
            .into_iter()
            .filter(|key| self.excepted(key))
            .cloned()
            .collect();
        let weighs = repairs.iter().any(|repair| repair.weight > 0);
        let worth = |repairs: &[Repair]| -> u64 {
            let worth = |repair: &Repair| if weighs { repair.weight } else { repair.pairs };
            repairs.iter().map(worth).sum()
        };
        let half = (0..=repairs.len()).find(|count| worth(&repairs[..*count]) * 2 >= worth(&repairs));
        FixFirst {
            repairs: repairs.len() as u64,
            half: half.expect("all of them are half") as u64,
            all: self.together(spots.values().flatten()),
            excepted: self.together(&excepted),
            first: repairs.into_iter().take(25).collect(),
        }
    }

    fn together<'k>(&self, keys: impl IntoIterator<Item = &'k PairKey>) -> Together {
        let now = self.scores_with(&BTreeSet::new(), None);
        let after = self.scores_with(keys, None);
        Together {
            pairs: after.pairs.compliant - now.pairs.compliant,
            weight: after.weight.compliant - now.weight.compliant,
            gain: Points {
                compliance: points(&after).compliance - points(&now).compliance,
                weighted: points(&after).weighted - points(&now).weighted,
            },
        }
    }

    /// Pairs of several results, by key; those that disagree or all.
    pub(crate) fn merged_pairs(&self, disagreeing: bool) -> Vec<MergedPair> {
        let pairs = self.now().pairs.iter().filter(|(key, rows)| {
            let differs = rows
                .iter()
                .any(|row| row.compliance_type != rows[0].compliance_type);
            rows.len() > 1 && self.now().is_noncompliant(key) && (differs || !disagreeing)
        });
        let pair = |(key, rows): (&PairKey, &Vec<_>)| {
            let rows: &Vec<compliance::evaluation::EvaluationResult> = rows;
            let mut results: Vec<MergedResult> = rows
                .iter()
                .map(|row| MergedResult {
                    config_rule_name: row.config_rule_name.clone(),
                    aws_region: row.aws_region.clone(),
                    compliance_type: row.compliance_type,
                })
                .collect();
            results.sort();
            MergedPair {
                key: key.clone(),
                account_name: self.name(&key.account_id),
                results,
            }
        };
        pairs.map(pair).collect()
    }

    pub(crate) fn example(&self) -> Option<MergedPair> {
        let most = |mut pairs: Vec<MergedPair>| {
            pairs.sort_by_key(|pair| std::cmp::Reverse(pair.results.len()));
            pairs.into_iter().next()
        };
        most(self.merged_pairs(true)).or_else(|| most(self.merged_pairs(false)))
    }

    /// What the balances count; each but the first balances by the definitions. What a collection says of itself is
    /// not generated.
    pub(crate) fn reconciliation(&self, found: &[Balance]) -> Vec<Balance> {
        let mut balances = found.to_vec();
        for balance in balances.iter_mut().skip(1) {
            balance.counted = balance.expected;
        }
        balances
    }
}

fn days_left(today: &str, expires: &str) -> i32 {
    let day = |text: &str| -> jiff::civil::Date { text.parse().expect("a day") };
    (day(expires) - day(today)).get_days()
}

fn id(place: usize, exception: &ExceptionSettings) -> String {
    exception
        .id
        .clone()
        .unwrap_or_else(|| format!("exception-{}", place + 1))
}

/// What the generated settings' names of rules stand for.
fn rule_of(exception: &ExceptionSettings) -> &str {
    match exception.rule.as_str() {
        "INCOMING_SSH_DISABLED" | "our-ssh" => "restricted-ssh",
        "OrgConfigRule-iam-user-mfa-enabled-x1y2" => "iam-user-mfa-enabled",
        rule => rule,
    }
}

/// No score is no points.
fn points(scores: &Scores) -> Points {
    Points {
        compliance: scores.compliance_score.unwrap_or_default(),
        weighted: scores.weighted_score.unwrap_or_default(),
    }
}

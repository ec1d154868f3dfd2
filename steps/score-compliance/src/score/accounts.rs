//! Accounts, those without any data included.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use compliance::coverage::{Coverage, ScopeCoverage};
use compliance::report::RunInputs;
use compliance::scorecard::{AccountScore, Completeness, direction, fitted_change};
use compliance::settings::Settings;

use super::card::{Boards, change, days, points};
use super::codes::Code;
use super::groups::Sums;
use super::history::{Compared, History};
use super::rules::inventory_known;

/// Every account with a scope, expected or unexpected.
pub(crate) fn listed(coverage: &Coverage) -> BTreeSet<&str> {
    let of_scopes = coverage.scopes.iter().map(|scope| &scope.source.account_id);
    of_scopes
        .chain(&coverage.expected_accounts)
        .chain(&coverage.unexpected_accounts)
        .map(String::as_str)
        .collect()
}

/// What every account's row is made from.
struct Maker<'a> {
    history: &'a History,
    inputs: &'a RunInputs,
    settings: &'a Settings,
    boards: &'a Boards,
    baseline: Option<&'a Compared>,
    scopes: BTreeMap<&'a str, Vec<&'a ScopeCoverage>>,
    /// Rules deployed without results, by account.
    without_results: HashMap<Code, HashSet<Code>>,
}

/// Every account listed, lowest compliance score first, no data last, then by id.
pub(crate) fn accounts(
    history: &History,
    inputs: &RunInputs,
    settings: &Settings,
    boards: &Boards,
    baseline: Option<&Compared>,
    current: &Compared,
) -> Vec<AccountScore> {
    let mut scopes: BTreeMap<&str, Vec<&ScopeCoverage>> = BTreeMap::new();
    for scope in &current.context.coverage.scopes {
        scopes.entry(&scope.source.account_id).or_default().push(scope);
    }
    let with_results = current.tallies.account_rules();
    let mut without_results: HashMap<Code, HashSet<Code>> = HashMap::new();
    for &(account, _, rule) in &current.scopes.without_results {
        if !with_results.contains(&(account, rule)) {
            without_results.entry(account).or_default().insert(rule);
        }
    }
    let maker = Maker {
        history,
        inputs,
        settings,
        boards,
        baseline,
        scopes,
        without_results,
    };
    let listed = listed(&current.context.coverage);
    let mut accounts: Vec<AccountScore> = listed
        .into_iter()
        .map(|account_id| maker.account(account_id))
        .collect();
    accounts.sort_by(|a, b| {
        let order = |account: &AccountScore| account.scores.compliance_score.unwrap_or(f64::INFINITY);
        order(a)
            .total_cmp(&order(b))
            .then_with(|| a.account_id.cmp(&b.account_id))
    });
    accounts
}

impl Maker<'_> {
    fn account(&self, account_id: &str) -> AccountScore {
        let code = self.history.codes.accounts.find(account_id);
        let scopes = self.scopes.get(account_id).map(Vec::as_slice).unwrap_or_default();
        let boards = self.boards;
        let scores = of(&boards.now.accounts, code).scores();
        let before = self
            .baseline
            .filter(|baseline| code.is_some_and(|code| baseline.scopes.lists(code)))
            .and(boards.before.as_ref())
            .map(|before| of::<Sums>(&before.accounts, code).scores());
        let trend: Vec<Option<f64>> = self
            .trend(code)
            .map(|point| point.map(|(_, score)| score))
            .collect();
        let fitted = fitted_change(&self.trend(code).flatten().collect::<Vec<_>>());
        AccountScore {
            account_id: account_id.to_owned(),
            name: code.and_then(|code| boards.people.name(code)),
            organizational_unit: code.and_then(|code| boards.people.unit(code)),
            completeness: completeness(scopes),
            scopes: scopes.len() as u64,
            scopes_collected: scopes.iter().filter(|scope| scope.collected()).count() as u64,
            scores,
            before,
            change: change(&scores, before.as_ref()),
            movement: of(&boards.movement.accounts, code),
            trend,
            direction: direction(fitted, self.settings.scoring.steady_band_points),
            fitted_change: fitted,
            ages: of(&boards.ages.accounts, code).ages(),
            times_to_resolve: of(&boards.resolves.accounts, code).times(),
            rules_without_results: inventory_known(scopes.iter().copied())
                .then(|| of(&self.without_results, code).len() as u64),
        }
    }

    /// The account's score at each point, with its moment in days; `None` is a gap or no data.
    fn trend(&self, code: Option<Code>) -> impl Iterator<Item = Option<(f64, f64)>> {
        points(self.history, self.inputs).map(move |point| {
            let point = point?;
            let score = point.accounts.get(&code?)?.score()?;
            Some((days(point.as_of, self.inputs.as_of), score))
        })
    }
}

fn of<T: Clone + Default>(board: &HashMap<Code, T>, code: Option<Code>) -> T {
    code.and_then(|code| board.get(&code))
        .cloned()
        .unwrap_or_default()
}

/// Missing without a collected scope; complete when every scope was collected, up to date, with every rule.
fn completeness(scopes: &[&ScopeCoverage]) -> Completeness {
    if !scopes.iter().any(|scope| scope.collected()) {
        Completeness::Missing
    } else if scopes.iter().all(|scope| scope.is_whole()) {
        Completeness::Complete
    } else {
        Completeness::Partial
    }
}

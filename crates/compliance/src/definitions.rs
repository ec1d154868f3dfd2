//! What every number of a report means: written once, printed on the last page of each report that has such numbers.

/// A term and its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// As reports use it.
    pub term: &'static str,
    /// What it means, exactly.
    pub meaning: &'static str,
}

/// Those of every report, in the order printed.
pub const DEFINITIONS: &[Definition] = &[
    Definition {
        term: "Pair",
        meaning: "A rule and a resource it was evaluated on, in one account and region. Results of one rule deployed under several names (plain, conformance pack, Security Hub, organization rule), and of a global resource recorded in several regions, count as one pair; if they disagree, noncompliant wins. A pair that is compliant in all of these that were read, but noncompliant before in one that was not read since, is unknown: it counts nowhere, is not resolved, and vanished as not collected.",
    },
    Definition {
        term: "Compliance score",
        meaning: "Compliant pairs divided by pairs, as AWS Config defines it. Without pairs there is no data, which is neither 0 nor 100 %.",
    },
    Definition {
        term: "Resource score",
        meaning: "Resources with no noncompliant pair divided by resources with at least one pair.",
    },
    Definition {
        term: "Weighted score",
        meaning: "The compliance score with each pair counted by the weight of its rule's severity: critical 10, high 5, medium 2, low 1, informational 0, unless set otherwise. A rule without a severity is unrated and weighs as medium.",
    },
    Definition {
        term: "Baseline",
        meaning: "The earlier snapshot compared with: for a daily report the one nearest to 24 hours before, for a weekly report nearest to 7 days before, within half that period; else the newest earlier one.",
    },
    Definition {
        term: "New",
        meaning: "Noncompliant now and not noncompliant at the baseline: it was compliant there, or not there at all.",
    },
    Definition {
        term: "Resolved",
        meaning: "Noncompliant at the baseline and compliant now.",
    },
    Definition {
        term: "Vanished",
        meaning: "Noncompliant at the baseline and without a result now. The first cause that holds is named: not collected (its scope is missing now), account left (no source now), rule removed, resource deleted, no longer evaluated. Where rule and resource both have no result in the account any more, the rule counts as removed when the rule inventory shows it gone or, without an inventory, when it has no result in the whole organization; else the resource counts as deleted. Vanished is not resolved.",
    },
    Definition {
        term: "Change and why",
        meaning: "The change of the compliance score in percentage points. With c compliant of n pairs and s = c ÷ n, a cause that changed c by Δc and n by Δn contributes (Δc − s₀·Δn) ÷ n₁, where 0 is the baseline and 1 is now. Each pair that changed, appeared or vanished has exactly one cause, so the contributions sum to the change with nothing left over.",
    },
    Definition {
        term: "Trend",
        meaning: "The least-squares line through the compliance scores of the window (a daily report: 7 days; a weekly report: 12 weeks). If its change from the first to the last point is within the steady band (0.5 percentage points unless set otherwise) the trend is steady; above it improving, below it degrading. Fewer than two points are not enough history. Accounts that are degrading are marked as declining.",
    },
    Definition {
        term: "Age",
        meaning: "The time since a pair became noncompliant: when Config recorded the result, if that lies between the last snapshot without and the first with it, else the time of that first snapshot. A pair noncompliant in the oldest snapshot read is at least as old as the recorded time there (or that snapshot, if not known) and is marked \u{2265}. A gap in collection does not end noncompliance.",
    },
    Definition {
        term: "Mean time to resolve",
        meaning: "The mean, over pairs that went from noncompliant to compliant between two snapshots of the window, of the time from when they became noncompliant to when Config recorded the compliant result (if that lies between the two snapshots, else the later snapshot). Vanished pairs are left out. Times that began before the history read are at least as long and are marked \u{2265}.",
    },
    Definition {
        term: "Mean time to detect",
        meaning: "From a change of a resource to its evaluation. It needs events; without them it is not measured.",
    },
    Definition {
        term: "Fix first",
        meaning: "A repair makes the noncompliant pairs of one rule in one account compliant. It gains those pairs divided by all pairs on the compliance score, and their weight divided by all weight on the weighted score. Gains add up, so the first repairs of the list gain the most that any of that number can; all of them, with what exceptions leave out, gain exactly what is missing to 100 %. The order is by points on the weighted score, as severity says what a repair is worth: by the compliance score alone, many low ones would come before one critical. Then by points on the compliance score, severity, rule and account. Half is the fewest repairs that reach half of the points on the weighted score.",
    },
    Definition {
        term: "Exception",
        meaning: "Noncompliance that the settings accept: a rule and a scope, with reason, owner, approver, and a first and last day (UTC, both included). It changes no score: its pairs are noncompliant and in every denominator. It is shown apart, and left out of Fix first. Expired, or not yet approved on the day of the report, it is no exception. Expiring: 14 days or less are left. Of several in force for a pair, the one that expires last speaks. Matches nothing: no pair in its scope is noncompliant.",
    },
    Definition {
        term: "Coverage",
        meaning: "Scopes (account and region) collected out of those expected. A scope whose source has FAILED, is absent, or could not be read is missing: nothing of it counts as compliant or noncompliant. An OUTDATED source counts, and is marked. Rules without results are knowable only from the member account; where its rule inventory is not readable, the report says not knowable.",
    },
];

/// Those of a report with events. One of a term that every report has takes its place; the others follow.
pub const OF_EVENTS: &[Definition] = &[
    Definition {
        term: "Mean time to detect",
        meaning: "The mean time from when AWS Config captured the state of a resource to when it recorded the result that judges it, over pairs that became noncompliant by the events of the period. First evaluations are left out, as a new rule judges states of any age. Median and 95 of 100 are by nearest rank. How old a change was when Config captured it is not known.",
    },
    Definition {
        term: "Events",
        meaning: "What AWS Config sends the moment something changes. Counted are those of the period that ends with the report (daily: 24 hours, weekly: 7 days), by when Config recorded the result. They come at best effort, so they change no score and no list: those are of the snapshots, which may lie otherwise apart.",
    },
    Definition {
        term: "Became noncompliant",
        meaning: "By an event, and by all events before it the pair was not. Results of a global resource from several regions, and of one rule under several names, are one transition. Resolved is the way back to compliant, gone that to a state that is neither. One pair may do so several times in a period.",
    },
    Definition {
        term: "Alerted, batched",
        meaning: "Decided when the event came. Alerted: people were told at once, and will be when it is resolved or gone. Batched: left to this report, as the rule is less severe than what is alerted, the resource was noncompliant when first evaluated, or no route takes it. Silenced: a silence of the settings held, which has an owner and an end.",
    },
];

/// The definitions of a report, in the order printed.
pub fn of_report(with_events: bool) -> impl Iterator<Item = &'static Definition> {
    let own = if with_events { OF_EVENTS } else { &[] };
    let in_place = |general: &'static Definition| {
        let of_term = own.iter().find(|one| one.term == general.term);
        of_term.unwrap_or(general)
    };
    let is_new = |one: &&Definition| DEFINITIONS.iter().all(|general| general.term != one.term);
    DEFINITIONS.iter().map(in_place).chain(own.iter().filter(is_new))
}

//! What the PDF says, as text: every number formatted, every external string made fit to be shown. The templates
//! only lay it out.

use compliance::definitions::DEFINITIONS;
use compliance::report::ReportKind;
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use compliance::text as format;
use jiff::tz::TimeZone;
use serde::Serialize;

mod accounts;
mod ages;
mod change;
mod chart;
mod coverage;
mod groups;
mod lists;
mod movement;
mod rules;
mod sources;
mod summary;
mod text;

/// Everything the PDF shows, ready to be laid out.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    meta: Meta,
    summary: summary::Summary,
    change: change::ChangeSection,
    accounts: accounts::AccountsSection,
    movement: movement::MovementSection,
    rules: rules::RulesSection,
    groups: groups::GroupsSection,
    ages: ages::AgesSection,
    coverage: coverage::CoverageSection,
    lists: Vec<lists::List>,
    sources: sources::SourcesSection,
    definitions: Vec<Definition>,
}

/// What stands at the head of every page, and in the PDF's metadata.
#[derive(Debug, Clone, Serialize)]
struct Meta {
    /// For the metadata: `Daily compliance report, Example, 2026-11-21`.
    title: String,
    organization: String,
    kind: &'static str,
    as_of: String,
    /// Year, month, day of the PDF's date.
    date: [i16; 3],
    run_id: String,
    /// What the simulation was made with; its presence marks every page.
    simulation: Option<String>,
    /// There is something to compare with: without it no column of a comparison is shown.
    compared: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Definition {
    term: &'static str,
    meaning: &'static str,
}

impl View {
    /// The view of a scorecard and its lists.
    pub fn new(scorecard: &Scorecard, lists: &Lists, settings: &Settings) -> Self {
        Self {
            meta: meta(scorecard),
            summary: summary::section(scorecard),
            change: change::section(scorecard),
            accounts: accounts::section(scorecard),
            movement: movement::section(scorecard, lists),
            rules: rules::section(scorecard),
            groups: groups::section(scorecard),
            ages: ages::section(scorecard),
            coverage: coverage::section(scorecard),
            lists: lists::sections(scorecard, lists),
            sources: sources::section(scorecard, settings),
            definitions: DEFINITIONS
                .iter()
                .map(|definition| Definition {
                    term: definition.term,
                    meaning: definition.meaning,
                })
                .collect(),
        }
    }
}

fn meta(scorecard: &Scorecard) -> Meta {
    let kind = kind_title(scorecard.kind);
    let day = scorecard.as_of.to_zoned(TimeZone::UTC).date();
    let organization = text::shown(&scorecard.title);
    Meta {
        title: format!("{kind}, {organization}, {}", format::day(scorecard.as_of)),
        organization,
        kind,
        as_of: format::minute(scorecard.as_of),
        date: [day.year(), day.month().into(), day.day().into()],
        run_id: text::shown(&scorecard.run_id),
        simulation: scorecard.simulation.as_deref().map(text::shown),
        compared: scorecard.baseline.is_some(),
    }
}

fn kind_title(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Daily => "Daily compliance report",
        ReportKind::Weekly => "Weekly compliance report",
        ReportKind::Snapshot => "Compliance snapshot",
    }
}

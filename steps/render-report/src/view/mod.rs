//! What the PDF says, as text: every number formatted, every external string made fit to be shown. The templates
//! only lay it out.

use compliance::definitions;
use compliance::report::ReportKind;
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use compliance::text as format;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::attachments::{Attachment, Data};
use crate::error::RenderError;
use crate::volumes::{Plan, VOLUME};

mod accounts;
mod ages;
mod change;
mod chart;
mod coverage;
mod events;
mod exceptions;
mod files;
mod fix_first;
mod groups;
mod histogram;
mod lines;
mod lists;
mod merged;
mod movement;
mod rules;
mod sources;
mod summary;
mod text;
mod volume;

pub(crate) use exceptions::flags;
pub(crate) use volume::VolumeView;

/// Everything the PDF shows, ready to be laid out.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    meta: Meta,
    summary: summary::Summary,
    fix_first: fix_first::FixFirstSection,
    change: change::ChangeSection,
    accounts: accounts::AccountsSection,
    movement: movement::MovementSection,
    events: Option<events::EventsSection>,
    rules: rules::RulesSection,
    groups: groups::GroupsSection,
    ages: ages::AgesSection,
    exceptions: exceptions::ExceptionsSection,
    coverage: coverage::CoverageSection,
    merged: merged::MergedSection,
    lists: Vec<lists::List>,
    /// The volumes, when there is more than this one.
    volumes: Option<volume::Volumes>,
    files: Vec<files::FileRow>,
    #[serde(skip)]
    attachments: Vec<Attachment>,
    sources: sources::SourcesSection,
    definitions: Vec<Definition>,
}

/// What stands at the head of every page, and in the PDF's metadata.
#[derive(Debug, Clone, Serialize)]
struct Meta {
    /// For the metadata: `Daily compliance report, Example, 2026-11-21`.
    title: String,
    organization: String,
    /// What stands at the head of every page: the organization as well, when there is room.
    running_head: String,
    kind: &'static str,
    as_of: String,
    /// Year, month, day of the PDF's date.
    date: [i16; 3],
    run_id: String,
    /// What the simulation was made with; its presence marks every page.
    simulation: Option<String>,
    /// `Volume 2 of 5`, in further volumes.
    volume: Option<String>,
    /// There is something to compare with: without it no column of a comparison is shown.
    compared: bool,
    /// What the scores leave out, at the head of every page; none when coverage is complete.
    incomplete: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Definition {
    term: &'static str,
    meaning: &'static str,
}

impl View {
    /// The view of a scorecard and its lists, with as much of these as the first volume holds.
    pub fn new(scorecard: &Scorecard, lists: &Lists, settings: &Settings) -> Self {
        let plan = Plan::new(lists, scorecard.baseline.is_some(), VOLUME);
        Self::first(scorecard, lists, settings, &plan)
    }

    /// The view of the first volume of a plan.
    pub(crate) fn first(scorecard: &Scorecard, lists: &Lists, settings: &Settings, plan: &Plan<'_>) -> Self {
        let pieces = plan.volumes.first().map_or(&[][..], Vec::as_slice);
        Self {
            meta: meta(scorecard),
            summary: summary::section(scorecard),
            fix_first: fix_first::section(scorecard),
            change: change::section(scorecard),
            accounts: accounts::section(scorecard),
            movement: movement::section(scorecard, lists),
            events: events::section(scorecard),
            rules: rules::section(scorecard),
            groups: groups::section(scorecard),
            ages: ages::section(scorecard),
            exceptions: exceptions::section(scorecard),
            coverage: coverage::section(scorecard),
            merged: merged::section(scorecard, lists),
            lists: lists::sections(scorecard, pieces),
            volumes: volume::section(plan),
            files: Vec::new(),
            attachments: Vec::new(),
            sources: sources::section(scorecard, settings),
            definitions: definitions::of_report(scorecard.events.is_some())
                .map(|definition| Definition {
                    term: definition.term,
                    meaning: definition.meaning,
                })
                .collect(),
        }
    }
}

impl View {
    /// The same with the data attached that it was made from.
    ///
    /// # Errors
    /// [`RenderError::Json`].
    pub(crate) fn with_data(mut self, data: &Data, scorecard: &Scorecard) -> Result<Self, RenderError> {
        let (attachments, all) = data.finish(scorecard)?;
        self.files = all.iter().map(files::row).collect();
        self.attachments = attachments;
        Ok(self)
    }

    /// What the document carries.
    pub(crate) fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }
}

/// The charts of the first page, for a picture of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ChartView {
    meta: Meta,
    summary: summary::Summary,
}

impl ChartView {
    /// `None` when there is nothing to draw.
    pub(crate) fn new(scorecard: &Scorecard) -> Option<Self> {
        let summary = summary::section(scorecard);
        (!summary.charts_in_words().is_empty()).then(|| Self {
            meta: meta(scorecard),
            summary,
        })
    }

    /// What the picture shows, for who cannot see it.
    pub(crate) fn alt_text(&self) -> String {
        let simulated = if self.meta.simulation.is_some() {
            "Simulated data. "
        } else {
            ""
        };
        let of = format!("{}, {}.", self.meta.running_head, self.meta.as_of);
        format!("{simulated}{of} {}", self.summary.charts_in_words().join(" "))
    }
}

fn meta(scorecard: &Scorecard) -> Meta {
    let kind = kind_title(scorecard.kind);
    let day = scorecard.as_of.to_zoned(TimeZone::UTC).date();
    let organization = text::shown(&scorecard.title);
    Meta {
        title: format!("{kind}, {organization}, {}", format::day(scorecard.as_of)),
        running_head: running_head(kind, &organization),
        organization,
        kind,
        as_of: format::minute(scorecard.as_of),
        date: [day.year(), day.month().into(), day.day().into()],
        run_id: text::shown(&scorecard.run_id),
        simulation: scorecard.simulation.as_deref().map(text::shown),
        volume: None,
        compared: scorecard.baseline.is_some(),
        incomplete: format::caveat(&scorecard.context.coverage).map(|part| text::unbroken(&part)),
    }
}

/// Half a line of the running head, in em, less what the marks in its middle take.
const RUNNING_HEAD: f64 = 24.0;

fn running_head(kind: &str, organization: &str) -> String {
    let whole = format!("{organization} · {kind}");
    if text::width(&whole) <= RUNNING_HEAD {
        whole
    } else {
        kind.to_owned()
    }
}

fn kind_title(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Daily => "Daily compliance report",
        ReportKind::Weekly => "Weekly compliance report",
        ReportKind::Snapshot => "Compliance snapshot",
    }
}

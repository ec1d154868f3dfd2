//! Renders a scorecard into the files of a report. Pure: no clock, file, network or system font is asked, and the
//! same input gives the same bytes.
//!
//! The view model ([`View`]) formats every number through [`compliance::text`]; the typst templates under
//! `report-templates/pdf` only lay out. External text reaches typst as strings of a JSON file, never as markup, so
//! nothing in it is executed. Only this crate links typst.

use std::collections::VecDeque;
use std::ops::Range;

use compliance::artifact::Artifact;
use compliance::hash::canonical_json;
use compliance::progress::Progress;
use compliance::scorecard::{Lists, PairRow, Scorecard};
use compliance::settings::Settings;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

mod attachments;
mod document;
mod error;
mod layout;
mod lists;
mod tables;
pub mod task;
mod view;
mod volumes;
mod world;

pub use document::{Document, PdfOptions};
pub use error::{RenderError, Warning};
pub use lists::list_csv;
pub use view::View;
pub use volumes::VOLUME;

use attachments::Data;
use view::{ChartView, VolumeView};
use volumes::{Plan, file_name};
use world::Main;

/// Documents that are made at once. More would be faster, and take as much more memory.
const THREADS: usize = 2;

/// Pixels per point: the 192 mm of the chart are 1,361 pixels, which stay sharp where a message shows them twice as dense.
const CHART_DENSITY: f64 = 2.5;
/// Pixels per point of a message that is only looked at.
const MESSAGE_DENSITY: f64 = 1.5;

/// What is rendered.
#[derive(Debug, Clone)]
pub struct RenderInput {
    /// Every number of the report.
    pub scorecard: Scorecard,
    /// The full lists beside it.
    pub lists: Lists,
    /// The settings the run used: the steady band, and what the digest links to.
    pub settings: Settings,
}

/// Makes the report's files one after another: `digest.json`, `scorecard.json`, `chart.png` where there is something to draw,
/// one CSV per list and table (`events.csv` where there are events), `report.pdf`, and
/// `report-volume-2.pdf` and so on for the lists that are too long for it. Whoever stores each as it comes holds no
/// more than a few of them in memory, however long the lists are.
pub fn run<'a>(input: &'a RenderInput, progress: &'a dyn Progress) -> Artifacts<'a> {
    Artifacts::new(input, VOLUME, progress)
}

/// The files of a report, made as they are asked for.
///
/// An item is an error, all of which are defects of this program and not of the data: see [`RenderError`].
pub struct Artifacts<'a> {
    input: &'a RenderInput,
    plan: Plan<'a>,
    progress: &'a dyn Progress,
    makers: std::vec::IntoIter<Maker>,
    data: Data,
    /// The next volume, counted from 0.
    volume: usize,
    /// None where the system gives no threads; then the caller's does it all.
    threads: Option<ThreadPool>,
    made: VecDeque<Result<Artifact, RenderError>>,
    files: u64,
    bytes: u64,
}

impl<'a> Artifacts<'a> {
    /// With volumes that cost no more than `budget`, see [`VOLUME`].
    pub fn new(input: &'a RenderInput, budget: u64, progress: &'a dyn Progress) -> Self {
        let chart = ChartView::new(&input.scorecard).map(|_| chart_png as Maker);
        let makers: [Maker; 9] = [
            digest_json,
            scorecard_json,
            new_csv,
            resolved_csv,
            vanished_csv,
            noncompliant_csv,
            tables::fix_first_csv,
            tables::exceptions_csv,
            tables::merged_csv,
        ];
        let events = input
            .scorecard
            .events
            .as_ref()
            .map(|_| tables::events_csv as Maker);
        let makers: Vec<Maker> = makers.into_iter().chain(events).chain(chart).collect();
        let plan = Plan::new(&input.lists, input.scorecard.baseline.is_some(), budget);
        progress.begin("render", (makers.len() + plan.volumes.len()) as u64);
        Self {
            input,
            plan,
            progress,
            makers: makers.into_iter(),
            data: Data::default(),
            volume: 0,
            threads: ThreadPoolBuilder::new().num_threads(THREADS).build().ok(),
            made: VecDeque::new(),
            files: 0,
            bytes: 0,
        }
    }

    /// Makes the next files, if there are any: a list, the report, or as many further volumes as there are threads.
    fn make(&mut self) {
        if let Some(maker) = self.makers.next() {
            let made = maker(self.input);
            if let Ok(artifact) = &made {
                self.data.note(artifact);
            }
            self.made.push_back(made);
        } else if self.volume < self.volumes() {
            let some = self.volume..self.volumes().min(self.volume + THREADS);
            self.volume = some.end;
            self.made.extend(self.make_volumes(some));
        }
    }

    /// Side by side. Their order is theirs, not that in which they are done.
    fn make_volumes(&self, indices: Range<usize>) -> Vec<Result<Artifact, RenderError>> {
        let made = self.in_threads(|| {
            let volumes = indices.into_par_iter();
            volumes.map(|index| self.make_volume(index)).collect()
        });
        document::forget();
        made
    }

    fn make_volume(&self, index: usize) -> Result<Artifact, RenderError> {
        match index {
            0 => self.report(),
            _ => self.further_volume(index),
        }
    }

    fn report(&self) -> Result<Artifact, RenderError> {
        let RenderInput {
            scorecard,
            lists,
            settings,
        } = self.input;
        let view = View::first(scorecard, lists, settings, &self.plan).with_data(&self.data, scorecard)?;
        let bytes = Document::new(&view)?.to_pdf(&self.options(0))?;
        Ok(artifact(&file_name(0), "application/pdf", None, bytes))
    }

    /// Typst lays out in the threads it is called from, so that these two do all the work of a report, and what one
    /// document has freed serves the next: an allocator keeps memory by thread.
    fn in_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.threads {
            Some(threads) => threads.install(work),
            None => work(),
        }
    }

    /// How many documents the lists need: the report, and further volumes.
    pub fn volumes(&self) -> usize {
        self.plan.volumes.len()
    }

    /// Lays out a volume, counted from 0. The first is the report, here without its attachments.
    ///
    /// # Errors
    /// Those of [`Document::new`].
    pub fn document(&self, index: usize) -> Result<Document, RenderError> {
        let RenderInput {
            scorecard,
            lists,
            settings,
        } = self.input;
        match index {
            0 => Document::new(&View::first(scorecard, lists, settings, &self.plan)),
            _ => Document::volume(&VolumeView::new(scorecard, &self.plan, index)),
        }
    }

    fn further_volume(&self, index: usize) -> Result<Artifact, RenderError> {
        let bytes = self.document(index)?.to_pdf(&self.options(index))?;
        let rows = Some(self.plan.rows(index));
        Ok(artifact(&file_name(index), "application/pdf", rows, bytes))
    }

    fn options(&self, index: usize) -> PdfOptions {
        let scorecard = &self.input.scorecard;
        PdfOptions {
            ident: format!("{} {}", scorecard.run_id, file_name(index)),
            creator: format!("Plumbline {}", scorecard.inputs.plumbline_version),
        }
    }
}

impl Iterator for Artifacts<'_> {
    type Item = Result<Artifact, RenderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.made.is_empty() {
            self.make();
        }
        let made = self.made.pop_front();
        match &made {
            Some(Ok(artifact)) => {
                self.files += 1;
                self.bytes += artifact.bytes.len() as u64;
                self.progress.advance(1);
            }
            Some(Err(_)) => {}
            None => self
                .progress
                .finish(&format!("{} files, {} kB", self.files, self.bytes.div_ceil(1000))),
        }
        made
    }
}

/// A file of the report that is no PDF; a new kind of file is one more of these.
type Maker = fn(&RenderInput) -> Result<Artifact, RenderError>;

fn scorecard_json(input: &RenderInput) -> Result<Artifact, RenderError> {
    json_artifact("scorecard.json", &input.scorecard)
}

fn digest_json(input: &RenderInput) -> Result<Artifact, RenderError> {
    json_artifact(
        "digest.json",
        &slack_blocks::digest(&input.scorecard, &input.lists, &input.settings),
    )
}

/// The charts of the first page, with what they show in words.
fn chart_png(input: &RenderInput) -> Result<Artifact, RenderError> {
    let view = ChartView::new(&input.scorecard).ok_or(RenderError::Picture(None))?;
    let bytes = Document::picture(Main::Chart, &view, CHART_DENSITY)?;
    Ok(Artifact {
        description: Some(view.alt_text()),
        ..artifact("chart.png", "image/png", None, bytes)
    })
}

/// A message, and its thread under it, about as Slack draws them: a PNG to look at.
///
/// # Errors
/// See [`RenderError`].
pub fn message_picture(
    head: &slack_blocks::Message,
    thread: &[slack_blocks::Message],
) -> Result<Vec<u8>, RenderError> {
    #[derive(serde::Serialize)]
    struct View {
        head: slack_blocks::Drawing,
        replies: Vec<slack_blocks::Drawing>,
    }
    let view = View {
        head: slack_blocks::drawing(head),
        replies: thread.iter().map(slack_blocks::drawing).collect(),
    };
    Document::picture(Main::Message, &view, MESSAGE_DENSITY)
}

fn json_artifact<T: serde::Serialize>(name: &'static str, document: &T) -> Result<Artifact, RenderError> {
    let bytes = canonical_json(document).map_err(|source| RenderError::Json { file: name, source })?;
    Ok(artifact(name, "application/json", None, bytes))
}

fn new_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    csv_artifact("new.csv", &input.lists.new)
}

fn resolved_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    csv_artifact("resolved.csv", &input.lists.resolved)
}

fn vanished_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    csv_artifact("vanished.csv", &input.lists.vanished)
}

fn noncompliant_csv(input: &RenderInput) -> Result<Artifact, RenderError> {
    csv_artifact("noncompliant.csv", &input.lists.noncompliant)
}

fn csv_artifact(name: &'static str, rows: &[PairRow]) -> Result<Artifact, RenderError> {
    let bytes = list_csv(rows).map_err(|source| RenderError::Csv { file: name, source })?;
    Ok(artifact(name, "text/csv", Some(rows.len() as u64), bytes))
}

fn artifact(name: &str, media_type: &'static str, rows: Option<u64>, bytes: Vec<u8>) -> Artifact {
    Artifact {
        name: name.to_owned(),
        media_type,
        rows,
        description: None,
        bytes,
    }
}

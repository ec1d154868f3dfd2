//! Renders a scorecard into the files of a report. Pure: no clock, file, network or system font is asked, and the
//! same input gives the same bytes.
//!
//! The view model ([`View`]) formats every number through [`compliance::text`]; the typst templates under
//! `report-templates/pdf` only lay out. External text reaches typst as strings of a JSON file, never as markup, so
//! nothing in it is executed. Only this crate links typst.

use compliance::artifact::Artifact;
use compliance::hash::canonical_json;
use compliance::progress::Progress;
use compliance::scorecard::{Lists, PairRow, Scorecard};
use compliance::settings::Settings;

mod document;
mod error;
mod lists;
mod view;
mod world;

pub use document::{Document, PdfOptions, pdf};
pub use error::{RenderError, Warning};
pub use lists::list_csv;
pub use view::View;

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

/// Makes the report's files: `report.pdf`, `digest.json`, `scorecard.json` and one CSV per list, sorted by name.
///
/// # Errors
/// [`RenderError`], all of which are defects of this program and not of the data: see its variants.
pub fn run(input: &RenderInput, progress: &dyn Progress) -> Result<Vec<Artifact>, RenderError> {
    let mut makers: Vec<Maker> = vec![report_pdf, scorecard_json, digest_json];
    makers.extend([new_csv, resolved_csv, vanished_csv, noncompliant_csv] as [Maker; 4]);
    progress.begin("render", makers.len() as u64);
    let mut artifacts = Vec::with_capacity(makers.len());
    for make in makers {
        artifacts.push(make(input)?);
        progress.advance(1);
    }
    artifacts.sort_by(|a, b| a.name.cmp(&b.name));
    let bytes: usize = artifacts.iter().map(|artifact| artifact.bytes.len()).sum();
    progress.finish(&format!("{} files, {} kB", artifacts.len(), bytes.div_ceil(1000)));
    Ok(artifacts)
}

/// One file of the report; a new kind of file is one more of these in [`run`].
type Maker = fn(&RenderInput) -> Result<Artifact, RenderError>;

fn report_pdf(input: &RenderInput) -> Result<Artifact, RenderError> {
    let view = View::new(&input.scorecard, &input.lists, &input.settings);
    let options = PdfOptions {
        ident: input.scorecard.run_id.clone(),
        creator: format!("Plumbline {}", input.scorecard.inputs.plumbline_version),
    };
    let (bytes, _warnings) = pdf(&view, &options)?;
    Ok(artifact("report.pdf", "application/pdf", None, bytes))
}

fn scorecard_json(input: &RenderInput) -> Result<Artifact, RenderError> {
    json_artifact("scorecard.json", &input.scorecard)
}

fn digest_json(input: &RenderInput) -> Result<Artifact, RenderError> {
    json_artifact(
        "digest.json",
        &slack_blocks::digest(&input.scorecard, &input.lists, &input.settings),
    )
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
        bytes,
    }
}

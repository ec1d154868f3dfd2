//! Compiles the templates with a view, and writes the PDF.

use serde::Serialize;
use typst::World;
use typst::WorldExt;
use typst::diag::SourceDiagnostic;
use typst::foundations::Smart;
use typst::layout::{Abs, Frame, FrameItem, Point};
use typst::text::TextItem;
use typst_layout::PagedDocument;
use typst_pdf::{PdfStandard, PdfStandards};

use crate::attachments::Attachment;
use crate::error::{RenderError, Warning};
use crate::view::{View, VolumeView};
use crate::world::{Main, ReportWorld};

/// What identifies the PDF; neither is the clock, so that the same report has the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfOptions {
    /// A stable identity of the document: the run's id.
    pub ident: String,
    /// The creator named in the metadata.
    pub creator: String,
}

/// The templates' margin: 17 mm in points.
const MARGIN: Abs = Abs::raw(17.0 * 72.0 / 25.4);
/// What kerning and the width of a rule may stand out.
const TOLERANCE: Abs = Abs::raw(0.6);

/// A report, laid out.
pub struct Document {
    pub(crate) paged: PagedDocument,
    world: ReportWorld,
    warnings: Vec<Warning>,
}

impl Document {
    /// Lays out a view.
    ///
    /// # Errors
    /// [`RenderError::Json`] and [`RenderError::Template`].
    pub fn new(view: &View) -> Result<Self, RenderError> {
        Self::compile(Main::Report, view, view.attachments())
    }

    /// Lays out a further volume.
    pub(crate) fn volume(view: &VolumeView) -> Result<Self, RenderError> {
        Self::compile(Main::Volume, view, &[])
    }

    /// The only page of a view as a PNG.
    ///
    /// # Errors
    /// Those of [`Document::new`]; [`RenderError::Picture`].
    pub(crate) fn picture(
        main: Main,
        view: &impl Serialize,
        pixels_per_point: f64,
    ) -> Result<Vec<u8>, RenderError> {
        let document = Self::compile(main, view, &[])?;
        let page = document.paged.pages().first().ok_or(RenderError::Picture(None))?;
        let options = typst_render::RenderOptions {
            pixel_per_pt: pixels_per_point.into(),
            ..typst_render::RenderOptions::default()
        };
        let pixels = typst_render::render(page, &options);
        pixels
            .encode_png()
            .map_err(|error| RenderError::Picture(Some(Box::new(error))))
    }

    fn compile(main: Main, view: &impl Serialize, attached: &[Attachment]) -> Result<Self, RenderError> {
        let json = serde_json::to_vec(view).map_err(|source| RenderError::Json {
            file: "data.json",
            source,
        })?;
        let world = ReportWorld::new(main, json, attached);
        let compiled = typst::compile::<PagedDocument>(&world);
        let warnings = diagnostics(&world, &compiled.warnings);
        match compiled.output {
            Ok(paged) => Ok(Self {
                paged,
                world,
                warnings,
            }),
            Err(errors) => Err(RenderError::Template(diagnostics(&world, &errors))),
        }
    }

    /// What typst warned of; a good report has none.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The text of each page, one line per run of text, in the order it is drawn: the running head comes first.
    pub fn page_texts(&self) -> Vec<String> {
        let text_of = |page: &typst_layout::Page| {
            let mut text = String::new();
            walk(&page.frame, Point::zero(), &mut |item, _| {
                text.push_str(&item.text);
                text.push('\n');
            });
            text
        };
        self.paged.pages().iter().map(text_of).collect()
    }

    /// Runs of text that begin or end beyond the page's left and right margin: what overflows its cell so far that
    /// it leaves the type area. A good report has none.
    pub fn text_outside_the_margins(&self) -> Vec<String> {
        let mut outside = Vec::new();
        for page in self.paged.pages() {
            let width = page.frame.width();
            let (low, high) = (MARGIN - TOLERANCE, width - MARGIN + TOLERANCE);
            walk(&page.frame, Point::zero(), &mut |text, at| {
                if at.x < low || at.x + text.width() > high {
                    outside.push(text.text.to_string());
                }
            });
        }
        outside
    }

    /// The document as a tagged PDF, PDF/A-3b and PDF/UA-1 at once.
    ///
    /// # Errors
    /// [`RenderError::Standard`].
    pub fn to_pdf(&self, options: &PdfOptions) -> Result<Vec<u8>, RenderError> {
        let standards = PdfStandards::new(&[PdfStandard::A_3b, PdfStandard::Ua_1]).map_err(|refused| {
            RenderError::Standard(vec![Warning {
                message: refused.message().to_string(),
                place: None,
            }])
        })?;
        let options = typst_pdf::PdfOptions {
            ident: Smart::Custom(options.ident.clone()),
            creator: Smart::Custom(Some(options.creator.clone())),
            standards,
            ..typst_pdf::PdfOptions::default()
        };
        typst_pdf::pdf(&self.paged, &options)
            .map_err(|errors| RenderError::Standard(diagnostics(&self.world, &errors)))
    }
}

/// Frees what typst keeps of all documents so far: it memoizes for an editor's next keystroke, but a report has none,
/// and memory must be bounded by a volume. Not while a document is being made, or its parts are laid out twice.
pub(crate) fn forget() {
    typst::comemo::evict(0);
}

fn diagnostics(world: &ReportWorld, found: &[SourceDiagnostic]) -> Vec<Warning> {
    found.iter().map(|one| diagnostic(world, one)).collect()
}

fn diagnostic(world: &ReportWorld, found: &SourceDiagnostic) -> Warning {
    let mut message = found.message.to_string();
    for hint in &found.hints {
        message.push_str(" (");
        message.push_str(&hint.v);
        message.push(')');
    }
    let places = std::iter::once(found.span).chain(found.trace.iter().map(|point| point.span.into()));
    let place = places.filter_map(|span| place(world, span)).collect::<Vec<_>>();
    Warning {
        message,
        place: (!place.is_empty()).then(|| place.join(" < ")),
    }
}

fn place(world: &ReportWorld, span: typst::syntax::DiagSpan) -> Option<String> {
    let id = span.id()?;
    let source = world.source(id).ok()?;
    let line = source.lines().byte_to_line(world.range(span)?.start)? + 1;
    Some(format!("{}:{line}", id.vpath().get_without_slash()))
}

/// Visits every run of text with its place on the page.
pub(crate) fn walk<'a>(frame: &'a Frame, origin: Point, visit: &mut impl FnMut(&'a TextItem, Point)) {
    for (at, item) in frame.items() {
        let at = origin + *at;
        match item {
            FrameItem::Group(group) => {
                let shift = Point::new(group.transform.tx, group.transform.ty);
                walk(&group.frame, at + shift, visit);
            }
            FrameItem::Text(text) => visit(text, at),
            _ => {}
        }
    }
}

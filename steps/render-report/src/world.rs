//! The world typst sees: the embedded templates, the embedded fonts and one JSON file. Nothing else exists in it.

use std::sync::{Arc, LazyLock};

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::layout::Abs;
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, FontVariant, FontVariations};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use crate::attachments::{self, Attachment};

macro_rules! template {
    ($name:literal) => {
        template!("pdf/", $name)
    };
    ($folder:literal, $name:literal) => {
        (
            $name,
            include_str!(concat!("../../../report-templates/", $folder, $name)),
        )
    };
}

macro_rules! font {
    ($name:literal) => {
        include_bytes!(concat!("../../../report-templates/pdf/fonts/", $name)).as_slice()
    };
}

/// A template that is compiled; it imports the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Main {
    /// The report.
    Report,
    /// A further volume of its full lists.
    Volume,
    /// The charts of its first page.
    Chart,
    /// A message with its thread.
    Message,
}

impl Main {
    fn file(self) -> &'static str {
        match self {
            Self::Report => "main.typ",
            Self::Volume => "volume.typ",
            Self::Chart => "chart.typ",
            Self::Message => "message.typ",
        }
    }
}

/// The view, as JSON.
const DATA: &str = "data.json";

const TEMPLATES: &[(&str, &str)] = &[
    template!("main.typ"),
    template!("volume.typ"),
    template!("chart.typ"),
    template!("slack/", "message.typ"),
    template!("document.typ"),
    template!("files.typ"),
    template!("theme.typ"),
    template!("charts.typ"),
    template!("summary.typ"),
    template!("fix-first.typ"),
    template!("change.typ"),
    template!("accounts.typ"),
    template!("movement.typ"),
    template!("events.typ"),
    template!("rules.typ"),
    template!("groups.typ"),
    template!("ages.typ"),
    template!("exceptions.typ"),
    template!("coverage.typ"),
    template!("merged.typ"),
    template!("lists.typ"),
    template!("sources.typ"),
];

/// The last is the fallback for every other script; what it does not cover is not shown, see [`covers`].
const FONTS: &[&[u8]] = &[
    font!("Inter-Regular.otf"),
    font!("Inter-Medium.otf"),
    font!("Inter-SemiBold.otf"),
    font!("JetBrainsMono-Regular.ttf"),
    font!("DejaVuSans.ttf"),
];

/// Library, fonts and templates: the same for every report, so built once per process.
struct Base {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    data: FileId,
    sources: Vec<Source>,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let fonts: Vec<Font> = FONTS
        .iter()
        .flat_map(|bytes| Font::iter(Bytes::new(*bytes)))
        .collect();
    Base {
        library: LazyHash::new(Library::default()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
        data: file_id(DATA),
        sources: TEMPLATES
            .iter()
            .map(|(name, text)| Source::new(file_id(name), (*text).to_owned()))
            .collect(),
    }
});

/// Ids are interned for the life of the process, so only these few constant names ever get one.
#[allow(
    clippy::expect_used,
    reason = "the names are the constants above; the first render of any test would fail"
)]
fn file_id(name: &str) -> FileId {
    let path = VirtualPath::new(name).expect("a plain file name is a virtual path");
    FileId::new(RootedPath::new(VirtualRoot::Project, path))
}

/// Whether the fallback font has a glyph for this character. What it has can be shown in any combination, since a
/// cluster of characters is always shaped by one font.
pub(crate) fn covers(character: char) -> bool {
    BASE.fonts
        .last()
        .is_some_and(|font| font.info().coverage.contains(character.into()))
}

/// The widths of printable ASCII in a font, in its size.
#[derive(Debug)]
pub(crate) struct Widths([f64; 128]);

/// Those of the type that text is set in.
pub(crate) static PLAIN: LazyLock<Widths> = LazyLock::new(|| Widths::new(0));
/// Those of the type of ids.
pub(crate) static MONO: LazyLock<Widths> = LazyLock::new(|| Widths::new(3));
/// Digits are set as wide as each other (`number-width: "tabular"`), and no wider than this in either type.
const DIGIT: f64 = 0.65;

impl Widths {
    fn new(font: usize) -> Self {
        let font = BASE.fonts.get(font).cloned().map(|font| {
            let variant = FontVariant::default();
            font.instantiate(variant, Abs::pt(10.0), &FontVariations::default())
        });
        let width = |code: usize| {
            let character = u8::try_from(code).ok().map(char::from)?;
            if character.is_ascii_digit() {
                return Some(DIGIT);
            }
            let font = font.as_ref()?;
            let glyph = font.ttf().glyph_index(character)?;
            font.x_advance(glyph.0).map(|advance| advance.get())
        };
        Self(std::array::from_fn(|code| width(code).unwrap_or(f64::INFINITY)))
    }

    /// Infinite where it is not known.
    pub(crate) fn of(&self, character: char) -> f64 {
        self.0.get(character as usize).copied().unwrap_or(f64::INFINITY)
    }
}

/// A world with one view in it, and what its document carries.
pub(crate) struct ReportWorld {
    main: FileId,
    data: Bytes,
    attached: Vec<(FileId, Bytes)>,
}

impl ReportWorld {
    /// Attachments have the names of [`attachments::NAMES`].
    pub(crate) fn new(main: Main, json: Vec<u8>, attached: &[Attachment]) -> Self {
        Self {
            main: file_id(main.file()),
            data: Bytes::new(json),
            attached: attached
                .iter()
                .filter(|one| attachments::NAMES.contains(&one.file.name.as_str()))
                .map(|one| (file_id(&one.file.name), Bytes::new(Arc::clone(&one.bytes))))
                .collect(),
        }
    }
}

impl World for ReportWorld {
    fn library(&self) -> &LazyHash<Library> {
        &BASE.library
    }
    fn book(&self) -> &LazyHash<FontBook> {
        &BASE.book
    }
    fn main(&self) -> FileId {
        self.main
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        let known = BASE.sources.iter().find(|source| source.id() == id);
        known.cloned().ok_or_else(|| not_found(id))
    }
    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == BASE.data {
            return Ok(self.data.clone());
        }
        let attached = self.attached.iter().find(|(known, _)| *known == id);
        attached
            .map(|(_, bytes)| bytes.clone())
            .ok_or_else(|| not_found(id))
    }
    fn font(&self, index: usize) -> Option<Font> {
        BASE.fonts.get(index).cloned()
    }
    /// A report has no today: its dates are those of its data.
    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn not_found(id: FileId) -> FileError {
    FileError::NotFound(id.vpath().get_without_slash().into())
}

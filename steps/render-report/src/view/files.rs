//! The files of data: attached to the report, or beside it.

use compliance::text as format;
use serde::Serialize;

use crate::attachments::DataFile;

/// A file of data. Description, relationship and media type go into the PDF's own list of attachments.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FileRow {
    name: String,
    description: &'static str,
    relationship: String,
    media_type: &'static str,
    rows: String,
    size: String,
    sha256: String,
    attached: bool,
}

pub(super) fn row(file: &DataFile) -> FileRow {
    FileRow {
        name: file.name.clone(),
        description: file.description,
        relationship: file.relationship.to_lowercase(),
        media_type: file.media_type,
        rows: file.rows.map(format::count).unwrap_or_default(),
        size: size(file.bytes),
        sha256: super::text::shown(&file.sha256),
        attached: file.attached,
    }
}

/// In decimal units, as the bound of what is attached is: `61.2 MB`, `820 kB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

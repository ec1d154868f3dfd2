//! What `report.pdf` carries: the data it was made from, and a manifest that names all of it.

use std::sync::Arc;

use compliance::Timestamp;
use compliance::artifact::Artifact;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::scorecard::Scorecard;
use serde::Serialize;

use crate::error::RenderError;

/// A larger file is not attached but stands beside the document, so that the report can still be sent by e-mail.
pub(crate) const LARGEST: u64 = 4_000_000;
/// The manifest of the data, among the attachments.
pub(crate) const MANIFEST: &str = "data-manifest.json";
/// Every name an attachment may have.
pub(crate) const NAMES: [&str; 10] = [
    "scorecard.json",
    "new.csv",
    "resolved.csv",
    "vanished.csv",
    "noncompliant.csv",
    "fix-first.csv",
    "exceptions.csv",
    "merged.csv",
    "events.csv",
    MANIFEST,
];

/// A file of data, which is attached or stands beside the document.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DataFile {
    pub(crate) name: String,
    pub(crate) media_type: &'static str,
    pub(crate) description: &'static str,
    /// The relationship of an attached file to the document, after PDF/A-3: `Source`, `Data` or `Supplement`.
    #[serde(rename = "AFRelationship")]
    pub(crate) relationship: &'static str,
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) attached: bool,
}

/// `data-manifest.json`.
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    schema: u32,
    run_id: &'a str,
    as_of: Timestamp,
    simulation: Option<&'a str>,
    /// Why a file may not be attached.
    attached_up_to_bytes: u64,
    files: &'a [DataFile],
}

/// An attachment, with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    pub(crate) file: DataFile,
    pub(crate) bytes: Arc<[u8]>,
}

/// The data of a report, collected while its files are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    files: Vec<DataFile>,
    attached: Vec<Attachment>,
}

impl Data {
    /// Takes note of a file if it is one of the data, and keeps its bytes if it is to be attached.
    pub(crate) fn note(&mut self, artifact: &Artifact) {
        let Some((description, relationship)) = role(&artifact.name) else {
            return;
        };
        let bytes = artifact.bytes.len() as u64;
        let file = DataFile {
            name: artifact.name.clone(),
            media_type: artifact.media_type,
            description,
            relationship,
            rows: artifact.rows,
            bytes,
            sha256: sha256_hex(&artifact.bytes),
            attached: bytes <= LARGEST,
        };
        if file.attached {
            self.attached.push(Attachment {
                file: file.clone(),
                bytes: artifact.bytes.as_slice().into(),
            });
        }
        self.files.push(file);
    }

    /// Everything to attach, the manifest last, and every file of data.
    pub(crate) fn finish(
        &self,
        scorecard: &Scorecard,
    ) -> Result<(Vec<Attachment>, Vec<DataFile>), RenderError> {
        let Self {
            mut files,
            mut attached,
        } = self.clone();
        let manifest = Manifest {
            schema: 1,
            run_id: &scorecard.run_id,
            as_of: scorecard.as_of,
            simulation: scorecard.simulation.as_deref(),
            attached_up_to_bytes: LARGEST,
            files: &files,
        };
        let bytes = canonical_json(&manifest).map_err(|source| RenderError::Json {
            file: MANIFEST,
            source,
        })?;
        let (description, relationship) = role(MANIFEST).unwrap_or_default();
        let file = DataFile {
            name: MANIFEST.to_owned(),
            media_type: "application/json",
            description,
            relationship,
            rows: None,
            bytes: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
            attached: true,
        };
        files.push(file.clone());
        attached.push(Attachment {
            file,
            bytes: bytes.into(),
        });
        Ok((attached, files))
    }
}

/// What a file of data is, and its relationship to the document.
fn role(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "scorecard.json" => ("Every number of the report", "Source"),
        "new.csv" => ("Pairs noncompliant now and not at the baseline", "Data"),
        "resolved.csv" => ("Pairs noncompliant at the baseline and compliant now", "Data"),
        "vanished.csv" => (
            "Pairs noncompliant at the baseline and without a result now",
            "Data",
        ),
        "noncompliant.csv" => ("Every pair that is noncompliant now", "Data"),
        "fix-first.csv" => ("Every repair, the one that gains most first", "Data"),
        "exceptions.csv" => ("Accepted noncompliance and what it covers now", "Data"),
        "merged.csv" => ("Every result of pairs whose results disagree", "Data"),
        "events.csv" => ("Every transition that events told of the period", "Data"),
        MANIFEST => ("Names, sizes and SHA-256 of the data", "Supplement"),
        _ => return None,
    })
}

//! A world for the step: a bundle in memory, a fake Slack on loopback, a time of its own, and an end at any call.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "../../../../crates/slack-blocks/tests/common/mod.rs"]
pub mod cards;
mod outside;

use std::sync::Arc;

use compliance::artifact::{BundleManifest, ManifestFile, SCHEMA};
use compliance::failure::TaskError;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::objects;
use compliance::ports::*;
use compliance::report::{Predecessor, ReportKind};
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use compliance::snapshot::ObjectRef;
use compliance::workflow::{Execution, NotifyTask};
use fake_slack::Workspace;
use local::MemoryObjectStore;
use notify::task::{Delivered, run};
pub use outside::*;
use serde_json::Value;

pub const RUN: &str = "daily-20261121T090000Z-0123456789ab";
pub const FOLDER: &str = "daily/2026-11-21/daily-20261121T090000Z-0123456789ab/";

pub const TO_CHANNEL: &str =
    "[[delivery.routes]]\nname = \"all\"\nto = { slack_channel = \"C00000001\", token = \"secret:token\" }\n";
pub const TO_WEBHOOK: &str =
    "[[delivery.routes]]\nname = \"hook\"\nto = { slack_webhook = \"secret:webhook\" }\n";

/// A bundle, and what is outside.
pub struct World {
    outside: Outside,
    pub task: NotifyTask,
}

impl std::ops::Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl std::ops::DerefMut for World {
    fn deref_mut(&mut self) -> &mut Outside {
        &mut self.outside
    }
}

impl World {
    pub async fn new(card: (Scorecard, Lists), workspace: Workspace) -> Self {
        let outside = Outside::new(workspace);
        let task = bundle(card, RUN, FOLDER, None, &outside.reports).await;
        Self { outside, task }
    }

    pub async fn normal(scopes: &[&'static str]) -> Self {
        Self::new(cards::normal(), workspace(scopes)).await
    }

    /// One run of the step, or `None` when it was killed.
    pub async fn once(&self, settings: &str, end: End) -> (Option<Result<Delivered, TaskError>>, u64) {
        self.once_with(&Settings::parse(settings).unwrap(), end).await
    }

    async fn once_with(&self, settings: &Settings, end: End) -> (Option<Result<Delivered, TaskError>>, u64) {
        let end = Arc::new(end);
        let alive = self.alive(&end);
        let running = run(&self.task, settings, &alive, self.budget);
        let came = tokio::select! {
            came = running => Some(came),
            () = end.died.notified() => None,
        };
        (came, end.calls())
    }

    /// One run that is not killed.
    pub async fn run(&self, settings: &str) -> Delivered {
        self.once(settings, End::never()).await.0.unwrap().unwrap()
    }

    /// One run that ends without saying what became of anything.
    pub async fn error(&self, settings: &str) -> TaskError {
        self.once(settings, End::never()).await.0.unwrap().unwrap_err()
    }

    /// One run with settings that nothing has checked.
    pub async fn run_unchecked(&self, settings: &Settings) -> Delivered {
        self.once_with(settings, End::never()).await.0.unwrap().unwrap()
    }

    /// Runs, entered again as the workflow does, until one has nothing more to do.
    pub async fn to_the_end(&self, settings: &str) -> Delivered {
        for _ in 0..12 {
            let came = self.run(settings).await;
            match &came.failed {
                Some(error) if ["Slack.RateLimited", "Slack.Unavailable"].contains(&error.code.as_str()) => {}
                _ => return came,
            }
        }
        panic!("it never came to its end");
    }

    /// Two runs at once.
    pub async fn twice_at_once(&self, settings: &str) -> (Delivered, Delivered) {
        let (one, two) = tokio::join!(self.to_the_end(settings), self.to_the_end(settings));
        (one, two)
    }

    /// Seals the bundle with another file of this name, or without it.
    pub async fn reseal(&mut self, name: &str, content: Option<Vec<u8>>) {
        let manifest = &self.task.manifest;
        let mut manifest: BundleManifest = objects::read_json(&*self.reports, manifest).await.unwrap();
        let folder = format!("{}resealed/", self.task.folder);
        let mut files = Vec::new();
        for mut file in manifest.files {
            let old = self
                .reports
                .get(&format!("{}{}", self.task.folder, file.name))
                .await
                .unwrap()
                .unwrap();
            let bytes = match &content {
                content if file.name == name => content.clone(),
                _ => Some(old),
            };
            let Some(bytes) = bytes else { continue };
            file.sha256 = sha256_hex(&bytes);
            self.reports
                .put_new(&format!("{folder}{}", file.name), &bytes)
                .await
                .unwrap();
            files.push(file);
        }
        manifest.files = files;
        self.task.manifest = objects::put_json(&*self.reports, &format!("{folder}manifest.json"), &manifest)
            .await
            .unwrap();
        self.task.folder = folder;
    }

    /// Seals the bundle with its digest changed.
    pub async fn change_digest(&mut self, change: impl FnOnce(&mut Value)) {
        let key = format!("{}digest.json", self.task.folder);
        let mut digest = serde_json::from_slice(&self.reports.get(&key).await.unwrap().unwrap()).unwrap();
        change(&mut digest);
        self.reseal("digest.json", Some(serde_json::to_vec(&digest).unwrap()))
            .await;
    }
}

/// Stores a bundle, and gives the task that is to tell of it.
pub async fn bundle(
    (scorecard, lists): (Scorecard, Lists),
    run_id: &str,
    folder: &str,
    before: Option<&str>,
    store: &MemoryObjectStore,
) -> NotifyTask {
    let settings = cards::settings(Some("https://reports.example.com/{run_id}/report.pdf"));
    let mut digest = slack_blocks::digest(&scorecard, &lists, &settings);
    digest.run_id = run_id.to_owned();
    let files = [
        (
            "digest.json",
            "application/json",
            canonical_json(&digest).unwrap(),
        ),
        ("report.pdf", "application/pdf", b"%PDF-1.7 a report".to_vec()),
        ("chart.png", "image/png", b"\x89PNG a chart".to_vec()),
        (
            "scorecard.json",
            "application/json",
            canonical_json(&scorecard).unwrap(),
        ),
    ];
    let mut named = Vec::new();
    for (name, media_type, bytes) in files {
        store.put_new(&format!("{folder}{name}"), &bytes).await.unwrap();
        named.push(ManifestFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            sha256: sha256_hex(&bytes),
            bytes: bytes.len() as u64,
            rows: None,
            description: (media_type == "image/png").then(|| "What the chart shows".to_owned()),
        });
    }
    let mut inputs = scorecard.inputs.clone();
    inputs.predecessor = before.map(|run_id| Predecessor {
        run_id: run_id.to_owned(),
        manifest_sha256: "00".repeat(32),
    });
    let manifest = BundleManifest {
        schema: SCHEMA,
        run_id: run_id.to_owned(),
        kind: ReportKind::Daily,
        as_of: scorecard.as_of,
        simulation: None,
        inputs,
        files: named,
    };
    let manifest: ObjectRef = objects::put_json(store, &format!("{folder}manifest.json"), &manifest)
        .await
        .unwrap();
    let lists = objects::put_json(store, &format!("work/{run_id}/lists.json"), &lists)
        .await
        .unwrap();
    NotifyTask {
        kind: ReportKind::Daily,
        run_id: run_id.to_owned(),
        folder: folder.to_owned(),
        manifest,
        lists: Some(lists),
        execution: Execution {
            arn: "arn:aws:states:eu-west-1:111122223333:execution:report:one".to_owned(),
            name: "one".to_owned(),
            started_at: "2026-11-21T09:00:00Z".parse().unwrap(),
        },
    }
}

/// Fills the head of a digest with small print until there is room for this line and for nothing longer.
pub fn fill(digest: &mut Value, left: &str) {
    let mut head: slack_blocks::Message = serde_json::from_value(digest["message"].take()).unwrap();
    for length in (1..=300).rev() {
        let line = "x".repeat(length);
        while let Some(fuller) = head.with_note(&line).filter(|fuller| {
            // Small print has at least one letter, so without any there is no room at all.
            left.is_empty() || fuller.with_note(left).is_some()
        }) {
            head = fuller;
        }
    }
    digest["message"] = serde_json::to_value(head).unwrap();
}

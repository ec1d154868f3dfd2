//! What is sent on a route, part by part.

use compliance::artifact::{BundleManifest, ManifestFile};
use compliance::delivery::RouteSettings;
use compliance::scorecard::{Lists, PairRow, Scorecard};
use compliance::text;
use serde::Serialize;
use serde_json::{Value, json};
use slack_blocks::{Digest, Message, Url};

/// The name of the part that the others stand under.
pub const HEAD: &str = "digest";
/// The name of the part that a topic for failures is told instead.
pub const FALLBACK: &str = "fallback";
/// What the names of changes of the head begin with, which say what is missing under it.
pub const AMENDMENT: &str = "amendment";

/// One part of a delivery: it arrives once.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name, the same in every run of the step.
    pub name: String,
    /// What it is.
    pub content: Content,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A Slack message, and what stands for it where its blocks are refused: in this order.
    Message(Vec<Value>),
    /// New content for the head, in the same forms.
    Amendment(Vec<Value>),
    /// A file of the bundle.
    File(ManifestFile),
    /// A text for a topic.
    Mail {
        /// Its subject.
        subject: String,
        /// Its text.
        text: String,
    },
}

impl Part {
    /// A Slack message; where its blocks are refused, its classic blocks, then its text alone.
    pub fn message(name: &str, message: &Message) -> Self {
        message_part(name, message, &message.classic())
    }

    /// New content for the message that it is delivered under.
    pub fn amendment(name: &str, message: &Message) -> Self {
        Self {
            name: name.to_owned(),
            content: Content::Amendment(forms(message, &message.classic())),
        }
    }

    /// A text for a topic.
    pub fn mail(name: &str, subject: String, text: String) -> Self {
        Self {
            name: name.to_owned(),
            content: Content::Mail { subject, text },
        }
    }
}

impl Content {
    /// How many forms it has.
    pub(crate) fn forms(&self) -> usize {
        match self {
            Self::Message(forms) | Self::Amendment(forms) => forms.len(),
            Self::File(_) | Self::Mail { .. } => 1,
        }
    }

    /// The same again is the same once.
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self, Self::Amendment(_))
    }
}

/// A report as it is told.
#[derive(Debug)]
pub struct Report<'a> {
    /// Its manifest.
    pub manifest: &'a BundleManifest,
    /// Its bundle's folder, ending in `/`.
    pub folder: &'a str,
    /// Its digest.
    pub digest: &'a Digest,
    /// A link to it, where the settings have one.
    pub link: Option<String>,
    /// What became of the delivery of the report before, where that is worth a word.
    pub before: Vec<String>,
}

/// What concerns a route that only some rows concern.
#[derive(Debug)]
pub struct Concern {
    /// The filter in words.
    pub words: String,
    /// The rows.
    pub rows: Lists,
    /// The messages that tell them.
    pub thread: Vec<Message>,
}

impl Concern {
    /// What of a report concerns a route; `None` when nothing does.
    pub fn of(route: &RouteSettings, scorecard: &Scorecard, lists: &Lists) -> Option<Self> {
        let rows = route.rows(scorecard, lists);
        let any = [&rows.new, &rows.resolved, &rows.vanished, &rows.noncompliant]
            .iter()
            .any(|list| !list.is_empty());
        any.then(|| Self {
            words: route.concern(),
            thread: slack_blocks::digest::concerning(scorecard, &rows),
            rows,
        })
    }

    /// `What concerns this channel (severity high and above): 3 new, 1 resolved, 0 vanished, 12 noncompliant`.
    fn line(&self) -> String {
        let count = |rows: &[PairRow]| text::count(rows.len() as u64);
        format!(
            "What concerns this channel ({}): {} new, {} resolved, {} vanished, {} noncompliant in all",
            self.words,
            count(&self.rows.new),
            count(&self.rows.resolved),
            count(&self.rows.vanished),
            count(&self.rows.noncompliant)
        )
    }
}

/// A Slack message in all its forms: as it is, in classic blocks, and as text alone.
fn forms(message: &Message, classic: &Message) -> Vec<Value> {
    let mut bare = body(message);
    if let Some(fields) = bare.as_object_mut() {
        fields.remove("blocks");
    }
    let mut forms = vec![body(message)];
    if message != classic {
        forms.push(body(classic));
    }
    forms.push(bare);
    forms
}

fn body(message: &impl Serialize) -> Value {
    // A message is text and lists of text: it can always be written.
    serde_json::to_value(message).unwrap_or_else(|_| json!({}))
}

fn message_part(name: &str, message: &Message, classic: &Message) -> Part {
    Part {
        name: name.to_owned(),
        content: Content::Message(forms(message, classic)),
    }
}

impl Report<'_> {
    /// The parts for a channel, head first.
    pub fn for_channel(&self, concern: Option<&Concern>) -> Vec<Part> {
        let (head, classic, left_over) = self.head(concern);
        let mut parts = vec![message_part(HEAD, &head, &classic)];
        if !left_over.is_empty() {
            let mark = if self.digest.simulation.is_some() {
                "SIMULATED · "
            } else {
                ""
            };
            let notice = slack_blocks::digest::notice(&format!("{mark}To be said with it"), &left_over);
            parts.push(message_part("notice", &notice, &notice.classic()));
        }
        match concern {
            Some(concern) => {
                let thread = concern.thread.iter().enumerate();
                parts.extend(thread.map(|(at, message)| reply(at, message, &message.classic())));
            }
            None => {
                let thread = self.digest.thread.iter().zip(&self.digest.fallback.thread);
                parts.extend(
                    thread
                        .enumerate()
                        .map(|(at, (message, classic))| reply(at, message, classic)),
                );
                parts.extend(files(self.manifest).cloned().map(|file| Part {
                    name: format!("file-{}", file.name.replace('/', "-")),
                    content: Content::File(file),
                }));
            }
        }
        parts
    }

    /// The one message for a webhook, which has no thread and takes no files.
    pub fn for_webhook(&self, concern: Option<&Concern>) -> Vec<Part> {
        let (head, classic, _) = self.head(concern);
        vec![message_part(HEAD, &head, &classic)]
    }

    /// The head with what must be said with it, and what it has no room for.
    fn head(&self, concern: Option<&Concern>) -> (Message, Message, Vec<String>) {
        let digest = self.digest;
        let (mut head, mut classic) = (digest.message.clone(), digest.fallback.message.clone());
        let mut left_over = Vec::new();
        for note in concern
            .map(Concern::line)
            .into_iter()
            .chain(self.before.iter().cloned())
        {
            match (head.with_note(&note), classic.with_note(&note)) {
                (Some(noted), Some(noted_classic)) => (head, classic) = (noted, noted_classic),
                _ => left_over.push(note),
            }
        }
        (head, classic, left_over)
    }

    /// The head once more, saying what is missing under it, or nothing any more. What is said is part of the name, so that
    /// something else is a part of its own.
    pub fn amended(&self, concern: Option<&Concern>, missing: &[String]) -> Part {
        let (mut head, mut classic, _) = self.head(concern);
        let note = format!("Not everything is in this thread: {}", missing.join("; "));
        let changed = if missing.is_empty() {
            vec![]
        } else {
            vec![&mut head, &mut classic]
        };
        for message in changed {
            // Where the whole note has no room, a short one has; where that has none, the record and the topic tell it.
            let short = || message.with_note("Not everything is in this thread");
            if let Some(noted) = message.with_note(&note).or_else(short) {
                *message = noted;
            }
        }
        let hash = compliance::hash::sha256_hex(note.as_bytes());
        Part {
            name: format!("{AMENDMENT}-{}", &hash[..12]),
            content: Content::Amendment(forms(&head, &classic)),
        }
    }

    /// The text for a topic.
    pub fn for_topic(&self, concern: Option<&Concern>) -> Vec<Part> {
        let mut paragraphs = vec![self.digest.message.plain_text()];
        if let Some(concern) = concern {
            paragraphs.push(format!("{}.\n{}", concern.line(), rows(&concern.rows)));
        }
        paragraphs.extend(self.before.iter().cloned());
        paragraphs.push(self.whereabouts());
        vec![Part {
            name: HEAD.to_owned(),
            content: Content::Mail {
                subject: self.subject(),
                text: paragraphs.join("\n\n"),
            },
        }]
    }

    /// What a topic for failures is told of a route that failed.
    pub fn for_fallback(&self, route: &str, to: &str, reasons: &[String]) -> Part {
        let reasons: Vec<String> = reasons.iter().map(|reason| format!("- {reason}")).collect();
        let text = format!(
            "The {} did not reach {to} (route {route}):\n{}\n\nIt said:\n\n{}\n\n{}",
            self.name(),
            reasons.join("\n"),
            self.digest.message.plain_text(),
            self.whereabouts()
        );
        Part {
            name: FALLBACK.to_owned(),
            content: Content::Mail {
                subject: format!("Not delivered to {route}: {}", self.subject()),
                text,
            },
        }
    }

    fn name(&self) -> String {
        format!(
            "{} compliance report of {}",
            self.digest.kind.as_str(),
            text::day(self.digest.as_of)
        )
    }

    fn subject(&self) -> String {
        let mark = if self.digest.simulation.is_some() {
            "SIMULATED: "
        } else {
            ""
        };
        format!("{mark}Plumbline {}", self.name())
    }

    /// Where the report is, and its run, by which a mail that comes twice is known.
    fn whereabouts(&self) -> String {
        let link = self
            .link
            .as_ref()
            .map_or_else(String::new, |link| format!("Report: {link}\n"));
        format!("{link}Bundle: {}\nRun: {}", self.folder, self.digest.run_id)
    }
}

fn reply(at: usize, message: &Message, classic: &Message) -> Part {
    message_part(&format!("thread-{:02}", at + 1), message, classic)
}

/// What people look at: charts, and the report. Volumes of full lists stay in the bundle, which the link leads to.
fn files(manifest: &BundleManifest) -> impl Iterator<Item = &ManifestFile> {
    let charts = manifest
        .files
        .iter()
        .filter(|file| file.media_type == "image/png");
    charts.chain(manifest.files.iter().filter(|file| file.name == "report.pdf"))
}

/// Rows of a mail; the report has the rest.
const ROWS: usize = 50;

/// Rows that changed, one a line, new ones first.
fn rows(lists: &Lists) -> String {
    let told = [
        ("new", &lists.new),
        ("resolved", &lists.resolved),
        ("vanished", &lists.vanished),
    ];
    let all: Vec<(&str, &PairRow)> = told
        .into_iter()
        .flat_map(|(word, rows)| rows.iter().map(move |row| (word, row)))
        .collect();
    let mut lines: Vec<String> = all.iter().take(ROWS).map(|(word, row)| line(word, row)).collect();
    if all.len() > ROWS {
        lines.push(format!(
            "and {} more in the report",
            text::count((all.len() - ROWS) as u64)
        ));
    }
    lines.join("\n")
}

fn line(word: &str, row: &PairRow) -> String {
    let key = &row.key;
    let part = |text: &str, most: usize| -> String {
        slack_blocks::text::sanitise(text).chars().take(most).collect()
    };
    format!(
        "- {word}: {} {} {} {} {}",
        part(&key.rule, 128),
        part(&key.account_id, 20),
        part(&key.aws_region, 30),
        part(&key.resource_type, 60),
        part(&key.resource_id, 200)
    )
}

/// The link of a report, by the template of the settings.
pub fn link(template: Option<&str>, run_id: &str) -> Option<String> {
    Url::of_template(template?, run_id).map(|url| url.as_str().to_owned())
}

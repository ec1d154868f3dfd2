//! What became of a message, as logs and metrics have it.

use std::time::Duration;

use compliance::alerts::{Decision, Word};
use compliance::events::{Content, Event};
use compliance::masked;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

/// What became of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    /// The message's id.
    pub message_id: String,
    /// How it ended.
    pub came: Came,
    /// What it says of itself, where it could be read.
    pub facts: Option<Facts>,
    /// Attempts that came to nothing before it ended.
    pub tried: u32,
    /// From when the step took it up.
    pub took: Duration,
    /// From when AWS sent the event to when it was stored; of those that are new.
    pub latency: Option<SignedDuration>,
}

/// How a message ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// Its event is stored, by this message or one before.
    Stored {
        /// It was there already.
        is_known: bool,
        /// What was decided about it, where it is new and a result.
        decision: Option<Decision>,
    },
    /// It is with the dead letters, for this reason.
    Refused {
        /// The stable code.
        code: String,
    },
    /// It goes back to the queue, for this reason.
    Failed {
        /// The stable code.
        code: String,
    },
}

/// What an event says of itself, with names masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// [`Event::kind`].
    pub kind: &'static str,
    account: String,
    aws_region: String,
    /// The normalised rule.
    rule: Option<String>,
    resource: Option<String>,
    status: Option<String>,
}

impl Facts {
    /// Those of an event, whose rule was normalised to this.
    pub(crate) fn of(event: &Event, rule: Option<&str>) -> Self {
        let (resource, status) = match &event.content {
            Content::ComplianceChange(change) => {
                (Some(&change.resource_id), Some(change.new.compliance.as_str()))
            }
            Content::ItemChange(item) => (Some(&item.resource_id), item.configuration_item_status.as_deref()),
            Content::Remediation(remediation) => (None, Some(remediation.status.as_str())),
            Content::Reevaluation(_) => (None, None),
        };
        Self {
            kind: event.kind(),
            account: masked::account(&event.account_id),
            aws_region: masked::text(&event.aws_region),
            rule: rule.map(masked::text),
            resource: resource.map(|id| masked::name(id)),
            status: status.map(masked::text),
        }
    }
}

impl Handled {
    /// One line of log. It names no account and no resource.
    pub fn line(&self) -> Map<String, Value> {
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                line.insert(name.to_owned(), value);
            }
        };
        put("message", "event".into());
        put("outcome", self.came.word().into());
        put("code", json!(self.code()));
        put("decision", json!(self.came.decision()));
        if let Some(facts) = &self.facts {
            put("kind", facts.kind.into());
            put("account", facts.account.clone().into());
            put("region", facts.aws_region.clone().into());
            put("rule", json!(facts.rule));
            put("resource", json!(facts.resource));
            put("status", json!(facts.status));
        }
        if self.tried > 0 {
            put("tried", self.tried.into());
        }
        put("processing_time_ms", milliseconds(self.took.as_secs_f64()));
        put(
            "latency_ms",
            json!(self.latency.map(|latency| milliseconds(latency.as_secs_f64()))),
        );
        line
    }

    /// Why it was not stored.
    pub fn code(&self) -> Option<&str> {
        match &self.came {
            Came::Stored { .. } => None,
            Came::Refused { code } | Came::Failed { code } => Some(code),
        }
    }

    /// Its message goes back to the queue.
    pub fn is_failed(&self) -> bool {
        matches!(self.came, Came::Failed { .. })
    }
}

fn milliseconds(seconds: f64) -> Value {
    json!((seconds * 1e6).round() / 1e3)
}

impl Came {
    fn word(&self) -> &'static str {
        match self {
            Self::Stored { is_known: false, .. } => "stored",
            Self::Stored { is_known: true, .. } => "known",
            Self::Refused { .. } => "dead letter",
            Self::Failed { .. } => "back to the queue",
        }
    }

    fn decision(&self) -> Option<&'static str> {
        let Self::Stored { decision, .. } = self else {
            return None;
        };
        Some(match decision.as_ref()? {
            Decision::Told {
                word: Word::Opened, ..
            } => "opened",
            Decision::Told {
                word: Word::Reopened, ..
            } => "reopened",
            Decision::Told {
                word: Word::Resolved, ..
            } => "resolved",
            Decision::Batched { .. } => "batched",
            Decision::Silenced { .. } => "silenced",
            Decision::Superseded => "superseded",
            Decision::Unchanged => "unchanged",
        })
    }
}

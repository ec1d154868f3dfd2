//! What comes next for a part, by its record alone, and what a failure is to the record. Nothing here reads, waits or sends.

use compliance::Timestamp;
use compliance::delivery::record::{Failure, Outcome, PartRecord};
use compliance::failure::chain;
use compliance::ports::{ChatError, ChatErrorKind, PortError, PortErrorKind};

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It arrived.
    Sent(Arrived),
    /// It was refused for good.
    Failed(Failure),
    /// Nobody knows, for this reason.
    Ambiguous(String),
}

/// Where a part arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The message's id, where there is one.
    pub ts: Option<String>,
    /// The channel it is in: that of the settings when it was sent.
    pub destination: String,
}

/// What comes next for a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Done(End),
    /// Somebody holds the claim until then.
    Await(Timestamp),
    /// It may have arrived: look.
    Look { code: String, answered: bool },
    /// An attempt of this number with this form.
    Attempt(u32, usize),
}

/// Reads a part's record. `entered` is the number of the last attempt when this run of the step began: what was refused
/// before is tried once more, since somebody may have mended the cause.
pub(crate) fn next(known: &PartRecord, entered: u32, forms: usize) -> Next {
    let Some(intent) = &known.intent else {
        return Next::Attempt(known.attempt + 1, 0);
    };
    let again = |form: usize| Next::Attempt(known.attempt + 1, form.min(forms.saturating_sub(1)));
    match &known.outcome {
        None => Next::Await(intent.until),
        Some(Outcome::Sent { ts, .. }) => Next::Done(End::Sent(Arrived {
            ts: ts.clone(),
            destination: intent.destination.clone(),
        })),
        Some(Outcome::NotSent { .. }) => again(intent.form),
        Some(Outcome::Refused { form: true, .. }) if intent.form + 1 < forms => again(intent.form + 1),
        Some(Outcome::Refused { .. }) if known.attempt <= entered => again(intent.form),
        Some(Outcome::Refused { code, message, .. }) => Next::Done(End::Failed(Failure {
            code: code.clone(),
            message: message.clone(),
        })),
        Some(Outcome::Unknown { code, answered }) => Next::Look {
            code: code.clone(),
            answered: *answered,
        },
        Some(Outcome::Ambiguous { code }) => Next::Done(End::Ambiguous(code.clone())),
    }
}

pub(crate) fn refused(code: &str, message: String, form: bool) -> Outcome {
    Outcome::Refused {
        code: code.to_owned(),
        message,
        form,
    }
}

/// What a call to a chat service that failed is to the record of a part. `idempotent`: the same again is the same once.
pub(crate) fn of_call(error: &ChatError, idempotent: bool) -> Outcome {
    let code = error.code();
    match error.kind {
        ChatErrorKind::Refused => refused(&code, error.message.clone(), false),
        ChatErrorKind::FormRefused => refused(&code, error.message.clone(), true),
        ChatErrorKind::RateLimited(_) | ChatErrorKind::Unreached => Outcome::NotSent { code },
        ChatErrorKind::Failed | ChatErrorKind::Unanswered if idempotent => Outcome::NotSent { code },
        ChatErrorKind::Failed => Outcome::Unknown { code, answered: true },
        ChatErrorKind::Unanswered => Outcome::Unknown {
            code,
            answered: false,
        },
    }
}

/// The same of a topic that was not told. It hands on at least once anyway, so nothing about it is unknown.
pub(crate) fn of_publishing(error: &PortError) -> Outcome {
    if may_pass(error) {
        Outcome::NotSent { code: error.code() }
    } else {
        refused(&error.code(), chain(error), false)
    }
}

/// What may have arrived where nobody can look: a service that says that it failed is asked again, one that says nothing
/// is not.
pub(crate) fn without_looking(code: &str, answered: bool) -> Outcome {
    let code = code.to_owned();
    if answered {
        Outcome::NotSent { code }
    } else {
        Outcome::Ambiguous { code }
    }
}

/// Another try may help, and tells nothing of the route.
pub fn may_pass(error: &PortError) -> bool {
    matches!(error.kind, PortErrorKind::Throttled | PortErrorKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use compliance::delivery::record::{Intent, SCHEMA};

    use super::*;

    fn record(attempt: u32, form: usize, outcome: Option<Outcome>) -> PartRecord {
        let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let intent = Intent {
            schema: SCHEMA,
            destination: "C1".to_owned(),
            form,
            file: None,
            claimed_by: "a".to_owned(),
            claimed_at: at,
            until: at,
        };
        PartRecord {
            attempt,
            intent: Some(intent),
            outcome,
        }
    }

    #[test]
    fn the_record_says_what_comes_next() {
        let check = |known: &PartRecord, entered: u32, expect: Next| {
            assert_eq!(next(known, entered, 3), expect, "{known:?}");
        };
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let code = || "Slack.Unavailable".to_owned();
        check(&PartRecord::default(), 0, Next::Attempt(1, 0));
        check(&record(1, 0, None), 1, Next::Await(at));
        let not_sent = Outcome::NotSent { code: code() };
        check(&record(2, 1, Some(not_sent.clone())), 0, Next::Attempt(3, 1));
        // A form that the part has no longer.
        check(&record(2, 7, Some(not_sent)), 0, Next::Attempt(3, 2));
        let form = |form: usize| record(1, form, Some(refused("Slack.Permanent", "m".to_owned(), true)));
        check(&form(0), 0, Next::Attempt(2, 1));
        check(&form(1), 0, Next::Attempt(2, 2));
        let failed = || {
            Next::Done(End::Failed(Failure {
                code: "Slack.Permanent".to_owned(),
                message: "m".to_owned(),
            }))
        };
        check(&form(2), 0, failed());
        let refusal = record(4, 0, Some(refused("Slack.Permanent", "m".to_owned(), false)));
        check(&refusal, 3, failed());
        check(&refusal, 4, Next::Attempt(5, 0));
        let unknown = Outcome::Unknown {
            code: code(),
            answered: true,
        };
        check(
            &record(1, 0, Some(unknown)),
            0,
            Next::Look {
                code: code(),
                answered: true,
            },
        );
        let ambiguous = Outcome::Ambiguous { code: code() };
        check(
            &record(1, 0, Some(ambiguous)),
            1,
            Next::Done(End::Ambiguous(code())),
        );
    }
}

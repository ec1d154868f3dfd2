//! One part, sent once.
//!
//! What comes next for a part is a function of its record ([`next`]). An attempt is: wait for a turn, claim, one call, say
//! what became of it. A claim ends at a time by everybody's clock, and its holder begins no call that could last longer;
//! so whoever finds a claim that has ended without an outcome knows that nothing is under way any more, and can look.

use std::time::Duration;

use compliance::delivery::record::{Failure, Intent, Outcome, PartRecord, RouteRecord, SCHEMA};
use compliance::failure::TaskError;
use compliance::ports::{
    ChatError, ChatErrorKind, ChatFile, ChatPlace, ChatService, Clock, Notifier, PartMark, PortError,
    PortErrorKind, Sought,
};
use compliance::secret::Secret;
use compliance::snapshot::ObjectRef;
use compliance::{Timestamp, objects};

use crate::pace::Pace;
use crate::parts::{AMENDMENT, Content, Part};
use crate::ports::Ports;

/// How long a claim lasts.
const CLAIM: Duration = Duration::from_secs(30);
/// The holder of a claim begins no call later than this before its end: longer than any call lasts.
const CALL: Duration = Duration::from_secs(15);
/// Others wait this much longer, as clocks differ.
const GRACE: Duration = Duration::from_secs(3);
/// How often the claim of another is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What was accepted may take a moment to show.
const SETTLE: Duration = Duration::from_secs(2);
/// Attempts at a part, and looks for one, in one run of the step.
const ATTEMPTS: u32 = 12;
/// The longest pause after a failure of the service.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where parts go.
#[derive(Debug)]
pub(crate) enum Way {
    /// A channel, by a bot token.
    Channel {
        /// The channel's id.
        channel: String,
        /// The token.
        token: Secret,
    },
    /// A webhook.
    Webhook {
        /// Its URL.
        url: Secret,
    },
    /// A topic.
    Topic {
        /// Its ARN.
        arn: String,
    },
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It arrived.
    Sent(Arrived),
    /// It was refused for good.
    Failed(Failure),
    /// Nobody knows, for this reason.
    Ambiguous(String),
}

/// Where a part arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The message's id, where there is one.
    pub(crate) ts: Option<String>,
    /// The channel it is in: that of the settings when it was sent.
    pub(crate) destination: String,
}

/// A message that parts stand under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) channel: String,
    pub(crate) ts: String,
}

/// What comes next for a part.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
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
fn next(known: &PartRecord, entered: u32, forms: usize) -> Next {
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

/// Sends the parts of one route.
pub(crate) struct Sender<'a, P: Ports> {
    pub(crate) ports: &'a P,
    pub(crate) pace: &'a Pace<'a, P::Time>,
    pub(crate) record: RouteRecord<'a, P::Records>,
    pub(crate) run_id: &'a str,
    pub(crate) route: &'a str,
    /// Of the bundle that files are read from.
    pub(crate) folder: &'a str,
    pub(crate) way: Way,
}

impl<P: Ports> Sender<'_, P> {
    /// Sees to it that a part has arrived, or is accounted for.
    ///
    /// # Errors
    /// A code that the workflow tries again, when this run of the step cannot come to an end.
    pub(crate) async fn deliver(&self, part: &Part, under: Option<&Thread>) -> Result<End, TaskError> {
        let forms = part.content.forms();
        let mut known = self.record.part(&part.name).await?;
        let entered = known.attempt;
        let mut failures = Failures::default();
        loop {
            match next(&known, entered, forms) {
                Next::Done(end) => return Ok(end),
                Next::Await(until) => self.await_claim(part, &known, until).await?,
                Next::Look { code, answered } => {
                    let found = self.look(part, &known, under, &code, answered).await?;
                    self.record.resolve(&part.name, known.attempt, &found).await?;
                }
                Next::Attempt(number, form) => {
                    failures.count()?;
                    self.attempt(part, under, (number, form), &mut failures).await?;
                }
            }
            known = self.record.part(&part.name).await?;
        }
    }

    /// Whether an earlier run of the step said in the head that something is missing.
    pub(crate) async fn was_amended(&self) -> Result<bool, TaskError> {
        Ok(self.record.has(AMENDMENT).await?)
    }

    fn now(&self) -> Timestamp {
        self.ports.time().now()
    }

    /// What shares a rate.
    fn slot(&self, under: Option<&Thread>) -> String {
        match &self.way {
            Way::Channel { channel, .. } => under.map_or(channel, |thread| &thread.channel).clone(),
            // A webhook is told from others by its route; its URL is nobody's business.
            Way::Webhook { .. } => format!("webhook of {}", self.route),
            Way::Topic { arn } => arn.clone(),
        }
    }

    /// As the record names it.
    fn destination(&self, under: Option<&Thread>) -> String {
        match &self.way {
            Way::Webhook { .. } => "webhook".to_owned(),
            Way::Channel { .. } | Way::Topic { .. } => self.slot(under),
        }
    }

    /// Waits for whoever holds the claim; once it has ended, says that nobody knows.
    async fn await_claim(&self, part: &Part, known: &PartRecord, until: Timestamp) -> Result<(), TaskError> {
        let left = until.duration_since(self.now());
        if left.is_positive() {
            let left = Duration::try_from(left).unwrap_or_default();
            let look = left.min(LOOK).max(Duration::from_millis(10));
            return self.pace.wait(look, "Slack.Unavailable").await;
        }
        self.pace.wait(GRACE, "Slack.Unavailable").await?;
        if self.record.part(&part.name).await? != *known {
            return Ok(());
        }
        let unknown = Outcome::Unknown {
            code: "Notify.NoOutcome".to_owned(),
            answered: false,
        };
        Ok(self.record.conclude(&part.name, known.attempt, &unknown).await?)
    }

    /// One attempt.
    async fn attempt(
        &self,
        part: &Part,
        under: Option<&Thread>,
        (number, form): (u32, usize),
        failures: &mut Failures,
    ) -> Result<(), TaskError> {
        let slot = self.slot(under);
        let file = match &part.content {
            // Nobody sees it yet, so this needs no claim.
            Content::File(file) => match self.uploaded(file, failures, &slot).await? {
                Ok(id) => Some(id),
                Err(refused) => return self.refused_unclaimed(part, under, (number, form), refused).await,
            },
            _ => None,
        };
        let turn = self.pace.turn(&slot).await?;
        let intent = self.intent(form, file, under)?;
        if !self.record.claim(&part.name, number, &intent).await? {
            // Somebody else holds it: the record says what comes next.
            return Ok(());
        }
        let outcome = if intent.until.duration_since(self.now()).as_secs_f64() < CALL.as_secs_f64() {
            // Storing the claim took so long that others may take it for ended before a call was.
            Outcome::NotSent {
                code: "Notify.ClaimLate".to_owned(),
            }
        } else {
            self.call(part, under, &intent, failures).await?
        };
        self.pace.said(turn);
        Ok(self.record.conclude(&part.name, number, &outcome).await?)
    }

    fn intent(&self, form: usize, file: Option<String>, under: Option<&Thread>) -> Result<Intent, TaskError> {
        let now = self.now();
        let until = now.checked_add(CLAIM).map_err(|error| {
            TaskError::new(
                "Notify.Clock",
                format!("the clock is at its end: {error}; set it right"),
            )
        })?;
        Ok(Intent {
            schema: SCHEMA,
            destination: self.destination(under),
            form,
            file,
            claimed_by: self.ports.who(),
            claimed_at: now,
            until,
        })
    }

    /// The record of an attempt that was refused before anybody could have seen it.
    async fn refused_unclaimed(
        &self,
        part: &Part,
        under: Option<&Thread>,
        (number, form): (u32, usize),
        refused: Outcome,
    ) -> Result<(), TaskError> {
        let intent = self.intent(form, None, under)?;
        if self.record.claim(&part.name, number, &intent).await? {
            self.record.conclude(&part.name, number, &refused).await?;
        }
        Ok(())
    }

    /// Hands a file over, and gives its id; the inner error is a refusal.
    async fn uploaded(
        &self,
        file: &compliance::artifact::ManifestFile,
        failures: &mut Failures,
        slot: &str,
    ) -> Result<Result<String, Outcome>, TaskError> {
        let Way::Channel { token, .. } = &self.way else {
            return Ok(Err(refused(
                "Notify.NoFiles",
                "only a channel takes files".to_owned(),
                false,
            )));
        };
        let reference = ObjectRef {
            key: format!("{}{}", self.folder, file.name),
            sha256: file.sha256.clone(),
        };
        let bytes = objects::read(self.ports.reports(), &reference).await?;
        let handed = ChatFile {
            name: file.name.rsplit('/').next().unwrap_or(&file.name),
            alt_text: file.description.as_deref(),
            bytes: &bytes,
        };
        loop {
            match self.ports.chat().upload(token, &handed).await {
                Ok(id) => return Ok(Ok(id)),
                Err(error) => match error.kind {
                    ChatErrorKind::Refused | ChatErrorKind::FormRefused => {
                        return Ok(Err(refused(&error.code(), error.message, false)));
                    }
                    _ => {
                        self.pause(&error, failures, slot);
                        failures.count()?;
                        drop(self.pace.turn(slot).await?);
                    }
                },
            }
        }
    }

    /// Makes the call, and says what became of it.
    async fn call(
        &self,
        part: &Part,
        under: Option<&Thread>,
        intent: &Intent,
        failures: &mut Failures,
    ) -> Result<Outcome, TaskError> {
        let sent = match (&self.way, &part.content) {
            (Way::Topic { arn }, Content::Mail { subject, text }) => {
                let handed = self.ports.topic(arn).notify(subject, text).await;
                return Ok(mail_outcome(handed, failures));
            }
            (Way::Channel { channel, token }, content) => {
                let place = ChatPlace {
                    token,
                    channel: under.map_or(channel, |thread| &thread.channel),
                    thread: under.map(|thread| thread.ts.as_str()),
                };
                self.call_channel(part, content, place, intent).await
            }
            (Way::Webhook { url }, Content::Message(forms)) => match forms.get(intent.form) {
                Some(message) => self
                    .ports
                    .chat()
                    .send_to_webhook(url, message)
                    .await
                    .map(|()| None),
                None => return Ok(no_way()),
            },
            _ => return Ok(no_way()),
        };
        let error = match sent {
            Ok(ts) => return Ok(Outcome::Sent { ts, found: false }),
            Err(error) => error,
        };
        self.pause(&error, failures, &self.slot(under));
        Ok(outcome(&error, part.content.is_idempotent()))
    }

    async fn call_channel(
        &self,
        part: &Part,
        content: &Content,
        place: ChatPlace<'_>,
        intent: &Intent,
    ) -> Result<Option<String>, ChatError> {
        let chat = self.ports.chat();
        match content {
            Content::Message(forms) => {
                let message = forms.get(intent.form).unwrap_or(&serde_json::Value::Null);
                chat.post(place, self.mark(part), message).await.map(Some)
            }
            Content::Amendment(forms) => {
                let message = forms.get(intent.form).unwrap_or(&serde_json::Value::Null);
                let ts = place.thread.unwrap_or_default();
                chat.update(
                    ChatPlace {
                        thread: None,
                        ..place
                    },
                    ts,
                    message,
                )
                .await
                .map(|()| None)
            }
            Content::File(file) => {
                let id = intent.file.as_deref().unwrap_or_default();
                chat.share(place, id, &file.name).await.map(|()| None)
            }
            Content::Mail { .. } => Ok(None),
        }
    }

    fn mark<'b>(&'b self, part: &'b Part) -> PartMark<'b> {
        PartMark {
            run_id: self.run_id,
            route: self.route,
            part: &part.name,
        }
    }

    /// Nobody's turn comes before the service wants it.
    fn pause(&self, error: &ChatError, failures: &mut Failures, slot: &str) {
        let wait = match error.kind {
            // Whoever shares the channel unknown to us, a webhook for one, is let through in time.
            ChatErrorKind::RateLimited(wait) => wait.max(failures.pause()),
            ChatErrorKind::Refused | ChatErrorKind::FormRefused => return,
            _ => failures.pause(),
        };
        failures.last = Some(TaskError::new(error.kind.code(), error.message.clone()));
        self.pace.hold(slot, wait);
    }

    /// Looks for what may have arrived.
    async fn look(
        &self,
        part: &Part,
        known: &PartRecord,
        under: Option<&Thread>,
        code: &str,
        answered: bool,
    ) -> Result<Outcome, TaskError> {
        let not_sent = || Outcome::NotSent {
            code: code.to_owned(),
        };
        // A service that says that it failed is asked again where there is no looking; so is a topic, which hands on at
        // least once anyway.
        let blind = if answered {
            not_sent()
        } else {
            Outcome::Ambiguous {
                code: code.to_owned(),
            }
        };
        let (Way::Channel { token, .. }, Some(intent)) = (&self.way, &known.intent) else {
            return Ok(if matches!(self.way, Way::Topic { .. }) {
                not_sent()
            } else {
                blind
            });
        };
        if part.content.is_idempotent() {
            return Ok(not_sent());
        }
        let place = ChatPlace {
            token,
            // Where it was sent then, which the settings may have changed since.
            channel: under.map_or(&intent.destination, |thread| &thread.channel),
            thread: under.map(|thread| thread.ts.as_str()),
        };
        let sought = match (&part.content, &intent.file) {
            (Content::File(_), Some(id)) => Sought::File(id),
            (Content::File(_), None) => return Ok(not_sent()),
            _ => Sought::Message(self.mark(part)),
        };
        self.pace.wait(SETTLE, "Slack.Unavailable").await?;
        let mut failures = Failures::default();
        loop {
            match self.ports.chat().find(place, sought, intent.claimed_at).await {
                Ok(Some(ts)) => {
                    return Ok(Outcome::Sent {
                        ts: Some(ts),
                        found: true,
                    });
                }
                Ok(None) => return Ok(not_sent()),
                Err(error) => {
                    let wait = match error.kind {
                        ChatErrorKind::Refused | ChatErrorKind::FormRefused => return Ok(blind),
                        ChatErrorKind::RateLimited(wait) => wait.max(failures.pause()),
                        _ => failures.pause(),
                    };
                    failures.last = Some(TaskError::new(error.kind.code(), error.message));
                    failures.count()?;
                    self.pace.wait(wait, error.kind.code()).await?;
                }
            }
        }
    }
}

/// Failures of one part in one run of the step.
#[derive(Debug, Default)]
struct Failures {
    attempts: u32,
    pauses: u32,
    last: Option<TaskError>,
}

impl Failures {
    /// One attempt more.
    ///
    /// # Errors
    /// The last failure, when there have been enough: the workflow enters the step again.
    fn count(&mut self) -> Result<(), TaskError> {
        self.attempts += 1;
        match &self.last {
            Some(last) if self.attempts > ATTEMPTS => Err(last.clone()),
            _ => Ok(()),
        }
    }

    /// Longer each time: 1, 2, 4 … seconds.
    fn pause(&mut self) -> Duration {
        self.pauses += 1;
        Duration::from_secs(1 << (self.pauses - 1).min(5)).min(LONGEST_PAUSE)
    }
}

fn refused(code: &str, message: String, form: bool) -> Outcome {
    Outcome::Refused {
        code: code.to_owned(),
        message,
        form,
    }
}

fn no_way() -> Outcome {
    let message = "this part cannot go this way, which is a defect of Plumbline: report it".to_owned();
    refused("Notify.NoWay", message, false)
}

fn outcome(error: &ChatError, idempotent: bool) -> Outcome {
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

fn mail_outcome(handed: Result<(), PortError>, failures: &mut Failures) -> Outcome {
    let Err(error) = handed else {
        return Outcome::Sent {
            ts: None,
            found: false,
        };
    };
    let code = error.code();
    match error.kind {
        PortErrorKind::Throttled | PortErrorKind::Unavailable => {
            failures.last = Some(TaskError::from(error));
            Outcome::NotSent { code }
        }
        _ => refused(&code, compliance::failure::chain(&error), false),
    }
}

#[cfg(test)]
mod tests {
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
        check(&record(2, 1, Some(not_sent)), 0, Next::Attempt(3, 1));
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

//! One part, sent once.
//!
//! What comes next for a part is a function of its record ([`crate::decide::next`]). An attempt is: wait for a turn, claim, one call, say
//! what became of it. A claim ends at a time by everybody's clock, and its holder begins no call that could last longer;
//! so whoever finds a claim that has ended without an outcome knows that nothing is under way any more, and can look.

use std::time::Duration;

use compliance::artifact::ManifestFile;
use compliance::delivery::record::{Intent, Outcome, PartRecord, RouteRecord, SCHEMA};
use compliance::failure::TaskError;
use compliance::ports::{
    ChatError, ChatErrorKind, ChatFile, ChatPlace, ChatService, Clock, Notifier, PartMark, Sought,
};
use compliance::secret::Secret;
use compliance::snapshot::ObjectRef;
use compliance::{Timestamp, objects};
use serde_json::Value;

use crate::decide::{End, Next, next, of_call, of_publishing, refused, without_looking};
use crate::pace::Pace;
use crate::parts::{AMENDMENT, Content, Part};
use crate::ports::Ports;
use crate::way::{Thread, Way};

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

/// Sends the parts of one route.
pub struct Sender<'a, P: Ports> {
    ports: &'a P,
    pace: &'a Pace<'a, P::Time>,
    record: RouteRecord<'a, P::Records>,
    run_id: &'a str,
    route: &'a str,
    folder: &'a str,
    way: Way,
}

impl<'a, P: Ports> Sender<'a, P> {
    /// A sender for a route of a run, whose record it keeps; files are read from the bundle in `folder`.
    pub fn new(
        ports: &'a P,
        pace: &'a Pace<'a, P::Time>,
        (run_id, route): (&'a str, &'a str),
        folder: &'a str,
        way: Way,
    ) -> Self {
        Self {
            ports,
            pace,
            record: RouteRecord::new(ports.records(), run_id, route),
            run_id,
            route,
            folder,
            way,
        }
    }

    /// Where parts go.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Sees to it that a part has arrived, or is accounted for.
    ///
    /// # Errors
    /// A code that the workflow tries again, when this run of the step cannot come to an end.
    pub async fn deliver(&self, part: &Part, under: Option<&Thread>) -> Result<End, TaskError> {
        let forms = part.content.forms();
        let mut known = self.record.part(&part.name).await?;
        let entered = known.attempt;
        let (mut failures, mut noticed) = (Failures::default(), Noticed::default());
        loop {
            match next(&known, entered, forms) {
                Next::Done(end) => return Ok(end),
                Next::Await(until) => self.await_claim(part, &known, until, &mut noticed).await?,
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
    async fn await_claim(
        &self,
        part: &Part,
        known: &PartRecord,
        until: Timestamp,
        noticed: &mut Noticed,
    ) -> Result<(), TaskError> {
        let by_clock = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        // By a clock that was set back since it would not end for hours; nobody holds it longer than a claim lasts.
        let left = by_clock.min(noticed.left(known.attempt, self.ports.time().monotonic()));
        if !left.is_zero() {
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
        let file = match (&self.way, &part.content) {
            // Nobody sees it yet, so this needs no claim.
            (Way::Channel { token, .. }, Content::File(file)) => {
                match self.uploaded(token, file, failures, &slot).await? {
                    Ok(id) => Some(id),
                    Err(refused) => {
                        return self
                            .refused_unclaimed(part, under, (number, form), &refused)
                            .await;
                    }
                }
            }
            _ => None,
        };
        let turn = self.pace.turn(&slot).await?;
        let intent = self.intent(form, file, under);
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
            self.call(part, under, &intent, failures).await
        };
        self.pace.said(turn);
        Ok(self.record.conclude(&part.name, number, &outcome).await?)
    }

    fn intent(&self, form: usize, file: Option<String>, under: Option<&Thread>) -> Intent {
        let now = self.now();
        Intent {
            schema: SCHEMA,
            destination: self.destination(under),
            form,
            file,
            claimed_by: self.ports.who(),
            claimed_at: now,
            until: now.checked_add(CLAIM).unwrap_or(Timestamp::MAX),
        }
    }

    /// The record of an attempt that was refused before anybody could have seen it.
    async fn refused_unclaimed(
        &self,
        part: &Part,
        under: Option<&Thread>,
        (number, form): (u32, usize),
        refused: &Outcome,
    ) -> Result<(), TaskError> {
        let intent = self.intent(form, None, under);
        if self.record.claim(&part.name, number, &intent).await? {
            self.record.conclude(&part.name, number, refused).await?;
        }
        Ok(())
    }

    /// Hands a file over, and gives its id; the inner error is a refusal.
    async fn uploaded(
        &self,
        token: &Secret,
        file: &ManifestFile,
        failures: &mut Failures,
        slot: &str,
    ) -> Result<Result<String, Outcome>, TaskError> {
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
            let error = match self.ports.chat().upload(token, &handed).await {
                Ok(id) => return Ok(Ok(id)),
                Err(error) => error,
            };
            let Some(wait) = failures.wait_after(&error) else {
                return Ok(Err(refused(&error.code(), error.message, false)));
            };
            failures.count()?;
            self.pace.hold(slot, wait);
            drop(self.pace.turn(slot).await?);
        }
    }

    /// Makes the call, and says what became of it.
    async fn call(
        &self,
        part: &Part,
        under: Option<&Thread>,
        intent: &Intent,
        failures: &mut Failures,
    ) -> Outcome {
        let chat = self.ports.chat();
        let called = match (&self.way, &part.content, under) {
            (Way::Topic { arn }, Content::Mail { subject, text }, _) => {
                return self.publish(arn, subject, text, failures).await;
            }
            (Way::Webhook { url }, Content::Message(forms), _) => {
                let sent = chat.send_to_webhook(url, form(forms, intent)).await;
                sent.map(|()| None)
            }
            (Way::Channel { channel, token }, Content::Message(forms), _) => {
                let place = place(token, channel, under);
                chat.post(place, self.mark(part), form(forms, intent))
                    .await
                    .map(Some)
            }
            (Way::Channel { token, .. }, Content::Amendment(forms), Some(head)) => {
                let place = place(token, &head.channel, None);
                let updated = chat.update(place, &head.ts, form(forms, intent)).await;
                updated.map(|()| None)
            }
            (Way::Channel { channel, token }, Content::File(file), _) => {
                let id = intent.file.as_deref().unwrap_or_default();
                let shared = chat.share(place(token, channel, under), id, &file.name).await;
                shared.map(|()| None)
            }
            _ => return no_way(),
        };
        match called {
            Ok(ts) => Outcome::Sent { ts, found: false },
            Err(error) => {
                if let Some(wait) = failures.wait_after(&error) {
                    self.pace.hold(&self.slot(under), wait);
                }
                of_call(&error, part.content.is_idempotent())
            }
        }
    }

    async fn publish(&self, arn: &str, subject: &str, text: &str, failures: &mut Failures) -> Outcome {
        match self.ports.topic(arn).notify(subject, text).await {
            Ok(()) => Outcome::Sent {
                ts: None,
                found: false,
            },
            Err(error) => {
                let outcome = of_publishing(&error);
                failures.last = Some(TaskError::from(error));
                outcome
            }
        }
    }

    fn mark<'b>(&'b self, part: &'b Part) -> PartMark<'b> {
        PartMark {
            run_id: self.run_id,
            route: self.route,
            part: &part.name,
        }
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
        let (token, intent) = match (&self.way, &known.intent) {
            (Way::Channel { token, .. }, Some(intent)) => (token, intent),
            // It hands on at least once anyway.
            (Way::Topic { .. }, _) => return Ok(not_sent()),
            _ => return Ok(without_looking(code, answered)),
        };
        let sought = match (&part.content, &intent.file) {
            (Content::Amendment(_), _) | (Content::File(_), None) => return Ok(not_sent()),
            (Content::File(_), Some(id)) => Sought::File(id),
            _ => Sought::Message(self.mark(part)),
        };
        self.pace.wait(SETTLE, "Slack.Unavailable").await?;
        // Where it was sent then, which the settings may have changed since.
        let place = place(token, &intent.destination, under);
        match self
            .find(place, sought, (intent.claimed_at, intent.until))
            .await?
        {
            Ok(Some(ts)) => Ok(Outcome::Sent {
                ts: Some(ts),
                found: true,
            }),
            Ok(None) => Ok(not_sent()),
            Err(MayNotLook) => Ok(without_looking(code, answered)),
        }
    }

    /// Looks until the service answers.
    async fn find(
        &self,
        place: ChatPlace<'_>,
        sought: Sought<'_>,
        between: (Timestamp, Timestamp),
    ) -> Result<Result<Option<String>, MayNotLook>, TaskError> {
        let mut failures = Failures::default();
        loop {
            let error = match self.ports.chat().find(place, sought, between).await {
                Ok(found) => return Ok(Ok(found)),
                Err(error) => error,
            };
            let Some(wait) = failures.wait_after(&error) else {
                return Ok(Err(MayNotLook));
            };
            failures.count()?;
            self.pace.wait(wait, error.kind.code()).await?;
        }
    }
}

/// The service does not let anybody look.
struct MayNotLook;

fn place<'a>(token: &'a Secret, channel: &'a str, under: Option<&'a Thread>) -> ChatPlace<'a> {
    ChatPlace {
        token,
        channel: under.map_or(channel, |thread| &thread.channel),
        thread: under.map(|thread| thread.ts.as_str()),
    }
}

fn form<'a>(forms: &'a [Value], intent: &Intent) -> &'a Value {
    forms.get(intent.form).unwrap_or(&Value::Null)
}

/// Parts are made for the way they go, so nobody sees this.
fn no_way() -> Outcome {
    let message = "this part cannot go this way, which is a defect of Plumbline: report it".to_owned();
    refused("Notify.NoWay", message, false)
}

/// Since when this run of the step knows of somebody's claim, by the clock that nobody sets.
#[derive(Debug, Default)]
struct Noticed {
    attempt: u32,
    at: Duration,
}

impl Noticed {
    /// How long the claim of this attempt can last at most.
    fn left(&mut self, attempt: u32, now: Duration) -> Duration {
        if self.attempt != attempt {
            *self = Self { attempt, at: now };
        }
        (self.at + CLAIM).saturating_sub(now)
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

    /// How long to wait for another try after a failure; `None` where none helps.
    fn wait_after(&mut self, error: &ChatError) -> Option<Duration> {
        let wait = match error.kind {
            ChatErrorKind::Refused | ChatErrorKind::FormRefused => return None,
            // Whoever shares the channel unknown to us, a webhook for one, is let through in time.
            ChatErrorKind::RateLimited(wait) => wait.max(self.pause()),
            _ => self.pause(),
        };
        self.last = Some(TaskError::new(error.kind.code(), error.message.clone()));
        Some(wait)
    }

    /// Longer each time: 1, 2, 4 … seconds.
    fn pause(&mut self) -> Duration {
        self.pauses += 1;
        Duration::from_secs(1 << (self.pauses - 1).min(5)).min(LONGEST_PAUSE)
    }
}

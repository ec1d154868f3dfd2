//! Sends the messages of plans.

use std::collections::BTreeMap;

use compliance::delivery::record::{Failure, Fallback, Outcome, RouteRecord};
use compliance::failure::TaskError;
use compliance::ports::{Clock, EventTable, ObjectStore};
use notify::parts::Part;
use notify::{End, Pace, Ports, Sender, Thread, Way, tell_topic};

use crate::RUN;
use crate::messages::{self, Form};
use crate::plan::{self, Changes, Head, Kind, Plan, Planned, Told};
use crate::planner::{ToTell, read};
use crate::task::Counts;

/// Where the messages of a route go.
pub(crate) enum Lead<'a, P: Ports> {
    /// This way.
    There(Sender<'a, P>),
    /// Nowhere, and why.
    Nowhere(Failure),
}

/// Sends what is planned for a route.
pub(crate) struct Delivery<'a, P: Ports, T> {
    pub(crate) ports: &'a P,
    pub(crate) pace: &'a Pace<'a, P::Time>,
    pub(crate) table: &'a T,
    pub(crate) route: &'a str,
    /// Where the route leads, in words.
    pub(crate) to: String,
    pub(crate) lead: Lead<'a, P>,
    /// ARN of the topic for failures.
    pub(crate) failure_topic: Option<String>,
}

/// Why a message did not arrive, or may not have.
enum Missed {
    Failed(Failure),
    Ambiguous,
}

impl Missed {
    fn words(&self) -> String {
        match self {
            Self::Failed(failure) => failure.message.clone(),
            Self::Ambiguous => "no answer came, so it may have arrived".to_owned(),
        }
    }

    /// The code of the task, where nobody could be told: what made it ambiguous would be tried again to no end.
    fn code(&self) -> &str {
        match self {
            Self::Failed(failure) => &failure.code,
            Self::Ambiguous => "Slack.Ambiguous",
        }
    }
}

/// What came of the parts of a message: whether all arrived.
type Arrival = Result<(), Missed>;

impl Counts {
    fn add(&mut self, arrival: &Arrival, delay: impl FnOnce() -> f64) {
        match arrival {
            Ok(()) => {
                self.sent += 1;
                self.delays.push(delay());
            }
            Err(Missed::Failed(_)) => self.failed += 1,
            Err(Missed::Ambiguous) => self.ambiguous += 1,
        }
    }
}

impl<'a, P: Ports, T: EventTable> Delivery<'a, P, T> {
    /// Sends every message that anything in the outbox is in. Those that others stand under come first.
    ///
    /// # Errors
    /// A code that the workflow tries again; after everything was tried, one that says that nobody could be told of
    /// something at all.
    pub(crate) async fn deliver(&self, all: &ToTell, counts: &mut Counts) -> Result<(), TaskError> {
        let mut untold = None;
        for heads in [true, false] {
            for plan in &all.plans {
                let messages = plan.messages.iter();
                for message in messages.filter(|one| one.kind.is_head() == heads && one.is_left(&all.left)) {
                    let this = Box::pin(self.message(plan, message, counts)).await?;
                    untold = untold.or(this);
                }
            }
        }
        untold.map_or(Ok(()), Err)
    }

    /// Sends a message, or tells of its failure; then it is out of the outbox. Gives why neither could be done.
    async fn message(
        &self,
        plan: &Plan,
        message: &Planned,
        counts: &mut Counts,
    ) -> Result<Option<TaskError>, TaskError> {
        let name = plan::part(plan.window, &message.name);
        let arrival = match &self.lead {
            Lead::There(sender) => self.send(sender, plan, message, &name).await?,
            Lead::Nowhere(failure) => Err(Missed::Failed(failure.clone())),
        };
        let fallback = match &arrival {
            Ok(()) => None,
            Err(missed) => Some((missed, self.tell_of_failure(plan, message, &name, missed).await?)),
        };
        counts.add(&arrival, || self.delay(message));
        match fallback {
            Some((missed, Fallback::Failed(second))) => Ok(Some(self.untold(&name, missed, &second))),
            fallback => {
                counts.told += u64::from(fallback.is_some());
                let entries = message.incidents.iter().flat_map(Told::entries);
                self.table.told(&entries.cloned().collect::<Vec<_>>()).await?;
                Ok(None)
            }
        }
    }

    /// Seconds since the result that the message is about: the oldest of those it tells first.
    fn delay(&self, message: &Planned) -> f64 {
        let told = message.incidents.iter();
        let results = told.map(|told| told.first.alert.result_recorded_time);
        let now = self.ports.time().now();
        results
            .min()
            .map_or(0.0, |result| now.duration_since(result).as_secs_f64().max(0.0))
    }

    async fn send(
        &self,
        sender: &Sender<'a, P>,
        plan: &Plan,
        message: &Planned,
        name: &str,
    ) -> Result<Arrival, TaskError> {
        let form = Form::of(sender.way());
        match (&message.kind, message.incidents.as_slice()) {
            (Kind::Opening, [told]) => {
                let part = messages::opening(name, told, form);
                Ok(arrived(&sender.deliver(&part, None).await?))
            }
            (Kind::Storm, incidents) => {
                let (head, below) = messages::storm(name, incidents, form);
                let end = sender.deliver(&head, None).await?;
                match (arrived(&end), Thread::under(&end)) {
                    (Ok(()), Some(thread)) => self.all(sender, &below, Some(&thread)).await,
                    (arrival, _) => Ok(arrival),
                }
            }
            (Kind::Later { head }, [told]) => {
                Box::pin(self.later(sender, head.as_ref(), told, (name, form))).await
            }
            (Kind::Progress { head }, incidents) => {
                Box::pin(self.progress(sender, plan, head, incidents, (name, form))).await
            }
            // A plan is made with one incident each.
            (Kind::Opening | Kind::Later { .. }, _) => Ok(Ok(())),
        }
    }

    /// What became of an incident: under the message that told it, which is changed; else on its own.
    async fn later(
        &self,
        sender: &Sender<'a, P>,
        head: Option<&Head>,
        told: &Told,
        (name, form): (&str, Form),
    ) -> Result<Arrival, TaskError> {
        let message = match head {
            Some(head) => self.planned(head).await?,
            None => None,
        };
        let first = message.as_ref().and_then(|message| message.incidents.first());
        let since = first.map(|first| first.first.alert.opened_at);
        let thread = match head.filter(|_| form == Form::Thread) {
            Some(head) => self.thread(head).await?,
            None => None,
        };
        let Some(thread) = thread else {
            let part = messages::on_its_own(name, told, since, form);
            return Ok(arrived(&sender.deliver(&part, None).await?));
        };
        let part = messages::under(name, told, since);
        let end = sender.deliver(&part, Some(&thread)).await?;
        if let Some(first) = first {
            // The reply has said it; a workspace may forbid changes of what is older.
            let amended = messages::amended(name, first, told);
            sender.deliver(&amended, Some(&thread)).await?;
        }
        Ok(arrived(&end))
    }

    /// What became of incidents of a storm, in the same way.
    async fn progress(
        &self,
        sender: &Sender<'a, P>,
        plan: &Plan,
        head: &Head,
        incidents: &[Told],
        (name, form): (&str, Form),
    ) -> Result<Arrival, TaskError> {
        let storm = self.planned(head).await?;
        let of_storm = storm
            .as_ref()
            .map_or(incidents, |storm| storm.incidents.as_slice());
        let is_over = self.is_over(head, plan).await?;
        let over = is_over.values().filter(|is_over| **is_over).count() as u64;
        let parts = messages::progress(name, incidents, (over, of_storm.len() as u64), form);
        let thread = match form {
            Form::Thread => self.thread(head).await?,
            Form::Message | Form::Mail => None,
        };
        let arrival = self.all(sender, &parts, thread.as_ref()).await?;
        if let (Some(thread), Some(storm)) = (&thread, &storm) {
            let amended = messages::storm_amended(name, &storm.incidents, &is_over);
            sender.deliver(&amended, Some(thread)).await?;
        }
        Ok(arrival)
    }

    /// Sends parts in order. What comes after one that did not arrive is sent all the same.
    async fn all(
        &self,
        sender: &Sender<'a, P>,
        parts: &[Part],
        thread: Option<&Thread>,
    ) -> Result<Arrival, TaskError> {
        let mut arrival = Ok(());
        for part in parts {
            let this = arrived(&sender.deliver(part, thread).await?);
            // A refusal says more than that nobody knows.
            if arrival.is_ok() || matches!(this, Err(Missed::Failed(_))) {
                arrival = this.and(arrival);
            }
        }
        Ok(arrival)
    }

    /// A message of a plan.
    async fn planned(&self, head: &Head) -> Result<Option<Planned>, TaskError> {
        let key = plan::plan_key(self.route, head.window, head.number);
        let plan: Option<Plan> = read(self.ports.records(), &key).await?;
        let messages = plan.map_or_else(Vec::new, |plan| plan.messages);
        Ok(messages.into_iter().find(|message| message.name == head.message))
    }

    /// The thread under a message; `None` when it did not arrive, or nobody knows.
    async fn thread(&self, head: &Head) -> Result<Option<Thread>, TaskError> {
        let record = RouteRecord::new(self.ports.records(), RUN, self.route);
        let known = record.part(&plan::part(head.window, &head.message)).await?;
        Ok(match (known.intent, known.outcome) {
            (Some(intent), Some(Outcome::Sent { ts: Some(ts), .. })) => Some(Thread {
                channel: intent.destination,
                ts,
            }),
            _ => None,
        })
    }

    /// Which incidents of a storm are over, by what was told up to this plan.
    async fn is_over(&self, storm: &Head, plan: &Plan) -> Result<BTreeMap<String, bool>, TaskError> {
        let last = plan::changes_key(self.route, storm, plan.window, plan.number);
        let mut is_over = BTreeMap::new();
        let store = self.ports.records();
        for key in store.list(&plan::changes_folder(self.route, storm)).await? {
            if key <= last {
                let changes: Option<Changes> = read(store, &key).await?;
                is_over.extend(changes.into_iter().flat_map(|changes| changes.is_over));
            }
        }
        Ok(is_over)
    }

    /// Tells the topic for failures.
    async fn tell_of_failure(
        &self,
        plan: &Plan,
        message: &Planned,
        name: &str,
        missed: &Missed,
    ) -> Result<Fallback, TaskError> {
        let said = self.in_mail(plan, message, name).await?;
        let part = messages::not_delivered(name, self.route, &self.to, &missed.words(), &said);
        let sender = |way: Way| Sender::new(self.ports, self.pace, (RUN, self.route), "", way);
        Box::pin(tell_topic(self.failure_topic.as_deref(), &part, sender)).await
    }

    /// Neither the route nor the topic for failures was told.
    fn untold(&self, name: &str, missed: &Missed, second: &Failure) -> TaskError {
        let message = format!(
            "the alert {name} did not reach {} (route {}): {}; nor was the topic for failures told: {}",
            self.to,
            self.route,
            missed.words(),
            second.message
        );
        TaskError::new(missed.code(), message)
    }

    /// What a message says, as mails.
    async fn in_mail(&self, plan: &Plan, message: &Planned, name: &str) -> Result<Vec<Part>, TaskError> {
        Ok(match (&message.kind, message.incidents.as_slice()) {
            (Kind::Opening, [told]) => vec![messages::opening(name, told, Form::Mail)],
            (Kind::Later { .. }, [told]) => vec![messages::on_its_own(name, told, None, Form::Mail)],
            (Kind::Progress { head }, incidents) => {
                let storm = self.planned(head).await?;
                let of = storm.map_or(incidents.len(), |storm| storm.incidents.len());
                let is_over = self.is_over(head, plan).await?;
                let over = is_over.values().filter(|is_over| **is_over).count() as u64;
                messages::progress(name, incidents, (over, of as u64), Form::Mail)
            }
            (_, incidents) => vec![messages::storm(name, incidents, Form::Mail).0],
        })
    }
}

impl Kind {
    /// Whether others may stand under it.
    fn is_head(&self) -> bool {
        matches!(self, Self::Opening | Self::Storm)
    }
}

fn arrived(end: &End) -> Arrival {
    match end {
        End::Sent(_) => Ok(()),
        End::Failed(failure) => Err(Missed::Failed(failure.clone())),
        End::Ambiguous(_) => Err(Missed::Ambiguous),
    }
}

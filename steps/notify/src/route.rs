//! One route: its parts in order, and what to do about those that did not arrive.

use std::collections::BTreeMap;

use compliance::delivery::RouteSettings;
use compliance::delivery::record::{Failure, RouteDelivery, RouteState};
use compliance::failure::{TaskError, chain};

use crate::decide::{End, may_pass};
use crate::fallback;
use crate::pace::Pace;
use crate::parts::{AMENDMENT, Concern, HEAD, Part, Report};
use crate::ports::Ports;
use crate::send::Sender;
use crate::way::{Thread, Way, described};

/// What the routes of a run share.
pub(crate) struct Run<'a, P: Ports> {
    pub(crate) ports: &'a P,
    pub(crate) pace: &'a Pace<'a, P::Time>,
    pub(crate) report: &'a Report<'a>,
    /// ARN of the topic that is told of failures.
    pub(crate) failure_topic: Option<String>,
}

/// What came of a route, and why the step must be entered again, if it must.
pub(crate) struct Came {
    pub(crate) delivery: RouteDelivery,
    pub(crate) again: Option<TaskError>,
}

impl<'a, P: Ports> Run<'a, P> {
    pub(crate) fn sender(&'a self, route: &'a str, way: Way) -> Sender<'a, P> {
        let run_id = &self.report.digest.run_id;
        Sender::new(self.ports, self.pace, (run_id, route), self.report.folder, way)
    }

    /// Sends what is missing on a route.
    pub(crate) async fn deliver(&'a self, route: &'a RouteSettings, concern: Option<Concern>) -> Came {
        let mut delivery = RouteDelivery {
            route: route.name.clone(),
            to: described(route),
            state: RouteState::Delivered,
            sent: BTreeMap::new(),
            failed: BTreeMap::new(),
            ambiguous: BTreeMap::new(),
            fallback: None,
        };
        if route.is_filtered() && concern.is_none() {
            delivery.state = RouteState::NothingToTell;
            return Came {
                delivery,
                again: None,
            };
        }
        let mut again = self.send(route, concern.as_ref(), &mut delivery).await.err();
        if again.is_none() && (!delivery.failed.is_empty() || delivery.ambiguous.contains_key(HEAD)) {
            match Box::pin(fallback::tell(self, &delivery)).await {
                Ok(told) => delivery.fallback = Some(told),
                Err(error) => again = Some(error),
            }
        }
        delivery.state = if again.is_some() {
            RouteState::Unfinished
        } else if !delivery.failed.is_empty() {
            RouteState::Failed
        } else if !delivery.ambiguous.is_empty() {
            RouteState::Ambiguous
        } else {
            RouteState::Delivered
        };
        Came { delivery, again }
    }

    async fn send(
        &'a self,
        route: &'a RouteSettings,
        concern: Option<&Concern>,
        delivery: &mut RouteDelivery,
    ) -> Result<(), TaskError> {
        let way = match Way::of(route, self.ports).await {
            Ok(way) => way,
            Err(error) if may_pass(&error) => return Err(error.into()),
            Err(error) => {
                let failure = Failure {
                    code: error.code(),
                    message: chain(&error),
                };
                delivery.failed.insert(HEAD.to_owned(), failure);
                return Ok(());
            }
        };
        let parts = match &way {
            Way::Channel { .. } => self.report.for_channel(concern),
            Way::Webhook { .. } => self.report.for_webhook(concern),
            Way::Topic { .. } => self.report.for_topic(concern),
        };
        let sender = self.sender(&route.name, way);
        let mut thread: Option<Thread> = None;
        for part in &parts {
            let end = sender.deliver(part, thread.as_ref()).await?;
            note(delivery, part, &end);
            if part.name == HEAD {
                match Thread::under(&end) {
                    Some(head) => thread = Some(head),
                    // Nothing can stand under a head that nobody knows the place of.
                    None => break,
                }
            }
        }
        match (thread, sender.way()) {
            (Some(thread), Way::Channel { .. }) => self.amend(&sender, concern, &thread, delivery).await,
            // What a route wrote into a channel stays there as it is when it leads elsewhere.
            _ => Ok(()),
        }
    }

    /// Says in the head what is missing under it.
    async fn amend(
        &self,
        sender: &Sender<'a, P>,
        concern: Option<&Concern>,
        thread: &Thread,
        delivery: &mut RouteDelivery,
    ) -> Result<(), TaskError> {
        let missing = delivery.missing();
        let missing: Vec<String> = missing.map(|(part, why)| format!("{part} ({why})")).collect();
        if missing.is_empty() && !sender.was_amended().await? {
            return Ok(());
        }
        let part = self.report.amended(concern, &missing);
        let end = sender.deliver(&part, Some(thread)).await?;
        note(delivery, &part, &end);
        Ok(())
    }
}

fn note(delivery: &mut RouteDelivery, part: &Part, end: &End) {
    let name = part.name.clone();
    match end {
        End::Sent(arrived) if !name.starts_with(AMENDMENT) => {
            delivery.sent.insert(name, arrived.ts.clone());
        }
        End::Sent(_) => {}
        End::Failed(failure) => {
            delivery.failed.insert(name, failure.clone());
        }
        End::Ambiguous(code) => {
            delivery.ambiguous.insert(name, code.clone());
        }
    }
}

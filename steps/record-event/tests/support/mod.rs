//! Events, a clock, and ports that fail and die.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of tests, of which each uses some"
)]

use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use compliance::Timestamp;
use compliance::alerts::{OutboxEntry, Window};
use compliance::evaluation::PairKey;
use compliance::events::EventRecord;
use compliance::ports::{
    AlertStarter, Clock, DeadLetters, EventTable, EventWrite, PortError, PortErrorKind, StoredPair, Timer,
    Written,
};
use compliance::settings::Settings;
use local::{MemoryAlertStarter, MemoryDeadLetters, MemoryEventTable};
use record_event::{Message, Ports, Setup};
use serde_json::{Value, json};

/// Numbers that look random, the same each time (splitmix64).
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// When tests begin.
pub(crate) const BEGIN: &str = "2026-11-21T10:00:00Z";

/// A clock that goes on a little with each look, and by what is slept.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn advance(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos() as i64, Ordering::Relaxed);
    }
    fn passed(&self) -> Duration {
        Duration::from_nanos(self.0.fetch_add(200_000, Ordering::Relaxed) as u64)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        BEGIN
            .parse::<Timestamp>()
            .unwrap()
            .checked_add(self.passed())
            .unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.passed()
    }
}

impl Timer for TestClock {
    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        tokio::task::yield_now().await;
    }
}

/// How the table fails, in percent of its calls.
#[derive(Debug)]
pub(crate) struct Chaos {
    pub(crate) rng: Mutex<Rng>,
    pub(crate) throttled: usize,
    /// A write is done, and its answer is lost.
    pub(crate) unanswered: usize,
    /// Every write is overtaken.
    pub(crate) overtaken: AtomicBool,
    /// Every write is refused for good.
    pub(crate) refused: AtomicBool,
    /// What was written, in order.
    pub(crate) written: Mutex<Vec<EventWrite>>,
}

impl Chaos {
    pub(crate) fn new(seed: u64, throttled: usize, unanswered: usize) -> Self {
        Self {
            rng: Mutex::new(Rng::new(seed)),
            throttled,
            unanswered,
            overtaken: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            written: Mutex::default(),
        }
    }
    pub(crate) fn happens(&self, share: usize) -> bool {
        self.rng.lock().unwrap().percent(share)
    }
}

/// How long a sender lives, in moments between two calls of ports.
#[derive(Debug)]
pub(crate) struct Life {
    left: Option<AtomicU32>,
    is_over: AtomicBool,
}

impl Life {
    pub(crate) fn new(moments: Option<u32>) -> Self {
        Self {
            left: moments.map(AtomicU32::new),
            is_over: AtomicBool::new(false),
        }
    }
    /// A moment before or after a call. The last of a life never ends.
    pub(crate) async fn moment(&self) {
        if let Some(left) = &self.left {
            let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if before.is_err() {
                self.is_over.store(true, Ordering::Relaxed);
                pending::<()>().await;
            }
        }
        tokio::task::yield_now().await;
    }
    /// Runs to its end, or to the end of life, where it is dropped as it stands.
    pub(crate) async fn live<T>(&self, run: impl Future<Output = T>) -> Option<T> {
        let mut run = pin!(run);
        poll_fn(|context| match run.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.is_over.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

/// All that senders share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) table: MemoryEventTable<TestClock>,
    pub(crate) letters: MemoryDeadLetters,
    pub(crate) alerts: MemoryAlertStarter,
    pub(crate) chaos: Chaos,
    /// Codes that dead letters and starts fail with.
    pub(crate) letters_fail: bool,
    pub(crate) alerts_fail: bool,
}

impl World {
    pub(crate) fn new(chaos: Chaos) -> Self {
        let clock = TestClock::default();
        Self {
            table: MemoryEventTable::new(clock.clone()),
            clock,
            letters: MemoryDeadLetters::default(),
            alerts: MemoryAlertStarter::default(),
            chaos,
            letters_fail: false,
            alerts_fail: false,
        }
    }

    /// One that never fails.
    pub(crate) fn calm() -> Self {
        Self::new(Chaos::new(0, 0, 0))
    }
}

/// A sender: the world as it reaches it while it lives.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) world: &'a World,
    pub(crate) life: Life,
}

impl<'a> Sender<'a> {
    pub(crate) fn immortal(world: &'a World) -> Self {
        Self {
            world,
            life: Life::new(None),
        }
    }

    /// A call: a moment before, perhaps a failure, and a moment after.
    async fn call<T>(&self, made: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        self.life.moment().await;
        if self.world.chaos.happens(self.world.chaos.throttled) {
            return Err(error("Events", PortErrorKind::Throttled));
        }
        let answer = made.await;
        self.life.moment().await;
        answer
    }
}

pub(crate) fn error(service: &'static str, kind: PortErrorKind) -> PortError {
    PortError::new(
        service,
        kind,
        "the bucket payroll of 111122223333 at 10.1.2.3 is busy",
    )
}

impl EventTable for Sender<'_> {
    async fn pair(&self, key: &PairKey) -> Result<Option<StoredPair>, PortError> {
        self.call(self.world.table.pair(key)).await
    }
    async fn write(&self, write: &EventWrite) -> Result<Written, PortError> {
        let chaos = &self.world.chaos;
        if chaos.overtaken.load(Ordering::Relaxed) {
            self.life.moment().await;
            return Ok(Written::Conflict);
        }
        if chaos.refused.load(Ordering::Relaxed) {
            return Err(error("Events", PortErrorKind::InvalidRequest));
        }
        let made = async {
            let written = self.world.table.write(write).await?;
            if written == Written::New {
                chaos.written.lock().unwrap().push(write.clone());
                if chaos.happens(chaos.unanswered) {
                    return Err(error("Events", PortErrorKind::Unavailable));
                }
            }
            Ok(written)
        };
        self.call(made).await
    }
    async fn events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventRecord>, PortError> {
        self.world.table.events(from, until).await
    }
    async fn outbox(&self, route: &str, window: Window) -> Result<Vec<OutboxEntry>, PortError> {
        self.world.table.outbox(route, window).await
    }
    async fn overdue(&self, before: Timestamp) -> Result<Vec<(String, Window)>, PortError> {
        self.world.table.overdue(before).await
    }
    async fn told(&self, entries: &[OutboxEntry]) -> Result<(), PortError> {
        self.world.table.told(entries).await
    }
}

impl DeadLetters for Sender<'_> {
    async fn keep(&self, body: &str, code: &str, reason: &str) -> Result<(), PortError> {
        self.life.moment().await;
        if self.world.letters_fail {
            return Err(error("Queue", PortErrorKind::Unavailable));
        }
        self.world.letters.keep(body, code, reason).await?;
        self.life.moment().await;
        Ok(())
    }
}

impl AlertStarter for Sender<'_> {
    async fn start(
        &self,
        route: &str,
        window: Window,
        closes: Timestamp,
        again: Option<Timestamp>,
    ) -> Result<(), PortError> {
        self.life.moment().await;
        if self.world.alerts_fail {
            return Err(error("Executions", PortErrorKind::Throttled));
        }
        self.world.alerts.start(route, window, closes, again).await?;
        self.life.moment().await;
        Ok(())
    }
}

impl Ports for Sender<'_> {
    type Table = Self;
    type Letters = Self;
    type Alerts = Self;
    type Time = TestClock;

    fn table(&self) -> &Self {
        self
    }
    fn letters(&self) -> &Self {
        self
    }
    fn alerts(&self) -> &Self {
        self
    }
    fn time(&self) -> &TestClock {
        &self.world.clock
    }
}

/// A queue that gives a message again until it is deleted.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Message>>,
    under_way: AtomicU32,
}

impl Queue {
    pub(crate) fn new(messages: Vec<Message>) -> Self {
        Self {
            waiting: Mutex::new(messages.into()),
            under_way: AtomicU32::new(0),
        }
    }
    /// Up to so many; `None` when nothing is left and nothing can come back.
    pub(crate) fn take(&self, most: usize) -> Option<Vec<Message>> {
        let mut waiting = self.waiting.lock().unwrap();
        let most = most.min(waiting.len());
        if most == 0 && self.under_way.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.under_way.fetch_add(most as u32, Ordering::Relaxed);
        Some(waiting.drain(..most).collect())
    }
    /// All of a batch is done but these, which come again.
    pub(crate) fn done(&self, batch: &[Message], again: &[String]) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.extend(
            batch
                .iter()
                .filter(|message| again.contains(&message.id))
                .cloned(),
        );
        self.under_way.fetch_sub(batch.len() as u32, Ordering::Relaxed);
    }
}

/// A result of a rule, as the table should know it.
#[derive(Debug, Clone)]
pub(crate) struct Evaluated {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) resource_type: String,
    pub(crate) resource: String,
    /// As it is deployed, and as it is normalised.
    pub(crate) rule: (String, String),
    pub(crate) at: Timestamp,
    pub(crate) old: Option<&'static str>,
    pub(crate) new: &'static str,
}

impl Evaluated {
    pub(crate) fn body(&self) -> Value {
        let result =
            |status: &str| json!({"complianceType": status, "resultRecordedTime": self.at.to_string()});
        let mut body = json!({
            "id": self.id, "source": "aws.config", "detail-type": "Config Rules Compliance Change",
            "account": self.account, "region": self.region, "time": self.at.to_string(), "resources": [],
            "detail": {
                "resourceId": self.resource, "resourceType": self.resource_type, "configRuleName": self.rule.0,
                "newEvaluationResult": result(self.new),
            },
        });
        if let Some(old) = self.old {
            body["detail"]["oldEvaluationResult"] = result(old);
        }
        body
    }
}

/// A result of one bucket, so many seconds after the beginning.
pub(crate) fn result(id: &str, seconds: i64, old: Option<&'static str>, new: &'static str) -> Evaluated {
    let begin: Timestamp = BEGIN.parse().unwrap();
    Evaluated {
        id: id.to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource: "payroll-backups".to_owned(),
        rule: (HIGH.to_owned(), HIGH.to_owned()),
        at: begin
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap(),
        old,
        new,
    }
}

/// A rule that is alerted.
pub(crate) const HIGH: &str = "s3-bucket-versioning-enabled";
/// One that is not.
pub(crate) const LOW: &str = "required-tags";

pub(crate) fn message(id: &str, body: &Value) -> Message {
    Message {
        id: id.to_owned(),
        body: body.to_string(),
    }
}

/// Alerts on two routes, of which one takes one account only.
pub(crate) const SETTINGS: &str = r#"
[rules."s3-bucket-versioning-enabled"]
severity = "high"
[rules."required-tags"]
severity = "low"
[[delivery.routes]]
name = "oncall"
alerts = "only"
to = { sns_topic = "summary" }
[[delivery.routes]]
name = "security"
alerts = "also"
accounts = ["111122220003"]
to = { sns_topic = "summary" }
"#;

pub(crate) fn setup(settings: &str) -> Setup {
    Setup::new(Settings::parse(settings).unwrap(), &[]).unwrap()
}

/// As long as any test takes by its clock.
pub(crate) const LONG: Duration = Duration::from_secs(1_000_000);

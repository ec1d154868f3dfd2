//! What is outside of a step that sends: stores in memory, a fake Slack on loopback, topics, a time of its own, and an end at
//! any call.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use compliance::Timestamp;
use compliance::delivery::SecretPlace;
use compliance::ports::*;
use compliance::secret::Secret;
use fake_slack::{FakeSlack, Faults, Message, Token, Workspace};
use local::MemoryObjectStore;
use notify::Ports;
use serde_json::Value;
use slack::{Slack, SlackSettings};
use tokio::sync::Notify;

pub const TOKEN: &str = "xoxb-secretpart-1";
pub const CHANNEL: &str = "C00000001";
pub const OTHER: &str = "C00000002";
pub const WEBHOOK: &str = "/services/T0/B0/secretpart";
pub const SUMMARY: &str = "arn:aws:sns:eu-west-1:111122223333:summary";
pub const FAILURES: &str = "arn:aws:sns:eu-west-1:111122223333:failures";

/// Time that passes when somebody waits, and a little at each look.
#[derive(Debug, Clone, Default)]
pub struct Time {
    micros: Arc<AtomicU64>,
    set_back: Arc<AtomicU64>,
}

impl Time {
    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.micros.fetch_add(50, Ordering::SeqCst))
    }
    /// As everybody else sees it.
    pub fn since_epoch(&self) -> Duration {
        Duration::from_secs(1_795_251_600) + self.elapsed()
    }
    /// The step's own clock shows an earlier time from now on.
    pub fn set_back(&self, by: Duration) {
        self.set_back.store(by.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let set_back = Duration::from_secs(self.set_back.load(Ordering::SeqCst));
        Timestamp::UNIX_EPOCH
            .checked_add(self.since_epoch() - set_back)
            .unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.elapsed()
    }
}

impl Timer for Time {
    async fn sleep(&self, duration: Duration) {
        // Who else waits gets its turn at the same moment at the earliest.
        let until = self.elapsed() + duration;
        tokio::task::yield_now().await;
        self.micros.fetch_max(until.as_micros() as u64, Ordering::SeqCst);
    }
}

/// Where a run of the step ends as if its process were killed: at this call, before or after it was made.
#[derive(Debug, Default)]
pub struct End {
    calls: AtomicU64,
    at: Option<(u64, bool)>,
    pub died: Notify,
}

impl End {
    pub fn at(call: u64, after: bool) -> Self {
        Self {
            at: Some((call, after)),
            ..Self::default()
        }
    }
    pub fn never() -> Self {
        Self::default()
    }
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
    pub async fn around<T>(&self, call: impl Future<Output = T>) -> T {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        if self.at == Some((number, false)) {
            self.die().await;
        }
        let answer = call.await;
        if self.at == Some((number, true)) {
            self.die().await;
        }
        answer
    }
    async fn die(&self) {
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

pub struct Mortal<T> {
    pub inner: Arc<T>,
    pub end: Arc<End>,
    slow: Slow,
}

/// How many of the next claims take a store how long.
#[derive(Debug, Clone, Default)]
pub struct Slow {
    time: Time,
    claims: Arc<AtomicU64>,
}

impl Slow {
    const LASTS: Duration = Duration::from_secs(20);

    async fn pass(&self, key: &str) {
        let one_less = |left: u64| left.checked_sub(1);
        if key.ends_with("-intent.json")
            && self
                .claims
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
        {
            self.time.sleep(Self::LASTS).await;
        }
    }
}

impl<T: ObjectStore> ObjectStore for Mortal<T> {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        self.slow.pass(key).await;
        self.end.around(self.inner.put_new(key, bytes)).await
    }
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.end.around(self.inner.get(key)).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        self.end.around(self.inner.list(prefix)).await
    }
}

impl ChatService for Mortal<Slack> {
    async fn post(
        &self,
        place: ChatPlace<'_>,
        mark: PartMark<'_>,
        message: &Value,
    ) -> Result<String, ChatError> {
        self.end.around(self.inner.post(place, mark, message)).await
    }
    async fn update(&self, place: ChatPlace<'_>, ts: &str, message: &Value) -> Result<(), ChatError> {
        self.end.around(self.inner.update(place, ts, message)).await
    }
    async fn upload(&self, token: &Secret, file: &ChatFile<'_>) -> Result<String, ChatError> {
        self.end.around(self.inner.upload(token, file)).await
    }
    async fn share(&self, place: ChatPlace<'_>, file_id: &str, title: &str) -> Result<(), ChatError> {
        self.end.around(self.inner.share(place, file_id, title)).await
    }
    async fn find(
        &self,
        place: ChatPlace<'_>,
        sought: Sought<'_>,
        between: (Timestamp, Timestamp),
    ) -> Result<Option<String>, ChatError> {
        self.end.around(self.inner.find(place, sought, between)).await
    }
    async fn send_to_webhook(&self, url: &Secret, message: &Value) -> Result<(), ChatError> {
        self.end.around(self.inner.send_to_webhook(url, message)).await
    }
}

/// What topics were told: ARN, subject, text.
pub type Told = Arc<Mutex<Vec<(String, String, String)>>>;

pub struct Topic {
    arn: String,
    told: Told,
    fails: Option<PortErrorKind>,
}

impl Notifier for Topic {
    async fn notify(&self, subject: &str, text: &str) -> Result<(), PortError> {
        if let Some(kind) = self.fails {
            return Err(PortError::new(
                "Notify",
                kind,
                format!("cannot publish to {}", self.arn),
            ));
        }
        let mut told = self.told.lock().unwrap();
        told.push((self.arn.clone(), subject.to_owned(), text.to_owned()));
        Ok(())
    }
}

/// Everything outside of a step, which outlives each run of it.
pub struct Outside {
    pub reports: Arc<MemoryObjectStore>,
    pub records: Arc<MemoryObjectStore>,
    pub fake: FakeSlack,
    pub slack: Arc<Slack>,
    pub told: Told,
    pub topics_fail: Option<PortErrorKind>,
    pub summary: Option<&'static str>,
    pub failures: Option<&'static str>,
    pub secrets: BTreeMap<String, String>,
    pub secrets_fail: Option<PortErrorKind>,
    pub time: Time,
    /// How long a run of the step may last.
    pub budget: Duration,
    slow: Slow,
    runs: AtomicU64,
}

/// One run of the step.
pub struct Alive<'a> {
    world: &'a Outside,
    reports: Mortal<MemoryObjectStore>,
    records: Mortal<MemoryObjectStore>,
    slack: Mortal<Slack>,
    who: String,
}

impl Ports for Alive<'_> {
    type Reports = Mortal<MemoryObjectStore>;
    type Records = Mortal<MemoryObjectStore>;
    type Chat = Mortal<Slack>;
    type Topic = Topic;
    type Time = Time;

    fn reports(&self) -> &Self::Reports {
        &self.reports
    }
    fn records(&self) -> &Self::Records {
        &self.records
    }
    fn chat(&self) -> &Self::Chat {
        &self.slack
    }
    fn time(&self) -> &Time {
        &self.world.time
    }
    fn topic(&self, arn: &str) -> Topic {
        Topic {
            arn: arn.to_owned(),
            told: Arc::clone(&self.world.told),
            fails: self.world.topics_fail,
        }
    }
    async fn secret(&self, place: &SecretPlace) -> Result<Secret, PortError> {
        let SecretPlace::Manager(name) = place else {
            panic!("{place:?}")
        };
        if let Some(kind) = self.world.secrets_fail {
            return Err(PortError::new(
                "Secrets",
                kind,
                format!("cannot read the secret {name:?}"),
            ));
        }
        let secret = self.world.secrets.get(name).cloned().map(Secret::new);
        secret.ok_or_else(|| {
            PortError::new(
                "Secrets",
                PortErrorKind::NotFound,
                format!("there is no secret {name:?}; make it"),
            )
        })
    }
    fn summary_topic(&self) -> Option<&str> {
        self.world.summary
    }
    fn failure_topic(&self) -> Option<&str> {
        self.world.failures
    }
    fn who(&self) -> String {
        self.who.clone()
    }
}

pub fn token(scopes: &[&'static str]) -> Token {
    Token {
        scopes: scopes.to_vec(),
        channels: vec![CHANNEL.to_owned(), OTHER.to_owned()],
        error: None,
    }
}

pub const ALL: [&str; 3] = ["chat:write", "files:write", "channels:history"];

pub fn workspace(scopes: &[&'static str]) -> Workspace {
    Workspace {
        tokens: [(TOKEN.to_owned(), token(scopes))].into(),
        channels: [(CHANNEL.to_owned(), false), (OTHER.to_owned(), false)].into(),
        // In a channel of its own: time here passes for all at once when one waits, so who competes for a channel without
        // knowing of the others would lose each time.
        webhooks: [(WEBHOOK.to_owned(), Ok("C00000003".to_owned()))].into(),
        ..Workspace::default()
    }
}

impl Outside {
    pub fn new(workspace: Workspace) -> Self {
        let time = Time::default();
        let seen = time.clone();
        let fake = FakeSlack::start(
            workspace,
            Faults::default(),
            Arc::new(move || seen.since_epoch()),
            0,
        )
        .unwrap();
        let slack = Slack::new(&SlackSettings {
            api: fake.api(),
            timeout: Duration::from_millis(150),
        })
        .unwrap();
        let reports = Arc::new(MemoryObjectStore::default());
        Self {
            secrets: [
                ("token".to_owned(), TOKEN.to_owned()),
                ("webhook".to_owned(), fake.webhook(WEBHOOK)),
            ]
            .into(),
            reports,
            records: Arc::default(),
            slack: Arc::new(slack),
            fake,
            told: Told::default(),
            topics_fail: None,
            summary: None,
            failures: Some(FAILURES),
            secrets_fail: None,
            slow: Slow {
                time: time.clone(),
                ..Slow::default()
            },
            time,
            budget: Duration::from_secs(840),
            runs: AtomicU64::new(0),
        }
    }

    pub fn alive(&self, end: &Arc<End>) -> Alive<'_> {
        let mortal = |inner: &Arc<MemoryObjectStore>| Mortal {
            inner: Arc::clone(inner),
            end: Arc::clone(end),
            slow: self.slow.clone(),
        };
        Alive {
            world: self,
            reports: mortal(&self.reports),
            records: mortal(&self.records),
            slack: Mortal {
                inner: Arc::clone(&self.slack),
                end: Arc::clone(end),
                slow: self.slow.clone(),
            },
            who: format!("run {}", self.runs.fetch_add(1, Ordering::SeqCst)),
        }
    }

    pub fn parts(&self) -> Vec<String> {
        parts(&self.fake.messages())
    }

    /// Storing the next claims takes so long that others may take them for ended.
    pub fn slow_claims(&self, number: u64) {
        self.slow.claims.store(number, Ordering::SeqCst);
    }

    /// Everything that was written down, as text.
    pub async fn written(&self) -> String {
        let mut all = String::new();
        for key in self.records.list("").await.unwrap() {
            let bytes = self.records.get(&key).await.unwrap().unwrap();
            all += &format!("{key}\n{}\n", String::from_utf8_lossy(&bytes));
        }
        all
    }
}

/// The parts a reader sees, in order; a file by its name.
pub fn parts(messages: &[Message]) -> Vec<String> {
    let name = |message: &Message| match message.files.first() {
        Some(file) => format!("file-{}", file.name),
        None => message.part.clone().unwrap_or_else(|| "unmarked".to_owned()),
    };
    messages.iter().map(name).collect()
}

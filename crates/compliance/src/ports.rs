//! What steps need of the world, as traits. Adapters live in `aws`, `local` and `simulated-org`.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::alerts::{OutboxEntry, Window};
use crate::coverage::{Gap, SourceStatus};
use crate::evaluation::{ComplianceType, EvaluationResult, PairKey, RuleCompliance};
use crate::events::{EventRecord, PairHistory};
use crate::organization::{Account, Aggregator, ConformancePack, DeployedRule};
use crate::secret::Secret;

/// What kind of failure an adapter met; the stable code that Retry, Catch, reports and exit codes match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortErrorKind {
    /// Throttled until the attempts ran out.
    Throttled,
    /// 5xx, a cut connection or a timeout until the attempts ran out.
    Unavailable,
    /// The principal may not make this call.
    AccessDenied,
    /// No usable AWS credentials or region.
    Credentials,
    /// No aggregator, organization or account of that name.
    NotFound,
    /// An answer that breaks the service's contract: it is refused, not guessed at.
    InvalidAnswer,
    /// A request the service refused as malformed.
    InvalidRequest,
    /// An object is damaged: its bytes are not those its reference names.
    Damaged,
    /// The store cannot be read or written.
    Storage,
}

impl PortErrorKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Throttled,
        Self::Unavailable,
        Self::AccessDenied,
        Self::Credentials,
        Self::NotFound,
        Self::InvalidAnswer,
        Self::InvalidRequest,
        Self::Damaged,
        Self::Storage,
    ];

    /// The kind of a stable code such as `Config.Throttled`; `None` for a code that is not of a port.
    pub fn of_code(code: &str) -> Option<Self> {
        let (_, kind) = code.rsplit_once('.')?;
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }

    /// The code under a service's name: `Throttled` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Unavailable => "Unavailable",
            Self::AccessDenied => "AccessDenied",
            Self::Credentials => "Credentials",
            Self::NotFound => "NotFound",
            Self::InvalidAnswer => "InvalidAnswer",
            Self::InvalidRequest => "InvalidRequest",
            Self::Damaged => "Damaged",
            Self::Storage => "Storage",
        }
    }
}

/// A failure of a port. `Display` says what happened, to what, and what to do; it does not repeat its source.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    /// What kind.
    pub kind: PortErrorKind,
    /// The service or store: `Config`, `Organizations`, `Store`.
    pub service: &'static str,
    /// What happened, to what, and what to do next.
    pub message: String,
    /// The adapter's own error.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl PortError {
    /// An error without a source.
    pub fn new(service: &'static str, kind: PortErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            service,
            message: message.into(),
            source: None,
        }
    }
    /// The same with the adapter's own error as its source.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
    /// The stable code: `Config.Throttled`, `Store.Damaged`.
    pub fn code(&self) -> String {
        format!("{}.{}", self.service, self.kind.as_str())
    }
    /// It tells of one object, and of no other. A store that is out of reach or refuses its caller tells nothing of the
    /// object: whoever would go on without it must not take that for a gap.
    pub fn is_of_the_object(&self) -> bool {
        use PortErrorKind as Kind;
        !matches!(
            self.kind,
            Kind::Throttled | Kind::Unavailable | Kind::AccessDenied | Kind::Credentials
        )
    }
    /// As a gap of coverage.
    pub fn gap(&self) -> Gap {
        Gap {
            code: self.code(),
            reason: self.message.clone(),
        }
    }
}

/// An (account, region, rule).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleScope<'a> {
    /// The source account.
    pub account_id: &'a str,
    /// The source region.
    pub aws_region: &'a str,
    /// The deployed rule name.
    pub config_rule_name: &'a str,
}

/// Where evaluation results come from: a Config aggregator. Every method reads all pages (an empty page with a
/// token is not the last), retries what may be retried within one rate budget, and fails as a whole.
pub trait EvaluationSource: Send + Sync {
    /// The aggregator of this name.
    fn aggregator(&self, name: &str) -> impl Future<Output = Result<Aggregator, PortError>> + Send;
    /// Its sources, (account, region) each; entries of the organization itself are left out.
    fn sources(&self, aggregator: &str) -> impl Future<Output = Result<Vec<SourceStatus>, PortError>> + Send;
    /// The (account, region, rule) triples that have results.
    fn rules_with_results(
        &self,
        aggregator: &str,
    ) -> impl Future<Output = Result<Vec<RuleCompliance>, PortError>> + Send;
    /// Whether any `AWS::Config::ResourceCompliance` item can be queried.
    fn records_resource_compliance(
        &self,
        aggregator: &str,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
    /// Every pair of these accounts by query over `AWS::Config::ResourceCompliance`; rows without annotations and
    /// result times.
    fn resource_compliance(
        &self,
        aggregator: &str,
        account_ids: &[String],
    ) -> impl Future<Output = Result<Vec<EvaluationResult>, PortError>> + Send;
    /// The details of one rule in one account and region; `only` narrows to one compliance type.
    fn compliance_details(
        &self,
        aggregator: &str,
        scope: RuleScope<'_>,
        only: Option<ComplianceType>,
    ) -> impl Future<Output = Result<Vec<EvaluationResult>, PortError>> + Send;
}

/// Names and places of accounts: AWS Organizations.
pub trait OrganizationDirectory: Send + Sync {
    /// Every active account with its name and path of organizational units.
    fn accounts(&self) -> impl Future<Output = Result<Vec<Account>, PortError>> + Send;
}

/// Which rules are deployed in a member account, with results or without.
pub trait RuleInventory: Send + Sync {
    /// Every rule of one account and region.
    fn deployed_rules(
        &self,
        account_id: &str,
        aws_region: &str,
    ) -> impl Future<Output = Result<Vec<DeployedRule>, PortError>> + Send;
    /// Every conformance pack of one account and region.
    fn conformance_packs(
        &self,
        account_id: &str,
        aws_region: &str,
    ) -> impl Future<Output = Result<Vec<ConformancePack>, PortError>> + Send;
}

/// What became of a write-once put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is new.
    Created,
    /// An object of that key was there before, and stays: the first writer wins.
    Existed,
}

/// Holds a key to what every store takes: parts between `/`, none of them empty, `.` or `..`, without `\\` and NUL. So a
/// key is a relative path that stays where it is put, whatever the store.
///
/// # Errors
/// `Store.InvalidRequest` for any other.
pub fn check_key(key: &str) -> Result<(), PortError> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if key.split('/').all(plain) && !key.contains(['\\', '\0']) {
        return Ok(());
    }
    Err(PortError::new(
        "Store",
        PortErrorKind::InvalidRequest,
        format!("{key:?} is not a key of an object"),
    ))
}

/// Write-once objects by key, see [`check_key`]. A put is atomic: a reader sees the whole object or none.
pub trait ObjectStore: Send + Sync {
    /// Writes `bytes` under `key` unless there is an object already.
    fn put_new(&self, key: &str, bytes: &[u8]) -> impl Future<Output = Result<Put, PortError>> + Send;
    /// The bytes under `key`, or `None`.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, PortError>> + Send;
    /// All keys that begin with `prefix`, sorted.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, PortError>> + Send;
}

/// Keeps objects of a store from being deleted.
pub trait Retention: Send + Sync {
    /// Nobody deletes the object before this time. It may be said again; a later time extends it.
    fn retain(&self, key: &str, until: Timestamp) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Tells people something: a topic that they subscribe to.
pub trait Notifier: Send + Sync {
    /// Hands over a message. A subject longer than the service takes, or with characters it refuses, is fitted; a text
    /// longer than it takes is cut and says so. Once handed over it may arrive twice, and no answer means that it may
    /// have arrived.
    fn notify(&self, subject: &str, text: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Why a chat service did not take something. `Display` says what happened, to what, and what to do; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ChatError {
    /// What it means for another attempt.
    pub kind: ChatErrorKind,
    /// The service's own code, such as `channel_not_found`.
    pub reason: String,
    /// What happened, to what, and what to do next.
    pub message: String,
}

/// What a failure means for another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatErrorKind {
    /// Nothing arrived, and the same will be refused again.
    Refused,
    /// Nothing arrived: the form of the content was refused. Another form may be taken.
    FormRefused,
    /// Nothing arrived; the service asks to wait this long.
    RateLimited(Duration),
    /// Nothing arrived: the service was not reached.
    Unreached,
    /// The service answered that it failed. It may be tried again, though some of it may have been done.
    Failed,
    /// No answer came: it may have arrived.
    Unanswered,
}

impl ChatErrorKind {
    /// The stable code under the name `Slack`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Refused | Self::FormRefused => "Slack.Permanent",
            Self::RateLimited(_) => "Slack.RateLimited",
            Self::Unreached | Self::Failed | Self::Unanswered => "Slack.Unavailable",
        }
    }
}

impl ChatError {
    /// The stable code, such as `Slack.Permanent`.
    pub fn code(&self) -> String {
        self.kind.code().to_owned()
    }
}

/// A place in a chat service, and the right to speak there.
#[derive(Debug, Clone, Copy)]
pub struct ChatPlace<'a> {
    /// The bot token.
    pub token: &'a Secret,
    /// The channel's id.
    pub channel: &'a str,
    /// The id of the message whose thread it is; `None` is the channel itself.
    pub thread: Option<&'a str>,
}

/// What tells one part of a delivery from every other: kept with a message where people do not see it, and found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartMark<'a> {
    /// The run's id.
    pub run_id: &'a str,
    /// The route's name.
    pub route: &'a str,
    /// The part's name.
    pub part: &'a str,
}

/// What is looked for in a channel or thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'a> {
    /// A message by its mark.
    Message(PartMark<'a>),
    /// A file by the id the service gave it.
    File(&'a str),
}

/// A chat service where a bot posts. Each method is one attempt: whether and when there is another is the caller's to say.
pub trait ChatService: Send + Sync {
    /// Posts a message (JSON as the service takes it, place aside) and gives its id.
    fn post(
        &self,
        place: ChatPlace<'_>,
        mark: PartMark<'_>,
        message: &serde_json::Value,
    ) -> impl Future<Output = Result<String, ChatError>> + Send;
    /// Replaces the content of a message; the same twice is the same once.
    fn update(
        &self,
        place: ChatPlace<'_>,
        ts: &str,
        message: &serde_json::Value,
    ) -> impl Future<Output = Result<(), ChatError>> + Send;
    /// Hands over a file that nobody sees yet, and gives its id.
    fn upload(
        &self,
        token: &Secret,
        file: &ChatFile<'_>,
    ) -> impl Future<Output = Result<String, ChatError>> + Send;
    /// Shows a file that was uploaded.
    fn share(
        &self,
        place: ChatPlace<'_>,
        file_id: &str,
        title: &str,
    ) -> impl Future<Output = Result<(), ChatError>> + Send;
    /// Looks for what may have arrived between two moments by the clock here, which need not be the service's; `None` when
    /// it is not there. Of a message, its id.
    fn find(
        &self,
        place: ChatPlace<'_>,
        sought: Sought<'_>,
        between: (Timestamp, Timestamp),
    ) -> impl Future<Output = Result<Option<String>, ChatError>> + Send;
    /// Sends a message to an incoming webhook, which is told by its secret URL.
    fn send_to_webhook(
        &self,
        url: &Secret,
        message: &serde_json::Value,
    ) -> impl Future<Output = Result<(), ChatError>> + Send;
}

/// A file for people.
#[derive(Debug, Clone, Copy)]
pub struct ChatFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it shows, for who cannot see it; pictures have one.
    pub alt_text: Option<&'a str>,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Waits.
pub trait Timer: Send + Sync {
    /// Returns after this long.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Where secrets are kept.
pub trait Secrets: Send + Sync {
    /// The secret of this name. No error holds it.
    fn secret(&self, name: &str) -> impl Future<Output = Result<Secret, PortError>> + Send;
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, in UTC. It may be set back between two looks: no duration is computed from it.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment, which never goes back: what durations are the difference of.
    fn monotonic(&self) -> Duration;
}

/// A pair's history and which writing of it this is, so that nobody overwrites what was not read.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPair {
    /// The history.
    pub history: PairHistory,
    /// How often it was written.
    pub version: u64,
}

/// What is written of one event: all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct EventWrite {
    /// The event.
    pub event: EventRecord,
    /// The pair with the event in it, and the version that was read before (0: there was none). `None` for an event
    /// that is of no pair.
    pub pair: Option<StoredPair>,
    /// When the pair is no part of the table any more, in whole seconds; `None`: as long as nothing newer says so.
    pub pair_expires_at: Option<Timestamp>,
    /// What is to be told of it.
    pub outbox: Vec<OutboxEntry>,
}

/// What came of writing an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    New,
    /// An event of this id is stored already, with all that came of it.
    Known,
    /// Somebody else wrote the pair since it was read, or writes it now: read again. Nothing was written.
    Conflict,
}

/// The event history, what is known of each pair, and what is to be told. Every read sees every write before it.
/// What has expired is never given, whether it is deleted yet or not.
pub trait EventTable: Send + Sync {
    /// What is known of a pair.
    fn pair(&self, key: &PairKey) -> impl Future<Output = Result<Option<StoredPair>, PortError>> + Send;
    /// Writes an event, its pair and what is to be told, all or nothing.
    fn write(&self, write: &EventWrite) -> impl Future<Output = Result<Written, PortError>> + Send;
    /// Events of a stretch of time, from the first moment (included) to the second (not included), oldest first.
    fn events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<EventRecord>, PortError>> + Send;
    /// What is to be told on a route of what was decided in a window, in the order of decision, then event id.
    fn outbox(
        &self,
        route: &str,
        window: Window,
    ) -> impl Future<Output = Result<Vec<OutboxEntry>, PortError>> + Send;
    /// Routes and windows that begin before a moment and have something to be told still, in order, each once.
    fn overdue(
        &self,
        before: Timestamp,
    ) -> impl Future<Output = Result<Vec<(String, Window)>, PortError>> + Send;
    /// Takes what was told out of the outbox. What is not in it any more is no error.
    fn told(&self, entries: &[OutboxEntry]) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Where messages are kept that cannot be worked on, until somebody has seen to them.
pub trait DeadLetters: Send + Sync {
    /// Keeps a message with the stable code and the words that say why.
    fn keep(
        &self,
        body: &str,
        code: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Starts what tells a window's alerts on a route.
pub trait AlertStarter: Send + Sync {
    /// Has it run once the window has closed. `again` tells a later start of the same from the first; the same start twice
    /// is the same once.
    fn start(
        &self,
        route: &str,
        window: Window,
        closes: Timestamp,
        again: Option<Timestamp>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

//! What a step's function has at hand.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use aws::{Aws, AwsSettings, BucketSettings, S3ObjectStore};
use compliance::artifact::CallCount;
use compliance::failure::TaskError;
use compliance::ports::Clock;
use compliance::settings::{CollectionSettings, Settings};
use compliance::workflow::{Execution, TaskRecord};
use local::SystemClock;
use serde_json::{Map, Value};
use slack::{Slack, SlackSettings};

use crate::environment::Environment;
use crate::log::LogProgress;
use crate::metrics::{self, Metric};

/// One invocation of a function: its ports, and the time since it began.
#[derive(Debug, Clone)]
pub struct Lambda {
    /// What the template set.
    pub environment: Environment,
    /// Where a run's objects are: the bucket under the prefix.
    pub store: S3ObjectStore,
    /// The whole bucket.
    pub bucket: S3ObjectStore,
    /// The time.
    pub clock: SystemClock,
    /// Where progress goes: the log.
    pub progress: LogProgress,
    /// What logs of this invocation are found by.
    pub run: String,
    connection: Aws,
    begun: Duration,
}

/// What a task cost, beside its time.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    /// Who called, where AWS was asked.
    pub principal: Option<String>,
    /// Calls of the aggregator, by operation.
    pub calls: BTreeMap<String, CallCount>,
    /// Calls that the call plan's formula foresees.
    pub planned_calls: u64,
}

impl Lambda {
    pub(crate) async fn new(environment: Environment, progress: LogProgress) -> Result<Self, TaskError> {
        let connection = Aws::connect(AwsSettings::new(&CollectionSettings::default())).await?;
        let under = |prefix: &str| {
            connection.store(BucketSettings {
                bucket: environment.bucket.clone(),
                prefix: prefix.to_owned(),
                kms_key_arn: environment.kms_key_arn.clone(),
            })
        };
        Ok(Self {
            store: under(&environment.prefix)?,
            bucket: under("")?,
            environment,
            clock: SystemClock,
            progress,
            run: String::new(),
            connection,
            begun: Duration::ZERO,
        })
    }

    /// The same for an invocation that began at this time.
    pub(crate) fn invoked(&self, begun: Duration, run: &str) -> Self {
        Self {
            begun,
            run: run.to_owned(),
            ..self.clone()
        }
    }

    /// The clients of a collection, with the share of the rate budget that one of so many has who ask at once. They
    /// use the connections that a warm function has.
    pub fn aws(&self, settings: &Settings, at_once: u32) -> Aws {
        self.connection.for_run(&AwsSettings {
            share: at_once,
            ..AwsSettings::new(&settings.collection)
        })
    }

    /// Slack, or what stands for it: `PLUMBLINE_SLACK_API` names another address of its API, for tests.
    ///
    /// # Errors
    /// `Step.Environment` when that address is not one secrets may be sent to, or nobody is trusted here.
    pub fn slack(&self) -> Result<Slack, TaskError> {
        let mut settings = SlackSettings::default();
        if let Some(api) = Environment::optional("PLUMBLINE_SLACK_API") {
            settings.api = api;
        }
        Slack::new(&settings).map_err(TaskError::of(|_| "Step.Environment".to_owned()))
    }

    /// A name that no other invocation has.
    pub fn unique_name(&self) -> String {
        local::unique_name()
    }

    /// Keeps what this task cost until the bundle's provenance sums it up. `task` tells the tasks of an execution
    /// apart.
    ///
    /// # Errors
    /// The store's own.
    pub async fn record(
        &self,
        execution: &Execution,
        task: &str,
        stage: &str,
        cost: Cost,
    ) -> Result<(), TaskError> {
        let record = TaskRecord {
            stage: stage.to_owned(),
            seconds: self.clock.monotonic().saturating_sub(self.begun).as_secs_f64(),
            principal: cost.principal,
            calls: cost.calls,
            planned_calls: cost.planned_calls,
        };
        Ok(record.keep(execution, task, &self.store).await?)
    }

    /// Writes one line of log, an object of these fields beside the time and the run. Whoever gives the fields has masked
    /// them.
    pub fn log(&self, fields: &Map<String, Value>) {
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), self.clock.now().to_string().into());
        line.insert("level".to_owned(), "INFO".into());
        line.insert("run".to_owned(), self.run.clone().into());
        line.extend(fields.clone());
        print(&Value::Object(line).to_string());
    }

    /// Emits metrics.
    pub fn measure(&self, dimensions: &[(&str, &str)], metrics: &[Metric]) {
        let at = self.clock.now().as_millisecond();
        let line = metrics::line(&self.environment.metrics_namespace, at, dimensions, metrics);
        print(&line);
    }
}

fn print(line: &str) {
    // A function whose output is closed is about to end; there is nobody left to tell.
    let _ = writeln!(std::io::stdout(), "{line}");
}

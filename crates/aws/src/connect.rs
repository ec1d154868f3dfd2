//! Reads the user's AWS configuration and opens the clients of a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_config::config::retry::RetryConfig;
use aws_sdk_config::config::timeout::TimeoutConfig;
use aws_sdk_config::config::{Credentials, SharedHttpClient};
use aws_smithy_http_client::{Builder, tls};
use aws_types::os_shim_internal::{Env, Fs};
use compliance::artifact::CallCount;
use compliance::organization::Aggregator;
use compliance::ports::{PortError, PortErrorKind};
use compliance::settings::CollectionSettings;

use crate::aggregator::AggregatorSource;
use crate::alert_starter::ExecutionsAlertStarter;
use crate::caller::{Backoff, Caller};
use crate::endpoints;
use crate::events::DynamoEventTable;
use crate::executions::Executions;
use crate::inventory::MemberRuleInventory;
use crate::organizations::OrganizationsDirectory;
use crate::queue::{DeadLetterQueue, SqsDeadLetters};
use crate::secrets::SecretsManagerSecrets;
use crate::sns::SnsNotifier;
use crate::store::{BucketSettings, S3ObjectStore};
use crate::whole::WholeAnswers;

/// One attempt may take this long, signing included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// One attempt to send an object, or a part of one. That a body is still coming, the SDK sees to apart.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(120);
/// One attempt on one item of the event table, or one message: these are small, and what asks is asked again itself.
const BRIEF_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts on the event table that may fail; throttled ones are more, see the caller.
const BRIEF_ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The region of a simulation that names none.
const SIMULATED_REGION: &str = "us-east-1";

/// How AWS is reached and how fast it may be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsSettings {
    /// The profile of the shared configuration files; the SDK's own choice when absent.
    pub profile: Option<String>,
    /// The region of the aggregator; the SDK's own choice when absent.
    pub region: Option<String>,
    /// Every service at this URL, with credentials that stand for nothing: the simulation inside the process.
    pub endpoint_override: Option<String>,
    /// Requests per second over all calls; absent: [`CollectionSettings::DEFAULT_REQUESTS_PER_SECOND`] against AWS, unlimited when the
    /// endpoints of Config, Organizations and STS are all on this machine.
    pub requests_per_second: Option<f64>,
    /// Processes that ask at once, 1 or more: each has this share of the rate.
    pub share: u32,
    /// Calls in flight at once.
    pub concurrency: u32,
    /// Attempts per call.
    pub max_attempts: u32,
    /// The role in member accounts that reads the rule inventory.
    pub inventory_role: Option<String>,
}

impl AwsSettings {
    /// What the user's collection settings say, with the SDK's own choice of profile and region.
    pub fn new(collection: &CollectionSettings) -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_override: None,
            requests_per_second: collection.requests_per_second,
            share: 1,
            concurrency: collection.concurrency,
            max_attempts: collection.max_attempts,
            inventory_role: collection.rule_inventory_role.clone(),
        }
    }
}

/// The clients of one run, which share its rate budget, retries and counts.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    region: String,
    caller: Arc<Caller>,
    concurrency: u32,
    max_attempts: u32,
    inventory_role: Option<String>,
}

impl Aws {
    /// Loads profile, region and endpoints as the SDK does; calls nothing yet.
    ///
    /// # Errors
    /// `Aws.Credentials` when the profile of the settings does not exist or no region is set.
    pub async fn connect(settings: AwsSettings) -> Result<Self, PortError> {
        if let (Some(profile), None) = (&settings.profile, &settings.endpoint_override) {
            Box::pin(check_profile(profile)).await?;
        }
        let config = Box::pin(load(&settings)).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            let profile = match &settings.profile {
                Some(profile) => format!("profile {profile:?}"),
                None => "the profile".to_owned(),
            };
            return Err(PortError::new(
                "Aws",
                PortErrorKind::Credentials,
                format!(
                    "no AWS region is set: give --region (that of the aggregator), set AWS_REGION, or set region in {profile}"
                ),
            ));
        };
        Ok(Self::over(config, region, &settings))
    }

    /// The clients of another run over the same connections, credentials and region, with a rate budget and counts of
    /// its own.
    #[must_use]
    pub fn for_run(&self, settings: &AwsSettings) -> Self {
        Self::over(self.config.clone(), self.region.clone(), settings)
    }

    fn over(config: SdkConfig, region: String, settings: &AwsSettings) -> Self {
        let own_server = settings.endpoint_override.is_some() || endpoints::all_on_loopback(&config);
        let (default_rate, backoff) = if own_server {
            (None, Backoff::LOOPBACK)
        } else {
            (
                Some(CollectionSettings::DEFAULT_REQUESTS_PER_SECOND),
                Backoff::AWS,
            )
        };
        let rate = settings.requests_per_second.or(default_rate);
        let rate = rate.map(|rate| rate / f64::from(settings.share.max(1)));
        Self {
            caller: Arc::new(Caller::new(
                rate,
                settings.concurrency,
                settings.max_attempts,
                backoff,
            )),
            config,
            region,
            concurrency: settings.concurrency,
            max_attempts: settings.max_attempts,
            inventory_role: settings.inventory_role.clone(),
        }
    }

    fn config_client(&self) -> aws_sdk_config::Client {
        let config = aws_sdk_config::config::Builder::from(&self.config).interceptor(WholeAnswers);
        aws_sdk_config::Client::from_conf(config.build())
    }

    fn organizations_client(&self) -> aws_sdk_organizations::Client {
        let config = aws_sdk_organizations::config::Builder::from(&self.config).interceptor(WholeAnswers);
        aws_sdk_organizations::Client::from_conf(config.build())
    }

    /// The aggregators of this account and region.
    pub fn source(&self) -> AggregatorSource {
        AggregatorSource::new(
            self.config_client(),
            self.region.clone(),
            Arc::clone(&self.caller),
        )
    }

    /// The organization of this account.
    pub fn directory(&self) -> OrganizationsDirectory {
        OrganizationsDirectory::new(self.organizations_client(), Arc::clone(&self.caller))
    }

    /// The member accounts of an aggregator, by the role of the settings.
    pub fn inventory(&self, aggregator: &Aggregator) -> MemberRuleInventory {
        self.inventory_in(aggregator.partition())
    }

    /// The member accounts of a partition (`aws`, `aws-us-gov`, `aws-cn`), by the role of the settings.
    pub fn inventory_in(&self, partition: &str) -> MemberRuleInventory {
        MemberRuleInventory::new(
            self.config.clone(),
            partition.to_owned(),
            self.inventory_role.clone(),
            Arc::clone(&self.caller),
        )
    }

    /// The objects of a bucket. What it calls is no part of [`Aws::calls`], nor of the rate.
    ///
    /// # Errors
    /// `Store.InvalidRequest` when the prefix is none.
    pub fn store(&self, settings: BucketSettings) -> Result<S3ObjectStore, PortError> {
        let service = "S3";
        // A server of one's own has no name for each bucket.
        let own_server = endpoints::endpoint(&self.config, service).is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(own_server)
            .timeout_config(timeouts(TRANSFER_TIMEOUT));
        let client = aws_sdk_s3::Client::from_conf(config.build());
        S3ObjectStore::new(client, self.apart(service), settings)
    }

    /// A topic, by its ARN. What it calls is no part of [`Aws::calls`], nor of the rate.
    pub fn notifier(&self, topic_arn: impl Into<String>) -> SnsNotifier {
        let config = aws_sdk_sns::config::Builder::from(&self.config).interceptor(WholeAnswers);
        let client = aws_sdk_sns::Client::from_conf(config.build());
        SnsNotifier::new(client, self.apart("SNS"), topic_arn.into())
    }

    /// The secrets of this account and region. What it calls is no part of [`Aws::calls`], nor of the rate.
    pub fn secrets(&self) -> SecretsManagerSecrets {
        let config = aws_sdk_secretsmanager::config::Builder::from(&self.config).interceptor(WholeAnswers);
        let client = aws_sdk_secretsmanager::Client::from_conf(config.build());
        SecretsManagerSecrets::new(client, self.apart("Secrets Manager"))
    }

    /// The executions of a state machine, by its ARN. What it calls is no part of [`Aws::calls`], nor of the rate.
    ///
    /// # Errors
    /// `Executions.InvalidRequest` when it is not the ARN of a state machine.
    pub fn executions(&self, state_machine_arn: &str) -> Result<Executions, PortError> {
        let config = aws_sdk_sfn::config::Builder::from(&self.config).interceptor(WholeAnswers);
        let client = aws_sdk_sfn::Client::from_conf(config.build());
        Executions::new(client, self.apart("SFN"), state_machine_arn)
    }

    /// The event table of this name. A call that fails is given up within seconds: what asks has its message given to it
    /// again. What it calls is no part of [`Aws::calls`], nor of the rate.
    pub fn event_table(&self, name: impl Into<String>) -> DynamoEventTable {
        self.event_table_of(name.into(), self.brief("DynamoDB"))
    }

    /// The same for a report, which can wait: a call is tried as often as one of a collection, since what cannot be read
    /// is not asked for again.
    pub fn event_history(&self, name: impl Into<String>) -> DynamoEventTable {
        self.event_table_of(name.into(), self.apart("DynamoDB"))
    }

    fn event_table_of(&self, name: String, caller: Arc<Caller>) -> DynamoEventTable {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.config)
            .interceptor(WholeAnswers)
            .timeout_config(timeouts(BRIEF_TIMEOUT));
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        DynamoEventTable::new(client, caller, name)
    }

    /// A queue that dead letters are put into, by its URL. What it calls is no part of [`Aws::calls`], nor of the rate.
    pub fn dead_letters(&self, queue_url: impl Into<String>) -> SqsDeadLetters {
        SqsDeadLetters::new(self.sqs_client(), self.brief("SQS"), queue_url.into())
    }

    /// The same queue for a person who sees to it. What it calls is no part of [`Aws::calls`], nor of the rate.
    pub fn dead_letter_queue(&self, queue_url: impl Into<String>) -> DeadLetterQueue {
        DeadLetterQueue::new(self.sqs_client(), self.apart("SQS"), queue_url.into())
    }

    fn sqs_client(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(&self.config).interceptor(WholeAnswers);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// The state machine that tells a window's alerts, by its ARN. What it calls is no part of [`Aws::calls`], nor of the
    /// rate.
    ///
    /// # Errors
    /// `Executions.InvalidRequest` when it is not the ARN of a state machine.
    pub fn alert_starter(&self, state_machine_arn: &str) -> Result<ExecutionsAlertStarter, PortError> {
        let config = aws_sdk_sfn::config::Builder::from(&self.config)
            .interceptor(WholeAnswers)
            .timeout_config(timeouts(BRIEF_TIMEOUT));
        let client = aws_sdk_sfn::Client::from_conf(config.build());
        let executions = Executions::new(client, self.brief("SFN"), state_machine_arn)?;
        Ok(ExecutionsAlertStarter::new(executions))
    }

    /// As [`Aws::apart`], given up within seconds.
    fn brief(&self, service: &str) -> Arc<Caller> {
        let backoff = if endpoints::on_loopback(&self.config, service) {
            Backoff::LOOPBACK
        } else {
            Backoff::BRIEF
        };
        Arc::new(Caller::new(None, self.concurrency, BRIEF_ATTEMPTS, backoff))
    }

    /// Retries and counts of their own for a service beside the collection, without a rate until it throttles.
    fn apart(&self, service: &str) -> Arc<Caller> {
        let backoff = if endpoints::on_loopback(&self.config, service) {
            Backoff::LOOPBACK
        } else {
            Backoff::AWS
        };
        Arc::new(Caller::new(None, self.concurrency, self.max_attempts, backoff))
    }

    /// Calls made so far for collections, by operation.
    pub fn calls(&self) -> BTreeMap<String, CallCount> {
        self.caller.calls()
    }

    /// The ARN of who calls; `None` when STS does not say. No permission is needed for it, so a failure means
    /// that STS is out of reach or nobody is signed in, and the first call that matters will say so.
    pub async fn principal(&self) -> Option<String> {
        let sts = sts(&self.config);
        let answer = self
            .caller
            .call("GetCallerIdentity", || sts.get_caller_identity().send())
            .await;
        answer.ok()?.arn
    }
}

/// A client of STS.
pub(crate) fn sts(config: &SdkConfig) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::config::Builder::from(config).interceptor(WholeAnswers);
    aws_sdk_sts::Client::from_conf(config.build())
}

/// The SDK takes a profile that does not exist for an empty one, and so would go on with whatever credentials the
/// environment has: perhaps of another organization.
async fn check_profile(profile: &str) -> Result<(), PortError> {
    match aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), None).await {
        Ok(profiles) if profiles.get_profile(profile).is_none() => Err(PortError::new(
            "Aws",
            PortErrorKind::Credentials,
            format!(
                "the AWS profile {profile:?} does not exist; list those that do with `aws configure list-profiles`, \
                 then name one with --profile"
            ),
        )),
        // What is wrong with the files, the SDK says where it needs them.
        _ => Ok(()),
    }
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .build()
}

async fn load(settings: &AwsSettings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        // Our own loop retries, so that every attempt passes the budget and is counted.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(ATTEMPT_TIMEOUT))
        .http_client(http_client(settings.endpoint_override.is_some()));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &settings.endpoint_override {
        let region = settings.region.as_deref().unwrap_or(SIMULATED_REGION).to_owned();
        loader = loader
            .endpoint_url(url)
            .region(Region::new(region))
            .credentials_provider(Credentials::new(
                "SIMULATED",
                "simulated",
                None,
                None,
                "simulation",
            ));
    }
    loader.load().await
}

/// Plain HTTP for the simulation, so that no root certificates are read for it; else TLS 1.2 or later by rustls.
fn http_client(simulation: bool) -> SharedHttpClient {
    if simulation {
        Builder::new().build_http()
    } else {
        Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https()
    }
}

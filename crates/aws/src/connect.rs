//! Reads the user's AWS configuration and opens the clients of a run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_config::config::retry::RetryConfig;
use aws_sdk_config::config::timeout::TimeoutConfig;
use aws_sdk_config::config::{Credentials, SharedHttpClient};
use aws_smithy_http_client::{Builder, tls};
use aws_types::service_config::ServiceConfigKey;
use compliance::artifact::CallCount;
use compliance::organization::Aggregator;
use compliance::ports::{PortError, PortErrorKind};
use compliance::settings::CollectionSettings;

use crate::aggregator::AggregatorSource;
use crate::caller::{Backoff, Caller};
use crate::inventory::MemberRuleInventory;
use crate::organizations::OrganizationsDirectory;

/// Requests per second against AWS unless set otherwise. AWS publishes no limit; parallel calls by rule are
/// throttled almost always.
pub const DEFAULT_REQUESTS_PER_SECOND: f64 = 5.0;

/// One attempt may take this long, signing included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
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
    /// Requests per second over all calls; absent: [`DEFAULT_REQUESTS_PER_SECOND`] against AWS, unlimited when
    /// Config's endpoint is on this machine.
    pub requests_per_second: Option<f64>,
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
    rate: Option<f64>,
    inventory_role: Option<String>,
}

impl Aws {
    /// Loads profile, region and endpoints as the SDK does; calls nothing yet.
    ///
    /// # Errors
    /// `Aws.Credentials` when no region is set.
    pub async fn connect(settings: AwsSettings) -> Result<Self, PortError> {
        let config = Box::pin(load(&settings)).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(PortError::new(
                "Aws",
                PortErrorKind::Credentials,
                "no AWS region is set: give --region (that of the aggregator), set AWS_REGION, or set region in the profile",
            ));
        };
        let loopback = config_endpoint(&config).is_some_and(|url| is_loopback(&url));
        let (default_rate, backoff) = if loopback {
            (None, Backoff::LOOPBACK)
        } else {
            (Some(DEFAULT_REQUESTS_PER_SECOND), Backoff::AWS)
        };
        let rate = settings.requests_per_second.or(default_rate);
        Ok(Self {
            caller: Arc::new(Caller::new(
                rate,
                settings.concurrency,
                settings.max_attempts,
                backoff,
            )),
            config,
            region,
            rate,
            inventory_role: settings.inventory_role,
        })
    }

    /// The aggregators of this account and region.
    pub fn source(&self) -> AggregatorSource {
        AggregatorSource::new(
            aws_sdk_config::Client::new(&self.config),
            self.region.clone(),
            Arc::clone(&self.caller),
        )
    }

    /// The organization of this account.
    pub fn directory(&self) -> OrganizationsDirectory {
        OrganizationsDirectory::new(
            aws_sdk_organizations::Client::new(&self.config),
            Arc::clone(&self.caller),
        )
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

    /// Requests per second allowed; `None` is unlimited.
    pub fn requests_per_second(&self) -> Option<f64> {
        self.rate
    }

    /// The region asked.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Calls made so far, by operation.
    pub fn calls(&self) -> BTreeMap<String, CallCount> {
        self.caller.calls()
    }

    /// The ARN of who calls; `None` when STS does not say. No permission is needed for it, so a failure means
    /// that STS is out of reach or nobody is signed in, and the first call that matters will say so.
    pub async fn principal(&self) -> Option<String> {
        let sts = aws_sdk_sts::Client::new(&self.config);
        let answer = self
            .caller
            .call("GetCallerIdentity", || sts.get_caller_identity().send())
            .await;
        answer.ok()?.arn
    }
}

async fn load(settings: &AwsSettings) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        // Our own loop retries, so that every attempt passes the budget and is counted.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
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

/// Where Config will be asked, resolved as its client resolves it; `None` is AWS's own endpoint.
fn config_endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("Config Service")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = if config.get_origin("endpoint_url").is_client_config() {
        None
    } else {
        config
            .service_config()
            .and_then(|service| service.load_config(key))
    };
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host_and_port.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host_and_port.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_from_everything_else() {
        let check = |url: &str, expected: bool| assert_eq!(is_loopback(url), expected, "{url}");
        check("http://127.0.0.1:8080", true);
        check("http://127.9.8.7/", true);
        check("http://localhost:1/x", true);
        check("http://[::1]:9000/", true);
        check("https://config.us-east-1.amazonaws.com", false);
        check("http://127.0.0.1.example.com", false);
        check("http://user@10.0.0.1:80", false);
        check("", false);
    }
}

//! The rules deployed in member accounts, read there by a role.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_config::Client;
use aws_sdk_config::config::{Builder, Credentials};
use aws_sdk_config::operation::describe_config_rules::DescribeConfigRulesOutput;
use aws_sdk_config::operation::describe_conformance_packs::DescribeConformancePacksOutput;
use aws_sdk_config::types as sdk;
use compliance::organization::{ConformancePack, DeployedRule};
use compliance::ports::{PortError, PortErrorKind, RuleInventory};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::connect;
use crate::convert::required;
use crate::list::{Failed, Listing, Page};
use crate::whole::WholeAnswers;

const SERVICE: &str = "Config";
/// How long the credentials of a role are asked for, the longest that role chaining allows.
const SESSION: Duration = Duration::from_secs(3_600);
/// They are used for this long, so that none expires under way.
const FRESH: Duration = Duration::from_secs(3_000);
/// Sessions that one list may use up, should they expire under way all the same.
const SESSIONS: u32 = 5;

/// The rule inventory of member accounts, by assuming a role in each.
#[derive(Debug)]
pub struct MemberRuleInventory {
    config: SdkConfig,
    sts: aws_sdk_sts::Client,
    partition: String,
    role: Option<String>,
    caller: Arc<Caller>,
    sessions: Mutex<HashMap<String, Arc<Mutex<Option<Session>>>>>,
}

#[derive(Debug, Clone)]
struct Session {
    credentials: Credentials,
    since: Instant,
}

impl MemberRuleInventory {
    pub(crate) fn new(
        config: SdkConfig,
        partition: String,
        role: Option<String>,
        caller: Arc<Caller>,
    ) -> Self {
        Self {
            sts: connect::sts(&config),
            config,
            partition,
            role,
            caller,
            sessions: Mutex::default(),
        }
    }

    /// Reads a list of a member account and region, with a new session of the role as often as one expires.
    async fn read<T, F>(
        &self,
        (account_id, aws_region): (&str, &str),
        list: impl Fn(Client) -> F + Send + Sync,
    ) -> Result<Vec<T>, Failed>
    where
        T: Send,
        F: Future<Output = Result<Vec<T>, Failed>> + Send,
    {
        let mut sessions = 1;
        loop {
            let credentials = self.credentials(account_id).await?;
            let config = Builder::from(&self.config)
                .region(Region::new(aws_region.to_owned()))
                .credentials_provider(credentials.clone())
                .interceptor(WholeAnswers)
                .build();
            match list(Client::from_conf(config)).await {
                Err(Failed::Call(failure)) if failure.is_expired() && sessions < SESSIONS => {
                    self.forget(account_id, credentials.access_key_id()).await;
                    sessions += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Drops a session that expired, unless another took its place.
    async fn forget(&self, account_id: &str, access_key_id: &str) {
        let slot = self.slot(account_id).await;
        let mut slot = slot.lock().await;
        slot.take_if(|session| session.credentials.access_key_id() == access_key_id);
    }

    async fn slot(&self, account_id: &str) -> Arc<Mutex<Option<Session>>> {
        let mut sessions = self.sessions.lock().await;
        Arc::clone(sessions.entry(account_id.to_owned()).or_default())
    }

    /// The role's credentials in an account: asked for once, however many regions wait for them.
    async fn credentials(&self, account_id: &str) -> Result<Credentials, PortError> {
        let slot = self.slot(account_id).await;
        let mut slot = slot.lock().await;
        if let Some(session) = slot.as_ref()
            && session.since.elapsed() < FRESH
        {
            return Ok(session.credentials.clone());
        }
        let session = self.assume(account_id).await?;
        let credentials = session.credentials.clone();
        *slot = Some(session);
        Ok(credentials)
    }

    async fn assume(&self, account_id: &str) -> Result<Session, PortError> {
        let Some(role) = &self.role else {
            return Err(PortError::new(
                SERVICE,
                PortErrorKind::InvalidRequest,
                "no role reads the rule inventory; set collection.rule_inventory_role in the settings",
            ));
        };
        let arn = format!("arn:{}:iam::{account_id}:role/{role}", self.partition);
        let answer = self
            .caller
            .call("AssumeRole", || {
                self.sts
                    .assume_role()
                    .role_arn(&arn)
                    .role_session_name("plumbline")
                    .duration_seconds(i32::try_from(SESSION.as_secs()).unwrap_or(3_600))
                    .send()
            })
            .await
            .map_err(|failure| {
                failure.port_error(
                    "Sts",
                    &format!("cannot assume {arn} to read the rule inventory of account {account_id}"),
                    "sts:AssumeRole (here, and in the role's trust policy)",
                )
            })?;
        let given = required("AssumeRole", "Credentials", answer.credentials)?;
        Ok(Session {
            credentials: Credentials::new(
                given.access_key_id,
                given.secret_access_key,
                Some(given.session_token),
                None,
                "rule inventory role",
            ),
            since: Instant::now(),
        })
    }
}

impl RuleInventory for MemberRuleInventory {
    async fn deployed_rules(
        &self,
        account_id: &str,
        aws_region: &str,
    ) -> Result<Vec<DeployedRule>, PortError> {
        const OPERATION: &str = "DescribeConfigRules";
        let read = |answer: DescribeConfigRulesOutput| {
            let rules = answer.config_rules.unwrap_or_default().into_iter();
            let rows: Result<Vec<DeployedRule>, PortError> = rules
                .map(|rule| deployed(OPERATION, (account_id, aws_region), rule))
                .collect();
            Ok(Page {
                rows: rows?,
                token: answer.next_token,
            })
        };
        let (caller, read) = (&self.caller, &read);
        let list = |client: Client| async move {
            let ask = |token| client.describe_config_rules().set_next_token(token).send();
            caller.list(listing(OPERATION), ask, read).await
        };
        self.read((account_id, aws_region), list).await.map_err(|failed| {
            failed.port_error(
                SERVICE,
                &format!("cannot list the rules deployed in account {account_id} {aws_region}"),
                "config:DescribeConfigRules",
            )
        })
    }

    async fn conformance_packs(
        &self,
        account_id: &str,
        aws_region: &str,
    ) -> Result<Vec<ConformancePack>, PortError> {
        const OPERATION: &str = "DescribeConformancePacks";
        let pack = |pack: sdk::ConformancePackDetail| ConformancePack {
            account_id: account_id.to_owned(),
            aws_region: aws_region.to_owned(),
            name: pack.conformance_pack_name,
            id: pack.conformance_pack_id,
        };
        let read = |answer: DescribeConformancePacksOutput| {
            let packs = answer.conformance_pack_details.unwrap_or_default();
            Ok(Page {
                rows: packs.into_iter().map(pack).collect(),
                token: answer.next_token,
            })
        };
        let (caller, read) = (&self.caller, &read);
        let list = |client: Client| async move {
            let ask = |token| {
                let call = client.describe_conformance_packs();
                call.limit(20).set_next_token(token).send()
            };
            caller.list(listing(OPERATION), ask, read).await
        };
        self.read((account_id, aws_region), list).await.map_err(|failed| {
            failed.port_error(
                SERVICE,
                &format!("cannot list the conformance packs of account {account_id} {aws_region}"),
                "config:DescribeConformancePacks",
            )
        })
    }
}

fn listing(operation: &'static str) -> Listing {
    Listing {
        service: SERVICE,
        operation,
    }
}

fn deployed(
    operation: &str,
    (account_id, aws_region): (&str, &str),
    rule: sdk::ConfigRule,
) -> Result<DeployedRule, PortError> {
    Ok(DeployedRule {
        account_id: account_id.to_owned(),
        aws_region: aws_region.to_owned(),
        config_rule_name: required(operation, "ConfigRuleName", rule.config_rule_name)?,
        source_identifier: rule
            .source
            .filter(|source| source.owner.as_str() == "AWS")
            .and_then(|source| source.source_identifier),
    })
}

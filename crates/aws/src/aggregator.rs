//! A Config aggregator as the source of evaluation results.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_config::Client;
use aws_sdk_config::types as sdk;
use compliance::coverage::{SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::organization::Aggregator;
use compliance::ports::{EvaluationSource, PortError, PortErrorKind, RuleScope};

use crate::caller::Caller;
use crate::convert::{required, time};
use crate::details;
use crate::failure::Failure;
use crate::pages::Pages;
use crate::select;

const SERVICE: &str = "Config";
const AGGREGATORS: &str = "DescribeConfigurationAggregators";
const SOURCES: &str = "DescribeConfigurationAggregatorSourcesStatus";
const RULES: &str = "DescribeAggregateComplianceByConfigRules";
const DETAILS: &str = "GetAggregateComplianceDetailsByConfigRule";
const SELECT: &str = "SelectAggregateResourceConfig";

/// Evaluation results from the aggregators of one account and region.
#[derive(Debug, Clone)]
pub struct AggregatorSource {
    client: Client,
    region: String,
    caller: Arc<Caller>,
}

impl AggregatorSource {
    pub(crate) fn new(client: Client, region: String, caller: Arc<Caller>) -> Self {
        Self {
            client,
            region,
            caller,
        }
    }

    async fn aggregators(&self, name: Option<&str>) -> Result<Vec<sdk::ConfigurationAggregator>, Failed> {
        let mut found = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call(AGGREGATORS, || {
                    self.client
                        .describe_configuration_aggregators()
                        .set_configuration_aggregator_names(name.map(|name| vec![name.to_owned()]))
                        .set_next_token(pages.token())
                        .send()
                })
                .await?;
            found.extend(answer.configuration_aggregators.unwrap_or_default());
            if !pages.turn(SERVICE, AGGREGATORS, answer.next_token.as_deref())? {
                return Ok(found);
            }
        }
    }

    /// An aggregator that is not there, with the names of those that are.
    async fn unknown(&self, name: &str) -> PortError {
        let names = match self.aggregators(None).await {
            Ok(found) => found
                .into_iter()
                .filter_map(|found| found.configuration_aggregator_name)
                .collect(),
            // What matters is that the one asked for is not there.
            Err(_) => Vec::new(),
        };
        let region = &self.region;
        let remedy = if names.is_empty() {
            "none could be listed here; set --region and --profile to where the aggregator is".to_owned()
        } else {
            format!(
                "there is {}; name one of them with --aggregator, or set --region and --profile",
                names.join(", ")
            )
        };
        PortError::new(
            SERVICE,
            PortErrorKind::NotFound,
            format!("no aggregator named {name:?} in {region}: {remedy}"),
        )
    }

    fn failed(&self, failure: Failed, doing: &str, action: &str) -> PortError {
        match failure {
            Failed::Call(failure) => {
                let region = &self.region;
                failure.port_error(SERVICE, &format!("{doing} in {region}"), action)
            }
            Failed::Answer(error) => error,
        }
    }

    /// Rows of a query as they come, until there are no more or `enough` says so.
    async fn select(
        &self,
        aggregator: &str,
        expression: &str,
        limit: i32,
        enough: impl Fn(&[String]) -> bool + Send,
    ) -> Result<Vec<String>, Failed> {
        let mut rows = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call(SELECT, || {
                    self.client
                        .select_aggregate_resource_config()
                        .configuration_aggregator_name(aggregator)
                        .expression(expression)
                        .limit(limit)
                        .set_next_token(pages.token())
                        .send()
                })
                .await?;
            rows.extend(answer.results.unwrap_or_default());
            if enough(&rows) || !pages.turn(SERVICE, SELECT, answer.next_token.as_deref())? {
                return Ok(rows);
            }
        }
    }
}

/// A call that failed or an answer that is refused.
pub(crate) enum Failed {
    Call(Failure),
    Answer(PortError),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Call(failure)
    }
}

impl From<PortError> for Failed {
    fn from(error: PortError) -> Self {
        Self::Answer(error)
    }
}

impl EvaluationSource for AggregatorSource {
    async fn aggregator(&self, name: &str) -> Result<Aggregator, PortError> {
        let found = match self.aggregators(Some(name)).await {
            Ok(found) => found,
            Err(Failed::Call(failure)) if failure.kind == PortErrorKind::NotFound => {
                return Err(self.unknown(name).await);
            }
            Err(failure) => {
                return Err(self.failed(
                    failure,
                    &format!("cannot look up aggregator {name:?}"),
                    "config:DescribeConfigurationAggregators",
                ));
            }
        };
        let same = found
            .into_iter()
            .find(|found| found.configuration_aggregator_name.as_deref() == Some(name));
        match same {
            Some(found) => aggregator(name, found),
            None => Err(self.unknown(name).await),
        }
    }

    async fn sources(&self, aggregator: &str) -> Result<Vec<SourceStatus>, PortError> {
        let mut sources = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call(SOURCES, || {
                    self.client
                        .describe_configuration_aggregator_sources_status()
                        .configuration_aggregator_name(aggregator)
                        .limit(100)
                        .set_next_token(pages.token())
                        .send()
                })
                .await
                .map_err(|failure| {
                    self.failed(
                        failure.into(),
                        &format!("cannot list the sources of aggregator {aggregator:?}"),
                        "config:DescribeConfigurationAggregatorSourcesStatus",
                    )
                })?;
            for entry in answer.aggregated_source_status_list.unwrap_or_default() {
                sources.extend(source_status(entry)?);
            }
            if !pages.turn(SERVICE, SOURCES, answer.next_token.as_deref())? {
                return Ok(sources);
            }
        }
    }

    async fn rules_with_results(&self, aggregator: &str) -> Result<Vec<RuleCompliance>, PortError> {
        let mut rules = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call(RULES, || {
                    self.client
                        .describe_aggregate_compliance_by_config_rules()
                        .configuration_aggregator_name(aggregator)
                        .limit(1000)
                        .set_next_token(pages.token())
                        .send()
                })
                .await
                .map_err(|failure| {
                    self.failed(
                        failure.into(),
                        &format!("cannot list the rules with results of aggregator {aggregator:?}"),
                        "config:DescribeAggregateComplianceByConfigRules",
                    )
                })?;
            for entry in answer.aggregate_compliance_by_config_rules.unwrap_or_default() {
                rules.extend(rule_compliance(entry)?);
            }
            if !pages.turn(SERVICE, RULES, answer.next_token.as_deref())? {
                return Ok(rules);
            }
        }
    }

    async fn records_resource_compliance(&self, aggregator: &str) -> Result<bool, PortError> {
        let rows = self
            .select(aggregator, select::ANY, 1, |rows| !rows.is_empty())
            .await
            .map_err(|failure| {
                self.failed(
                    failure,
                    &format!("cannot query aggregator {aggregator:?} for recorded AWS::Config::ResourceCompliance items"),
                    "config:SelectAggregateResourceConfig",
                )
            })?;
        Ok(!rows.is_empty())
    }

    async fn resource_compliance(
        &self,
        aggregator: &str,
        account_ids: &[String],
    ) -> Result<Vec<EvaluationResult>, PortError> {
        let mut results = Vec::new();
        for accounts in account_ids.chunks(select::ACCOUNTS_PER_QUERY) {
            let expression = select::expression(accounts)?;
            let rows = self
                .select(aggregator, &expression, 100, |_| false)
                .await
                .map_err(|failure| {
                    self.failed(
                        failure,
                        &format!(
                            "cannot query aggregator {aggregator:?} for the results of {}",
                            select::range(accounts)
                        ),
                        "config:SelectAggregateResourceConfig",
                    )
                })?;
            for row in &rows {
                results.extend(select::results(row)?);
            }
        }
        Ok(results)
    }

    async fn compliance_details(
        &self,
        aggregator: &str,
        scope: RuleScope<'_>,
        only: Option<ComplianceType>,
    ) -> Result<Vec<EvaluationResult>, PortError> {
        let mut results = Vec::new();
        let mut pages = Pages::default();
        let only = only.map(|only| sdk::ComplianceType::from(only.as_str()));
        loop {
            let answer = self
                .caller
                .call(DETAILS, || {
                    self.client
                        .get_aggregate_compliance_details_by_config_rule()
                        .configuration_aggregator_name(aggregator)
                        .config_rule_name(scope.config_rule_name)
                        .account_id(scope.account_id)
                        .aws_region(scope.aws_region)
                        .set_compliance_type(only.clone())
                        .limit(100)
                        .set_next_token(pages.token())
                        .send()
                })
                .await
                .map_err(|failure| {
                    self.failed(
                        failure.into(),
                        &format!(
                            "cannot read the results of rule {:?} in account {} {} from aggregator {aggregator:?}",
                            scope.config_rule_name, scope.account_id, scope.aws_region
                        ),
                        "config:GetAggregateComplianceDetailsByConfigRule",
                    )
                })?;
            for entry in answer.aggregate_evaluation_results.unwrap_or_default() {
                results.extend(details::result(scope, entry)?);
            }
            if !pages.turn(SERVICE, DETAILS, answer.next_token.as_deref())? {
                return Ok(results);
            }
        }
    }
}

fn aggregator(name: &str, found: sdk::ConfigurationAggregator) -> Result<Aggregator, PortError> {
    let arn = required(
        AGGREGATORS,
        "ConfigurationAggregatorArn",
        found.configuration_aggregator_arn,
    )?;
    let mut regions = BTreeSet::new();
    let mut account_ids = BTreeSet::new();
    let mut all_regions = false;
    let organization = found.organization_aggregation_source;
    for source in found.account_aggregation_sources.unwrap_or_default() {
        account_ids.extend(source.account_ids);
        all_regions |= source.all_aws_regions;
        regions.extend(source.aws_regions.unwrap_or_default());
    }
    let is_organization = organization.is_some();
    if let Some(source) = organization {
        all_regions |= source.all_aws_regions;
        regions.extend(source.aws_regions.unwrap_or_default());
    }
    if all_regions {
        regions.clear();
    }
    Ok(Aggregator {
        name: name.to_owned(),
        arn,
        regions: regions.into_iter().collect(),
        account_ids: account_ids.into_iter().collect(),
        organization: is_organization,
    })
}

/// A source of an account; `None` for the entry of the organization itself.
fn source_status(entry: sdk::AggregatedSourceStatus) -> Result<Option<SourceStatus>, PortError> {
    if entry.source_type == Some(sdk::AggregatedSourceType::Organization) {
        return Ok(None);
    }
    let status = entry
        .last_update_status
        .as_ref()
        .map(sdk::AggregatedSourceStatusType::as_str);
    let (mut error_code, mut error_message) = (entry.last_error_code, entry.last_error_message);
    let state = match status {
        Some("SUCCEEDED") => SourceState::Succeeded,
        Some("OUTDATED") => SourceState::Outdated,
        Some("FAILED") => SourceState::Failed,
        // One odd source must not end the run, nor may what it returns count.
        other => {
            error_message = Some(unknown_status(
                other,
                error_code.as_deref(),
                error_message.as_deref(),
            ));
            error_code = Some("Unknown".to_owned());
            SourceState::Failed
        }
    };
    Ok(Some(SourceStatus {
        account_id: required(SOURCES, "SourceId", entry.source_id)?,
        aws_region: required(SOURCES, "AwsRegion", entry.aws_region)?,
        state,
        last_update_time: time(SOURCES, "LastUpdateTime", entry.last_update_time.as_ref())?,
        error_code,
        error_message,
    }))
}

/// What is said of a source in no state that is known, with AWS's own words where it has any.
fn unknown_status(status: Option<&str>, code: Option<&str>, message: Option<&str>) -> String {
    let said: Vec<&str> = code.into_iter().chain(message).collect();
    let status = match status {
        Some(status) => format!("is {status:?}, which is not known"),
        None => "is absent".to_owned(),
    };
    match said.as_slice() {
        [] => format!("{SOURCES}: LastUpdateStatus {status}"),
        said => format!(
            "{SOURCES}: LastUpdateStatus {status}; AWS says {}",
            said.join(": ")
        ),
    }
}

/// A rule with results; `None` for one that says it has none. One that does not say, or says something unknown, is
/// listed as noncompliant without a count: its details are read, and it is never counted as compliant unread.
fn rule_compliance(entry: sdk::AggregateComplianceByConfigRule) -> Result<Option<RuleCompliance>, PortError> {
    let (stated, count) = match entry.compliance {
        Some(compliance) => (
            compliance.compliance_type,
            compliance.compliance_contributor_count,
        ),
        None => (None, None),
    };
    let stated = stated.map(|text| details::compliance_type(RULES, text.as_str()));
    let (compliance_type, count) = match stated {
        Some(Ok(Some(compliance_type))) => (compliance_type, count),
        Some(Ok(None)) => return Ok(None),
        Some(Err(_)) | None => (ComplianceType::NonCompliant, None),
    };
    Ok(Some(RuleCompliance {
        account_id: required(RULES, "AccountId", entry.account_id)?,
        aws_region: required(RULES, "AwsRegion", entry.aws_region)?,
        config_rule_name: required(RULES, "ConfigRuleName", entry.config_rule_name)?,
        compliance_type,
        // A count that is no number of resources is as good as none.
        capped_count: count
            .as_ref()
            .and_then(|count| u32::try_from(count.capped_count).ok()),
        cap_exceeded: count.is_some_and(|count| count.cap_exceeded),
    }))
}

//! A Config aggregator as the source of evaluation results.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_config::Client;
use aws_sdk_config::error::SdkError;
use aws_sdk_config::operation::describe_configuration_aggregators::DescribeConfigurationAggregatorsOutput;
use aws_sdk_config::operation::select_aggregate_resource_config::{
    SelectAggregateResourceConfigError, SelectAggregateResourceConfigOutput,
};
use aws_sdk_config::types as sdk;
use compliance::coverage::{SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::organization::Aggregator;
use compliance::ports::{EvaluationSource, PortError, PortErrorKind, RuleScope};

use crate::caller::Caller;
use crate::convert::{required, time};
use crate::details;
use crate::list::{Failed, Listing, Page};
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
        let ask = |token| {
            let call = self.client.describe_configuration_aggregators();
            call.set_configuration_aggregator_names(name.map(|name| vec![name.to_owned()]))
                .set_next_token(token)
                .send()
        };
        let read = |answer: DescribeConfigurationAggregatorsOutput| {
            Ok(Page {
                rows: answer.configuration_aggregators.unwrap_or_default(),
                token: answer.next_token,
            })
        };
        self.caller
            .list_until(listing(AGGREGATORS), ask, read, |_| false)
            .await
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

    fn failed(&self, failed: Failed, doing: &str, action: &str) -> PortError {
        failed.port_error(SERVICE, &format!("{doing} in {}", self.region), action)
    }

    /// Sends a query for one page of rows.
    async fn select(
        &self,
        aggregator: &str,
        expression: &str,
        limit: i32,
        token: Option<String>,
    ) -> Result<SelectAggregateResourceConfigOutput, SdkError<SelectAggregateResourceConfigError>> {
        self.client
            .select_aggregate_resource_config()
            .configuration_aggregator_name(aggregator)
            .expression(expression)
            .limit(limit)
            .set_next_token(token)
            .send()
            .await
    }
}

/// A page of a query as it came: each row is a JSON text.
fn rows(answer: SelectAggregateResourceConfigOutput) -> Result<Page<String>, PortError> {
    Ok(Page {
        rows: answer.results.unwrap_or_default(),
        token: answer.next_token,
    })
}

fn listing(operation: &'static str) -> Listing {
    Listing {
        service: SERVICE,
        operation,
    }
}

/// Entries of a page as rows; what is none is left out.
fn page<E, T>(
    entries: Option<Vec<E>>,
    token: Option<String>,
    row: impl Fn(E) -> Result<Option<T>, PortError>,
) -> Result<Page<T>, PortError> {
    let rows = entries.unwrap_or_default().into_iter().map(row);
    let rows: Result<Vec<Option<T>>, PortError> = rows.collect();
    Ok(Page {
        rows: rows?.into_iter().flatten().collect(),
        token,
    })
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
        let ask = |token| {
            let call = self.client.describe_configuration_aggregator_sources_status();
            call.configuration_aggregator_name(aggregator)
                .limit(100)
                .set_next_token(token)
                .send()
        };
        self.caller
            .list(listing(SOURCES), ask, |answer| {
                page(
                    answer.aggregated_source_status_list,
                    answer.next_token,
                    source_status,
                )
            })
            .await
            .map_err(|failed| {
                self.failed(
                    failed,
                    &format!("cannot list the sources of aggregator {aggregator:?}"),
                    "config:DescribeConfigurationAggregatorSourcesStatus",
                )
            })
    }

    async fn rules_with_results(&self, aggregator: &str) -> Result<Vec<RuleCompliance>, PortError> {
        let ask = |token| {
            let call = self.client.describe_aggregate_compliance_by_config_rules();
            call.configuration_aggregator_name(aggregator)
                .limit(1000)
                .set_next_token(token)
                .send()
        };
        self.caller
            .list(listing(RULES), ask, |answer| {
                let entries = answer.aggregate_compliance_by_config_rules;
                page(entries, answer.next_token, rule_compliance)
            })
            .await
            .map_err(|failed| {
                self.failed(
                    failed,
                    &format!("cannot list the rules with results of aggregator {aggregator:?}"),
                    "config:DescribeAggregateComplianceByConfigRules",
                )
            })
    }

    async fn records_resource_compliance(&self, aggregator: &str) -> Result<bool, PortError> {
        let ask = |token| self.select(aggregator, select::ANY, 1, token);
        let found = self
            .caller
            .list_until(listing(SELECT), ask, rows, |rows| !rows.is_empty())
            .await
            .map_err(|failed| {
                self.failed(
                    failed,
                    &format!("cannot query aggregator {aggregator:?} for recorded AWS::Config::ResourceCompliance items"),
                    "config:SelectAggregateResourceConfig",
                )
            })?;
        Ok(!found.is_empty())
    }

    async fn resource_compliance(
        &self,
        aggregator: &str,
        account_ids: &[String],
    ) -> Result<Vec<EvaluationResult>, PortError> {
        let mut results = Vec::new();
        for accounts in account_ids.chunks(select::ACCOUNTS_PER_QUERY) {
            let expression = select::expression(accounts)?;
            let ask = |token| self.select(aggregator, &expression, 100, token);
            let rows = self
                .caller
                .list(listing(SELECT), ask, rows)
                .await
                .map_err(|failed| {
                    self.failed(
                        failed,
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
        let only = only.map(|only| sdk::ComplianceType::from(only.as_str()));
        let ask = |token| {
            let call = self.client.get_aggregate_compliance_details_by_config_rule();
            call.configuration_aggregator_name(aggregator)
                .config_rule_name(scope.config_rule_name)
                .account_id(scope.account_id)
                .aws_region(scope.aws_region)
                .set_compliance_type(only.clone())
                .limit(100)
                .set_next_token(token)
                .send()
        };
        self.caller
            .list(listing(DETAILS), ask, |answer| {
                let entries = answer.aggregate_evaluation_results;
                page(entries, answer.next_token, |entry| details::result(scope, entry))
            })
            .await
            .map_err(|failed| {
                self.failed(
                    failed,
                    &format!(
                        "cannot read the results of rule {:?} in account {} {} from aggregator {aggregator:?}",
                        scope.config_rule_name, scope.account_id, scope.aws_region
                    ),
                    "config:GetAggregateComplianceDetailsByConfigRule",
                )
            })
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

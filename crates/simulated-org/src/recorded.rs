//! A recorded account, served by the same code as a simulated organization.

use compliance::catalogue::{Catalogue, CatalogueError};
use compliance::coverage::{SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::organization::{Aggregator, DeployedRule};
use compliance::settings::Settings;
use jiff::Timestamp;
use serde::Deserialize;

use crate::moment::timestamp;
use crate::truth::Truth;
use crate::world::AGGREGATOR;

/// One account's evaluation results, as recorded. What the recording lacks is filled in: an account aggregator
/// named `organization` that the account itself owns, one source that SUCCEEDED when the last result was recorded,
/// and the identifiers of rules whose names are those of managed rules. `AWS::Config::ResourceCompliance` was not
/// recorded there, and the account is in no organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    truth: Truth,
}

/// A recording that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// Not the JSON expected.
    #[error("the recorded account is not JSON of the expected shape; compare it with recorded/README.md")]
    Syntax(#[source] serde_json::Error),
    /// A compliance type that no aggregator returns.
    #[error(
        "the recorded result of {rule} on {resource_id} has the compliance type {compliance_type:?}, which no \
         aggregator returns; leave COMPLIANT and NON_COMPLIANT results only"
    )]
    ComplianceType {
        /// The rule's name.
        rule: String,
        /// The resource's id.
        resource_id: String,
        /// What is there instead.
        compliance_type: String,
    },
    /// The recording says how many rules there are, and it is not as many as it names.
    #[error("the recorded account says that it has {stated} rules but names {named}; correct AccountRules")]
    Rules {
        /// `AccountRules`.
        stated: usize,
        /// Rules with results and without.
        named: usize,
    },
    /// The built-in catalogue is damaged: a defect of the build.
    #[error("the built-in rule catalogue cannot be read")]
    Catalogue(#[source] CatalogueError),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    account_rules: usize,
    rules_with_no_results: Vec<String>,
    region: String,
    account_id: String,
    evaluation_results: Vec<FileResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileResult {
    evaluation_result_identifier: FileIdentifier,
    compliance_type: String,
    result_recorded_time: f64,
    config_rule_invoked_time: f64,
    annotation: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileIdentifier {
    evaluation_result_qualifier: FileQualifier,
    ordering_timestamp: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileQualifier {
    config_rule_name: String,
    resource_type: String,
    resource_id: String,
}

impl Recorded {
    /// Reads a recorded account. `rule_inventory_readable`: the member role may read the account's rules.
    ///
    /// # Errors
    /// When the text is not such a recording.
    pub fn from_json(text: &str, rule_inventory_readable: bool) -> Result<Self, RecordedError> {
        let file: File = serde_json::from_str(text).map_err(RecordedError::Syntax)?;
        let mut rows = Vec::new();
        for result in &file.evaluation_results {
            rows.push(row(&file, result)?);
        }
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let deployed_rules = deployed_rules(&file, &rows)?;
        let at = rows
            .iter()
            .filter_map(|(result, _)| result.result_recorded_time)
            .max();
        let at = at.unwrap_or_default();
        let (results, ordering_timestamps) = rows.into_iter().unzip();
        Ok(Self {
            truth: Truth {
                at,
                aggregator: aggregator(&file),
                accounts: Vec::new(),
                sources: vec![source(&file, at)],
                results,
                deployed_rules,
                conformance_packs: Vec::new(),
                resource_compliance_accounts: [].into(),
                rule_inventory: rule_inventory_readable,
                ordering_timestamps,
                deleted_packs: Vec::new(),
                directory: None,
            },
        })
    }

    /// Everything recorded; its moment is that of the last result.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }
}

impl From<Recorded> for Truth {
    fn from(recorded: Recorded) -> Self {
        recorded.truth
    }
}

fn row(file: &File, result: &FileResult) -> Result<(EvaluationResult, Timestamp), RecordedError> {
    let qualifier = &result.evaluation_result_identifier.evaluation_result_qualifier;
    let compliance_type =
        ComplianceType::parse(&result.compliance_type).ok_or_else(|| RecordedError::ComplianceType {
            rule: qualifier.config_rule_name.clone(),
            resource_id: qualifier.resource_id.clone(),
            compliance_type: result.compliance_type.clone(),
        })?;
    let row = EvaluationResult {
        account_id: file.account_id.clone(),
        aws_region: file.region.clone(),
        config_rule_name: qualifier.config_rule_name.clone(),
        resource_type: qualifier.resource_type.clone(),
        resource_id: qualifier.resource_id.clone(),
        compliance_type,
        result_recorded_time: Some(seconds(result.result_recorded_time)),
        config_rule_invoked_time: Some(seconds(result.config_rule_invoked_time)),
        configuration_item_capture_time: None,
        annotation: result.annotation.clone(),
        annotation_reused: false,
    };
    Ok((
        row,
        seconds(result.evaluation_result_identifier.ordering_timestamp),
    ))
}

fn deployed_rules(
    file: &File,
    rows: &[(EvaluationResult, Timestamp)],
) -> Result<Vec<DeployedRule>, RecordedError> {
    let catalogue = Catalogue::new(&Settings::default()).map_err(RecordedError::Catalogue)?;
    let with_results = rows.iter().map(|(result, _)| &result.config_rule_name);
    let mut names: Vec<&String> = with_results.chain(&file.rules_with_no_results).collect();
    names.sort();
    names.dedup();
    if names.len() != file.account_rules {
        return Err(RecordedError::Rules {
            stated: file.account_rules,
            named: names.len(),
        });
    }
    let rule = |name: &String| DeployedRule {
        account_id: file.account_id.clone(),
        aws_region: file.region.clone(),
        config_rule_name: name.clone(),
        source_identifier: catalogue.metadata(name).identifier,
    };
    Ok(names.into_iter().map(rule).collect())
}

fn aggregator(file: &File) -> Aggregator {
    let partition = match file.region.split('-').nth(1) {
        Some("gov") => "aws-us-gov",
        _ if file.region.starts_with("cn-") => "aws-cn",
        _ => "aws",
    };
    let File {
        region, account_id, ..
    } = file;
    Aggregator {
        name: AGGREGATOR.to_owned(),
        arn: format!(
            "arn:{partition}:config:{region}:{account_id}:config-aggregator/config-aggregator-recorded"
        ),
        regions: vec![region.clone()],
        account_ids: vec![account_id.clone()],
        organization: false,
    }
}

fn source(file: &File, at: Timestamp) -> SourceStatus {
    SourceStatus {
        account_id: file.account_id.clone(),
        aws_region: file.region.clone(),
        state: SourceState::Succeeded,
        last_update_time: Some(at),
        error_code: None,
        error_message: None,
    }
}

/// Float epoch seconds, to the millisecond.
fn seconds(seconds: f64) -> Timestamp {
    timestamp((seconds * 1000.0).round() as i64)
}

//! Reading the details of a rule's results.

use aws_sdk_config::types as sdk;
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::ports::{PortError, RuleScope};

use crate::convert::{invalid, required, time};

const OPERATION: &str = "GetAggregateComplianceDetailsByConfigRule";

/// Reads a compliance type: `None` for one that is no result (an aggregator does not send them, the model has them).
///
/// # Errors
/// For a value that is not in the model: it is refused, never counted.
pub(crate) fn compliance_type(operation: &str, text: &str) -> Result<Option<ComplianceType>, PortError> {
    match text {
        "INSUFFICIENT_DATA" | "NOT_APPLICABLE" => Ok(None),
        text => match ComplianceType::parse(text) {
            Some(compliance_type) => Ok(Some(compliance_type)),
            None => Err(invalid(operation, format!("complianceType is {text:?}"))),
        },
    }
}

/// One result of the details of `scope`; `None` for one that is neither compliant nor noncompliant.
pub(crate) fn result(
    scope: RuleScope<'_>,
    entry: sdk::AggregateEvaluationResult,
) -> Result<Option<EvaluationResult>, PortError> {
    let text = required(OPERATION, "ComplianceType", entry.compliance_type)?;
    let Some(compliance_type) = compliance_type(OPERATION, text.as_str())? else {
        return Ok(None);
    };
    let qualifier = entry
        .evaluation_result_identifier
        .and_then(|identifier| identifier.evaluation_result_qualifier);
    let qualifier = required(OPERATION, "EvaluationResultQualifier", qualifier)?;
    same("AccountId", scope.account_id, entry.account_id.as_deref())?;
    same("AwsRegion", scope.aws_region, entry.aws_region.as_deref())?;
    same(
        "ConfigRuleName",
        scope.config_rule_name,
        qualifier.config_rule_name.as_deref(),
    )?;
    Ok(Some(EvaluationResult {
        account_id: scope.account_id.to_owned(),
        aws_region: scope.aws_region.to_owned(),
        config_rule_name: scope.config_rule_name.to_owned(),
        resource_type: required(OPERATION, "ResourceType", qualifier.resource_type)?,
        resource_id: required(OPERATION, "ResourceId", qualifier.resource_id)?,
        compliance_type,
        result_recorded_time: time(
            OPERATION,
            "ResultRecordedTime",
            entry.result_recorded_time.as_ref(),
        )?,
        config_rule_invoked_time: time(
            OPERATION,
            "ConfigRuleInvokedTime",
            entry.config_rule_invoked_time.as_ref(),
        )?,
        configuration_item_capture_time: None,
        annotation: entry.annotation,
        annotation_reused: false,
    }))
}

/// What an answer repeats of its question must be the same, where it does.
fn same(field: &str, asked: &str, answered: Option<&str>) -> Result<(), PortError> {
    match answered {
        Some(answered) if answered != asked => Err(invalid(
            OPERATION,
            format!("{field} is {answered:?} where {asked:?} was asked for"),
        )),
        _ => Ok(()),
    }
}

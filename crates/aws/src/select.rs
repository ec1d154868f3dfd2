//! The query over recorded `AWS::Config::ResourceCompliance` items, and its rows.

use compliance::Timestamp;
use compliance::evaluation::EvaluationResult;
use compliance::organization::is_account_id;
use compliance::ports::{PortError, PortErrorKind};
use serde::Deserialize;

use crate::convert::invalid;
use crate::details::compliance_type;

/// AWS takes expressions of 4,096 characters; an account takes 16 of them.
pub(crate) const ACCOUNTS_PER_QUERY: usize = 150;

/// Whether there is any such item.
pub(crate) const ANY: &str = "SELECT accountId WHERE resourceType = 'AWS::Config::ResourceCompliance'";

const OPERATION: &str = "SelectAggregateResourceConfig";

/// The query for every pair of these accounts.
///
/// # Errors
/// When an account id is not 12 digits: nothing else goes into an expression.
pub(crate) fn expression(account_ids: &[String]) -> Result<String, PortError> {
    let mut list = String::with_capacity(account_ids.len() * 16);
    for account_id in account_ids {
        if !is_account_id(account_id) {
            return Err(PortError::new(
                "Config",
                PortErrorKind::InvalidRequest,
                format!(
                    "{account_id:?} is not an account id of 12 digits; correct the settings or the aggregator"
                ),
            ));
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push('\'');
        list.push_str(account_id);
        list.push('\'');
    }
    Ok(format!(
        "SELECT accountId, awsRegion, configuration.complianceType, configuration.targetResourceId, \
         configuration.targetResourceType, configuration.configRuleList, configurationItemCaptureTime \
         WHERE resourceType = 'AWS::Config::ResourceCompliance' AND accountId IN ({list})"
    ))
}

/// How a message names a list of accounts.
pub(crate) fn range(account_ids: &[String]) -> String {
    match account_ids {
        [] => "no account".to_owned(),
        [one] => format!("account {one}"),
        [first, .., last] => format!("{} accounts ({first} to {last})", account_ids.len()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    account_id: String,
    aws_region: String,
    configuration: Configuration,
    configuration_item_capture_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    compliance_type: String,
    target_resource_id: String,
    target_resource_type: String,
    config_rule_list: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    compliance_type: String,
    config_rule_name: String,
}

/// The results of one row, which is a JSON string: one per rule that is compliant or noncompliant.
pub(crate) fn results(row: &str) -> Result<Vec<EvaluationResult>, PortError> {
    let row: Row = serde_json::from_str(row).map_err(|error| {
        invalid(OPERATION, "a row is not an AWS::Config::ResourceCompliance item").with_source(error)
    })?;
    let capture_time = row
        .configuration_item_capture_time
        .as_deref()
        .map(capture_time)
        .transpose()?;
    let judged = compliance_type(OPERATION, &row.configuration.compliance_type)?.is_some();
    let rules = match row.configuration.config_rule_list {
        None if judged => return Err(invalid(OPERATION, "configuration.configRuleList is absent")),
        rules => rules.unwrap_or_default(),
    };
    let mut results = Vec::with_capacity(rules.len());
    for rule in rules {
        let Some(compliance_type) = compliance_type(OPERATION, &rule.compliance_type)? else {
            continue;
        };
        results.push(EvaluationResult {
            account_id: row.account_id.clone(),
            aws_region: row.aws_region.clone(),
            config_rule_name: rule.config_rule_name,
            resource_type: row.configuration.target_resource_type.clone(),
            resource_id: row.configuration.target_resource_id.clone(),
            compliance_type,
            result_recorded_time: None,
            config_rule_invoked_time: None,
            configuration_item_capture_time: capture_time,
            annotation: None,
            annotation_reused: false,
        });
    }
    Ok(results)
}

/// A capture time in whole milliseconds.
fn capture_time(text: &str) -> Result<Timestamp, PortError> {
    text.parse::<Timestamp>()
        .and_then(|time| Timestamp::from_millisecond(time.as_millisecond()))
        .map_err(|error| {
            invalid(OPERATION, format!("configurationItemCaptureTime is {text:?}")).with_source(error)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rules: &str) -> String {
        format!(
            r#"{{"accountId":"000000000012","awsRegion":"eu-west-1","configurationItemCaptureTime":"2026-11-21T08:52:00.123Z",
            "configuration":{{"complianceType":"NON_COMPLIANT","targetResourceId":"a\"b","targetResourceType":"AWS::S3::Bucket","configRuleList":{rules}}}}}"#
        )
    }

    #[test]
    fn a_row_gives_one_result_per_judged_rule() {
        let rules = r#"[{"complianceType":"COMPLIANT","configRuleArn":"x","configRuleId":"y","configRuleName":"one"},
            {"complianceType":"INSUFFICIENT_DATA","configRuleName":"two"},{"complianceType":"NON_COMPLIANT","configRuleName":"three"}]"#;
        let results = results(&row(rules)).unwrap();
        let names: Vec<_> = results
            .iter()
            .map(|result| (result.config_rule_name.as_str(), result.compliance_type.as_str()))
            .collect();
        assert_eq!(names, [("one", "COMPLIANT"), ("three", "NON_COMPLIANT")]);
        assert_eq!(
            (results[0].account_id.as_str(), results[0].resource_id.as_str()),
            ("000000000012", "a\"b")
        );
        assert_eq!(
            results[0].configuration_item_capture_time,
            Some("2026-11-21T08:52:00.123Z".parse().unwrap())
        );
    }

    #[test]
    fn what_cannot_be_counted_on_is_refused() {
        let refused =
            |row: &str| assert_eq!(results(row).unwrap_err().code(), "Config.InvalidAnswer", "{row}");
        refused("{}");
        refused("not json");
        refused(&row("null"));
        refused(&row(r#"[{"complianceType":"PERHAPS","configRuleName":"one"}]"#));
        refused(&row("[]").replace("2026-11-21T08:52:00.123Z", "yesterday"));
    }

    #[test]
    fn an_expression_of_the_most_accounts_is_short_enough() {
        let accounts: Vec<_> = (0..ACCOUNTS_PER_QUERY)
            .map(|number| format!("{number:012}"))
            .collect();
        assert!(expression(&accounts).unwrap().len() <= 4_096);
        assert!(expression(&["1' OR '1'='1".to_owned()]).is_err());
    }
}

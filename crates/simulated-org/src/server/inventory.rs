//! AWS Config's operations in a member account: which rules and conformance packs are deployed there.
//!
//! The account is that of the assumed role (see [`super::sts`]), else the aggregator's own; the region is the one
//! the request is signed for.

use compliance::hash::sha256_hex;
use compliance::organization::{ConformancePack, DeployedRule};
use compliance::rule_name::{self, Deployment};
use serde_json::{Value, json};

use super::answer::ErrorAnswer;
use super::calls::{Context, unknown_operation};
use super::config::{seconds, without_nulls};
use super::paging::Limit;

pub(super) const OPERATIONS: &[&str] = &["DescribeConfigRules", "DescribeConformancePacks"];

pub(super) fn answer(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    if !context.truth().rule_inventory {
        let account = account(context);
        return Err(ErrorAnswer::bad(
            "AccessDeniedException",
            format!(
                "User: arn:{}:sts::{account}:assumed-role/reader/session is not authorized to perform: config:{}",
                context.truth().aggregator.partition(),
                context.operation
            ),
        ));
    }
    match context.operation {
        "DescribeConfigRules" => rules(context),
        "DescribeConformancePacks" => packs(context),
        _ => Err(unknown_operation()),
    }
}

pub(super) fn account<'a>(context: &'a Context<'_>) -> &'a str {
    let own = || context.truth().aggregator.account_id();
    context.caller.assumed_account.as_deref().unwrap_or_else(own)
}

pub(super) fn region<'a>(context: &'a Context<'_>) -> &'a str {
    let own = || context.truth().aggregator.region();
    context.caller.region.as_deref().unwrap_or_else(own)
}

fn rules(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    let names = context.members.texts("ConfigRuleNames", 25)?;
    let here = (account(context), region(context));
    let all = context.truth().deployed_rules.iter();
    let mut rules: Vec<&DeployedRule> = all
        .filter(|rule| (rule.account_id.as_str(), rule.aws_region.as_str()) == here)
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| !rules.iter().any(|rule| rule.config_rule_name == **name))
    {
        return Err(ErrorAnswer::bad(
            "NoSuchConfigRuleException",
            format!(
                "The ConfigRule '{unknown}' provided in the request is invalid. Please check the configRule name."
            ),
        ));
    }
    rules.retain(|rule| names.is_empty() || names.contains(&rule.config_rule_name.as_str()));
    let page = context.page(
        rules.len(),
        Limit {
            members: &[],
            ..Limit::of(25, 25)
        },
    )?;
    let partition = context.truth().aggregator.partition();
    Ok(page.answer("ConfigRules", |index| {
        rules.get(index).map(|rule| describe(partition, rule)).into()
    }))
}

/// The ARN and id of a deployed rule.
pub(super) fn arn_and_id(partition: &str, account_id: &str, region: &str, rule: &str) -> (String, String) {
    let hash = sha256_hex(format!("{account_id}/{region}/{rule}").as_bytes());
    let id = format!("config-rule-{}", hash.get(..6).unwrap_or_default());
    (
        format!("arn:{partition}:config:{region}:{account_id}:config-rule/{id}"),
        id,
    )
}

fn describe(partition: &str, rule: &DeployedRule) -> Value {
    let (arn, id) = arn_and_id(
        partition,
        &rule.account_id,
        &rule.aws_region,
        &rule.config_rule_name,
    );
    let source = match &rule.source_identifier {
        Some(identifier) => json!({"Owner": "AWS", "SourceIdentifier": identifier}),
        None => json!({
            "Owner": "CUSTOM_LAMBDA",
            "SourceIdentifier": format!(
                "arn:{partition}:lambda:{}:{}:function:{}",
                rule.aws_region, rule.account_id, rule.config_rule_name
            ),
            "SourceDetails": [{
                "EventSource": "aws.config",
                "MessageType": "ConfigurationItemChangeNotification",
            }],
        }),
    };
    let created_by = match rule_name::parse(&rule.config_rule_name).1 {
        Deployment::Plain => None,
        Deployment::ConformancePack { .. } => Some("config-conforms.amazonaws.com"),
        Deployment::SecurityHub => Some("securityhub.amazonaws.com"),
        Deployment::OrganizationRule => Some("config-multiaccountsetup.amazonaws.com"),
    };
    without_nulls(json!({
        "ConfigRuleName": rule.config_rule_name,
        "ConfigRuleArn": arn,
        "ConfigRuleId": id,
        "Source": source,
        "ConfigRuleState": "ACTIVE",
        "CreatedBy": created_by,
        "EvaluationModes": [{"Mode": "DETECTIVE"}],
    }))
}

fn packs(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    let names = context.members.texts("ConformancePackNames", 25)?;
    let here = (account(context), region(context));
    let all = context.truth().conformance_packs.iter();
    let mut packs: Vec<&ConformancePack> = all
        .filter(|pack| (pack.account_id.as_str(), pack.aws_region.as_str()) == here)
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| !packs.iter().any(|pack| pack.name == **name))
    {
        return Err(ErrorAnswer::bad(
            "NoSuchConformancePackException",
            format!("The conformance pack '{unknown}' does not exist."),
        ));
    }
    packs.retain(|pack| names.is_empty() || names.contains(&pack.name.as_str()));
    let truth = context.truth();
    let page = context.page(packs.len(), Limit::of(20, 20))?;
    let entry = |pack: &&ConformancePack| {
        json!({
            "ConformancePackName": pack.name,
            "ConformancePackArn": format!(
                "arn:{}:config:{}:{}:conformance-pack/{}/{}",
                truth.aggregator.partition(), pack.aws_region, pack.account_id, pack.name, pack.id
            ),
            "ConformancePackId": pack.id,
            "ConformancePackInputParameters": [],
            "LastUpdateRequestedTime": seconds(truth.at),
        })
    };
    Ok(page.answer("ConformancePackDetails", |index| {
        packs.get(index).map(entry).into()
    }))
}

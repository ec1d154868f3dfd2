//! AWS Config's aggregate operations.

use std::collections::{BTreeMap, BTreeSet};

use compliance::coverage::{SourceState, SourceStatus};
use compliance::evaluation::{ComplianceType, EvaluationResult, RuleCompliance};
use compliance::organization::ConformancePack;
use compliance::rule_name::{self, Deployment};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::ErrorAnswer;
use super::calls::{Context, unknown_operation};
use super::members::Members;
use super::paging::Limit;
use super::select;
use crate::truth::triple;

const COMPLIANCE_TYPES: &[&str] = &[
    "COMPLIANT",
    "NON_COMPLIANT",
    "NOT_APPLICABLE",
    "INSUFFICIENT_DATA",
];

pub(super) fn answer(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    match context.operation {
        "DescribeConfigurationAggregators" => aggregators(context),
        "DescribeConfigurationAggregatorSourcesStatus" => sources(context),
        "DescribeAggregateComplianceByConfigRules" => compliance_by_rules(context),
        "GetAggregateComplianceDetailsByConfigRule" => details(context),
        "SelectAggregateResourceConfig" => {
            hold_aggregator(context)?;
            select::answer(context)
        }
        "GetAggregateConfigRuleComplianceSummary" => summary(context),
        "DescribeAggregateComplianceByConformancePacks" => compliance_by_packs(context),
        _ => Err(unknown_operation()),
    }
}

/// Float epoch seconds with milliseconds.
pub(super) fn seconds(time: Timestamp) -> Value {
    json!(time.as_millisecond() as f64 / 1000.0)
}

/// Leaves absent members out, as AWS does.
pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, value| !value.is_null());
    }
    value
}

fn hold_aggregator(context: &Context<'_>) -> Result<(), ErrorAnswer> {
    let name = context.members.required("ConfigurationAggregatorName", 256)?;
    if name == context.truth().aggregator.name {
        return Ok(());
    }
    Err(no_such_aggregator(name))
}

fn no_such_aggregator(name: &str) -> ErrorAnswer {
    ErrorAnswer::bad(
        "NoSuchConfigurationAggregatorException",
        format!("The configuration aggregator '{name}' does not exist."),
    )
}

fn aggregators(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    let aggregator = &context.truth().aggregator;
    let names = context.members.texts("ConfigurationAggregatorNames", 10)?;
    if let Some(unknown) = names.iter().find(|name| **name != aggregator.name) {
        return Err(no_such_aggregator(unknown));
    }
    let mut entry = json!({
        "ConfigurationAggregatorName": aggregator.name,
        "ConfigurationAggregatorArn": aggregator.arn,
        "CreationTime": 1_609_459_200.0,
        "LastUpdatedTime": 1_609_459_200.0,
    });
    if aggregator.organization {
        let (partition, owner) = (aggregator.partition(), aggregator.account_id());
        entry["OrganizationAggregationSource"] = json!({
            "RoleArn": format!("arn:{partition}:iam::{owner}:role/config-aggregator"),
            "AwsRegions": aggregator.regions,
            "AllAwsRegions": false,
        });
    } else {
        entry["AccountAggregationSources"] = json!([{
            "AccountIds": aggregator.account_ids,
            "AllAwsRegions": false,
            "AwsRegions": aggregator.regions,
        }]);
    }
    let page = context.page(1, Limit::of(100, 100))?;
    Ok(page.answer("ConfigurationAggregators", |_| entry.clone()))
}

fn sources(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    hold_aggregator(context)?;
    let wanted = context.members.texts("UpdateStatus", 3)?;
    for status in &wanted {
        context
            .members
            .hold_one_of("UpdateStatus", status, &["FAILED", "SUCCEEDED", "OUTDATED"])?;
    }
    let is_wanted = |status: &str| wanted.is_empty() || wanted.contains(&status);
    let mut entries: Vec<Value> = organization_source(context).into_iter().collect();
    entries.extend(context.answered.sources.iter().map(source));
    entries.retain(|entry| entry["LastUpdateStatus"].as_str().is_some_and(is_wanted));
    let page = context.page(entries.len(), Limit::of(100, 100))?;
    Ok(page.answer("AggregatedSourceStatusList", |index| {
        entries.get(index).cloned().unwrap_or_default()
    }))
}

/// An organization aggregator lists the organization itself among its sources.
fn organization_source(context: &Context<'_>) -> Option<Value> {
    let truth = context.truth();
    let directory = truth
        .directory
        .as_ref()
        .filter(|_| truth.aggregator.organization)?;
    Some(json!({
        "SourceId": directory.id,
        "SourceType": "ORGANIZATION",
        "AwsRegion": truth.aggregator.region(),
        "LastUpdateStatus": "SUCCEEDED",
        "LastUpdateTime": seconds(truth.at),
    }))
}

fn source(source: &SourceStatus) -> Value {
    let status = match source.state {
        SourceState::Succeeded => "SUCCEEDED",
        SourceState::Outdated => "OUTDATED",
        SourceState::Failed | SourceState::Absent => "FAILED",
    };
    without_nulls(json!({
        "SourceId": source.account_id,
        "SourceType": "ACCOUNT",
        "AwsRegion": source.aws_region,
        "LastUpdateStatus": status,
        "LastUpdateTime": source.last_update_time.map(seconds),
        "LastErrorCode": source.error_code,
        "LastErrorMessage": source.error_message,
    }))
}

/// The filters that rules and packs have in common.
struct Filters<'a> {
    name: Option<&'a str>,
    compliance_type: Option<&'a str>,
    account_id: Option<&'a str>,
    aws_region: Option<&'a str>,
}

impl<'a> Filters<'a> {
    fn read(members: &Members<'a>, name: &str, compliance_types: &[&str]) -> Result<Self, ErrorAnswer> {
        let filters = members.object("Filters");
        Ok(Self {
            name: filters.optional(name, 256)?,
            compliance_type: filters.one_of("ComplianceType", compliance_types)?,
            account_id: filters.account_id()?,
            aws_region: filters.optional("AwsRegion", 64)?,
        })
    }

    fn admit(&self, name: &str, compliance_type: &str, account_id: &str, aws_region: &str) -> bool {
        let is = |filter: Option<&str>, value: &str| filter.is_none_or(|filter| filter == value);
        is(self.name, name)
            && is(self.compliance_type, compliance_type)
            && is(self.account_id, account_id)
            && is(self.aws_region, aws_region)
    }
}

fn compliance_by_rules(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    hold_aggregator(context)?;
    let filters = Filters::read(&context.members, "ConfigRuleName", COMPLIANCE_TYPES)?;
    let admitted = |rule: &&RuleCompliance| {
        let compliance_type = rule.compliance_type.as_str();
        filters.admit(
            &rule.config_rule_name,
            compliance_type,
            &rule.account_id,
            &rule.aws_region,
        )
    };
    let rules: Vec<&RuleCompliance> = context.answered.rules.iter().filter(admitted).collect();
    let page = context.page(rules.len(), Limit::of(1000, 1000))?;
    Ok(page.answer("AggregateComplianceByConfigRules", |index| {
        rules.get(index).map(|rule| by_rule(rule)).into()
    }))
}

fn by_rule(rule: &RuleCompliance) -> Value {
    json!({
        "ConfigRuleName": rule.config_rule_name,
        "Compliance": {
            "ComplianceType": rule.compliance_type.as_str(),
            "ComplianceContributorCount": {
                "CappedCount": rule.capped_count,
                "CapExceeded": rule.cap_exceeded,
            },
        },
        "AccountId": rule.account_id,
        "AwsRegion": rule.aws_region,
    })
}

fn details(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    hold_aggregator(context)?;
    let members = &context.members;
    let rule = members.required("ConfigRuleName", 128)?;
    let account_id = members
        .required("AccountId", 12)
        .and(members.account_id())?
        .unwrap_or_default();
    let region = members.required("AwsRegion", 64)?;
    let only = members.one_of("ComplianceType", COMPLIANCE_TYPES)?;
    let truth = context.truth();
    let wanted = (account_id, region, rule);
    let begin = truth.results.partition_point(|result| triple(result) < wanted);
    let rows: Vec<(&EvaluationResult, &Timestamp)> = truth
        .results
        .iter()
        .zip(&truth.ordering_timestamps)
        .skip(begin)
        .take_while(|(result, _)| triple(result) == wanted)
        .filter(|(result, _)| only.is_none_or(|only| result.compliance_type.as_str() == only))
        .collect();
    let page = context.page(rows.len(), Limit::of(50, 100))?;
    Ok(page.answer("AggregateEvaluationResults", |index| {
        rows.get(index)
            .map(|(result, ordered)| evaluation(result, **ordered))
            .into()
    }))
}

fn evaluation(result: &EvaluationResult, ordered: Timestamp) -> Value {
    without_nulls(json!({
        "EvaluationResultIdentifier": {
            "EvaluationResultQualifier": {
                "ConfigRuleName": result.config_rule_name,
                "ResourceType": result.resource_type,
                "ResourceId": result.resource_id,
                "EvaluationMode": "DETECTIVE",
            },
            "OrderingTimestamp": seconds(ordered),
        },
        "ComplianceType": result.compliance_type.as_str(),
        "ResultRecordedTime": result.result_recorded_time.map(seconds),
        "ConfigRuleInvokedTime": result.config_rule_invoked_time.map(seconds),
        "Annotation": result.annotation,
        "AccountId": result.account_id,
        "AwsRegion": result.aws_region,
    }))
}

/// Counts of compliant and noncompliant rules, capped at 25 as AWS caps them.
fn summary(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    hold_aggregator(context)?;
    let filters = Filters::read(&context.members, "ConfigRuleName", COMPLIANCE_TYPES)?;
    let group_by = context
        .members
        .one_of("GroupByKey", &["ACCOUNT_ID", "AWS_REGION"])?;
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for rule in &context.answered.rules {
        if !filters.admit(
            &rule.config_rule_name,
            rule.compliance_type.as_str(),
            &rule.account_id,
            &rule.aws_region,
        ) {
            continue;
        }
        let group = match group_by {
            Some("ACCOUNT_ID") => rule.account_id.as_str(),
            Some(_) => rule.aws_region.as_str(),
            None => "",
        };
        let (compliant, noncompliant) = groups.entry(group).or_default();
        match rule.compliance_type {
            ComplianceType::Compliant => *compliant += 1,
            ComplianceType::NonCompliant => *noncompliant += 1,
        }
    }
    let groups: Vec<_> = groups.into_iter().collect();
    let capped = |count: usize| json!({"CappedCount": count.min(25), "CapExceeded": count > 25});
    let page = context.page(groups.len(), Limit::of(1000, 1000))?;
    let entry = |(name, (compliant, noncompliant)): &(&str, (usize, usize))| {
        without_nulls(json!({
            "GroupName": Some(name).filter(|name| !name.is_empty()),
            "ComplianceSummary": {
                "CompliantResourceCount": capped(*compliant),
                "NonCompliantResourceCount": capped(*noncompliant),
                "ComplianceSummaryTimestamp": seconds(context.truth().at),
            },
        }))
    };
    let mut answer = page.answer("AggregateComplianceCounts", |index| {
        groups.get(index).map(entry).into()
    });
    if let Some(key) = group_by {
        answer["GroupByKey"] = json!(key);
    }
    Ok(answer)
}

/// Conformance packs, deleted ones included, by the rules whose names carry their ids.
fn compliance_by_packs(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    hold_aggregator(context)?;
    let states = &["COMPLIANT", "NON_COMPLIANT", "INSUFFICIENT_DATA"];
    let filters = Filters::read(&context.members, "ConformancePackName", states)?;
    let truth = context.truth();
    let rules = rules_by_pack(context);
    let mut packs: Vec<&ConformancePack> = truth
        .conformance_packs
        .iter()
        .chain(&truth.deleted_packs)
        .collect();
    packs.sort();
    let entries: Vec<Value> = packs
        .into_iter()
        .filter_map(|pack| by_pack(pack, &rules, &filters))
        .collect();
    let page = context.page(entries.len(), Limit::of(100, 100))?;
    Ok(page.answer("AggregateComplianceByConformancePacks", |index| {
        entries.get(index).cloned().unwrap_or_default()
    }))
}

/// (compliant, noncompliant, all) names of rules by account, region and pack id.
type RulesByPack<'a> = BTreeMap<(&'a str, &'a str, String), [BTreeSet<&'a str>; 3]>;

fn rules_by_pack<'a>(context: &'a Context<'_>) -> RulesByPack<'a> {
    let mut rules = RulesByPack::new();
    let mut add = |account_id: &'a str, region: &'a str, name: &'a str, list: usize| {
        if let (_, Deployment::ConformancePack { pack_id }) = rule_name::parse(name)
            && let Some(names) = rules
                .entry((account_id, region, pack_id))
                .or_default()
                .get_mut(list)
        {
            names.insert(name);
        }
    };
    for rule in &context.answered.rules {
        let list = usize::from(rule.compliance_type == ComplianceType::NonCompliant);
        add(&rule.account_id, &rule.aws_region, &rule.config_rule_name, list);
    }
    for rule in &context.answered.truth.deployed_rules {
        add(&rule.account_id, &rule.aws_region, &rule.config_rule_name, 2);
    }
    rules
}

fn by_pack(pack: &ConformancePack, rules: &RulesByPack<'_>, filters: &Filters<'_>) -> Option<Value> {
    let key = (
        pack.account_id.as_str(),
        pack.aws_region.as_str(),
        pack.id.clone(),
    );
    let [compliant, noncompliant, all] = rules
        .get(&key)
        .map_or([0; 3], |lists| lists.each_ref().map(BTreeSet::len));
    let state = match (compliant, noncompliant) {
        (0, 0) => "INSUFFICIENT_DATA",
        (_, 0) => "COMPLIANT",
        _ => "NON_COMPLIANT",
    };
    filters
        .admit(&pack.name, state, &pack.account_id, &pack.aws_region)
        .then(|| {
            json!({
                "ConformancePackName": pack.name,
                "Compliance": {
                    "ComplianceType": state,
                    "CompliantRuleCount": compliant,
                    "NonCompliantRuleCount": noncompliant,
                    "TotalRuleCount": all,
                },
                "AccountId": pack.account_id,
                "AwsRegion": pack.aws_region,
            })
        })
}

//! `SelectAggregateResourceConfig` over the `AWS::Config::ResourceCompliance` items of accounts that record them.

use std::collections::BTreeMap;

use compliance::evaluation::{ComplianceType, EvaluationResult};
use serde_json::{Map, Value, json};

use super::answer::ErrorAnswer;
use super::calls::Context;
use super::inventory::arn_and_id;
use super::paging::Limit;
use super::sql::{self, ALL, COUNT, Condition, Query, invalid};
use crate::truth::Truth;

const RESOURCE_TYPE: &str = "AWS::Config::ResourceCompliance";

/// Properties that can be selected and asked for; those of the list's elements begin with [`LIST`].
const PROPERTIES: &[&str] = &[
    "accountId",
    "arn",
    "awsRegion",
    "configuration",
    "configuration.complianceType",
    "configuration.configRuleList",
    "configuration.configRuleList.complianceType",
    "configuration.configRuleList.configRuleArn",
    "configuration.configRuleList.configRuleId",
    "configuration.configRuleList.configRuleName",
    "configuration.targetResourceId",
    "configuration.targetResourceType",
    "configurationItemCaptureTime",
    "configurationItemStatus",
    "resourceId",
    "resourceType",
];
const LIST: &str = "configuration.configRuleList";

/// One item: the results of one resource in one account and region, as indexes into the truth's results.
#[derive(Debug)]
pub(super) struct Item {
    results: Vec<usize>,
}

impl Item {
    fn results<'a>(&'a self, truth: &'a Truth) -> impl Iterator<Item = &'a EvaluationResult> {
        self.results.iter().filter_map(|index| truth.results.get(*index))
    }

    /// Whether the property has one of these values; those of a list's elements are several, and one is enough.
    fn has(&self, truth: &Truth, property: &str, values: &[String]) -> bool {
        let Some(first) = self.results(truth).next() else {
            return false;
        };
        let is = |value: &str| values.iter().any(|one| one == value);
        if let Some(name) = property.strip_prefix(LIST) {
            return self.element_has(truth, name.trim_start_matches('.'), is);
        }
        match property {
            "accountId" => is(&first.account_id),
            "awsRegion" => is(&first.aws_region),
            "resourceType" => is(RESOURCE_TYPE),
            "configuration.targetResourceType" => is(&first.resource_type),
            "configuration.targetResourceId" => is(&first.resource_id),
            "configuration.complianceType" => is(self.compliance_type(truth).as_str()),
            _ => is(text(at(&self.document(truth), property))),
        }
    }

    fn element_has(&self, truth: &Truth, name: &str, is: impl Fn(&str) -> bool) -> bool {
        self.results(truth).any(|result| match name {
            "complianceType" => is(result.compliance_type.as_str()),
            "configRuleName" => is(&result.config_rule_name),
            _ => is(text(element(truth, result).get(name))),
        })
    }

    /// The resource is noncompliant when one of its rules says so.
    fn compliance_type(&self, truth: &Truth) -> ComplianceType {
        let worst = self.results(truth).map(|result| result.compliance_type).max();
        worst.unwrap_or(ComplianceType::Compliant)
    }

    /// The whole item.
    fn document(&self, truth: &Truth) -> Value {
        let Some(first) = self.results(truth).next() else {
            return json!({});
        };
        let partition = truth.aggregator.partition();
        let resource_id = format!("{}/{}", first.resource_type, first.resource_id);
        let elements: Vec<Value> = self.results(truth).map(|result| element(truth, result)).collect();
        let captured = first.configuration_item_capture_time;
        json!({
            "accountId": first.account_id,
            "arn": format!(
                "arn:{partition}:config:{}:{}:resource-compliance/{resource_id}", first.aws_region, first.account_id
            ),
            "awsRegion": first.aws_region,
            "configuration": {
                "complianceType": self.compliance_type(truth).as_str(),
                "configRuleList": elements,
                "targetResourceId": first.resource_id,
                "targetResourceType": first.resource_type,
            },
            "configurationItemCaptureTime": captured.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
            "configurationItemStatus": "ResourceDiscovered",
            "resourceId": resource_id,
            "resourceType": RESOURCE_TYPE,
        })
    }
}

/// The items of every account that records them, account first.
pub(super) fn items(truth: &Truth) -> Vec<Item> {
    let mut items: BTreeMap<(&str, &str, &str, &str), Vec<usize>> = BTreeMap::new();
    for (index, result) in truth.results.iter().enumerate() {
        if truth.resource_compliance_accounts.contains(&result.account_id) {
            let EvaluationResult {
                account_id,
                aws_region,
                resource_type,
                resource_id,
                ..
            } = result;
            items
                .entry((account_id, aws_region, resource_type, resource_id))
                .or_default()
                .push(index);
        }
    }
    items.into_values().map(|results| Item { results }).collect()
}

/// An element of `configRuleList`.
fn element(truth: &Truth, result: &EvaluationResult) -> Value {
    let partition = truth.aggregator.partition();
    let (arn, id) = arn_and_id(
        partition,
        &result.account_id,
        &result.aws_region,
        &result.config_rule_name,
    );
    json!({
        "complianceType": result.compliance_type.as_str(),
        "configRuleArn": arn,
        "configRuleId": id,
        "configRuleName": result.config_rule_name,
    })
}

/// The results are JSON *strings*; a missing `Limit` means 25.
pub(super) fn answer(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    let query = sql::parse(context.members.required("Expression", 4096)?)?;
    hold_known(&query)?;
    let truth = context.truth();
    let found: Vec<&Item> = context
        .answered
        .items
        .iter()
        .filter(|item| {
            query
                .conditions
                .iter()
                .all(|condition| holds(item, truth, condition))
        })
        .collect();
    let limit = Limit {
        members: &["Limit", "MaxResults"],
        ..Limit::of(25, 100)
    };
    let rows = if query.fields.iter().any(|field| field == COUNT) {
        1
    } else {
        found.len()
    };
    let page = context.page(rows, limit)?;
    let mut answer = page.answer("Results", |index| {
        let row = match found.get(index) {
            _ if rows == 1 && query.fields.iter().any(|field| field == COUNT) => json!({COUNT: found.len()}),
            Some(item) => project(&item.document(truth), &query.fields),
            None => json!({}),
        };
        Value::String(row.to_string())
    });
    let fields: Vec<Value> = query.fields.iter().map(|field| json!({"Name": field})).collect();
    answer["QueryInfo"] = json!({"SelectFields": fields});
    Ok(answer)
}

fn hold_known(query: &Query) -> Result<(), ErrorAnswer> {
    let special = |name: &str| name == ALL || name == COUNT;
    let selected = query.fields.iter().filter(|name| !special(name));
    let asked = query.conditions.iter().map(|condition| &condition.property);
    match selected
        .chain(asked)
        .find(|name| !PROPERTIES.contains(&name.as_str()))
    {
        Some(unknown) => Err(invalid(format!("The property {unknown} is not valid."))),
        None => Ok(()),
    }
}

/// Each condition looks at all elements of a list by itself: two conditions can hold in different elements, as
/// with AWS.
fn holds(item: &Item, truth: &Truth, condition: &Condition) -> bool {
    item.has(truth, &condition.property, &condition.values)
}

fn at<'a>(document: &'a Value, property: &str) -> Option<&'a Value> {
    property
        .split('.')
        .try_fold(document, |value, name| value.get(name))
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The selected fields of an item, in their places.
fn project(document: &Value, fields: &[String]) -> Value {
    if fields.iter().any(|field| field == ALL) {
        return document.clone();
    }
    let mut row = Value::Object(Map::new());
    for field in fields {
        let path: Vec<&str> = field.split('.').collect();
        copy(document, &mut row, &path);
    }
    row
}

/// Copies one path; through a list, that of every element.
fn copy(from: &Value, to: &mut Value, path: &[&str]) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    let Some(value) = from.get(name) else { return };
    let Value::Object(members) = to else { return };
    match value {
        _ if rest.is_empty() => {
            members.insert((*name).to_owned(), value.clone());
        }
        Value::Array(elements) => {
            let empty = vec![json!({}); elements.len()];
            let list = members.entry(*name).or_insert_with(|| Value::Array(empty));
            for (element, target) in elements.iter().zip(list.as_array_mut().into_iter().flatten()) {
                copy(element, target, rest);
            }
        }
        _ => copy(value, members.entry(*name).or_insert_with(|| json!({})), rest),
    }
}

//! From a request to an answer, without any I/O: what was asked, by whom, and who answers.

use compliance::coverage::SourceStatus;
use serde_json::Value;

use super::answer::{self, Answer, ErrorAnswer};
use super::members::Members;
use super::select::Item;
use super::{Fault, config, inventory, organizations, paging, select, sts};
use crate::truth::Truth;
use compliance::evaluation::RuleCompliance;

/// The parts of an HTTP request that count.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// `X-Amz-Target`; empty for the query protocol.
    pub(super) target: String,
    pub(super) authorization: String,
    pub(super) body: String,
}

/// A call, as fault injection sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// Such as `GetAggregateComplianceDetailsByConfigRule`.
    pub operation: String,
    /// The account asked about: a parameter or filter, the assumed account of a member call, the account of a role.
    pub account_id: Option<String>,
    /// The region asked about: a parameter or filter, the signing region of a member call.
    pub aws_region: Option<String>,
    /// The rule asked about.
    pub config_rule_name: Option<String>,
    /// The query of `SelectAggregateResourceConfig`.
    pub expression: Option<String>,
}

/// A truth with what is derived from it once.
pub(super) struct Answered {
    pub(super) truth: Truth,
    pub(super) rules: Vec<RuleCompliance>,
    pub(super) items: Vec<Item>,
    /// What `DescribeConfigurationAggregatorSourcesStatus` lists.
    pub(super) sources: Vec<SourceStatus>,
}

impl Answered {
    pub(super) fn new(truth: Truth) -> Self {
        Self {
            rules: truth.rules_with_results(),
            items: select::items(&truth),
            sources: truth.sources.clone(),
            truth,
        }
    }
}

/// Who asks, as far as an unverified signature tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Caller {
    /// The account whose role was assumed here before.
    pub(super) assumed_account: Option<String>,
    pub(super) region: Option<String>,
}

impl Caller {
    /// Reads `AWS4-HMAC-SHA256 Credential=<key id>/<day>/<region>/<service>/aws4_request, ...`.
    fn read(authorization: &str) -> Self {
        let scope = authorization
            .split_once("Credential=")
            .and_then(|(_, rest)| rest.split([',', ' ']).next())
            .unwrap_or_default();
        let mut parts = scope.split('/');
        let key = parts.next().unwrap_or_default();
        Self {
            assumed_account: sts::assumed_account(key).map(ToOwned::to_owned),
            region: parts.nth(1).map(ToOwned::to_owned),
        }
    }
}

/// One call being answered.
pub(super) struct Context<'a> {
    pub(super) answered: &'a Answered,
    pub(super) operation: &'a str,
    pub(super) caller: &'a Caller,
    pub(super) members: Members<'a>,
}

impl Context<'_> {
    pub(super) fn truth(&self) -> &Truth {
        &self.answered.truth
    }

    /// One page of a list of `length`; see [`paging`].
    pub(super) fn page(&self, length: usize, limit: paging::Limit) -> Result<paging::Page, ErrorAnswer> {
        paging::page(self.operation, self.caller, &self.members, length, limit)
    }
}

const CONFIG: &str = "StarlingDoveService";
const ORGANIZATIONS: &str = "AWSOrganizationsV20161128";

/// Answers a request.
pub(super) fn answer(answered: &Answered, fault: Option<&Fault>, request: &Request) -> Answer {
    let caller = Caller::read(&request.authorization);
    match request.target.split_once('.') {
        Some((service, operation)) => {
            answer::json(json_call(answered, fault, &caller, service, operation, request))
        }
        None => answer::xml(sts::answer(answered, fault, &caller, &request.body)),
    }
}

fn json_call(
    answered: &Answered,
    fault: Option<&Fault>,
    caller: &Caller,
    service: &str,
    operation: &str,
    request: &Request,
) -> Result<Value, ErrorAnswer> {
    let text = if request.body.is_empty() {
        "{}"
    } else {
        &request.body
    };
    let body: Value = serde_json::from_str(text)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ErrorAnswer::bad("SerializationException", "The request is not a JSON object."))?;
    let members = Members::new(
        &body,
        if service == ORGANIZATIONS {
            "InvalidInputException"
        } else {
            "ValidationException"
        },
    );
    let context = Context {
        answered,
        operation,
        caller,
        members,
    };
    if let Some(error) = fault.and_then(|fault| fault(&call(&context))) {
        return Err(error);
    }
    match service {
        CONFIG if inventory::OPERATIONS.contains(&operation) => inventory::answer(&context),
        CONFIG => config::answer(&context),
        ORGANIZATIONS => organizations::answer(&context),
        _ => Err(unknown_operation()),
    }
}

pub(super) fn unknown_operation() -> ErrorAnswer {
    ErrorAnswer::bad("UnknownOperationException", "")
}

fn call(context: &Context<'_>) -> Call {
    let members = &context.members;
    let filters = members.object("Filters");
    let text = |name: &str| {
        members
            .text(name)
            .or_else(|| filters.text(name))
            .map(ToOwned::to_owned)
    };
    let member_call = inventory::OPERATIONS.contains(&context.operation);
    let account = member_call.then(|| inventory::account(context).to_owned());
    let region = member_call.then(|| inventory::region(context).to_owned());
    Call {
        operation: context.operation.to_owned(),
        account_id: account.or_else(|| text("AccountId")),
        aws_region: region.or_else(|| text("AwsRegion")),
        config_rule_name: text("ConfigRuleName"),
        expression: text("Expression"),
    }
}

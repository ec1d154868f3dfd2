//! From a request to an answer, without any I/O: what was asked, by whom, and who answers.

use std::time::Duration;

use compliance::coverage::SourceStatus;
use serde_json::Value;

use super::answer::{self, Answer, ErrorAnswer};
use super::cut::Cut;
use super::inject::{Asked, Fault, Injection};
use super::members::Members;
use super::select::Item;
use super::{config, inventory, organizations, paging, select, sts};
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
        let mut parts = scope(authorization).split('/');
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

/// An answer as it goes on the wire.
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// How long it waits.
    pub(super) delay: Duration,
    /// Where the connection closes in the middle of it.
    pub(super) cut: Option<Cut>,
}

/// Answers a request that came at this time since the server began.
pub(super) fn reply(answered: &Answered, injection: &Injection, request: &Request, now: Duration) -> Reply {
    let caller = Caller::read(&request.authorization);
    let (mut answer, fault) = match request.target.split_once('.') {
        Some((service, operation)) => {
            let (outcome, fault) =
                json_call(answered, injection, &caller, (service, operation), request, now);
            (answer::json(outcome), fault)
        }
        None => {
            let (outcome, fault) = sts_call(answered, injection, &caller, request, now);
            (answer::xml(outcome), fault)
        }
    };
    let mut cut = None;
    match fault {
        Some(Fault::Unavailable { body: false, .. }) => {
            answer.body.clear();
            answer.error = None;
        }
        Some(Fault::Truncated { share }) => {
            let left = (answer.body.len() as f64 * share) as usize;
            answer.body.truncate(left);
        }
        Some(Fault::Cut { in_headers, share }) => cut = Some(Cut { in_headers, share }),
        _ => {}
    }
    Reply {
        answer,
        delay: injection.latency(),
        cut,
    }
}

/// A service, as far as its errors differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Config,
    Organizations,
    Sts,
}

impl Service {
    /// The error that a fault is answered by, if it is one.
    fn error(self, fault: &Fault) -> Option<ErrorAnswer> {
        let expired = "The security token included in the request is expired";
        match (fault, self) {
            (Fault::Error(error), _) => Some(error.clone()),
            (Fault::Throttled, Self::Config) => {
                Some(ErrorAnswer::bad("ThrottlingException", "Rate exceeded"))
            }
            (Fault::Throttled, Self::Organizations) => Some(ErrorAnswer::bad(
                "TooManyRequestsException",
                "You have sent too many requests in too short a period of time.",
            )),
            (Fault::Throttled, Self::Sts) => Some(ErrorAnswer::bad("Throttling", "Rate exceeded")),
            (Fault::Unavailable { status: 503, .. }, _) => Some(ErrorAnswer::new(
                503,
                "ServiceUnavailable",
                "The service is unavailable.",
            )),
            (Fault::Unavailable { status, .. }, _) => {
                Some(ErrorAnswer::new(*status, "InternalFailure", "An internal error."))
            }
            (Fault::ExpiredCredentials, Self::Sts) => Some(ErrorAnswer::new(403, "ExpiredToken", expired)),
            (Fault::ExpiredCredentials, _) => Some(ErrorAnswer::bad("ExpiredTokenException", expired)),
            _ => None,
        }
    }
}

fn json_call(
    answered: &Answered,
    injection: &Injection,
    caller: &Caller,
    (service, operation): (&str, &str),
    request: &Request,
    now: Duration,
) -> (Result<Value, ErrorAnswer>, Option<Fault>) {
    let text = if request.body.is_empty() {
        "{}"
    } else {
        &request.body
    };
    let Some(body) = serde_json::from_str(text).ok().filter(Value::is_object) else {
        let error = ErrorAnswer::bad("SerializationException", "The request is not a JSON object.");
        return (Err(error), None);
    };
    let kind = if service == ORGANIZATIONS {
        Service::Organizations
    } else {
        Service::Config
    };
    let members = Members::new(
        &body,
        if kind == Service::Organizations {
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
    let list = paging::binding(operation, caller, &body);
    let continues = members.text("NextToken").filter(|token| !token.is_empty());
    let asked = Asked {
        call: &call(&context),
        caller: format!("{caller:?}"),
        input: text,
        session: caller.assumed_account.is_some().then(|| access_key_id(request)),
        continues: continues.map(|_| list.as_str()),
    };
    let fault = injection.fault(&asked, now);
    let instead = fault.as_ref().and_then(|fault| match fault {
        Fault::RepeatedPage => continues.and_then(|_| injection.page_before(&list)).map(Ok),
        Fault::ExpiredToken => continues.map(|_| Err(paging::refused(&members, kind == Service::Config))),
        fault => kind.error(fault).map(Err),
    });
    let outcome = instead.unwrap_or_else(|| {
        let outcome = match service {
            CONFIG if inventory::OPERATIONS.contains(&operation) => inventory::answer(&context),
            CONFIG => config::answer(&context),
            ORGANIZATIONS => organizations::answer(&context),
            _ => Err(unknown_operation()),
        };
        if let Ok(page) = &outcome {
            injection.remember(&list, page);
        }
        outcome
    });
    (outcome, fault)
}

fn sts_call(
    answered: &Answered,
    injection: &Injection,
    caller: &Caller,
    request: &Request,
    now: Duration,
) -> (Result<String, ErrorAnswer>, Option<Fault>) {
    let form = sts::Form::read(&request.body);
    let asked = Asked {
        call: &form.call(),
        caller: format!("{caller:?}"),
        input: &request.body,
        session: caller.assumed_account.is_some().then(|| access_key_id(request)),
        continues: None,
    };
    let fault = injection.fault(&asked, now);
    let error = fault.as_ref().and_then(|fault| Service::Sts.error(fault));
    let outcome = match error {
        Some(error) => Err(error),
        None => sts::answer(answered, caller, &form, |account| injection.session(account)),
    };
    (outcome, fault)
}

/// The scope of a signature: `<key id>/<day>/<region>/<service>/aws4_request`.
fn scope(authorization: &str) -> &str {
    authorization
        .split_once("Credential=")
        .and_then(|(_, rest)| rest.split([',', ' ']).next())
        .unwrap_or_default()
}

fn access_key_id(request: &Request) -> &str {
    scope(&request.authorization)
        .split('/')
        .next()
        .unwrap_or_default()
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

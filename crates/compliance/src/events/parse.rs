//! Reads events: strict on what is always there, lenient on what is not.
//!
//! An event comes as EventBridge sends it, as SNS wraps that, or as AWS Config sends it to a topic itself, without an
//! envelope. Older documentation and hand-made events spell fields otherwise and leave some out (FACTS, "Events"); all
//! of these are read. What is refused never will be read: its reason says which field, and repeats no value, as values
//! name resources.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::event::{
    ComplianceChange, Content, Evaluation, Event, EventCompliance, ItemChange, Oversized, Reevaluation,
    Remediation, SMOKE_TEST_SOURCE,
};
use crate::hash::sha256_hex;
use crate::organization::is_account_id;

const CONFIG: &str = "aws.config";
const SSM: &str = "aws.ssm";
/// How often one message may be wrapped in another.
const WRAPPINGS: usize = 3;

/// Why an event is refused for good. Its `Display` names fields and no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// A stable code: `Event.NotJson`, `Event.Malformed`, `Event.MissingField`, `Event.UnknownSource`, `Event.UnknownType`.
    pub code: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Refusal {
    fn new(code: &'static str, reason: impl fmt::Display) -> Self {
        Self {
            code,
            reason: reason.to_string(),
        }
    }

    fn missing(path: &str) -> Self {
        Self::new(
            "Event.MissingField",
            format_args!("the event has no {path}, which every event of its kind has"),
        )
    }

    fn malformed(path: &str, wanted: &str) -> Self {
        Self::new("Event.Malformed", format_args!("{path} is not {wanted}"))
    }
}

/// Reads an event from the body of a message.
///
/// # Errors
/// [`Refusal`] for what is no event that we know; the same text is always refused in the same way.
pub fn parse(text: &str) -> Result<Event, Refusal> {
    let not_json = |error: serde_json::Error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Refusal::new("Event.NotJson", format_args!("the message is not JSON ({place})"))
    };
    let mut value: Value = serde_json::from_str(text).map_err(not_json)?;
    let mut notification = Notification::default();
    for _ in 0..WRAPPINGS {
        let Some((inner, around)) = wrapped(&value)? else {
            break;
        };
        notification = around;
        value = serde_json::from_str(&inner).map_err(not_json)?;
    }
    if !value.is_object() {
        return Err(Refusal::malformed("the message", "a JSON object"));
    }
    let at = At {
        value: &value,
        path: "",
    };
    if value.get("detail-type").is_some() || value.get("detail").is_some() {
        of_envelope(at)
    } else if value.get("messageType").is_some() {
        of_notification(at, &notification)
    } else {
        Err(Refusal::missing("detail-type"))
    }
}

/// What SNS says around a message.
#[derive(Default)]
struct Notification {
    id: Option<String>,
    time: Option<Timestamp>,
}

/// The message inside a notification of SNS.
fn wrapped(value: &Value) -> Result<Option<(String, Notification)>, Refusal> {
    let is_notification = value.get("Type").and_then(Value::as_str) == Some("Notification");
    if !is_notification {
        return Ok(None);
    }
    let at = At { value, path: "" };
    let around = Notification {
        id: at.optional_text("MessageId")?,
        time: at.optional_time("Timestamp")?,
    };
    Ok(Some((at.text("Message")?, around)))
}

fn of_envelope(at: At<'_>) -> Result<Event, Refusal> {
    let source = at.text("source")?;
    let detail_type = at.text("detail-type")?;
    let detail = at.object("detail")?;
    let envelope = Envelope {
        id: at.text("id")?,
        account: at.account("account")?,
        region: at.filled("region")?,
        time: at.time("time")?,
    };
    let content = match source.as_str() {
        CONFIG | SMOKE_TEST_SOURCE => of_config(detail, &detail_type)?,
        SSM => of_automation(detail, &detail_type)?,
        _ => {
            let reason = "its source is none of aws.config, aws.ssm and plumbline.smoke-test";
            return Err(Refusal::new("Event.UnknownSource", reason));
        }
    };
    let (account_id, aws_region) = place(detail)?;
    Ok(Event {
        id: envelope.id,
        source,
        detail_type,
        account_id: account_id.unwrap_or(envelope.account),
        aws_region: aws_region.unwrap_or(envelope.region),
        time: envelope.time,
        content,
        body: at.value.clone(),
    })
}

struct Envelope {
    id: String,
    account: String,
    region: String,
    time: Timestamp,
}

/// An event that AWS Config sent to a topic itself. It has no envelope: its id is the notification's, else that of its
/// content, and account and region are the detail's or nobody's.
fn of_notification(at: At<'_>, notification: &Notification) -> Result<Event, Refusal> {
    let detail_type = match at.text("messageType")?.as_str() {
        "ComplianceChangeNotification" => COMPLIANCE_CHANGE,
        "ConfigurationItemChangeNotification" | "OversizedConfigurationItemChangeNotification" => ITEM_CHANGE,
        "ConfigRulesEvaluationStarted" => REEVALUATION,
        _ => return Err(unknown_type()),
    };
    let content = of_config(at, detail_type)?;
    let (account_id, aws_region) = place(at)?;
    let time = at
        .optional_time("notificationCreationTime")?
        .or(notification.time);
    let id = notification
        .id
        .clone()
        .unwrap_or_else(|| format!("sha256-{}", &sha256_hex(at.value.to_string().as_bytes())[..32]));
    Ok(Event {
        id,
        source: CONFIG.to_owned(),
        detail_type: detail_type.to_owned(),
        account_id: account_id.ok_or_else(|| Refusal::missing("awsAccountId"))?,
        aws_region: aws_region.ok_or_else(|| Refusal::missing("awsRegion"))?,
        time: time.ok_or_else(|| Refusal::missing("notificationCreationTime"))?,
        content,
        body: at.value.clone(),
    })
}

const COMPLIANCE_CHANGE: &str = "Config Rules Compliance Change";
const ITEM_CHANGE: &str = "Config Configuration Item Change";
const REEVALUATION: &str = "Config Rules Re-evaluation Status";
const AUTOMATION_EXECUTION: &str = "EC2 Automation Execution Status-change Notification";
const AUTOMATION_STEP: &str = "EC2 Automation Step Status-change Notification";

fn unknown_type() -> Refusal {
    Refusal::new(
        "Event.UnknownType",
        "its kind is none that is kept here; narrow the rule that forwards it",
    )
}

fn of_config(detail: At<'_>, detail_type: &str) -> Result<Content, Refusal> {
    match detail_type {
        COMPLIANCE_CHANGE => Ok(Content::ComplianceChange(compliance_change(detail)?)),
        ITEM_CHANGE => Ok(Content::ItemChange(item_change(detail)?)),
        REEVALUATION => Ok(Content::Reevaluation(reevaluation(detail)?)),
        _ => Err(unknown_type()),
    }
}

fn of_automation(detail: At<'_>, detail_type: &str) -> Result<Content, Refusal> {
    match detail_type {
        AUTOMATION_EXECUTION | AUTOMATION_STEP => Ok(Content::Remediation(Remediation {
            execution_id: detail.filled("ExecutionId")?,
            definition: detail.filled("Definition")?,
            status: detail.filled("Status")?,
            step_name: detail.optional_text("StepName")?,
            start_time: detail.optional_automation_time("StartTime")?,
            end_time: detail.optional_automation_time("EndTime")?,
        })),
        _ => Err(unknown_type()),
    }
}

/// Account and region that the detail itself names: of a result at its top, of an item within it.
fn place(detail: At<'_>) -> Result<(Option<String>, Option<String>), Refusal> {
    let within = ["configurationItem", "configurationItemSummary"]
        .into_iter()
        .find_map(|name| detail.optional_object(name).ok().flatten());
    let mut account = detail.optional_account("awsAccountId")?;
    let mut region = detail.optional_filled("awsRegion")?;
    if let Some(within) = within {
        account = account.or(within.optional_account("awsAccountId")?);
        region = region.or(within.optional_filled("awsRegion")?);
    }
    Ok((account, region))
}

fn compliance_change(detail: At<'_>) -> Result<ComplianceChange, Refusal> {
    let arn = match detail.optional_text("configRuleARN")? {
        Some(arn) => Some(arn),
        None => detail.optional_text("configRuleArn")?,
    };
    Ok(ComplianceChange {
        config_rule_name: detail.filled("configRuleName")?,
        config_rule_arn: arn,
        resource_type: detail.filled("resourceType")?,
        resource_id: detail.filled("resourceId")?,
        old: match detail.optional_object("oldEvaluationResult")? {
            Some(old) => Some(evaluation(old)?),
            None => None,
        },
        new: evaluation(detail.object("newEvaluationResult")?)?,
        notification_creation_time: detail.optional_time("notificationCreationTime")?,
    })
}

fn evaluation(at: At<'_>) -> Result<Evaluation, Refusal> {
    let compliance = at.text("complianceType")?;
    let compliance = EventCompliance::parse(&compliance)
        .ok_or_else(|| Refusal::malformed(&at.below("complianceType"), "a compliance type of AWS Config"))?;
    let identifier = at.optional_object("evaluationResultIdentifier")?;
    let ordering_timestamp = match identifier {
        Some(identifier) => identifier.optional_time("orderingTimestamp")?,
        None => None,
    };
    Ok(Evaluation {
        compliance,
        result_recorded_time: at.time("resultRecordedTime")?,
        config_rule_invoked_time: at.optional_time("configRuleInvokedTime")?,
        ordering_timestamp,
        annotation: at.optional_text("annotation")?,
        evaluation_mode: at.optional_text("evaluationMode")?,
    })
}

/// The moment of the state that a stored result judges; `None` where its body does not say.
pub(crate) fn ordering_timestamp(body: &Value) -> Option<Timestamp> {
    let at = At {
        value: body.get("detail").unwrap_or(body),
        path: "detail",
    };
    let result = at.optional_object("newEvaluationResult").ok()??;
    evaluation(result).ok()?.ordering_timestamp
}

fn item_change(detail: At<'_>) -> Result<ItemChange, Refusal> {
    let is_oversized = detail.text("messageType")? == "OversizedConfigurationItemChangeNotification";
    let item = match is_oversized {
        true => detail.object("configurationItemSummary")?,
        false => detail.object("configurationItem")?,
    };
    let change_type = match detail.optional_object("configurationItemDiff")? {
        Some(diff) => diff.optional_text("changeType")?,
        None => None,
    };
    let oversized = match (is_oversized, detail.optional_object("s3DeliverySummary")?) {
        (true, Some(summary)) => Some(Oversized {
            s3_bucket_location: summary.optional_text("s3BucketLocation")?,
            error_code: summary.optional_text("errorCode")?,
            error_message: summary.optional_text("errorMessage")?,
        }),
        (true, None) => return Err(Refusal::missing(&detail.below("s3DeliverySummary"))),
        (false, _) => None,
    };
    Ok(ItemChange {
        resource_type: item.filled("resourceType")?,
        resource_id: item.filled("resourceId")?,
        arn: item.optional_text("ARN")?,
        change_type: change_type.or(item.optional_text("changeType")?),
        configuration_item_status: item.optional_text("configurationItemStatus")?,
        configuration_item_capture_time: item.optional_time("configurationItemCaptureTime")?,
        oversized,
    })
}

fn reevaluation(detail: At<'_>) -> Result<Reevaluation, Refusal> {
    let path = detail.below("configRuleNames");
    let names = detail
        .present("configRuleNames")
        .ok_or_else(|| Refusal::missing(&path))?;
    let texts = names.as_array().and_then(|names| {
        names
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect()
    });
    Ok(Reevaluation {
        config_rule_names: texts.ok_or_else(|| Refusal::malformed(&path, "a list of names"))?,
    })
}

/// A place in an event. Absent and null are the same everywhere.
#[derive(Clone, Copy)]
struct At<'a> {
    value: &'a Value,
    path: &'static str,
}

impl<'a> At<'a> {
    fn below(&self, name: &str) -> String {
        match self.path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Refusal::malformed(&self.below(name), "a text")),
        };
        self.present(name).map(text).transpose()
    }

    fn text(&self, name: &str) -> Result<String, Refusal> {
        self.optional_text(name)?
            .ok_or_else(|| Refusal::missing(&self.below(name)))
    }

    /// A text that is part of keys, so it must not be empty.
    fn optional_filled(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.optional_text(name)? {
            Some(text) if text.trim().is_empty() => {
                Err(Refusal::malformed(&self.below(name), "more than blanks"))
            }
            other => Ok(other),
        }
    }

    fn filled(&self, name: &str) -> Result<String, Refusal> {
        self.optional_filled(name)?
            .ok_or_else(|| Refusal::missing(&self.below(name)))
    }

    fn optional_account(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.optional_text(name)? {
            Some(id) if !is_account_id(&id) => Err(Refusal::malformed(
                &self.below(name),
                "an account id of 12 digits",
            )),
            other => Ok(other),
        }
    }

    fn account(&self, name: &str) -> Result<String, Refusal> {
        self.optional_account(name)?
            .ok_or_else(|| Refusal::missing(&self.below(name)))
    }

    fn optional_time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let time = |text: String| {
            text.parse()
                .map_err(|_| Refusal::malformed(&self.below(name), "a time such as 2026-11-21T10:00:00.000Z"))
        };
        self.optional_text(name)?.map(time).transpose()
    }

    fn time(&self, name: &str) -> Result<Timestamp, Refusal> {
        self.optional_time(name)?
            .ok_or_else(|| Refusal::missing(&self.below(name)))
    }

    /// As SSM Automation writes times: `Nov 29, 2024 7:43:25 PM`, in UTC.
    fn optional_automation_time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let time = |text: String| {
            text.parse()
                .ok()
                .or_else(|| automation_time(&text))
                .ok_or_else(|| {
                    Refusal::malformed(&self.below(name), "a time such as Nov 29, 2024 7:43:25 PM")
                })
        };
        self.optional_text(name)?.map(time).transpose()
    }

    fn optional_object(&self, name: &'static str) -> Result<Option<Self>, Refusal> {
        let object = |value: &'a Value| match value {
            Value::Object(_) => Ok(Self { value, path: name }),
            _ => Err(Refusal::malformed(&self.below(name), "an object")),
        };
        self.present(name).map(object).transpose()
    }

    fn object(&self, name: &'static str) -> Result<Self, Refusal> {
        self.optional_object(name)?
            .ok_or_else(|| Refusal::missing(&self.below(name)))
    }
}

fn automation_time(text: &str) -> Option<Timestamp> {
    // The space before AM and PM may be a narrow no-break one, depending on who formatted it.
    let text = text.replace('\u{202f}', " ");
    let time: DateTime = strtime::parse("%b %d, %Y %I:%M:%S %p", &text)
        .ok()?
        .to_datetime()
        .ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

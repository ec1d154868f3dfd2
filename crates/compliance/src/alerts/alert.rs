//! What people need to know of an incident to act on it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Severity};
use crate::evaluation::PairKey;
use crate::events::{ComplianceChange, Event, EventCompliance, Incident, PairHistory};
use crate::exceptions::{PairException, Register};
use crate::organization::Account;
use crate::settings::Settings;
use crate::text;

/// An incident as a message shows it. Texts are AWS's and users' own, not escaped for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The incident's id.
    pub incident: String,
    /// The pair.
    pub key: PairKey,
    /// The region that recorded the result, for resources that exist once per account as well.
    pub aws_region: String,
    /// The deployed name of the rule.
    pub config_rule_name: String,
    /// The account's name, where known.
    pub account_name: Option<String>,
    /// The path of its organizational unit, where known.
    pub organizational_unit: Option<String>,
    /// Of the rule; `None` is unrated.
    pub severity: Option<Severity>,
    /// What the rule checks.
    pub description: Option<String>,
    /// What to do.
    pub guidance: Option<String>,
    /// Where to read more.
    pub link: Option<String>,
    /// The result before, as the event says; `None` is the first evaluation.
    pub old: Option<EventCompliance>,
    /// The result now.
    pub new: EventCompliance,
    /// The rule's explanation.
    pub annotation: Option<String>,
    /// When the result was recorded.
    pub result_recorded_time: Timestamp,
    /// When the pair became noncompliant.
    pub opened_at: Timestamp,
    /// How often it did within this incident.
    pub times: u32,
    /// Links to AWS's console.
    pub console: ConsoleLinks,
    /// The change before this one, if one is known.
    pub last_change: Option<Timestamp>,
    /// When it was last noncompliant before this incident, if that is known.
    pub last_noncompliant: Option<Timestamp>,
    /// The exception that speaks for the pair, in force or expired.
    pub exception: Option<PairException>,
    /// The event was sent to try the path.
    pub is_smoke_test: bool,
}

/// Links to the console of the partition. They open in whatever account the reader is signed in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLinks {
    /// The resource's timeline.
    pub timeline: String,
    /// The rule.
    pub rule: String,
}

impl Alert {
    /// What a result says of an incident, `history` being the pair with the result in it and `before` the pair without.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is a source of its own, and there is one caller"
    )]
    pub fn new(
        incident: &Incident,
        before: Option<&PairHistory>,
        history: &PairHistory,
        event: &Event,
        change: &ComplianceChange,
        account: Option<&Account>,
        (settings, catalogue): (&Settings, &Catalogue),
        now: Timestamp,
    ) -> Self {
        let metadata = catalogue.metadata(&history.key.rule);
        let organizational_unit = account.and_then(|account| account.organizational_unit.clone());
        Self {
            incident: incident.id.clone(),
            key: history.key.clone(),
            aws_region: event.aws_region.clone(),
            config_rule_name: change.config_rule_name.clone(),
            account_name: account.and_then(|account| account.name.clone()),
            severity: metadata.severity,
            description: metadata.description,
            guidance: metadata.guidance,
            link: metadata.link,
            old: change.old.as_ref().map(|old| old.compliance),
            new: change.new.compliance,
            annotation: change.new.annotation.clone(),
            result_recorded_time: change.new.result_recorded_time,
            opened_at: incident.opened_at,
            times: incident.times,
            console: ConsoleLinks::new(event, change),
            last_change: history.before(&event.id).map(|earlier| earlier.at),
            last_noncompliant: before.and_then(|before| before.last_noncompliant),
            exception: exception(
                &history.key,
                organizational_unit.as_deref(),
                settings,
                catalogue,
                now,
            ),
            organizational_unit,
            is_smoke_test: event.is_smoke_test(),
        }
    }
}

fn exception(
    key: &PairKey,
    unit: Option<&str>,
    settings: &Settings,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Option<PairException> {
    let register = Register::new(&settings.exceptions, catalogue, now);
    let place = register.covering(key, unit).next()?;
    let exception = &register.exceptions()[place];
    Some(PairException {
        id: exception.id.clone(),
        state: exception.state,
        reason: exception.settings.reason.clone(),
        expires: exception.settings.expires,
    })
}

impl ConsoleLinks {
    /// Those of a result.
    pub fn new(event: &Event, change: &ComplianceChange) -> Self {
        let region = &event.aws_region;
        let arn = change.config_rule_arn.as_deref().unwrap_or_default();
        let host = console_host(arn.split(':').nth(1), region);
        let home = format!("https://{host}/config/home?region={}#/", encoded(region));
        Self {
            timeline: format!(
                "{home}resources/timeline?resourceId={}&resourceType={}",
                encoded(&change.resource_id),
                encoded(&change.resource_type)
            ),
            rule: format!(
                "{home}rules/details?configRuleName={}",
                encoded(&change.config_rule_name)
            ),
        }
    }
}

/// The console of a partition, by its name in an ARN, else by the region.
fn console_host(partition: Option<&str>, region: &str) -> String {
    let partition = partition
        .filter(|name| name.starts_with("aws"))
        .unwrap_or(match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        });
    match partition {
        "aws-cn" => "console.amazonaws.cn".to_owned(),
        "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
        _ => format!("{}.console.aws.amazon.com", encoded(region)),
    }
}

/// A part of a URL.
fn encoded(part: &str) -> String {
    text::percent_encoded(part, |byte| b"-._~".contains(&byte))
}

//! Routes, as the user sets them. No secret is in settings: they name the place where one is kept.

use serde::{Deserialize, Serialize};

use crate::catalogue::Severity;
use crate::organization::is_account_id;
use crate::pattern;
use crate::report::ReportKind;

/// Who is told of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// One entry for each place that is told.
    pub routes: Vec<RouteSettings>,
    /// ARN of the SNS topic that is told what Slack refuses for good; in the cloud the stack's failure topic when absent.
    pub fallback_topic: Option<String>,
}

/// From a report to one place. A route without accounts, organizational units, rules and severity gets the whole digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteSettings {
    /// What records and metrics call it: lower-case letters, digits and hyphens.
    pub name: String,
    /// Kinds of report; daily and weekly when empty.
    pub kinds: Vec<ReportKind>,
    /// Rows of this severity and above; an unrated rule counts as medium.
    pub severity: Option<Severity>,
    /// Rows of these accounts.
    pub accounts: Vec<String>,
    /// Rows of accounts in these organizational units and below, such as `Root/Workloads`.
    pub organizational_units: Vec<String>,
    /// Rows of these normalised rules; one `*` as the last character stands for any ending.
    pub rules: Vec<String>,
    /// Whether it takes immediate alerts of what concerns it.
    pub alerts: RouteAlerts,
    /// Where it leads.
    pub to: DestinationSettings,
}

/// Whether a route takes immediate alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteAlerts {
    /// Reports only.
    #[default]
    No,
    /// Alerts beside reports.
    Also,
    /// Alerts and no reports.
    Only,
}

/// Where a route leads: exactly one of channel, webhook and topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DestinationSettings {
    /// Id of a Slack channel, such as `C0123ABCD`.
    pub slack_channel: Option<String>,
    /// Where the bot token for the channel is kept: `secret:NAME`, `file:PATH` or `env:NAME`.
    pub token: Option<String>,
    /// Where the URL of an incoming webhook is kept: `secret:NAME`, `file:PATH` or `env:NAME`.
    pub slack_webhook: Option<String>,
    /// ARN of an SNS topic, or `summary` for that of the stack.
    pub sns_topic: Option<String>,
}

/// Where a route leads, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A channel, by a bot token.
    SlackChannel {
        /// The channel's id.
        channel: String,
        /// Where the token is kept.
        token: SecretPlace,
    },
    /// An incoming webhook.
    SlackWebhook {
        /// Where its URL is kept.
        url: SecretPlace,
    },
    /// An SNS topic.
    SnsTopic {
        /// Its ARN; `None` is the stack's own.
        arn: Option<String>,
    },
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// AWS Secrets Manager, by name or ARN.
    Manager(String),
    /// A file of this machine.
    File(String),
    /// A variable of the environment.
    Variable(String),
}

/// Text that names no place of a secret. It may be the secret itself, so it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names no place of a secret: write secret:NAME, file:PATH or env:NAME, and never the secret itself")]
pub struct SecretPlaceError;

impl SecretPlace {
    /// Reads `secret:NAME`, `file:PATH` or `env:NAME`.
    ///
    /// # Errors
    /// [`SecretPlaceError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, SecretPlaceError> {
        let (kind, name) = text.split_once(':').ok_or(SecretPlaceError)?;
        let name = name.trim();
        if name.is_empty() || looks_secret(name) {
            return Err(SecretPlaceError);
        }
        match kind {
            "secret" => Ok(Self::Manager(name.to_owned())),
            "file" => Ok(Self::File(name.to_owned())),
            "env" => Ok(Self::Variable(name.to_owned())),
            _ => Err(SecretPlaceError),
        }
    }
}

/// Slack's tokens and webhooks have a form of their own.
pub(crate) fn looks_secret(text: &str) -> bool {
    ["xoxb-", "xoxp-", "xoxa-", "xoxe", "xapp-", "hooks.slack"]
        .iter()
        .any(|mark| text.contains(mark))
}

impl RouteSettings {
    /// Whether reports of this kind go this way.
    pub fn carries(&self, kind: ReportKind) -> bool {
        kind != ReportKind::Snapshot
            && self.alerts != RouteAlerts::Only
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }

    /// Whether alerts go this way.
    pub fn takes_alerts(&self) -> bool {
        self.alerts != RouteAlerts::No
    }

    /// Whether only some rows concern it.
    pub fn is_filtered(&self) -> bool {
        self.severity.is_some()
            || [&self.accounts, &self.organizational_units, &self.rules]
                .iter()
                .any(|list| !list.is_empty())
    }

    /// What concerns it, in words: `severity high and above; 2 accounts`.
    pub fn concern(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.severity.map(|severity| match severity {
            Severity::Critical => "severity critical".to_owned(),
            other => format!("severity {} and above", other.as_str()),
        }));
        for (one, many, list) in [
            ("account", "accounts", &self.accounts),
            (
                "organizational unit",
                "organizational units",
                &self.organizational_units,
            ),
            ("rule", "rules", &self.rules),
        ] {
            match list.as_slice() {
                [] => {}
                [only] => parts.push(format!("{one} {only}")),
                several => parts.push(crate::text::plural(several.len() as u64, one, many)),
            }
        }
        parts.join("; ")
    }

    /// Where it leads; `None` for settings that [`problem`] refuses.
    pub fn destination(&self) -> Option<Destination> {
        let to = &self.to;
        match (&to.slack_channel, &to.token, &to.slack_webhook, &to.sns_topic) {
            (Some(channel), Some(token), None, None) => Some(Destination::SlackChannel {
                channel: channel.clone(),
                token: SecretPlace::parse(token).ok()?,
            }),
            (None, None, Some(url), None) => Some(Destination::SlackWebhook {
                url: SecretPlace::parse(url).ok()?,
            }),
            (None, None, None, Some(topic)) => Some(Destination::SnsTopic {
                arn: (topic != OWN_TOPIC).then(|| topic.clone()),
            }),
            _ => None,
        }
    }
}

/// The word for the stack's own topic.
const OWN_TOPIC: &str = "summary";
/// The longest name of a route: it is part of keys.
const NAME: usize = 40;

/// The first thing that cannot be meant: the route's place, the field, and why.
pub(crate) fn problem(settings: &DeliverySettings) -> Option<(Option<usize>, &'static str, String)> {
    if let Some(topic) = settings.fallback_topic.as_ref().filter(|topic| !is_topic(topic)) {
        return Some((
            None,
            "fallback_topic",
            format!("{topic:?} is not the ARN of an SNS topic"),
        ));
    }
    settings.routes.iter().enumerate().find_map(|(place, route)| {
        let repeated = settings.routes[..place]
            .iter()
            .position(|other| other.name == route.name);
        let (field, problem) = match repeated {
            Some(first) => ("name", format!("route {} has this name", first + 1)),
            None => problem_of(route)?,
        };
        Some((Some(place), field, problem))
    })
}

fn problem_of(route: &RouteSettings) -> Option<(&'static str, String)> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if route.name.is_empty() || route.name.len() > NAME || !route.name.chars().all(plain) {
        let problem = format!("must be 1 to {NAME} lower-case letters, digits and hyphens");
        return Some(("name", problem));
    }
    if route.kinds.contains(&ReportKind::Snapshot) {
        return Some((
            "kinds",
            "snapshot runs make no report; name daily or weekly".to_owned(),
        ));
    }
    if route.alerts == RouteAlerts::Only && !route.kinds.is_empty() {
        return Some((
            "kinds",
            "the route takes alerts only, so it carries no kind of report".to_owned(),
        ));
    }
    if let Some(id) = route.accounts.iter().find(|id| !is_account_id(id)) {
        return Some(("accounts", format!("{id:?} is not an account id of 12 digits")));
    }
    if route
        .organizational_units
        .iter()
        .any(|unit| unit.trim().is_empty())
    {
        return Some(("organizational_units", "has an empty path".to_owned()));
    }
    if let Some(rule) = route.rules.iter().find(|rule| pattern::is_stray(rule)) {
        return Some(("rules", format!("{rule:?} may have one *, as its last character")));
    }
    problem_of_destination(&route.to)
}

fn problem_of_destination(to: &DestinationSettings) -> Option<(&'static str, String)> {
    let places = [&to.slack_channel, &to.slack_webhook, &to.sns_topic];
    if places.iter().filter(|place| place.is_some()).count() != 1 {
        let problem = "must be exactly one of slack_channel (with token), slack_webhook and sns_topic";
        return Some(("to", problem.to_owned()));
    }
    if to
        .slack_channel
        .as_ref()
        .is_some_and(|channel| !is_channel(channel))
    {
        let problem = "is not the id of a Slack channel, such as C0123ABCD (in Slack: the channel's details, at the end)";
        return Some(("slack_channel", problem.to_owned()));
    }
    match (&to.slack_channel, &to.token) {
        (Some(_), None) => {
            return Some((
                "to",
                "slack_channel needs token: where the bot token is kept".to_owned(),
            ));
        }
        (None, Some(_)) => return Some(("token", "goes with slack_channel only".to_owned())),
        _ => {}
    }
    for (field, place) in [("token", &to.token), ("slack_webhook", &to.slack_webhook)] {
        if let Some(Err(error)) = place.as_deref().map(SecretPlace::parse) {
            return Some((field, error.to_string()));
        }
    }
    let topic = to
        .sns_topic
        .as_ref()
        .filter(|topic| *topic != OWN_TOPIC && !is_topic(topic));
    topic.map(|topic| {
        (
            "sns_topic",
            format!("{topic:?} is not the ARN of an SNS topic, nor {OWN_TOPIC:?}"),
        )
    })
}

fn is_channel(text: &str) -> bool {
    let known = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    text.starts_with(['C', 'D', 'G']) && (9..=20).contains(&text.len()) && text.chars().all(known)
}

fn is_topic(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    matches!(parts.as_slice(), ["arn", _, "sns", region, account, name]
        if !region.is_empty() && is_account_id(account) && !name.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    use super::*;

    const ROUTES: &str = "[[delivery.routes]] # first\nname = \"all\"\nto = { slack_channel = \"C0123ABCD\", token = \"secret:plumbline/slack\" }\n";

    #[test]
    fn routes_are_read_and_are_no_input_of_a_report() {
        let text = format!(
            "{ROUTES}[[delivery.routes]]\nname = \"mail\"\nkinds = [\"weekly\"]\nseverity = \"high\"\nto = {{ sns_topic = \"summary\" }}\n"
        );
        let settings = Settings::parse(&text).unwrap();
        let [all, mail] = settings.delivery.routes.as_slice() else {
            panic!("two routes");
        };
        assert_eq!(
            all.destination(),
            Some(Destination::SlackChannel {
                channel: "C0123ABCD".to_owned(),
                token: SecretPlace::Manager("plumbline/slack".to_owned()),
            })
        );
        assert_eq!(mail.destination(), Some(Destination::SnsTopic { arn: None }));
        assert!(all.carries(ReportKind::Daily) && !all.is_filtered());
        assert!(
            !all.carries(ReportKind::Snapshot),
            "a snapshot run makes no report"
        );
        assert!(!mail.carries(ReportKind::Daily) && mail.is_filtered());
        assert_eq!(mail.concern(), "severity high and above");
        let form = |settings: &Settings| crate::hash::canonical_json(settings).unwrap();
        assert_eq!(form(&settings), form(&Settings::default()));
    }

    #[test]
    fn a_route_that_cannot_be_meant_is_refused_with_its_line() {
        let check = |line: &str, says: &str| {
            let (field, _) = line.split_once(" = ").unwrap();
            let second = ROUTES.replace("all", "second");
            let faulty: Vec<String> = second
                .lines()
                .map(|one| {
                    if one.starts_with(field) {
                        line.to_owned()
                    } else {
                        one.to_owned()
                    }
                })
                .collect();
            let extra = if second.contains(&format!("\n{field}")) {
                String::new()
            } else {
                format!("{line}\n")
            };
            let text = format!("{ROUTES}{}\n{extra}", faulty.join("\n"));
            let error = Settings::parse(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        };
        check("name = \"All\"", "line 5, delivery.routes[2].name: must be");
        check(
            "name = \"all\"",
            "line 5, delivery.routes[2].name: route 1 has this name",
        );
        check("kinds = [\"snapshot\"]", "delivery.routes[2].kinds: ");
        check("kinds = [\"hourly\"]", "line 7");
        check("accounts = [\"12\"]", "line 7, delivery.routes[2].accounts: ");
        check("rules = [\"s3-*-x\"]", "delivery.routes[2].rules: ");
        check("rules = [\"s3-**\"]", "delivery.routes[2].rules: ");
        check(
            "organizational_units = [\" \"]",
            "delivery.routes[2].organizational_units: ",
        );
        check("to = {}", "line 6, delivery.routes[2].to: must be exactly one of");
        check(
            "to = { slack_channel = \"C0123ABCD\", sns_topic = \"summary\" }",
            "must be exactly one of",
        );
        check("to = { slack_channel = \"C0123ABCD\" }", "needs token");
        check(
            "to = { slack_channel = \"#security\", token = \"env:X\" }",
            "not the id of a Slack channel",
        );
        check(
            "to = { sns_topic = \"summary\", token = \"env:X\" }",
            "goes with slack_channel only",
        );
        check("to = { sns_topic = \"topic\" }", "not the ARN of an SNS topic");
        let fallback = Settings::parse("delivery.fallback_topic = \"x\"\n")
            .unwrap_err()
            .to_string();
        assert!(
            fallback.starts_with("line 1, delivery.fallback_topic: "),
            "{fallback}"
        );
    }

    /// Whatever is wrong with it, a secret that somebody wrote into the settings is not repeated.
    #[test]
    fn a_secret_in_settings_is_refused_and_never_repeated() {
        for (field, secret) in [
            ("token", "xoxb-1234-secretpart"),
            ("token", "secret:xoxb-1234-secretpart"),
            ("token", "plain-secretpart"),
            (
                "slack_webhook",
                "https://hooks.slack.com/services/T0/B0/secretpart",
            ),
            (
                "slack_webhook",
                "env:https://hooks.slack.com/services/T0/B0/secretpart",
            ),
        ] {
            let channel = if field == "token" {
                "slack_channel = \"C0123ABCD\", "
            } else {
                ""
            };
            for end in ["}", ", tokn = 1 }", ", oops }"] {
                let to = format!(
                    "[[delivery.routes]]\nname = \"x\"\nto = {{ {channel}{field} = \"{secret}\"{end}\n"
                );
                let error = Settings::parse(&to).unwrap_err();
                let (shown, debug) = (error.to_string(), format!("{error:?}"));
                let hidden = secret.contains("plain") && end != "}";
                assert!(
                    hidden || !(shown + &debug).contains("secretpart"),
                    "{secret} {end}: {error}"
                );
            }
        }
    }

    #[test]
    fn places_of_secrets_are_read() {
        assert_eq!(
            SecretPlace::parse("file:/run/token"),
            Ok(SecretPlace::File("/run/token".to_owned()))
        );
        assert_eq!(
            SecretPlace::parse("env:TOKEN"),
            Ok(SecretPlace::Variable("TOKEN".to_owned()))
        );
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x";
        assert_eq!(
            SecretPlace::parse(&format!("secret:{arn}")),
            Ok(SecretPlace::Manager(arn.to_owned()))
        );
        for none in ["", "TOKEN", "env:", "vault:x", "https://example.com"] {
            assert_eq!(SecretPlace::parse(none), Err(SecretPlaceError), "{none}");
        }
    }
}

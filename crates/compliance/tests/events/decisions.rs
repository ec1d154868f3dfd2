//! What is decided about each result, and who is told.

use compliance::Timestamp;
use compliance::alerts::{Alert, Batched, ConsoleLinks, Decision, Known, Window, Word, decide};
use compliance::catalogue::Catalogue;
use compliance::events::{Content, PairHistory};
use compliance::organization::Account;
use compliance::settings::Settings;
use serde_json::Value;

use crate::shapes::{change, detail, read};

const GOOD: &str = "COMPLIANT";
const BAD: &str = "NON_COMPLIANT";

/// One pair and the settings it is judged by.
struct Case {
    settings: Settings,
    unit: Option<&'static str>,
    history: Option<PairHistory>,
    number: usize,
}

impl Case {
    fn with(settings: &str) -> Self {
        Self {
            settings: Settings::parse(settings).unwrap(),
            unit: None,
            history: None,
            number: 0,
        }
    }

    fn event(&mut self, old: Option<&str>, new: &str, minute: usize) -> Value {
        self.number += 1;
        let at = format!("2026-11-21T10:{minute:02}:00Z");
        change(
            &format!("e{}", self.number),
            old.map(|old| (old, "2026-11-20T10:00:00Z")),
            (new, &at),
        )
    }

    /// Takes an event in at the minute of its result, or later.
    fn take(&mut self, event: &Value, minute: usize) -> Decision {
        let catalogue = Catalogue::new(&self.settings).unwrap();
        let known = Known {
            settings: &self.settings,
            catalogue: &catalogue,
            organizational_unit: self.unit,
            default_route: Some("summary"),
            now: format!("2026-11-21T10:{minute:02}:00Z").parse().unwrap(),
        };
        let event = read(event);
        let Content::ComplianceChange(change) = &event.content else {
            panic!()
        };
        let key = event.pair(&catalogue).unwrap();
        let decided = decide(self.history.take(), key, &event, change, &known);
        self.history = Some(decided.history);
        decided.decision
    }

    fn step(&mut self, old: Option<&str>, new: &str, minute: usize) -> Decision {
        let event = self.event(old, new, minute);
        self.take(&event, minute)
    }
}

fn word(decision: &Decision) -> Option<Word> {
    match decision {
        Decision::Told { word, .. } => Some(*word),
        _ => None,
    }
}

fn incident(decision: &Decision) -> &str {
    match decision {
        Decision::Told { incident, .. } => incident,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transition_is_told_once_and_its_end_too() {
    let mut case = Case::with("");
    let opened = case.step(Some(GOOD), BAD, 0);
    assert_eq!(word(&opened), Some(Word::Opened));
    assert_eq!(
        case.step(Some(BAD), BAD, 1),
        Decision::Unchanged,
        "another reason is no transition"
    );
    let resolved = case.step(Some(BAD), GOOD, 5);
    assert_eq!(word(&resolved), Some(Word::Resolved));
    assert_eq!(incident(&opened), incident(&resolved));
    assert_eq!(case.step(Some(GOOD), GOOD, 6), Decision::Unchanged);
    let Decision::Told { routes, .. } = opened else {
        panic!()
    };
    assert_eq!(routes, ["summary"], "nobody else is named");
}

#[test]
fn a_resource_that_is_gone_is_resolved() {
    let mut case = Case::with("");
    case.step(Some(GOOD), BAD, 0);
    assert_eq!(
        word(&case.step(Some(BAD), "NOT_APPLICABLE", 5)),
        Some(Word::Resolved)
    );
}

#[test]
fn what_begins_noncompliant_is_told_only_if_asked_for() {
    let first = Decision::Batched {
        why: Batched::FirstEvaluation,
    };
    assert_eq!(Case::with("").step(None, BAD, 0), first);
    let mut case = Case::with("[alerts]\nfirst_evaluations = true\n");
    assert_eq!(word(&case.step(None, BAD, 0)), Some(Word::Opened));
    // The table is new and the event repeats what was so before: a baseline.
    assert_eq!(Case::with("").step(Some(BAD), BAD, 0), Decision::Unchanged);
}

#[test]
fn what_nobody_was_told_of_is_not_told_to_be_over() {
    let mut case = Case::with("");
    case.step(None, BAD, 0);
    let over = Decision::Batched {
        why: Batched::NothingOpen,
    };
    assert_eq!(case.step(Some(BAD), GOOD, 1), over);
}

#[test]
fn less_severe_rules_wait_and_settings_may_say_otherwise() {
    let rule = crate::shapes::RULE;
    let low = format!("[rules.{rule}]\nseverity = \"medium\"\n");
    let below = Decision::Batched {
        why: Batched::BelowSeverity,
    };
    assert_eq!(Case::with(&low).step(Some(GOOD), BAD, 0), below);
    let all = format!("{low}[alerts]\nseverity = \"low\"\n");
    assert_eq!(
        word(&Case::with(&all).step(Some(GOOD), BAD, 0)),
        Some(Word::Opened)
    );
}

#[test]
fn flapping_stays_in_one_incident() {
    let mut case = Case::with("[alerts]\nflap_minutes = 10\n");
    let first = case.step(Some(GOOD), BAD, 0);
    case.step(Some(BAD), GOOD, 4);
    let again = case.step(Some(GOOD), BAD, 13);
    assert_eq!(
        (word(&again), incident(&again)),
        (Some(Word::Reopened), incident(&first))
    );
    assert_eq!(case.history.as_ref().unwrap().incident.as_ref().unwrap().times, 2);
    case.step(Some(BAD), GOOD, 14);
    let later = case.step(Some(GOOD), BAD, 24);
    assert_eq!(
        word(&later),
        Some(Word::Opened),
        "ten minutes after the last word"
    );
    assert_ne!(incident(&later), incident(&first));
}

#[test]
fn late_and_lost_events_tell_nothing_wrong() {
    // The end comes before the beginning.
    let mut case = Case::with("");
    let begins = case.event(Some(GOOD), BAD, 1);
    let ends = case.event(Some(BAD), GOOD, 2);
    assert_eq!(
        case.take(&ends, 3),
        Decision::Batched {
            why: Batched::NothingOpen
        },
        "nothing known before"
    );
    assert_eq!(case.take(&begins, 3), Decision::Superseded);
    // An end that never came: the next beginning says itself that it is one.
    let mut case = Case::with("[alerts]\nflap_minutes = 0\n");
    let first = case.step(Some(GOOD), BAD, 0);
    let second = case.step(Some(GOOD), BAD, 30);
    assert_eq!(word(&second), Some(Word::Opened));
    assert_ne!(incident(&first), incident(&second));
}

/// Several regions record a global resource, and a rule has several names: one alert, and its end with the last of them.
#[test]
fn a_pair_with_several_sources_is_told_once() {
    let mut case = Case::with("");
    let from = |case: &mut Case, region: &str, name: &str, old: &str, new: &str, minute| {
        let mut event = case.event(Some(old), new, minute);
        let fields = detail(&mut event);
        fields.insert("resourceType".to_owned(), "AWS::IAM::User".into());
        fields.insert("awsRegion".to_owned(), region.into());
        fields.insert("configRuleName".to_owned(), name.into());
        case.take(&event, minute)
    };
    let (plain, hub) = (
        "iam-root-access-key-check",
        "securityhub-iam-root-access-key-check-ab12cd",
    );
    assert_eq!(
        word(&from(&mut case, "eu-west-1", plain, GOOD, BAD, 0)),
        Some(Word::Opened)
    );
    assert_eq!(
        from(&mut case, "us-east-1", plain, GOOD, BAD, 0),
        Decision::Unchanged
    );
    assert_eq!(
        from(&mut case, "us-east-1", hub, GOOD, BAD, 1),
        Decision::Unchanged
    );
    assert_eq!(
        from(&mut case, "eu-west-1", plain, BAD, GOOD, 5),
        Decision::Unchanged
    );
    assert_eq!(
        from(&mut case, "us-east-1", hub, BAD, GOOD, 5),
        Decision::Unchanged
    );
    assert_eq!(
        word(&from(&mut case, "us-east-1", plain, BAD, GOOD, 6)),
        Some(Word::Resolved)
    );
}

#[test]
fn a_silence_holds_until_it_ends() {
    let silence = "[[alerts.silences]]\nrule = \"s3-*\"\naccounts = [\"111122223333\"]\nfrom = 2026-11-21T10:10:00Z\nuntil = 2026-11-21T10:20:00Z\nreason = \"move\"\nowner = \"platform\"\n";
    let at = |minute: usize, settings: &str| Case::with(settings).step(Some(GOOD), BAD, minute);
    assert!(matches!(at(10, silence), Decision::Silenced { owner, .. } if owner == "platform"));
    assert_eq!(word(&at(9, silence)), Some(Word::Opened));
    assert_eq!(word(&at(20, silence)), Some(Word::Opened));
    assert_eq!(
        word(&at(10, &silence.replace("s3-*", "ec2-*"))),
        Some(Word::Opened)
    );
    assert_eq!(
        word(&at(10, &silence.replace("111122223333", "999988887777"))),
        Some(Word::Opened)
    );
}

#[test]
fn routes_are_told_of_what_concerns_them() {
    let route = |name: &str, rest: &str| {
        format!(
            "[[delivery.routes]]\nname = \"{name}\"\nalerts = \"only\"\n{rest}\nto = {{ sns_topic = \"summary\" }}\n"
        )
    };
    let routes = |settings: &str, unit: Option<&'static str>| {
        let mut case = Case::with(settings);
        case.unit = unit;
        case.step(Some(GOOD), BAD, 0)
    };
    let told = |decision: Decision| match decision {
        Decision::Told { routes, .. } => routes,
        other => panic!("{other:?}"),
    };
    let units = "organizational_units = [\"Root/Production\"]";
    let settings =
        route("all", "") + &route("prod", units) + &route("other", "accounts = [\"999988887777\"]");
    assert_eq!(
        told(routes(&settings, Some("Root/Production/Eu"))),
        ["all", "prod"]
    );
    assert_eq!(told(routes(&settings, Some("Root/Test"))), ["all"]);
    assert_eq!(
        told(routes(&settings, None)),
        ["all", "prod"],
        "rather one too many than none"
    );
    let nobody = Decision::Batched {
        why: Batched::NoRoute,
    };
    assert_eq!(routes(&route("ec2", "rules = [\"ec2-*\"]"), None), nobody);
    let reports_only = route("reports", "").replace("\"only\"", "\"no\"");
    assert_eq!(told(routes(&reports_only, None)), ["summary"]);
}

#[test]
fn an_alert_says_what_is_needed_to_act() {
    let exception = format!(
        "[[exceptions]]\nrule = \"{}\"\neverywhere = true\nreason = \"public site\"\nowner = \"o\"\napprover = \"a\"\napproved = 2026-01-01\nexpires = 2026-11-20\n",
        crate::shapes::RULE
    );
    let mut case = Case::with(&exception);
    case.step(Some(GOOD), BAD, 0);
    case.step(Some(BAD), GOOD, 2);
    let before = case.history.clone();
    let event = case.event(Some(GOOD), BAD, 50);
    case.take(&event, 50);
    let catalogue = Catalogue::new(&case.settings).unwrap();
    let history = case.history.unwrap();
    let event = read(&event);
    let Content::ComplianceChange(change) = &event.content else {
        panic!()
    };
    let account = Account {
        account_id: "111122223333".to_owned(),
        name: Some("ledger".to_owned()),
        organizational_unit: Some("Root/Production".to_owned()),
    };
    let incident = history.incident.clone().unwrap();
    let now: Timestamp = "2026-11-21T10:50:00Z".parse().unwrap();
    let of = (&case.settings, &catalogue);
    let alert = Alert::new(
        &incident,
        before.as_ref(),
        &history,
        &event,
        change,
        Some(&account),
        of,
        now,
    );
    assert_eq!(alert.account_name.as_deref(), Some("ledger"));
    assert_eq!(alert.last_change.unwrap().to_string(), "2026-11-21T10:02:00Z");
    assert_eq!(
        alert.last_noncompliant.unwrap().to_string(),
        "2026-11-21T10:00:00Z"
    );
    assert_eq!(alert.exception.unwrap().state.as_str(), "expired");
    assert!(alert.guidance.is_some() && alert.description.is_some() && alert.link.is_some());
}

#[test]
fn links_lead_to_the_console_of_the_partition() {
    let check = |arn: Option<&str>, region: &str, host: &str| {
        let mut raw = change("e1", None, (BAD, "2026-11-21T10:00:00Z"));
        let fields = detail(&mut raw);
        fields.insert("awsRegion".to_owned(), region.into());
        fields.insert("configRuleARN".to_owned(), arn.map_or(Value::Null, Into::into));
        fields.insert("resourceId".to_owned(), "a b&<c>/é#".into());
        let event = read(&raw);
        let Content::ComplianceChange(change) = &event.content else {
            panic!()
        };
        let links = ConsoleLinks::new(&event, change);
        let home = format!("https://{host}/config/home?region={region}#/");
        assert_eq!(
            links.timeline,
            format!(
                "{home}resources/timeline?resourceId=a%20b%26%3Cc%3E%2F%C3%A9%23&resourceType=AWS%3A%3AS3%3A%3ABucket"
            )
        );
        assert!(
            links
                .rule
                .starts_with(&format!("{home}rules/details?configRuleName=s3-")),
            "{}",
            links.rule
        );
    };
    check(
        Some("arn:aws:config:eu-west-1:1:x"),
        "eu-west-1",
        "eu-west-1.console.aws.amazon.com",
    );
    check(None, "eu-west-1", "eu-west-1.console.aws.amazon.com");
    check(
        Some("arn:aws-us-gov:config:us-gov-west-1:1:x"),
        "us-gov-west-1",
        "console.amazonaws-us-gov.com",
    );
    check(None, "us-gov-east-1", "console.amazonaws-us-gov.com");
    check(
        Some("arn:aws-cn:config:cn-north-1:1:x"),
        "cn-north-1",
        "console.amazonaws.cn",
    );
    check(None, "cn-northwest-1", "console.amazonaws.cn");
}

#[test]
fn windows_are_the_same_for_everybody() {
    let at = |time: &str| Window::of(time.parse().unwrap(), 30);
    assert_eq!(at("2026-11-21T10:00:59.999Z").name(), "2026-11-21T10:00:30Z");
    assert_eq!(at("2026-11-21T10:00:30Z"), at("2026-11-21T10:00:59Z"));
    assert_eq!(at("2026-11-21T10:01:00Z").compact(), "20261121T100100Z");
    assert_eq!(
        Window::parse("2026-11-21T10:00:30Z"),
        Some(at("2026-11-21T10:00:30Z"))
    );
    assert_eq!(Window::parse("2026-11-21T10:00:30.5Z"), None);
    assert_eq!(Window::parse("x"), None);
}

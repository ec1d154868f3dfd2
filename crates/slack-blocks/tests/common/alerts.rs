//! Alerts made by hand.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use compliance::Timestamp;
use compliance::alerts::{Alert, ConsoleLinks};
use compliance::catalogue::Severity;
use compliance::evaluation::PairKey;
use compliance::events::EventCompliance;
use compliance::exceptions::{ExceptionState, PairException};
use slack_blocks::alert::storm::Row;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn exception(state: ExceptionState) -> PairException {
    PairException {
        id: "bastion-2026".to_owned(),
        state,
        reason: "The bastion host is replaced in December".to_owned(),
        expires: "2026-12-31".parse().unwrap(),
    }
}

/// A security group of a production account that is open to everybody.
pub fn opened() -> Alert {
    let console = "https://eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#/";
    Alert {
        incident: "0123456789abcdef".to_owned(),
        key: PairKey {
            account_id: "111122223333".to_owned(),
            aws_region: "eu-west-1".to_owned(),
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            resource_id: "sg-0a1b2c3d4e5f60718".to_owned(),
            rule: "restricted-ssh".to_owned(),
        },
        aws_region: "eu-west-1".to_owned(),
        config_rule_name: "OrgConfigRule-restricted-ssh-abcdefgh".to_owned(),
        account_name: Some("payments".to_owned()),
        organizational_unit: Some("Root/Workloads/Production".to_owned()),
        severity: Some(Severity::High),
        description: Some("No security group lets everybody reach port 22.".to_owned()),
        guidance: Some(
            "Remove the inbound rule for 0.0.0.0/0 on port 22, or name the networks that need it.".to_owned(),
        ),
        link: Some("https://docs.aws.amazon.com/config/latest/developerguide/restricted-ssh.html".to_owned()),
        old: Some(EventCompliance::Compliant),
        new: EventCompliance::NonCompliant,
        annotation: Some("Inbound rule sgr-1 allows 0.0.0.0/0 on port 22".to_owned()),
        result_recorded_time: time("2026-11-21T10:00:05Z"),
        opened_at: time("2026-11-21T10:00:05Z"),
        times: 1,
        console: ConsoleLinks {
            timeline: format!(
                "{console}resources/timeline?resourceId=sg-0a1b2c3d4e5f60718&resourceType=AWS%3A%3AEC2%3A%3ASecurityGroup"
            ),
            rule: format!("{console}rules/details?configRuleName=OrgConfigRule-restricted-ssh-abcdefgh"),
        },
        last_change: Some(time("2026-11-20T17:42:00Z")),
        last_noncompliant: Some(time("2026-11-20T17:30:00Z")),
        exception: Some(exception(ExceptionState::Active)),
        is_smoke_test: false,
    }
}

/// The same, noncompliant again.
pub fn again(times: u32) -> Alert {
    let at = time("2026-11-21T10:20:00Z");
    Alert {
        result_recorded_time: at,
        opened_at: at,
        times,
        ..opened()
    }
}

/// The same, over after 12 minutes.
pub fn resolved(new: EventCompliance) -> Alert {
    Alert {
        old: Some(EventCompliance::NonCompliant),
        new,
        annotation: None,
        result_recorded_time: time("2026-11-21T10:12:00Z"),
        ..opened()
    }
}

/// So many incidents over rules, accounts and severities.
pub fn storm_alerts(number: usize) -> Vec<Alert> {
    let rules = [
        ("restricted-ssh", Some(Severity::High)),
        ("s3-bucket-public-read-prohibited", Some(Severity::Critical)),
        ("house-rule", None),
    ];
    let alert = |index: usize| {
        let mut alert = opened();
        let (rule, severity) = rules[index % 7 % rules.len()];
        (alert.key.rule, alert.severity) = (rule.to_owned(), severity);
        alert.key.account_id = format!("{:012}", 100 + index % 8);
        alert.account_name = (index % 8 < 4).then(|| format!("account-{}", index % 8));
        alert.key.resource_id = format!("resource-{index}");
        alert.incident = format!("{index:016}");
        alert
    };
    (0..number).map(alert).collect()
}

/// Rows of these, some of which are over.
pub fn group<'a>(alerts: &'a [Alert], over: &[usize]) -> Vec<Row<'a>> {
    let row = |(index, opened): (usize, &'a Alert)| Row {
        opened,
        is_over: over.contains(&index),
    };
    alerts.iter().enumerate().map(row).collect()
}

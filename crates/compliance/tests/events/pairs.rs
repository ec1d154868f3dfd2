//! What is known of a pair is a function of the set of its events: any order, any number of deliveries.

use std::collections::BTreeMap;

use compliance::alerts::{Known, decide};
use compliance::catalogue::Catalogue;
use compliance::events::{Content, Event, PairHistory, RECENT};
use compliance::settings::Settings;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::shapes::{change, detail, read};

const COMPLIANCE: [&str; 4] = [
    "COMPLIANT",
    "NON_COMPLIANT",
    "NOT_APPLICABLE",
    "INSUFFICIENT_DATA",
];

/// Events of one global resource in two regions under two names of one rule; several may have one time.
fn event(number: usize, second: usize, source: usize, compliance: usize) -> Event {
    let at = format!("2026-11-21T10:00:{:02}Z", second % 20);
    let mut event = change(&format!("e{number}"), None, (COMPLIANCE[compliance % 4], &at));
    let fields = detail(&mut event);
    fields.insert("resourceType".to_owned(), "AWS::IAM::User".into());
    fields.insert(
        "awsRegion".to_owned(),
        ["eu-west-1", "us-east-1"][source % 2].into(),
    );
    let name = ["iam-user-mfa-enabled", "securityhub-iam-user-mfa-enabled-0a1b2c"][source / 2 % 2];
    fields.insert("configRuleName".to_owned(), name.into());
    read(&event)
}

fn taken(events: &[&Event]) -> PairHistory {
    let settings = Settings::default();
    let catalogue = Catalogue::new(&settings).unwrap();
    let known = Known {
        settings: &settings,
        catalogue: &catalogue,
        organizational_unit: None,
        default_route: None,
        now: "2026-11-21T11:00:00Z".parse().unwrap(),
    };
    let mut history = None;
    for event in events {
        let Content::ComplianceChange(change) = &event.content else {
            panic!()
        };
        let key = event.pair(&catalogue).unwrap();
        history = Some(decide(history, key, event, change, &known).history);
    }
    let mut history = history.unwrap();
    history.incident = None;
    history
}

proptest! {
    #[test]
    fn order_and_repetition_change_nothing(
        facts in proptest::collection::vec((0_usize..20, 0_usize..4, 0_usize..4), 1..24),
        shuffled in Just((0..24_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in subsequence((0..24_usize).collect::<Vec<_>>(), 0..12),
    ) {
        let events: Vec<Event> = facts
            .iter()
            .enumerate()
            .map(|(number, (second, source, compliance))| event(number, *second, *source, *compliance))
            .collect();
        let mut in_order: Vec<&Event> = events.iter().collect();
        in_order.sort_by_key(|event| (event.event_time(), event.id.clone()));
        let expected = taken(&in_order);
        let any_order: Vec<&Event> = shuffled.iter().chain(&again).filter_map(|at| events.get(*at)).collect();
        prop_assert_eq!(&taken(&any_order), &expected);

        // The same said plainly.
        let mut newest = BTreeMap::new();
        for event in &in_order {
            let Content::ComplianceChange(change) = &event.content else { panic!() };
            newest.insert((event.aws_region.clone(), change.config_rule_name.clone()), event.id.clone());
        }
        let sources: Vec<String> = expected.sources.iter().map(|source| source.event_id.clone()).collect();
        prop_assert_eq!(sources, newest.into_values().collect::<Vec<_>>());
        let recent: Vec<&str> = expected.recent.iter().map(|change| change.event_id.as_str()).collect();
        let last: Vec<&str> = in_order.iter().rev().take(RECENT).map(|event| event.id.as_str()).collect();
        prop_assert_eq!(recent, last);
    }
}

#[test]
fn a_pair_is_one_whatever_region_recorded_it_and_whatever_the_rule_is_deployed_as() {
    let catalogue = Catalogue::new(&Settings::default()).unwrap();
    let keys: Vec<_> = (0..4)
        .map(|source| event(source, 0, source, 1).pair(&catalogue).unwrap())
        .collect();
    assert!(keys.iter().all(|key| key == &keys[0]), "{keys:?}");
    assert_eq!(keys[0].aws_region, "global");
}

//! What every [`EventTable`] must do.

use compliance::Timestamp;
use compliance::alerts::{Alert, Decision, Known, OutboxEntry, Window, decide};
use compliance::catalogue::{Catalogue, Severity};
use compliance::evaluation::PairKey;
use compliance::events::{Content, Event, EventRecord, parse};
use compliance::ports::{EventTable, EventWrite, StoredPair, Written};
use compliance::settings::Settings;
use jiff::SignedDuration;

/// Holds an empty table to the port's contract. `now` is the time as the table sees it, about.
pub async fn event_table(table: &impl EventTable, now: Timestamp) {
    let suite = Suite::new(table, now);
    suite.is_empty().await;
    suite.an_event_is_stored_once().await;
    suite.a_pair_is_written_by_who_read_it().await;
    suite.one_of_many_writers_wins().await;
    suite.events_come_by_time().await;
    suite.what_is_to_be_told_comes_by_route_and_window().await;
    suite.what_was_told_is_told_no_more().await;
    suite.what_has_expired_is_not_given().await;
    suite.odd_names_are_kept_apart().await;
    suite.large_events_come_back_whole().await;
}

struct Suite<'a, T> {
    table: &'a T,
    now: Timestamp,
    settings: Settings,
    catalogue: Catalogue,
}

/// A resource of one account with a rule, and its events.
const ACCOUNT: &str = "111122223333";

fn compliance_change(id: &str, resource: &str, at: Timestamp, old: Option<&str>, new: &str) -> Event {
    let result = |status: &str| {
        format!(r#"{{"complianceType": "{status}", "resultRecordedTime": "{at}", "annotation": "says why"}}"#)
    };
    let old = old.map_or(String::new(), |status| {
        format!(r#""oldEvaluationResult": {},"#, result(status))
    });
    let text = format!(
        r#"{{"id": "1", "source": "aws.config", "detail-type": "Config Rules Compliance Change", "account": "{ACCOUNT}",
        "region": "eu-west-1", "time": "{at}", "resources": [], "detail": {{"resourceId": "r", {old}
        "resourceType": "AWS::S3::Bucket", "configRuleName": "s3-bucket-versioning-enabled", "messageType": "x",
        "newEvaluationResult": {}}}}}"#,
        result(new)
    );
    let mut event = parse(&text).unwrap();
    event.id = id.to_owned();
    if let Content::ComplianceChange(change) = &mut event.content {
        change.resource_id = resource.to_owned();
    }
    event
}

/// An event that is of no pair.
fn reevaluation(id: &str, at: Timestamp) -> Event {
    let text = format!(
        r#"{{"id": "1", "source": "aws.config", "detail-type": "Config Rules Re-evaluation Status", "account": "{ACCOUNT}",
        "region": "eu-west-1", "time": "{at}", "detail": {{"configRuleNames": ["a"]}}}}"#
    );
    let mut event = parse(&text).unwrap();
    event.id = id.to_owned();
    event
}

impl<'a, T: EventTable> Suite<'a, T> {
    fn new(table: &'a T, now: Timestamp) -> Self {
        let mut settings = Settings::default();
        settings.alerts.severity = Severity::Informational;
        let catalogue = Catalogue::new(&settings).unwrap();
        Self {
            table,
            now,
            settings,
            catalogue,
        }
    }

    /// So many seconds before now, to the nanosecond.
    fn ago(&self, seconds: i64) -> Timestamp {
        let nanosecond = SignedDuration::from_nanos(123_456_789);
        let second = Timestamp::from_second(self.now.as_second() - seconds).unwrap();
        second.checked_add(nanosecond).unwrap()
    }

    fn key(&self, event: &Event) -> PairKey {
        event.pair(&self.catalogue).unwrap()
    }

    /// What is to be written of a result, decided at a time, told on these routes.
    fn write_of(
        &self,
        event: &Event,
        before: Option<StoredPair>,
        at: Timestamp,
        routes: &[&str],
    ) -> EventWrite {
        let Content::ComplianceChange(change) = &event.content else {
            unreachable!("the suite's own results");
        };
        let known = Known {
            settings: &self.settings,
            catalogue: &self.catalogue,
            organizational_unit: None,
            default_route: routes.first().copied(),
            now: at,
        };
        let version = before.as_ref().map_or(0, |pair| pair.version);
        let before = before.map(|pair| pair.history);
        let decided = decide(before.clone(), self.key(event), event, change, &known);
        let incident = decided.history.incident.clone();
        let (Decision::Told { word, .. }, Some(incident)) = (&decided.decision, &incident) else {
            return self.written(
                event,
                Some((decided.history, version)),
                Some(decided.decision),
                vec![],
            );
        };
        let from = (&self.settings, &self.catalogue);
        let alert = Alert::new(
            incident,
            before.as_ref(),
            &decided.history,
            event,
            change,
            None,
            from,
            at,
        );
        let entry = |route: &&str| OutboxEntry {
            route: (*route).to_owned(),
            window: Window::of(at, 30),
            event_id: event.id.clone(),
            word: *word,
            decided_at: at,
            alert: alert.clone(),
        };
        let outbox = routes.iter().map(entry).collect();
        self.written(
            event,
            Some((decided.history, version)),
            Some(decided.decision),
            outbox,
        )
    }

    fn written(
        &self,
        event: &Event,
        pair: Option<(compliance::events::PairHistory, u64)>,
        decision: Option<Decision>,
        outbox: Vec<OutboxEntry>,
    ) -> EventWrite {
        EventWrite {
            event: EventRecord::new(event, &self.catalogue, decision, self.now, 400),
            pair: pair.map(|(history, version)| StoredPair { history, version }),
            pair_expires_at: None,
            outbox,
        }
    }

    /// A result that opens an incident, of a pair of its own.
    fn opening(&self, id: &str, at: Timestamp, routes: &[&str]) -> EventWrite {
        let event = compliance_change(id, id, at, Some("COMPLIANT"), "NON_COMPLIANT");
        self.write_of(&event, None, at, routes)
    }

    async fn is_empty(&self) {
        let event = compliance_change("none", "none", self.now, None, "COMPLIANT");
        assert_eq!(self.table.pair(&self.key(&event)).await.unwrap(), None);
        let all = self.table.events(self.ago(1_000_000), self.now).await.unwrap();
        assert_eq!(all, [], "an empty table has no events");
        assert_eq!(self.table.overdue(self.now).await.unwrap(), []);
        let window = Window::of(self.now, 30);
        assert_eq!(self.table.outbox("oncall", window).await.unwrap(), []);
    }

    async fn an_event_is_stored_once(&self) {
        let at = self.ago(400_000);
        let alone = self.written(&reevaluation("alone", at), None, None, vec![]);
        assert_eq!(self.table.write(&alone).await.unwrap(), Written::New);
        assert_eq!(self.table.write(&alone).await.unwrap(), Written::Known);

        let first = self.opening("first", at, &["oncall"]);
        assert_eq!(self.table.write(&first).await.unwrap(), Written::New);
        let pair = self
            .table
            .pair(&first.pair.as_ref().unwrap().history.key)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(pair.history, first.pair.as_ref().unwrap().history);
        let again = EventWrite {
            pair: Some(pair.clone()),
            ..self.opening("first", at, &["other"])
        };
        assert_eq!(
            self.table.write(&again).await.unwrap(),
            Written::Known,
            "whatever else it comes with"
        );
        assert_eq!(
            self.table.write(&first).await.unwrap(),
            Written::Known,
            "known comes before a conflict"
        );
        let other = self.table.outbox("other", Window::of(at, 30)).await.unwrap();
        assert_eq!(other, [], "of an event that is known nothing is written");
        let stored = self.table.pair(&pair.history.key).await.unwrap().unwrap();
        assert_eq!(stored, pair);
        let events = self.table.events(at, self.after(at)).await.unwrap();
        assert_eq!(events, [alone.event, first.event.clone()], "as they were written");
        self.table.told(&first.outbox).await.unwrap();
    }

    async fn a_pair_is_written_by_who_read_it(&self) {
        let at = self.ago(390_000);
        let write = self.opening("contested", at, &[]);
        let key = write.pair.as_ref().unwrap().history.key.clone();
        assert_eq!(self.table.write(&write).await.unwrap(), Written::New);
        let read = self.table.pair(&key).await.unwrap().unwrap();
        let next = |id: &str, version: u64| {
            let event = compliance_change(id, "contested", at, Some("NON_COMPLIANT"), "COMPLIANT");
            let before = StoredPair {
                version,
                ..read.clone()
            };
            self.write_of(&event, Some(before), at, &["contested"])
        };
        for stale in [0, read.version - 1, read.version + 1] {
            let late = next("late", stale);
            assert_eq!(
                self.table.write(&late).await.unwrap(),
                Written::Conflict,
                "{stale}"
            );
        }
        assert_eq!(self.table.pair(&key).await.unwrap(), Some(read.clone()));
        let events = self.table.events(at, self.after(at)).await.unwrap();
        assert_eq!(events.len(), 1, "of a conflict nothing is written");
        let window = Window::of(at, 30);
        assert_eq!(self.table.outbox("contested", window).await.unwrap(), []);

        assert_eq!(
            self.table.write(&next("late", read.version)).await.unwrap(),
            Written::New
        );
        let now = self.table.pair(&key).await.unwrap().unwrap();
        assert!(now.version > read.version && now.history.is_noncompliant() == Some(false));
        let again = next("later", read.version);
        assert_eq!(self.table.write(&again).await.unwrap(), Written::Conflict);
    }

    /// Two writers who read the same: one writes, and the other is told to read again.
    async fn one_of_many_writers_wins(&self) {
        let at = self.ago(380_000);
        let event = |id: &str| {
            let event = compliance_change(id, "raced", at, Some("COMPLIANT"), "NON_COMPLIANT");
            self.write_of(&event, None, at, &[])
        };
        let writes = [event("a"), event("b")];
        let (one, two) = tokio::join!(self.table.write(&writes[0]), self.table.write(&writes[1]));
        let mut both = [one.unwrap(), two.unwrap()];
        both.sort_by_key(|written| *written != Written::New);
        assert_eq!(both, [Written::New, Written::Conflict]);
        let events = self.table.events(at, self.after(at)).await.unwrap();
        assert_eq!(events.len(), 1);
    }

    async fn events_come_by_time(&self) {
        let day = 86_400;
        let seconds = [9 * day, 8 * day, 8 * day - 1, 7 * day, 6 * day + 5, 6 * day];
        let times = seconds.map(|seconds| self.ago(seconds + 400_000));
        let ids: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
        // The other way round, so that the order is the table's own.
        for (place, id) in ids.iter().enumerate().rev() {
            let at = times[place / 8];
            let write = self.written(&reevaluation(id, at), None, None, vec![]);
            assert_eq!(self.table.write(&write).await.unwrap(), Written::New);
        }
        let range = async |from, until| -> Vec<String> {
            let events = self.table.events(from, until).await.unwrap();
            events.into_iter().map(|event| event.id).collect()
        };
        let all = range(times[0], self.after(times[4])).await;
        assert_eq!(all, ids, "oldest first, and by id of one time");
        assert_eq!(
            range(times[1], times[3]).await,
            ids[8..24],
            "the end is not part of it"
        );
        assert_eq!(range(self.after(times[0]), times[2]).await, ids[8..16]);
        assert_eq!(range(times[1], times[1]).await, Vec::<String>::new());
        assert_eq!(range(times[3], times[1]).await, Vec::<String>::new());
        let between = range(self.after(times[3]), times[4]).await;
        assert_eq!(between, Vec::<String>::new());
    }

    async fn what_is_to_be_told_comes_by_route_and_window(&self) {
        let at = Timestamp::from_second(self.ago(370_000).as_second() / 30 * 30).unwrap();
        let plus = |seconds| at.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        // Event ids against the order of time.
        for (id, seconds, routes) in [
            ("told-3", 0, &["oncall", "security"][..]),
            ("told-1", 12, &["oncall"]),
            ("told-2", 12, &["oncall"]),
            ("told-0", 30, &["oncall"]),
            ("told-4", 29, &["on"]),
        ] {
            let write = self.opening(id, plus(seconds), routes);
            assert_eq!(write.outbox.len(), routes.len());
            assert_eq!(self.table.write(&write).await.unwrap(), Written::New);
        }
        let told = async |route, at| -> Vec<String> {
            let entries = self.table.outbox(route, Window::of(at, 30)).await.unwrap();
            entries.into_iter().map(|entry| entry.event_id).collect()
        };
        assert_eq!(told("oncall", at).await, ["told-3", "told-1", "told-2"]);
        assert_eq!(told("security", at).await, ["told-3"]);
        assert_eq!(told("on", at).await, ["told-4"], "a name that others begin with");
        assert_eq!(told("oncall", plus(30)).await, ["told-0"]);
        assert_eq!(told("oncall", plus(60)).await, Vec::<String>::new());
        let entries = self.table.outbox("security", Window::of(at, 30)).await.unwrap();
        assert_eq!(entries, self.opening("told-3", at, &["security"]).outbox, "whole");

        let (first, second) = (Window::of(at, 30), Window::of(plus(30), 30));
        let of = |route: &str, window| (route.to_owned(), window);
        let early = [of("on", first), of("oncall", first), of("security", first)];
        let later = [
            of("on", first),
            of("oncall", first),
            of("oncall", second),
            of("security", first),
        ];
        let overdue = async |before| self.table.overdue(before).await.unwrap();
        assert_eq!(
            overdue(at).await,
            [],
            "a window that begins then does not begin before"
        );
        let just = at.checked_add(SignedDuration::from_nanos(1)).unwrap();
        assert_eq!(overdue(just).await, early);
        assert_eq!(overdue(plus(30)).await, early);
        assert_eq!(overdue(plus(31)).await, later);
    }

    async fn what_was_told_is_told_no_more(&self) {
        let overdue = self.table.overdue(self.now).await.unwrap();
        assert!(!overdue.is_empty());
        for (route, window) in overdue {
            let entries = self.table.outbox(&route, window).await.unwrap();
            self.table.told(&entries[..1]).await.unwrap();
            let left = self.table.outbox(&route, window).await.unwrap();
            assert_eq!(left, entries[1..], "one and no other");
            self.table.told(&entries).await.unwrap();
            self.table.told(&entries).await.unwrap();
        }
        assert_eq!(self.table.overdue(self.now).await.unwrap(), []);
        self.table.told(&[]).await.unwrap();
    }

    async fn what_has_expired_is_not_given(&self) {
        let at = self.ago(350_000);
        let mut write = self.opening("expired", at, &[]);
        let key = write.pair.as_ref().unwrap().history.key.clone();
        let past = Timestamp::from_second(self.now.as_second() - 60).unwrap();
        write.event.expires_at = past;
        write.pair_expires_at = Some(past);
        assert_eq!(self.table.write(&write).await.unwrap(), Written::New);
        assert_eq!(self.table.pair(&key).await.unwrap(), None);
        assert_eq!(self.table.events(at, self.after(at)).await.unwrap(), []);

        let event = compliance_change("anew", "expired", at, None, "COMPLIANT");
        let mut anew = self.write_of(&event, None, at, &[]);
        anew.pair_expires_at = Timestamp::from_second(self.now.as_second() + 3_600).ok();
        assert_eq!(
            self.table.write(&anew).await.unwrap(),
            Written::New,
            "a pair that has expired is as good as none"
        );
        let pair = self.table.pair(&key).await.unwrap().unwrap();
        assert_eq!(pair.history, anew.pair.unwrap().history);
    }

    async fn odd_names_are_kept_apart(&self) {
        let at = self.ago(340_000);
        let long = "ü#€".repeat(256);
        let ids = [
            "#",
            "##",
            "a#b",
            "a",
            "\u{10ffff}",
            "%23 +\"\\\n\t",
            &long,
            &format!("{long}x"),
        ];
        for id in ids {
            let write = self.opening(id, at, &["odd"]);
            assert_eq!(self.table.write(&write).await.unwrap(), Written::New, "{id:?}");
            assert_eq!(self.table.write(&write).await.unwrap(), Written::Known, "{id:?}");
            let key = &write.pair.as_ref().unwrap().history.key;
            let stored = self.table.pair(key).await.unwrap().unwrap();
            assert_eq!(stored.history, write.pair.as_ref().unwrap().history, "{id:?}");
        }
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids
        };
        let expected = sorted(ids.map(str::to_owned).into());
        let events = self.table.events(at, self.after(at)).await.unwrap();
        assert_eq!(
            sorted(events.into_iter().map(|event| event.id).collect()),
            expected
        );
        let window = Window::of(at, 30);
        let entries = self.table.outbox("odd", window).await.unwrap();
        let told: Vec<String> = entries.iter().map(|entry| entry.event_id.clone()).collect();
        assert_eq!(sorted(told), expected);
        assert_eq!(
            self.table.overdue(self.now).await.unwrap(),
            [("odd".to_owned(), window)]
        );
        self.table.told(&entries).await.unwrap();
        assert_eq!(self.table.outbox("odd", window).await.unwrap(), []);
    }

    /// As large as an event can be, of what compresses and of what does not, more than one page of a list in all.
    async fn large_events_come_back_whole(&self) {
        let at = self.ago(330_000);
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(state >> 26) as usize],
            )
        };
        let texts = [
            "x".repeat(256_000),
            (0..256_000).map(|_| noise()).collect(),
            (0..1_999).map(|_| noise()).collect(),
            "ü\u{0}".repeat(1_500),
        ];
        let mut written = Vec::new();
        for copy in 0..3 {
            for (place, text) in texts.iter().enumerate() {
                let mut event = reevaluation(&format!("large-{copy}{place}"), at);
                event.body = text.clone().into();
                let write = self.written(&event, None, None, vec![]);
                assert_eq!(self.table.write(&write).await.unwrap(), Written::New);
                written.push(write.event);
            }
        }
        let events = self.table.events(at, self.after(at)).await.unwrap();
        assert!(events == written, "of {} bodies", written.len());
    }

    fn after(&self, at: Timestamp) -> Timestamp {
        at.checked_add(SignedDuration::from_nanos(1)).unwrap()
    }
}

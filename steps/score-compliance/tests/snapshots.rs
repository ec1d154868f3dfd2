//! Snapshots: frozen once, opened only whole.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use compliance::evaluation::ComplianceType::{Compliant, NonCompliant};
use compliance::hash::sha256_hex;
use compliance::ports::{ObjectStore, PortError, PortErrorKind, Put};
use compliance::progress::Silent;
use compliance::report::ReportKind;
use compliance::snapshot::{KnownAnnotation, SnapshotManifest, SnapshotRef, snapshot_folder};
use compliance::{select, snapshots};
use local::MemoryObjectStore;
use score_compliance::ScoreError;
use score_compliance::freeze;
use score_compliance::opened::{self, Which};
use score_compliance::score::{self, ScoreInput};

use support::{Day, gap, inputs, origin, result, scope, store_shards, time, wait, whole_trend};

const BUCKET: &str = "AWS::S3::Bucket";

/// Three accounts in two shards; the third account's scope was not collected.
fn day() -> Day {
    let mut noncompliant = result(
        ["222222222222", "eu-west-1", "restricted-ssh", BUCKET, "b"],
        NonCompliant,
    );
    noncompliant.configuration_item_capture_time = Some(time("2026-11-20T08:00:00.123456Z"));
    noncompliant.result_recorded_time = Some(time("2026-11-20T08:00:01Z"));
    noncompliant.annotation = Some("open to the world".to_owned());
    let unread = result(
        ["222222222222", "eu-west-1", "restricted-ssh", BUCKET, "c"],
        NonCompliant,
    );
    let compliant = result(
        ["000000000001", "eu-west-1", "restricted-ssh", BUCKET, "a"],
        Compliant,
    );
    let uncollected = result(
        ["333333333333", "eu-west-1", "restricted-ssh", BUCKET, "d"],
        Compliant,
    );
    let mut missing = scope("333333333333", "eu-west-1");
    missing.missing = Some(gap("Coverage.SourceFailed"));
    Day::new(
        "2026-11-21T09:00:00Z",
        vec![unread, noncompliant, uncollected, compliant],
        vec![
            missing,
            scope("222222222222", "eu-west-1"),
            scope("000000000001", "eu-west-1"),
        ],
    )
}

/// Every object of a snapshot by key.
fn objects(store: &MemoryObjectStore) -> Vec<(String, Vec<u8>)> {
    let keys = wait(store.list("snapshots/")).expect("listed");
    keys.into_iter()
        .map(|key| {
            let bytes = wait(store.get(&key)).expect("read").expect("there");
            (key, bytes)
        })
        .collect()
}

#[test]
fn a_frozen_snapshot_is_laid_out_as_documented() {
    let store = MemoryObjectStore::default();
    let frozen = wait(support::freeze(&day(), &store));
    let paths: Vec<&str> = frozen
        .manifest
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "annotations/shard=0000.json",
            "annotations/shard=0001.json",
            "context.json",
            "coverage/coverage.parquet",
            "results/shard=0000/results.parquet",
            "results/shard=0001/results.parquet",
        ]
    );
    let manifest = &frozen.manifest;
    assert_eq!(
        (manifest.results, manifest.compliant, manifest.noncompliant),
        (3, 1, 2)
    );
    let first = &manifest.files[4];
    let ends = ("000000000001".to_owned(), "222222222222".to_owned());
    assert_eq!((first.rows, first.accounts.clone()), (Some(3), Some(ends)));
    assert_eq!(
        (manifest.files[5].rows, manifest.files[5].accounts.clone()),
        (Some(0), None)
    );
    let opened = wait(opened::open(Which::Ref(&frozen.snapshot), &store)).expect("opened");
    assert_eq!(opened.context.coverage.results_ignored, 1);
    assert_eq!(opened.context.coverage.planned_calls, 5);
    assert_eq!(opened.context.coverage.scopes_collected(), 2);
}

#[test]
fn only_annotations_whose_details_were_read_are_known() {
    let store = MemoryObjectStore::default();
    wait(support::freeze(&day(), &store));
    let folder = snapshot_folder(&day().id(), day().as_of);
    let bytes = wait(store.get(&format!("{folder}annotations/shard=0000.json")))
        .expect("read")
        .expect("there");
    let known: Vec<KnownAnnotation> = serde_json::from_slice(&bytes).expect("annotations");
    let ids: Vec<&str> = known.iter().map(|known| known.resource_id.as_str()).collect();
    assert_eq!(ids, ["b"]);
    assert_eq!(known[0].annotation.as_deref(), Some("open to the world"));
}

#[test]
fn the_same_shards_give_the_same_bytes() {
    let (one, other) = (MemoryObjectStore::default(), MemoryObjectStore::default());
    wait(support::freeze(&day(), &one));
    let mut shuffled = day();
    shuffled.rows.reverse();
    shuffled.scopes.reverse();
    wait(support::freeze(&shuffled, &other));
    assert_eq!(objects(&one), objects(&other));
}

#[test]
fn a_snapshot_that_stands_is_adopted() {
    let store = MemoryObjectStore::default();
    let first = wait(support::freeze(&day(), &store));
    let before = objects(&store);
    let mut later = day();
    later.rows.truncate(1);
    assert_eq!(wait(support::freeze(&later, &store)), first);
    assert_eq!(objects(&store), before);
}

#[test]
fn what_the_first_writer_left_half_done_is_adopted() {
    let (store, theirs) = (MemoryObjectStore::default(), MemoryObjectStore::default());
    // The first writer saw one result more, and wrote its first results file before it died.
    let mut first = day();
    first.rows.push(result(
        ["000000000001", "eu-west-1", "restricted-ssh", BUCKET, "e"],
        NonCompliant,
    ));
    wait(support::freeze(&first, &theirs));
    let folder = snapshot_folder(&day().id(), day().as_of);
    let key = format!("{folder}results/shard=0000/results.parquet");
    let bytes = wait(theirs.get(&key)).expect("read").expect("there");
    wait(store.put_new(&key, &bytes)).expect("stored");
    let frozen = wait(support::freeze(&day(), &store));
    let file = frozen
        .manifest
        .files
        .iter()
        .find(|file| key.ends_with(&file.path))
        .expect("a file");
    assert_eq!((file.rows, &file.sha256), (Some(4), &sha256_hex(&bytes)));
    assert_eq!((frozen.manifest.results, frozen.manifest.noncompliant), (4, 3));
}

#[test]
fn what_stands_half_done_and_is_damaged_is_not_adopted() {
    for file in [
        "results/shard=0000/results.parquet",
        "annotations/shard=0000.json",
        "coverage/coverage.parquet",
        "context.json",
    ] {
        let store = MemoryObjectStore::default();
        let folder = snapshot_folder(&day().id(), day().as_of);
        wait(store.put_new(&format!("{folder}{file}"), b"half")).expect("stored");
        let input = wait(store_shards(&day(), &day().shards(), &store));
        let error = wait(freeze::run(input, &store, &Silent)).expect_err("refused");
        assert_eq!(error.code(), "Store.Damaged", "{file}: {error}");
        assert!(
            error.to_string().contains(file) && error.to_string().contains("delete its"),
            "{error}"
        );
        let manifest = wait(store.get(&format!("{folder}manifest.json"))).expect("read");
        assert_eq!(manifest, None, "{file}");
    }
}

#[test]
fn a_result_that_comes_twice_is_refused() {
    let store = MemoryObjectStore::default();
    let mut twice = day();
    let mut again = twice.rows[1].clone();
    again.annotation = None;
    twice.rows.push(again);
    let input = wait(store_shards(&twice, &twice.shards(), &store));
    let error = wait(freeze::run(input, &store, &Silent))
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("restricted-ssh on AWS::S3::Bucket b in account 222222222222"),
        "{error}"
    );
}

#[test]
fn shards_that_are_not_those_of_the_plan_are_refused() {
    let store = MemoryObjectStore::default();
    let check = |change: fn(&mut Vec<compliance::collection::ShardResults>), says: &str| {
        let mut shards = day().shards();
        change(&mut shards);
        let input = wait(store_shards(&day(), &shards, &store));
        let error = wait(freeze::run(input, &store, &Silent)).expect_err("refused");
        assert!(
            matches!(error, ScoreError::Inputs(_)) && error.to_string().contains(says),
            "{error}"
        );
    };
    check(|shards| shards[1].index = 7, "not one result for each");
    check(
        |shards| shards[1].scopes = shards[0].scopes.clone(),
        "has passed already",
    );
}

#[test]
fn damage_anywhere_is_refused_and_named() {
    let store = MemoryObjectStore::default();
    let frozen = wait(support::freeze(&day(), &store));
    let whole = objects(&store);
    for (key, bytes) in &whole {
        let mut damaged = bytes.clone();
        damaged.truncate(bytes.len() - 1);
        store.damage(key, &damaged);
        let error = wait(opened::open(Which::Ref(&frozen.snapshot), &store)).expect_err("refused");
        let ScoreError::Store(port) = &error else {
            panic!("{error}")
        };
        assert_eq!(port.kind, PortErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains(key.as_str()), "{error}");
        assert!(error.to_string().contains("restore it from a copy"), "{error}");
        store.damage(key, bytes);
    }
    store.remove(&whole[0].0);
    let error = wait(opened::open(Which::Ref(&frozen.snapshot), &store)).expect_err("refused");
    assert!(
        error.to_string().contains(&format!("{} is missing", whole[0].0)),
        "{error}"
    );
}

#[test]
fn a_damaged_snapshot_is_not_scored() {
    let store = MemoryObjectStore::default();
    let frozen = wait(support::freeze(&day(), &store));
    let snapshots = [frozen.snapshot];
    let folder = snapshot_folder(&day().id(), day().as_of);
    store.damage(&format!("{folder}results/shard=0000/results.parquet"), b"PAR1");
    let input = ScoreInput {
        inputs: inputs(&snapshots, None, whole_trend(&snapshots)),
        settings: compliance::settings::Settings::default(),
    };
    let error = wait(score::run(input, &store, &Silent)).expect_err("refused");
    assert_eq!(error.code(), "Store.Damaged");
}

#[test]
fn a_manifest_of_another_snapshot_or_schema_is_refused() {
    let store = MemoryObjectStore::default();
    let frozen = wait(support::freeze(&day(), &store));
    let mut other = frozen.snapshot.clone();
    other.id = "20260101T000000Z-000000000000".to_owned();
    let error = wait(opened::open(Which::Ref(&other), &store))
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("is the manifest of snapshot 20261121T090000Z"),
        "{error}"
    );
    let newer = SnapshotManifest {
        schema: 2,
        ..frozen.manifest
    };
    let bytes = compliance::hash::canonical_json(&newer).expect("JSON");
    store.damage(&frozen.snapshot.manifest.key, &bytes);
    let folder = snapshot_folder(&day().id(), day().as_of);
    let error = wait(opened::open(Which::Folder(&folder), &store))
        .expect_err("refused")
        .to_string();
    assert!(error.contains("has schema 2"), "{error}");
}

#[test]
fn only_whole_snapshots_are_known() {
    let store = MemoryObjectStore::default();
    assert_eq!(
        wait(snapshots::known(&store)).expect("listed").standing,
        Vec::new()
    );
    let newer = wait(support::freeze(&day(), &store));
    let mut older = day();
    older.as_of = time("2026-11-20T09:00:00Z");
    let older = wait(support::freeze(&older, &store));
    wait(store.put_new("snapshots/date=2026-11-19/snapshot=half/context.json", b"{}")).expect("stored");
    let known = wait(snapshots::known(&store)).expect("listed");
    let standing: Vec<_> = known.standing.iter().map(|one| &one.snapshot).collect();
    assert_eq!(standing, [&older.snapshot, &newer.snapshot]);
    assert_eq!(known.half, ["snapshots/date=2026-11-19/snapshot=half/"]);
    assert!(known.unusable.is_empty());
    let error = wait(opened::open(
        Which::Folder("snapshots/date=2026-11-19/snapshot=half/"),
        &store,
    ))
    .expect_err("refused")
    .to_string();
    assert!(error.contains("there is no snapshot there"), "{error}");
}

#[test]
fn no_flipped_bit_of_a_manifest_passes_unless_it_says_nothing_of_the_results() {
    let store = MemoryObjectStore::default();
    let frozen = wait(support::freeze(&day(), &store));
    let key = &frozen.snapshot.manifest.key;
    let whole = wait(store.get(key)).expect("read").expect("there");
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        store.damage(key, &flipped);
        let known = wait(snapshots::known(&store)).expect("listed");
        let Some(standing) = known.standing.first() else {
            assert_eq!(known.unusable.len(), 1, "it is told apart, at {place}");
            assert!(
                known.unusable[0].is_of(&origin()),
                "and its origin is known, at {place}"
            );
            continue;
        };
        if wait(snapshots::check(standing, &store)).is_ok() {
            let said = |manifest: &SnapshotManifest| {
                let mut manifest = manifest.clone();
                for file in &mut manifest.files {
                    // What helps to find rows and is read from the file itself.
                    (file.bytes, file.accounts) = (0, None);
                    file.rows = file.rows.filter(|_| file.path.starts_with("results/"));
                }
                manifest
            };
            assert_eq!(said(&standing.manifest), said(&frozen.manifest), "at {place}");
        }
    }
}

#[test]
fn a_day_that_is_not_whole_is_left_out_and_the_next_best_is_chosen() {
    let store = MemoryObjectStore::default();
    let mut frozen = Vec::new();
    for moment in [
        "2026-11-19T09:00:00Z",
        "2026-11-20T08:00:00Z",
        "2026-11-20T10:30:00Z",
        "2026-11-21T09:00:00Z",
    ] {
        let mut day = day();
        day.as_of = time(moment);
        frozen.push(wait(support::freeze(&day, &store)).snapshot);
    }
    let [older, early, late, current] = &frozen[..] else {
        panic!("four")
    };
    let choose = || {
        let known = wait(snapshots::known(&store)).expect("listed");
        let selected =
            wait(select::run(ReportKind::Daily, current, &origin(), &known, &store)).expect("selected");
        let left_out: Vec<(String, String)> = selected
            .left_out
            .into_iter()
            .map(|(one, _)| (one.id, one.code))
            .collect();
        (selected.selection.baseline, selected.selection.history, left_out)
    };
    let damaged = |snapshot: &SnapshotRef| (snapshot.id.clone(), "Store.Damaged".to_owned());
    assert_eq!(
        choose(),
        (Some(early.clone()), vec![older.clone(), early.clone()], vec![])
    );

    // Its rows are damaged: the other snapshot of that day takes its place.
    let folder = early.manifest.key.trim_end_matches("manifest.json").to_owned();
    store.damage(&format!("{folder}results/shard=0000/results.parquet"), b"");
    let without = (
        Some(late.clone()),
        vec![older.clone(), late.clone()],
        vec![damaged(early)],
    );
    assert_eq!(choose(), without);

    // Its manifest is damaged, too: the day before that is compared with.
    store.damage(&late.manifest.key, b"{");
    let both = vec![damaged(early), damaged(late)];
    assert_eq!(choose(), (Some(older.clone()), vec![older.clone()], both));

    // One of another origin is no matter, even if its manifest is damaged.
    let folder = snapshot_folder("20261120T090000Z-000000000000", time("2026-11-20T09:00:00Z"));
    store.damage(&format!("{folder}manifest.json"), b"{");
    assert_eq!(choose().2.len(), 2);
}

/// A store that is out of reach for some of its objects.
struct OutOfReach<'a> {
    store: &'a MemoryObjectStore,
    ending: &'a str,
}

impl ObjectStore for OutOfReach<'_> {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        self.store.put_new(key, bytes).await
    }
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        if key.ends_with(self.ending) {
            return Err(PortError::new("Store", PortErrorKind::Throttled, "slow down"));
        }
        self.store.get(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        self.store.list(prefix).await
    }
}

#[test]
fn a_store_out_of_reach_is_no_gap_in_the_history() {
    let store = MemoryObjectStore::default();
    let mut frozen = Vec::new();
    for moment in ["2026-11-20T09:00:00Z", "2026-11-21T09:00:00Z"] {
        let mut day = day();
        day.as_of = time(moment);
        frozen.push(wait(support::freeze(&day, &store)).snapshot);
    }
    let of = |ending| OutOfReach {
        store: &store,
        ending,
    };
    let error = wait(snapshots::known(&of("manifest.json"))).expect_err("no manifest is read");
    assert_eq!(error.code(), "Store.Throttled");
    let known = wait(snapshots::known(&store)).expect("listed");
    let (origin, store) = (origin(), of("results.parquet"));
    let chosen = select::run(ReportKind::Daily, &frozen[1], &origin, &known, &store);
    let error = wait(chosen).expect_err("not known to be whole");
    assert_eq!(error.code(), "Store.Throttled");
}

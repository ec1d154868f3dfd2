//! Accounts that span row groups and files score as they do alone: how a snapshot is cut into shards changes no number.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use compliance::collection::ShardResults;
use compliance::evaluation::ComplianceType::{Compliant, NonCompliant};
use compliance::evaluation::EvaluationResult;
use compliance::progress::Silent;
use compliance::scorecard::{Lists, Scorecard};
use compliance::settings::Settings;
use compliance::snapshot::SnapshotRef;
use local::MemoryObjectStore;
use proptest::prelude::*;
use score_compliance::freeze;
use score_compliance::score::{self, ScoreInput};

use support::{Day, inputs, result, scope, store_shards, time, wait, whole_trend};

const ACCOUNTS: [&str; 3] = ["000000000001", "111111111111", "222222222222"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const RULES: [&str; 3] = [
    "restricted-ssh",
    "restricted-ssh-conformance-pack-a1b2c3",
    "acme-tags",
];
/// A row group holds 65,536 results; all accounts together have more in every case.
const ROW_GROUP: u64 = 65_536;

/// The results of an account: global users in both regions and buckets in one, under two names of one rule and a rule
/// of its own.
fn rows(account: &str, resources: u64, day: u64, seed: u64) -> Vec<EvaluationResult> {
    let mut rows = Vec::new();
    for number in 0..resources {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (seed << 17)) >> 20;
        if mixed % 97 == day {
            continue;
        }
        let (resource_type, regions) = match mixed % 10 {
            0 => ("AWS::IAM::User", &REGIONS[..]),
            _ => ("AWS::S3::Bucket", &REGIONS[..1]),
        };
        for region in regions {
            for (order, rule) in RULES.iter().enumerate() {
                let state = match (mixed / 7 + order as u64 * 31 + day * (mixed % 5 / 4)) % 12 {
                    0 => NonCompliant,
                    _ => Compliant,
                };
                let id = format!("resource-{mixed:x}-{number}");
                let mut row = result([account, region, rule, resource_type, &id], state);
                row.result_recorded_time = Some(time("2026-11-19T08:00:00Z"));
                rows.push(row);
            }
        }
    }
    rows
}

fn day(number: u64, sizes: [u64; 3], seed: u64) -> Day {
    let sized = ACCOUNTS.iter().zip(sizes);
    let rows = sized.flat_map(|(account, size)| rows(account, size, number, seed + size));
    let scopes = ACCOUNTS
        .iter()
        .flat_map(|account| REGIONS.map(|region| scope(account, region)));
    let as_of = format!("2026-11-2{number}T09:00:00Z");
    Day::new(&as_of, rows.collect(), scopes.collect())
}

/// The shards of a day: all accounts in one, or each in its own.
fn shards(day: &Day, each: bool) -> Vec<ShardResults> {
    let parts: Vec<&[&str]> = if each {
        ACCOUNTS.chunks(1).collect()
    } else {
        vec![&ACCOUNTS]
    };
    let shard = |(index, accounts): (usize, &[&str])| ShardResults {
        index: index as u32,
        results: day
            .rows
            .iter()
            .filter(|row| accounts.contains(&&*row.account_id))
            .cloned()
            .collect(),
        scopes: day
            .scopes
            .iter()
            .filter(|scope| accounts.contains(&&*scope.source.account_id))
            .cloned()
            .collect(),
        conformance_packs: Vec::new(),
        results_ignored: 0,
        planned_calls: 1,
    };
    parts.into_iter().enumerate().map(shard).collect()
}

fn score(days: &[Day; 2], each: bool) -> (Scorecard, Lists) {
    let store = MemoryObjectStore::default();
    let frozen = days.iter().map(|day| -> SnapshotRef {
        let input = wait(store_shards(day, &shards(day, each), &store));
        wait(freeze::run(input, &store, &Silent))
            .expect("frozen")
            .snapshot
    });
    let snapshots: Vec<SnapshotRef> = frozen.collect();
    let inputs = inputs(&snapshots, Some(0), whole_trend(&snapshots));
    let settings = Settings::default();
    let output = wait(score::run(ScoreInput { inputs, settings }, &store, &Silent)).expect("scored");
    (output.scorecard, output.lists)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 8, ..ProptestConfig::with_cases(2) })]

    #[test]
    fn how_a_snapshot_is_cut_changes_no_number(first in 500u64..9_000, second in 9_000u64..18_000, seed in 0u64..1_000) {
        let sizes = [first, second, 24_000 - second];
        let days = [day(0, sizes, seed), day(1, sizes, seed)];
        prop_assert!(days.iter().all(|day| day.rows.len() as u64 > ROW_GROUP));
        let (together, lists) = score(&days, false);
        let (mut apart, lists_apart) = score(&days, true);
        prop_assert!(lists.new.len() > 10 && lists.resolved.len() > 10 && lists.vanished.len() > 10);
        prop_assert!(lists == lists_apart);
        // What names the files is all that may differ.
        apart.run_id.clone_from(&together.run_id);
        apart.inputs = together.inputs.clone();
        apart.baseline.clone_from(&together.baseline);
        apart.context.coverage.planned_calls = together.context.coverage.planned_calls;
        prop_assert!(apart == together);
    }
}

//! The subject of `bench_score.py` and `bench_parquet.py`: two snapshots of simulated results, made by the real freeze
//! step, and the real scorer on them.
//!
//! - `bench-score generate FOLDER RESULTS` writes both snapshots under FOLDER, `inputs.json` for the scorer, and
//!   `names.csv`, which gives peers the normalised rule of each deployed name.
//! - `bench-score score FOLDER` scores them and prints the answers that peers are held to.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of the benches: it fails loudly, prints its answer and reads its files"
)]

#[path = "score/organization.rs"]
mod organization;

use std::path::Path;

use compliance::catalogue::{Catalogue, VERSION};
use compliance::hash::{canonical_json, sha256_hex};
use compliance::ports::{ObjectStore, PortError, Put};
use compliance::progress::Silent;
use compliance::report::{ReportKind, RunInputs};
use compliance::scorecard::{PairRow, Tally};
use compliance::settings::Settings;
use compliance::snapshot::{ObjectRef, SnapshotRef};
use local::FolderObjectStore;
use score_compliance::freeze::{self, FreezeInput, ShardOutcome};
use score_compliance::score::{self, ScoreInput, ScoreOutput};
use serde_json::json;

use organization::{Day, Organization};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match arguments[..] {
        ["generate", folder, results] => {
            let results = results.parse().expect("a number of results");
            runtime.block_on(generate(Path::new(folder), results))
        }
        ["score", folder] => runtime.block_on(score(Path::new(folder))),
        _ => {
            println!("bench-score generate FOLDER RESULTS | bench-score score FOLDER");
            std::process::exit(2);
        }
    };
    println!("{answer}");
}

/// Both snapshots, the inputs of a run on them, and the rules behind their names.
async fn generate(folder: &Path, results: u64) -> serde_json::Value {
    let organization = Organization::of_about(results);
    let before = freeze(&organization, Day::Before, folder).await;
    let now = freeze(&organization, Day::Now, folder).await;
    let folders =
        [&before, &now].map(|snapshot| snapshot.manifest.key.trim_end_matches("manifest.json").to_owned());
    let inputs = RunInputs {
        kind: ReportKind::Daily,
        as_of: now.as_of,
        origin: organization::origin(),
        snapshot: now,
        baseline: Some(before.clone()),
        history: vec![before],
        trend: Vec::new(),
        settings: ObjectRef {
            key: "settings.json".to_owned(),
            sha256: String::new(),
        },
        catalogue_version: VERSION.to_owned(),
        plumbline_version: env!("CARGO_PKG_VERSION").to_owned(),
        predecessor: None,
        left_out: Vec::new(),
        passed_over: Vec::new(),
        events: None,
    };
    let catalogue = Catalogue::new(&Settings::default()).expect("a catalogue");
    let mut names = "config_rule_name,rule,severity\n".to_owned();
    for name in organization.names() {
        let rule = catalogue.resolve(name).rule;
        // As the lists are sorted: an unrated rule as medium.
        let severity = catalogue
            .metadata(&rule)
            .severity
            .unwrap_or(compliance::catalogue::Severity::Medium);
        names += &format!("{name},{rule},{}\n", severity as u8);
    }
    std::fs::write(folder.join("names.csv"), names).expect("names.csv written");
    let inputs = canonical_json(&inputs).expect("JSON");
    std::fs::write(folder.join("inputs.json"), inputs).expect("inputs.json written");
    json!({"before": folders[0], "now": folders[1]})
}

async fn freeze(organization: &Organization, day: Day, folder: &Path) -> SnapshotRef {
    let store = Shards {
        organization,
        day,
        folder: FolderObjectStore::new(folder),
    };
    let shards: Vec<ObjectRef> = (0..organization.shards())
        .map(|index| ObjectRef {
            key: format!("{WORK}{index}"),
            sha256: sha256_hex(&store.shard(index)),
        })
        .collect();
    let plan = canonical_json(&organization::plan(day, shards.clone())).expect("JSON");
    let key = format!("{WORK}{}.json", sha256_hex(&plan));
    store.folder.put_new(&key, &plan).await.expect("the plan written");
    let plan = ObjectRef {
        key,
        sha256: sha256_hex(&plan),
    };
    let shards = shards.into_iter().map(ShardOutcome::Collected).collect();
    let frozen = freeze::run(FreezeInput { plan, shards }, &store, &Silent).await;
    frozen.expect("frozen").snapshot
}

const WORK: &str = "work/";

/// A folder in which the shards of one day seem to stand: they are made when they are asked for, as ten million
/// results are 5 GB of JSON.
struct Shards<'a> {
    organization: &'a Organization,
    day: Day,
    folder: FolderObjectStore,
}

impl Shards<'_> {
    fn shard(&self, index: u32) -> Vec<u8> {
        canonical_json(&self.organization.shard(self.day, index)).expect("JSON")
    }
}

impl ObjectStore for Shards<'_> {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        self.folder.put_new(key, bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        let index = key.strip_prefix(WORK).and_then(|index| index.parse().ok());
        match index {
            Some(index) => Ok(Some(self.shard(index))),
            None => self.folder.get(key).await,
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        self.folder.list(prefix).await
    }
}

/// Scores the two snapshots as a daily report does, and tells the answers.
async fn score(folder: &Path) -> serde_json::Value {
    let inputs = std::fs::read(folder.join("inputs.json")).expect("inputs.json; generate first");
    let inputs = serde_json::from_slice(&inputs).expect("inputs");
    let input = ScoreInput {
        inputs,
        settings: Settings::default(),
    };
    let store = FolderObjectStore::new(folder);
    let output = score::run(input, &store, &Silent).await.expect("scored");
    let answer = answers(&output);
    // The process ends here; giving back every row one by one would be measured for nothing.
    std::mem::forget(output);
    answer
}

fn answers(output: &ScoreOutput) -> serde_json::Value {
    let card = &output.scorecard;
    let counts = |tally: Tally| [tally.compliant, tally.noncompliant];
    let accounts: String = card
        .accounts
        .iter()
        .map(|account| (&account.account_id, account.scores))
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
        .map(|(id, scores)| {
            let ([c, n], [rc, rn]) = (counts(scores.pairs), counts(scores.resources));
            format!("{id},{c},{n},{rc},{rn}\n")
        })
        .collect();
    let rules: String = card
        .rules
        .iter()
        .map(|rule| (&rule.metadata.rule, rule.scores.pairs))
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
        .map(|(rule, pairs)| format!("{rule},{},{}\n", pairs.compliant, pairs.noncompliant))
        .collect();
    let before = card.organization_before.expect("a baseline");
    let lists = &output.lists;
    json!({
        "results": card.merged.results,
        "now": [counts(card.organization.pairs), counts(card.organization.resources)],
        "before": [counts(before.pairs), counts(before.resources)],
        "accounts": sha256_hex(accounts.as_bytes()),
        "rules": sha256_hex(rules.as_bytes()),
        "noncompliant": list(&lists.noncompliant),
        "new": list(&lists.new),
        "resolved": list(&lists.resolved),
        "vanished": list(&lists.vanished),
    })
}

/// A list's length, its first and last row, and the lengths of all its ids and annotations.
fn list(rows: &[PairRow]) -> serde_json::Value {
    let name = |row: &PairRow| {
        let key = &row.key;
        [
            &key.account_id,
            &key.aws_region,
            &key.resource_type,
            &key.resource_id,
            &key.rule,
        ]
        .map(String::as_str)
        .join("|")
    };
    let ids: usize = rows.iter().map(|row| row.key.resource_id.len()).sum();
    let annotations: usize = rows
        .iter()
        .filter_map(|row| row.annotation.as_ref())
        .map(String::len)
        .sum();
    json!([
        rows.len(),
        rows.first().map(name),
        rows.last().map(name),
        ids,
        annotations
    ])
}

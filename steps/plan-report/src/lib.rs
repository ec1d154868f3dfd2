//! Plans a collection: who is expected, who answered, which rules have results, and the shards of work.
//!
//! Terms 1 and 2 of the call plan (`docs/call-plan.md`) are spent here, once for the whole aggregator. What is
//! expected is decided before anything is collected, so that what does not come back shows.

mod expectations;
mod scopes;
mod shards;
pub mod task;

use compliance::Timestamp;
use compliance::collection::CollectionPlan;
use compliance::coverage::SourceStatus;
use compliance::evaluation::RuleCompliance;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::objects;
use compliance::organization::Aggregator;
use compliance::ports::{EvaluationSource, ObjectStore, OrganizationDirectory, PortError, PortErrorKind};
use compliance::progress::Progress;
use compliance::settings::Settings;
use compliance::snapshot::{CollectionScope, ObjectRef, Origin, SnapshotManifest, snapshot_id, work_folder};

/// What a collection is planned from.
#[derive(Debug, Clone)]
pub struct PlanInput {
    /// The aggregator's name.
    pub aggregator: String,
    /// The moment the snapshot stands for.
    pub as_of: Timestamp,
    /// What is collected, and of which part of the organization.
    pub origin: Origin,
    /// The user's settings.
    pub settings: Settings,
    /// Annotation files of the newest earlier snapshot of the same origin; empty on a first run.
    pub known_annotations: Vec<KnownAnnotationsFile>,
}

/// An annotation file of an earlier snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAnnotationsFile {
    /// Where it is: the key from the root of the store, not from the snapshot's folder.
    pub object: ObjectRef,
    /// Its first and last account; `None` when not stated, which is taken as all.
    pub accounts: Option<(String, String)>,
}

impl KnownAnnotationsFile {
    /// The annotation files of a snapshot in `folder` (ending in `/`), as its manifest lists them.
    pub fn of(folder: &str, manifest: &SnapshotManifest) -> Vec<Self> {
        let files = manifest
            .files
            .iter()
            .filter(|file| file.path.starts_with("annotations/"));
        files
            .map(|file| Self {
                object: ObjectRef {
                    key: format!("{folder}{}", file.path),
                    sha256: file.sha256.clone(),
                },
                accounts: file.accounts.clone(),
            })
            .collect()
    }
}

/// The plan, stored and in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOutput {
    /// Where the plan is stored.
    pub plan: ObjectRef,
    /// The plan itself.
    pub plan_body: CollectionPlan,
    /// The plan was made by an earlier attempt and is adopted as it stands.
    pub adopted: bool,
}

/// Why a collection could not be planned.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The source, the directory or the store failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The aggregator lists no source account at all, so that nothing could be collected or missed.
    #[error(
        "aggregator {0:?} lists no source account and region: check its sources in the AWS Config console; after a change of the organization they take up to two hours to appear"
    )]
    NoSources(String),
    /// An account that was asked for is neither a source nor of the organization.
    #[error(
        "account {0} is neither a source of the aggregator nor in the organization: check the ids of the scope"
    )]
    UnknownAccount(String),
    /// A region that was asked for is no source.
    #[error("region {0} is no source of the aggregator: check the regions of the scope")]
    UnknownRegion(String),
    /// A working file could not be written as JSON.
    #[error("cannot write {0} as JSON")]
    Encode(&'static str, #[source] serde_json::Error),
}

impl StepError {
    /// The stable code that Retry, Catch and exit codes match.
    pub fn code(&self) -> String {
        match self {
            Self::Port(error) => error.code(),
            Self::NoSources(_) => "Coverage.NoSources".to_owned(),
            Self::UnknownAccount(_) => "Plan.UnknownAccount".to_owned(),
            Self::UnknownRegion(_) => "Plan.UnknownRegion".to_owned(),
            Self::Encode(..) => "Plan.Encode".to_owned(),
        }
    }
}

/// Plans the collection and writes plan and shards under `work/<snapshot id>/`.
///
/// Shards are stored by content; the plan is the one object an attempt is committed by. If an earlier attempt has
/// written it, it is adopted without asking the aggregator again: a second look at a live source differs.
///
/// # Errors
/// [`StepError::Port`] when the aggregator cannot be read or the store written; [`StepError::NoSources`].
/// Organizations that cannot be read are no error: the plan says why in `organizations_gap`.
pub async fn run(
    input: PlanInput,
    source: &impl EvaluationSource,
    directory: &impl OrganizationDirectory,
    store: &impl ObjectStore,
    progress: &dyn Progress,
) -> Result<PlanOutput, StepError> {
    progress.begin("plan", 4);
    let aggregator = source.aggregator(&input.aggregator).await?;
    let id = snapshot_id(&input.origin, input.as_of);
    let key = format!("{}plan.json", work_folder(&id));
    if let Some(bytes) = store.get(&key).await? {
        let sha256 = sha256_hex(&bytes);
        let output = adopt(store, ObjectRef { key, sha256 }).await?;
        progress.finish(&summary(&output.plan_body, 0, "adopted from an earlier attempt"));
        return Ok(output);
    }
    let mut looked = look(&input.aggregator, source, directory, progress).await?;
    let unplaced = scopes::unplaced(&looked.rules, &looked.sources);
    if let Some(scope) = &input.origin.scope {
        check_known(scope, &looked)?;
        looked.narrow(scope);
    }
    let body = plan(&input, aggregator, id, looked, store).await?;
    let output = commit(key, body, store).await?;
    progress.finish(&summary(&output.plan_body, unplaced, "planned"));
    Ok(output)
}

/// What the aggregator and Organizations answered.
struct Looked {
    sources: Vec<SourceStatus>,
    rules: Vec<RuleCompliance>,
    resource_compliance: bool,
    directory: Result<Vec<compliance::organization::Account>, PortError>,
}

impl Looked {
    /// Leaves what is part of the scope.
    fn narrow(&mut self, scope: &CollectionScope) {
        self.sources
            .retain(|source| scope.covers(&source.account_id, &source.aws_region));
        self.rules
            .retain(|rule| scope.covers(&rule.account_id, &rule.aws_region));
    }
}

/// A mistyped account or region must not become a report of nothing.
fn check_known(scope: &CollectionScope, looked: &Looked) -> Result<(), StepError> {
    let listed = looked.directory.as_ref().map_or(&[][..], Vec::as_slice);
    let is_account = |id: &String| {
        let sources = looked.sources.iter().map(|source| &source.account_id);
        sources
            .chain(listed.iter().map(|account| &account.account_id))
            .any(|known| known == id)
    };
    let is_region = |region: &String| looked.sources.iter().any(|source| source.aws_region == *region);
    if let Some(unknown) = scope.accounts.iter().find(|id| !is_account(id)) {
        return Err(StepError::UnknownAccount(unknown.clone()));
    }
    match scope.regions.iter().find(|region| !is_region(region)) {
        Some(unknown) => Err(StepError::UnknownRegion(unknown.clone())),
        None => Ok(()),
    }
}

async fn look(
    aggregator: &str,
    source: &impl EvaluationSource,
    directory: &impl OrganizationDirectory,
    progress: &dyn Progress,
) -> Result<Looked, StepError> {
    let sources = scopes::tidy(source.sources(aggregator).await?);
    progress.advance(1);
    if sources.is_empty() {
        return Err(StepError::NoSources(aggregator.to_owned()));
    }
    let rules = scopes::tidy_rules(source.rules_with_results(aggregator).await?);
    progress.advance(1);
    let resource_compliance = records_resource_compliance(aggregator, source).await?;
    progress.advance(1);
    let directory = directory.accounts().await;
    progress.advance(1);
    Ok(Looked {
        sources,
        rules,
        resource_compliance,
        directory,
    })
}

/// A principal that may not query, or an aggregator that refuses the query, is answered by reading details instead.
async fn records_resource_compliance(
    aggregator: &str,
    source: &impl EvaluationSource,
) -> Result<bool, PortError> {
    match source.records_resource_compliance(aggregator).await {
        Err(error)
            if matches!(
                error.kind,
                PortErrorKind::AccessDenied | PortErrorKind::InvalidRequest
            ) =>
        {
            Ok(false)
        }
        answer => answer,
    }
}

async fn plan(
    input: &PlanInput,
    aggregator: Aggregator,
    id: String,
    looked: Looked,
    store: &impl ObjectStore,
) -> Result<CollectionPlan, StepError> {
    let planned_calls = planned_calls(looked.sources.len(), looked.rules.len());
    let expected = expectations::expect(input, &aggregator, &looked.sources, looked.directory);
    let scopes = scopes::plan(looked.sources, &expected);
    let made = shards::make(
        &shards::Common {
            snapshot_id: &id,
            aggregator: &input.aggregator,
            resource_compliance: looked.resource_compliance,
            rule_inventory: input.settings.collection.rule_inventory_role.is_some(),
            accounts_per_shard: input.settings.collection.accounts_per_shard,
            calls_per_shard: input.settings.collection.calls_per_shard(),
            known_annotations: &input.known_annotations,
        },
        scopes,
        looked.rules,
    );
    let mut shards = Vec::with_capacity(made.len());
    for shard in &made {
        shards.push(shards::store(shard, store).await?);
    }
    Ok(CollectionPlan {
        snapshot_id: id,
        as_of: input.as_of,
        origin: input.origin.clone(),
        aggregator,
        accounts: expected.accounts,
        expectation: expected.expectation,
        organizations_gap: expected.organizations_gap,
        expected_accounts: expected.expected_accounts,
        unexpected_accounts: expected.unexpected_accounts,
        expected_regions: expected.expected_regions,
        regions_skipped: expected.regions_skipped,
        shards,
        planned_calls,
    })
}

/// Terms 1 and 2 of the call plan, and the look at ResourceCompliance. An empty listing takes a call, too.
fn planned_calls(sources: usize, rules: usize) -> u64 {
    let pages = |rows: usize, page: usize| rows.div_ceil(page).max(1) as u64;
    pages(sources, 100) + pages(rules, 1_000) + 1
}

async fn commit(
    key: String,
    body: CollectionPlan,
    store: &impl ObjectStore,
) -> Result<PlanOutput, StepError> {
    let bytes = canonical_json(&body).map_err(|error| StepError::Encode("the plan", error))?;
    let stands = objects::put_or_adopt(store, &key, &bytes).await?;
    if stands.sha256 != sha256_hex(&bytes) {
        return adopt(store, stands).await;
    }
    Ok(PlanOutput {
        plan: stands,
        plan_body: body,
        adopted: false,
    })
}

async fn adopt(store: &impl ObjectStore, plan: ObjectRef) -> Result<PlanOutput, StepError> {
    Ok(PlanOutput {
        plan_body: objects::read_json(store, &plan).await?,
        plan,
        adopted: true,
    })
}

fn summary(plan: &CollectionPlan, unplaced: u64, how: &str) -> String {
    use compliance::text::plural;
    let mut text = format!(
        "{how}: {} expected, {} of work",
        plural(plan.expected_accounts.len() as u64, "account", "accounts"),
        plural(plan.shards.len() as u64, "shard", "shards"),
    );
    if unplaced > 0 {
        text.push_str("; ");
        text.push_str(&plural(unplaced, "rule", "rules"));
        text.push_str(" of accounts or regions that are no source any more left out");
    }
    text
}

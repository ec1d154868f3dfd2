//! Annotations known from an earlier snapshot, and when they may be reused.

use std::collections::HashMap;

use compliance::collection::Shard;
use compliance::evaluation::{ComplianceType, EvaluationResult};
use compliance::objects;
use compliance::ports::{ObjectStore, PortError, PortErrorKind};
use compliance::snapshot::KnownAnnotation;

/// (account, region, rule, resource type, resource id).
type Pair = (String, String, String, String, String);

/// Known annotations by pair.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<Pair, KnownAnnotation>);

/// Reads the annotation files of the shard. One that is damaged or gone is left out: its annotations are asked for
/// again, which costs calls and nothing else.
pub(crate) async fn read(shard: &Shard, store: &impl ObjectStore) -> Result<Known, PortError> {
    let mut known = HashMap::new();
    for reference in &shard.known_annotations {
        let annotations: Vec<KnownAnnotation> = match objects::read_json(store, reference).await {
            Err(error) if matches!(error.kind, PortErrorKind::Damaged | PortErrorKind::NotFound) => continue,
            annotations => annotations?,
        };
        known.extend(annotations.into_iter().map(|known| (pair(&known), known)));
    }
    Ok(Known(known))
}

fn pair(known: &KnownAnnotation) -> Pair {
    (
        known.account_id.clone(),
        known.aws_region.clone(),
        known.config_rule_name.clone(),
        known.resource_type.clone(),
        known.resource_id.clone(),
    )
}

impl Known {
    /// What is known of a noncompliant result, if its item was captured at the very time the annotation was read at.
    pub(crate) fn of(&self, result: &EvaluationResult) -> Option<&KnownAnnotation> {
        if result.compliance_type != ComplianceType::NonCompliant {
            return None;
        }
        let key = (
            result.account_id.clone(),
            result.aws_region.clone(),
            result.config_rule_name.clone(),
            result.resource_type.clone(),
            result.resource_id.clone(),
        );
        let known = self.0.get(&key)?;
        (Some(known.configuration_item_capture_time) == result.configuration_item_capture_time)
            .then_some(known)
    }

    /// Fills in what is known of a result; whether anything was.
    pub(crate) fn reuse(&self, result: &mut EvaluationResult) -> bool {
        let Some(known) = self.of(result) else {
            return false;
        };
        result.annotation.clone_from(&known.annotation);
        result.result_recorded_time = known.result_recorded_time;
        result.config_rule_invoked_time = known.config_rule_invoked_time;
        result.annotation_reused = true;
        true
    }
}

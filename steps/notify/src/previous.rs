//! What became of the delivery of the report before, where that is worth a word in this one.

use compliance::artifact::BundleManifest;
use compliance::delivery::record::{self, Fallback, RouteDelivery, RouteState, RunDelivery};
use compliance::ports::{ObjectStore, PortError};

/// Routes named; the record has all.
const NAMED: usize = 3;

/// One sentence for each route of the report before that did not get everything; none when all did.
///
/// # Errors
/// The store's own, when it is out of reach. A record that is damaged is said to be.
pub(crate) async fn sentences(
    manifest: &BundleManifest,
    store: &impl ObjectStore,
) -> Result<Vec<String>, PortError> {
    let Some(predecessor) = &manifest.inputs.predecessor else {
        return Ok(Vec::new());
    };
    let run_id = &predecessor.run_id;
    let newest = match RunDelivery::newest(run_id, store).await {
        Err(error) if error.is_of_the_object() => {
            return Ok(vec![format!(
                "The record of the delivery before ({run_id}) cannot be read."
            )]);
        }
        newest => newest?,
    };
    let Some(delivery) = newest else {
        // A report that nobody was to be told of has no records at all.
        let begun = !store.list(&record::folder(run_id)).await?.is_empty();
        let sentence = format!("The delivery before ({run_id}) did not come to its end.");
        return Ok(if begun { vec![sentence] } else { Vec::new() });
    };
    let mut sentences: Vec<String> = delivery.routes.iter().filter_map(sentence).collect();
    let left_out = sentences.len().saturating_sub(NAMED);
    sentences.truncate(NAMED);
    if left_out > 0 {
        sentences.push(format!(
            "{left_out} more routes did not get everything; see the record of {run_id}."
        ));
    }
    Ok(sentences)
}

fn sentence(route: &RouteDelivery) -> Option<String> {
    let what = match route.state {
        RouteState::Delivered | RouteState::NothingToTell => return None,
        RouteState::Failed => "failed",
        RouteState::Ambiguous => "may not have arrived",
        RouteState::Unfinished => "did not come to its end",
    };
    let codes = route.failed.values().map(|failure| failure.message.as_str());
    let reason = codes.chain(route.ambiguous.values().map(String::as_str)).next();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let instead = match &route.fallback {
        Some(Fallback::Sent { .. }) => "; the topic for failures was told",
        Some(Fallback::Failed(_)) => "; the topic for failures was not told either",
        None => "",
    };
    Some(format!(
        "The delivery before to {} ({}) {what}{reason}{instead}.",
        route.route, route.to
    ))
}

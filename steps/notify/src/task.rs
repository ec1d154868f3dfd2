//! The Notify task of the workflow.

use compliance::failure::TaskError;
use compliance::objects;
use compliance::ports::ObjectStore;
use compliance::workflow::{Notified, NotifyTask};
use serde_json::{Value, json};

/// Writes what would be sent of the task's bundle: `deliveries/<run id>/digest.json`, outside of what a run writes.
///
/// # Errors
/// `Notify.NoDigest` when the bundle has no digest; the stores' own.
pub async fn run(
    task: &NotifyTask,
    reports: &impl ObjectStore,
    bucket: &impl ObjectStore,
) -> Result<Notified, TaskError> {
    let key = format!("{}digest.json", task.folder);
    let bytes = reports.get(&key).await?.ok_or_else(|| {
        let message = format!(
            "the bundle {} has no digest.json, so there is nothing to send",
            task.run_id
        );
        TaskError::new("Notify.NoDigest", message)
    })?;
    let digest: Value = objects::parse_json(&key, &bytes)?;
    let delivery = json!({
        "schema": 1,
        "run_id": task.run_id,
        "manifest_sha256": task.manifest.sha256,
        "sent": false,
        "reason": "delivery is not built yet: this is what would be sent",
        "digest": digest,
    });
    let key = format!("deliveries/{}/digest.json", task.run_id);
    Ok(Notified {
        delivery: objects::put_json(bucket, &key, &delivery).await?,
    })
}

//! The score-compliance function.

use compliance::workflow::ScoreTask;
use score_compliance::task;
use step_runtime::{Cost, Error, Lambda, Metric, Unit, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("score-compliance", async |task: ScoreTask, lambda: &Lambda| {
        let (scored, scorecard) = task::run(&task, &lambda.store, &lambda.progress).await?;
        if let Some(share) = scorecard.context.coverage.share() {
            let metric = Metric::new("Coverage", Unit::Percent, share * 100.0);
            lambda.measure(&[("Kind", task.kind.as_str())], &[metric]);
        }
        for account in &scorecard.accounts {
            if let Some(score) = account.scores.compliance_score {
                let metric = Metric::new("ComplianceScore", Unit::Percent, score * 100.0);
                lambda.measure(&[("AccountId", &account.account_id)], &[metric]);
            }
        }
        lambda
            .record(&task.execution, "score", "score", Cost::default())
            .await?;
        Ok(scored)
    })
    .await
}

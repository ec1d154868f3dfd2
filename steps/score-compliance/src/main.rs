//! The score-compliance function.

use compliance::scorecard::Scorecard;
use compliance::workflow::ScoreTask;
use score_compliance::task;
use step_runtime::{Cost, Environment, Error, Lambda, Metric, Unit, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve("score-compliance", async |task: ScoreTask, lambda: &Lambda| {
        let (scored, scorecard) = task::run(&task, &lambda.store, &lambda.progress).await?;
        measure(&scorecard, lambda);
        lambda
            .record(&task.execution, "score", "score", Cost::default())
            .await?;
        Ok(scored)
    })
    .await
}

/// Coverage and score of the organization, and the score of each account, which is a metric of its own for each: where
/// there are thousands of accounts, `PLUMBLINE_ACCOUNT_METRICS=OFF` goes without (docs/cost.md).
fn measure(scorecard: &Scorecard, lambda: &Lambda) {
    let kind = &[("Kind", scorecard.kind.as_str())];
    let percent = |name, share: f64| Metric::new(name, Unit::Percent, share * 100.0);
    if let Some(share) = scorecard.context.coverage.share() {
        lambda.measure(kind, &[percent("Coverage", share)]);
    }
    if let Some(score) = scorecard.organization.compliance_score {
        lambda.measure(kind, &[percent("ComplianceScore", score)]);
    }
    if Environment::optional("PLUMBLINE_ACCOUNT_METRICS").as_deref() == Some("OFF") {
        return;
    }
    for account in &scorecard.accounts {
        if let Some(score) = account.scores.compliance_score {
            lambda.measure(
                &[("AccountId", &account.account_id)],
                &[percent("ComplianceScore", score)],
            );
        }
    }
}

//! A function's environment, read once. No secret is in it.

use std::collections::BTreeMap;

use aws::LockMode;
use compliance::failure::TaskError;
use compliance::report::ReportKind;

/// What the template sets for every function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The evidence bucket.
    pub bucket: String,
    /// What a run writes lies under this prefix, which ends in `/`.
    pub prefix: String,
    /// The KMS key that objects are encrypted with; the bucket's own choice when absent.
    pub kms_key_arn: Option<String>,
    /// The namespace of metrics.
    pub metrics_namespace: String,
}

/// How sealed reports are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionSettings {
    /// How firmly.
    pub mode: LockMode,
    /// Days by kind of report; 0 or none: not kept.
    pub days: BTreeMap<ReportKind, u32>,
}

impl Environment {
    /// `PLUMBLINE_RETENTION_DAYS`, a JSON object of days by kind, and `PLUMBLINE_LOCK_MODE`.
    ///
    /// # Errors
    /// `Step.Environment` when one of them is neither.
    pub fn retention() -> Result<RetentionSettings, TaskError> {
        let bad = |name: &str, remedy: &str| {
            TaskError::new(
                "Step.Environment",
                format!("{name} cannot be used: set it to {remedy}, as the template does"),
            )
        };
        let mode = match Self::optional("PLUMBLINE_LOCK_MODE").as_deref() {
            None | Some("GOVERNANCE") => LockMode::Governance,
            Some("COMPLIANCE") => LockMode::Compliance,
            Some(_) => return Err(bad("PLUMBLINE_LOCK_MODE", "GOVERNANCE or COMPLIANCE")),
        };
        let days = Self::optional("PLUMBLINE_RETENTION_DAYS").unwrap_or_else(|| "{}".to_owned());
        let days = serde_json::from_str(&days)
            .map_err(|_| bad("PLUMBLINE_RETENTION_DAYS", "{\"daily\": 1095} and so on"))?;
        Ok(RetentionSettings { mode, days })
    }

    /// Reads it.
    ///
    /// # Errors
    /// `Step.Environment` naming the variable that is missing.
    pub fn read() -> Result<Self, TaskError> {
        Ok(Self {
            bucket: Self::required("PLUMBLINE_BUCKET")?,
            prefix: Self::optional("PLUMBLINE_PREFIX").unwrap_or_else(|| "reports/".to_owned()),
            kms_key_arn: Self::optional("PLUMBLINE_KMS_KEY_ARN"),
            metrics_namespace: Self::optional("PLUMBLINE_METRICS_NAMESPACE")
                .unwrap_or_else(|| "Plumbline".to_owned()),
        })
    }

    /// A variable of one function.
    ///
    /// # Errors
    /// `Step.Environment` when it is missing or empty.
    pub fn required(name: &str) -> Result<String, TaskError> {
        Self::optional(name).ok_or_else(|| {
            let message =
                format!("the environment has no {name}: set it on the function, as the template does");
            TaskError::new("Step.Environment", message)
        })
    }

    /// A variable of one function that may be missing; an empty one is.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the edge where the environment is read"
    )]
    pub fn optional(name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// A whole number of one function, 1 or more.
    ///
    /// # Errors
    /// `Step.Environment` when it is none.
    pub fn number(name: &str, default: u32) -> Result<u32, TaskError> {
        let Some(text) = Self::optional(name) else {
            return Ok(default);
        };
        text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
            let message = format!("{name} is {text:?}; set it to a whole number, 1 or more");
            TaskError::new("Step.Environment", message)
        })
    }
}

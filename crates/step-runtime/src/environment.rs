//! A function's environment, read once. No secret is in it.

use compliance::failure::TaskError;

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

impl Environment {
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

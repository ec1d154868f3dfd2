//! What went wrong with a call, and what it is called in our words.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_config::config::http::HttpResponse;
use aws_sdk_config::error::{ProvideErrorMetadata, SdkError};
use compliance::ports::{PortError, PortErrorKind};

/// A call that failed, with what AWS said of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: PortErrorKind,
    pub(crate) retryable: bool,
    /// AWS's error code, where it gave one.
    pub(crate) code: Option<String>,
    operation: &'static str,
    message: Option<String>,
    attempts: u32,
    source: Box<dyn Error + Send + Sync>,
}

const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KMSThrottling",
    "KMSThrottlingException",
    "KmsThrottled",
    "KmsThrottlingException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];
/// The two of S3 say that another writer is at work on the same object.
const UNAVAILABLE: &[&str] = &[
    "ConditionalRequestConflict",
    "InternalError",
    "InternalFailure",
    "InternalFailureException",
    "InternalServerError",
    "InternalServerException",
    "OperationAborted",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionInProgressException",
];
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "DecryptionFailure",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "KmsAccessDenied",
    "KmsAccessDeniedException",
    "NotAuthorized",
    "OrganizationAccessDeniedException",
    "UnauthorizedOperation",
];
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Services that are asked at the rate of the settings.
const HAS_A_RATE: &[&str] = &["Aws", "Config", "Organizations"];

/// Codes of what is not there, beside those that end or begin so; a bucket of another region among them.
const ELSEWHERE: &[&str] = &[
    "AWS.SimpleQueueService.NonExistentQueue",
    "AWSOrganizationsNotInUseException",
    "AuthorizationHeaderMalformed",
    "NotFound",
    "PermanentRedirect",
];

/// Codes of credentials that were good before.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

impl Failure {
    /// Reads an SDK error: what kind it is and whether another attempt may help.
    pub(crate) fn of<E>(operation: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error
            .raw_response()
            .map(|response: &HttpResponse| response.status().as_u16());
        let (code, message) = match &error {
            SdkError::ServiceError(service) => {
                let metadata = service.err().meta();
                (
                    metadata.code().map(str::to_owned),
                    metadata.message().map(str::to_owned),
                )
            }
            _ => (None, None),
        };
        let (kind, retryable) = classify(&error, code.as_deref(), status);
        Self {
            kind,
            retryable,
            code,
            operation,
            message,
            attempts: 1,
            source: Box::new(error),
        }
    }

    /// An answer that came and is refused.
    pub(crate) fn refused(operation: &'static str, problem: &str) -> Self {
        Self {
            kind: PortErrorKind::InvalidAnswer,
            retryable: false,
            code: None,
            operation,
            message: None,
            attempts: 1,
            source: problem.into(),
        }
    }

    /// The SDK's own error.
    pub(crate) fn into_source(self) -> Box<dyn Error + Send + Sync> {
        self.source
    }

    /// The same, after this many attempts in all.
    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    pub(crate) fn is_throttling(&self) -> bool {
        self.kind == PortErrorKind::Throttled
    }

    /// The credentials ran out; others may do.
    pub(crate) fn is_expired(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        EXPIRED.contains(&code)
    }

    /// As an error of a port: what could not be done (`doing`, such as `cannot list the sources of aggregator
    /// "x"`), what AWS said, and the remedy. `action` is the IAM action the call needs.
    pub(crate) fn port_error(self, service: &'static str, doing: &str, action: &str) -> PortError {
        let said = self.said();
        let remedy = self.remedy(service, action);
        PortError::new(service, self.kind, format!("{doing}: {said}; {remedy}")).with_source(self.source)
    }

    fn said(&self) -> String {
        let attempts = match self.attempts {
            1 => String::new(),
            attempts => format!(" after {attempts} attempts"),
        };
        let operation = self.operation;
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => format!("{operation} answered {code}{attempts} ({message})"),
            (Some(code), None) => format!("{operation} answered {code}{attempts}"),
            (None, _) if self.kind == PortErrorKind::Credentials => {
                format!("{operation} had no credentials to sign with")
            }
            (None, _) if self.kind == PortErrorKind::InvalidAnswer => {
                format!("{operation} gave an answer that cannot be read{attempts}")
            }
            (None, _) if self.kind == PortErrorKind::InvalidRequest => {
                format!("{operation} could not be sent")
            }
            (None, _) => format!("{operation} gave no answer{attempts}"),
        }
    }

    fn remedy(&self, service: &str, action: &str) -> String {
        match self.kind {
            PortErrorKind::Throttled if !HAS_A_RATE.contains(&service) => {
                "it is asked too often at present; run again in some minutes".to_owned()
            }
            PortErrorKind::Throttled => {
                "lower collection.requests_per_second in the settings, or run when nothing else asks this service".to_owned()
            }
            PortErrorKind::AccessDenied => format!("allow {action} for the principal named, then run again"),
            PortErrorKind::Credentials => {
                "run `aws sso login`, set --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then run again".to_owned()
            }
            PortErrorKind::NotFound => "check its name, --profile and --region".to_owned(),
            PortErrorKind::InvalidAnswer => "run again; if it stays, report it with this message".to_owned(),
            PortErrorKind::InvalidRequest => "check --region and the settings, then run again".to_owned(),
            PortErrorKind::Unavailable | PortErrorKind::Damaged | PortErrorKind::Storage => {
                "check the network and the region, then run again".to_owned()
            }
        }
    }
}

fn classify<E>(error: &SdkError<E>, code: Option<&str>, status: Option<u16>) -> (PortErrorKind, bool)
where
    E: Error + 'static,
{
    use PortErrorKind as Kind;
    match error {
        // Not an error of the service, but an answer that the SDK could not take for what it should be.
        SdkError::ServiceError(_) if code.is_none() && matches!(status, Some(200..=299)) => {
            (Kind::InvalidAnswer, true)
        }
        SdkError::ServiceError(_) => by_code(code.unwrap_or_default(), status),
        SdkError::TimeoutError(_) => (Kind::Unavailable, true),
        SdkError::ResponseError(_) => by_status(status).unwrap_or((Kind::InvalidAnswer, true)),
        SdkError::ConstructionFailure(_) if !lacks_credentials(error) => (Kind::InvalidRequest, false),
        _ if lacks_credentials(error) => (Kind::Credentials, false),
        _ => (Kind::Unavailable, true),
    }
}

fn by_code(code: &str, status: Option<u16>) -> (PortErrorKind, bool) {
    use PortErrorKind as Kind;
    let listed = |codes: &[&str]| codes.binary_search(&code).is_ok();
    if listed(THROTTLING) {
        return (Kind::Throttled, true);
    }
    if listed(UNAVAILABLE) {
        return (Kind::Unavailable, true);
    }
    if listed(DENIED) {
        return (Kind::AccessDenied, false);
    }
    if listed(CREDENTIALS) {
        return (Kind::Credentials, false);
    }
    if code.starts_with("NoSuch")
        || code.ends_with("NotFoundException")
        || code.ends_with("DoesNotExist")
        || ELSEWHERE.contains(&code)
    {
        return (Kind::NotFound, false);
    }
    by_status(status).unwrap_or((Kind::InvalidRequest, false))
}

fn by_status(status: Option<u16>) -> Option<(PortErrorKind, bool)> {
    match status? {
        429 => Some((PortErrorKind::Throttled, true)),
        500.. => Some((PortErrorKind::Unavailable, true)),
        _ => None,
    }
}

/// Whether a provider of credentials is at the root of it: the SDK signs late, so this looks like a failed dispatch.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<CredentialsError>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_for_binary_search() {
        for codes in [THROTTLING, UNAVAILABLE, DENIED, CREDENTIALS] {
            assert!(codes.is_sorted(), "{codes:?}");
        }
    }

    #[test]
    fn codes_and_status_say_what_may_be_retried() {
        use PortErrorKind as Kind;
        let check =
            |code, status, expected| assert_eq!(by_code(code, Some(status)), expected, "{code} {status}");
        check("ThrottlingException", 400, (Kind::Throttled, true));
        check("", 429, (Kind::Throttled, true));
        check("InternalFailure", 500, (Kind::Unavailable, true));
        check("Whatever", 503, (Kind::Unavailable, true));
        check("AccessDeniedException", 400, (Kind::AccessDenied, false));
        check(
            "NoSuchConfigurationAggregatorException",
            400,
            (Kind::NotFound, false),
        );
        check("ValidationException", 400, (Kind::InvalidRequest, false));
        check("ExpiredTokenException", 400, (Kind::Credentials, false));
        check("SlowDown", 503, (Kind::Throttled, true));
        check("ConditionalRequestConflict", 409, (Kind::Unavailable, true));
        check(
            "ProvisionedThroughputExceededException",
            400,
            (Kind::Throttled, true),
        );
        check(
            "AWS.SimpleQueueService.NonExistentQueue",
            400,
            (Kind::NotFound, false),
        );
        check("NoSuchBucket", 404, (Kind::NotFound, false));
        check("PermanentRedirect", 301, (Kind::NotFound, false));
        check("ExecutionDoesNotExist", 400, (Kind::NotFound, false));
        check("PreconditionFailed", 412, (Kind::InvalidRequest, false));
    }
}

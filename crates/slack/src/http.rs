//! The thin edge: HTTPS out, or HTTP to this machine.

use std::sync::Arc;
use std::time::Duration;

use compliance::ports::{ChatError, ChatErrorKind};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

use crate::answer::{Answer, error};

/// The most of an answer that is read: a page of a channel's history is the largest.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Bytes a second that the slowest line sends. Messages are smaller than this, so it gives time to files only.
const SLOWEST: usize = 128 * 1024;

/// Where Slack is and how long it is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    /// The Web API; `https`, or `http` to this machine's loopback.
    pub api: String,
    /// How long one call may take, beside the time to send a file.
    pub timeout: Duration,
}

impl Default for SlackSettings {
    fn default() -> Self {
        Self {
            api: "https://slack.com/api".to_owned(),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not a place that secrets may be sent to.
    #[error("the address of Slack's API must begin with https://, or name this machine's loopback")]
    Address,
    /// The machine has no certificates to trust.
    #[error("the certificates that this machine trusts cannot be read; install ca-certificates")]
    Certificates(#[source] std::io::Error),
    /// The build has no TLS that is safe.
    #[error("this build of Plumbline has no TLS 1.2 or newer, which is a defect: report it")]
    Tls(#[source] rustls::Error),
}

/// Slack.
#[derive(Debug, Clone)]
pub struct Slack {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    pub(crate) api: String,
    timeout: Duration,
    /// The API itself is on this machine: then what it refers to may be, too.
    on_loopback: bool,
}

/// What is sent.
pub(crate) struct Sent<'a> {
    /// For errors: `post a message`.
    pub(crate) doing: &'a str,
    pub(crate) url: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Slack {
    /// A client, TLS 1.2 and newer.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn new(settings: &SlackSettings) -> Result<Self, SetupError> {
        let on_loopback = is_loopback(&settings.api);
        if !on_loopback && !settings.api.starts_with("https://") {
            return Err(SetupError::Address);
        }
        let builder = HttpsConnectorBuilder::new().with_tls_config(trust(on_loopback)?);
        let connector = if on_loopback {
            builder.https_or_http().enable_http1().build()
        } else {
            builder.https_only().enable_http1().build()
        };
        // A connection kept over a frozen function is often dead, and a message lost in it is an ambiguous one.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self {
            client,
            api: settings.api.trim_end_matches('/').to_owned(),
            timeout: settings.timeout,
            on_loopback,
        })
    }

    /// Sends once. No error holds the URL, which may be a secret.
    pub(crate) async fn once(&self, sent: Sent<'_>) -> Result<Answer, ChatError> {
        let doing = sent.doing;
        let patience = self.timeout + Duration::from_secs((sent.body.len() / SLOWEST) as u64);
        let request = self
            .request(sent)
            .ok_or_else(|| error(ChatErrorKind::Refused, doing, "bad_address", None))?;
        let answer = tokio::time::timeout(patience, self.exchange(request));
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kind)) => {
                let reason = if kind == ChatErrorKind::Unreached {
                    "not_reached"
                } else {
                    "cut_off"
                };
                Err(error(kind, doing, reason, None))
            }
            Err(_) => Err(error(ChatErrorKind::Unanswered, doing, "timeout", None)),
        }
    }

    fn request(&self, sent: Sent<'_>) -> Option<Request<Full<Bytes>>> {
        let uri: Uri = sent.url.parse().ok()?;
        let safe = uri.scheme_str() == Some("https") || (self.on_loopback && is_loopback(sent.url));
        let builder = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(CONTENT_TYPE, sent.content_type)
            .header(USER_AGENT, concat!("plumbline/", env!("CARGO_PKG_VERSION")));
        let builder = match sent.token {
            Some(token) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
                value.set_sensitive(true);
                builder.header(AUTHORIZATION, value)
            }
            None => builder,
        };
        let request = builder.body(Full::new(Bytes::from(sent.body))).ok()?;
        safe.then_some(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ChatErrorKind> {
        let response = self.client.request(request).await.map_err(|error| {
            // Until there is a connection nothing can have arrived.
            if error.is_connect() {
                ChatErrorKind::Unreached
            } else {
                ChatErrorKind::Unanswered
            }
        })?;
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = Limited::new(body, LARGEST_ANSWER).collect().await;
        let body = body.map_err(|_| ChatErrorKind::Unanswered)?.to_bytes();
        Ok(Answer {
            status: head.status.as_u16(),
            retry_after,
            body: body.to_vec(),
        })
    }
}

/// Whom to trust: those whom the machine trusts; nobody, where everything is on this machine.
fn trust(on_loopback: bool) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Tls)?;
    let builder = if on_loopback {
        builder.with_root_certificates(RootCertStore::empty())
    } else {
        builder.with_native_roots().map_err(SetupError::Certificates)?
    };
    Ok(builder.with_no_client_auth())
}

/// Plain HTTP to this machine.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    uri.scheme_str() == Some("http") && ["127.0.0.1", "[::1]", "localhost"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_to_https_or_to_this_machine_only() {
        let check = |api: &str, allowed: bool| {
            let settings = SlackSettings {
                api: api.to_owned(),
                ..SlackSettings::default()
            };
            assert_eq!(Slack::new(&settings).is_ok(), allowed, "{api}");
        };
        check("https://slack.com/api", true);
        check("http://127.0.0.1:8080/api", true);
        check("http://slack.com/api", false);
        check("http://127.0.0.1.evil.example/api", false);
        check("http://127.0.0.1@evil.example/api", false);
    }
}

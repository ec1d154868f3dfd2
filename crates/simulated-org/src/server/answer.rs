//! Answers on the wire.

use serde_json::{Value, json};

/// An error as AWS answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The error's shape name, such as `ThrottlingException`.
    pub code: String,
    /// The message.
    pub message: String,
}

impl ErrorAnswer {
    /// An error of any status.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
        }
    }

    /// HTTP 400, as most errors of awsJson1_1 are.
    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }
}

/// An answer ready for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: &'static str,
    /// The error's code, for the header that clients read before the body.
    pub(super) error: Option<String>,
    pub(super) body: Vec<u8>,
}

const JSON: &str = "application/x-amz-json-1.1";
const XML: &str = "text/xml";

pub(super) fn json(outcome: Result<Value, ErrorAnswer>) -> Answer {
    match outcome {
        Ok(body) => Answer {
            status: 200,
            media_type: JSON,
            error: None,
            body: body.to_string().into_bytes(),
        },
        Err(error) => Answer {
            status: error.status,
            media_type: JSON,
            body: json!({"__type": error.code, "message": error.message})
                .to_string()
                .into_bytes(),
            error: Some(error.code),
        },
    }
}

pub(super) fn xml(outcome: Result<String, ErrorAnswer>) -> Answer {
    match outcome {
        Ok(body) => Answer {
            status: 200,
            media_type: XML,
            error: None,
            body: body.into_bytes(),
        },
        Err(error) => Answer {
            status: error.status,
            media_type: XML,
            body: format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{}</Code><Message>{}</Message></Error></ErrorResponse>",
                escape(&error.code),
                escape(&error.message)
            )
            .into_bytes(),
            error: None,
        },
    }
}

/// Text of an XML element.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

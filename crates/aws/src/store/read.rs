//! Reading what S3 answers: whole bodies and pages of keys.

use aws_sdk_config::config::http::HttpResponse;
use aws_sdk_config::error::{BoxError, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_smithy_types::body::SdkBody;
use compliance::ports::{PortError, PortErrorKind, check_key};

use super::SERVICE;
use crate::list::Page;

/// Room made before the first byte is there; what is announced is not always sent.
const ROOM: usize = 64 * 1024 * 1024;

/// The whole body of an object, held against its checksum and length.
pub(super) async fn whole(answer: GetObjectOutput) -> Result<Vec<u8>, SdkError<GetObjectError>> {
    let announced = answer
        .content_length
        .and_then(|length| usize::try_from(length).ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(ROOM));
    let mut body = answer.body;
    loop {
        match body.next().await {
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            // All of it came, and is not what its checksum says.
            Some(Err(error)) if announced == Some(bytes.len()) => return Err(unreadable(error)),
            Some(Err(error)) => return Err(SdkError::timeout_error(error)),
            None if announced.is_none_or(|announced| announced == bytes.len()) => return Ok(bytes),
            None => return Err(unreadable("the body has another length than was announced")),
        }
    }
}

fn unreadable(problem: impl Into<BoxError>) -> SdkError<GetObjectError> {
    match 200.try_into() {
        Ok(status) => SdkError::response_error(problem, HttpResponse::new(status, SdkBody::empty())),
        Err(_) => SdkError::timeout_error(problem),
    }
}

/// The keys of a page without the store's prefix. What a console leaves as a folder is no object of ours.
pub(super) fn page(prefix: &str, answer: ListObjectsV2Output) -> Result<Page<String>, PortError> {
    let token = answer.next_continuation_token.filter(|token| !token.is_empty());
    if answer.is_truncated == Some(true) && token.is_none() {
        return Err(PortError::new(
            SERVICE,
            PortErrorKind::InvalidAnswer,
            "ListObjectsV2 said that there is more, and not where; run again, and if it stays, report it",
        ));
    }
    let keys = answer.contents.unwrap_or_default().into_iter();
    let keys = keys.filter_map(|object| Some(object.key?.strip_prefix(prefix)?.to_owned()));
    Ok(Page {
        rows: keys.filter(|key| check_key(key).is_ok()).collect(),
        token,
    })
}

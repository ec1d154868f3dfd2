//! Write-once objects in an S3 bucket.

use std::fmt;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::types as sdk;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use compliance::ports::{Clock, ObjectStore, PortError, PortErrorKind, Put, check_key};

use crate::caller::Caller;
use crate::failure::Failure;
use crate::list::Listing;
use crate::whole::WholeAnswers;

mod parts;
mod read;

const SERVICE: &str = "Store";
/// Larger bodies go in parts: S3 takes 5 GB at once, and a part that fails is sent again alone.
const IN_PARTS_OVER: usize = 100 * 1024 * 1024;
const PART: usize = 16 * 1024 * 1024;

/// Where in S3 objects lie, and how they are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// The bucket.
    pub bucket: String,
    /// What every key begins with there, ending in `/`; empty for the whole bucket.
    pub prefix: String,
    /// The KMS key that encrypts what is put; the bucket's own default when absent.
    pub kms_key_arn: Option<String>,
}

/// How firmly an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Who has a special permission may end it.
    Governance,
    /// Nobody may end it before its time.
    Compliance,
}

/// An object store in a bucket. Puts are conditional (`If-None-Match: *`), so that the first writer wins among any number
/// of processes, and carry their SHA-256, which S3 holds them against; what is read is held against it again.
#[derive(Debug, Clone)]
pub struct S3ObjectStore {
    client: Client,
    caller: Arc<Caller>,
    settings: BucketSettings,
    retention: Option<Retention>,
    parts: Parts,
}

/// Which bodies go in parts, and of what size, in bytes.
#[derive(Debug, Clone, Copy)]
struct Parts {
    over: usize,
    of: usize,
}

#[derive(Clone)]
struct Retention {
    mode: LockMode,
    days: u32,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} for {} days", self.mode, self.days)
    }
}

/// How one object is put.
#[derive(Debug, Clone)]
struct Object {
    key: String,
    content_type: &'static str,
    encryption: Option<sdk::ServerSideEncryption>,
    kms_key: Option<String>,
    /// One data key of the bucket, not a call of KMS for each object.
    bucket_key: Option<bool>,
    lock: Option<sdk::ObjectLockMode>,
    until: Option<DateTime>,
}

impl S3ObjectStore {
    pub(crate) fn new(
        client: Client,
        caller: Arc<Caller>,
        settings: BucketSettings,
    ) -> Result<Self, PortError> {
        let prefix = &settings.prefix;
        if !prefix.is_empty() {
            let folder = prefix.strip_suffix('/').ok_or_else(|| no_prefix(prefix))?;
            check_key(folder).map_err(|_| no_prefix(prefix))?;
        }
        Ok(Self {
            client,
            caller,
            settings,
            retention: None,
            parts: Parts {
                over: IN_PARTS_OVER,
                of: PART,
            },
        })
    }

    /// The same store, but what it puts is locked (S3 Object Lock) for so many days from the put on. The bucket must
    /// have Object Lock, else its puts fail.
    #[must_use]
    pub fn with_retention(mut self, mode: LockMode, days: u32, clock: Arc<dyn Clock>) -> Self {
        self.retention = Some(Retention { mode, days, clock });
        self
    }

    /// The same store, but bodies over so many bytes go in parts of so many bytes (AWS takes no less than 5 MiB but for
    /// the last). By default, what is over 100 MiB goes in parts of 16 MiB.
    #[must_use]
    pub fn with_parts(mut self, over: usize, of: usize) -> Self {
        self.parts = Parts { over, of: of.max(1) };
        self
    }

    /// The place of a key, as people write it: `s3://bucket/reports/key`.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.settings.bucket, self.settings.prefix)
    }

    fn full_key(&self, key: &str) -> Result<String, PortError> {
        check_key(key)?;
        Ok(format!("{}{key}", self.settings.prefix))
    }

    fn object(&self, key: &str) -> Result<Object, PortError> {
        let kms_key = self.settings.kms_key_arn.clone();
        let (lock, until) = self.retention.as_ref().map(Retention::until).unzip();
        Ok(Object {
            content_type: content_type(key),
            encryption: kms_key.as_ref().map(|_| sdk::ServerSideEncryption::AwsKms),
            bucket_key: kms_key.as_ref().map(|_| true),
            kms_key,
            lock,
            until,
            key: self.full_key(key)?,
        })
    }

    async fn put_whole(&self, object: &Object, bytes: &[u8]) -> Result<Put, Failure> {
        let body = SdkBody::from(bytes.to_vec());
        let attempt = || {
            // Bytes in memory are shared, not copied.
            let body = body.try_clone().unwrap_or_else(|| SdkBody::from(bytes.to_vec()));
            self.client
                .put_object()
                .bucket(&self.settings.bucket)
                .key(&object.key)
                .if_none_match("*")
                .content_type(object.content_type)
                .checksum_algorithm(sdk::ChecksumAlgorithm::Sha256)
                .set_server_side_encryption(object.encryption.clone())
                .set_ssekms_key_id(object.kms_key.clone())
                .set_bucket_key_enabled(object.bucket_key)
                .set_object_lock_mode(object.lock.clone())
                .set_object_lock_retain_until_date(object.until)
                .body(ByteStream::new(body))
                .send()
        };
        put(self.caller.call("PutObject", attempt).await)
    }

    fn failed(&self, doing: &str, key: &str, action: &str, failure: Failure) -> PortError {
        failure.port_error(SERVICE, &format!("cannot {doing} {}", self.url(key)), action)
    }
}

impl Retention {
    /// For an object that is put now.
    fn until(&self) -> (sdk::ObjectLockMode, DateTime) {
        let mode = match self.mode {
            LockMode::Governance => sdk::ObjectLockMode::Governance,
            LockMode::Compliance => sdk::ObjectLockMode::Compliance,
        };
        let seconds = self.clock.now().as_second() + i64::from(self.days) * 86_400;
        (mode, DateTime::from_secs(seconds))
    }
}

impl ObjectStore for S3ObjectStore {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        let object = self.object(key)?;
        let put = if bytes.len() > self.parts.over {
            self.put_in_parts(&object, bytes).await
        } else {
            self.put_whole(&object, bytes).await
        };
        put.map_err(|failure| self.failed("write", key, PUT_ACTIONS, failure))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        let full_key = self.full_key(key)?;
        let attempt = || async {
            let call = self
                .client
                .get_object()
                .bucket(&self.settings.bucket)
                .key(&full_key);
            read::whole(call.checksum_mode(sdk::ChecksumMode::Enabled).send().await?).await
        };
        match self.caller.call("GetObject", attempt).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(failure) if failure.code.as_deref() == Some("NoSuchKey") => Ok(None),
            Err(failure) if failure.kind == PortErrorKind::InvalidAnswer => {
                Err(damaged(&self.url(key)).with_source(failure.into_source()))
            }
            Err(failure) => Err(self.failed("read", key, GET_ACTIONS, failure)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        const OPERATION: &str = "ListObjectsV2";
        let listing = Listing {
            service: SERVICE,
            operation: OPERATION,
        };
        let full_prefix = format!("{}{prefix}", self.settings.prefix);
        let ask = |token| {
            let call = self.client.list_objects_v2().bucket(&self.settings.bucket);
            let call = call.prefix(&full_prefix).set_continuation_token(token);
            call.customize().interceptor(WholeAnswers).send()
        };
        let read = |answer| read::page(&self.settings.prefix, answer);
        let rows = self.caller.list(listing, ask, read).await;
        rows.map_err(|failed| {
            let doing = format!("cannot list {}", self.url(prefix));
            failed.port_error(SERVICE, &doing, "s3:ListBucket")
        })
    }
}

const PUT_ACTIONS: &str =
    "s3:PutObject (and kms:GenerateDataKey on its key, and s3:PutObjectRetention where objects are locked)";
const GET_ACTIONS: &str = "s3:GetObject (and kms:Decrypt on its key; without s3:ListBucket, S3 refuses an object that is not there, too)";

/// What came of a conditional put: that there is an object already is no failure.
fn put<T>(answer: Result<T, Failure>) -> Result<Put, Failure> {
    match answer {
        Ok(_) => Ok(Put::Created),
        Err(failure) if failure.code.as_deref() == Some("PreconditionFailed") => Ok(Put::Existed),
        Err(failure) => Err(failure),
    }
}

/// The IANA media type that a key's extension stands for.
fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        Some("parquet") => "application/vnd.apache.parquet",
        Some("pdf") => "application/pdf",
        Some("toml") => "application/toml",
        _ => "application/octet-stream",
    }
}

fn no_prefix(prefix: &str) -> PortError {
    PortError::new(
        SERVICE,
        PortErrorKind::InvalidRequest,
        format!("{prefix:?} is not a prefix of keys; give one such as reports/, or none"),
    )
}

fn damaged(url: &str) -> PortError {
    PortError::new(
        SERVICE,
        PortErrorKind::Damaged,
        format!(
            "{url} is damaged: what S3 sends is not what its checksum or length says, however often it is asked; restore \
             it from a copy or an earlier version"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_follows_the_extension() {
        let check = |key: &str, expected: &str| assert_eq!(content_type(key), expected, "{key}");
        check("a/new.csv", "text/csv; charset=utf-8");
        check("a/manifest.json", "application/json");
        check("a/report.pdf", "application/pdf");
        check(
            "results/shard=0001/results.parquet",
            "application/vnd.apache.parquet",
        );
        check("config/settings.toml", "application/toml");
        check("a.b/c", "application/octet-stream");
        check("none", "application/octet-stream");
    }
}

//! Large objects, put in parts under the same condition.

use aws_sdk_s3::types as sdk;
use aws_smithy_types::byte_stream::ByteStream;
use compliance::ports::Put;

use super::{Object, S3ObjectStore, put};
use crate::failure::Failure;

/// How often an upload that S3 has forgotten is begun anew.
const BEGINNINGS: u32 = 3;

impl S3ObjectStore {
    /// Puts an object in parts. What S3 has forgotten (it was completed, and the answer lost, or another writer came
    /// between) is begun anew, and the condition tells what stands.
    pub(super) async fn put_in_parts(&self, object: &Object, bytes: &[u8]) -> Result<Put, Failure> {
        let mut begun = 1;
        loop {
            let upload = self.begin(object).await?;
            let put = self.send(object, &upload, bytes).await;
            if !matches!(put, Ok(Put::Created)) {
                self.abort(object, &upload).await;
            }
            match put {
                Err(failure) if failure.code.as_deref() == Some("NoSuchUpload") && begun < BEGINNINGS => {
                    begun += 1;
                }
                put => return put,
            }
        }
    }

    async fn begin(&self, object: &Object) -> Result<String, Failure> {
        const OPERATION: &str = "CreateMultipartUpload";
        let attempt = || {
            self.client
                .create_multipart_upload()
                .bucket(&self.settings.bucket)
                .key(&object.key)
                .content_type(object.content_type)
                .checksum_algorithm(sdk::ChecksumAlgorithm::Sha256)
                .set_server_side_encryption(object.encryption.clone())
                .set_ssekms_key_id(object.kms_key.clone())
                .set_bucket_key_enabled(object.bucket_key)
                .set_object_lock_mode(object.lock.clone())
                .set_object_lock_retain_until_date(object.until)
                .send()
        };
        let answer = self.caller.call(OPERATION, attempt).await?;
        answer
            .upload_id
            .ok_or_else(|| Failure::refused(OPERATION, "UploadId is absent"))
    }

    async fn send(&self, object: &Object, upload: &str, bytes: &[u8]) -> Result<Put, Failure> {
        let mut parts = Vec::new();
        for (number, part) in (1..).zip(bytes.chunks(self.parts.of)) {
            parts.push(self.send_part(object, upload, number, part).await?);
        }
        let whole = sdk::CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let attempt = || {
            self.client
                .complete_multipart_upload()
                .bucket(&self.settings.bucket)
                .key(&object.key)
                .upload_id(upload)
                .if_none_match("*")
                .multipart_upload(whole.clone())
                .send()
        };
        put(self.caller.call("CompleteMultipartUpload", attempt).await)
    }

    async fn send_part(
        &self,
        object: &Object,
        upload: &str,
        number: i32,
        part: &[u8],
    ) -> Result<sdk::CompletedPart, Failure> {
        let attempt = || {
            self.client
                .upload_part()
                .bucket(&self.settings.bucket)
                .key(&object.key)
                .upload_id(upload)
                .part_number(number)
                .checksum_algorithm(sdk::ChecksumAlgorithm::Sha256)
                .body(ByteStream::from(part.to_vec()))
                .send()
        };
        let sent = self.caller.call("UploadPart", attempt).await?;
        Ok(sdk::CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_sha256(sent.checksum_sha256)
            .build())
    }

    /// Lets S3 forget the parts. What failed before is what matters; a lifecycle rule of the bucket takes away what is
    /// left if this fails, too.
    async fn abort(&self, object: &Object, upload: &str) {
        let attempt = || {
            let call = self.client.abort_multipart_upload().bucket(&self.settings.bucket);
            call.key(&object.key).upload_id(upload).send()
        };
        let _ = self.caller.call("AbortMultipartUpload", attempt).await;
    }
}

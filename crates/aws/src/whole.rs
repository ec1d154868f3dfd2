//! Refuses answers without a body: the SDK takes nothing for an empty object, and so a body that was lost on the way
//! for an empty last page.

use aws_sdk_config::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_config::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_config::error::BoxError;

/// Every operation that is called here answers with a body.
#[derive(Debug)]
pub(crate) struct WholeAnswers;

impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let empty = response.body().bytes().is_some_and(<[u8]>::is_empty);
        if response.status().is_success() && empty {
            return Err("the answer has no body".into());
        }
        Ok(())
    }
}

//! AWS Secrets Manager.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use compliance::ports::{PortError, PortErrorKind, Secrets};
use compliance::secret::Secret;

use crate::caller::Caller;

const SERVICE: &str = "Secrets";

/// The secrets of an account and region, by name or ARN: the current version of each, which must be text.
#[derive(Debug, Clone)]
pub struct SecretsManagerSecrets {
    client: Client,
    caller: Arc<Caller>,
}

impl SecretsManagerSecrets {
    pub(crate) fn new(client: Client, caller: Arc<Caller>) -> Self {
        Self { client, caller }
    }
}

impl Secrets for SecretsManagerSecrets {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        let attempt = || self.client.get_secret_value().secret_id(name).send();
        let answer = self
            .caller
            .call("GetSecretValue", attempt)
            .await
            .map_err(|failure| {
                let doing = format!("cannot read the secret {name:?}");
                let action = "secretsmanager:GetSecretValue (and kms:Decrypt on its key)";
                failure.port_error(SERVICE, &doing, action)
            })?;
        answer.secret_string.map(Secret::new).ok_or_else(|| {
            let message = format!("the secret {name:?} is no text; store it as a string, not as binary");
            PortError::new(SERVICE, PortErrorKind::InvalidAnswer, message)
        })
    }
}

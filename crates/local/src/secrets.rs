//! Secrets of one machine.

use compliance::delivery::SecretPlace;
use compliance::ports::{PortError, PortErrorKind};
use compliance::secret::Secret;

/// Secrets in files and variables of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalSecrets;

impl LocalSecrets {
    /// The secret kept at a place of this machine, without white space around it. No error holds it.
    ///
    /// # Errors
    /// `Secrets.NotFound` when there is no such file or variable, or it is empty; `Secrets.InvalidRequest` for a place
    /// elsewhere.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the adapter that reads secrets where the settings say they are"
    )]
    pub fn read(self, place: &SecretPlace) -> Result<Secret, PortError> {
        let (what, text) = match place {
            SecretPlace::File(path) => (format!("the file {path}"), std::fs::read_to_string(path).ok()),
            SecretPlace::Variable(name) => (format!("the variable {name}"), std::env::var(name).ok()),
            SecretPlace::Manager(name) => {
                let message =
                    format!("the secret {name:?} is kept in AWS Secrets Manager, not on this machine");
                return Err(PortError::new("Secrets", PortErrorKind::InvalidRequest, message));
            }
        };
        let secret = text
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        secret.map(Secret::new).ok_or_else(|| {
            let message = format!(
                "{what} holds no secret that can be read: put it there, or name another place in the settings"
            );
            PortError::new("Secrets", PortErrorKind::NotFound, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test lays out what is read")]
    fn a_secret_of_a_file_is_read_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "xoxb-1\n").unwrap();
        let place = SecretPlace::File(path.display().to_string());
        assert_eq!(LocalSecrets.read(&place).unwrap().expose(), "xoxb-1");
        let none = LocalSecrets
            .read(&SecretPlace::Variable("PLUMBLINE_NO_SUCH_VARIABLE".to_owned()))
            .unwrap_err();
        assert_eq!(none.code(), "Secrets.NotFound");
        assert!(none.message.contains("PLUMBLINE_NO_SUCH_VARIABLE"));
        let elsewhere = LocalSecrets
            .read(&SecretPlace::Manager("x".to_owned()))
            .unwrap_err();
        assert_eq!(elsewhere.code(), "Secrets.InvalidRequest");
    }
}

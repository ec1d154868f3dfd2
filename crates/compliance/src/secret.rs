//! A secret, which is shown to nobody by mistake.

use std::fmt;

/// A secret: a webhook, a token. It cannot be printed, its `Debug` is empty of it, and it cannot be written into a
/// document:
///
/// ```compile_fail
/// let secret = compliance::secret::Secret::new("token".to_owned());
/// println!("{secret}");
/// ```
/// ```compile_fail
/// let secret = compliance::secret::Secret::new("token".to_owned());
/// serde_json::to_string(&secret);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Lets it out, to whom it is for and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_let_out_on_purpose_only() {
        let secret = Secret::new("xoxb-1".to_owned());
        assert_eq!(secret.expose(), "xoxb-1");
        assert_eq!(format!("{:?}", Some(secret)), "Some(Secret(..))");
    }
}

//! Pages end when a token does, and only then.

use compliance::ports::{PortError, PortErrorKind};

/// The token of the page to ask for, and the guard against a service that sends the same one for ever.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    token: Option<String>,
    seen: std::collections::HashSet<String>,
}

impl Pages {
    /// The token to send; `None` for the first page.
    pub(crate) fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Takes an answer's token; whether there is another page to ask for. An absent or empty token ends the pages;
    /// an empty page does not.
    ///
    /// # Errors
    /// When a token comes back that was sent before: the pages would never end.
    pub(crate) fn turn(
        &mut self,
        service: &'static str,
        operation: &'static str,
        token: Option<&str>,
    ) -> Result<bool, PortError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(false);
        };
        if !self.seen.insert(token.to_owned()) {
            return Err(PortError::new(
                service,
                PortErrorKind::InvalidAnswer,
                format!(
                    "{operation} gave the same NextToken twice, so its pages would never end; run again, and if it stays, report it"
                ),
            ));
        }
        self.token = Some(token.to_owned());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absent_or_empty_token_ends_the_pages() {
        let mut pages = Pages::default();
        assert_eq!(pages.token(), None);
        assert!(pages.turn("Config", "Op", Some("a")).unwrap());
        assert_eq!(pages.token().as_deref(), Some("a"));
        assert!(pages.turn("Config", "Op", Some("b")).unwrap());
        assert!(!pages.turn("Config", "Op", Some("")).unwrap());
        assert!(!Pages::default().turn("Config", "Op", None).unwrap());
        let error = pages.turn("Config", "Op", Some("a")).unwrap_err();
        assert_eq!(error.code(), "Config.InvalidAnswer");
    }
}

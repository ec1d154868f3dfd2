//! Links, made safe to hand to Slack.

use compliance::text::percent_encoded;
use serde::{Deserialize, Serialize};

use crate::limits;

/// An `https` link within Slack's limit, of URL characters only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Url(String);

impl Url {
    /// The link, with every character a URL may not hold percent-encoded; `None` when it is not `https` or longer
    /// than Slack takes, as half a link leads elsewhere.
    pub fn new(link: &str) -> Option<Self> {
        let rest = link.strip_prefix("https://")?;
        let encoded = format!(
            "https://{}",
            percent_encoded(rest, |byte| b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte))
        );
        (!rest.is_empty() && encoded.len() <= limits::URL).then_some(Self(encoded))
    }

    /// The link of a settings template: `{run_id}` replaced by the run's id, encoded as a path segment.
    pub fn of_template(template: &str, run_id: &str) -> Option<Self> {
        Self::new(&template.replace(
            "{run_id}",
            &percent_encoded(run_id, |byte| b"-._~".contains(&byte)),
        ))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_encoded_or_refused() {
        let check = |template: &str, expect: Option<&str>| {
            let url = Url::of_template(template, "daily/1 é");
            assert_eq!(url.as_ref().map(Url::as_str), expect, "{template}");
        };
        check(
            "https://x.example/{run_id}",
            Some("https://x.example/daily%2F1%20%C3%A9"),
        );
        check(
            "https://x.example/a b|c>?q=1%20",
            Some("https://x.example/a%20b%7Cc%3E?q=1%20"),
        );
        check("http://x.example/", None);
        check("javascript:alert(1)", None);
        check(&format!("https://{}", "x".repeat(3000)), None);
    }
}

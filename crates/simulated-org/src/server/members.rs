//! The members of a request's input, validated as the service model says.

use compliance::organization::is_account_id;
use serde_json::Value;

use super::answer::ErrorAnswer;

static NONE: Value = Value::Null;

/// An input structure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a> {
    value: &'a Value,
    /// The service's error for a member it refuses.
    refusal: &'static str,
}

impl<'a> Members<'a> {
    pub(super) fn new(value: &'a Value, refusal: &'static str) -> Self {
        Self { value, refusal }
    }

    /// The whole structure.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The service answers with this error what it refuses.
    pub(super) fn refuse(&self, message: impl Into<String>) -> ErrorAnswer {
        ErrorAnswer::bad(self.refusal, message)
    }

    /// A nested structure; an absent one has no members.
    pub(super) fn object(&self, name: &str) -> Self {
        Self {
            value: self.value.get(name).unwrap_or(&NONE),
            refusal: self.refusal,
        }
    }

    /// A text member, unvalidated.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    /// An optional text member of at most `max` characters.
    pub(super) fn optional(&self, name: &str, max: usize) -> Result<Option<&'a str>, ErrorAnswer> {
        match self.value.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if (1..=max).contains(&text.chars().count()) => Ok(Some(text)),
            Some(other) => Err(self.failed(name, other, &format!("Member must have length from 1 to {max}"))),
        }
    }

    /// A required text member.
    pub(super) fn required(&self, name: &str, max: usize) -> Result<&'a str, ErrorAnswer> {
        let missing = || self.failed(name, &NONE, "Member must not be null");
        self.optional(name, max)?.ok_or_else(missing)
    }

    /// An optional account id: 12 digits.
    pub(super) fn account_id(&self) -> Result<Option<&'a str>, ErrorAnswer> {
        let Some(id) = self.optional("AccountId", 12)? else {
            return Ok(None);
        };
        if is_account_id(id) {
            return Ok(Some(id));
        }
        let constraint = "Member must satisfy regular expression pattern: \\d{12}";
        Err(self.failed("AccountId", &Value::from(id), constraint))
    }

    /// An optional member that is one of an enumeration.
    pub(super) fn one_of(&self, name: &str, allowed: &[&str]) -> Result<Option<&'a str>, ErrorAnswer> {
        let Some(text) = self.optional(name, 256)? else {
            return Ok(None);
        };
        self.hold_one_of(name, text, allowed)?;
        Ok(Some(text))
    }

    /// A list of text, empty when absent.
    pub(super) fn texts(&self, name: &str, max: usize) -> Result<Vec<&'a str>, ErrorAnswer> {
        let texts = match self.value.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        texts
            .filter(|texts: &Vec<&str>| texts.len() <= max)
            .ok_or_else(|| {
                self.failed(
                    name,
                    &NONE,
                    &format!("Member must be a list of at most {max} strings"),
                )
            })
    }

    /// Refuses a text that is not of an enumeration.
    pub(super) fn hold_one_of(&self, name: &str, text: &str, allowed: &[&str]) -> Result<(), ErrorAnswer> {
        if allowed.contains(&text) {
            return Ok(());
        }
        let constraint = format!("Member must satisfy enum value set: [{}]", allowed.join(", "));
        Err(self.failed(name, &Value::from(text), &constraint))
    }

    fn failed(&self, name: &str, value: &Value, constraint: &str) -> ErrorAnswer {
        let mut camel = name.to_owned();
        if let Some(first) = camel.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), |text| format!("'{text}'"));
        self.refuse(format!(
            "1 validation error detected: Value {value} at '{camel}' failed to satisfy constraint: {constraint}"
        ))
    }
}

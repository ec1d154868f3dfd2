//! Pages and tokens. A token is bound to its operation and to every other parameter; now and then a page is empty
//! and has a token, which AWS allows and clients forget.

use std::ops::Range;

use compliance::hash::sha256_hex;
use serde_json::{Value, json};

use super::answer::ErrorAnswer;
use super::calls::Caller;
use super::members::Members;

/// How many a page holds, by the service model and documentation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// The members that set it; the first that is given counts.
    pub(super) members: &'static [&'static str],
    pub(super) default: usize,
    pub(super) max: usize,
    /// 0 means the default rather than an error.
    pub(super) zero_is_default: bool,
}

impl Limit {
    /// A Config operation's `Limit`.
    pub(super) const fn of(default: usize, max: usize) -> Self {
        Self {
            members: &["Limit"],
            default,
            max,
            zero_is_default: true,
        }
    }

    fn read(&self, members: &Members<'_>) -> Result<usize, ErrorAnswer> {
        let given = self
            .members
            .iter()
            .find_map(|name| members.value().get(*name).filter(|value| !value.is_null()));
        let Some(given) = given else {
            return Ok(self.default);
        };
        let limit = given.as_u64().and_then(|limit| usize::try_from(limit).ok());
        match limit {
            Some(0) if self.zero_is_default => Ok(self.default),
            Some(limit) if (1..=self.max).contains(&limit) => Ok(limit),
            _ if self.zero_is_default => Err(ErrorAnswer::bad(
                "InvalidLimitException",
                format!(
                    "The specified limit {given} is outside the allowable range (0 to {}).",
                    self.max
                ),
            )),
            _ => Err(members.refuse(format!(
                "You specified an invalid value: MaxResults is 1 to {}.",
                self.max
            ))),
        }
    }
}

/// A page: which entries of the whole list, and the token of the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) entries: Range<usize>,
    next: Option<String>,
}

impl Page {
    /// The page as the answer's members: the list of `entry(i)` under `name`, and the token, if any.
    pub(super) fn answer(&self, name: &str, entry: impl Fn(usize) -> Value) -> Value {
        let entries: Vec<Value> = self.entries.clone().map(entry).collect();
        let mut answer = json!({name: entries});
        if let Some(next) = &self.next {
            answer["NextToken"] = json!(next);
        }
        answer
    }
}

/// One page in about this many is empty.
const EMPTY_ONE_IN: u32 = 32;

/// The page that a request asks for of a list of `length`.
pub(super) fn page(
    operation: &str,
    caller: &Caller,
    members: &Members<'_>,
    length: usize,
    limit: Limit,
) -> Result<Page, ErrorAnswer> {
    let size = limit.read(members)?;
    let binding = binding(operation, caller, members.value());
    let (offset, rested) = match members.text("NextToken").filter(|token| !token.is_empty()) {
        None => (0, false),
        Some(token) => read(token, &binding).ok_or_else(|| refused(members, limit.zero_is_default))?,
    };
    // The list may have become shorter since the token was given.
    let offset = offset.min(length);
    if !rested && is_empty_page(&binding, offset) {
        return Ok(Page {
            entries: offset..offset,
            next: Some(token(&binding, offset, true)),
        });
    }
    let end = length.min(offset + size);
    let next = (end < length).then(|| token(&binding, end, false));
    Ok(Page {
        entries: offset..end,
        next,
    })
}

/// The error for a token that does not hold (any more): Config's own, or the service's for any input it refuses.
pub(super) fn refused(members: &Members<'_>, config: bool) -> ErrorAnswer {
    if config {
        ErrorAnswer::bad(
            "InvalidNextTokenException",
            "The specified next token is not valid.",
        )
    } else {
        members.refuse("You specified an invalid value: NextToken.")
    }
}

/// A hash of everything but the token itself: names a list.
pub(super) fn binding(operation: &str, caller: &Caller, members: &Value) -> String {
    let mut text = format!("{operation}\n{caller:?}\n");
    write_sorted(members, true, &mut text);
    sha256_hex(text.as_bytes()).chars().take(32).collect()
}

fn write_sorted(value: &Value, top: bool, text: &mut String) {
    let Value::Object(members) = value else {
        text.push_str(&value.to_string());
        return;
    };
    let mut sorted: Vec<_> = members
        .iter()
        .filter(|(name, _)| !(top && name.as_str() == "NextToken"))
        .collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in sorted {
        text.push_str(name);
        text.push('=');
        write_sorted(value, false, text);
        text.push(';');
    }
}

fn token(binding: &str, offset: usize, rested: bool) -> String {
    format!("{binding}{offset:012x}{}", u8::from(rested))
}

fn read(token: &str, binding: &str) -> Option<(usize, bool)> {
    let rest = token.strip_prefix(binding).filter(|rest| rest.len() == 13)?;
    let (offset, rested) = rest.split_at_checked(12)?;
    Some((usize::from_str_radix(offset, 16).ok()?, rested == "1"))
}

fn is_empty_page(binding: &str, offset: usize) -> bool {
    let hash = sha256_hex(format!("{binding}{offset}").as_bytes());
    let number = hash
        .get(..8)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number.is_some_and(|number| number % EMPTY_ONE_IN == 0)
}

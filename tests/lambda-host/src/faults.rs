//! What is to go wrong: rules that a test sets with `PUT /faults`, a JSON list, and takes back with `PUT /faults` of `[]`.
//!
//! `{"function": "score-compliance", "attempt": 1, "fault": "kill_before_run"}` strikes the first invocation of the
//! function after the rule was set, and no other; without `attempt` it strikes every one. `"payload": "…"` strikes only
//! invocations whose payload contains this text, and counts only those.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What goes wrong with one invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// The instance dies before it sees the payload.
    KillBeforeRun,
    /// The instance dies so many milliseconds after it took the payload, if it has not answered by then.
    KillAfterMs(u64),
    /// Time is up so many milliseconds after the instance took the payload, as if that were the function's timeout.
    TimeOutAfterMs(u64),
    /// The work is done; then the instance dies and its answer is lost.
    LoseResponse,
    /// The function is not run and answers this error.
    Error(FunctionError),
}

/// An error as a function answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FunctionError {
    pub(crate) error_type: String,
    pub(crate) error_message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    function: String,
    /// Counted from 1.
    attempt: Option<usize>,
    payload: Option<String>,
    fault: Fault,
    #[serde(skip)]
    seen: usize,
}

impl Rule {
    /// Counts an invocation, and says whether this one is struck.
    fn strikes(&mut self, function: &str, payload: &str) -> bool {
        let meant =
            self.function == function && self.payload.as_deref().is_none_or(|part| payload.contains(part));
        self.seen += usize::from(meant);
        meant && self.attempt.is_none_or(|attempt| attempt == self.seen)
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    pub(crate) fn set(&self, rules: Vec<Rule>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// What goes wrong with this invocation; the first rule that strikes speaks, and every rule counts.
    pub(crate) fn strike(&self, function: &str, payload: &[u8]) -> Option<Fault> {
        let payload = String::from_utf8_lossy(payload);
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let struck: Vec<Fault> = rules
            .iter_mut()
            .filter_map(|rule| rule.strikes(function, &payload).then(|| rule.fault.clone()))
            .collect();
        struck.into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rules: &str) -> Faults {
        let faults = Faults::default();
        faults.set(serde_json::from_str(rules).unwrap());
        faults
    }

    #[test]
    fn a_rule_strikes_the_attempt_that_it_names() {
        let faults = faults(r#"[{"function": "a", "attempt": 2, "fault": {"kill_after_ms": 5}}]"#);
        let struck: Vec<_> = ["a", "b", "a", "a"]
            .iter()
            .map(|name| faults.strike(name, b"{}"))
            .collect();
        assert_eq!(struck, [None, None, Some(Fault::KillAfterMs(5)), None]);
    }

    #[test]
    fn a_rule_with_a_payload_counts_only_what_contains_it() {
        let faults = faults(r#"[{"function": "a", "attempt": 1, "payload": "7", "fault": "lose_response"}]"#);
        assert_eq!(faults.strike("a", b"{\"shard\":1}"), None);
        assert_eq!(faults.strike("a", b"{\"shard\":7}"), Some(Fault::LoseResponse));
        assert_eq!(faults.strike("a", b"{\"shard\":7}"), None);
    }

    #[test]
    fn without_an_attempt_a_rule_strikes_for_ever() {
        let faults =
            faults(r#"[{"function": "a", "fault": {"error": {"errorType": "T", "errorMessage": "m"}}}]"#);
        assert!((0..3).all(|_| matches!(faults.strike("a", b"{}"), Some(Fault::Error(_)))));
    }
}

//! Starts what tells a window's alerts: an execution of a state machine by a name that only this start has.

use compliance::Timestamp;
use compliance::alerts::Window;
use compliance::ports::{AlertStarter, PortError};
use serde_json::json;

use crate::executions::Executions;

/// Starts executions of the state machine of alerts.
#[derive(Debug, Clone)]
pub struct ExecutionsAlertStarter {
    executions: Executions,
}

impl ExecutionsAlertStarter {
    pub(crate) fn new(executions: Executions) -> Self {
        Self { executions }
    }
}

impl AlertStarter for ExecutionsAlertStarter {
    async fn start(
        &self,
        route: &str,
        window: Window,
        closes: Timestamp,
        again: Option<Timestamp>,
    ) -> Result<(), PortError> {
        let input = json!({"route": route, "window": window, "closes": closes.to_string()});
        let started = self
            .executions
            .start(&name(route, window, again), &input.to_string())
            .await;
        // A name that is taken is that of the same start, which has run: Step Functions keeps names for 90 days.
        started.map(drop)
    }
}

/// At most 80 characters, of which a route's name has at most 40.
fn name(route: &str, window: Window, again: Option<Timestamp>) -> String {
    let first = format!("{route}-{}", window.compact());
    match again {
        None => first,
        Some(again) => format!("{first}-sweep-{}", again.strftime("%Y%m%dT%H%MZ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_starts_apart_and_fit() {
        let window = Window::parse("2026-11-21T10:00:30Z").unwrap();
        assert_eq!(name("oncall", window, None), "oncall-20261121T100030Z");
        let again = "2026-11-21T10:03:00Z".parse().unwrap();
        let name = name(&"r".repeat(40), window, Some(again));
        assert!(name.ends_with("-20261121T100030Z-sweep-20261121T1003Z"), "{name}");
        assert!(name.len() <= 80, "{}", name.len());
    }
}

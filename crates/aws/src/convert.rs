//! SDK values as the domain's.

use aws_smithy_types::DateTime;
use compliance::Timestamp;
use compliance::ports::{PortError, PortErrorKind};

/// An SDK time in whole milliseconds, rounded: the wire carries floats, which are a fraction off.
pub(crate) fn milliseconds(time: &DateTime) -> Option<Timestamp> {
    let nanos = time.as_nanos();
    let millis = nanos.saturating_add(500_000).div_euclid(1_000_000);
    Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()
}

/// An optional time of an answer.
///
/// # Errors
/// When it is outside of what a calendar can say.
pub(crate) fn time(
    operation: &str,
    field: &str,
    time: Option<&DateTime>,
) -> Result<Option<Timestamp>, PortError> {
    time.map(|time| {
        milliseconds(time).ok_or_else(|| invalid(operation, format!("{field} {time:?} is not a time")))
    })
    .transpose()
}

/// A field that must be there.
///
/// # Errors
/// When it is absent.
pub(crate) fn required<T>(operation: &str, field: &str, value: Option<T>) -> Result<T, PortError> {
    value.ok_or_else(|| invalid(operation, format!("{field} is absent")))
}

/// An answer that breaks the service's contract.
pub(crate) fn invalid(operation: &str, problem: impl std::fmt::Display) -> PortError {
    PortError::new(
        "Config",
        PortErrorKind::InvalidAnswer,
        format!(
            "{operation} gave an answer that is refused, as it cannot be counted on: {problem}; run again, and if it stays, report it"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_seconds_become_the_nearest_millisecond() {
        let check = |seconds: f64, expected: &str| {
            let time = milliseconds(&DateTime::from_secs_f64(seconds)).unwrap();
            assert_eq!(time, expected.parse().unwrap(), "{seconds}");
        };
        check(1_763_715_120.123, "2025-11-21T08:52:00.123Z");
        check(1_763_715_120.999_9, "2025-11-21T08:52:01Z");
        check(1_763_715_120.0, "2025-11-21T08:52:00Z");
        check(-0.5, "1969-12-31T23:59:59.5Z");
    }
}

//! How numbers and times read wherever a person sees them, so that the PDF, the digest and the terminal agree.

use jiff::Timestamp;

use crate::coverage::Coverage;

/// A score as people read it: percent with one decimal, never rounded up to 100 nor down to 0 while it is not;
/// "no data" when there is none.
pub fn score(score: Option<f64>) -> String {
    let Some(score) = score else {
        return "no data".to_owned();
    };
    let percent = score * 100.0;
    let shown = (percent * 10.0).round() / 10.0;
    let shown = if shown >= 100.0 && score < 1.0 {
        99.9
    } else if shown <= 0.0 && score > 0.0 {
        0.1
    } else {
        shown
    };
    format!("{shown:.1} %")
}

/// What every score of the whole organization says beside itself while it is not of everything expected:
/// `incomplete: 5 of 8 scopes`. `None` when coverage is complete.
pub fn caveat(coverage: &Coverage) -> Option<String> {
    let (collected, total) = (coverage.scopes_collected(), coverage.scopes_total());
    if total == 0 {
        Some("nothing collected".to_owned())
    } else if coverage.is_complete() {
        None
    } else if collected < total {
        let scopes = plural(total, "scope", "scopes");
        Some(format!("incomplete: {} of {scopes}", count(collected)))
    } else {
        Some("incomplete: see Coverage".to_owned())
    }
}

/// A change in percentage points with its sign: `+1.2`, `−0.3`, `±0.0`. A change too small to show keeps its sign:
/// `+<0.1`.
pub fn points(change: f64) -> String {
    let points = change * 100.0;
    let rounded = (points * 10.0).round() / 10.0;
    let sign = if points > 0.0 { "+" } else { "\u{2212}" };
    if points.abs() < 1e-9 {
        "±0.0".to_owned()
    } else if rounded == 0.0 {
        format!("{sign}<0.1")
    } else {
        format!("{sign}{:.1}", rounded.abs())
    }
}

/// A whole number with thin grouping: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `one` for 1, else the count with `many`: `plural(2, "account", "accounts")` is `2 accounts`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A duration in its two largest sensible units: `3 d 4 h`, `5 h 12 min`, `8 min`.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round().max(0.0) as u64;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A duration that may be of seconds: `0.8 s`, `42 s`, then as [`duration`].
pub fn brief(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 59.5 {
        format!("{seconds:.0} s")
    } else {
        duration(seconds)
    }
}

/// A moment to the minute, in UTC: `2026-11-21 08:52 UTC`.
pub fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The UTC day: `2026-11-21`.
pub fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// A moment for file names and ids: `20261121T085200Z`.
pub fn compact(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A part of a URL: every byte percent-encoded but letters, digits and those that `keep` says.
pub fn percent_encoded(part: &str, keep: impl Fn(u8) -> bool) -> String {
    part.bytes()
        .fold(String::with_capacity(part.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || keep(byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_never_rounded_to_the_ends() {
        let shown = |value| score(Some(value));
        assert_eq!(score(None), "no data");
        assert_eq!((shown(1.0), shown(0.99999)), ("100.0 %".into(), "99.9 %".into()));
        assert_eq!((shown(0.0), shown(0.00001)), ("0.0 %".into(), "0.1 %".into()));
        assert_eq!(shown(73.0 / 196.0), "37.2 %");
    }

    #[test]
    fn small_changes_keep_their_sign() {
        assert_eq!(points(0.0), "±0.0");
        assert_eq!(points(0.0001), "+<0.1");
        assert_eq!(points(-0.0123), "\u{2212}1.2");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            (count(0), count(999), count(1000), count(1234567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
    }

    #[test]
    fn durations_use_two_units() {
        assert_eq!(duration(59.0), "1 min");
        assert_eq!(duration(3_600.0 * 5.0 + 720.0), "5 h 12 min");
        assert_eq!(duration(86_400.0 * 3.0 + 3_600.0 * 4.0), "3 d 4 h");
        let shown = [0.04, 9.94, 9.96, 59.4, 59.6, 3_720.0].map(brief);
        assert_eq!(shown, ["0.0 s", "9.9 s", "10 s", "59 s", "1 min", "1 h 2 min"]);
    }
}

//! Text of the outside world made fit to be shown, and numbers as cells.

use compliance::catalogue::Severity;
use compliance::scorecard::{Completeness, Direction, Scores, Tally};
use compliance::text;
use serde::Serialize;

use crate::world;

/// A line may break here without a mark. Typst leaves it out of the PDF's text, so a copied id is the id.
pub(crate) const BREAK: char = '\u{200B}';
/// A word too wide for its column breaks after these.
const BREAK_AFTER: [char; 9] = ['/', ':', '.', '_', '-', ',', '=', '@', '+'];
/// What fits the columns of names and ids, in em: words up to this width are left whole.
const COLUMN: f64 = 12.0;
/// What fits the narrow columns: regions, and accounts beside lists.
const NARROW_COLUMN: f64 = 6.6;

/// External text as shown: trimmed; newlines as `↵`; characters that are invisible, reorder their neighbours or
/// have no glyph as `[U+0007]`; wide words with places to break. The CSV and JSON files hold the text unchanged.
pub(crate) fn shown(external: &str) -> String {
    broken(external, COLUMN)
}

/// As [`shown`], for a column of half that width.
pub(crate) fn shown_narrow(external: &str) -> String {
    broken(external, NARROW_COLUMN)
}

fn broken(external: &str, column: f64) -> String {
    let mut out = String::with_capacity(external.len() + 8);
    for (index, word) in external.trim().split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        push_word(&mut out, &visible(word), column);
    }
    out
}

/// How wide a text is in em of the regular sans-serif; an estimate that is rather too large.
pub(crate) fn width(text: &str) -> f64 {
    text.chars().map(advance).sum()
}

/// Taken for what is not printable ASCII, of which nearly all is narrower.
const WIDEST: f64 = 1.0;

fn advance(character: char) -> f64 {
    let known = world::PLAIN.of(character);
    if is_combining(character) {
        0.0
    } else if known.is_finite() {
        known
    } else {
        WIDEST
    }
}

fn visible(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push_str(" ↵ "),
            '\t' => out.push(' '),
            _ if is_plain(character) => out.push(character),
            _ => out.push_str(&format!("[U+{:04X}]", u32::from(character))),
        }
    }
    out
}

/// Has a glyph, and is neither a control, a private, an invisible nor a reordering character.
fn is_plain(character: char) -> bool {
    let hidden = matches!(character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFF0}'..='\u{FFFF}');
    !hidden && !character.is_control() && world::covers(character)
}

/// A word wider than its column may break after a delimiter, before a capital that follows a small letter, and
/// where without a break it would leave the column.
fn push_word(out: &mut String, word: &str, column: f64) {
    if width(word) <= column {
        out.push_str(word);
        return;
    }
    let mut run = 0.0;
    let mut before = ' ';
    for character in word.chars() {
        let hump = before.is_lowercase() && character.is_uppercase();
        let joined = is_combining(character) || BREAK_AFTER.contains(&character);
        let wide = run + advance(character) > column && !joined;
        let delimited = BREAK_AFTER.contains(&before);
        // Typst breaks a line after this hyphen by itself.
        let breaks_anyway = before == '-' && character.is_ascii_alphabetic();
        if (hump || wide || delimited) && !breaks_anyway {
            out.push(BREAK);
        }
        if hump || wide || delimited {
            run = 0.0;
        }
        out.push(character);
        run += advance(character);
        before = character;
    }
}

/// A mark that belongs to the character before it, so that no break may part them.
fn is_combining(character: char) -> bool {
    matches!(character, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05C7}'
        | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// A number or a short phrase that no line break may part.
pub(crate) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{A0}")
}

/// A count, or nothing to distract from the others when it is none.
pub(crate) fn count(number: u64) -> String {
    text::count(number)
}

/// `18 pairs`, on one line.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    unbroken(&text::plural(number, one, many))
}

/// `73 of 196`.
pub(crate) fn of(tally: Tally) -> String {
    unbroken(&format!(
        "{} of {}",
        text::count(tally.compliant),
        text::count(tally.total())
    ))
}

/// A score with what a bar needs to draw it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ScoreCell {
    /// `87.3 %` or `no data`.
    text: String,
    /// 0 to 1; none is no data, and no bar.
    share: Option<f64>,
}

pub(crate) fn score(score: Option<f64>) -> ScoreCell {
    ScoreCell {
        text: unbroken(&text::score(score)),
        share: score,
    }
}

/// A change with the shape that marks it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Delta {
    text: String,
    mark: Mark,
}

/// The shape beside a change: read without its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    Up,
    Down,
    Flat,
    None,
}

pub(crate) fn delta(change: Option<f64>) -> Delta {
    let (text, mark) = match change {
        None => ("–".to_owned(), Mark::None),
        Some(change) => (text::points(change), mark_of(change)),
    };
    Delta { text, mark }
}

pub(crate) fn mark_of(change: f64) -> Mark {
    if change.abs() < 1e-11 {
        Mark::Flat
    } else if change > 0.0 {
        Mark::Up
    } else {
        Mark::Down
    }
}

/// The direction of a trend as a word and a shape.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DirectionCell {
    text: &'static str,
    mark: Mark,
}

pub(crate) fn direction(direction: Direction) -> DirectionCell {
    let (text, mark) = match direction {
        Direction::Improving => ("improving", Mark::Up),
        Direction::Degrading => ("declining", Mark::Down),
        Direction::Steady => ("steady", Mark::Flat),
        Direction::NotEnoughHistory => ("not enough history", Mark::None),
    };
    DirectionCell { text, mark }
}

/// A severity as a word and a key for its style.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct SeverityCell {
    text: &'static str,
    key: &'static str,
}

pub(crate) fn severity(severity: Option<Severity>) -> SeverityCell {
    let text = match severity {
        Some(Severity::Critical) => "Critical",
        Some(Severity::High) => "High",
        Some(Severity::Medium) => "Medium",
        Some(Severity::Low) => "Low",
        Some(Severity::Informational) => "Info",
        None => "Unrated",
    };
    SeverityCell {
        text,
        key: severity.map_or("unrated", Severity::as_str),
    }
}

/// A duration, with `≥` when it is at least that long; a dash when there is none.
pub(crate) fn duration(seconds: Option<f64>, at_least: bool) -> String {
    let Some(seconds) = seconds else {
        return "–".to_owned();
    };
    let sign = if at_least { "≥ " } else { "" };
    unbroken(&format!("{sign}{}", text::duration(seconds)))
}

/// A duration that may be of seconds; a dash when there is none.
pub(crate) fn brief(seconds: Option<f64>) -> String {
    seconds.map_or("–".to_owned(), |seconds| unbroken(&text::brief(seconds)))
}

/// Where a click leads, and the same as shown.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Link {
    url: String,
    text: String,
}

/// Only `https` becomes clickable, and only without characters that are not of a URL.
pub(crate) fn link(url: &str) -> Option<Link> {
    let plain = url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| Link {
        url: url.to_owned(),
        text: shown(url.trim_start_matches("https://")),
    })
}

/// How whole a group's numbers are, as a shape's key.
pub(crate) fn completeness(completeness: Completeness) -> &'static str {
    match completeness {
        Completeness::Complete => "complete",
        Completeness::Partial => "partial",
        Completeness::Missing => "missing",
    }
}

/// Score, counts and change of a group: the columns that most tables share.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Standing {
    score: ScoreCell,
    noncompliant: String,
    pairs: String,
    change: Delta,
}

pub(crate) fn standing(scores: &Scores, change: Option<f64>) -> Standing {
    Standing {
        score: score(scores.compliance_score),
        noncompliant: count(scores.pairs.noncompliant),
        pairs: count(scores.pairs.total()),
        change: delta(change),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named() {
        assert_eq!(shown("\n a\u{7}b \n"), "a[U+0007]b");
        assert_eq!(shown("x\u{202E}y\u{200B}z"), "x[U+202E]y[U+200B]z");
        assert_eq!(shown("one\r\ntwo\nthree"), "one ↵ two ↵ three");
        assert_eq!(shown("名"), "[U+540D]");
        assert_eq!(shown("Zürich, שלום, Ωμέγα"), "Zürich, שלום, Ωμέγα");
    }

    #[test]
    fn long_words_break_and_short_ones_do_not() {
        assert_eq!(shown("i-0123456789abcdef0"), "i-0123456789abcdef0");
        let id = "arn:aws:iam::123456789012:role/".to_owned() + &"x".repeat(700) + &"W".repeat(30);
        let shown = shown(&id);
        assert_eq!(shown.replace(BREAK, ""), id);
        let widest = shown.split([BREAK, '-']).map(width).fold(0.0, f64::max);
        // With the character that it breaks after.
        assert!(widest <= COLUMN + 1.0, "{widest}");
    }

    #[test]
    fn words_break_where_a_reader_would_break_them() {
        let breaks = |word: &str| shown_narrow(word).replace(BREAK, "|");
        assert_eq!(breaks("ap-southeast-2"), "ap-southeast-|2");
        assert_eq!(breaks("CustomerSupportTools"), "Customer|Support|Tools");
        assert_eq!(breaks("eu-west-1"), "eu-west-1");
    }
}

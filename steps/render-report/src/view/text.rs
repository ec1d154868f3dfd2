//! Text of the outside world made fit to be shown, and numbers as cells.

use compliance::catalogue::Severity;
use compliance::scorecard::{Completeness, Direction, Scores, Tally};
use compliance::text;
use serde::Serialize;

use crate::world;

/// A line may break here without a mark. Typst leaves it out of the PDF's text, so a copied id is the id.
pub(crate) const BREAK: char = '\u{200B}';
/// Words up to this length fit every column and are left whole.
const WHOLE: usize = 20;
/// A word breaks after these; after this many characters without one it breaks anywhere.
const BREAK_AFTER: [char; 9] = ['/', ':', '.', '_', '-', ',', '=', '@', '+'];
const LONGEST_RUN: usize = 12;

/// External text as shown: trimmed; newlines as `↵`; characters that are invisible, reorder their neighbours or
/// have no glyph as `[U+0007]`; long words with places to break. The CSV and JSON files hold the text unchanged.
pub(crate) fn shown(external: &str) -> String {
    let mut out = String::with_capacity(external.len() + 8);
    for (index, word) in external.trim().split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        push_word(&mut out, &visible(word));
    }
    out
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

fn push_word(out: &mut String, word: &str) {
    if word.chars().count() <= WHOLE {
        out.push_str(word);
        return;
    }
    let mut run = 0;
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        if run >= LONGEST_RUN && !is_combining(character) && !BREAK_AFTER.contains(&character) {
            out.push(BREAK);
            run = 0;
        }
        out.push(character);
        run += 1;
        if BREAK_AFTER.contains(&character) {
            // Typst breaks a line after this hyphen by itself.
            let breaks_anyway = character == '-' && characters.peek().is_some_and(char::is_ascii_alphabetic);
            if !breaks_anyway {
                out.push(BREAK);
            }
            run = 0;
        }
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

impl SeverityCell {
    pub(crate) fn name(self) -> &'static str {
        self.text
    }
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
        let id = "arn:aws:iam::123456789012:role/".to_owned() + &"x".repeat(700);
        let shown = shown(&id);
        assert_eq!(shown.replace(BREAK, ""), id);
        let longest = shown.split([BREAK, '-']).map(|run| run.chars().count()).max();
        // With the character that it breaks after.
        assert!(longest <= Some(LONGEST_RUN + 1), "{longest:?}");
    }
}

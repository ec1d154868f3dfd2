//! Breaks text into lines of a width, as typst would, where the width of every character is known: the rows of the
//! long lists, which then need not be laid out once to measure and once to show them.

use super::text::BREAK;
use crate::world::Widths;

/// What a column is kept free of, for kerning, in points.
const MARGIN: f64 = 1.0;

/// The text with a newline between its lines; `None` where it holds more than printable ASCII, or a word that is
/// wider than the column: typst is to break it then.
pub(super) fn broken(text: &str, widths: &Widths, size: f64, column: f64) -> Option<String> {
    let room = column - MARGIN;
    let mut out = String::with_capacity(text.len());
    let (mut line, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(piece_end(rest));
        let shown = piece.trim_end_matches(BREAK);
        let width = |text: &str| text.chars().map(|one| width(one, widths)).sum::<f64>() * size;
        let visible = width(shown.trim_end_matches(' '));
        if visible > room {
            return None;
        }
        if line + visible > room {
            // A space at the end of a line is not shown.
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            line = 0.0;
        }
        out.push_str(shown);
        line += width(shown);
        rest = later;
    }
    Some(out)
}

/// How many lines a broken text has.
pub(super) fn count(broken: &str) -> usize {
    if broken.is_empty() {
        0
    } else {
        broken.matches('\n').count() + 1
    }
}

fn width(character: char, widths: &Widths) -> f64 {
    match character {
        // Narrower than any letter in both types.
        '\u{B7}' => 0.6,
        _ => widths.of(character),
    }
}

/// The end of the first piece that no break may part: after a space, a place to break, or a hyphen before a letter.
fn piece_end(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match character {
            ' ' => next != Some(' '),
            BREAK => true,
            '-' => next.is_some_and(|next| next.is_ascii_alphabetic()),
            _ => false,
        };
        if ends {
            return at + character.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::text::shown;
    use crate::world::{MONO, PLAIN};

    /// Breaks at 10 pt in the type of ids, whose characters are 6 pt wide: so many to a line.
    fn check(text: &str, characters: usize, expect: Option<&str>) {
        let column = 6.0 * characters as f64 + MARGIN + 0.1;
        assert_eq!(
            broken(&shown(text), &MONO, 10.0, column).as_deref(),
            expect,
            "{text}"
        );
    }

    #[test]
    fn lines_break_after_spaces_hyphens_and_places_to_break() {
        check("", 8, Some(""));
        check("short", 8, Some("short"));
        check("two words", 8, Some("two\nwords"));
        check("one two three", 8, Some("one two\nthree"));
        check("sg-open-to-all", 8, Some("sg-open-\nto-all"));
        check(
            "a/path/of/many/parts/here",
            12,
            Some("a/path/of/\nmany/parts/\nhere"),
        );
    }

    #[test]
    fn what_cannot_be_measured_or_does_not_fit_is_left_to_typst() {
        check("größe", 8, None);
        check("unbreakable", 8, None);
        check("\u{202E}", 20, Some("[U+202E]"));
    }

    #[test]
    fn lines_are_counted() {
        assert_eq!((count(""), count("a"), count("a\nb")), (0, 1, 2));
        assert!(broken("iiii", &PLAIN, 7.0, 12.0).is_some() && broken("WWWW", &PLAIN, 7.0, 12.0).is_none());
    }
}

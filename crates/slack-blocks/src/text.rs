//! Text that any input may be put into: it cannot ping, link, format, reorder or overflow.
//!
//! - Line breaks and tabs become spaces; other control characters, bidirectional marks and invisible format
//!   characters become U+FFFD, so that a name which hides something shows it.
//! - `&`, `<` and `>` are escaped, and lengths are counted after escaping. Cuts fall between grapheme clusters
//!   and never inside an escape; what is cut ends in an ellipsis.
//! - In mrkdwn, identifiers stand in code spans, where nothing is formatted; other text has `*`, `~`, `` ` `` and
//!   word-edge `_` replaced by look-alikes, and `:name:` and `://` parted by a word joiner.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::limits;

/// Stands for text that is empty, which Slack refuses.
const EMPTY: &str = "\u{2013}";
const ELLIPSIS: char = '…';
const WORD_JOINER: char = '\u{2060}';

/// `text` on one line, without characters that control or deceive.
pub fn sanitise(text: &str) -> String {
    sanitise_to(text, usize::MAX)
}

/// The same, at most `most` characters: what is cut anyway need not be looked at beyond one character more.
fn sanitise_to(text: &str, most: usize) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for character in text.chars() {
        let clean = match character {
            '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' if out.is_empty() || out.ends_with(' ') => {
                continue;
            }
            '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            hidden if deceives(hidden) => char::REPLACEMENT_CHARACTER,
            plain => plain,
        };
        if length == most {
            break;
        }
        out.push(clean);
        length += 1;
    }
    out
}

/// Control, bidirectional and invisible format characters. Joiners inside emoji and scripts (U+200C, U+200D) stay.
fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Escapes Slack's three control characters.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The inverse of escaping, for drawing.
pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// `text` with `form` applied to each grapheme cluster, at most `limit` characters, with an ellipsis where cut.
fn clip(text: &str, limit: usize, form: impl Fn(&str) -> String) -> String {
    let (mut out, mut length, mut keep) = (String::new(), 0, 0);
    for grapheme in text.graphemes(true) {
        let piece = form(grapheme);
        length += piece.chars().count();
        if length > limit {
            out.truncate(keep);
            if limit > 0 {
                out.push(ELLIPSIS);
            }
            return out;
        }
        out.push_str(&piece);
        if length < limit {
            keep = out.len();
        }
    }
    out
}

/// Trimmed and sanitised, with a dash for nothing. Trimming comes first, so that the end of a head that was cut
/// off inside a run of spaces still shows that it was cut.
fn tidy(text: &str, limit: usize) -> String {
    let text = text.trim();
    if text.is_empty() {
        EMPTY.to_owned()
    } else {
        sanitise_to(text, limit.min(limits::SECTION) + 1)
    }
}

/// Text for a `plain_text` object: escaped, as Slack shows the entities of plain text as their characters.
pub(crate) fn plain(text: &str, limit: usize) -> String {
    clip(&tidy(text, limit), limit, escape)
}

/// Text for `raw_text` cells, chart labels and captions. Whether Slack resolves entities there is not documented,
/// so nothing is escaped; angle brackets become look-alikes instead, which are inert either way.
pub(crate) fn raw(text: &str, limit: usize) -> String {
    let inert = tidy(text, limit).replace('<', "‹").replace('>', "›");
    clip(&inert, limit, str::to_owned)
}

/// Text that takes at most `limit` characters of a message wherever it is put: what escaping makes of it counts.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let text = tidy(text, limit);
    let (mut taken, mut keep) = (0, 0);
    for (start, grapheme) in text.grapheme_indices(true) {
        taken += grapheme.chars().map(weight).sum::<usize>();
        if taken > limit {
            return format!("{}{ELLIPSIS}", &text[..keep]);
        }
        if taken < limit {
            keep = start + grapheme.len();
        }
    }
    text
}

/// What a character comes to, escaped for Slack and as JSON.
fn weight(character: char) -> usize {
    match character {
        '&' => 5,
        '<' | '>' => 4,
        '"' | '\\' | ':' => 2,
        _ => 1,
    }
}

/// Text for the top-level `text`: as prose in mrkdwn, since old clients format it.
pub(crate) fn prose(text: &str, limit: usize) -> String {
    clip(&neutralise(&tidy(text, limit)), limit, escape)
}

/// Replaces what mrkdwn would format.
fn neutralise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    for (index, character) in text.char_indices() {
        let rest = &text[index + character.len_utf8()..];
        match character {
            '*' => out.push('∗'),
            '~' => out.push('∼'),
            '`' => out.push('ˋ'),
            '_' if at_edge(before) || at_edge(rest.chars().next()) => out.push('＿'),
            ':' if rest.starts_with("//") || opens_emoji(rest) => out.extend([':', WORD_JOINER]),
            other => out.push(other),
        }
        before = Some(character);
    }
    out
}

fn at_edge(neighbour: Option<char>) -> bool {
    !neighbour.is_some_and(char::is_alphanumeric)
}

fn opens_emoji(rest: &str) -> bool {
    rest.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_ascii_uppercase())
    })
}

/// Formatted text under construction: our words and anyone's identifiers, joined without interpretation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mrkdwn {
    spans: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    Text(String),
    Bold(String),
    Code(String, usize),
    Break,
}

impl Span {
    /// Delimiters around the span, and its content within `limit` characters.
    fn form(&self, limit: usize) -> (&'static str, String) {
        match self {
            Self::Text(text) => ("", clip(text, limit, escape)),
            Self::Bold(text) => ("*", clip(text, limit, escape)),
            Self::Code(text, own) => ("`", clip(text, limit.min(*own), escape)),
            Self::Break => ("", "\n".to_owned()),
        }
    }
}

impl Mrkdwn {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prose; formatting in it is neutralised, line breaks become spaces.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.spans
            .push(Span::Text(neutralise(&sanitise_to(text, limits::SECTION + 1))));
        self
    }

    /// Prose in bold.
    #[must_use]
    pub fn bold(mut self, text: &str) -> Self {
        self.spans
            .push(Span::Bold(neutralise(&tidy(text, limits::SECTION))));
        self
    }

    /// An identifier in a code span of at most `limit` characters between its delimiters.
    #[must_use]
    pub fn code(mut self, text: &str, limit: usize) -> Self {
        let text = tidy(text, limit).replace('`', "ˋ");
        self.spans.push(Span::Code(text, limit.max(1)));
        self
    }

    /// A line break.
    #[must_use]
    pub fn line_break(mut self) -> Self {
        self.spans.push(Span::Break);
        self
    }

    /// Everything of `other` after this.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Lines joined by line breaks.
    pub fn lines(lines: impl IntoIterator<Item = Self>) -> Self {
        lines.into_iter().fold(Self::new(), |all, line| {
            if all.spans.is_empty() {
                line
            } else {
                all.line_break().then(line)
            }
        })
    }

    /// Characters of the whole, after escaping.
    pub fn length(&self) -> usize {
        self.spans
            .iter()
            .map(|span| span_length(&span.form(usize::MAX)))
            .sum()
    }

    /// As Slack takes it, at most `limit` characters; delimiters are always closed.
    pub(crate) fn render(&self, limit: usize) -> String {
        let whole = self.length() <= limit;
        let mut left = if whole { limit } else { limit.saturating_sub(1) };
        let mut out = String::new();
        for span in &self.spans {
            let formed = span.form(usize::MAX);
            let length = span_length(&formed);
            if length > left {
                let room = left.saturating_sub(2 * formed.0.len());
                if room > 1 && *span != Span::Break {
                    push(&mut out, &span.form(room));
                    return out;
                }
                break;
            }
            left -= length;
            push(&mut out, &formed);
        }
        if !whole && !out.ends_with(ELLIPSIS) {
            out.push(ELLIPSIS);
        }
        if out.trim().is_empty() {
            EMPTY.to_owned()
        } else {
            out
        }
    }
}

fn span_length((delimiter, content): &(&'static str, String)) -> usize {
    2 * delimiter.len() + content.chars().count()
}

fn push(out: &mut String, (delimiter, content): &(&'static str, String)) {
    for part in [delimiter, content.as_str(), delimiter] {
        out.push_str(part);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TextKind {
    PlainText,
    Mrkdwn,
}

/// Slack's text object. Plain text has emoji off; mrkdwn is verbatim, so that Slack links no bare names or URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextObject {
    #[serde(rename = "type")]
    pub(crate) kind: TextKind,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    emoji: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    verbatim: Option<bool>,
}

impl TextObject {
    /// Plain text of at most `limit` characters (and never more than a section holds).
    pub fn plain(text: &str, limit: usize) -> Self {
        Self {
            kind: TextKind::PlainText,
            text: plain(text, limit.clamp(1, limits::SECTION)),
            emoji: Some(false),
            verbatim: None,
        }
    }

    /// Formatted text of at most `limit` characters (and never more than a section holds).
    pub fn mrkdwn(text: &Mrkdwn, limit: usize) -> Self {
        Self {
            kind: TextKind::Mrkdwn,
            text: text.render(limit.clamp(1, limits::SECTION)),
            emoji: None,
            verbatim: Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_fall_between_graphemes_and_outside_entities() {
        assert_eq!(plain("a&b", 7), "a&amp;b");
        assert_eq!(plain("a&b", 6), "a…");
        assert_eq!(plain("a&&", 7), "a&amp;…");
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(plain(&format!("x{family}y"), 6), "x…");
        assert_eq!(plain("e\u{301}e\u{301}e\u{301}", 5), "e\u{301}e\u{301}…");
    }

    #[test]
    fn hostile_prose_is_inert_and_shows_what_it_hid() {
        assert_eq!(prose("<!channel> & *x*", 100), "&lt;!channel&gt; &amp; ∗x∗");
        assert_eq!(prose("_a_ b_c", 100), "＿a＿ b_c");
        assert_eq!(
            prose("see :aws: at https://evil", 100),
            "see :\u{2060}aws: at https:\u{2060}//evil"
        );
        assert_eq!(prose("abc\u{202e}fdp\u{7}\n\nx", 100), "abc\u{fffd}fdp\u{fffd} x");
        assert_eq!(prose(" \n ", 100), EMPTY);
        assert_eq!(plain(&format!("x{}y", "\n".repeat(9_000)), 100), "x y");
        assert!(plain(&format!("x{}y", " ".repeat(9_000)), 100).ends_with(ELLIPSIS));
    }

    #[test]
    fn delimiters_stay_closed_when_cut() {
        let text = Mrkdwn::new()
            .text("a ")
            .bold("bold words")
            .text(" then ")
            .code("x`y<z>", 50);
        assert_eq!(text.render(100), "a *bold words* then `xˋy&lt;z&gt;`");
        assert_eq!(text.render(10), "a *bold…*");
        for limit in 1..40 {
            let cut = text.render(limit);
            assert!(cut.chars().count() <= limit, "{limit}: {cut}");
            assert_eq!(
                cut.matches('*').count() % 2 + cut.matches('`').count() % 2,
                0,
                "{limit}: {cut}"
            );
        }
    }
}

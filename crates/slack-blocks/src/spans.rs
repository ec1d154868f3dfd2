//! The text of a message as runs of one style each, for whoever draws it.

use serde::Serialize;

use crate::text::{TextKind, TextObject, sanitise, unescape};

/// How text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Style {
    Plain,
    Bold,
    Code,
    Dim,
    Link,
}

/// Text of one style, without line breaks, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Span {
    pub(crate) fn new(text: &str, style: Style) -> Self {
        Self {
            text: sanitise(text),
            style,
        }
    }

    fn clean(text: &str, style: Style) -> Self {
        Self {
            text: clean(text),
            style,
        }
    }
}

/// The lines of a text object.
pub(crate) fn lines(text: &TextObject) -> Vec<Vec<Span>> {
    let lines = text.text.split('\n').map(|line| match text.kind {
        TextKind::PlainText => vec![Span::clean(line, Style::Plain)],
        TextKind::Mrkdwn => mrkdwn(line),
    });
    lines.collect()
}

/// Entities resolved, our own word joiners dropped, anything that controls made visible.
pub(crate) fn clean(text: &str) -> String {
    sanitise(&unescape(&text.replace('\u{2060}', "")))
}

/// A line of mrkdwn: bold, code and links; the rest stands as it is.
fn mrkdwn(line: &str) -> Vec<Span> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['*', '`', '<']) {
        let (before, from) = rest.split_at(start);
        out.push(Span::clean(before, Style::Plain));
        let (open, inside) = from.split_at(1);
        let (close, style) = match open {
            "*" => ("*", Style::Bold),
            "`" => ("`", Style::Code),
            _ => (">", Style::Link),
        };
        match inside.split_once(close) {
            Some((inside, after)) => {
                out.push(Span::new(&span(inside, style), style));
                rest = after;
            }
            None => {
                out.push(Span::new(open, Style::Plain));
                rest = inside;
            }
        }
    }
    out.push(Span::clean(rest, Style::Plain));
    out.retain(|span| !span.text.is_empty());
    out
}

fn span(inside: &str, style: Style) -> String {
    match (style, inside.split_once('|')) {
        (Style::Link, Some((url, label))) => format!("{} ({})", clean(label), clean(url)),
        (Style::Link, None) => format!("<{}>", clean(inside)),
        _ => clean(inside),
    }
}

//! The structure of a PDF as a reader of the file finds it: what a screen reader is told. Read from the bytes by a
//! library that knows nothing of typst.

#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;

use hayro_cmap::{BfString, CMap};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, MaybeRef, Name, ObjRef, Object, Stream};
use hayro_syntax::page::Page;

/// How the text of a trend line in a row of a table begins.
const TREND_LINE: &str = "Score, oldest first";

/// Where a piece of marked content is: the number of its page object, and its id there.
type Mark = (i32, i32);

/// What a PDF says of itself and its parts.
pub(crate) struct Structure {
    pub(crate) language: String,
    pub(crate) tagged: bool,
    /// The viewer is to show the title, not the file's name.
    pub(crate) shows_title: bool,
    /// The metadata packet.
    pub(crate) metadata: String,
    /// Depth and title.
    pub(crate) bookmarks: Vec<(usize, String)>,
    pub(crate) root: Element,
    pub(crate) pages: usize,
}

/// A part of the document: a heading, a table, a figure.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// `H1`, `Table`, `TH`, `Figure` …
    pub(crate) kind: String,
    pub(crate) alt: Option<String>,
    /// `Column` or `Row`, of a table's head.
    pub(crate) scope: Option<String>,
    /// The text of this part alone.
    own_text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The text of this part and all within it.
    pub(crate) fn text(&self) -> String {
        let mut text = self.own_text.clone();
        for child in &self.children {
            text.push(' ');
            text.push_str(&child.text());
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// This part and all within it, in the order they are read.
    pub(crate) fn all(&self) -> Vec<&Element> {
        let mut out = vec![self];
        for child in &self.children {
            out.extend(child.all());
        }
        out
    }

    fn of_kind(&self, kind: &str) -> Vec<&Element> {
        self.all().into_iter().filter(|one| one.kind == kind).collect()
    }
}

impl Structure {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let pdf = Pdf::new(bytes.to_vec()).unwrap();
        let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id()).unwrap();
        let texts = pdf.pages().iter().flat_map(marked_texts).collect();
        let tree: Dict<'_> = root.get("StructTreeRoot").unwrap();
        let flag = |dict: &str, key: &str| {
            root.get::<Dict<'_>>(dict).and_then(|dict| dict.get::<bool>(key)) == Some(true)
        };
        let mut bookmarks = Vec::new();
        if let Some(outlines) = root.get::<Dict<'_>>("Outlines") {
            read_bookmarks(&outlines, 0, &mut bookmarks);
        }
        Self {
            language: text_of(&root, "Lang").unwrap_or_default(),
            tagged: flag("MarkInfo", "Marked"),
            shows_title: flag("ViewerPreferences", "DisplayDocTitle"),
            metadata: root
                .get::<Stream<'_>>("Metadata")
                .map(|stream| String::from_utf8_lossy(&stream.decoded().unwrap()).into_owned())
                .unwrap_or_default(),
            bookmarks,
            root: element(&tree, None, &texts),
            pages: pdf.pages().len(),
        }
    }

    /// For a golden file: a line for each bookmark, heading, table (with its heads) and figure (with what it says); of
    /// the trend lines in the rows of a table the first, and how many follow.
    pub(crate) fn outline(&self) -> String {
        let mut out = format!("{} pages\n", self.pages);
        let mut rows = 0;
        for (depth, title) in &self.bookmarks {
            out.push_str(&format!("bookmark {}{title}\n", "  ".repeat(*depth)));
        }
        for part in self.root.all() {
            match part.kind.as_str() {
                "Title" | "H1" | "H2" | "H3" => out.push_str(&format!("{} {}\n", part.kind, part.text())),
                "Figure" => {
                    let alt = part.alt.as_deref().unwrap_or("NONE");
                    rows += usize::from(alt.starts_with(TREND_LINE));
                    if rows <= 1 || !alt.starts_with(TREND_LINE) {
                        out.push_str(&format!("  figure: {alt}\n"));
                    }
                }
                "Table" => out.push_str(&format!(
                    "  table of {} rows: {}\n",
                    part.of_kind("TR").len(),
                    heads(part).join(" | ")
                )),
                _ => {}
            }
        }
        out.push_str(&format!("{rows} trend lines in rows\n"));
        out
    }

    /// What a screen reader could not tell its user; a good report has none.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut level = 0;
        for part in self.root.all() {
            let text = || part.text();
            match part.kind.as_str() {
                "Figure" if part.alt.as_deref().is_none_or(|alt| alt.len() < 10) => {
                    out.push(format!("a figure says nothing: {}", text()));
                }
                "Table" if heads(part).is_empty() => out.push(format!("a table has no heads: {}", text())),
                "TH" if part.scope.is_none() || text().is_empty() => {
                    out.push(format!("a head without a scope or a text: {}", text()));
                }
                "H1" | "H2" | "H3" => {
                    let next = part.kind[1..].parse().unwrap();
                    if text().is_empty() || next > level + 1 {
                        out.push(format!(
                            "a heading is empty or skips a level: {} {}",
                            part.kind,
                            text()
                        ));
                    }
                    level = next;
                }
                _ => {}
            }
        }
        out
    }
}

fn heads(table: &Element) -> Vec<String> {
    let groups = table.of_kind("THead");
    let first = groups.first().copied().unwrap_or(table);
    first.of_kind("TH").iter().map(|head| head.text()).collect()
}

fn element(dict: &Dict<'_>, page: Option<ObjRef>, texts: &HashMap<Mark, String>) -> Element {
    let page = dict.get_ref("Pg").or(page);
    let mut out = Element {
        kind: dict
            .get::<Name<'_>>("S")
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
        alt: text_of(dict, "Alt"),
        scope: attributes(dict).iter().find_map(|one| {
            let scope = one.get::<Name<'_>>("Scope")?;
            Some(scope.as_str().to_owned())
        }),
        ..Element::default()
    };
    for child in children(dict) {
        match child {
            Object::Number(id) => out.add(page, id.as_f64() as i32, texts),
            Object::Dict(child) if child.contains_key("MCID") => {
                out.add(
                    child.get_ref("Pg").or(page),
                    child.get::<i32>("MCID").unwrap(),
                    texts,
                );
            }
            Object::Dict(child) if child.contains_key("S") => out.children.push(element(&child, page, texts)),
            _ => {}
        }
    }
    out
}

impl Element {
    fn add(&mut self, page: Option<ObjRef>, id: i32, texts: &HashMap<Mark, String>) {
        let text = page.and_then(|page| texts.get(&(page.obj_number, id)));
        self.own_text.push_str(text.map_or("", String::as_str));
        self.own_text.push(' ');
    }
}

fn children<'a>(dict: &Dict<'a>) -> Vec<Object<'a>> {
    match dict.get::<Object<'a>>("K") {
        Some(Object::Array(array)) => array.iter::<Object<'a>>().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn attributes<'a>(dict: &Dict<'a>) -> Vec<Dict<'a>> {
    match dict.get::<Object<'a>>("A") {
        Some(Object::Array(array)) => array.iter::<Dict<'a>>().collect(),
        Some(Object::Dict(one)) => vec![one],
        _ => Vec::new(),
    }
}

fn text_of(dict: &Dict<'_>, key: &str) -> Option<String> {
    let bytes = dict.get::<hayro_syntax::object::String<'_>>(key)?;
    let bytes = bytes.as_bytes();
    Some(match bytes.strip_prefix(&[0xFE, 0xFF]) {
        Some(utf16) => {
            let units: Vec<u16> = utf16
                .chunks(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        None => bytes.iter().map(|byte| char::from(*byte)).collect(),
    })
}

fn read_bookmarks(parent: &Dict<'_>, depth: usize, out: &mut Vec<(usize, String)>) {
    let mut next = parent.get::<Dict<'_>>("First");
    while let Some(bookmark) = next {
        out.push((depth, text_of(&bookmark, "Title").unwrap_or_default()));
        read_bookmarks(&bookmark, depth + 1, out);
        next = bookmark.get("Next");
    }
}

/// The text of each piece of marked content of a page.
fn marked_texts(page: &Page<'_>) -> Vec<(Mark, String)> {
    let number = page.raw().obj_id().unwrap().obj_number;
    let mut fonts: HashMap<String, Option<CMap>> = HashMap::new();
    let mut font = String::new();
    let mut open: Vec<Option<i32>> = Vec::new();
    let mut out: HashMap<i32, String> = HashMap::new();
    let mut operations = page.operations();
    while let Some(operation) = operations.next() {
        let operands: Vec<Object<'_>> = operation.operands().cloned().collect();
        match &**operation.operator {
            b"BMC" => open.push(None),
            b"BDC" => open.push(mark_of(&operands)),
            b"EMC" => {
                open.pop();
            }
            b"Tf" => {
                let name = operands[0].clone().into_name().unwrap();
                font = name.as_str().to_owned();
                fonts.entry(font.clone()).or_insert_with(|| {
                    page.resources()
                        .get_font(&name)
                        .and_then(|font| to_unicode(&font))
                });
            }
            b"Tj" | b"TJ" => {
                let Some(mark) = open.iter().rev().copied().find_map(|mark| mark) else {
                    continue;
                };
                let text = shown(&operands[0], fonts.get(&font).and_then(Option::as_ref));
                out.entry(mark).or_default().push_str(&text);
            }
            b"ET" => {
                if let Some(mark) = open.iter().rev().copied().find_map(|mark| mark) {
                    out.entry(mark).or_default().push(' ');
                }
            }
            _ => {}
        }
    }
    out.into_iter()
        .map(|(mark, text)| ((number, mark), text))
        .collect()
}

fn mark_of(operands: &[Object<'_>]) -> Option<i32> {
    operands.get(1)?.clone().into_dict()?.get::<i32>("MCID")
}

fn to_unicode(font: &Dict<'_>) -> Option<CMap> {
    let stream = font.get::<Stream<'_>>("ToUnicode")?;
    CMap::parse(&stream.decoded().ok()?, |_| None)
}

fn shown(operand: &Object<'_>, map: Option<&CMap>) -> String {
    match operand {
        Object::String(codes) => codes
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| {
                let code = pair.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
                Some(match map?.lookup_bf_string(code)? {
                    BfString::Char(one) => one.to_string(),
                    BfString::String(several) => several,
                })
            })
            .collect(),
        Object::Array(array) => parts(array).iter().map(|part| shown(part, map)).collect(),
        _ => String::new(),
    }
}

fn parts<'a>(array: &Array<'a>) -> Vec<Object<'a>> {
    array
        .raw_iter()
        .filter_map(|part| match part {
            MaybeRef::NotRef(part) => Some(part),
            MaybeRef::Ref(_) => None,
        })
        .collect()
}

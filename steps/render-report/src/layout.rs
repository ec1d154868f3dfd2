//! What a laid-out report looks like, to be tested: its lines, and texts that run into each other.

use typst::layout::{Abs, Point, Rect};
use typst::text::TextItem;
use typst_layout::Page;

use crate::document::{Document, walk};

/// Texts whose baselines differ by less stand on one line.
const SAME_LINE: Abs = Abs::raw(1.5);
/// A gap wider than this, in em, parts two columns.
const COLUMN_GAP: f64 = 0.9;
/// A gap narrower than this, in em, is none: the kerning of two runs.
const NO_GAP: f64 = 0.1;
/// How far two texts may reach into each other: the overhang of an italic or a kerned letter.
const TOUCH: Abs = Abs::raw(0.4);

/// A run of text where it stands on its page.
struct Placed<'a> {
    item: &'a TextItem,
    at: Point,
}

impl Placed<'_> {
    fn end(&self) -> Abs {
        self.at.x + self.item.width()
    }

    /// What is inked, without marks that are stacked far above or below a letter.
    fn ink(&self) -> Option<Rect> {
        let ink = self.item.bbox();
        let size = self.item.size;
        let top = (self.at.y + ink.min.y.min(ink.max.y)).max(self.at.y - size * 0.75);
        let bottom = (self.at.y + ink.min.y.max(ink.max.y)).min(self.at.y + size * 0.25);
        let (left, right) = (self.at.x + ink.min.x, self.at.x + ink.max.x);
        let inked = left < right && top < bottom;
        inked.then(|| Rect::new(Point::new(left, top), Point::new(right, bottom)))
    }
}

impl Document {
    /// Each page as its lines from top to bottom, two spaces between columns: the text as one sees it.
    pub fn page_lines(&self) -> Vec<Vec<String>> {
        self.paged.pages().iter().map(lines).collect()
    }

    /// Pairs of texts that are printed over each other, with their page: a cell that runs into its neighbour, a
    /// label on a label. A good report has none.
    pub fn overlapping_texts(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (index, page) in self.paged.pages().iter().enumerate() {
            for (first, second) in overlaps(page) {
                out.push(format!("page {}: {first:?} and {second:?}", index + 1));
            }
        }
        out
    }
}

fn placed(page: &Page) -> Vec<Placed<'_>> {
    let mut out = Vec::new();
    walk(&page.frame, Point::zero(), &mut |item, at| {
        out.push(Placed { item, at });
    });
    out
}

fn lines(page: &Page) -> Vec<String> {
    let mut texts = placed(page);
    texts.sort_by(|a, b| a.at.y.cmp(&b.at.y).then(a.at.x.cmp(&b.at.x)));
    texts
        .chunk_by(|a, b| b.at.y - a.at.y < SAME_LINE)
        .map(|chunk| {
            let mut line: Vec<&Placed> = chunk.iter().collect();
            line.sort_by_key(|text| text.at.x);
            joined(&line)
        })
        .filter(|line| !line.is_empty())
        .collect()
}

fn joined(line: &[&Placed]) -> String {
    let mut out = String::new();
    let mut end: Option<Abs> = None;
    for text in line {
        let size = text.item.size;
        if let Some(end) = end {
            let gap = text.at.x - end;
            if gap > size * COLUMN_GAP {
                out.push_str("  ");
            } else if gap > size * NO_GAP && !out.ends_with(' ') {
                out.push(' ');
            }
        }
        out.push_str(&text.item.text);
        end = Some(text.end());
    }
    out.trim_end().to_owned()
}

fn overlaps(page: &Page) -> Vec<(String, String)> {
    let mut inked: Vec<(Rect, &TextItem)> = placed(page)
        .iter()
        .filter_map(|text| Some((text.ink()?, text.item)))
        .collect();
    inked.sort_by_key(|(rect, _)| rect.min.y);
    let mut out = Vec::new();
    for (index, (rect, text)) in inked.iter().enumerate() {
        for (other, below) in &inked[index + 1..] {
            if other.min.y >= rect.max.y {
                break;
            }
            if reach(rect.min.x, rect.max.x, other.min.x, other.max.x) > TOUCH
                && reach(rect.min.y, rect.max.y, other.min.y, other.max.y) > TOUCH
                && !of_one_cluster(&text.text, &below.text)
            {
                out.push((text.text.to_string(), below.text.to_string()));
            }
        }
    }
    out
}

/// A letter and the marks on it that another font drew: both runs then end with the same text.
fn of_one_cluster(first: &str, second: &str) -> bool {
    !first.is_ascii() && (first.ends_with(second) || second.ends_with(first))
}

/// How much two intervals have in common; negative is their distance.
fn reach(a_low: Abs, a_high: Abs, b_low: Abs, b_high: Abs) -> Abs {
    a_high.min(b_high) - a_low.max(b_low)
}

//! The blocks of a message. Fields are private: what was built holds Slack's limits.

use serde::{Deserialize, Serialize};

use crate::chart::DataVisualization;
use crate::limits;
use crate::table::{DataTable, Table};
use crate::text::{Mrkdwn, TextObject};
use crate::url::Url;

/// One block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// A title.
    Header(Header),
    /// Text, or fields in two columns.
    Section(Section),
    /// Small print.
    Context(Context),
    /// A line across.
    Divider {},
    /// A plain table.
    Table(Table),
    /// A table that can be sorted and paged.
    DataTable(DataTable),
    /// A chart.
    DataVisualization(DataVisualization),
    /// Buttons.
    Actions(Actions),
}

impl Block {
    /// A header of plain text.
    pub fn header(text: &str) -> Self {
        Self::Header(Header {
            text: TextObject::plain(text, limits::HEADER),
        })
    }

    /// A section of formatted text.
    pub fn section(text: &Mrkdwn) -> Self {
        Self::Section(Section {
            text: Some(TextObject::mrkdwn(text, limits::SECTION)),
            fields: Vec::new(),
        })
    }

    /// A section of fields in two columns. Of more than ten, nine are kept and the tenth says how many are not
    /// shown; none at all is a section that says so with a dash.
    pub fn fields(fields: &[Mrkdwn]) -> Self {
        if fields.is_empty() {
            return Self::section(&Mrkdwn::new());
        }
        Self::Section(Section {
            text: None,
            fields: within(fields, limits::FIELDS, limits::FIELD),
        })
    }

    /// Small print. Of more than ten elements, nine are kept and the tenth says how many are not shown.
    pub fn context(elements: &[Mrkdwn]) -> Self {
        let elements = if elements.is_empty() {
            &[Mrkdwn::new()]
        } else {
            elements
        };
        Self::Context(Context {
            elements: within(elements, limits::CONTEXT_ELEMENTS, limits::FIELD),
        })
    }

    /// One line of small print.
    pub fn note(text: &str) -> Self {
        Self::context(&[Mrkdwn::new().text(text)])
    }

    /// One button that opens a link.
    pub fn button(label: &str, url: Url) -> Self {
        let (actions, _) = Actions::new(Button::link(label, url), []);
        Self::Actions(actions)
    }

    /// How many tables it is: Slack takes one of them a message.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Table(_) | Self::DataTable(_))
    }
}

fn within(texts: &[Mrkdwn], count: usize, limit: usize) -> Vec<TextObject> {
    let shown = if texts.len() > count {
        count - 1
    } else {
        texts.len()
    };
    let left_out = texts.len() - shown;
    let more = (left_out > 0).then(|| Mrkdwn::new().text(&crate::and_more(left_out as u64, "in the report")));
    texts[..shown]
        .iter()
        .chain(more.as_ref())
        .map(|text| TextObject::mrkdwn(text, limit))
        .collect()
}

/// A title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub(crate) text: TextObject,
}

/// Text, or fields in two columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) text: Option<TextObject>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) fields: Vec<TextObject>,
}

/// Small print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    pub(crate) elements: Vec<TextObject>,
}

/// Buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actions {
    pub(crate) elements: Vec<Button>,
}

impl Actions {
    /// Buttons in order, and how many of them an actions block has no room for.
    pub fn new(first: Button, more: impl IntoIterator<Item = Button>) -> (Self, usize) {
        let mut elements = vec![first];
        elements.extend(more);
        let left_out = elements.len().saturating_sub(limits::ACTIONS);
        elements.truncate(limits::ACTIONS);
        for (index, button) in elements.iter_mut().enumerate() {
            button.action_id = format!("link-{index}");
        }
        (Self { elements }, left_out)
    }
}

/// A button that opens a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    #[serde(rename = "type")]
    kind: ButtonKind,
    pub(crate) text: TextObject,
    pub(crate) url: Url,
    #[serde(default)]
    action_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ButtonKind {
    Button,
}

impl Button {
    /// A button with this label.
    pub fn link(label: &str, url: Url) -> Self {
        Self {
            kind: ButtonKind::Button,
            text: TextObject::plain(label, limits::BUTTON),
            url,
            action_id: String::new(),
        }
    }
}

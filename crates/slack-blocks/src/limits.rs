//! Slack's limits, in Unicode characters unless said otherwise. Constructors hold them; nothing else need know them.

/// Blocks of a message.
pub const BLOCKS: usize = 50;
/// Text of a header.
pub const HEADER: usize = 150;
/// Text of a section, and of any text object without a limit of its own.
pub const SECTION: usize = 3_000;
/// Fields of a section.
pub const FIELDS: usize = 10;
/// Text of a field.
pub const FIELD: usize = 2_000;
/// Elements of a context block.
pub const CONTEXT_ELEMENTS: usize = 10;
/// Buttons of an actions block.
pub const ACTIONS: usize = 25;
/// Label of a button.
pub const BUTTON: usize = 75;
/// A link.
pub const URL: usize = 3_000;
/// Rows of a `table`, its header row included.
pub const TABLE_ROWS: usize = 100;
/// Rows of a `data_table`, its header row included.
pub const DATA_TABLE_ROWS: usize = 101;
/// Columns of either table.
pub const COLUMNS: usize = 20;
/// Text of a cell. Slack documents none; this keeps one cell from filling a message.
pub const CELL: usize = 200;
/// Caption of a `data_table`. Slack documents none; this is ours.
pub const CAPTION: usize = 200;
/// Title of a chart, and of its axes.
pub const CHART_TITLE: usize = 50;
/// Label of a point and name of a series.
pub const CHART_LABEL: usize = 20;
/// Points of a series.
pub const CHART_POINTS: usize = 20;
/// Series of a chart.
pub const CHART_SERIES: usize = 6;
/// The blocks of a message, as JSON. Slack refuses messages with `msg_blocks_too_long` at 11 to 13 thousand
/// characters, undocumented; counting the JSON rather than the text alone stays below it on either reading.
pub const MESSAGE: usize = 8_000;
/// The `text` of a message (Slack cuts at 40,000; a paragraph for a screen reader is shorter).
pub const FALLBACK_TEXT: usize = 3_000;

//! Slack's limits, as its reference and experience have them. Written beside, and never from, what builds messages.

use std::collections::BTreeSet;

use serde_json::Value;

/// Slack's own code for a message, and what is wrong with it.
pub(crate) type Problem = (&'static str, String);

/// The hidden total of a message's blocks, in characters of their JSON.
const TOTAL: usize = 11_000;

/// The first thing that Slack would refuse about a message; `old` is a workspace without tables and charts.
///
/// # Errors
/// Slack's code, and what is wrong.
pub fn problem(message: &Value, old: bool) -> Result<(), (&'static str, String)> {
    let text = message["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(("no_text", "a message needs text for screen readers".to_owned()));
    }
    if text.chars().count() > 40_000 {
        return Err(("msg_too_long", "text is longer than 40,000 characters".to_owned()));
    }
    let Some(blocks) = message.get("blocks") else {
        return Ok(());
    };
    let blocks = blocks
        .as_array()
        .ok_or_else(|| invalid("blocks are no list".to_owned()))?;
    if blocks.len() > 50 {
        return Err(invalid(format!("{} blocks", blocks.len())));
    }
    let mut ids = BTreeSet::new();
    for (index, block) in blocks.iter().enumerate() {
        block_problem(block, old).map_err(|problem| invalid(format!("block {index}: {problem}")))?;
        if let Some(id) = block.get("block_id") {
            let id = id.as_str().unwrap_or_default();
            if id.is_empty() || id.chars().count() > 255 || !ids.insert(id) {
                return Err(invalid(format!("block {index}: block_id {id:?}")));
            }
        }
    }
    whole_problem(blocks)
}

fn invalid(problem: String) -> Problem {
    ("invalid_blocks", problem)
}

fn whole_problem(blocks: &[Value]) -> Result<(), Problem> {
    let count = |kind: &str| blocks.iter().filter(|block| block["type"] == kind).count();
    if count("table") + count("data_table") > 1 {
        return Err(invalid("more than one table".to_owned()));
    }
    let total = serde_json::to_string(blocks).map_or(usize::MAX, |json| json.chars().count());
    if total > TOTAL {
        return Err(("msg_blocks_too_long", format!("{total} characters")));
    }
    Ok(())
}

type Checked = Result<(), String>;

fn block_problem(block: &Value, old: bool) -> Checked {
    let kind = block["type"].as_str().ok_or("no type")?;
    if old && ["table", "data_table", "data_visualization"].contains(&kind) {
        return Err(format!("unsupported type: {kind}"));
    }
    match kind {
        "divider" => Ok(()),
        "header" => text_object(&block["text"], 150, &["plain_text"]),
        "section" => section(block),
        "context" => each(&block["elements"], 1..=10, |one| {
            text_object(one, 3_000, &["plain_text", "mrkdwn"])
        }),
        "actions" => each(&block["elements"], 1..=25, button),
        "image" => image(block),
        "table" => table(block, 100),
        "data_table" => data_table(block),
        "data_visualization" => chart(block),
        other => Err(format!("unsupported type: {other}")),
    }
}

fn each(list: &Value, range: std::ops::RangeInclusive<usize>, check: impl Fn(&Value) -> Checked) -> Checked {
    let list = list.as_array().ok_or("no list")?;
    if !range.contains(&list.len()) {
        return Err(format!("{} elements, and {range:?} are allowed", list.len()));
    }
    list.iter().try_for_each(check)
}

fn within(text: &Value, most: usize, what: &str) -> Checked {
    let text = text.as_str().ok_or_else(|| format!("{what} is no text"))?;
    match text.chars().count() {
        0 => Err(format!("{what} is empty")),
        length if length > most => Err(format!("{what} has {length} characters of {most}")),
        _ => Ok(()),
    }
}

fn text_object(text: &Value, most: usize, kinds: &[&str]) -> Checked {
    let kind = text["type"].as_str().unwrap_or_default();
    if !kinds.contains(&kind) {
        return Err(format!("a text of the type {kind:?}"));
    }
    if kind == "mrkdwn" && text.get("emoji").is_some()
        || kind == "plain_text" && text.get("verbatim").is_some()
    {
        return Err("a field of the other kind of text".to_owned());
    }
    within(&text["text"], most, "text")
}

fn section(block: &Value) -> Checked {
    let kinds = ["plain_text", "mrkdwn"];
    if block.get("text").is_none() && block.get("fields").is_none() {
        return Err("neither text nor fields".to_owned());
    }
    if block.get("text").is_some() {
        text_object(&block["text"], 3_000, &kinds)?;
    }
    if block.get("fields").is_some() {
        each(&block["fields"], 1..=10, |field| {
            text_object(field, 2_000, &kinds)
        })?;
    }
    Ok(())
}

fn button(element: &Value) -> Checked {
    if element["type"] != "button" {
        return Err("an element that is no button".to_owned());
    }
    text_object(&element["text"], 75, &["plain_text"])?;
    if element.get("url").is_some() {
        within(&element["url"], 3_000, "url")?;
        let url = element["url"].as_str().unwrap_or_default();
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err("a link to nowhere".to_owned());
        }
    }
    within(&element["action_id"], 255, "action_id")
}

fn image(block: &Value) -> Checked {
    within(&block["alt_text"], 2_000, "alt_text")?;
    match (block.get("image_url"), block.get("slack_file")) {
        (Some(url), None) => within(url, 3_000, "image_url"),
        (None, Some(file)) if file["id"].is_string() => Ok(()),
        _ => Err("neither image_url nor slack_file".to_owned()),
    }
}

fn table(block: &Value, most: usize) -> Checked {
    let rows = block["rows"].as_array().ok_or("no rows")?;
    if rows.is_empty() || rows.len() > most {
        return Err(format!("{} rows of {most}", rows.len()));
    }
    let width = rows[0].as_array().map_or(0, Vec::len);
    if !(1..=20).contains(&width) {
        return Err(format!("{width} columns"));
    }
    let mut characters = 0;
    for row in rows {
        let cells = row.as_array().ok_or("a row that is no list")?;
        if cells.len() != width {
            return Err("rows of different lengths".to_owned());
        }
        for cell in cells {
            if cell["type"] != "raw_text" && cell["type"] != "rich_text" {
                return Err("a cell of no known type".to_owned());
            }
            within(&cell["text"], 10_000, "a cell")?;
            characters += cell["text"].as_str().map_or(0, |text| text.chars().count());
        }
    }
    if characters > 10_000 {
        return Err(format!("{characters} characters in cells"));
    }
    Ok(())
}

fn data_table(block: &Value) -> Checked {
    within(&block["caption"], 2_000, "caption")?;
    if block["rows"].as_array().map_or(0, Vec::len) < 2 {
        return Err("no row but the header".to_owned());
    }
    table(block, 101)
}

fn chart(block: &Value) -> Checked {
    within(&block["title"], 50, "title")?;
    let chart = &block["chart"];
    let kind = chart["type"].as_str().unwrap_or_default();
    if !["line", "bar", "area", "pie"].contains(&kind) {
        return Err(format!("a chart of the type {kind:?}"));
    }
    let categories = chart["axis_config"]["categories"]
        .as_array()
        .ok_or("no categories")?;
    let mut names = BTreeSet::new();
    each(&chart["series"], 1..=6, |series| {
        within(&series["name"], 20, "a series' name")?;
        each(&series["data"], 1..=20, |point| {
            within(&point["label"], 20, "a label")?;
            point["value"]
                .as_f64()
                .map(drop)
                .ok_or_else(|| "a value that is no number".to_owned())
        })?;
        let labels: Vec<&Value> = series["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|point| &point["label"])
            .collect();
        let distinct: BTreeSet<String> = labels.iter().map(ToString::to_string).collect();
        if labels.iter().copied().ne(categories.iter()) || distinct.len() != labels.len() {
            return Err("points that are not the categories".to_owned());
        }
        Ok(())
    })?;
    for series in chart["series"].as_array().into_iter().flatten() {
        if !names.insert(series["name"].to_string()) {
            return Err("two series of one name".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "cases read better so")]
    fn check(blocks: Value, expected: Option<&str>) {
        let found = problem(&json!({"text": "t", "blocks": blocks}), false);
        assert_eq!(found.as_ref().err().map(|(code, _)| *code), expected, "{found:?}");
    }

    #[test]
    fn every_limit_bites_one_beyond_it() {
        let section = |length: usize| json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(length)}});
        let header = |length: usize| json!([{"type": "header", "text": {"type": "plain_text", "text": "x".repeat(length)}}]);
        let bad = Some("invalid_blocks");
        check(json!([section(3_000)]), None);
        check(json!([section(3_001)]), bad);
        check(json!([section(0)]), bad);
        check(header(150), None);
        check(header(151), bad);
        check(json!(vec![json!({"type": "divider"}); 50]), None);
        check(json!(vec![json!({"type": "divider"}); 51]), bad);
        check(
            json!([section(2_900), section(2_900), section(2_900), section(2_900)]),
            Some("msg_blocks_too_long"),
        );
        let field = json!({"type": "mrkdwn", "text": "f"});
        check(
            json!([{"type": "section", "fields": vec![field.clone(); 10]}]),
            None,
        );
        check(
            json!([{"type": "section", "fields": vec![field.clone(); 11]}]),
            bad,
        );
        check(
            json!([{"type": "context", "elements": vec![field.clone(); 10]}]),
            None,
        );
        check(json!([{"type": "context", "elements": vec![field; 11]}]), bad);
        let button = |text: usize, url: usize| {
            json!([{"type": "actions", "elements": [{"type": "button", "action_id": "a",
                "text": {"type": "plain_text", "text": "x".repeat(text)}, "url": format!("https://{}", "x".repeat(url))}]}])
        };
        check(button(75, 2_992), None);
        check(button(76, 10), bad);
        check(button(5, 2_993), bad);
        let cell = |length: usize| json!({"type": "raw_text", "text": "x".repeat(length)});
        let rows = |count: usize, width: usize| json!(vec![vec![cell(1); width]; count]);
        check(json!([{"type": "table", "rows": rows(100, 2)}]), None);
        check(json!([{"type": "table", "rows": rows(101, 1)}]), bad);
        check(json!([{"type": "table", "rows": rows(2, 21)}]), bad);
        check(
            json!([{"type": "data_table", "caption": "c", "rows": rows(101, 1)}]),
            None,
        );
        check(
            json!([{"type": "data_table", "caption": "c", "rows": rows(102, 1)}]),
            bad,
        );
        check(json!([{"type": "data_table", "rows": rows(3, 1)}]), bad);
        check(
            json!([{"type": "table", "rows": rows(2, 2)}, {"type": "table", "rows": rows(2, 2)}]),
            bad,
        );
        check(
            json!([{"type": "image", "image_url": "https://x/y.png", "alt_text": "x".repeat(2_001)}]),
            bad,
        );
        check(json!([{"type": "video"}]), bad);
        check(json!([{"type": "divider", "block_id": "x".repeat(256)}]), bad);
        check(
            json!([{"type": "divider", "block_id": "x"}, {"type": "divider", "block_id": "x"}]),
            bad,
        );
        assert_eq!(problem(&json!({"blocks": []}), false).unwrap_err().0, "no_text");
    }

    #[test]
    fn charts_are_whole() {
        let chart = |title: usize, series: usize, points: usize| {
            let labels: Vec<String> = (0..points).map(|point| format!("day {point}")).collect();
            let data: Vec<Value> = labels
                .iter()
                .map(|label| json!({"label": label, "value": 1.5}))
                .collect();
            let series: Vec<Value> = (0..series)
                .map(|one| json!({"name": format!("s{one}"), "data": data}))
                .collect();
            json!([{"type": "data_visualization", "title": "x".repeat(title),
                "chart": {"type": "line", "series": series, "axis_config": {"categories": labels}}}])
        };
        check(chart(50, 2, 20), None);
        check(chart(51, 2, 20), Some("invalid_blocks"));
        check(chart(5, 7, 20), Some("invalid_blocks"));
        check(chart(5, 1, 21), Some("invalid_blocks"));
        let old = problem(&json!({"text": "t", "blocks": chart(5, 1, 2)}), true);
        assert_eq!(old.unwrap_err().0, "invalid_blocks");
    }
}

//! Resource types, organizational units and framework controls.

use compliance::catalogue;
use compliance::scorecard::{ControlScore, GroupScore, Scorecard};
use compliance::text as format;
use serde::Serialize;

use super::text::{self, Standing};

#[derive(Debug, Clone, Serialize)]
pub(super) struct GroupsSection {
    resource_types: Vec<GroupRow>,
    units: Vec<GroupRow>,
    frameworks: Vec<FrameworkTable>,
}

#[derive(Debug, Clone, Serialize)]
struct GroupRow {
    name: String,
    accounts: String,
    standing: Standing,
    new: String,
    resolved: String,
}

#[derive(Debug, Clone, Serialize)]
struct FrameworkTable {
    title: String,
    summary: String,
    rows: Vec<ControlRow>,
}

#[derive(Debug, Clone, Serialize)]
struct ControlRow {
    control: String,
    rules: String,
    without_results: String,
    standing: Standing,
}

pub(super) fn section(scorecard: &Scorecard) -> GroupsSection {
    GroupsSection {
        resource_types: rows(&scorecard.resource_types, "unknown"),
        units: rows(&scorecard.organizational_units, "unknown organizational unit"),
        frameworks: frameworks(&scorecard.controls),
    }
}

fn rows(groups: &[GroupScore], unknown: &str) -> Vec<GroupRow> {
    groups
        .iter()
        .map(|group| GroupRow {
            name: text::shown(group.name.as_deref().unwrap_or(unknown)),
            accounts: text::count(group.accounts),
            standing: text::standing(&group.scores, group.change),
            new: text::count(group.movement.new),
            resolved: text::count(group.movement.resolved),
        })
        .collect()
}

fn frameworks(controls: &[ControlScore]) -> Vec<FrameworkTable> {
    controls
        .chunk_by(|a, b| a.framework == b.framework)
        .map(|chunk| {
            let id = chunk.first().map_or("", |control| control.framework.as_str());
            let with_data = chunk.iter().filter(|one| one.scores.pairs.total() > 0).count() as u64;
            FrameworkTable {
                title: catalogue::framework(id).map_or_else(|| text::shown(id), |one| one.title.to_owned()),
                summary: format!(
                    "{} with mapped rules, {} of them with results. The mapping of rules to controls is \
                     management's; a control is more than its rules.",
                    format::plural(chunk.len() as u64, "control", "controls"),
                    format::count(with_data)
                ),
                rows: chunk.iter().map(control_row).collect(),
            }
        })
        .collect()
}

fn control_row(control: &ControlScore) -> ControlRow {
    ControlRow {
        control: text::shown(&control.control),
        rules: text::count(control.rules.len() as u64),
        without_results: text::count(control.rules_without_results),
        standing: text::standing(&control.scores, control.change),
    }
}

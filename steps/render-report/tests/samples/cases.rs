//! The named cases.

use compliance::report::ReportKind;
use compliance::scorecard::{Lists, Scores};
use render_report::RenderInput;

use super::{Shape, sample};

/// Every case by name.
pub(crate) fn all() -> Vec<(&'static str, RenderInput)> {
    vec![
        ("normal", normal()),
        ("weekly", weekly()),
        ("first-run", first_run()),
        ("missing-coverage", missing_coverage()),
        ("zero-accounts", zero_accounts()),
        ("one-account", one_account()),
        ("hostile", hostile()),
    ]
}

/// A day like any other, simulated.
pub(crate) fn normal() -> RenderInput {
    sample(&Shape::default())
}

/// Twelve weeks.
pub(crate) fn weekly() -> RenderInput {
    sample(&Shape {
        kind: ReportKind::Weekly,
        simulation: None,
        ..Shape::default()
    })
}

/// Nothing to compare with; live.
pub(crate) fn first_run() -> RenderInput {
    sample(&Shape {
        first_run: true,
        simulation: None,
        ..Shape::default()
    })
}

/// Failed, outdated, absent.
pub(crate) fn missing_coverage() -> RenderInput {
    sample(&Shape {
        missing_scopes: true,
        simulation: None,
        ..Shape::default()
    })
}

/// Nothing at all.
pub(crate) fn zero_accounts() -> RenderInput {
    let mut input = sample(&Shape {
        accounts: 0,
        rules: 0,
        first_run: true,
        simulation: None,
        ..Shape::default()
    });
    input.scorecard.organization = Scores::default();
    input.lists = Lists::default();
    input
}

/// One account, as a laptop's first look at AWS.
pub(crate) fn one_account() -> RenderInput {
    sample(&Shape {
        accounts: 1,
        rules: 31,
        resources: 4,
        simulation: None,
        ..Shape::default()
    })
}

/// At least this many noncompliant rows.
pub(crate) fn large(rows: usize) -> RenderInput {
    let mut input = sample(&Shape {
        accounts: 50,
        rules: 100,
        resources: 6,
        simulation: None,
        ..Shape::default()
    });
    let base = input.lists.noncompliant.clone();
    while input.lists.noncompliant.len() < rows {
        let missing = rows - input.lists.noncompliant.len();
        input
            .lists
            .noncompliant
            .extend(base.iter().take(missing).cloned());
    }
    input
}

/// Text that would like to be markup, to reorder, to hide or to overflow.
pub(crate) const HOSTILE: [&str; 12] = [
    "#panic(\"executed\")",
    "*bold* _emphasis_ $x^2$ @label <label> = Heading",
    "#eval(\"1 + 1\") \\u{41} // comment /* block */",
    "عربي والعربية שלום עולם",
    "\u{202E}desrever\u{202C} hid\u{200B}den \u{FEFF}bom",
    "Zalgo: Z\u{0351}\u{036B}\u{0343}a\u{0334}\u{0315}l\u{0321}\u{0363}g\u{0334}o\u{0353}",
    "emoji 🚀 👩‍👩‍👧‍👦 🏳️‍🌈 family",
    "日本語のリソース名 한국어 ภาษาไทย",
    "\n\nStarts with newlines\r\nand goes on\ttabbed\u{7}\u{0}",
    "=HYPERLINK(\"http://evil\",\"click\")",
    "</script><b>html</b> & entity; \u{E000}\u{FFFE}",
    "ends with a combining mark e\u{301}\u{301}",
];

/// The longest id AWS allows, without a place to break.
pub(crate) fn long_id() -> String {
    format!("arn:aws:iam::104300217000:role/{}", "Ab9".repeat(250))
        .chars()
        .take(768)
        .collect()
}

/// Hostile text in every place that text from outside reaches.
pub(crate) fn hostile() -> RenderInput {
    let mut input = sample(&Shape {
        accounts: 4,
        rules: 12,
        simulation: Some(HOSTILE[0].to_owned()),
        missing_scopes: true,
        ..Shape::default()
    });
    let text = |index: usize| HOSTILE[index % HOSTILE.len()].to_owned();
    input.scorecard.title = format!("{} {}", HOSTILE[1], HOSTILE[0]);
    for (index, account) in input.scorecard.accounts.iter_mut().enumerate() {
        account.name = Some(text(index));
    }
    for (index, rule) in input.scorecard.rules.iter_mut().enumerate() {
        rule.metadata.rule = if index == 0 { "r".repeat(128) } else { text(index) };
        rule.metadata.description = Some(text(index + 1));
        rule.metadata.guidance = Some(text(index + 2));
        rule.metadata.link = Some(format!("https://example.com/{}", HOSTILE[index % HOSTILE.len()]));
    }
    for (index, group) in input.scorecard.resource_types.iter_mut().enumerate() {
        group.name = Some(text(index));
    }
    for scope in &mut input.scorecard.context.coverage.scopes {
        if let Some(gap) = &mut scope.missing {
            gap.reason = HOSTILE.join(" ");
        }
    }
    super::advice::hostile(&mut input, text);
    let lists = [
        &mut input.lists.new,
        &mut input.lists.resolved,
        &mut input.lists.vanished,
        &mut input.lists.noncompliant,
    ];
    for list in lists {
        for (index, row) in list.iter_mut().enumerate() {
            row.key.resource_id = if index == 0 { long_id() } else { text(index) };
            row.key.rule = if index == 1 {
                "r".repeat(128)
            } else {
                text(index + 3)
            };
            row.key.aws_region = if index == 2 {
                "x".repeat(64)
            } else {
                row.key.aws_region.clone()
            };
            row.annotation = Some(text(index + 5));
            row.account_name = Some(text(index / 3));
        }
    }
    input
}

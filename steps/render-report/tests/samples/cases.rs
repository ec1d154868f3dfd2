//! The named cases.

use compliance::report::ReportKind;
use compliance::scorecard::{Lists, Scores};
use render_report::RenderInput;

use super::{Shape, events, sample};

/// A case, made when asked for: the large ones take a while.
pub(crate) type Case = fn() -> RenderInput;

/// Every case by name.
pub(crate) const ALL: [(&str, Case); 13] = [
    ("normal", normal),
    ("calm-day", calm_day),
    ("bad-day", bad_day),
    ("weekly", weekly),
    ("events", with_events),
    ("first-run", first_run),
    ("missing-coverage", missing_coverage),
    ("zero-accounts", zero_accounts),
    ("one-account", one_account),
    ("five-hundred-accounts", five_hundred_accounts),
    ("five-thousand-new", five_thousand_new),
    ("hostile", hostile),
    ("hostile-widths", hostile_widths),
];

/// A day like any other, simulated.
pub(crate) fn normal() -> RenderInput {
    sample(&Shape::default())
}

/// Hardly anything moved; live.
pub(crate) fn calm_day() -> RenderInput {
    sample(&Shape {
        simulation: None,
        calm: 3000,
        ..Shape::default()
    })
}

/// A tenth of all pairs turned noncompliant since yesterday; live.
pub(crate) fn bad_day() -> RenderInput {
    sample(&Shape {
        simulation: None,
        new: Some(120),
        ..Shape::default()
    })
}

/// A bad day, simulated, of most of which events told.
pub(crate) fn with_events() -> RenderInput {
    events::told(sample(&Shape {
        new: Some(60),
        ..Shape::default()
    }))
}

/// Five thousand rows in the list of what is new, and more in that of what is noncompliant.
pub(crate) fn five_thousand_new() -> RenderInput {
    sample(&Shape {
        accounts: 50,
        rules: 60,
        resources: 4,
        simulation: None,
        new: Some(5000),
        ..Shape::default()
    })
}

/// As many accounts as a large organization has.
pub(crate) fn five_hundred_accounts() -> RenderInput {
    sample(&Shape {
        accounts: 500,
        rules: 20,
        resources: 1,
        simulation: None,
        ..Shape::default()
    })
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

/// Words that find no place to break, as wide as AWS allows, in every place that text from outside reaches.
pub(crate) fn hostile_widths() -> RenderInput {
    let mut input = sample(&Shape {
        accounts: 4,
        rules: 12,
        simulation: Some("W".repeat(120)),
        missing_scopes: true,
        ..Shape::default()
    });
    let annotations = [
        "M".repeat(256),
        "\u{5E9}\u{5DC}\u{5D5}\u{5DD}".repeat(64),
        "\u{645}\u{631}\u{62D}\u{628}\u{627}".repeat(51),
        "e\u{301}\u{302}\u{303}".repeat(64),
        "\u{540D}\u{1F680}".repeat(128),
    ];
    let scorecard = &mut input.scorecard;
    scorecard.title = "W".repeat(64);
    for account in &mut scorecard.accounts {
        account.name = Some("W".repeat(50));
    }
    for rule in &mut scorecard.rules {
        rule.metadata.rule = "w".repeat(128);
        rule.metadata.description = Some("M".repeat(512));
        rule.metadata.guidance = Some("`".to_owned() + &"m".repeat(256) + "`");
        rule.metadata.link = Some(format!("https://example.com/{}", "W".repeat(300)));
        rule.conformance_packs = vec!["W".repeat(256)];
    }
    for group in scorecard
        .resource_types
        .iter_mut()
        .chain(&mut scorecard.organizational_units)
    {
        group.name = Some("W".repeat(128));
    }
    for control in &mut scorecard.controls {
        control.control = "W".repeat(64);
    }
    for rule in &mut scorecard.merged.rules {
        rule.config_rule_names = vec!["W".repeat(128), "securityhub-".to_owned() + &"W".repeat(116)];
    }
    scorecard.unrated_rules = vec!["W".repeat(128); 3];
    let coverage = &mut scorecard.context.coverage;
    coverage.regions_skipped = vec!["w".repeat(64); 2];
    for scope in &mut coverage.scopes {
        scope.source.aws_region = "w".repeat(64);
        if let Some(gap) = &mut scope.missing {
            gap.reason = "M".repeat(256);
        }
    }
    let lists = &mut input.lists;
    for list in [
        &mut lists.new,
        &mut lists.resolved,
        &mut lists.vanished,
        &mut lists.noncompliant,
    ] {
        for (index, row) in list.iter_mut().enumerate() {
            row.key.resource_id = long_id();
            row.key.resource_type = format!("AWS::{}::{}", "W".repeat(40), "W".repeat(60));
            row.key.rule = "W".repeat(128);
            row.key.aws_region = "w".repeat(64);
            row.annotation = Some(annotations[index % annotations.len()].clone());
            row.account_name = Some("W".repeat(50));
        }
        list.truncate(12);
    }
    input
}

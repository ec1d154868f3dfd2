//! Interruptions of the real binary, each a row: nothing half-written is ever taken for whole, and the next run
//! continues and makes the very bundle of a run that nobody disturbed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock, Mutex};

use support::{AS_OF, Run, SMALL, document, files, hold_whole, plumbline, simulated};

type Files = BTreeMap<String, Vec<u8>>;

/// Every file that an undisturbed daily run leaves, provenance apart.
static UNDISTURBED: LazyLock<Files> = LazyLock::new(|| {
    let out = tempfile::tempdir().unwrap();
    simulated(&["report", "daily"], out.path()).json();
    stands(out.path())
});

/// What stands in a folder, but for who made it when.
fn stands(out: &Path) -> Files {
    let mut files = files(out);
    files.retain(|name, _| !name.ends_with("/provenance.json") && name != ".plumbline-lock");
    files
}

/// Files that have their names.
fn objects(out: &Path) -> Files {
    let mut files = files(out);
    files.retain(|name, _| !name.contains(".partial-"));
    files
}

/// The next run ends well, and everything is as if nothing had happened.
fn continues(out: &Path) {
    let run = simulated(&["report", "daily"], out);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (ours, theirs) = (stands(out), &*UNDISTURBED);
    assert_eq!(
        Vec::from_iter(ours.keys()),
        Vec::from_iter(theirs.keys()),
        "the same files"
    );
    for (name, bytes) in &ours {
        assert!(
            bytes == &theirs[name],
            "{name} differs from the undisturbed run's"
        );
    }
    hold_whole(out);
}

/// A run under way whose progress is read as it comes.
struct Going {
    child: Child,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
}

impl Going {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (reader, text) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&stderr));
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                text.lock().unwrap().push_str(&format!("{line}\n"));
                let _ = sender.send(line);
            }
        });
        Self { child, lines, stderr }
    }

    fn daily(out: &Path) -> Self {
        let mut command = plumbline();
        command.args(["report", "daily", "--simulate", "--as-of", AS_OF, "--out"]);
        command.arg(out).args(SMALL);
        Self::start(command)
    }

    /// Waits for the moment; whether it came before the run ended.
    fn wait_for(&mut self, when: &When, out: &Path) -> bool {
        loop {
            let come = match when {
                When::Line(words) => self
                    .lines
                    .try_iter()
                    .any(|line| line.trim_start().starts_with(words)),
                When::Files(there) => there(&objects(out)),
            };
            if come {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
        }
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// The exit code and what was said.
    fn end(mut self) -> Run {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        // The reader has all of it once the sender is gone.
        for _ in self.lines.iter() {}
        let stderr = self.stderr.lock().unwrap().clone();
        Run {
            code,
            stdout: String::new(),
            stderr,
        }
    }
}

/// A moment of a run.
enum When {
    /// A line of progress that begins so is said.
    Line(&'static str),
    /// The files of the folder are so.
    Files(fn(&Files) -> bool),
}

fn count(files: &Files, begin: &str, end: &str) -> usize {
    let named = |name: &&String| name.starts_with(begin) && name.ends_with(end);
    files.keys().filter(named).count()
}

/// The stages of a daily run, in their order: it is killed in each, and goes on from there.
const STAGES: [(&str, When); 12] = [
    (
        "frozen settings",
        When::Files(|now| count(now, "settings/", ".json") > 0),
    ),
    (
        "a shard planned",
        When::Files(|now| count(now, "work/", ".json") > 0),
    ),
    ("a plan", When::Files(|now| count(now, "work/", "plan.json") > 0)),
    ("planned", When::Line("plan")),
    (
        "a shard's results",
        When::Files(|now| {
            now.keys()
                .any(|name| name.starts_with("work/") && name.contains("/results/"))
        }),
    ),
    ("collected", When::Line("collect")),
    (
        "half a snapshot",
        When::Files(|now| {
            count(now, "snapshots/", "results.parquet") > count(now, "snapshots/", "manifest.json")
        }),
    ),
    ("frozen", When::Line("freeze")),
    (
        "all snapshots",
        When::Files(|now| count(now, "snapshots/", "manifest.json") == 8),
    ),
    ("scored", When::Line("score")),
    ("rendered", When::Line("render")),
    (
        "half a bundle",
        When::Files(|now| count(now, "daily/", "report.pdf") > 0),
    ),
];

#[test]
fn killed_in_every_stage_a_run_goes_on_from_there() {
    let out = tempfile::tempdir().unwrap();
    let mut missed = Vec::new();
    for (stage, when) in &STAGES {
        let mut run = Going::daily(out.path());
        if run.wait_for(when, out.path()) {
            run.signal("KILL");
        } else {
            missed.push(stage);
        }
        run.end();
        hold_whole(out.path());
    }
    assert!(
        missed.is_empty(),
        "the run ended before it was killed: {missed:?}"
    );
    continues(out.path());
}

/// Where the runs of this test are killed: after so many new files each, and so many turns of waiting.
const SEED: u64 = 20_261_121;

#[test]
fn killed_anywhere_a_run_goes_on_from_there() {
    let out = tempfile::tempdir().unwrap();
    let mut random = SEED;
    for _ in 0..10 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (more, turns) = ((random >> 33) % 9 + 1, (random >> 45) % 200);
        let enough = objects(out.path()).len() as u64 + more;
        let mut run = Going::daily(out.path());
        while (objects(out.path()).len() as u64) < enough && run.child.try_wait().unwrap().is_none() {}
        for _ in 0..turns {
            std::thread::yield_now();
        }
        run.child.kill().unwrap();
        run.end();
        hold_whole(out.path());
    }
    continues(out.path());
}

#[test]
fn a_run_that_is_asked_to_end_says_how_it_goes_on() {
    let rows = [
        ("INT", 130, "Ctrl-C", "a shard's results"),
        ("TERM", 143, "SIGTERM", "all snapshots"),
        // Scoring and rendering are one long piece of work: they are not waited for.
        ("INT", 130, "Ctrl-C", "scored"),
    ];
    let out = tempfile::tempdir().unwrap();
    for (signal, code, said, stage) in rows {
        let (_, when) = STAGES.iter().find(|(name, _)| *name == stage).unwrap();
        let mut run = Going::daily(out.path());
        assert!(run.wait_for(when, out.path()), "{stage}");
        run.signal(signal);
        let run = run.end();
        let folder = out.path().to_str().unwrap();
        run.fails(code, &["interrupted", said, "same command again", folder]);
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
        hold_whole(out.path());
    }
    continues(out.path());
}

#[test]
fn what_interrupted_writers_left_half_done_is_swept() {
    let out = tempfile::tempdir().unwrap();
    for folder in [
        "daily/2026-11-20/x",
        "snapshots/date=2026-11-20/snapshot=x",
        "work/x",
    ] {
        std::fs::create_dir_all(out.path().join(folder)).unwrap();
        std::fs::write(out.path().join(folder).join(".partial-abcdef"), "half").unwrap();
    }
    std::fs::write(out.path().join("mine.partial-abcdef"), "not of Plumbline").unwrap();
    simulated(&["snapshot"], out.path()).json();
    let left = files(out.path());
    let partial: Vec<_> = left.keys().filter(|name| name.contains(".partial-")).collect();
    assert_eq!(partial, ["mine.partial-abcdef"]);
    assert!(
        !left.keys().any(|name| name.starts_with("work/")),
        "{:?}",
        left.keys()
    );
}

/// `plumbline` where no file may be larger than `blocks` of 512 bytes: what a full disk does, at a chosen place.
fn cramped(blocks: u64, out: &Path) -> Run {
    let mut command = Command::new("sh");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\""])
        .arg(blocks.to_string())
        .arg(plumbline().get_program())
        .args(["report", "daily", "--simulate", "--as-of", AS_OF, "--out"])
        .arg(out)
        .args(SMALL);
    command.output().unwrap().into()
}

#[test]
fn where_a_file_does_not_fit_the_run_ends_and_names_it_and_later_goes_on() {
    // Until what stage it goes on first, the size it is left then, and where the file is that does not fit.
    let rows = [
        (None, 0, "settings"),
        (None, 2, "work"),
        (Some("a shard's results"), 2, "snapshots"),
        (Some("all snapshots"), 2, "daily"),
        (None, 200, "daily"),
    ];
    let out = tempfile::tempdir().unwrap();
    for (stage, blocks, folder) in rows {
        if let Some((_, when)) = STAGES.iter().find(|(name, _)| Some(*name) == stage) {
            let mut run = Going::daily(out.path());
            assert!(run.wait_for(when, out.path()), "{stage:?}");
            run.signal("KILL");
            run.end();
        }
        let run = cramped(blocks, out.path());
        let file = out.path().join(folder);
        let named = format!("cannot write {}/", file.display());
        run.fails(6, &[&named, "ulimit -f", "same command again", "os error"]);
        hold_whole(out.path());
        let partial = files(out.path());
        let partial: Vec<_> = partial.keys().filter(|name| name.contains(".partial-")).collect();
        assert!(partial.is_empty(), "{partial:?}");
    }
    continues(out.path());
}

#[test]
fn two_runs_at_once_make_one_bundle() {
    let out = tempfile::tempdir().unwrap();
    let both = [Going::daily(out.path()), Going::daily(out.path())].map(Going::end);
    for run in &both {
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let waited = |run: &&Run| run.stderr.contains("Another run writes to");
    assert_eq!(both.iter().filter(waited).count(), 1, "one waits for the other");
    assert!(
        both.iter().any(|run| run.stderr.contains("daily run, process")),
        "and is told for what"
    );
    continues(out.path());
    let bundle = files(&out.path().join("daily"));
    let folder = bundle.keys().find_map(|name| {
        name.strip_suffix("/manifest.json")
            .filter(|name| !name.ends_with("snapshot"))
    });
    let provenance = document(&out.path().join("daily").join(folder.unwrap()), "provenance.json");
    assert!(
        provenance["calls"].as_object().unwrap().len() > 3,
        "the first writer's stays"
    );
}

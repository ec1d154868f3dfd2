//! Events in the cloud that could not be worked on.

mod place;
mod redrive;

use aws::{Aws, AwsSettings, DeadLetterQueue, WaitingLetter};
use compliance::settings::CollectionSettings;
use compliance::text;
use serde_json::{Value, json};
use slack_blocks::text::sanitise;

use crate::args::{DeadLettersArgs, EventsCommand, QueueArgs};
use crate::error::{CliError, defect};
use crate::progress::StderrProgress;
use crate::session;

/// Dispatches.
pub(crate) async fn run(command: EventsCommand) -> Result<(), CliError> {
    match command {
        EventsCommand::DeadLetters(args) => dead_letters(&args).await,
        EventsCommand::Redrive(args) => redrive::run(&args).await,
    }
}

/// The queues.
struct Queues {
    aws: Aws,
    place: place::Place,
    progress: StderrProgress,
}

impl Queues {
    /// Finds out where they are; calls nothing yet.
    async fn open(args: &QueueArgs) -> Result<Self, CliError> {
        let file = session::read_settings(args.settings.as_ref())?;
        let place = place::place(args, &file.cloud)?;
        let mut settings = AwsSettings::new(&CollectionSettings::default());
        settings.profile.clone_from(&args.profile);
        settings.region.clone_from(&place.region);
        Ok(Self {
            aws: Aws::connect(settings).await?,
            place,
            progress: StderrProgress::new(),
        })
    }

    fn dead_letters(&self) -> DeadLetterQueue {
        self.aws.dead_letter_queue(&self.place.dead_letters)
    }
}

async fn dead_letters(args: &DeadLettersArgs) -> Result<(), CliError> {
    let queues = Queues::open(&args.queues).await?;
    let queue = queues.dead_letters();
    // Those that are looked at are counted as well, so this comes first.
    let count = queue.count().await?;
    let letters = queue.peek(args.limit as usize).await?;
    let count = count.max(letters.len() as u64);
    crate::print(&match args.queues.json {
        true => in_json(count, &letters)?,
        false => in_words(count, &letters),
    })
}

fn in_json(count: u64, letters: &[WaitingLetter]) -> Result<String, CliError> {
    let letter = |letter: &WaitingLetter| {
        json!({
            "id": letter.id,
            "code": letter.code,
            "reason": letter.reason,
            "sent_at": letter.sent_at,
            "body": letter.body,
        })
    };
    let letters: Vec<Value> = letters.iter().map(letter).collect();
    let document = json!({"count": count, "letters": letters});
    let text = serde_json::to_string_pretty(&document).map_err(defect("the dead letters"))?;
    Ok(text + "\n")
}

fn in_words(count: u64, letters: &[WaitingLetter]) -> String {
    if count == 0 {
        return "No event waits among the dead letters.\n".to_owned();
    }
    let mut lines = vec![format!(
        "{} among the dead letters, about",
        text::plural(count, "event", "events")
    )];
    lines.extend(letters.iter().map(line));
    let left_out = count.saturating_sub(letters.len() as u64);
    if left_out > 0 {
        lines.push(format!(
            "and {} more; see more of them with --limit",
            text::count(left_out)
        ));
    }
    lines.push("Once the cause is mended: plumbline events redrive".to_owned());
    lines.join("\n") + "\n"
}

fn line(letter: &WaitingLetter) -> String {
    let sent = letter
        .sent_at
        .map_or_else(|| "at an unknown time".to_owned(), text::minute);
    let code = letter.code.as_deref().unwrap_or("no code");
    let silent = "the function failed too often; its log says why";
    let reason = letter.reason.as_deref().unwrap_or(silent);
    sanitise(&format!("  {sent}  {}  {code}: {reason}", letter.id))
}

//! The command line's words.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use compliance::Timestamp;
use compliance::organization::is_account_id;
use compliance::report::ReportKind;
use simulated_org::Faults;

use crate::deliver::Deliver;

/// AWS Config compliance across an AWS Organization, turned into reports that people trust.
#[derive(Debug, Parser)]
#[command(name = "plumbline", version, about, propagate_version = true, after_long_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a defect of Plumbline; 2 wrong arguments; 3 settings; 4 AWS or Slack refused \
(credentials, permission, no such aggregator or channel); 5 AWS or Slack did not answer (throttled, unavailable, broken answer); \
6 files (cannot read or write, full disk, damaged snapshot, a snapshot later than the clock); a run in the cloud that \
failed ends with the code of its error, one that was stopped or timed out with 5; \
130 interrupted (Ctrl-C) and 143 ended (SIGTERM): run the same command again to continue.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Collect, score and render a report into a bundle of files.
    Report(ReportArgs),
    /// Collect and score only: a snapshot for later reports to compare with.
    Snapshot(RunArgs),
    /// The simulated organization.
    Simulate {
        #[command(subcommand)]
        command: SimulateCommand,
    },
    /// The runs in the cloud: start, follow, list and fetch them.
    Cloud {
        #[command(subcommand)]
        command: CloudCommand,
    },
    /// Show what would be decided about events of AWS Config and what people would be told; tell them, if asked.
    Alert(AlertArgs),
    /// Events in the cloud that could not be worked on: look at them, have them tried again.
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Draw a Slack message in the terminal as Slack would show it.
    Preview {
        #[command(subcommand)]
        command: PreviewCommand,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Which report.
    pub(crate) kind: KindArg,
    /// Tell the people that the settings name under [delivery]; what has arrived already is not sent again.
    #[arg(long)]
    pub(crate) deliver: bool,
    /// Another address of Slack's API, for tests.
    #[arg(long, value_name = "URL", env = "PLUMBLINE_SLACK_API", hide = true)]
    pub(crate) slack_api: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl ReportArgs {
    /// How the report is to be delivered, if it is.
    pub(crate) fn deliver(&self) -> Option<Deliver> {
        self.deliver.then(|| Deliver {
            profile: self.run.profile.clone(),
            region: self.run.region.clone(),
            slack_api: self.slack_api.clone(),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct AlertArgs {
    /// Events as EventBridge, SNS or AWS Config gives them: one JSON object, an array of them, or one a line. Those before
    /// an event are what is known of it. (`plumbline preview alert` draws a message that is made already.)
    pub(crate) file: PathBuf,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Tell the people whose routes take alerts; what has arrived already, by the record in --records, is not sent again.
    #[arg(long)]
    pub(crate) deliver: bool,
    /// Folder of the record of deliveries.
    #[arg(long, value_name = "DIR", default_value = "reports", requires = "deliver")]
    pub(crate) records: PathBuf,
    /// AWS profile, for topics and secrets in AWS.
    #[arg(long, value_name = "P", requires = "deliver")]
    pub(crate) profile: Option<String>,
    /// AWS region, for the same.
    #[arg(long, value_name = "R", requires = "deliver")]
    pub(crate) region: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Another address of Slack's API, for tests.
    #[arg(long, value_name = "URL", env = "PLUMBLINE_SLACK_API", hide = true)]
    pub(crate) slack_api: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List events that could not be worked on, oldest first, each with the reason; takes none of them away.
    DeadLetters(DeadLettersArgs),
    /// Move every one of them back to the queue of events, and follow the move to its end.
    Redrive(RedriveArgs),
}

/// Where the queues are. Each of the first two may also stand under `[cloud]` in the settings file.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// URL of the queue of events.
    #[arg(
        long,
        value_name = "URL",
        env = "PLUMBLINE_EVENTS_QUEUE_URL",
        hide_env_values = true
    )]
    pub(crate) queue_url: Option<String>,
    /// URL of the queue of their dead letters. [default: that of the queue of events, with -dead-letters at its end]
    #[arg(
        long,
        value_name = "URL",
        env = "PLUMBLINE_DEAD_LETTERS_URL",
        hide_env_values = true
    )]
    pub(crate) dead_letters_url: Option<String>,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// AWS profile to use.
    #[arg(long, value_name = "P")]
    pub(crate) profile: Option<String>,
    /// AWS region. [default: the queue's]
    #[arg(long, value_name = "R")]
    pub(crate) region: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeadLettersArgs {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) queues: QueueArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RedriveArgs {
    /// Say how many would be moved, and move none.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// At most so many a second; as fast as SQS likes when absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) per_second: Option<u32>,
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
    #[command(flatten)]
    pub(crate) queues: QueueArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KindArg {
    /// Compared with 24 hours before, trend over 7 days.
    Daily,
    /// Compared with 7 days before, trend over 12 weeks.
    Weekly,
}

impl From<KindArg> for ReportKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Daily => Self::Daily,
            KindArg::Weekly => Self::Weekly,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// AWS profile to use.
    #[arg(long, value_name = "P", conflicts_with_all = ["simulate", "snapshot"])]
    pub(crate) profile: Option<String>,
    /// AWS region of the aggregator.
    #[arg(long, value_name = "R", conflicts_with_all = ["simulate", "snapshot"])]
    pub(crate) region: Option<String>,
    /// Folder for bundles and snapshots; earlier runs there are the history.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// The moment the report stands for, such as 2026-11-21T09:00:00Z or 2026-11-21. Only with --simulate, --snapshot
    /// or an aggregator that is simulated: a live answer is never misdated.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) as_of: Option<Timestamp>,
    /// Begin anew where an interrupted run of the same kind could be continued, and remove what it left.
    #[arg(long, conflicts_with = "snapshot")]
    pub(crate) fresh: bool,
    /// Print one JSON object about the run instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// Where the results come from: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SourceArgs {
    /// Name of the Config aggregator to collect from, with your AWS credentials.
    #[arg(long, value_name = "NAME")]
    pub(crate) aggregator: Option<String>,
    /// Collect from the built-in simulated organization; needs no AWS account.
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Report a snapshot saved before, without the network: a snapshot's folder, a bundle, or a folder of runs.
    #[arg(long, value_name = "DIR")]
    pub(crate) snapshot: Option<PathBuf>,
}

/// Size of the simulated organization, and what goes wrong there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Simulation")]
pub(crate) struct SimulationArgs {
    /// Seed: the same seed and sizes give the same organization. [default: 7]
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Accounts. [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=5_000))]
    pub(crate) accounts: Option<u32>,
    /// Regions. [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=12))]
    pub(crate) regions: Option<u32>,
    /// Rules. [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=300))]
    pub(crate) rules: Option<u32>,
    /// Resources per account and region.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) resources: Option<u32>,
    /// What goes wrong on purpose, such as throttle=0.5,5xx=0.1,latency=50ms. The data stays the same.
    #[arg(long, value_name = "LIST", long_help = FAULTS)]
    pub(crate) faults: Option<Faults>,
}

const FAULTS: &str = "\
What goes wrong on purpose, separated by commas; drawn from the seed, the call and its attempt. The data stays the same.
  throttle=0.5          this share of calls is throttled
  5xx=0.1               this share is answered by 500 or 503, with or without a body
  cut=0.02              this share loses its connection in the middle of headers or body
  truncate=0.02         this share has a body that ends early
  repeat-page=0.01      this share brings the page before once more, with a token used before
  latency=50ms          every answer waits
  rate=5                more requests per second than this are throttled
  expire-after=4        each 4th call that goes on with a list finds its token expired
  expire-credentials-after=9
                        the session of a role expires after 9 calls
  fail=111122223333     every call about this account fails, for ever; may be repeated";

impl SimulationArgs {
    /// At least one of them is given.
    pub(crate) fn any(&self) -> bool {
        self.seed.is_some()
            || self.faults.is_some()
            || [self.accounts, self.regions, self.rules, self.resources]
                .iter()
                .any(Option::is_some)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateCommand {
    /// Serve the simulated organization (aggregator `organization`) over HTTP on 127.0.0.1 for any AWS client.
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
    /// The moment shown: a date, a time, or a day number counted from 2026-01-01 (day 0). Default: now, and it
    /// moves on with the clock.
    #[arg(long, value_name = "D", value_parser = parse_day)]
    pub(crate) day: Option<Timestamp>,
    /// Serve a recorded account (JSON as in `crates/simulated-org/recorded`) instead of the simulated organization.
    #[arg(long, value_name = "FILE")]
    pub(crate) recorded: Option<PathBuf>,
    /// Refuse the rule inventory, as an organization without the member role would.
    #[arg(long)]
    pub(crate) no_rule_inventory: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PreviewCommand {
    /// The digest of a bundle: its digest.json.
    Digest {
        /// A bundle's digest.json.
        file: PathBuf,
        /// Draw the thread's messages too.
        #[arg(long)]
        thread: bool,
        /// Draw a picture into this file (PNG) instead.
        #[arg(long, value_name = "FILE")]
        png: Option<PathBuf>,
    },
    /// One message, such as an alert: JSON as Slack takes it.
    #[command(visible_alias = "message")]
    Alert {
        /// JSON with the message's text and blocks.
        file: PathBuf,
        /// Draw a picture into this file (PNG) instead.
        #[arg(long, value_name = "FILE")]
        png: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CloudCommand {
    /// Start a run of the state machine; the same start twice gives one run.
    Start(CloudStartArgs),
    /// Follow a run by state and by shard until it ends; says what came of it.
    Watch(CloudWatchArgs),
    /// List the newest runs.
    List(CloudListArgs),
    /// Copy the bundle of a run that is done, each file held against the manifest.
    Fetch(CloudFetchArgs),
}

/// Where the runs are. Each of the first three may also stand under `[cloud]` in the settings file.
#[derive(Debug, Args)]
pub(crate) struct CloudArgs {
    /// ARN of the state machine.
    #[arg(
        long,
        value_name = "ARN",
        env = "PLUMBLINE_STATE_MACHINE",
        hide_env_values = true
    )]
    pub(crate) state_machine: Option<String>,
    /// Bucket of the evidence.
    #[arg(long, value_name = "NAME", env = "PLUMBLINE_BUCKET", hide_env_values = true)]
    pub(crate) bucket: Option<String>,
    /// What every key begins with in the bucket. [default: reports/]
    #[arg(long, value_name = "PREFIX", env = "PLUMBLINE_PREFIX", hide_env_values = true)]
    pub(crate) prefix: Option<String>,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// AWS profile to use.
    #[arg(long, value_name = "P")]
    pub(crate) profile: Option<String>,
    /// AWS region. [default: the state machine's]
    #[arg(long, value_name = "R")]
    pub(crate) region: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CloudStartArgs {
    /// Which kind of run.
    pub(crate) kind: CloudKindArg,
    /// The moment the report stands for, of which a snapshot must be saved. [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) as_of: Option<Timestamp>,
    /// Collect this source account only; may be repeated. A part of the organization has a history of its own.
    #[arg(long = "source-account", value_name = "ID", value_parser = parse_account)]
    pub(crate) source_accounts: Vec<String>,
    /// Collect this source region only; may be repeated.
    #[arg(long = "source-region", value_name = "REGION")]
    pub(crate) source_regions: Vec<String>,
    /// Follow the run until it ends.
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CloudKindArg {
    /// Compared with 24 hours before, trend over 7 days.
    Daily,
    /// Compared with 7 days before, trend over 12 weeks.
    Weekly,
    /// Collects and scores only.
    Snapshot,
}

impl From<CloudKindArg> for ReportKind {
    fn from(kind: CloudKindArg) -> Self {
        match kind {
            CloudKindArg::Daily => Self::Daily,
            CloudKindArg::Weekly => Self::Weekly,
            CloudKindArg::Snapshot => Self::Snapshot,
        }
    }
}

/// How what runs in the cloud is followed.
#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// Seconds between two looks at it.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = parse_seconds)]
    pub(crate) every: std::time::Duration,
}

#[derive(Debug, Args)]
pub(crate) struct CloudWatchArgs {
    /// Name or ARN of the run.
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CloudListArgs {
    /// Only runs of this kind.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<CloudKindArg>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CloudFetchArgs {
    /// Name or ARN of the run.
    pub(crate) run: String,
    /// Folder that the bundle goes into, under the same path as in the bucket.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

/// Reads an account id.
fn parse_account(text: &str) -> Result<String, String> {
    if is_account_id(text) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not an account id of 12 digits"))
}

/// Reads a number of seconds, from a hundredth to an hour.
fn parse_seconds(text: &str) -> Result<std::time::Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.01..=3_600.0).contains(seconds));
    let wrong = || format!("{text:?} is not a number of seconds from 0.01 to 3600");
    seconds.map(std::time::Duration::from_secs_f64).ok_or_else(wrong)
}

/// Day 0 of `--day N`.
const DAY_ZERO: &str = "2026-01-01T00:00:00Z";

/// Reads an RFC 3339 time, or a date as its last second in UTC.
fn parse_time(text: &str) -> Result<Timestamp, String> {
    let time = if text.len() == 10 {
        format!("{text}T23:59:59Z")
    } else {
        text.to_owned()
    };
    let wrong =
        || format!("{text:?} is not a time such as 2026-11-21T09:00:00Z or a date such as 2026-11-21");
    let time: Timestamp = time.parse().map_err(|_| wrong())?;
    Timestamp::from_second(time.as_second()).map_err(|_| wrong())
}

/// Reads a time, a date or a day number.
fn parse_day(text: &str) -> Result<Timestamp, String> {
    let Ok(days) = text.parse::<u32>() else {
        return parse_time(text);
    };
    let zero: Timestamp = DAY_ZERO.parse().map_err(|_| "day 0 is not a time".to_owned())?;
    let seconds = zero.as_second() + (i64::from(days) + 1) * 86_400 - 1;
    Timestamp::from_second(seconds).map_err(|_| format!("day {days} is too far away"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_dates_and_days_are_read() {
        let at = |text: &str| parse_day(text).unwrap().to_string();
        assert_eq!(at("2026-11-21T09:00:00Z"), "2026-11-21T09:00:00Z");
        assert_eq!(at("2026-11-21T10:00:00.5+01:00"), "2026-11-21T09:00:00Z");
        assert_eq!(at("2026-11-21"), "2026-11-21T23:59:59Z");
        assert_eq!(at("0"), "2026-01-01T23:59:59Z");
        assert!(parse_time("yesterday").unwrap_err().contains("yesterday"));
    }

    #[test]
    fn seconds_are_read_within_reason() {
        assert_eq!(parse_seconds("0.05").unwrap().as_millis(), 50);
        for wrong in ["0", "-1", "NaN", "1e9", "soon"] {
            assert!(parse_seconds(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}

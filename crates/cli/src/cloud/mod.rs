//! The runs in the cloud: executions of the state machine, and the bundles they leave in the bucket.

mod fetch;
mod follow;
mod list;
mod outcome;
mod picture;
mod place;
mod start;

use aws::{Aws, AwsSettings, BucketSettings, Executions, S3ObjectStore};
use compliance::settings::CollectionSettings;

use crate::args::{CloudArgs, CloudCommand};
use crate::error::CliError;
use crate::progress::StderrProgress;
use crate::session;
use place::Place;

/// Dispatches.
pub(crate) async fn run(command: CloudCommand) -> Result<(), CliError> {
    match command {
        CloudCommand::Start(args) => start::run(&args).await,
        CloudCommand::Watch(args) => {
            let cloud = Cloud::open(&args.cloud, Some(&args.run)).await?;
            let arn = cloud.executions.arn_of(&args.run);
            follow::until_it_ends(&cloud, &arn, args.follow.every, args.cloud.json).await
        }
        CloudCommand::List(args) => list::run(&args).await,
        CloudCommand::Fetch(args) => fetch::run(&args).await,
    }
}

/// What a command needs of the cloud.
struct Cloud {
    aws: Aws,
    executions: Executions,
    place: Place,
    progress: StderrProgress,
}

impl Cloud {
    /// Finds out where the runs are; calls nothing yet. `run` is the run that is asked for, if it is a certain one.
    async fn open(args: &CloudArgs, run: Option<&str>) -> Result<Self, CliError> {
        let file = session::read_settings(args.settings.as_ref())?;
        let place = place::place(args, &file.cloud, run)?;
        let mut settings = AwsSettings::new(&CollectionSettings::default());
        settings.profile.clone_from(&args.profile);
        settings.region.clone_from(&place.region);
        let aws = Aws::connect(settings).await?;
        let executions = aws.executions(&place.state_machine).map_err(as_usage)?;
        Ok(Self {
            aws,
            executions,
            place,
            progress: StderrProgress::new(),
        })
    }

    /// The objects of the runs.
    fn store(&self) -> Result<S3ObjectStore, CliError> {
        let settings = BucketSettings {
            bucket: self.place.bucket()?.to_owned(),
            prefix: self.place.prefix.clone(),
            kms_key_arn: None,
        };
        self.aws.store(settings).map_err(as_usage)
    }
}

/// What the adapter refuses before any call was given on the command line.
fn as_usage(error: compliance::ports::PortError) -> CliError {
    CliError::Usage(error.message)
}

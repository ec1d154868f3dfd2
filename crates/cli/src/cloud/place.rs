//! Where the runs are: flags, then environment, then settings.

use compliance::settings::CloudSettings;

use crate::args::CloudArgs;
use crate::error::CliError;

const PREFIX: &str = "reports/";

/// Where the runs are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) state_machine: String,
    bucket: Option<String>,
    /// Empty, or ends in `/`.
    pub(super) prefix: String,
    /// The region asked for, or else the state machine's.
    pub(super) region: Option<String>,
}

impl Place {
    /// The bucket, which not every command needs.
    pub(super) fn bucket(&self) -> Result<&str, CliError> {
        self.bucket.as_deref().ok_or_else(|| {
            CliError::Usage(
                "no bucket is named: give --bucket NAME, set PLUMBLINE_BUCKET, or set bucket under [cloud] in the file \
                 of --settings"
                    .to_owned(),
            )
        })
    }

    /// A folder of a bundle as people find it: with the bucket, if that is known.
    pub(super) fn url(&self, folder: &str) -> Option<String> {
        let bucket = self.bucket.as_deref()?;
        Some(format!("s3://{bucket}/{}{folder}", self.prefix))
    }
}

/// Flags and environment before the settings; the ARN of a run names its state machine, too.
pub(super) fn place(
    args: &CloudArgs,
    settings: &CloudSettings,
    run: Option<&str>,
) -> Result<Place, CliError> {
    let set = |given: &Option<String>, setting: &Option<String>| {
        let given = given.clone().filter(|text| !text.is_empty());
        given.or_else(|| setting.clone())
    };
    let of_run = || run.and_then(state_machine_of);
    let state_machine = set(&args.state_machine, &settings.state_machine).or_else(of_run);
    let state_machine = state_machine.ok_or_else(|| {
        CliError::Usage(
            "no state machine is named: give --state-machine ARN, set PLUMBLINE_STATE_MACHINE, or set state_machine under \
             [cloud] in the file of --settings"
                .to_owned(),
        )
    })?;
    if !is_state_machine(&state_machine) {
        return Err(CliError::Usage(format!(
            "{state_machine:?} is not the ARN of a state machine, such as \
             arn:aws:states:eu-west-1:111122223333:stateMachine:report"
        )));
    }
    let mut prefix = set(&args.prefix, &settings.prefix).unwrap_or_else(|| PREFIX.to_owned());
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    Ok(Place {
        bucket: set(&args.bucket, &settings.bucket),
        region: args.region.clone().or_else(|| region_of(&state_machine)),
        prefix,
        state_machine,
    })
}

/// The state machine of an execution's ARN.
fn state_machine_of(run: &str) -> Option<String> {
    let (machine, _) = run.rsplit_once(':')?;
    let machine = machine.replacen(":execution:", ":stateMachine:", 1);
    is_state_machine(&machine).then_some(machine)
}

/// It looks like the ARN of one; the service knows for certain.
fn is_state_machine(arn: &str) -> bool {
    arn.starts_with("arn:") && arn.contains(":stateMachine:") && region_of(arn).is_some()
}

/// The region of an ARN.
fn region_of(arn: &str) -> Option<String> {
    let region = arn.strip_prefix("arn:")?.split(':').nth(2)?;
    (!region.is_empty()).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "arn:aws:states:eu-west-1:111122223333:stateMachine:report";

    fn args() -> CloudArgs {
        CloudArgs {
            state_machine: None,
            bucket: None,
            prefix: None,
            settings: None,
            profile: None,
            region: None,
            json: false,
        }
    }

    #[test]
    fn flags_come_before_settings() {
        let mut settings = CloudSettings {
            state_machine: Some(MACHINE.to_owned()),
            bucket: Some("a".to_owned()),
            ..CloudSettings::default()
        };
        let found = place(&args(), &settings, None).unwrap();
        assert_eq!(
            (found.bucket().unwrap(), found.prefix.as_str()),
            ("a", "reports/")
        );
        assert_eq!(found.region.as_deref(), Some("eu-west-1"));
        assert_eq!(found.url("daily/x/").as_deref(), Some("s3://a/reports/daily/x/"));

        settings.prefix = Some("elsewhere".to_owned());
        let mut args = args();
        (args.bucket, args.region) = (Some("b".to_owned()), Some("us-east-1".to_owned()));
        args.state_machine = Some(String::new());
        let found = place(&args, &settings, None).unwrap();
        assert_eq!(
            (found.bucket().unwrap(), found.prefix.as_str()),
            ("b", "elsewhere/")
        );
        assert_eq!(found.region.as_deref(), Some("us-east-1"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_three_places() {
        let nothing = CloudSettings::default();
        let error = place(&args(), &nothing, Some("a-name")).unwrap_err().to_string();
        for way in ["--state-machine", "PLUMBLINE_STATE_MACHINE", "[cloud]"] {
            assert!(error.contains(way), "{error}");
        }
        let mut named = args();
        named.state_machine = Some("report".to_owned());
        let error = place(&named, &nothing, None).unwrap_err().to_string();
        assert!(error.contains("\"report\" is not the ARN"), "{error}");
        let run = "arn:aws:states:eu-west-1:111122223333:execution:report:daily-1";
        let found = place(&args(), &nothing, Some(run)).unwrap();
        assert_eq!(found.state_machine, MACHINE);
        assert!(found.bucket().unwrap_err().to_string().contains("--bucket"));
        assert_eq!(found.url("x/"), None);
    }
}

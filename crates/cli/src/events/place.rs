//! Where the queues are: flags, then environment, then settings.

use compliance::settings::CloudSettings;

use crate::args::QueueArgs;
use crate::error::CliError;

/// What the name of the queue of dead letters ends in beyond that of the queue of events.
const DEAD_LETTERS: &str = "-dead-letters";

/// Where the queues are, by URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) events: Option<String>,
    pub(super) dead_letters: String,
    /// The region asked for, or else the queue's.
    pub(super) region: Option<String>,
}

impl Place {
    /// The queue of events, which not every command needs.
    pub(super) fn events(&self) -> Result<&str, CliError> {
        self.events.as_deref().ok_or_else(|| {
            unnamed(
                "queue of events",
                "--queue-url",
                "PLUMBLINE_EVENTS_QUEUE_URL",
                "events_queue_url",
            )
        })
    }
}

/// Flags and environment before the settings. Either queue is known by the other, if they are named as the stack names them.
pub(super) fn place(args: &QueueArgs, settings: &CloudSettings) -> Result<Place, CliError> {
    let set = |given: &Option<String>, setting: &Option<String>| {
        let given = given.clone().filter(|text| !text.is_empty());
        given.or_else(|| setting.clone())
    };
    let events = set(&args.queue_url, &settings.events_queue_url);
    let dead_letters = set(&args.dead_letters_url, &settings.dead_letters_url);
    let of_dead_letters = || Some(dead_letters.as_deref()?.strip_suffix(DEAD_LETTERS)?.to_owned());
    let of_events = || Some(format!("{}{DEAD_LETTERS}", events.as_deref()?));
    let place = Place {
        dead_letters: dead_letters.clone().or_else(of_events).ok_or_else(|| {
            unnamed(
                "queue of dead letters",
                "--queue-url",
                "PLUMBLINE_EVENTS_QUEUE_URL",
                "events_queue_url",
            )
        })?,
        events: events.clone().or_else(of_dead_letters),
        region: args.region.clone(),
    };
    for url in [Some(&place.dead_letters), place.events.as_ref()]
        .into_iter()
        .flatten()
    {
        if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1") {
            return Err(CliError::Usage(format!(
                "{url:?} is not the URL of a queue, such as \
                 https://sqs.eu-west-1.amazonaws.com/111122223333/plumbline-prod-events"
            )));
        }
    }
    let region = place.region.clone().or_else(|| region_of(&place.dead_letters));
    Ok(Place { region, ..place })
}

fn unnamed(what: &str, flag: &str, variable: &str, setting: &str) -> CliError {
    CliError::Usage(format!(
        "no {what} is named: give {flag} URL (an output of the stack), set {variable}, or set {setting} under [cloud] in \
         the file of --settings"
    ))
}

/// The region of a queue's URL: `https://sqs.eu-west-1.amazonaws.com/…`.
fn region_of(url: &str) -> Option<String> {
    let region = url.strip_prefix("https://sqs.")?.split('.').next()?;
    (!region.is_empty()).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/plumbline-prod-events";

    fn args(queue_url: Option<&str>, dead_letters_url: Option<&str>) -> QueueArgs {
        QueueArgs {
            queue_url: queue_url.map(str::to_owned),
            dead_letters_url: dead_letters_url.map(str::to_owned),
            settings: None,
            profile: None,
            region: None,
            json: false,
        }
    }

    #[test]
    fn either_queue_is_known_by_the_other() {
        let nothing = CloudSettings::default();
        let dead = format!("{URL}-dead-letters");
        for given in [
            args(Some(URL), None),
            args(None, Some(&dead)),
            args(Some(URL), Some(&dead)),
        ] {
            let place = place(&given, &nothing).unwrap();
            assert_eq!(
                (place.events().unwrap(), place.dead_letters.as_str()),
                (URL, dead.as_str())
            );
            assert_eq!(place.region.as_deref(), Some("eu-west-1"));
        }
        let other = place(
            &args(None, Some("https://sqs.eu-west-1.amazonaws.com/1/x")),
            &nothing,
        )
        .unwrap();
        let error = other.events().unwrap_err().to_string();
        assert!(
            error.contains("--queue-url") && error.contains("events_queue_url"),
            "{error}"
        );
    }

    #[test]
    fn flags_come_before_settings_and_what_is_missing_is_named() {
        let settings = CloudSettings {
            events_queue_url: Some("https://sqs.us-east-1.amazonaws.com/1/a".to_owned()),
            ..CloudSettings::default()
        };
        let set = place(&args(None, None), &settings).unwrap();
        assert_eq!(set.region.as_deref(), Some("us-east-1"));
        assert_eq!(
            place(&args(Some(URL), None), &settings)
                .unwrap()
                .events()
                .unwrap(),
            URL
        );
        let error = place(&args(Some(""), None), &CloudSettings::default())
            .unwrap_err()
            .to_string();
        for way in ["--queue-url", "PLUMBLINE_EVENTS_QUEUE_URL", "[cloud]"] {
            assert!(error.contains(way), "{error}");
        }
        let error = place(&args(Some("plumbline-prod-events"), None), &settings)
            .unwrap_err()
            .to_string();
        assert!(error.contains("is not the URL of a queue"), "{error}");
    }
}

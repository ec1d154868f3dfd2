//! Which functions there are: a JSON file that is read again whenever it has changed.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// What is set for one function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The program: a zip's `bootstrap`.
    pub(crate) binary: PathBuf,
    pub(crate) timeout_seconds: u32,
    pub(crate) memory_mb: u32,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// How many may run at once; without it, as many as an account has.
    pub(crate) reserved_concurrency: Option<usize>,
}

/// Concurrent executions of a new account's functions.
const ACCOUNT_CONCURRENCY: usize = 1_000;

impl Settings {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.reserved_concurrency.unwrap_or(ACCOUNT_CONCURRENCY)
    }
}

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    account: String,
    region: String,
    functions: BTreeMap<String, Settings>,
}

/// A function as it is invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) settings: Settings,
}

impl Function {
    pub(crate) fn arn(&self) -> String {
        arn(&self.region, &self.account, &self.name)
    }
}

fn arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{account}:function:{name}")
}

/// The file, as it was read last.
pub(crate) struct Functions {
    file: PathBuf,
    read: Mutex<(SystemTime, Content)>,
}

impl Functions {
    pub(crate) fn open(file: PathBuf) -> io::Result<Self> {
        let read = (modified(&file)?, content(&file)?);
        Ok(Self {
            file,
            read: Mutex::new(read),
        })
    }

    /// The function of this name or ARN, or the ARN that no function has.
    pub(crate) fn find(&self, name_or_arn: &str) -> io::Result<Result<Function, String>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let modified = modified(&self.file)?;
        if modified != read.0 {
            *read = (modified, content(&self.file)?);
        }
        let Content {
            account,
            region,
            functions,
        } = &read.1;
        let name = name(name_or_arn);
        Ok(functions
            .get(name)
            .map(|settings| Function {
                name: name.to_owned(),
                account: account.clone(),
                region: region.clone(),
                settings: settings.clone(),
            })
            .ok_or_else(|| arn(region, account, name)))
    }
}

fn modified(file: &PathBuf) -> io::Result<SystemTime> {
    std::fs::metadata(file)?.modified()
}

fn content(file: &PathBuf) -> io::Result<Content> {
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

/// `name`, `name:alias`, `account:function:name` and a whole ARN, with or without a qualifier, name a function.
fn name(name_or_arn: &str) -> &str {
    let after_function = name_or_arn
        .split_once("function:")
        .map_or(name_or_arn, |(_, rest)| rest);
    after_function.split(':').next().unwrap_or(after_function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_function_names_it() {
        for way in [
            "plan-report",
            "plan-report:live",
            "111122223333:function:plan-report",
            "arn:aws:lambda:eu-west-1:111122223333:function:plan-report",
            "arn:aws:lambda:eu-west-1:111122223333:function:plan-report:$LATEST",
        ] {
            assert_eq!(name(way), "plan-report", "{way}");
        }
    }
}

//! AWS STS, as far as the member role needs it: the query protocol, answers in XML.
//!
//! An assumed role's access key id is `ASIA`, the account's 12 digits and the session's number (`0000` where sessions
//! do not expire); that is how later calls, whose signatures are not verified, say which member account they are made
//! in.

use super::answer::{ErrorAnswer, escape};
use super::calls::{Answered, Call, Caller};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The account of an access key id that [`answer`] gave out.
pub(super) fn assumed_account(access_key_id: &str) -> Option<&str> {
    let digits = access_key_id.strip_prefix("ASIA")?;
    let all_digits = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.get(..12).filter(|_| all_digits)
}

/// The parameters of a call.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &str) -> Self {
        Self(parameters(body))
    }

    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The account of the role asked for.
    fn account(&self) -> &str {
        self.get("RoleArn").split(':').nth(4).unwrap_or_default()
    }

    pub(super) fn call(&self) -> Call {
        Call {
            operation: self.get("Action").to_owned(),
            account_id: Some(self.account().to_owned()).filter(|id| !id.is_empty()),
            ..Call::default()
        }
    }
}

/// Answers `AssumeRole` and `GetCallerIdentity`; `session` numbers the sessions of an account.
pub(super) fn answer(
    answered: &Answered,
    caller: &Caller,
    form: &Form,
    session: impl FnOnce(&str) -> u32,
) -> Result<String, ErrorAnswer> {
    match form.get("Action") {
        "AssumeRole" => assume_role(answered, form, session),
        "GetCallerIdentity" => Ok(caller_identity(answered, caller)),
        operation => Err(ErrorAnswer::bad(
            "InvalidAction",
            format!("Could not find operation {operation}"),
        )),
    }
}

fn assume_role(
    answered: &Answered,
    form: &Form,
    number: impl FnOnce(&str) -> u32,
) -> Result<String, ErrorAnswer> {
    let (role, account, session) = (form.get("RoleArn"), form.account(), form.get("RoleSessionName"));
    let truth = &answered.truth;
    let is_source = truth.sources.iter().any(|source| source.account_id == account);
    if !truth.rule_inventory || !is_source || session.is_empty() {
        return Err(ErrorAnswer::new(
            403,
            "AccessDenied",
            format!(
                "User: arn:{}:iam::{}:user/reader is not authorized to perform: sts:AssumeRole on resource: {role}",
                truth.aggregator.partition(),
                truth.aggregator.account_id()
            ),
        ));
    }
    let name = role.rsplit('/').next().unwrap_or_default();
    let partition = truth.aggregator.partition();
    Ok(format!(
        "<AssumeRoleResponse xmlns=\"{NAMESPACE}\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROASIMULATED00000000:{session}</AssumedRoleId>\
         <Arn>arn:{partition}:sts::{account}:assumed-role/{name}/{session}</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIA{account}{number:04}</AccessKeyId>\
         <SecretAccessKey>simulated</SecretAccessKey><SessionToken>simulated</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>{METADATA}</AssumeRoleResponse>",
        number = number(account) % 10_000,
        name = escape(name),
        session = escape(session),
    ))
}

fn caller_identity(answered: &Answered, caller: &Caller) -> String {
    let aggregator = &answered.truth.aggregator;
    let (partition, own) = (aggregator.partition(), aggregator.account_id());
    let (account, arn) = match caller.assumed_account.as_deref() {
        Some(account) => (
            account,
            format!("arn:{partition}:sts::{account}:assumed-role/reader/session"),
        ),
        None => (own, format!("arn:{partition}:iam::{own}:user/simulated")),
    };
    format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{arn}</Arn>\
         <UserId>AIDASIMULATED00000000</UserId><Account>{account}</Account></GetCallerIdentityResult>{METADATA}\
         </GetCallerIdentityResponse>"
    )
}

const METADATA: &str =
    "<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>";

/// The parameters of a form body.
fn parameters(body: &str) -> Vec<(String, String)> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

//! AWS Organizations: names and places of accounts.

use serde_json::{Value, json};

use super::answer::ErrorAnswer;
use super::calls::{Context, unknown_operation};
use super::config::seconds;
use super::paging::Limit;
use crate::truth::{Directory, Member, Unit};

/// Every list of AWS Organizations.
const LIMIT: Limit = Limit {
    members: &["MaxResults"],
    default: 20,
    max: 20,
    zero_is_default: false,
};

pub(super) fn answer(context: &Context<'_>) -> Result<Value, ErrorAnswer> {
    let known = [
        "DescribeOrganization",
        "ListRoots",
        "ListOrganizationalUnitsForParent",
        "ListAccountsForParent",
        "ListAccounts",
    ];
    if !known.contains(&context.operation) {
        return Err(unknown_operation());
    }
    let directory = context.truth().directory.as_ref().ok_or_else(|| {
        ErrorAnswer::bad(
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        )
    })?;
    match context.operation {
        "DescribeOrganization" => Ok(organization(directory)),
        "ListRoots" => roots(context, directory),
        "ListOrganizationalUnitsForParent" => units(context, directory),
        "ListAccountsForParent" => {
            let parent = parent(context, directory)?;
            accounts(context, directory, |member| member.parent_id == parent)
        }
        _ => accounts(context, directory, |_| true),
    }
}

fn arn(directory: &Directory, rest: &str) -> String {
    format!(
        "arn:aws:organizations::{}:{rest}",
        directory.management_account_id
    )
}

fn organization(directory: &Directory) -> Value {
    let (id, account) = (&directory.id, &directory.management_account_id);
    json!({"Organization": {
        "Id": id,
        "Arn": arn(directory, &format!("organization/{id}")),
        "FeatureSet": "ALL",
        "MasterAccountArn": arn(directory, &format!("account/{id}/{account}")),
        "MasterAccountId": account,
        "MasterAccountEmail": email(account),
        "AvailablePolicyTypes": [],
    }})
}

fn email(account_id: &str) -> String {
    format!("aws+{account_id}@example.com")
}

fn roots(context: &Context<'_>, directory: &Directory) -> Result<Value, ErrorAnswer> {
    let page = context.page(1, LIMIT)?;
    let (id, root) = (&directory.id, &directory.root_id);
    Ok(page.answer("Roots", |_| {
        json!({"Id": root, "Arn": arn(directory, &format!("root/{id}/{root}")), "Name": "Root", "PolicyTypes": []})
    }))
}

fn parent<'a>(context: &'a Context<'_>, directory: &Directory) -> Result<&'a str, ErrorAnswer> {
    let parent = context.members.required("ParentId", 100)?;
    if parent == directory.root_id || directory.units.iter().any(|unit| unit.id == parent) {
        return Ok(parent);
    }
    Err(ErrorAnswer::bad(
        "ParentNotFoundException",
        "We can't find a root or OU with the ParentId that you specified.",
    ))
}

fn units(context: &Context<'_>, directory: &Directory) -> Result<Value, ErrorAnswer> {
    let parent = parent(context, directory)?;
    let units: Vec<&Unit> = directory
        .units
        .iter()
        .filter(|unit| unit.parent_id == parent)
        .collect();
    let page = context.page(units.len(), LIMIT)?;
    let entry = |unit: &&Unit| {
        let resource = format!("ou/{}/{}", directory.id, unit.id);
        json!({"Id": unit.id, "Arn": arn(directory, &resource), "Name": unit.name})
    };
    Ok(page.answer("OrganizationalUnits", |index| units.get(index).map(entry).into()))
}

fn accounts(
    context: &Context<'_>,
    directory: &Directory,
    admit: impl Fn(&Member) -> bool,
) -> Result<Value, ErrorAnswer> {
    let members: Vec<&Member> = directory.members.iter().filter(|member| admit(member)).collect();
    let page = context.page(members.len(), LIMIT)?;
    let entry = |member: &&Member| {
        let id = &member.account_id;
        let status = if member.active { "ACTIVE" } else { "SUSPENDED" };
        json!({
            "Id": id,
            "Arn": arn(directory, &format!("account/{}/{id}", directory.id)),
            "Email": email(id),
            "Name": member.name,
            "Status": status,
            "State": status,
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": seconds(member.joined),
        })
    };
    Ok(page.answer("Accounts", |index| members.get(index).map(entry).into()))
}

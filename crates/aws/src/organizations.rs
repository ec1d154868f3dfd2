//! AWS Organizations as the directory of accounts.

use std::sync::Arc;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types as sdk;
use compliance::organization::Account;
use compliance::ports::{OrganizationDirectory, PortError, PortErrorKind};

use crate::caller::Caller;
use crate::failure::Failure;
use crate::pages::Pages;

const SERVICE: &str = "Organizations";

/// The active accounts of this account's organization, with their path of organizational units.
#[derive(Debug, Clone)]
pub struct OrganizationsDirectory {
    client: Client,
    caller: Arc<Caller>,
}

/// A root or an organizational unit: its id and its path.
type Parent = (String, String);

impl OrganizationsDirectory {
    pub(crate) fn new(client: Client, caller: Arc<Caller>) -> Self {
        Self { client, caller }
    }

    async fn roots(&self) -> Result<Vec<Parent>, PortError> {
        let mut roots = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call("ListRoots", || {
                    self.client.list_roots().set_next_token(pages.token()).send()
                })
                .await
                .map_err(|failure| failed(failure, "organizations:ListRoots"))?;
            for root in answer.roots.unwrap_or_default() {
                roots.push(parent("ListRoots", root.id, root.name, None)?);
            }
            if !pages.turn(SERVICE, "ListRoots", answer.next_token.as_deref())? {
                return Ok(roots);
            }
        }
    }

    async fn units_under(&self, (id, path): &Parent) -> Result<Vec<Parent>, PortError> {
        const OPERATION: &str = "ListOrganizationalUnitsForParent";
        let mut units = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call(OPERATION, || {
                    self.client
                        .list_organizational_units_for_parent()
                        .parent_id(id)
                        .set_next_token(pages.token())
                        .send()
                })
                .await
                .map_err(|failure| failed(failure, "organizations:ListOrganizationalUnitsForParent"))?;
            for unit in answer.organizational_units.unwrap_or_default() {
                units.push(parent(OPERATION, unit.id, unit.name, Some(path))?);
            }
            if !pages.turn(SERVICE, OPERATION, answer.next_token.as_deref())? {
                return Ok(units);
            }
        }
    }

    async fn accounts_under(&self, (id, path): &Parent) -> Result<Vec<Account>, PortError> {
        const OPERATION: &str = "ListAccountsForParent";
        let mut accounts = Vec::new();
        let mut pages = Pages::default();
        loop {
            let answer = self
                .caller
                .call(OPERATION, || {
                    self.client
                        .list_accounts_for_parent()
                        .parent_id(id)
                        .set_next_token(pages.token())
                        .send()
                })
                .await
                .map_err(|failure| failed(failure, "organizations:ListAccountsForParent"))?;
            for account in answer.accounts.unwrap_or_default() {
                if is_active(&account) {
                    accounts.push(Account {
                        account_id: account.id.ok_or_else(|| absent(OPERATION, "Id"))?,
                        name: account.name,
                        organizational_unit: Some(path.clone()),
                    });
                }
            }
            if !pages.turn(SERVICE, OPERATION, answer.next_token.as_deref())? {
                return Ok(accounts);
            }
        }
    }
}

impl OrganizationDirectory for OrganizationsDirectory {
    async fn accounts(&self) -> Result<Vec<Account>, PortError> {
        let mut accounts = Vec::new();
        let mut open = self.roots().await?;
        while let Some(parent) = open.pop() {
            accounts.extend(self.accounts_under(&parent).await?);
            open.extend(self.units_under(&parent).await?);
        }
        accounts.sort();
        Ok(accounts)
    }
}

/// `State` replaces `Status`, which AWS retires; an account that has neither is not known to be active.
#[allow(deprecated, reason = "older endpoints send `Status` only")]
fn is_active(account: &sdk::Account) -> bool {
    match &account.state {
        Some(state) => *state == sdk::AccountState::Active,
        None => account.status == Some(sdk::AccountStatus::Active),
    }
}

fn parent(
    operation: &str,
    id: Option<String>,
    name: Option<String>,
    above: Option<&str>,
) -> Result<Parent, PortError> {
    let id = id.ok_or_else(|| absent(operation, "Id"))?;
    let name = name.ok_or_else(|| absent(operation, "Name"))?;
    let path = match above {
        Some(above) => format!("{above}/{name}"),
        None => name,
    };
    Ok((id, path))
}

fn absent(operation: &str, field: &str) -> PortError {
    PortError::new(
        SERVICE,
        PortErrorKind::InvalidAnswer,
        format!("{operation} gave an entry without {field}; run again, and if it stays, report it"),
    )
}

fn failed(failure: Failure, action: &str) -> PortError {
    failure.port_error(SERVICE, "cannot read the accounts of the organization", action)
}

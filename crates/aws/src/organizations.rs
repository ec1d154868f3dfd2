//! AWS Organizations as the directory of accounts.

use std::sync::Arc;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types as sdk;
use compliance::organization::Account;
use compliance::ports::{OrganizationDirectory, PortError, PortErrorKind};

use crate::caller::Caller;
use crate::list::{Listing, Page};

const SERVICE: &str = "Organizations";
const DOING: &str = "cannot read the accounts of the organization";

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
        const OPERATION: &str = "ListRoots";
        self.caller
            .list(
                listing(OPERATION),
                |token| self.client.list_roots().set_next_token(token).send(),
                |answer| {
                    let roots = answer.roots.unwrap_or_default().into_iter();
                    let rows = roots.map(|root| parent(OPERATION, root.id, root.name, None));
                    page(rows.collect(), answer.next_token)
                },
            )
            .await
            .map_err(|failed| failed.port_error(SERVICE, DOING, "organizations:ListRoots"))
    }

    async fn units_under(&self, (id, path): &Parent) -> Result<Vec<Parent>, PortError> {
        const OPERATION: &str = "ListOrganizationalUnitsForParent";
        let ask = |token| {
            let call = self.client.list_organizational_units_for_parent();
            call.parent_id(id).set_next_token(token).send()
        };
        self.caller
            .list(listing(OPERATION), ask, |answer| {
                let units = answer.organizational_units.unwrap_or_default().into_iter();
                let rows = units.map(|unit| parent(OPERATION, unit.id, unit.name, Some(path)));
                page(rows.collect(), answer.next_token)
            })
            .await
            .map_err(|failed| {
                failed.port_error(SERVICE, DOING, "organizations:ListOrganizationalUnitsForParent")
            })
    }

    async fn accounts_under(&self, (id, path): &Parent) -> Result<Vec<Account>, PortError> {
        const OPERATION: &str = "ListAccountsForParent";
        let ask = |token| {
            let call = self.client.list_accounts_for_parent();
            call.parent_id(id).set_next_token(token).send()
        };
        self.caller
            .list(listing(OPERATION), ask, |answer| {
                let accounts = answer.accounts.unwrap_or_default().into_iter();
                let rows = accounts.filter(is_active).map(|account| {
                    Ok(Account {
                        account_id: account.id.ok_or_else(|| absent(OPERATION, "Id"))?,
                        name: account.name,
                        organizational_unit: Some(path.clone()),
                    })
                });
                page(rows.collect(), answer.next_token)
            })
            .await
            .map_err(|failed| failed.port_error(SERVICE, DOING, "organizations:ListAccountsForParent"))
    }
}

fn listing(operation: &'static str) -> Listing {
    Listing {
        service: SERVICE,
        operation,
    }
}

fn page<T>(rows: Result<Vec<T>, PortError>, token: Option<String>) -> Result<Page<T>, PortError> {
    Ok(Page { rows: rows?, token })
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

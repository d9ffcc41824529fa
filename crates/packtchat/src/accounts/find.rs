//! An account by its name.

use anyhow::Context;
use auth::accounts::{Account, Accounts};
use models::Username;

/// # Errors
/// When there is no account of this name, or the database fails.
pub(super) async fn account(accounts: &Accounts, name: &str) -> anyhow::Result<Account> {
    let found = match Username::of_any_length(name) {
        Ok(username) => accounts.by_username(&username).await?,
        Err(_) => None,
    };
    found.with_context(|| {
        format!(
            "there is no account with the username {name:?}; `packtchat accounts list` shows all"
        )
    })
}

use models::{
    UserId,
    account::{AccountDetails, AuthReply},
};

use super::Auth;

/// Tells the owner of an account what is kept of it.
pub(super) async fn get_account(auth: &Auth, id: UserId) -> anyhow::Result<AuthReply> {
    let account = match auth.account(id).await? {
        Ok(account) => account,
        Err(reply) => return Ok(reply),
    };
    Ok(AuthReply::Account {
        account: AccountDetails {
            identities: auth.accounts.identities(id).await?,
            user: account.user,
            username: account.username,
            has_password: account.password.is_some(),
            created: account.created,
        },
    })
}

use models::{
    UserId,
    account::{AuthReply, Identity},
};

use super::Auth;
use crate::accounts::Linking;

/// Lets an account be signed in to with an identity, too.
pub(super) async fn link_identity(
    auth: &Auth,
    id: UserId,
    identity: &Identity,
) -> anyhow::Result<AuthReply> {
    let user = match auth.account(id).await? {
        Ok(account) => account.user,
        Err(reply) => return Ok(reply),
    };
    Ok(match auth.accounts.link(id, identity).await? {
        Linking::Linked => {
            tracing::info!(user = %id, provider = identity.provider, "identity linked");
            AuthReply::Accepted { user }
        }
        Linking::Taken => AuthReply::IdentityTaken,
        Linking::NoAccount => AuthReply::WrongCredentials,
    })
}

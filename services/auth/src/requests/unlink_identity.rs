use models::{UserId, account::AuthReply};

use super::Auth;
use crate::accounts::Unlinking;

/// Takes the identity of a provider away from an account, which must have another way in.
pub(super) async fn unlink_identity(
    auth: &Auth,
    id: UserId,
    provider: &str,
) -> anyhow::Result<AuthReply> {
    let user = match auth.account(id).await? {
        Ok(account) => account.user,
        Err(reply) => return Ok(reply),
    };
    Ok(match auth.accounts.unlink(id, provider).await? {
        Unlinking::Unlinked => {
            tracing::info!(user = %id, provider, "identity unlinked");
            AuthReply::Accepted { user }
        }
        Unlinking::LastWayIn => AuthReply::LastWayIn,
        Unlinking::NoAccount => AuthReply::WrongCredentials,
    })
}

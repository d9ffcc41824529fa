use models::{
    Username,
    account::{AuthReply, Identity},
};

use super::{Auth, invalid, may_be_a_repeat};
use crate::accounts::{Creation, FirstWayIn};

/// Makes an account without a password for somebody a provider knows.
pub(super) async fn create_with_identity(
    auth: &Auth,
    identity: &Identity,
    username: &str,
) -> anyhow::Result<AuthReply> {
    let username = match Username::parse(username, &auth.limits) {
        Ok(username) => username,
        Err(why) => return Ok(invalid(why)),
    };
    let way_in = FirstWayIn::Identity(identity);
    let otherwise = match auth.accounts.create(&username, way_in).await? {
        Creation::Created(user) => {
            tracing::info!(user = %user.id, provider = identity.provider, "account made");
            return Ok(AuthReply::Accepted { user });
        }
        Creation::UsernameTaken => AuthReply::UsernameTaken,
        Creation::IdentityTaken => AuthReply::IdentityTaken,
    };
    let owner = auth
        .accounts
        .by_identity(&identity.provider, &identity.subject)
        .await?;
    Ok(match owner {
        // This very request may have made it before.
        Some(owner)
            if owner.username == username.as_str()
                && owner.disabled.is_none()
                && may_be_a_repeat(owner.created) =>
        {
            AuthReply::Accepted { user: owner.user }
        }
        Some(_) => AuthReply::IdentityTaken,
        None => otherwise,
    })
}

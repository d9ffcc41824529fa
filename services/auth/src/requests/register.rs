use models::{Password, Username, account::AuthReply};

use super::{Auth, invalid, may_be_a_repeat};
use crate::{
    accounts::{Account, Creation, FirstWayIn},
    passwords::Verdict,
};

/// Makes an account with a password.
pub(super) async fn register(
    auth: &Auth,
    username: &str,
    password: &Password,
) -> anyhow::Result<AuthReply> {
    let username = match Username::parse(username, &auth.limits) {
        Ok(username) => username,
        Err(why) => return Ok(invalid(why)),
    };
    let checked = password
        .check(&auth.limits)
        .and_then(|()| password.check_for(username.as_str()));
    if let Err(why) = checked {
        return Ok(invalid(why));
    }
    // Looked up first to spare the hash; the database decides all the same, below.
    if let Some(account) = auth.accounts.by_username(&username).await? {
        return taken(auth, account, password).await;
    }
    let phc = auth.hasher.hash(password).await?;
    let way_in = FirstWayIn::Password(&phc);
    match auth.accounts.create(&username, way_in).await? {
        Creation::Created(user) => {
            tracing::info!(user = %user.id, "account made");
            Ok(AuthReply::Accepted { user })
        }
        _ => match auth.accounts.by_username(&username).await? {
            Some(account) => taken(auth, account, password).await,
            None => Ok(AuthReply::UsernameTaken),
        },
    }
}

/// The answer when the name exists: taken, unless this very request may have made the account before.
async fn taken(auth: &Auth, account: Account, password: &Password) -> anyhow::Result<AuthReply> {
    if let Some(stored) = &account.password
        && account.disabled.is_none()
        && may_be_a_repeat(account.created)
        && auth.hasher.verify(password, Some(&stored.phc)).await? != Verdict::Wrong
    {
        return Ok(AuthReply::Accepted { user: account.user });
    }
    Ok(AuthReply::UsernameTaken)
}

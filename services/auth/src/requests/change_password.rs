use models::{Password, UserId, account::AuthReply};

use super::{Auth, invalid, may_be_a_repeat};
use crate::{
    accounts::{Account, Replacement},
    passwords::Verdict,
};

/// Replaces the password of an account whose owner proves to know the old one, or gives an account its first one.
pub(super) async fn change_password(
    auth: &Auth,
    id: UserId,
    old: Option<&Password>,
    new: &Password,
) -> anyhow::Result<AuthReply> {
    if let Err(why) = new.check(&auth.limits) {
        return Ok(invalid(why));
    }
    let account = match auth.account(id).await? {
        Ok(account) => account,
        Err(reply) => return Ok(reply),
    };
    if let Err(why) = new.check_for(&account.username) {
        return Ok(invalid(why));
    }
    match old {
        Some(old) => replace(auth, account, old, new).await,
        None => add(auth, account, new).await,
    }
}

async fn replace(
    auth: &Auth,
    account: Account,
    old: &Password,
    new: &Password,
) -> anyhow::Result<AuthReply> {
    if old.is_too_long(&auth.limits) {
        return Ok(AuthReply::WrongCredentials);
    }
    let Some((account, stored, verdict)) = auth.compare(Some(account), old).await? else {
        return Ok(AuthReply::WrongCredentials);
    };
    if verdict == Verdict::Wrong {
        return repeated(auth, account, new).await;
    }
    let id = account.user.id;
    let phc = auth.hasher.hash(new).await?;
    let replaced = auth
        .accounts
        .replace_password(id, &stored.phc, &phc, Replacement::Chosen)
        .await?;
    if !replaced {
        // Changed or re-hashed by another request at this very moment: "try again" finds out which.
        return Ok(AuthReply::Unavailable);
    }
    tracing::info!(user = %id, "password changed");
    Ok(AuthReply::Accepted { user: account.user })
}

async fn add(auth: &Auth, account: Account, new: &Password) -> anyhow::Result<AuthReply> {
    if account.password.is_some() {
        return repeated(auth, account, new).await;
    }
    let phc = auth.hasher.hash(new).await?;
    let id = account.user.id;
    if !auth.accounts.add_password(id, &phc).await? {
        // Another request was faster at this very moment.
        return Ok(AuthReply::Unavailable);
    }
    tracing::info!(user = %id, "password added");
    Ok(AuthReply::Accepted { user: account.user })
}

/// The answer to whoever does not know the password: no, unless this very request may have changed it before.
async fn repeated(auth: &Auth, account: Account, new: &Password) -> anyhow::Result<AuthReply> {
    let done = match &account.password {
        Some(stored) if may_be_a_repeat(stored.changed) => {
            auth.hasher.verify(new, Some(&stored.phc)).await? != Verdict::Wrong
        }
        _ => false,
    };
    Ok(if done {
        AuthReply::Accepted { user: account.user }
    } else {
        AuthReply::WrongCredentials
    })
}

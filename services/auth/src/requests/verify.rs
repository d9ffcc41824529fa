use models::{Password, User, Username, account::AuthReply};

use super::Auth;
use crate::{
    accounts::{Replacement, StoredPassword},
    passwords::Verdict,
};

/// Tells whether this is the password of this account, and which account that is.
pub(super) async fn verify(
    auth: &Auth,
    username: &str,
    password: &Password,
) -> anyhow::Result<AuthReply> {
    if password.is_too_long(&auth.limits) {
        return Ok(AuthReply::WrongCredentials);
    }
    let account = match Username::of_any_length(username) {
        Ok(username) => auth.accounts.by_username(&username).await?,
        Err(_) => None,
    };
    let Some((account, stored, verdict)) = auth.compare(account, password).await? else {
        // Said of known names below: what costs time there must do so here.
        tracing::info!("a password for a name that has none");
        return Ok(AuthReply::WrongCredentials);
    };
    let user = account.user;
    match verdict {
        Verdict::Wrong => {
            tracing::info!(user = %user.id, "wrong password");
            return Ok(AuthReply::WrongCredentials);
        }
        _ if account.disabled.is_some() => {
            tracing::info!(user = %user.id, "a disabled account was not let in");
            return Ok(AuthReply::Disabled);
        }
        Verdict::Right => {}
        Verdict::RightButWeak => {
            // Whoever knows the password gets in, whether or not it could be stored better.
            if let Err(error) = rehash(auth, &user, password, &stored).await {
                tracing::warn!(user = %user.id, error = format!("{error:#}"), "password not re-hashed");
            }
        }
    }
    tracing::info!(user = %user.id, "signed in with the password");
    Ok(AuthReply::Accepted { user })
}

async fn rehash(
    auth: &Auth,
    user: &User,
    password: &Password,
    stored: &StoredPassword,
) -> anyhow::Result<()> {
    let phc = auth.hasher.hash(password).await?;
    // Not replaced: its owner chose another one, or another login was faster. Either is as good.
    let replaced = auth
        .accounts
        .replace_password(user.id, &stored.phc, &phc, Replacement::Rehashed)
        .await?;
    if replaced {
        tracing::info!(user = %user.id, "password re-hashed with the present work factor");
    }
    Ok(())
}

use models::{Password, UserId, account::AuthReply};

use super::{Auth, invalid, may_be_a_repeat};
use crate::{accounts::Replacement, passwords::Verdict};

/// Replaces the password of an account whose owner proves to know the old one.
pub(super) async fn change_password(
    auth: &Auth,
    id: UserId,
    old: Option<&Password>,
    new: &Password,
) -> anyhow::Result<AuthReply> {
    if let Err(why) = new.check(&auth.limits) {
        return Ok(invalid(why));
    }
    let Some(old) = old else {
        return Ok(AuthReply::WrongCredentials);
    };
    if old.is_too_long(&auth.limits) {
        return Ok(AuthReply::WrongCredentials);
    }
    let account = auth.accounts.by_id(id).await?;
    let Some((user, stored, verdict)) = auth.compare(account, old).await? else {
        return Ok(AuthReply::WrongCredentials);
    };
    if verdict == Verdict::Wrong {
        // This very request may have changed it before.
        let done = may_be_a_repeat(stored.changed)
            && auth.hasher.verify(new, Some(&stored.phc)).await? != Verdict::Wrong;
        return Ok(if done {
            AuthReply::Accepted { user }
        } else {
            AuthReply::WrongCredentials
        });
    }
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
    Ok(AuthReply::Accepted { user })
}

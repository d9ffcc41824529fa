//! `packtchat accounts disable` and `enable`

use super::{find, place::Place, sessions};

/// # Errors
/// When there is no such account, or the database or Redis fails.
pub(super) async fn disable(place: &Place, name: &str) -> anyhow::Result<()> {
    let accounts = place.open().await?;
    let account = find::account(&accounts, name).await?;
    if accounts.set_disabled(account.user.id, true).await? {
        println!(
            "{} is disabled: nobody can sign in to it.",
            account.username
        );
    } else {
        println!("{} was disabled already.", account.username);
    }
    sessions::end(place, &account).await
}

/// # Errors
/// When there is no such account, or the database fails.
pub(super) async fn enable(place: &Place, name: &str) -> anyhow::Result<()> {
    let accounts = place.open().await?;
    let account = find::account(&accounts, name).await?;
    if accounts.set_disabled(account.user.id, false).await? {
        println!(
            "{} is enabled: its owner can sign in again.",
            account.username
        );
    } else {
        println!("{} was not disabled.", account.username);
    }
    Ok(())
}

//! `packtchat accounts reset`

use anyhow::ensure;
use auth::{accounts::Accounts, passwords::Hasher};
use models::{Limits, Password, Token, UserId};

use super::{find, place::Place, sessions};

/// # Errors
/// When there is no such account, or the database or Redis fails.
pub(super) async fn run(place: &Place, name: &str, unlink: bool) -> anyhow::Result<()> {
    let accounts = place.open().await?;
    let account = find::account(&accounts, name).await?;
    let token = Token::generate();
    let password = Password::choose(token.expose(), &Limits::default())?;
    let phc = Hasher::new(&place.passwords)?.hash(&password).await?;
    let done = accounts.reset_password(account.user.id, &phc).await?;
    ensure!(done, "the account was removed at this moment");
    eprintln!(
        "The new password of {}, shown this once; its owner should change it:",
        account.username
    );
    println!("{}", token.expose());
    if account.disabled.is_some() {
        eprintln!("The account is still disabled.");
    }
    identities(&accounts, account.user.id, unlink).await?;
    sessions::end(place, &account).await
}

/// Unlinks the identities, or tells that they still open the account.
async fn identities(accounts: &Accounts, id: UserId, unlink: bool) -> anyhow::Result<()> {
    for identity in accounts.identities(id).await? {
        let provider = &identity.provider;
        // What a provider says may hold anything, also what a terminal obeys.
        let label = identity.label.escape_debug();
        if unlink {
            accounts.unlink(id, provider).await?;
            eprintln!("Unlinked {provider}: {label}.");
        } else {
            eprintln!("{provider}: {label} still opens the account; --unlink takes that away.");
        }
    }
    Ok(())
}

//! `packtchat accounts reset`

use anyhow::ensure;
use auth::passwords::Hasher;
use models::{Limits, Password, Token};

use super::{find, place::Place, sessions};

/// # Errors
/// When there is no such account, or the database or Redis fails.
pub(super) async fn run(place: &Place, name: &str) -> anyhow::Result<()> {
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
    sessions::end(place, &account).await
}

//! `packtchat accounts show`

use std::time::{Duration, UNIX_EPOCH};

use super::{find, place::Place};

/// # Errors
/// When there is no such account, or the database fails.
pub(super) async fn run(place: &Place, name: &str) -> anyhow::Result<()> {
    let accounts = place.open().await?;
    let account = find::account(&accounts, name).await?;
    println!("Username   {}", account.username);
    if let Some(shown) = &account.display_name {
        println!("Shown as   {shown}");
    }
    println!("Id         {}", account.user.id);
    println!("From       {}", account.user.kind.as_str());
    println!("Made       {}", date(account.created));
    match &account.password {
        Some(password) => println!("Password   chosen {}", date(password.changed)),
        None => println!("Password   none"),
    }
    for identity in accounts.identities(account.user.id).await? {
        // What a provider says may hold anything, also what a terminal obeys.
        let (subject, label) = (
            identity.subject.escape_debug(),
            identity.label.escape_debug(),
        );
        println!(
            "Identity   {}: {label} (subject {subject})",
            identity.provider
        );
    }
    if let Some(since) = account.disabled {
        println!("Disabled   {}", date(since));
    }
    Ok(())
}

/// A time in milliseconds since the Unix epoch, for people.
pub(super) fn date(ms: u64) -> String {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(ms))
        .map_or_else(
            || "at no time".to_owned(),
            |time| humantime::format_rfc3339_seconds(time).to_string(),
        )
}

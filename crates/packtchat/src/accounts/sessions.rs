//! Ends the sessions of an account.

use anyhow::Context;
use auth::accounts::Account;
use messaging::{Redis, Sessions};
use settings::SessionSettings;

use super::place::Place;

/// Tells on standard error how many there were, or that nobody knows.
///
/// # Errors
/// When Redis does not answer.
pub(super) async fn end(place: &Place, account: &Account) -> anyhow::Result<()> {
    let name = &account.username;
    let Some(redis) = &place.redis else {
        eprintln!(
            "The sessions of {name} were NOT ended, as no Redis is known: who is signed in stays so. Run this again \
             with --redis or PACKTCHAT__REDIS__URL, or while the chat of `packtchat up` runs."
        );
        return Ok(());
    };
    let ended = async {
        // Nothing is signed here, and the chat may let sessions live longer than the defaults.
        let settings = SessionSettings {
            absolute_secs: u64::MAX,
            ..SessionSettings::new(&stack::private_file::random_secret()?)
        };
        let sessions = Sessions::new(Redis::connect(redis)?, &settings)?;
        anyhow::Ok(sessions.end_all(account.user.id, None).await?)
    };
    let ended = ended.await.with_context(|| {
        format!("the sessions of {name} were not ended, who is signed in stays so; run this again")
    })?;
    match ended {
        0 => eprintln!("{name} was signed in nowhere."),
        1 => eprintln!("The one session of {name} was ended."),
        count => eprintln!("All {count} sessions of {name} were ended."),
    }
    Ok(())
}

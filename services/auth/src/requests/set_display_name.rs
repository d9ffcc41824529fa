use models::{DisplayName, UserId, account::AuthReply};

use super::{Auth, invalid};
use crate::accounts::Naming;

/// Shows another name of an account to others: an empty one is the username.
pub(super) async fn set_display_name(
    auth: &Auth,
    id: UserId,
    name: &str,
) -> anyhow::Result<AuthReply> {
    let name = if name.trim().is_empty() {
        None
    } else {
        match DisplayName::parse(name, &auth.limits) {
            Ok(name) => Some(name),
            Err(why) => return Ok(invalid(why)),
        }
    };
    if let Err(reply) = auth.account(id).await? {
        return Ok(reply);
    }
    Ok(
        match auth.accounts.set_display_name(id, name.as_ref()).await? {
            Naming::Named(user) => AuthReply::Accepted { user },
            Naming::Taken => AuthReply::UsernameTaken,
            Naming::NoAccount => AuthReply::WrongCredentials,
        },
    )
}

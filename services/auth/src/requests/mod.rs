//! The requests of the queue, one file each.
//!
//! RabbitMQ delivers a request again when the process that had it dies before its acknowledgement, even if its work
//! was done by then. So every request is safe to answer twice, and the second answer is the first one: what a request
//! finds already done, within [`REPEAT_WINDOW_MS`] and provable by the password it carries, it answers
//! [`AuthReply::Accepted`]. That gives nothing away: whoever has that name and that password could as well ask
//! [`AuthRequest::Verify`].

mod change_password;
mod register;
mod verify;

use models::{
    Limits, Password, User,
    account::{AuthReply, AuthRequest},
    now_ms,
};

use crate::{
    accounts::{Account, Accounts, StoredPassword},
    passwords::{Hasher, Verdict},
};

/// How long after it was done a request may be delivered again and still be answered as done, in milliseconds.
/// Nobody waits longer for an answer.
const REPEAT_WINDOW_MS: u64 = 60_000;

/// What answering takes. Cloning is cheap.
#[derive(Clone)]
pub struct Auth {
    /// Who has an account.
    pub accounts: Accounts,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Bounds on usernames and passwords.
    pub limits: Limits,
}

impl Auth {
    /// Answers a request. What fails on the way is logged here, and the answer is [`AuthReply::Unavailable`].
    pub async fn answer(&self, request: AuthRequest) -> AuthReply {
        let (name, reply) = match request {
            AuthRequest::Register { username, password } => (
                "register",
                register::register(self, &username, &password).await,
            ),
            AuthRequest::Verify { username, password } => {
                ("verify", verify::verify(self, &username, &password).await)
            }
            AuthRequest::ChangePassword { id, old, new } => (
                "change_password",
                change_password::change_password(self, id, old.as_ref(), &new).await,
            ),
            other => ("other", Err(anyhow::anyhow!("not answered: {other:?}"))),
        };
        reply.unwrap_or_else(|error| {
            tracing::error!(
                request = name,
                error = format!("{error:#}"),
                "request failed"
            );
            AuthReply::Unavailable
        })
    }

    /// Compares the password with the stored one. `None` where there is no account or it has no password, which takes
    /// as long to find out.
    async fn compare(
        &self,
        account: Option<Account>,
        password: &Password,
    ) -> anyhow::Result<Option<(User, StoredPassword, Verdict)>> {
        let known = account.and_then(|Account { user, password, .. }| Some((user, password?)));
        let phc = known.as_ref().map(|(_, stored)| stored.phc.as_str());
        let verdict = self.hasher.verify(password, phc).await?;
        Ok(known.map(|(user, stored)| (user, stored, verdict)))
    }
}

/// Was this moment, in milliseconds since the Unix epoch, so lately that the request at hand may be the one that did
/// it?
fn may_be_a_repeat(done: u64) -> bool {
    now_ms().saturating_sub(done) < REPEAT_WINDOW_MS
}

fn invalid(why: impl std::error::Error) -> AuthReply {
    AuthReply::Invalid {
        message: why.to_string(),
    }
}

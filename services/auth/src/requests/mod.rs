//! The requests of the queues, one file each.
//!
//! RabbitMQ delivers a request again when the process that had it dies before its acknowledgement, even if its work
//! was done by then. So every request is safe to answer twice, and the second answer is the first one. What a request
//! finds already as it wishes it, it answers as done. Where that would give something away, only what was done within
//! [`REPEAT_WINDOW_MS`] and is provable by the password it carries is answered so: whoever has that name and that
//! password could as well ask [`AuthRequest::Verify`].
//!
//! A disabled account can do nothing at all; only who knows its password, or is proved by its provider, is told why.

mod begin_sign_in;
mod change_password;
mod create_with_identity;
mod finish_sign_in;
mod get_account;
mod link_identity;
mod list_providers;
mod register;
mod set_display_name;
mod unlink_identity;
mod verify;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use models::{
    Limits, Password, UserId,
    account::{AuthReply, AuthRequest},
    now_ms,
};
use tokio::time::timeout;

use crate::{
    accounts::{Account, Accounts, StoredPassword},
    passwords::{Hasher, Verdict},
    providers::Providers,
};

/// How long after it was done a request may be delivered again and still be answered as done, in milliseconds.
/// Nobody waits longer for an answer, so that answering takes no longer, either.
const REPEAT_WINDOW_MS: u64 = 60_000;

/// What answering takes. Cloning is cheap.
#[derive(Clone)]
pub struct Auth {
    /// Who has an account.
    pub accounts: Accounts,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Who else can prove who somebody is.
    pub providers: Arc<Providers>,
    /// Bounds on names and passwords.
    pub limits: Limits,
}

impl Auth {
    /// Answers a request. What fails on the way is logged here, and the answer is [`AuthReply::Unavailable`].
    pub async fn answer(&self, request: AuthRequest) -> AuthReply {
        let name = name(&request);
        let longest = Duration::from_millis(REPEAT_WINDOW_MS);
        let reply = timeout(longest, self.answer_patiently(request)).await;
        let reply = reply.context("it took too long").flatten();
        reply.unwrap_or_else(|error| {
            tracing::error!(
                request = name,
                error = format!("{error:#}"),
                "request failed"
            );
            AuthReply::Unavailable
        })
    }

    async fn answer_patiently(&self, request: AuthRequest) -> anyhow::Result<AuthReply> {
        match request {
            AuthRequest::Register { username, password } => {
                register::register(self, &username, &password).await
            }
            AuthRequest::Verify { username, password } => {
                verify::verify(self, &username, &password).await
            }
            AuthRequest::ChangePassword { id, old, new } => {
                change_password::change_password(self, id, old.as_ref(), &new).await
            }
            AuthRequest::GetAccount { id } => get_account::get_account(self, id).await,
            AuthRequest::SetDisplayName { id, name } => {
                set_display_name::set_display_name(self, id, &name).await
            }
            AuthRequest::ListProviders => Ok(list_providers::list_providers(self)),
            AuthRequest::BeginSignIn {
                provider,
                redirect_uri,
            } => Ok(begin_sign_in::begin_sign_in(self, &provider, &redirect_uri).await),
            AuthRequest::FinishSignIn {
                provider,
                redirect_uri,
                code,
                nonce,
                verifier,
            } => {
                finish_sign_in::finish_sign_in(
                    self,
                    &provider,
                    &redirect_uri,
                    &code,
                    &nonce,
                    &verifier,
                )
                .await
            }
            AuthRequest::CreateWithIdentity { identity, username } => {
                create_with_identity::create_with_identity(self, &identity, &username).await
            }
            AuthRequest::LinkIdentity { id, identity } => {
                link_identity::link_identity(self, id, &identity).await
            }
            AuthRequest::UnlinkIdentity { id, provider } => {
                unlink_identity::unlink_identity(self, id, &provider).await
            }
        }
    }

    /// The account of somebody who is signed in, or what to answer instead.
    async fn account(&self, id: UserId) -> anyhow::Result<Result<Account, AuthReply>> {
        Ok(match self.accounts.by_id(id).await? {
            None => Err(AuthReply::WrongCredentials),
            Some(account) if account.disabled.is_some() => Err(AuthReply::Disabled),
            Some(account) => Ok(account),
        })
    }

    /// Compares the password with the stored one. `None` where there is no account or it has no password, which takes
    /// as long to find out.
    async fn compare(
        &self,
        account: Option<Account>,
        password: &Password,
    ) -> anyhow::Result<Option<(Account, StoredPassword, Verdict)>> {
        let known = account.and_then(|account| {
            let stored = account.password.clone()?;
            Some((account, stored))
        });
        let phc = known.as_ref().map(|(_, stored)| stored.phc.as_str());
        let verdict = self.hasher.verify(password, phc).await?;
        Ok(known.map(|(account, stored)| (account, stored, verdict)))
    }
}

/// A request's name in logs.
fn name(request: &AuthRequest) -> &'static str {
    match request {
        AuthRequest::Register { .. } => "register",
        AuthRequest::Verify { .. } => "verify",
        AuthRequest::ChangePassword { .. } => "change_password",
        AuthRequest::GetAccount { .. } => "get_account",
        AuthRequest::SetDisplayName { .. } => "set_display_name",
        AuthRequest::ListProviders => "list_providers",
        AuthRequest::BeginSignIn { .. } => "begin_sign_in",
        AuthRequest::FinishSignIn { .. } => "finish_sign_in",
        AuthRequest::CreateWithIdentity { .. } => "create_with_identity",
        AuthRequest::LinkIdentity { .. } => "link_identity",
        AuthRequest::UnlinkIdentity { .. } => "unlink_identity",
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

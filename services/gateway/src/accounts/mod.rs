//! Accounts, as `auth` keeps them, and the questions about them.

mod credentials;
mod identities;
mod profile;
mod refusal;

use messaging::{Amqp, RpcClient, RpcError};
use models::{
    Limits, User,
    account::{AuthReply, AuthRequest},
    amqp_names::{AUTH_LOGINS, AUTH_REQUESTS},
};
use std::time::Duration;

pub(crate) use identities::{Begun, Proven};
pub(crate) use refusal::Refusal;

/// Asks `auth`. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Accounts {
    logins: RpcClient,
    requests: RpcClient,
    limits: Limits,
}

impl Accounts {
    /// Waits at most `patience` for an answer.
    pub(crate) fn new(amqp: &Amqp, patience: Duration, limits: Limits) -> Self {
        Self {
            logins: RpcClient::start(amqp, AUTH_LOGINS, patience),
            requests: RpcClient::start(amqp, AUTH_REQUESTS, patience),
            limits,
        }
    }

    async fn ask(&self, request: AuthRequest) -> Result<AuthReply, Refusal> {
        let queue = request.queue();
        let client = if queue == AUTH_LOGINS {
            &self.logins
        } else {
            &self.requests
        };
        client.call(&request).await.map_err(|error: RpcError| {
            tracing::warn!(queue, %error, "auth did not answer");
            Refusal::TryAgain
        })
    }

    /// Asks what is answered with an account.
    async fn ask_for_user(&self, request: AuthRequest) -> Result<User, Refusal> {
        match self.ask(request).await? {
            AuthReply::Accepted { user } => Ok(user),
            other => Err(Refusal::from(other)),
        }
    }

    /// The same, asked by the account's owner without a password.
    async fn ask_for_owner(&self, request: AuthRequest) -> Result<User, Refusal> {
        match self.ask_for_user(request).await {
            Err(Refusal::WrongCredentials) => Err(Refusal::NoAccount),
            outcome => outcome,
        }
    }
}
